"""Preprocessing of adopted models: pictures and texts as their own libraries give them to their networks.

Every step that a model's files describe is done as there (resizing, cropping, interpolation, normalising; cleaning,
truncating, padding), since a network finds less in anything else.
"""

from __future__ import annotations

import html
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from xmr.modality import BadInput, Drawing, check_text
from xmr.preprocess.rgb import to_rgb
from xmr.preprocess.sketch import SKETCHED, sketch_input
from xmr.preprocess.text import Tokenizer, clean_text

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class View:
    """How a photo tower wants to see a picture.

    Attributes:
        size: side in pixels of the square that the network takes.
        resize: "shortest": the shorter side becomes `edge`, and the middle is cropped; "squash": both sides become
            `size`; "longest": the longer side becomes `size`, and the rest is filled.
        edge: see "shortest".
        interpolation: a key of INTERPOLATIONS.
        mean: of the three channels, of values in 0..1.
        std: likewise.
        centre: where the middle is if it lies between two pixels: "floor" as in transformers, "round" (to even) as in
            torchvision.
        fill: the value 0..255 that fills.
    """

    size: int
    resize: str
    edge: int
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    centre: str = "floor"
    fill: int = 0


def view_input(image: Image.Image, view: View) -> np.ndarray:
    """The input of an adopted photo tower: (3, size, size) float32."""
    image, filter = to_rgb(image), INTERPOLATIONS[view.interpolation]
    width, height = image.size
    if view.resize == "squash":
        image = image.resize((view.size, view.size), filter)
    elif view.resize == "shortest":
        short, long = sorted((width, height))
        longer = int(view.edge * long / short)
        size = (view.edge, longer) if width <= height else (longer, view.edge)
        image = image.resize(size, filter)
        left, top = (_centre(side - view.size, view.centre) for side in size)
        image = image.crop((left, top, left + view.size, top + view.size))
    else:
        scale = view.size / max(width, height)
        image = image.resize((max(1, round(width * scale)), max(1, round(height * scale))), filter)
        frame = Image.new("RGB", (view.size, view.size), (view.fill,) * 3)
        frame.paste(image, ((view.size - image.width) // 2, (view.size - image.height) // 2))
        image = frame
    unit = np.asarray(image, np.float32) / np.float32(255)
    scaled = (unit - np.array(view.mean, np.float32)) / np.array(view.std, np.float32)
    return scaled.transpose(2, 0, 1)


def drawn_view(sketch: Drawing | Image.Image, view: View) -> np.ndarray:
    """The same for a drawing, as a photo tower sees it: black lines in the middle of white paper, photographed straight
    on. (3, size, size) float32; raises BadInput as sketch_input does."""
    return view_input(Image.fromarray(sketch_input(sketch, max(view.size, SKETCHED))), view)


def _centre(spare: int, rule: str) -> int:
    return round(spare / 2) if rule == "round" else spare // 2


@dataclass(frozen=True)
class TextForm:
    """How a text tower wants its texts.

    Attributes:
        max_tokens: the most tokens of a text, with those that begin and end it.
        pad: the id of the token that fills.
        padded: fill every text to max_tokens; else to the longest of its batch.
        clean: what is done before: "none"; "whitespace": HTML entities are read, and spaces made one; "lower": and
            small letters; "canonicalize": and no punctuation (the names are open_clip's); "case": small letters alone.
    """

    max_tokens: int
    pad: int
    padded: bool
    clean: str = "none"


class AdoptedTokenizer:
    """Text -> token ids as an adopted text tower takes them, by its own tokenizer.json."""

    def __init__(self, path: str | Path, content: bytes | None, form: TextForm) -> None:
        """Raises BadInput if the file is missing or is no tokenizer."""
        self._form = form
        self._tokens = Tokenizer(path, content)
        self._tokens.limit(form.max_tokens, form.pad, form.padded)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """(N, 2, L) int64: token ids, and 1 where a token is one of the text.

        Raises:
            BadInput: a text that is none, or is empty.
        """
        cleaned = []
        for text in texts:
            check_text(text)
            cleaned.append(tidied(clean_text(text), self._form.clean))
            if not cleaned[-1]:
                raise BadInput("The caption is empty. Describe the photo in a few words, such as: a red car.")
        return self._tokens.with_mask(cleaned)


def tidied(text: str, clean: str) -> str:
    """A text after the cleaning of that name, see TextForm.

    >>> tidied("A  red_car &amp; a bus!", "canonicalize")
    'a red car a bus'
    """
    if clean in ("none", "case"):
        return text.lower() if clean == "case" else text
    text = html.unescape(html.unescape(text))
    if clean == "canonicalize":
        text = text.replace("_", " ").translate(_NO_PUNCTUATION)
    text = " ".join(text.split())
    return text if clean == "whitespace" else text.lower()
