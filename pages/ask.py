"""The left half of Search and Compare: a query that is drawn, typed, uploaded, or all of these."""

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from pages.widgets import inline
from xmr.gallery import Gallery, thumbnail
from xmr.modality import BadInput, Drawing, Modality, Term
from xmr.preprocess import canvas_drawing, drawing_from_canvas, open_picture
from xmr.search import Searcher

CANVAS = 340  # px; fits a phone of 420 with its margins
PENS = {"Fine": 3, "Medium": 5, "Bold": 9, "Eraser": 26}  # px; the last takes ink away
PARTS = {Modality.SKETCH: "the drawing", Modality.TEXT: "the words", Modality.PHOTO: "the photo"}

state = st.session_state


@dataclass(frozen=True)
class Upload:
    """An uploaded photo, read once, and its term in each system's space, encoded once, not at each run of the page."""

    file_id: str
    picture: Any
    small: str
    terms: dict[str, Term]


def begin() -> None:
    """Call first: what was drawn before another page was opened is still there."""
    state.setdefault("start", None)  # what the canvas begins with
    state.setdefault("canvas", 0)  # a new number gives a new canvas
    state.setdefault("drawn", None)  # what is on it
    state.setdefault("upload", None)
    if state.pop("moved", False):
        state.start = state.drawn
        state.canvas += 1


def by_drawing() -> list[Term]:
    """The canvas with its pens; undo, redo and clear are in its own toolbar."""
    pen = state.get("pen") or "Medium"  # chosen below, but nothing is sent to the page before the canvas
    canvas = st_canvas(
        stroke_width=PENS[pen],
        stroke_color="#ffffff" if pen == "Eraser" else "#1a1a1a",
        background_color="#ffffff",  # paper in both themes
        width=CANVAS,
        height=CANVAS,
        initial_drawing=state.start,
        key=f"canvas-{state.canvas}",
    )
    st.segmented_control("Pen", PENS, key="pen", default="Medium", required=True, label_visibility="collapsed",
                         persist_state="session")
    if canvas.json_data:
        state.drawn = canvas.json_data
    drawing = drawing_from_canvas(canvas.json_data)
    return [Term(Modality.SKETCH, drawing)] if drawing.strokes else []


def offer_examples(gallery: Gallery) -> None:
    """Drawings to begin with, for who can't draw."""
    if examples := gallery.examples():
        st.pills("Or take an example", examples, key="example", on_change=_start_from, args=(examples,), wrap=True)


def _start_from(examples: dict[str, Drawing]) -> None:
    """Put the chosen example on a fresh canvas; none chosen leaves the canvas as it is."""
    if state.example:
        state.start = state.drawn = canvas_drawing(examples[state.example], CANVAS, PENS["Medium"])
        state.canvas += 1


def by_words() -> list[Term]:
    """What should be in the photo."""
    words = st.text_input("Words, in English or German", key="words", type="search", live=True, persist_state="session",
                          placeholder="a red car · ein rotes Auto")
    return [Term(Modality.TEXT, words)] if words and words.strip() else []


def by_photo() -> list[Term]:
    """An uploaded photo; one that cannot be read is named, and the rest of the query goes on without it."""
    upload = st.file_uploader("A photo", help="JPEG, PNG, WebP, GIF, BMP or TIFF, up to 50 MB")
    if upload is None:
        return []
    if not state.upload or state.upload.file_id != upload.file_id:
        try:
            picture = open_picture(upload, at_least=224)
        except BadInput as error:
            st.warning(str(error), icon=":material/broken_image:")
            return []
        state.upload = Upload(upload.file_id, picture, inline(thumbnail(picture)), {})
    st.image(state.upload.small, width=120, alt="The uploaded photo")
    return [Term(Modality.PHOTO, state.upload.picture)]


def refined(terms: list[Term]) -> list[Term]:
    """The terms with the weights that the person gives them, and what the photos should not show."""
    with st.popover("Refine", icon=":material/tune:", width="stretch"):
        without = st.text_input("Without", key="without", type="search", live=True, placeholder="grass · Gras",
                                persist_state="session", help="Pushes photos away that show this.")
        if len(terms) > 1:
            terms = [replace(t, weight=st.slider(f"Weight of {PARTS[t.modality]}", 0.05, 1.0, 1.0, 0.05,
                                                 key=f"weight-{t.modality}")) for t in terms]
    unwanted = [Term(Modality.TEXT, without, weight=-0.5)] if without and without.strip() else []
    return terms + unwanted


def understood(searcher: Searcher, terms: list[Term]) -> list[Term]:
    """The terms as vectors of the searcher's system; a word on each that cannot be used, without which it goes on."""
    usable = []
    for term in terms:
        try:
            usable.append(_encoded(searcher, term))
        except BadInput as error:
            st.warning(str(error))
    return usable


def _encoded(searcher: Searcher, term: Term) -> Term:
    if state.upload is None or term.content is not state.upload.picture:
        return searcher.encode(term)
    held, name = state.upload.terms, searcher.system.name
    if name not in held:
        held[name] = searcher.encode(term)
    return replace(held[name], weight=term.weight)
