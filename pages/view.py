"""What is chosen on Results, as part of the address: a link, a reload, Back and Forward show the same.

A choice is a name with a short text. The address has those that differ from what the page chooses by itself; one that
the page does not offer is told in a sentence, and the page's own choice stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.language import tr
from pages.state import sent, state

PAGE = "results"
NAMES = (
    "test",
    "question",
    "look",
    "look_system",
    "look_asked",
    "look_kind",
    "trained",
    "validated",
    "bits",
    "pairs",
    "mapped",
)
_LONGEST = 200  # letters of a choice


def take(params: Mapping[str, str]) -> None:
    """Choose what an address says."""
    if state.here == PAGE:
        state.view = {name: text[:_LONGEST] for name in NAMES if (text := params.get(name))}


def params() -> dict[str, str]:
    """The choices for the address, where the page that is open has them."""
    return dict(state.view or {}) if state.here == PAGE else {}


def choose(
    widget: Callable[..., Any],
    label: str,
    name: str,
    options: Sequence[str],
    default: str,
    drops: Sequence[str] = (),
    **more: Any,
) -> str:
    """Show a widget of one choice, and return that.

    Args:
        widget: st.selectbox or st.segmented_control.
        name:   of the choice: one of NAMES, and the widget's key.
        drops:  names of the choices that mean nothing any more once this one changes.
        more:   for the widget.
    """
    wanted = (state.view or {}).get(name, default)
    if wanted not in options:
        st.warning(tr("This address names something that is not here. Choose again."), icon=":material/link_off:")
        _keep(name, default, default, drops)
        wanted = default
    st.session_state[name] = wanted
    return widget(label, list(options), key=name, on_change=_changed, args=(name, default, drops), **more)


def switch(label: str, name: str, drops: Sequence[str] = (), **more: Any) -> bool:
    """Show a toggle that is off to begin with, and return whether it is on."""
    st.session_state[name] = bool((state.view or {}).get(name))
    return st.toggle(label, key=name, on_change=_changed, args=(name, False, drops), **more)


def _changed(name: str, default: str | bool, drops: Sequence[str]) -> None:
    if (chosen := sent(name)) is not None:
        _keep(name, chosen, default, drops)


def _keep(name: str, chosen: str | bool, default: str | bool, drops: Sequence[str]) -> None:
    kept = {other: text for other, text in (state.view or {}).items() if other != name and other not in drops}
    state.view = kept if chosen == default else {**kept, name: "1" if chosen is True else str(chosen)}
