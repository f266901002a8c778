"""Search: draw, type or upload a photo, mix them at will, and see the ten best photos at once."""

import time
from functools import partial

import streamlit as st

from pages import ask, galleries
from pages.plain import plain, shown
from pages.shared import DEFAULT, compatible_systems, load_searcher, photo_grid, systems, thumb
from pages.state import state
from xmr.modality import BadInput, Modality, Query, Term
from xmr.search import Searcher

FITS = 0.25  # likely, at least, what fits a query at all


def like(item_id):
    """Ask for photos like this one; the query so far stays as it is."""
    state.like = item_id


def mix_or_not():
    """Ask for photos like the chosen one together with the query, or alone."""
    state.mix = bool(state.mixing)


def want():
    """Remember the chosen system, also for after a query that it can't use."""
    state.wanted = state.system


def try_idea():
    """Put an idea where one types."""
    state.words, state.idea = state.idea, None


def choose(terms: list[Term]) -> Searcher:
    """The searcher of the system that the person wants, among those that can use the whole query."""
    can, why = compatible_systems([term.modality for term in terms], gallery)
    if not can:
        st.warning(f"No system can use all of this query. {why}", icon=":material/error:")
        st.stop()
    wanted = state.wanted or DEFAULT
    state.system = wanted if wanted in can else can[0]
    if len(systems()) > 1:
        st.segmented_control(
            "System",
            can,
            key="system",
            required=True,
            wrap=True,
            on_change=want,
            help="The system that searches; the page Systems describes each.",
        )
        if why:
            st.caption(why)
    return load_searcher(state.system, gallery)


def chosen_photo(searcher: Searcher) -> Term | None:
    """The photo whose like are wanted; a word if it is gone."""
    try:
        return searcher.like(state.like) if state.like else None
    except BadInput as error:
        st.warning(plain(error))
        return like(None)


def answer(terms: list[Term]) -> None:
    """The right half: ten photos, or how to begin."""
    searcher, exclude = choose(terms), ()
    liked = chosen_photo(searcher)
    if liked:
        row = st.container(horizontal=True, vertical_alignment="center")
        if chosen := thumb(gallery, state.like):
            row.image(chosen, width=72, alt="The photo that was chosen")
        row.markdown("**Photos like this one**")
        st.session_state.mixing = state.mix
        row.toggle("Together with my query", disabled=not terms, key="mixing", on_change=mix_or_not)
        row.button("Back to my query", icon=":material/close:", on_click=like, args=(None,))
        exclude = (state.like,)
        terms = [liked, *(terms if state.mix else [])]
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
        st.warning(plain(error))
        return
    spent = (time.perf_counter() - start) * 1000
    said = " and ".join(ask.PARTS[m] for m in dict.fromkeys(t.modality for t in usable if t.weight > 0))
    st.caption(f"The {len(hits)} best of {len(gallery):,} photos for {said}, in {spent:.0f} ms")
    if all(hit.match is not None and hit.match < FITS for hit in hits):
        st.info(f"Nothing here seems to fit {said}. These come nearest.", icon=":material/help:")
    if any(t.modality is Modality.PHOTO and t.weight > 0 for t in usable):
        wanted = Query(tuple(term for term in usable if term.weight > 0))
        captions = searcher.captions(wanted, k=5, language=ask.caption_language(searcher, terms))
        if captions:
            with st.expander("What it might show", expanded=True):
                st.text("\n".join(f"{hit.score:.2f}  {shown(hit.item.content)}" for hit in captions))
    explain = partial(searcher.explain, query, language=ask.caption_language(searcher, terms))
    photo_grid(gallery, hits, like, explain)


def welcome() -> None:
    """Instructions, shown until there is a query."""
    st.markdown(f"##### {len(gallery):,} photos to find")
    st.markdown(
        "Draw something with the mouse or a finger, type what you look for, or upload a photo. "
        "Use them together to be more exact: draw the shape, type the colour."
    )
    if ideas := ask.ideas(gallery):
        st.pills("Try", ideas, key="idea", on_change=try_idea, wrap=True)
    photo_grid(gallery, gallery.sample(10), like, partial(galleries.caption, gallery))


gallery, asked, place = ask.panel()
with place:
    answer(asked)
