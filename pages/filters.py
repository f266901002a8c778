"""Filters beside the answers: the facts that photos must have, each value with how many photos have it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.grid import fact_names
from pages.plain import shown
from pages.shared import display_name, open_gallery
from pages.state import state
from xmr.gallery import Gallery

OFFERED = ("category", "colour", "place", "camera")  # facts with few values, in this order


@st.cache_resource(show_spinner=False, max_entries=8)
def _facts(folder: Path, _version: tuple[int, ...]) -> pd.DataFrame:
    """The facts of all photos that can be filtered, a row a photo, by the version of the gallery."""
    table = pd.DataFrame([{fact: item.facts.get(fact) for fact in OFFERED} for item in open_gallery(folder)])
    kept = [fact for fact in table if table[fact].map(lambda value: isinstance(value, str)).any()]
    return table[kept].astype("category")


def counts(gallery: Gallery, where: Mapping[str, list[str]]) -> dict[str, dict[str, int]]:
    """Of each fact, its values and the number of photos that have it and meet the conditions on all other facts.

    Args:
        where: fact -> the values that will do.
    """
    table = _facts(gallery.path, gallery.version())
    meets = {fact: table[fact].isin(values) for fact, values in where.items() if fact in table}
    found = {}
    for fact in table:
        others = pd.Series(True, index=table.index)
        for other, met in meets.items():
            if other != fact:
                others &= met
        number = table[fact][others].value_counts()
        found[fact] = {value: int(number[value]) for value in sorted(table[fact].cat.categories)}
    return found


def chosen(gallery: Gallery) -> dict[str, list[str]]:
    """The conditions that this visitor set, without those that nothing in this gallery is known of."""
    known = counts(gallery, {})
    kept = {fact: [value for value in values if value in known.get(fact, ())] for fact, values in _where().items()}
    return {fact: values for fact, values in kept.items() if values}


def row(gallery: Gallery) -> dict[str, list[str]]:
    """The filters, in a row of the container that is open; returns the conditions."""
    where, names = chosen(gallery), fact_names()
    for fact, number in counts(gallery, where).items():
        key = f"where-{fact}"
        st.session_state[key] = where.get(fact, [])
        offered = [value for value, count in number.items() if count or value in where.get(fact, ())]
        if len(number) > 1:
            st.multiselect(
                names[fact],
                offered,
                key=key,
                placeholder=names[fact],
                label_visibility="collapsed",
                format_func=lambda value, number=number: shown(f"{display_name(value)} ({number[value]:,})"),
                on_change=_choose,
                args=(fact,),
                width=170,
            )
    return where


def _where() -> dict[str, list[str]]:
    return state.where or {}


def _choose(fact: str) -> None:
    rest = {name: values for name, values in _where().items() if name != fact}
    values = list(st.session_state[f"where-{fact}"])
    state.where = {**rest, fact: values} if values else rest


def clear() -> None:
    """Take all conditions away."""
    state.where = None
