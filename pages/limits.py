"""The limits that whoever runs the app may set, in .streamlit/secrets.toml or in another file of Streamlit's secrets:

    [limits]
    photos_of_a_visit = 500

SECURITY.md says what each is for. They are read once, when the app starts; what is wrong in them ends it with a
sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError


@dataclass(frozen=True)
class Limits:
    """Whole numbers above 0."""

    photos_of_a_visit: int = 200  # uploaded
    mb_of_a_visit: int = 200  # uploaded
    mb_of_all_visits: int = 1_000  # uploaded, in memory and on disk
    mb_of_query_pictures: int = 32  # of all visits, in memory
    minutes_of_query_pictures: int = 60  # since one was used last


def of(given: Mapping[str, Any]) -> Limits:
    """The limits with those that are given.

    Raises:
        ValueError: a name is unknown, or a value is no whole number above 0.
    """
    known = [field.name for field in fields(Limits)]
    for name, value in given.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise ValueError(
                f"There is no limit {name}. " + (f"Is it {near[0]}?" if near else f"Known: {', '.join(known)}.")
            )
        if type(value) is not int or value < 1:
            raise ValueError(f"The limit {name} is {value!r}. Give a whole number above 0.")
    return Limits(**given)


def _read() -> Limits:
    try:
        there = any(Path(file).exists() for file in st.get_option("secrets.files"))
        given = st.secrets.get("limits", {}) if there else {}
        if not isinstance(given, Mapping):
            raise ValueError("[limits] is no table. Write a line [limits], and the limits below it.")
        return of(given)
    except (ValueError, StreamlitSecretNotFoundError) as error:
        raise SystemExit(f"The limits in Streamlit's secrets cannot be used. {error}") from None


LIMITS = _read()
