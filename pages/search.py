"""Search: draw, type or upload a photo, mix them at will, and see the ten best photos at once."""

import time

import streamlit as st

from pages import address, answers, ask, filters, galleries, ideas, likes
from pages.grid import photo_grid
from pages.language import in_digits, tr
from pages.shared import DEFAULT, compatible_systems, like, load_searcher, reports, switch_page, systems
from pages.state import state
from xmr.gallery import DEMO
from xmr.modality import Term
from xmr.search import Searcher


def want():
    """Remember the chosen system, also for after a query that it can't use."""
    state.wanted = state.system


def want_bits():
    """Remember the chosen length of codes, also for while another system searches."""
    state.bits_wanted = state.code


def try_idea():
    """Put an idea where one types."""
    state.words, state.idea = state.idea, None


def choose(terms: list[Term]) -> Searcher:
    """The searcher of the system that the person wants, among those that can use all that counts of the query."""
    can, why = compatible_systems(likes.modalities(terms), gallery)
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
    return load_searcher(with_bits(state.system), gallery)


def with_bits(system: str) -> str:
    """The system's name; where its codes are nested, with the length that is chosen, and what each finds beside it."""
    codes = systems()[system].get("codes", [])
    if not codes:
        return system
    state.code = state.bits_wanted if state.bits_wanted in codes else codes[-1]
    st.segmented_control(
        tr("Bits"),
        codes,
        key="code",
        required=True,
        on_change=want_bits,
        help=tr("How many bits of its codes are compared: fewer take less room and time, and find less."),
    )
    report = reports()[system]  # is copied at each call
    if told := " ".join(filter(None, (quality(report["study"], codes), speed(report["codes"])))):
        st.caption(told)
    return system if state.code == codes[-1] else f"{system}@{state.code}"


def quality(study: dict, codes: list[int]) -> str:
    """The mean average precision of each length of code on the first test of a study; empty where it has none."""
    found = {}
    for bits in codes:
        for test, entry in study.get("variants", {}).get(f"{study.get('ships')} {bits} bits", {}).items():
            maps = [value for key, value in entry["metrics"].items() if key.endswith("/map")]
            found.setdefault(test, {})[bits] = sum(maps) / len(maps)
    if not found:
        return ""
    test, held = next(iter(found.items()))
    told = ", ".join(f"{bits}: {in_digits(value, 3)}" for bits, value in held.items())
    return tr("Mean average precision by bits, {test}: {told}.", test=test, told=told)


def speed(measured: dict) -> str:
    """How long a search by each length of code takes, of a benchmark; empty where there is none."""
    if not measured:
        return ""
    told = ", ".join(f"{bits}: {in_digits(one['times_whole'], 2)}" for bits, one in measured["bits"].items())
    photos = in_digits(measured["photos"])
    return tr(
        "A search among {photos} photos takes, in parts of the time by all bits: {told}.", photos=photos, told=told
    )


def answer(terms: list[Term]) -> None:
    """The right half: the best photos, or how to begin."""
    likes.row(gallery, terms)
    terms = likes.counting(terms)
    searcher = choose(terms)
    if not terms and not state.like:
        with st.container():  # goes as one, where its parts would move up one by one
            return welcome()
    start = time.perf_counter()
    spoken = ask.caption_language(searcher, terms)
    if note := ask.foreign(searcher, terms):
        st.caption(note)
    wanted = ask.understood(searcher, [*likes.liked(searcher), *terms])
    answers.show(gallery, searcher, wanted, start, spoken, address.name())


def welcome() -> None:
    """Instructions, shown until there is a query."""
    st.markdown(f"##### {tr('{photos} to find', photos=galleries.told(gallery))}")
    st.markdown(
        tr(
            "Draw something with the mouse or a finger, type what you look for, or upload a photo. "
            "Use them together to be more exact: draw the shape, type the colour."
        )
    )
    if state.folder == DEMO and st.button(
        tr("Search your own photos"), icon=":material/photo_library:", type="tertiary"
    ):
        switch_page("gallery.py")
    if words := ideas.ideas(gallery):
        st.pills(tr("Try"), words, key="idea", on_change=try_idea, wrap=True)
    where = filters.row(gallery)[0] if state.where else {}
    photo_grid(gallery, filters.sample(gallery, 10, where), like, key="welcome")


gallery, asked, place = ask.panel()
with place:
    answer(asked)
