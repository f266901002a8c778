"""Compare: one query, several systems side by side, and how far they agree."""

import re
import time
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import streamlit as st

from pages import ask, pictures
from pages.grid import photo_grid
from pages.plain import plain, shown
from pages.shared import compatible_systems, display_name, follow, load_gallery, open_searcher, to_search
from pages.state import state
from xmr.gallery import Gallery
from xmr.modality import BadInput, Hit, Query, Term
from xmr.search import Searcher

K = 10
MOST = 3  # systems that are chosen to begin with

follow()
ask.begin()


@dataclass(frozen=True)
class Answer:
    """One system's answer, and the milliseconds that encoding the query and searching took."""

    searcher: Searcher
    query: Query
    hits: list[Hit]
    spent: float


def answers(gallery: Gallery, terms: list[Term], chosen: list[str]) -> dict[str, Answer]:
    """Each chosen system's answer; a word on each that has none."""
    found = {}
    for name in chosen:
        try:
            searcher = open_searcher(name, gallery.path)
            start = time.perf_counter()
            query = Query(tuple(searcher.encode(term) for term in ask.meant(searcher, terms, tell=False)))
            hits = searcher.search(query, K)
            found[name] = Answer(searcher, query, hits, (time.perf_counter() - start) * 1000)
        except BadInput as error:
            st.warning(plain(f"{name}: {error}"))
    return found


def category(gallery: Gallery) -> str | None:
    """The category whose photos are framed: the visitor's choice, at first the one that words or the example name."""
    known = gallery.categories()
    said = " ".join([state.words or "", state.example or ""]).lower()
    longest = sorted(known, key=len, reverse=True)
    guess = next((name for name in longest if re.search(rf"\b{re.escape(display_name(name))}s?\b", said)), None)
    if guess != state.guess:
        state.guess = state.category = guess
    return st.selectbox(
        "Frame photos of",
        known,
        index=None,
        key="category",
        placeholder="a kind of thing",
        format_func=lambda name: shown(display_name(name)),
        help="Those of this kind get a frame in every column.",
    )


def agreement(found: dict[str, Answer]) -> None:
    """How many of the ten photos each two systems share."""
    ids = {name: {hit.item.id for hit in answer.hits} for name, answer in found.items()}
    names = list(ids)
    lines = [f"{a} and {b} share **{len(ids[a] & ids[b])}** of {K}" for a, b in combinations(names, 2)]
    if lines:
        st.markdown(" · ".join(lines))


def compare(gallery: Gallery, terms: list[Term]) -> None:
    """The right half: a column a system, or how to begin."""
    can, why = compatible_systems([term.modality for term in terms], gallery)
    kept = [name for name in (state.compared or ()) if name in can] or can[:MOST]
    state.compared = kept
    chosen = st.pills("Systems", can, key="compared", selection_mode="multi")
    if why:
        st.caption(why)
    if not any(term.weight > 0 for term in terms):
        st.markdown("##### The same query, asked of several systems")
        st.markdown(
            "Draw, type or upload on the left. Each system shows its ten best photos, how long it took, and "
            "how many of them another one found as well."
        )
        return
    framed = category(gallery)
    found = answers(gallery, terms, chosen)
    agreement(found)
    for column, (name, answer) in zip(st.columns(max(len(found), 1), gap="medium"), found.items(), strict=False):
        with column:
            st.markdown(f"**{name}**")
            right = sum(framed in hit.item.labels for hit in answer.hits) if framed else None
            told = "" if right is None else f" · {right} of {len(answer.hits)} {plain(display_name(framed))}"
            st.caption(f"{answer.spent:.0f} ms{told}")
            explain = partial(answer.searcher.explain, answer.query)
            photo_grid(gallery, answer.hits, to_search, explain, f"photos-{name}", framed)


left, right = st.columns([30, 70], gap="large")
with left:
    st.markdown("#### Draw, type or upload")
    asked = ask.by_drawing()
    gallery = load_gallery()
    ask.offer_examples(gallery)
    asked = ask.refined(asked | pictures.by_sketch() | ask.by_words() | pictures.by_photo())
with right:
    compare(gallery, asked)
