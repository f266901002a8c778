"""Search: draw, type or upload a photo, mix them at will, and see the ten best photos at once."""

import time
from dataclasses import replace

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from pages.shared import load_searcher, photo_grid
from xmr.modality import BadInput, Modality, Query, Term
from xmr.preprocess import canvas_drawing, drawing_from_canvas, open_picture

CANVAS = 340  # px; fits a phone of 420 with its margins
PENS = {"Fine": 3, "Medium": 5, "Bold": 9, "Eraser": 26}
IDEAS = ("a red car", "ein Hund im Schnee", "a blue cup on a table", "ein grüner Baum")
NAMES = {Modality.SKETCH: "the drawing", Modality.TEXT: "the words", Modality.PHOTO: "the photo"}

state = st.session_state
state.setdefault("canvas", 0)  # a new number gives a new canvas
state.setdefault("example", None)
state.setdefault("like", None)

searcher = load_searcher()
gallery = searcher.gallery


def start_from_example():
    """Put the chosen example on a fresh canvas."""
    state.example = state.example_name
    state.canvas += 1


def like(item_id):
    """Ask for photos like this one; the query so far stays as it is."""
    state.like = item_id


def query_by_drawing() -> list[Term]:
    """The canvas with its tools; undo, redo and clear are in its own toolbar."""
    examples = gallery.examples()
    paper = st.container()  # above the pens, which choose what it draws with
    pen = st.segmented_control("Pen", PENS, default="Medium", required=True, label_visibility="collapsed")
    with paper:
        drawing = st_canvas(
            stroke_width=PENS[pen],
            stroke_color="#ffffff" if pen == "Eraser" else "#1a1a1a",
            background_color="#ffffff",  # paper in both themes
            width=CANVAS,
            height=CANVAS,
            initial_drawing=canvas_drawing(examples[state.example], CANVAS, PENS["Medium"]) if state.example else None,
            key=f"canvas-{state.canvas}",
        ).json_data
    if examples:
        st.pills("Or take an example", examples, key="example_name", on_change=start_from_example, wrap=True)
    sketch = drawing_from_canvas(drawing)
    return [Term(Modality.SKETCH, sketch)] if sketch.strokes else []


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
    try:
        picture = open_picture(upload, at_least=224)
    except BadInput as error:
        st.warning(str(error), icon=":material/broken_image:")
        return []
    st.image(picture, width=120, alt="The uploaded photo")
    return [Term(Modality.PHOTO, picture)]


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


def ask() -> list[Term]:
    """The left half: everything a query can be made of."""
    st.markdown("#### Draw, type or upload")
    return refined(query_by_drawing() + query_by_words() + query_by_photo())


def answer(terms: list[Term]) -> None:
    """The right half: ten photos, or how to begin."""
    exclude = ()
    if state.like:
        row = st.container(horizontal=True, vertical_alignment="center")
        row.image(str(gallery.thumb(state.like)), width=72, alt="The photo that was chosen")
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
                for hit in captions:
                    st.markdown(f":gray[{hit.score:.2f}]  {hit.item.content}")
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
    st.markdown("Draw something with the mouse, type what you look for, or upload a photo. "
                "Use them together to be more exact: draw the shape, type the colour.")
    st.pills("Try", IDEAS, key="idea", on_change=lambda: state.update(words=state.idea, idea=None))
    photo_grid(searcher, gallery.sample(10), like)


left, right = st.columns([30, 70], gap="large")
with left:
    asked = ask()
with right:
    answer(asked)
