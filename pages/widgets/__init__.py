"""The widget that Streamlit lacks: a grid of photos, as one element on the page.

Its data is a list and not a dict: in a dict, Streamlit looks for data frames.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

_CSS, _JS = (Path(__file__).with_name(f"photos.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
_photos = st.components.v2.component("xmr_photos", html='<ol class="xmr-photos"></ol>', css=_CSS, js=_JS,
                                     isolate_styles=False)  # one of the page itself, not of a frame


def photos(cards: Sequence[dict[str, Any]], on_like: Callable[[str], None], key: str = "photos") -> None:
    """Photos side by side in rows as wide as the screen allows, each with "More like this".

    cards: {"id", "source", "caption", "note", "framed"} each; the source is an address, see `inline`; a framed photo
        has a green line around it.
    on_like: called with the id of the card whose button was pressed.
    """
    _photos(key=key, data=list(cards), on_like_change=lambda: on_like(st.session_state[key].like))


def inline(picture: bytes, kind: str = "image/webp") -> str:
    """The picture's file as an address that holds it. Streamlit gives up the files of the last run while a browser may
    still be fetching them; a picture inside the page is there whatever happens, and comes together with its caption."""
    return f"data:{kind};base64,{b64encode(picture).decode()}"
