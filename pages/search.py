"""Search: draw, type or upload a photo, mix them at will, and see the ten best photos at once."""

import time

import streamlit as st

from pages import answers, ask, ideas
from pages.grid import photo_grid
from pages.language import tr
from pages.plain import plain
from pages.shared import DEFAULT, compatible_systems, load_searcher, systems, thumb
from pages.state import state
from xmr.modality import BadInput, Term
from xmr.search import Searcher


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
        st.warning(f"{tr('No system can use all of this query.')} {why}", icon=":material/error:")
        st.stop()
    wanted = state.wanted or DEFAULT
    state.system = wanted if wanted in can else can[0]
    if len(systems()) > 1:
        st.segmented_control(
            tr("System"),
            can,
            key="system",
            required=True,
            wrap=True,
            on_change=want,
            help=tr("The system that searches; the page Systems describes each."),
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
    """The right half: the best photos, or how to begin."""
    searcher, exclude = choose(terms), ()
    liked = chosen_photo(searcher)
    if liked:
        row = st.container(horizontal=True, vertical_alignment="center", key="liked")
        if chosen := thumb(gallery, state.like):
            row.image(chosen, width=44, alt=tr("The photo that was chosen"))
        row.markdown(f"**{tr('Photos like this one')}**")
        st.session_state.mixing = state.mix
        row.toggle(tr("Together with my query"), disabled=not terms, key="mixing", on_change=mix_or_not)
        row.button(tr("Back to my query"), icon=":material/close:", on_click=like, args=(None,))
        exclude = (state.like,)
        terms = [liked, *(terms if state.mix else [])]
    if not terms:
        with st.container():  # goes as one, where its parts would move up one by one
            return welcome()
    start = time.perf_counter()
    spoken = ask.caption_language(searcher, terms)
    answers.show(gallery, searcher, ask.understood(searcher, terms), start, exclude, like, spoken)


def welcome() -> None:
    """Instructions, shown until there is a query."""
    st.markdown(f"##### {tr('{count} photos to find', count=len(gallery))}")
    st.markdown(
        tr(
            "Draw something with the mouse or a finger, type what you look for, or upload a photo. "
            "Use them together to be more exact: draw the shape, type the colour."
        )
    )
    if words := ideas.ideas(gallery):
        st.pills(tr("Try"), words, key="idea", on_change=try_idea, wrap=True)
    photo_grid(gallery, gallery.sample(10), like, key="welcome")


gallery, asked, place = ask.panel()
with place:
    answer(asked)
