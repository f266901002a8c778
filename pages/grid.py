"""The grid of photos, with everything that is told of a photo when it is shown large, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pages import desktop, originals, trust
from pages.language import language, tr
from pages.plain import shown
from pages.shared import in_words, thumb
from pages.state import state
from pages.widgets import photos
from xmr.gallery import Gallery
from xmr.modality import BadInput, Hit, Item

MAX_MARKED = 100
WORDED = ("category", "colour", "place", "light")  # the facts whose values are words
_CAPTIONS = 12  # of a photo that is shown large


def photo_grid(
    gallery: Gallery,
    answers: Sequence[Hit | Item],
    on_like: Callable[[str], None],
    explain: Callable[[str], str] | None = None,
    key: str = "photos",
    framed: str | None = None,
    *,
    on_less: Callable[[str], None] | None = None,
    heat: Callable[[str], Any] | None = None,
    alike: Mapping[str, str] | None = None,
    marks: bool = False,
) -> None:
    """Photos with "more like this"; those that answer a query with how sure it is that they fit, where that is known.

    Args:
        explain: from a photo's id to the words that say why it answers; without it, its first caption.
        framed:  the category whose photos get a frame.
        on_less: for "less like this".
        heat:    from a photo's id to (rows, columns) shares of what made it an answer; may raise BadInput.
        alike:   from a photo's id to that of an earlier one under which it is folded.
        marks:   whether photos can be marked.
    """
    own, copies, names = trust.own_machine(), list((alike or {}).values()), fact_names()
    cards = []
    for answer in answers:
        item, hit = (answer.item, answer) if isinstance(answer, Hit) else (answer, None)
        original = originals.original(gallery, item)
        folded = copies.count(item.id)
        cards.append(
            {
                "id": item.id,
                "source": thumb(gallery, item.id),
                "note": _note(hit) if hit else "",
                "caption": shown(explain(item.id)) if explain else caption_of(gallery, item.id),
                "framed": framed in item.labels,
                "name": shown(item.content.name) if original else "",
                "facts": [*_facts(item, original, names), *([(tr("How sure"), _sureness(hit))] if hit else [])],
                "captions": _captions(gallery, item.id),
                "original": original is not None,
                "path": shown(original) if original and own else None,
                "alike": (alike or {}).get(item.id),
                "copies": _copies(folded) if folded else None,
            }
        )
    wanted = state.why if heat and state.why in {card["id"] for card in cards} else None
    told = {
        "cards": cards,
        "base": originals.address(gallery),
        "texts": _texts(),
        "marked": list(state.marked) if marks else None,
        "version": state.unmarked,
        "less": on_less is not None,
        "why": heat is not None,
        "heat": {"id": wanted, "cells": _cells(heat, wanted, key)} if heat and wanted else None,
        "said": state.said[1] if state.said[0] == key else "",
    }
    state.said = ("", "") if told["said"] else state.said
    photos(told, lambda sent: _act(gallery, sent, on_like, on_less, key), key)


def _act(
    gallery: Gallery,
    sent: Any,
    on_like: Callable[[str], None],
    on_less: Callable[[str], None] | None,
    key: str,
) -> None:
    """Do what a browser asks of a photo. Anything may come from there; what is no request is passed over."""
    match sent:
        case ["like", str(id)] if gallery.find([id]):
            on_like(id)
        case ["less", str(id)] if on_less and gallery.find([id]):
            on_less(id)
        case ["why", str(id) | (None as id)]:
            state.why = id
        case ["mark", [*ids]]:
            known = gallery.find([id for id in ids[: 2 * MAX_MARKED] if isinstance(id, str)])
            state.marked = tuple(id for id in ids if isinstance(id, str) and id in known)[:MAX_MARKED]
            if len(state.marked) < len(ids):  # the browser follows
                state.unmarked += 1
        case ["open" | "reveal" as what, str(id)] if trust.own_machine():
            try:
                path = originals.original(gallery, gallery.get(id))
                if path is None or not originals.is_picture(path):
                    raise BadInput(tr("The file is no longer there. Index the folder again."))
                (desktop.open_file if what == "open" else desktop.show_in_folder)(path)
            except BadInput as error:
                state.said = (key, shown(error))


def unmark() -> None:
    """Take all marks away."""
    state.marked, state.unmarked = (), state.unmarked + 1


def _note(hit: Hit) -> str:
    """The line below a photo: its place, and how sure it is that it fits."""
    return f"{hit.rank}" if hit.match is None else f"{hit.rank} · {_percent(hit.match)}"


def _percent(match: float) -> str:
    return tr("{percent}% sure", percent=f"{100 * match:.0f}")


def _sureness(hit: Hit) -> str:
    if hit.match is None:
        return tr("not known for such a query")
    return tr("{percent} that it fits", percent=_percent(hit.match))


def _copies(count: int) -> str:
    return tr("and {count} nearly the same", count=count)


def fact_names() -> dict[str, str]:
    """What the facts of photos that people may want to know are called, in the order in which they are shown."""
    return {
        "category": tr("Thing"),
        "colour": tr("Colour"),
        "place": tr("Place"),
        "light": tr("Light"),
        "taken": tr("Taken"),
        "camera": tr("Camera"),
        "folder": tr("Folder"),
        "file": tr("File"),
    }


def _facts(item: Item, original: Path | None, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is known of a photo, as pairs of name and value; the date of its file, where there is no better one."""
    found = [
        (name, _told(fact, item.facts[fact]))
        for fact, name in names.items()
        if isinstance(item.facts.get(fact), str | int | float)
    ]
    if isinstance(item.facts.get("latitude"), float) and isinstance(item.facts.get("longitude"), float):
        found.append((tr("Position"), f"{item.facts['latitude']:.4f}, {item.facts['longitude']:.4f}"))
    if original and "taken" not in item.facts:
        with suppress(OSError, OverflowError, ValueError):  # gone, or of no year that there is
            found.append((tr("File date"), datetime.fromtimestamp(original.stat().st_mtime).strftime("%Y-%m-%d")))
    return found


def _told(fact: str, value: str | int | float) -> str:
    """A fact's value as people read it."""
    if fact in WORDED:
        return shown(in_words(str(value)))
    return shown(str(value).replace("T", " ") if fact == "taken" else value)


def caption_of(gallery: Gallery, id: str, spoken: str | None = None) -> str:
    """One line to show with a photo: a caption in a language, at first the visitor's, if it has one."""
    found = _captions(gallery, id, spoken)
    return found[0] if found else shown(gallery.caption(id))


def _captions(gallery: Gallery, id: str, spoken: str | None = None) -> list[str]:
    """A photo's captions, those in a language first."""
    own = spoken or language()
    found = sorted(gallery.captions(id), key=lambda one: one[0] != own)
    return [shown(text) for _, text in found[:_CAPTIONS]]


def _cells(heat: Callable[[str], Any], id: str, key: str) -> list[list[float]] | None:
    try:
        return [[float(share) for share in row] for row in heat(id)]
    except BadInput as error:
        state.said = (key, shown(error))
        return None


def _texts() -> dict[str, str]:
    """The words on the buttons."""
    return {
        "enlarge": tr("Show large"),
        "like": tr("More like this"),
        "less": tr("Less like this"),
        "mark": tr("Mark"),
        "why": tr("Why? Show what in the photo counted"),
        "counted": tr("What counted for the answer stays bright, the rest is darkened."),
        "out": tr("Smaller (-)"),
        "in": tr("Larger (+)"),
        "download": tr("Download"),
        "copy": tr("Copy the path"),
        "copied": tr("The path is on the clipboard."),
        "open": tr("Open the file"),
        "reveal": tr("Show in its folder"),
        "close": tr("Close (Esc)"),
        "previous": tr("Previous photo (left arrow)"),
        "next": tr("Next photo (right arrow)"),
        "stage": tr("The photo, large"),
        "captions": tr("Captions"),
    }
