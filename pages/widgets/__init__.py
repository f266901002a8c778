"""Custom Streamlit components: a grid of photos, the toolbar of the canvas, a part of a picture, a fold, a strip
of the first photos, and what the whole page listens to.

The grid's data is a list, because Streamlit searches dicts for data frames.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.history import History
from pages.language import language, tr
from pages.state import sent


def _component(name: str, html: str) -> Callable[..., Any]:
    """A component that is part of the page, not in an iframe."""
    css, js = (Path(__file__).with_name(f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return st.components.v2.component(f"xmr_{name}", html=html, css=css, js=js, isolate_styles=False)


_photos = _component("photos", Path(__file__).with_name("photos.html").read_text(encoding="utf-8"))
_tools = _component("tools", Path(__file__).with_name("tools.html").read_text(encoding="utf-8"))
_crop = _component("crop", Path(__file__).with_name("crop.html").read_text(encoding="utf-8"))
_fold = _component("fold", '<button type="button" class="xmr-fold" aria-expanded="false"></button>')
_peek = _component("peek", '<button type="button" class="xmr-peek" hidden></button>')
_everywhere = _component("everywhere", '<button type="button" class="xmr-skip"></button>')


def photos(told: dict[str, Any], on_act: Callable[[Any], None], key: str = "photos") -> None:
    """Show photos in a grid that fills the width of the screen; one that is clicked is shown large, over the page.

    Args:
        told: "cards": dicts of "id", "source" (a URL, see `inline`), "caption", "note" and "framed" (a green frame);
            for the large one "name", "facts" (pairs of texts), "captions", "original" (whether it is a larger picture)
            and "path" (of the file, or None); "alike" (the id of the photo that it is folded under, or None) and
            "copies" (the words on the button that unfolds those under it, or None).
            "base": the address below which the large ones are. "texts": the words on the buttons. "marked": the ids of
            those that are marked, or None where none can be; the browser's own marks count until "version" changes.
            "less", "why": whether "Less like this" and "Why?" are offered. "heat": "id" and "cells", the shares of
            "Why?", or None. "said": a sentence to tell where one is shown large.
        on_act: called with [what, of which id] as the browser sent it, which is not to be trusted: "like", "less",
            "why" (None: no more), "open", "reveal"; and "mark", of a list of ids.
        key: of the component.
    """
    _photos(key=key, data=[told, key], on_act_change=lambda: (came := sent(key)) and on_act(came.act))


def tools(history: History, pen: str, taken: int, on_step: Callable[[int], None], on_clear: Callable[[], None]) -> None:
    """The toolbar of the canvas in the same container (key "sketchpad"): undo, redo, clear and move, with shortcuts.

    It also sets the canvas's layout.

    Args:
        history:  decides which buttons are enabled.
        pen:      the selected pen; selecting another one ends the move mode.
        taken:    number of steps (undos minus, redos plus) that on_step has handled; the browser counts from there.
        on_step:  called with the new number of steps.
        on_clear: called when the drawing is cleared.
    """
    told = {
        "undo": history.undoable,
        "redo": history.redoable,
        "clear": bool(history.strokes),
        "pen": pen,
        "taken": taken,
        "texts": {
            "toolbar": tr("The drawing"),
            "undo": [tr("Undo"), tr("Undo (Ctrl+Z)")],
            "redo": [tr("Redo"), tr("Redo (Ctrl+Shift+Z)")],
            "clear": [tr("Clear"), tr("Clear (Undo brings it back)")],
            "move": [tr("Move"), tr("Move lines; Delete removes the chosen one")],
        },
    }
    _tools(
        key="tools",
        data=told,
        on_taken_change=lambda: (came := sent("tools")) and on_step(came.taken),
        on_clear_change=on_clear,
    )


def crop(source: str, box: Sequence[float] | None, on_box: Callable[[Any], None], key: str) -> None:
    """A picture on which a part is chosen with the mouse, a finger or the arrow keys.

    Args:
        source: a URL, see `inline`.
        box:    the part: left, top, right and bottom as shares of the sides; None for the whole.
        on_box: called with what the browser says was chosen, in this form, which may be anything.
        key:    of the component.
    """
    texts = {
        "part": tr("The part that is searched with. Arrow keys move it; with Shift they change its size."),
        "whole": tr("The whole picture"),
        "hint": tr("Draw a frame around the part to search with."),
    }
    told = {"source": source, "box": list(box or (0, 0, 1, 1)), "texts": texts}
    _crop(key=key, data=told, on_box_change=lambda: (came := sent(key)) and on_box(came.box))


def fold(label: str) -> None:
    """A button that shows and hides the panel of the query on a phone, where it is folded to begin with."""
    _fold(key="unfold", data={"label": label})


def peek() -> None:
    """The first photos of the answer at the lower edge of a phone's screen, while they are below it."""
    _peek(key="peek", data={"label": tr("To the photos")})


def everywhere(chosen: str | None, refusal: str) -> None:
    """What the whole page listens to: the keys /, d and Esc, pictures that are pasted or dropped, and a link over the
    query to the photos.

    Args:
        chosen:  the language that somebody switched to, for the browser to remember.
        refusal: what is told of a file that is too large to be uploaded.
    """
    told = {"chosen": chosen, "language": language(), "skip": tr("Skip to the photos"), "refusal": refusal}
    _everywhere(key="everywhere", data=told)


def inline(picture: bytes, kind: str = "image/webp") -> str:
    """A picture file as a data URL.

    Streamlit drops the files of the last run while a browser may still be fetching them. A picture inside the page is
    always available, and appears together with its caption.
    """
    return f"data:{kind};base64,{b64encode(picture).decode()}"
