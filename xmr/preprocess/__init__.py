"""Turns user input into network input: picture -> array, strokes -> raster, text -> token ids.

Training uses the same functions, so at query time a network gets the same kind of input as in training.
"""

from xmr.preprocess.adopted import AdoptedTokenizer, TextForm, View, drawn_view, view_input
from xmr.preprocess.drawn import is_drawing
from xmr.preprocess.kinds import HEAD, PICTURE_SUFFIXES, Kind, picture_kind
from xmr.preprocess.photo import open_picture, photo_input, picture_size
from xmr.preprocess.sketch import SKETCHED, open_sketch, read_drawing, sketch_input
from xmr.preprocess.spelling import Vocabulary
from xmr.preprocess.text import UNKNOWN, Tokenizer, clean_text
from xmr.preprocess.words import Reading, read

__all__ = [
    "HEAD",
    "PICTURE_SUFFIXES",
    "SKETCHED",
    "UNKNOWN",
    "AdoptedTokenizer",
    "Kind",
    "Reading",
    "TextForm",
    "Tokenizer",
    "View",
    "Vocabulary",
    "clean_text",
    "drawn_view",
    "is_drawing",
    "open_picture",
    "open_sketch",
    "photo_input",
    "picture_kind",
    "picture_size",
    "read",
    "read_drawing",
    "sketch_input",
    "view_input",
]
