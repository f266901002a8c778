"""Photos of the gallery as parts of the query: the one whose like are wanted, and those whose like are not."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.language import tr
from pages.shared import like, thumb
from pages.state import state
from xmr.gallery import Gallery
from xmr.modality import Modality, Term
from xmr.search import Searcher

MOST_LESS = 8  # photos whose like are not wanted


def row(gallery: Gallery, terms: Sequence[Term]) -> None:
    """The photo whose like are wanted, and whether the rest of the query counts as well; a word if it is gone."""
    if not state.like:
        return
    if not gallery.find([state.like]):
        st.warning(tr("The photo to find similar ones to is not in this gallery. Choose another."))
        return like(None)
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="like")
    if picture := thumb(gallery, state.like):
        row.image(picture, width=72, alt=tr("The photo that was chosen"))
    row.markdown(f"**{tr('Photos like this one')}**", width="content")
    row.button(tr("Back to my query"), icon=":material/close:", on_click=like, args=(None,))
    st.session_state.mixing = state.mix
    row.toggle(tr("Together with my query"), disabled=not terms, key="mixing", on_change=_mix_or_not)


def _mix_or_not() -> None:
    state.mix = bool(state.mixing)


def idle() -> bool:
    """Whether all but the photo whose like are wanted waits until that goes, or both are wanted."""
    return state.like is not None and not state.mix


def counting(terms: list[Term]) -> list[Term]:
    """Of what was typed, drawn and given, what counts now."""
    return [] if idle() else terms


def modalities(terms: Sequence[Term]) -> list[Modality]:
    """Of what kinds the parts are that count now, the photo whose like are wanted first."""
    return [*([Modality.PHOTO] if state.like else []), *(term.modality for term in terms)]


def liked(searcher: Searcher) -> list[Term]:
    """The photo whose like are wanted, as a term of the searcher's system; none without one."""
    return [searcher.like(state.like)] if state.like else []


def excluded() -> set[str]:
    """The ids of photos that are part of the query, and so no answers to it."""
    return {*state.less, *([state.like] if state.like else [])}


def less(item_id: str) -> None:
    """From now on, photos like this one are not wanted."""
    if item_id not in state.less:
        state.less = (*state.less, item_id)[-MOST_LESS:]


def _wanted_again() -> None:
    state.less = ()


def less_row(gallery: Gallery) -> None:
    """The photos whose like are not wanted, with a button that takes them back."""
    there = gallery.find(state.less)
    state.less = tuple(id for id in state.less if id in there)  # others are gone, or of another gallery
    if not state.less:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="less"):
        st.markdown(tr("**Less like**"))
        for id in state.less:
            if picture := thumb(gallery, id):
                st.image(picture, width=44, alt=gallery.caption(id))
        st.button(tr("Not any more"), icon=":material/close:", type="tertiary", on_click=_wanted_again)


def unwanted(searcher: Searcher) -> list[Term]:
    """The photos whose like are not wanted, as terms; a word if the searcher's system cannot use them."""
    if state.less and searcher.system.space != "cosine":
        st.caption(tr("{system} cannot take “Less like this” into account.", system=searcher.system.name))
        return []
    return [searcher.like(id, -1.0) for id in state.less]
