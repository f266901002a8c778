"""The query of Search and Compare: words over the answers, and beside them a drawing, pictures, and their weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit_drawable_canvas import st_canvas

from pages import address, galleries, likes, pictures
from pages.language import language, tr
from pages.plain import plain, short
from pages.shared import DEFAULT, changed, in_words, load_gallery, open_gallery, open_system, systems
from pages.state import sent, state
from pages.widgets import fold, peek, tools
from pages.widgets.canvas import canvas_drawing, drawing_from_canvas
from pages.widgets.strokes import from_text, to_text
from xmr.gallery import DEMO, Gallery
from xmr.modality import BadInput, Drawing, Modality, Query, Term, UnknownText
from xmr.search import Searcher

CANVAS = 420  # units a side, in which all drawings are; frame.css says how wide it is shown, from 280 to as many px
PENS = {"Fine": 4, "Medium": 6, "Bold": 11, "Eraser": 32}  # units; the last takes ink away
PARTS = {Modality.SKETCH: "the drawing", Modality.TEXT: "the words", Modality.PHOTO: "the photo"}


def panel() -> tuple[Gallery, list[Term], DeltaGenerator]:
    """The whole query on the page: the gallery that is asked, the query's terms, and the place for the answers."""
    if state.moved:  # what was drawn before another page was opened is still there
        state.moved = False
        _restart()
    by_words()
    with st.container(gap="xxsmall"):  # always there, so that what follows stays in its place, and keeps the focus
        for told in state.told:
            st.warning(plain(told), icon=":material/link_off:")
        pictures.tell_refused()
        if likes.idle() and any((state.words, state.without, state.drawn != "", state.pictures)):
            with st.container(key="idle"):
                st.caption(tr("Does not count with “Photos like this one”."))
        _strip()
    fold(tr("Draw, or give a picture"))
    peek()
    left, right = st.columns([30, 70], gap="large")
    with left:
        drawing = by_drawing()
    address.tell()  # also of a query that no gallery answers, since that ends the page
    with right:  # after the canvas, which can be drawn on while all else is read
        gallery = load_gallery()
    with left:
        offer_examples(gallery)
        given = pictures.given()
        galleries.menu()
        terms = weighed(drawing, given)
    return gallery, terms, right.container(key="answers")


def by_words() -> None:
    """What should be in the photo, what should not, and how to begin anew: in sight wherever the page is scrolled."""
    with st.container(key="query", horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            tr("Words, in English or German"),
            key="words",
            type="search",
            live=True,
            persist_state="session",
            placeholder=tr("a red car · ein rotes Auto"),
            on_change=changed,
        )
        with st.container(key="not-wanted"):
            st.text_input(
                tr("Without"),
                key="without",
                type="search",
                live=True,
                placeholder=tr("grass"),
                persist_state="session",
                help=tr("Pushes photos away that show this."),
                on_change=changed,
            )
        with st.container(key="clear-all", width="content"):
            drawn = state.drawn != "" or bool(_newest().get("objects"))
            asked = any((state.words, state.without, drawn, state.pictures, state.like, state.less, state.where))
            st.button(
                tr("Clear all"),
                icon=":material/clear_all:",
                type="tertiary",
                disabled=not asked,
                help=tr("Start a new query (Esc). Back brings this one back."),
                on_click=_clear_all,
            )


def _clear_all() -> None:
    _record_newest()
    address.clear()


def _strip() -> None:
    """The earlier queries of this visit, to come back to."""
    if earlier := address.past():
        with st.container(key="past", horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(tr("Before:"), width="content")
            for number, (name, params) in enumerate(earlier):
                st.button(
                    name,
                    key=f"past-{number}",
                    type="tertiary",
                    icon=":material/history:",
                    on_click=address.open_query,
                    args=(params,),
                    width="content",
                )


def by_drawing() -> list[Term]:
    """The canvas with its pens and tools."""
    pen = state.pen or "Medium"  # chosen below, but nothing is sent to the page before the canvas
    names = {"Fine": tr("Fine"), "Medium": tr("Medium"), "Bold": tr("Bold"), "Eraser": tr("Eraser")}
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
                tr("Pen"),
                PENS,
                key="pen",
                default="Medium",
                required=True,
                format_func=names.get,
                label_visibility="collapsed",
                persist_state="session",
            )
            tools(state.history, pen, state.taken, _step, _clear)
    if canvas.json_data != state.read[0]:
        try:
            drawing = drawing_from_canvas(canvas.json_data)
        except BadInput as error:
            st.warning(str(error))
            return []
        before, state.drawn = state.drawn, _text(canvas.json_data, drawing)
        if state.drawn:  # what is asked is what the address says, to the last photo
            drawing = from_text(state.drawn)
        state.read = (canvas.json_data, drawing)
        if state.drawn != before:
            changed()
    if state.drawn is None:
        st.caption(tr("This drawing is too long for the page's address: a link will not include it."))
    drawing = state.read[1]
    return [Term(Modality.SKETCH, drawing)] if drawing.strokes else []


def _text(json_data: Any, drawing: Drawing) -> str | None:
    """A drawing for the address: the text that it came from, as long as nobody has changed it."""
    strokes, text = state.linked
    came = json_data.get("objects") if isinstance(json_data, dict) else None
    if text and isinstance(came, list) and [_place(one) for one in came] == [_place(one) for one in strokes]:
        return text
    return to_text(drawing)


def _place(stroke: Any) -> tuple[Any, ...] | None:
    """What tells whether a stroke of the canvas is still where it was."""
    if not isinstance(stroke, dict):
        return None
    sides = [stroke.get(side) for side in ("left", "top")]
    return stroke.get("path"), *(round(side) if isinstance(side, (int, float)) else None for side in sides)


def _record(json_data: Any) -> None:
    """Keep what is on the canvas now, so that it can be undone, and is there on another page."""
    if isinstance(json_data, dict) and isinstance(json_data.get("objects"), list):
        state.history = state.history.recorded(json_data["objects"])


def _newest() -> dict[str, Any]:
    """The JSON of what is on the canvas, also before that is on the page in this run; empty before it was sent."""
    drawing = (st.session_state.get(f"canvas-{state.canvas}") or {}).get("drawing")
    raw = drawing.get("raw") if isinstance(drawing, dict) else None
    return raw if isinstance(raw, dict) else {}


def _record_newest() -> None:
    """Also what came together with what is done now, such as a stroke that is undone at once."""
    _record(_newest())


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
    """Drawings to begin with, for who can't draw: the gallery's, or else those of the shipped one."""
    if examples := gallery.examples() or open_gallery(DEMO).examples():
        st.pills(
            tr("Or take an example"),
            examples,
            key="example",
            format_func=lambda name: plain(in_words(name)),
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


def weighed(drawing: list[Term], given: list[pictures.Picture]) -> list[Term]:
    """The terms of the query with the weights that the person gives them, and what the photos should not show."""
    words = state.words or ""
    parts: dict[str, tuple[str, Term]] = {}
    if drawing:
        parts["drawing"] = (tr("the drawing"), drawing[0])
    if words.strip():
        parts["words"] = (tr("the words"), Term(Modality.TEXT, words))
    for number, picture in enumerate(given, 1):
        if picture.term:
            label = tr("the picture") if len(given) == 1 else tr("picture {number}", number=number)
            parts[f"picture-{number}"] = (label, picture.term)
    if len(parts) > 1:
        with st.expander(tr("Balance the parts"), icon=":material/tune:", expanded=bool(state.weights)):
            parts = {name: (label, _weigh(name, label, term)) for name, (label, term) in parts.items()}
    without = state.without or ""
    unwanted = [Term(Modality.TEXT, without, weight=-1.0)] if without.strip() else []
    return [term for _, term in parts.values()] + unwanted


def _weigh(name: str, label: str, term: Term) -> Term:
    key = f"weight-{name}"
    st.session_state[key] = (state.weights or {}).get(name, 1.0)
    weight = st.slider(
        tr("Weight of {part}", part=label), 0.05, 1.0, step=0.05, key=key, on_change=_set_weight, args=(name,)
    )
    return replace(term, weight=weight)


def _set_weight(name: str) -> None:
    if (weight := sent(f"weight-{name}")) is not None:
        state.weights = {**(state.weights or {}), name: weight}
        changed()


def caption_language(searcher: Searcher, terms: list[Term]) -> str:
    """The language in which captions answer: that of the words, else the visitor's."""
    return _language(searcher, terms) or language()


def foreign(searcher: Searcher, terms: list[Term]) -> str:
    """A word on a language of which the searcher's system knows nothing; empty where it knows that of the words."""
    sentences = {
        "en": tr("This system was not trained on English: what it finds for these words is a guess."),
        "de": tr("This system was not trained on German: what it finds for these words is a guess."),
    }
    spoken = _language(searcher, terms)
    return "" if spoken in searcher.system.languages else sentences.get(spoken or "", "")


def _language(searcher: Searcher, terms: list[Term]) -> str | None:
    """The language of the words; where the searcher's system cannot tell, the default one does."""
    query = Query(tuple(terms))
    found = searcher.language(query)
    if not found and DEFAULT in systems():
        found = Searcher(open_system(DEFAULT), searcher.gallery).language(query)
    return found


def understood(searcher: Searcher, terms: list[Term]) -> list[Term]:
    """The terms as vectors of the searcher's system, texts as they are meant; a word on each that cannot be used,
    without which it goes on."""
    usable = []
    for term in meant(searcher, terms):
        try:
            usable.append(_encoded(searcher, term))
        except BadInput as error:
            st.warning(sentence(error))
    return usable


def sentence(error: BadInput) -> str:
    """Why a part of the query cannot be used, as Markdown: in the visitor's language where people come upon it in an
    ordinary query."""
    if isinstance(error, UnknownText) and error.text:
        return tr(
            "No word of “{text}” is known. Describe the photo in English or German words.", text=plain(error.text)
        )
    return plain(error)


def meant(searcher: Searcher, terms: list[Term], tell: bool = True) -> list[Term]:
    """The terms with their texts as the searcher's system reads them; as they were typed where the person said so. With
    `tell`, a word on what was read otherwise than typed."""
    if state.exact and any(term.modality is Modality.TEXT and term.content == state.exact for term in terms):
        if tell:
            st.caption(tr("Searching for exactly “{text}”.", text=plain(short(state.exact))))
        return terms
    query, readings = searcher.read(Query(tuple(terms)))
    for number, reading in enumerate(readings if tell else ()):
        told = []
        if reading.corrected:
            texts = ", ".join(f"**{plain(short(meant))}**" for _, meant in reading.corrected)
            told.append(tr("Showing {texts}.", texts=texts))
        if reading.unwanted:
            texts = ", ".join(f"**{plain(short(text))}**" for text in reading.unwanted)
            told.append(tr("Without {texts}.", texts=texts))
        if reading.unknown:
            texts = ", ".join(f"*{plain(short(word))}*" for word in reading.unknown)
            told.append(tr("Unknown: {texts}.", texts=texts))
        if told:
            row = st.container(horizontal=True, vertical_alignment="center", gap="small")
            row.markdown(" ".join(told), width="content")
            if reading.changed:
                row.button(
                    tr("Search for “{text}” instead", text=plain(short(reading.typed))),
                    type="tertiary",
                    key=f"as-typed-{number}",  # two texts may be the same
                    on_click=_take_as_typed,
                    args=(reading.typed,),
                )
    return list(query.terms)


def _take_as_typed(text: str) -> None:
    state.exact = text


def _encoded(searcher: Searcher, term: Term) -> Term:
    for picture in state.pictures:
        if picture.term and picture.term.content is term.content:
            name = searcher.system.name
            if name not in picture.vectors:
                picture.vectors[name] = searcher.encode(term)
            return replace(picture.vectors[name], weight=term.weight)
    return searcher.encode(term)
