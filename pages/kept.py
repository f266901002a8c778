"""Pictures of queries, kept for a while by the server, so that a reload and an address lead to them again.

Each has a random name that cannot be guessed: whoever has the name may search with the picture. The limits are in
SECURITY.md.
"""

from __future__ import annotations

import io
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from PIL import Image

from pages.limits import LIMITS
from xmr.modality import Drawing

MAX_BYTES = LIMITS.mb_of_query_pictures * 1_000_000  # of all pictures together
MAX_AGE = LIMITS.minutes_of_query_pictures * 60  # seconds since one was used last
_ARRAY = 136  # bytes that a stroke takes beside its numbers, which may be few: an SVG has thousands of dots


@dataclass
class _Entry:
    """content: a picture as a file, or strokes. note: what open_picture says about it. drawing: whether it looks like a
    drawing. used: when, the last time."""

    content: bytes | Drawing
    note: str
    drawing: bool
    size: int
    used: float


_lock = threading.Lock()
_entries: OrderedDict[str, _Entry] = OrderedDict()  # by name, the one that was used last at the end


def keep(content: Image.Image | Drawing, drawing: bool) -> tuple[str, Image.Image | Drawing]:
    """Keep a picture, and return its name and the picture as it is kept, which is what any later `find` returns. Those
    that were not used for longest make way for it."""
    stored, size = _stored(content)
    note = "" if isinstance(content, Drawing) else content.info.get("note", "")
    entry = _Entry(stored, note, drawing, size, time.monotonic())
    name = secrets.token_urlsafe(12)
    with _lock:
        _entries[name] = entry
        _tidy(entry.used)
    return name, _opened(entry)


def find(name: str) -> tuple[Image.Image | Drawing, bool] | None:
    """A picture by its name, and whether it looks like a drawing; None if it is not kept any more."""
    with _lock:
        now = time.monotonic()
        _tidy(now)
        entry = _entries.get(name)
        if entry is None:
            return None
        entry.used = now
        _entries.move_to_end(name)
    return _opened(entry), entry.drawing


def _opened(entry: _Entry) -> Image.Image | Drawing:
    if isinstance(entry.content, Drawing):
        return entry.content
    image = Image.open(io.BytesIO(entry.content))
    image.load()
    image.info = {"note": entry.note} if entry.note else {}
    return image


def _tidy(now: float) -> None:
    while _entries:
        oldest = next(iter(_entries.values()))
        if now - oldest.used <= MAX_AGE and sum(entry.size for entry in _entries.values()) <= MAX_BYTES:
            return
        _entries.popitem(last=False)


def _stored(content: Any) -> tuple[bytes | Drawing, int]:
    """A picture as a small file, or the strokes as they are; and their bytes."""
    if isinstance(content, Drawing):
        return content, sum(stroke.nbytes + _ARRAY for stroke in content.strokes)
    out = io.BytesIO()
    if content.mode == "RGB":
        content.save(out, "JPEG", quality=95, subsampling=0)
    else:
        content.save(out, "PNG", compress_level=1)
    return out.getvalue(), len(out.getvalue())
