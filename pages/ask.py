"""The left half of Search and Compare: a query that is drawn, typed, uploaded, or all of these."""

from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from pages.plain import plain
from pages.state import state
from pages.widgets import tools
from pages.widgets.canvas import canvas_drawing, drawing_from_canvas
from xmr.gallery import Gallery
from xmr.modality import BadInput, Drawing, Modality, Query, Term
from xmr.search import Searcher

CANVAS = 420  # units a side, in which all drawings are; frame.css says how wide it is shown, from 280 to as many px
PENS = {"Fine": 4, "Medium": 6, "Bold": 11, "Eraser": 32}  # units; the last takes ink away
PARTS = {Modality.SKETCH: "the drawing", Modality.TEXT: "the words", Modality.PHOTO: "the photo"}


def begin() -> None:
    """Call first: what was drawn before another page was opened is still there."""
    if state.moved:
        state.moved = False
        _restart()


def by_drawing() -> dict[str, Term]:
    """The canvas with its pens and tools."""
    pen = state.pen or "Medium"  # chosen below, but nothing is sent to the page before the canvas
    with st.container(key="sketchpad", gap="xsmall"):
        canvas = st_canvas(
            stroke_width=PENS[pen],
            stroke_color="#ffffff" if pen == "Eraser" else "#1a1a1a",
            background_color="#ffffff",  # paper in both themes
            width=CANVAS,
            height=CANVAS,
            initial_drawing=state.start,
            key=f"canvas-{state.canvas}",
        )
        _record(canvas.json_data)
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="xxsmall"):
            st.segmented_control(
                "Pen",
                PENS,
                key="pen",
                default="Medium",
                required=True,
                label_visibility="collapsed",
                persist_state="session",
            )
            tools(state.history, pen, state.taken, _step, _clear)
    if canvas.json_data != state.read[0]:
        try:
            state.read = (canvas.json_data, drawing_from_canvas(canvas.json_data))
        except BadInput as error:
            st.warning(str(error))
            return {}
    drawing = state.read[1]
    return {PARTS[Modality.SKETCH]: Term(Modality.SKETCH, drawing)} if drawing.strokes else {}


def _record(json_data: Any) -> None:
    """Keep what is on the canvas now, so that it can be undone, and is there on another page."""
    if isinstance(json_data, dict) and isinstance(json_data.get("objects"), list):
        state.history = state.history.recorded(json_data["objects"])


def _record_newest() -> None:
    """Also what came together with what is done now, such as a stroke that is undone at once."""
    if newest := (st.session_state.get(f"canvas-{state.canvas}") or {}).get("drawing"):
        _record(newest.get("raw"))


def _restart() -> None:
    """Begin another canvas with the drawing that the history is at."""
    state.start, state.canvas = {"objects": list(state.history.strokes)}, state.canvas + 1


def _step(taken: int) -> None:
    """Undo and redo: so many steps were taken until now, back and forward."""
    _record_newest()
    by, state.taken = taken - state.taken, taken
    state.history = state.history.moved(by)
    _restart()


def _clear() -> None:
    _record_newest()
    state.history = state.history.recorded([])
    _restart()


def offer_examples(gallery: Gallery) -> None:
    """Drawings to begin with, for who can't draw."""
    if examples := gallery.examples():
        st.pills(
            "Or take an example",
            examples,
            key="example",
            format_func=plain,
            on_change=_start_from,
            args=(examples,),
            wrap=True,
        )


def _start_from(examples: dict[str, Drawing]) -> None:
    """Put the chosen example on a fresh canvas; none chosen leaves the canvas as it is."""
    if state.example:
        _record_newest()
        drawn = canvas_drawing(examples[state.example], CANVAS, PENS["Medium"])
        state.history = state.history.recorded(drawn["objects"], at_once=True)
        _restart()


def by_words() -> dict[str, Term]:
    """What should be in the photo."""
    words = st.text_input(
        "Words, in English or German",
        key="words",
        type="search",
        live=True,
        persist_state="session",
        placeholder="a red car · ein rotes Auto",
    )
    return {PARTS[Modality.TEXT]: Term(Modality.TEXT, words)} if words and words.strip() else {}


def refined(parts: dict[str, Term]) -> list[Term]:
    """The parts of the query, which have names, with the weights that the person gives them; and what the photos should
    not show."""
    terms = list(parts.values())
    with st.popover("Refine", icon=":material/tune:", width="stretch"):
        without = st.text_input(
            "Without",
            key="without",
            type="search",
            live=True,
            placeholder="grass · Gras",
            persist_state="session",
            help="Pushes photos away that show this.",
        )
        if len(terms) > 1:
            terms = [
                replace(term, weight=st.slider(f"Weight of {name}", 0.05, 1.0, 1.0, 0.05, key=f"weight-{name}"))
                for name, term in parts.items()
            ]
    unwanted = [Term(Modality.TEXT, without, weight=-1.0)] if without and without.strip() else []
    return terms + unwanted


def understood(searcher: Searcher, terms: list[Term]) -> list[Term]:
    """The terms as vectors of the searcher's system, texts as they are meant; a word on each that cannot be used,
    without which it goes on."""
    usable = []
    for term in meant(searcher, terms):
        try:
            usable.append(_encoded(searcher, term))
        except BadInput as error:
            st.warning(plain(error))
    return usable


def meant(searcher: Searcher, terms: list[Term], tell: bool = True) -> list[Term]:
    """The terms with their texts as the searcher's system reads them; as they were typed where the person said so. With
    `tell`, a word on what was read otherwise than typed."""
    if state.exact and any(term.modality is Modality.TEXT and term.content == state.exact for term in terms):
        if tell:
            st.caption(f"Searching for exactly “{plain(state.exact)}”.")
        return terms
    query, readings = searcher.read(Query(tuple(terms)))
    for number, reading in enumerate(readings if tell else ()):
        told = []
        if reading.corrected:
            told.append(f"Showing {', '.join(f'**{plain(meant)}**' for _, meant in reading.corrected)}.")
        if reading.unwanted:
            told.append(f"Without {', '.join(f'**{plain(text)}**' for text in reading.unwanted)}.")
        if reading.unknown and reading.partly_known:  # else the system says so itself
            told.append(f"Nothing is known of {', '.join(f'*{plain(word)}*' for word in reading.unknown)}.")
        if told:
            row = st.container(horizontal=True, vertical_alignment="center", gap="small")
            row.markdown(" ".join(told), width="content")
            if reading.changed:
                row.button(
                    f"Search for “{plain(reading.typed)}” instead",
                    type="tertiary",
                    key=f"as-typed-{number}",  # two texts may be the same
                    on_click=_take_as_typed,
                    args=(reading.typed,),
                )
    return list(query.terms)


def _take_as_typed(text: str) -> None:
    state.exact = text


def _encoded(searcher: Searcher, term: Term) -> Term:
    for picture in (state.sketch, state.photo):
        if picture and picture.term and picture.term.content is term.content:
            name = searcher.system.name
            if name not in picture.vectors:
                picture.vectors[name] = searcher.encode(term)
            return replace(picture.vectors[name], weight=term.weight)
    return searcher.encode(term)
