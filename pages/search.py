"""Search: draw, type or upload a photo, mix them at will, and see the ten best photos at once."""

import time
from functools import partial

import streamlit as st

from pages import ask
from pages.shared import DEFAULT, able, load_gallery, load_searcher, photo_grid, systems, thumb
from xmr.modality import BadInput, Modality, Query, Term
from xmr.search import Searcher

IDEAS = ("a red car", "ein Hund im Schnee", "a blue cup on a table", "ein grüner Baum")

state = st.session_state
ask.begin()
state.setdefault("like", None)


def like(item_id):
    """Ask for photos like this one; the query so far stays as it is."""
    state.like = item_id


def choose(terms: list[Term]) -> Searcher:
    """The searcher of the system that the person wants, among those that can use the whole query."""
    can, why = able({term.modality for term in terms}, gallery)
    if not can:
        st.warning(f"No system can use all of this query. {why}", icon=":material/error:")
        st.stop()
    wanted = state.get("wanted", DEFAULT)
    state.system = wanted if wanted in can else can[0]
    if len(systems()) > 1:
        st.segmented_control("System", can, key="system", required=True, help="What searches; the page Systems tells "
                             "them apart.", on_change=lambda: state.update(wanted=state.system))  # fmt: skip
        if why:
            st.caption(why)
    return load_searcher(state.system, gallery)


def answer(terms: list[Term]) -> None:
    """The right half: ten photos, or how to begin."""
    searcher, exclude = choose(terms), ()
    if state.like:
        row = st.container(horizontal=True, vertical_alignment="center")
        if chosen := thumb(gallery, state.like):
            row.image(chosen, width=72, alt="The photo that was chosen")
        row.markdown("**Photos like this one**")
        mix = row.toggle("Together with my query", disabled=not terms, key="mix")
        row.button("Back to my query", icon=":material/close:", on_click=like, args=(None,))
        exclude = (state.like,)
        terms = [searcher.like(state.like), *(terms if mix else [])]
    if not terms:
        return welcome()
    start = time.perf_counter()
    usable = ask.understood(searcher, terms)
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
    said = " and ".join(ask.PARTS[m] for m in dict.fromkeys(t.modality for t in usable if t.weight > 0))
    st.caption(f"The {len(hits)} best of {len(gallery):,} photos for {said}, in {spent:.0f} ms")
    if any(t.modality is Modality.PHOTO and t.weight > 0 for t in usable):
        captions = searcher.captions(query, k=5)
        if captions:
            with st.expander("What it might show", expanded=True):
                st.text("\n".join(f"{hit.score:.2f}  {hit.item.content}" for hit in captions))
    photo_grid(gallery, hits, like, partial(searcher.explain, query))


def welcome() -> None:
    """What to do, shown until there is a query."""
    st.markdown(f"##### {len(gallery):,} photos to find")
    st.markdown("Draw something with the mouse or a finger, type what you look for, or upload a photo. "
                "Use them together to be more exact: draw the shape, type the colour.")
    st.pills("Try", IDEAS, key="idea", on_change=lambda: state.update(words=state.idea, idea=None))
    photo_grid(gallery, gallery.sample(10), like)


left, right = st.columns([30, 70], gap="large")
with left:
    st.markdown("#### Draw, type or upload")
    asked = ask.by_drawing()
with right:  # after the canvas, which can be drawn on while all else is read
    gallery = load_gallery()
with left:
    ask.offer_examples(gallery)
    asked = ask.refined(asked + ask.by_words() + ask.by_photo())
with right:
    answer(asked)
