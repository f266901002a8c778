"""Filters beside the answers: the facts that photos must have, each value with how many photos have it, and a range of
dates. The range is kept among the values of "taken", in state and address, as 2024-01-05..2024-02-10."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.grid import WORDED, fact_names
from pages.language import LANGUAGES, in_digits, language, tr
from pages.plain import shown
from pages.shared import in_words, open_gallery
from pages.state import sent, state
from xmr.gallery import Gallery
from xmr.modality import Item
from xmr.where import LANGUAGE, TAKEN, conditions

OFFERED = ("category", "colour", "place", TAKEN, "camera", "folder", LANGUAGE)  # those with few values, in this order
MOST_VALUES = 24  # of a fact that one may choose; of years and folders together a search takes 50
_RANGE = re.compile(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)", re.ASCII)
_DATES = "where-dates"  # the key of the widget


@st.cache_data(show_spinner=False, max_entries=128)
def _facets(folder: Path, version: tuple[int, ...], where: str) -> dict[str, dict[str, int]]:
    gallery = open_gallery(folder)
    found = gallery.facets(conditions(json.loads(where)))
    if all(count == len(gallery) for count in found.get(LANGUAGE, {}).values()):  # of no use
        found.pop(LANGUAGE, None)
    return {fact: {str(value): count for value, count in found[fact].items()} for fact in OFFERED if fact in found}


def counts(gallery: Gallery, where: Mapping[str, list]) -> dict[str, dict[str, int]]:
    """Of each fact, its values and the number of photos that have it and meet the conditions on all other facts."""
    version = gallery.version()

    def facets(where: Mapping[str, list]) -> dict[str, dict[str, int]]:
        return _facets(gallery.path, version, json.dumps(where, sort_keys=True))

    every, met = facets({}), facets(where)
    found = {}
    for fact, values in every.items():
        others = facets({name: kept for name, kept in where.items() if name != fact}) if fact in where else met
        found[fact] = {value: others.get(fact, {}).get(value, 0) for value in sorted(values)}
    return found


def chosen(gallery: Gallery) -> dict[str, list]:
    """The conditions that this visitor set, without those that nothing in this gallery is known of."""
    known = counts(gallery, {})
    kept: dict[str, list] = {
        fact: [value for value in values if value in known.get(fact, ())] for fact, values in _where().items()
    }
    if TAKEN in known and (dates := _dates()):
        kept[TAKEN].append({"from": dates[0].isoformat(), "to": dates[1].isoformat()})
    return {fact: values for fact, values in kept.items() if values}


def row(gallery: Gallery) -> tuple[dict[str, list], DeltaGenerator]:
    """The filters in a row, with a button that takes them away; returns the conditions, and the row for what else is to
    be chosen there."""
    where, names = chosen(gallery), fact_names() | {LANGUAGE: tr("Language")}
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="filters")
    spoken = language()  # once: there are hundreds of values
    for fact, number in counts(gallery, where).items():
        key = f"where-{fact}"
        st.session_state[key] = [value for value in where.get(fact, ()) if isinstance(value, str)]
        offered = [value for value, count in number.items() if count or value in where.get(fact, ())]
        if fact == TAKEN:
            _range(row, [int(year) for year in number if re.fullmatch(r"[1-9]\d{3}", year, re.ASCII)])
        if len(number) > 1 or fact == LANGUAGE:
            words = {value: _shown(fact, value, spoken) for value in offered}
            labels = {v: shown(f"{words[v]} ({in_digits(number[v], spoken=spoken)})") for v in offered}
            row.multiselect(
                names[fact],
                sorted(offered, key={value: word.casefold() for value, word in words.items()}.__getitem__),
                key=key,
                placeholder=names[fact],
                label_visibility="collapsed",
                format_func=labels.__getitem__,
                on_change=_choose,
                args=(fact,),
                max_selections=MOST_VALUES,
                select_all=False,  # so that Enter takes the name that was typed, not all that have its letters
                width=170,
            )
    if where:
        row.button(tr("Clear filters"), icon=":material/filter_alt_off:", type="tertiary", on_click=clear)
    return where, row


def why_none(where: Mapping[str, list]) -> str:
    """Why a query has no answer."""
    if where:
        return tr("No photo has all that the filters ask for. Take one of them away.")
    return tr(
        "No other photo is left here. Photos chosen for “More like this” or “Less like this” are not shown as answers."
    )


def sample(gallery: Gallery, count: int, where: Mapping[str, list[str]]) -> list[Item]:
    """Some of the photos that meet the conditions."""
    return gallery.sample(count, conditions(where))


def told(where: Mapping[str, list]) -> list[str]:
    """The values that are asked for, as people read them."""
    return [_shown(fact, str(value)) for fact, values in where.items() for value in values]


def _range(row: DeltaGenerator, years: list[int]) -> None:
    """The choice of a range of dates."""
    if not years:
        return
    dates = _dates()
    first, last = date(min(years), 1, 1), date(max(years), 12, 31)
    st.session_state[_DATES] = dates or ()
    row.date_input(
        tr("Taken from, to"),
        min_value=min(first, *dates) if dates else first,
        max_value=max(last, *dates) if dates else last,
        key=_DATES,
        format="YYYY-MM-DD",
        label_visibility="collapsed",
        help=tr("Taken from, to"),
        on_change=_choose_dates,
        width=210,
    )


def _dates() -> tuple[date, date] | None:
    """The range of dates that this visitor set; None for none."""
    for value in _where().get(TAKEN, ()):
        if found := _RANGE.fullmatch(str(value)):
            try:
                first, last = sorted(map(date.fromisoformat, found.groups()))
            except ValueError:  # no such day
                continue
            return first, last
    return None


def _shown(fact: str, value: str, spoken: str | None = None) -> str:
    return in_words(value, spoken) if fact in WORDED else LANGUAGES.get(value, value) if fact == LANGUAGE else value


def _where() -> dict[str, list[str]]:
    return state.where or {}


def _choose(fact: str) -> None:
    if (values := sent(f"where-{fact}")) is not None:
        _set(fact, list(values))


def _choose_dates() -> None:
    """A range takes the place of the years, and they of it. One of which only the beginning was chosen is none yet."""
    dates = sent(_DATES)
    if dates is not None and len(dates) != 1:
        _set(TAKEN, [f"{dates[0]}..{dates[1]}"] if dates else [])


def _set(fact: str, values: list[str]) -> None:
    rest = {name: kept for name, kept in _where().items() if name != fact}
    state.where = {**rest, fact: values} if values else rest


def clear() -> None:
    """Take all conditions away."""
    state.where = None
