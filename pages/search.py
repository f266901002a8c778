"""Search: draw, type or upload a photo, mix them at will, and see the ten best photos at once."""

import time
from dataclasses import replace

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from pages.shared import load_searcher, photo_grid, thumb
from pages.widgets import inline
from xmr.gallery import thumbnail
from xmr.modality import BadInput, Drawing, Modality, Query, Term
from xmr.preprocess import canvas_drawing, drawing_from_canvas, open_picture

CANVAS = 340  # px; fits a phone of 420 with its margins
PENS = {"Fine": 3, "Medium": 5, "Bold": 9, "Eraser": 26}  # px; the last takes ink away
IDEAS = ("a red car", "ein Hund im Schnee", "a blue cup on a table", "ein grüner Baum")
NAMES = {Modality.SKETCH: "the drawing", Modality.TEXT: "the words", Modality.PHOTO: "the photo"}

state = st.session_state
state.setdefault("start", None)  # what the canvas begins with
state.setdefault("canvas", 0)  # a new number gives a new canvas
state.setdefault("upload", None)  # the uploaded file's id, its term and its thumbnail
state.setdefault("like", None)


def like(item_id):
    """Ask for photos like this one; the query so far stays as it is."""
    state.like = item_id


def start_from(examples: dict[str, Drawing]) -> None:
    """Put the chosen example on a fresh canvas; none chosen leaves the canvas as it is."""
    if state.example:
        state.start = canvas_drawing(examples[state.example], CANVAS, PENS["Medium"])
        state.canvas += 1


def query_by_drawing() -> list[Term]:
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
    st.segmented_control("Pen", PENS, key="pen", default="Medium", required=True, label_visibility="collapsed")
    drawing = drawing_from_canvas(canvas.json_data)
    return [Term(Modality.SKETCH, drawing)] if drawing.strokes else []


def offer_examples() -> None:
    """Drawings to begin with, for who can't draw."""
    examples = gallery.examples()
    if examples:
        st.pills("Or take an example", examples, key="example", on_change=start_from, args=(examples,), wrap=True)


def query_by_words() -> list[Term]:
    """What should be in the photo."""
    words = st.text_input("Words, in English or German", key="words", type="search", live=True,
                          placeholder="a red car · ein rotes Auto")
    return [Term(Modality.TEXT, words)] if words and words.strip() else []


def query_by_photo() -> list[Term]:
    """An uploaded photo; one that cannot be read is named, and the rest of the query goes on without it."""
    upload = st.file_uploader("A photo", help="JPEG, PNG, WebP, GIF, BMP or TIFF, up to 50 MB")
    if upload is None:
        return []
    if not state.upload or state.upload[0] != upload.file_id:  # read and encoded once, not at each change of the rest
        try:
            picture = open_picture(upload, at_least=224)
        except BadInput as error:
            st.warning(str(error), icon=":material/broken_image:")
            return []
        state.upload = (upload.file_id, searcher.encode(Term(Modality.PHOTO, picture)), inline(thumbnail(picture)))
    _, term, small = state.upload
    st.image(small, width=120, alt="The uploaded photo")
    return [term]


def refined(terms: list[Term]) -> list[Term]:
    """The terms with the weights that the person gives them, and what the photos should not show."""
    with st.popover("Refine", icon=":material/tune:", width="stretch"):
        without = st.text_input("Without", key="without", type="search", live=True, placeholder="grass · Gras",
                                help="Pushes photos away that show this.")
        if len(terms) > 1:
            terms = [replace(t, weight=st.slider(f"Weight of {NAMES[t.modality]}", 0.05, 1.0, 1.0, 0.05,
                                                 key=f"weight-{t.modality}")) for t in terms]
    unwanted = [Term(Modality.TEXT, without, weight=-0.5)] if without and without.strip() else []
    return terms + unwanted


def answer(terms: list[Term]) -> None:
    """The right half: ten photos, or how to begin."""
    exclude = ()
    if state.like:
        row = st.container(horizontal=True, vertical_alignment="center")
        if chosen := thumb(searcher, state.like):
            row.image(chosen, width=72, alt="The photo that was chosen")
        row.markdown("**Photos like this one**")
        mix = row.toggle("Together with my query", disabled=not terms, key="mix")
        row.button("Back to my query", icon=":material/close:", on_click=like, args=(None,))
        exclude = (state.like,)
        terms = [searcher.like(state.like), *(terms if mix else [])]
    if not terms:
        return welcome()
    start = time.perf_counter()
    usable = [t for t in map(understood, terms) if t]
    if not any(t.weight > 0 for t in usable):
        if usable:
            st.info("Say what you look for as well: a drawing, words or a photo. “Without” only takes away.")
        return
    try:
        query = Query(tuple(usable))
        hits = searcher.search(query, k=10, exclude=exclude)
    except BadInput as error:
        st.warning(str(error))
        return
    spent = (time.perf_counter() - start) * 1000
    said = " and ".join(NAMES[m] for m in dict.fromkeys(t.modality for t in usable if t.weight > 0))
    st.caption(f"The {len(hits)} best of {len(gallery):,} photos for {said}, in {spent:.0f} ms")
    if any(t.modality is Modality.PHOTO and t.weight > 0 for t in usable):
        captions = searcher.captions(query, k=5)
        if captions:
            with st.expander("What it might show", expanded=True):
                st.text("\n".join(f"{hit.score:.2f}  {hit.item.content}" for hit in captions))
    photo_grid(searcher, hits, like, query)


def understood(term: Term) -> Term | None:
    """The term as a vector of the system, or None and a word on why it cannot be used; the others go on without it."""
    try:
        return searcher.encode(term)
    except BadInput as error:
        st.warning(str(error))
        return None


def welcome() -> None:
    """What to do, shown until there is a query."""
    st.markdown(f"##### {len(gallery):,} photos to find")
    st.markdown("Draw something with the mouse or a finger, type what you look for, or upload a photo. "
                "Use them together to be more exact: draw the shape, type the colour.")
    st.pills("Try", IDEAS, key="idea", on_change=lambda: state.update(words=state.idea, idea=None))
    photo_grid(searcher, gallery.sample(10), like)


left, right = st.columns([30, 70], gap="large")
with left:
    st.markdown("#### Draw, type or upload")
    asked = query_by_drawing()
with right:  # after the canvas, which can be drawn on while all else is read
    searcher = load_searcher()
    gallery = searcher.gallery
with left:
    offer_examples()
    asked = refined(asked + query_by_words() + query_by_photo())
with right:
    answer(asked)
