"""The interface in English or German: the browser's language decides, until the visitor switches.

Texts are written in English where they are shown, `tr("Draw, type or upload")`; pages/german/*.json hold the German
ones, a file a page. What comes from the library, such as the sentence of a BadInput, stays English.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st

from pages.state import state

LANGUAGES = {"en": "English", "de": "Deutsch"}
COOKIE = "xmr_language"  # widgets/everywhere.js sets it when somebody switches


def language() -> str:
    """The visitor's language, "en" or "de"."""
    if state.language:
        return state.language
    if state.browser_language is None:  # kept, since a page asks some hundred times
        state.browser_language = _of_browser()
    return state.browser_language


def _of_browser() -> str:
    """The language that was switched to at an earlier visit, or else the browser's."""
    if (remembered := st.context.cookies.get(COOKIE)) in LANGUAGES:
        return remembered
    return "de" if (st.context.locale or "").lower().startswith("de") else "en"


def switch() -> None:
    """A button for the other language."""
    (other,) = LANGUAGES.keys() - {language()}
    with st.container(key="language", width="content"):
        st.button(LANGUAGES[other], icon=":material/translate:", type="tertiary", on_click=_switch, args=(other,))


def _switch(to: str) -> None:
    state.language = to


def tr(english: str, **values: object) -> str:
    """A text in the visitor's language, with {name} filled in from `values`, numbers as it writes them.

    >>> tr("{count} photos", count=3)
    '3 photos'
    """
    text = german().get(english, english) if language() == "de" else english
    told = {name: in_digits(value) if isinstance(value, int | float) else value for name, value in values.items()}
    return text.format(**told) if values else text


def listed(parts: Sequence[str]) -> str:
    """Several things in a sentence.

    >>> listed(["the photo", "the drawing", "the words"])
    'the photo, the drawing and the words'
    """
    return tr(" and ").join([", ".join(parts[:-1]), *parts[-1:]] if len(parts) > 1 else parts)


def in_digits(value: float, places: int = 1, spoken: str | None = None) -> str:
    """A number as the visitor's language writes it: 3,000 or 3.000; with so many decimal places if it is not whole.

    spoken: that language, where it was asked for already.
    """
    told = f"{value:,}" if isinstance(value, int) else f"{value:,.{places}f}"
    return told.translate(str.maketrans(",.", ".,")) if (spoken or language()) == "de" else told


def in_percent(share: float) -> str:
    """A share as the visitor's language writes it: 75% or 75 %."""
    return tr("{percent}%", percent=f"{100 * share:.0f}")


@cache
def german() -> dict[str, str]:
    """The German text of each English one.

    >>> german()["Search"]
    'Suche'
    """
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).with_name("german").glob("*.json")):
        found |= json.loads(path.read_text(encoding="utf-8"))
    return found
