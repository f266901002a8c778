"""The answers to a query on Search: the best photos, narrowed down by filters, more of them on demand, and what may be
done with them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import filters, galleries, likes, pictures, selection
from pages.grid import photo_grid
from pages.language import listed, tr
from pages.plain import plain, shown
from pages.shared import like, systems
from pages.state import state
from xmr.gallery import Gallery
from xmr.modality import BadInput, Hit, Modality, Query, Term
from xmr.search import Searcher

STEP = 10  # photos, to begin with and at each "Show more"
MOST = 200
DEEPEST = 1_000  # answers that are looked through for as many that differ
FITS = 0.25  # likely, at least, what fits a query at all
DOUBTED = 0.5  # likely, at most, answers of which it is said that they may be wrong; chosen on val, where seven in
# ten doodles of what the shipped photos don't have stay below it, and one in fifteen of those that are answered rightly
SURE = 0.3  # that a caption is of that very photo: it then names the right kind in 99 of 100 on val
ALIKE = 0.98  # cosine from which on two photos are nearly the same


def show(
    gallery: Gallery,
    searcher: Searcher,
    terms: Sequence[Term],
    start: float,
    spoken: str | None,
    name: str,
) -> None:
    """Answer a query, or say why that cannot be.

    Args:
        terms:   what is asked, as vectors of the searcher's system.
        start:   time.perf_counter() when they began to be read.
        spoken:  the language of the captions.
        name:    what is asked, in words.
    """
    if not any(term.weight > 0 for term in terms):
        if terms:
            st.info(tr("Say what you look for as well: a drawing, words or a photo. “Without” only takes away."))
        return
    spent = time.perf_counter() - start
    likes.less_row(gallery)
    query = Query((*terms, *likes.unwanted(searcher)))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="headline"):
        if not likes.idle():
            pictures.chips()
        line = st.container(width="content")
    where, row = filters.row(gallery)
    order, fold = row.empty(), row.empty()
    start = time.perf_counter()
    try:
        hits, near = _search(searcher, query, where)
    except BadInput as error:
        st.warning(plain(error))
        return
    spent += time.perf_counter() - start
    if not hits:
        st.info(filters.why_none(where))
        return
    stand = len(hits) - (len(near) if state.fold else 0)
    asked = [term for term in terms if term.weight > 0]
    said = listed([_names()[modality] for modality in dict.fromkeys(term.modality for term in asked)])
    line.caption(
        tr(
            "The {count} best of {photos} for {query}, in {ms} ms",
            count=stand,
            photos=galleries.told(gallery),
            query=said,
            ms=f"{1000 * spent:.0f}",
        )
    )
    _doubt(hits, said, alone=len(asked) == 1)
    hits = _sorted(hits, order)
    selection.bar(gallery, state.marked, hits, name)
    photo_grid(
        gallery,
        hits,
        like,
        partial(searcher.explain, query, language=spoken),
        on_less=likes.less,
        heat=partial(searcher.explain_map, query) if _explains(searcher) else None,
        alike=_fold(near, fold),
        marks=True,
    )
    if any(term.modality is Modality.PHOTO for term in asked):
        _might_show(searcher, Query(tuple(asked)), spoken)
    if stand == state.most < MOST:
        st.button(tr("Show more"), icon=":material/expand_more:", width="stretch", on_click=_more)


def _doubt(hits: list[Hit], said: str, alone: bool) -> None:
    """A word where none of the answers is likely.

    alone: whether one thing is asked; of several, even right answers are seldom sure.
    """
    best = max((1.0 if hit.match is None else hit.match for hit in hits), default=1.0)
    if best < FITS:
        st.info(tr("Nothing here seems to fit {query}. These come nearest.", query=said), icon=":material/help:")
    elif alone and best < DOUBTED:
        percent = f"{100 * best:.0f}"
        told = tr("Perhaps nothing here fits: the best of these is {percent}% sure.", percent=percent)
        st.info(told, icon=":material/help:")


def _explains(searcher: Searcher) -> bool:
    """Whether the system can tell which parts of a photo count."""
    return "cells" in systems()[searcher.system.name]["encoders"][Modality.PHOTO]


def _names() -> dict[Modality, str]:
    return {Modality.SKETCH: tr("the drawing"), Modality.TEXT: tr("the words"), Modality.PHOTO: tr("the photo")}


def _more() -> None:
    state.most = min(state.most + STEP, MOST)


def _sorted(hits: list[Hit], place: DeltaGenerator) -> list[Hit]:
    """The answers as the visitor wants to see them; by match, unless dates are known."""
    if not any(isinstance(hit.item.facts.get("taken"), str) for hit in hits):
        return hits
    names = {"match": tr("Best first"), "newest": tr("Newest first"), "oldest": tr("Oldest first")}
    state.order = state.order or "match"  # told anew at each run: a browser knows a choice by its name in one language
    chosen = place.selectbox(
        tr("Order"), list(names), key="order", format_func=names.get, label_visibility="collapsed", width=170
    )
    if chosen == "match":
        return hits
    dated = [hit for hit in hits if isinstance(hit.item.facts.get("taken"), str)]
    dated.sort(key=lambda hit: hit.item.facts["taken"], reverse=chosen == "newest")
    return dated + [hit for hit in hits if not isinstance(hit.item.facts.get("taken"), str)]


def _search(searcher: Searcher, query: Query, where: dict[str, list[str]]) -> tuple[list[Hit], dict[str, str]]:
    """As many answers as are wanted, and from the id of each that is nearly the same as an earlier one to that one's.
    Where these are folded, they come on top."""
    k = state.most
    while True:
        hits = searcher.search(query, k=k, exclude=likes.excluded(), where=where or None)
        near = _folded(searcher, hits) if hits and searcher.system.space == "cosine" else {}
        if not state.fold or len(hits) - len(near) >= state.most or len(hits) < k or k >= DEEPEST:
            break
        k = min(2 * k, DEEPEST)
    if state.fold:
        stand = {hit.id for hit in [hit for hit in hits if hit.id not in near][: state.most]}
        hits = [hit for hit in hits if near.get(hit.id, hit.id) in stand]
        near = {id: first for id, first in near.items() if first in stand}
    return hits, near


def _fold(near: dict[str, str], place: DeltaGenerator) -> dict[str, str] | None:
    """The answers to fold under others: where there are any, unless the visitor does not want that."""
    if not near:
        return None
    wanted = place.toggle(
        tr("Group {count} near-duplicates", count=len(near)),
        value=True,
        key="fold",
        help=tr("Photos that this system can hardly tell apart."),
        persist_state="session",
    )
    return near if wanted else None


def _folded(searcher: Searcher, hits: Sequence[Hit]) -> dict[str, str]:
    """From the id of each answer that is nearly the same as an earlier one, to that one's."""
    vectors = np.stack([searcher.like(hit.id).content for hit in hits])  # (k, dim), of unit length
    near = vectors @ vectors.T >= ALIKE
    found: dict[str, str] = {}
    for at, hit in enumerate(hits):
        first = next((hits[other].id for other in range(at) if near[at, other] and hits[other].id not in found), None)
        if first:
            found[hit.id] = first
    return found


def _might_show(searcher: Searcher, query: Query, spoken: str | None) -> None:
    """Captions that fit a photo, where the system is sure of them."""
    captions = searcher.captions(query, k=10, language=spoken)
    sure = [hit for hit in captions if hit.match is not None and hit.match >= SURE]
    if sure:
        with st.expander(tr("What the photo might show")):
            st.text("\n".join(shown(hit.item.content) for hit in sure))
