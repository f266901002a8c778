"""Filters beside the answers: the facts that photos must have, each value with how many photos have it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.grid import WORDED, fact_names
from pages.language import tr
from pages.plain import shown
from pages.shared import in_words, open_gallery
from pages.state import state
from xmr.gallery import Gallery
from xmr.modality import Item
from xmr.where import conditions

OFFERED = ("category", "colour", "place", "taken", "camera", "folder")  # those with few values, in this order
MOST_VALUES = 24  # of a fact that one may choose; of years and folders together a search takes 50


@st.cache_data(show_spinner=False, max_entries=128)
def _facets(folder: Path, version: tuple[int, ...], where: str) -> dict[str, dict[str, int]]:
    found = open_gallery(folder).facets(conditions(json.loads(where)))
    return {fact: {str(value): count for value, count in found[fact].items()} for fact in OFFERED if fact in found}


def counts(gallery: Gallery, where: Mapping[str, list[str]]) -> dict[str, dict[str, int]]:
    """Of each fact, its values and the number of photos that have it and meet the conditions on all other facts."""
    version = gallery.version()

    def facets(where: Mapping[str, list[str]]) -> dict[str, dict[str, int]]:
        return _facets(gallery.path, version, json.dumps(where, sort_keys=True))

    every, met = facets({}), facets(where)
    found = {}
    for fact, values in every.items():
        others = facets({name: kept for name, kept in where.items() if name != fact}) if fact in where else met
        found[fact] = {value: others.get(fact, {}).get(value, 0) for value in sorted(values)}
    return found


def chosen(gallery: Gallery) -> dict[str, list[str]]:
    """The conditions that this visitor set, without those that nothing in this gallery is known of."""
    known = counts(gallery, {})
    kept = {fact: [value for value in values if value in known.get(fact, ())] for fact, values in _where().items()}
    return {fact: values for fact, values in kept.items() if values}


def row(gallery: Gallery) -> tuple[dict[str, list[str]], DeltaGenerator]:
    """The filters in a row, with a button that takes them away; returns the conditions, and the row for what else is to
    be chosen there."""
    where, names = chosen(gallery), fact_names()
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="filters")
    for fact, number in counts(gallery, where).items():
        key = f"where-{fact}"
        st.session_state[key] = where.get(fact, [])
        offered = [value for value, count in number.items() if count or value in where.get(fact, ())]
        if len(number) > 1:
            row.multiselect(
                names[fact],
                sorted(offered, key=lambda value, fact=fact: _shown(fact, value).casefold()),
                key=key,
                placeholder=names[fact],
                label_visibility="collapsed",
                format_func=lambda value, number=number, fact=fact: _label(fact, value, number[value]),
                on_change=_choose,
                args=(fact,),
                max_selections=MOST_VALUES,
                select_all=False,  # so that Enter takes the name that was typed, not all that have its letters
                width=170,
            )
    if where:
        row.button(tr("Clear filters"), icon=":material/filter_alt_off:", type="tertiary", on_click=clear)
    return where, row


def sample(gallery: Gallery, count: int, where: Mapping[str, list[str]]) -> list[Item]:
    """Some of the photos that meet the conditions."""
    return gallery.sample(count, conditions(where))


def _label(fact: str, value: str, count: int) -> str:
    return shown(f"{_shown(fact, value)} ({count:,})")


def _shown(fact: str, value: str) -> str:
    return in_words(value) if fact in WORDED else value


def _where() -> dict[str, list[str]]:
    return state.where or {}


def _choose(fact: str) -> None:
    rest = {name: values for name, values in _where().items() if name != fact}
    values = list(st.session_state[f"where-{fact}"])
    state.where = {**rest, fact: values} if values else rest


def clear() -> None:
    """Take all conditions away."""
    state.where = None
