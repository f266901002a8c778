"""Compare: one query, several systems side by side, and how far they agree; or two of them without their names."""

import hashlib
import random
import re
import time
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import streamlit as st

from pages import ask, filters, likes, pictures, visit, votes
from pages.grid import photo_grid
from pages.language import tr
from pages.plain import plain, shown
from pages.shared import compatible_systems, display_name, follow, in_words, open_searcher, show_error, to_search
from pages.state import state
from xmr.gallery import Gallery
from xmr.modality import BadInput, Hit, Query, Term
from xmr.search import Searcher

K = 10
MOST_VOTES = 200  # of a visitor

follow()


@dataclass(frozen=True)
class Answer:
    """One system's answer, and the milliseconds that encoding the query and searching took."""

    searcher: Searcher
    query: Query
    hits: list[Hit]
    spent: float


def answers(gallery: Gallery, terms: list[Term], chosen: list[str], where: dict[str, list[str]]) -> dict[str, Answer]:
    """Each chosen system's answer from the photos that have the facts of `where`; a word on each that has none."""
    found = {}
    for name in chosen:
        try:
            searcher = open_searcher(name, gallery.path)
            start = time.perf_counter()
            meant = ask.meant(searcher, [*likes.liked(searcher), *terms], tell=False)
            query = Query((*map(searcher.encode, meant), *likes.unwanted(searcher)))
            hits = searcher.search(query, K, exclude=likes.excluded(), where=where or None)
            found[name] = Answer(searcher, query, hits, (time.perf_counter() - start) * 1000)
        except BadInput as error:
            st.warning(f"{plain(name)}: {ask.sentence(error)}")
    return found


def category(gallery: Gallery) -> str | None:
    """The category whose photos are framed: the visitor's choice, at first the one that words or the example name. None
    where no photo has one."""
    known = gallery.categories()
    if not known:
        return None
    said = " ".join([state.words or "", state.example or ""]).lower()
    longest = sorted(known, key=len, reverse=True)
    called = {
        name: "|".join(re.escape(word.lower()) for word in {display_name(name), in_words(name)}) for name in known
    }
    guess = next((name for name in longest if re.search(rf"\b(?:{called[name]})s?\b", said)), None)
    chosen = guess if guess != state.guess else state.category
    state.guess, state.category = guess, chosen if chosen in known else None
    return st.selectbox(
        tr("Which photos are right?"),
        known,
        index=None,
        key="category",
        placeholder=tr("those of a kind of thing"),
        format_func=lambda name: shown(in_words(name)),
        help=tr("Photos of this kind get a green frame in every column, and are counted."),
        width=320,
    )


def agreement(found: dict[str, Answer]) -> None:
    """How many of the ten photos each two systems share, and what that means."""
    ids = {name: {hit.item.id for hit in answer.hits} for name, answer in found.items()}
    shared = {pair: len(ids[pair[0]] & ids[pair[1]]) for pair in combinations(ids, 2)}
    if not shared:
        return
    photos = max(len(answer.hits) for answer in found.values())  # fewer than ten in a small gallery
    few, many = min(shared.values()), max(shared.values())
    told = str(few) if few == many else tr("{few} to {many}", few=few, many=many)
    with st.expander(tr("How far they agree: each two share {count} of {all} photos", count=told, all=photos)):
        for (first, second), count in shared.items():
            st.markdown(
                tr(
                    "{first} and {second} share **{count}** of {all}",
                    first=first,
                    second=second,
                    count=count,
                    all=photos,
                )
            )
        st.caption(
            tr(
                "Systems that share many photos read the query alike, whether they are right or not. Point at a photo, "
                "or go to it with the Tab key: it lights up in the other columns that have it."
            )
        )


def choose(can: list[str], kind: str) -> list[str]:
    """The systems to compare: all that can take such a query, unless the visitor chose among them before."""
    remembered = (state.choices or {}).get(kind, can)
    state.compared = [name for name in remembered if name in can]
    return st.pills(
        tr("Systems"),
        can,
        key="compared",
        selection_mode="multi",
        on_change=lambda: setattr(state, "choices", {**(state.choices or {}), kind: list(state.compared)}),
    )


def compare(gallery: Gallery, terms: list[Term]) -> None:
    """The right half: a column a system, or how to begin."""
    likes.row(gallery, terms)
    terms = likes.counting(terms)
    modalities = likes.modalities(terms)
    can, why = compatible_systems(modalities, gallery)
    kind = votes.asked_by(modalities)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="whom"):
        blind = st.toggle(
            tr("Which is better? Without names"),
            key="blind",
            help=tr(
                "Two of the systems answer; you say which is better before you learn which they are. Only counts are "
                "kept."
            ),
        )
        chosen = [] if blind else choose(can, kind)
    if why and not blind:
        st.caption(why)
    if not state.like and not any(term.weight > 0 for term in terms):
        st.markdown(f"##### {tr('The same query, asked of several systems')}")
        st.markdown(
            tr(
                "Draw something, type what you look for, or upload a photo. Each system shows its ten best photos, how "
                "long it took, and how many of them another one found as well."
            )
        )
        return
    if not likes.idle():
        with st.container(horizontal=True, gap="small"):
            pictures.chips()
    likes.less_row(gallery)
    where, _ = filters.row(gallery)
    if blind:
        vote(gallery, terms, can, kind, where)
    else:
        side_by_side(gallery, terms, chosen, where)


def side_by_side(gallery: Gallery, terms: list[Term], chosen: list[str], where: dict[str, list[str]]) -> None:
    """A column a system."""
    framed = category(gallery)
    if not chosen:
        st.info(tr("Choose at least one system."))
    found = answers(gallery, terms, chosen, where)
    if found and not any(answer.hits for answer in found.values()):
        st.info(filters.why_none(where))
    for column, (name, answer) in zip(st.columns(max(len(found), 1), gap="medium"), found.items(), strict=False):
        with column:
            head = st.container(gap="xxsmall")
            head.markdown(f"**{name}**")
            told = [f"{answer.spent:.0f} ms"]
            if framed:
                right = sum(framed in hit.item.labels for hit in answer.hits)
                thing = plain(in_words(framed))
                told.append(tr("{right} of {all} show: {thing}", right=right, all=len(answer.hits), thing=thing))
            head.caption(" · ".join(told))
            if note := ask.foreign(answer.searcher, terms):
                head.caption(note)
            spoken = ask.caption_language(answer.searcher, terms)
            explain = partial(answer.searcher.explain, answer.query, language=spoken)
            photo_grid(gallery, answer.hits, to_search, explain, f"photos-{name}", framed)
    agreement(found)


def vote(gallery: Gallery, terms: list[Term], can: list[str], kind: str, where: dict[str, list[str]]) -> None:
    """Two systems' answers without their names, and which of them is better; after that, their names."""
    if len(can) < 2:
        st.info(tr("Only one system can take such a query. Ask in another way to compare two."))
        return
    try:
        about = question(gallery, terms, can, where)
    except BadInput as error:
        st.warning(ask.sentence(error))
        return
    pair = random.Random(about).sample(can, 2)  # the same while the query is
    found = answers(gallery, terms, pair, where)
    if len(found) < 2:
        return
    if not any(answer.hits for answer in found.values()):
        st.info(filters.why_none(where))
        return
    answered = votes.answers_of(visit.this_visitor())
    told = answered.get(about)
    if told is None and len(answered) >= MOST_VOTES:
        st.info(tr("You have answered {count} times; more answers are not counted.", count=MOST_VOTES))
        return
    st.markdown(f"##### {tr('Which answers this better?')}")
    with st.container(horizontal=True, key="better"):
        for better, label in (("first", tr("Left")), ("second", tr("Right")), ("neither", tr("Both alike"))):
            st.button(
                label,
                key=f"better-{better}",
                icon=":material/check:" if told == better else None,
                disabled=told is not None,
                on_click=_count,
                args=(about, kind, *pair, better),
            )
        if told is not None:
            st.markdown(
                tr("Counted. Left: **{left}** · right: **{right}**. Ask something else.", left=pair[0], right=pair[1])
            )
    if state.uncounted:
        show_error(state.uncounted)
        state.uncounted = None
    titles = pair if told is not None else (tr("Left"), tr("Right"))
    for number, (column, title) in enumerate(zip(st.columns(2, gap="medium"), titles, strict=True)):
        with column:
            st.markdown(f"**{title}**")
            hits = [Hit(hit.item, hit.score, hit.rank, None, hit.thumbnail) for hit in found[pair[number]].hits]
            photo_grid(gallery, hits if told else [hit.item for hit in hits], to_search, key=f"blind-{number}")


def question(gallery: Gallery, terms: list[Term], can: list[str], where: dict[str, list[str]]) -> str:
    """What is asked of whom, as a digest: a visitor's answer to it counts once. Another visitor is asked of two other
    systems, or of the same on other sides."""
    asked = (str(gallery.path), can, visit.this_visitor(), state.like, state.less, sorted(where.items()))
    digest = hashlib.sha256(repr(asked).encode())
    searcher = open_searcher(can[0], gallery.path)
    for term in terms:
        vector = np.asarray(searcher.encode(term).content, np.float32)
        digest.update(np.float32(term.weight).tobytes() + vector.round(4).tobytes())
    return digest.hexdigest()


def _count(about: str, kind: str, first: str, second: str, better: votes.Winner) -> None:
    answered = votes.answers_of(visit.this_visitor())
    if about in answered:
        return
    try:
        votes.add(kind, first, second, better)
        answered[about] = better
    except BadInput as error:
        state.uncounted = error


gallery, asked, place = ask.panel()
with place:
    compare(gallery, asked)
