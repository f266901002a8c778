"""Photos at full size, over HTTP: /photos/<handle>/<id>, where a handle stands for one gallery and one visitor.

A browser shows and keeps them like any picture, and a page stays small. A handle is random, is given out only while its
visitor searches that gallery, and works only together with that visitor's cookie. Files are not trusted: a photo is
decoded by xmr.preprocess within its limits, and encoded anew; only its download is the file as it is. SECURITY.md has
the limits.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import secrets
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote

from PIL import Image
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from pages import visit
from xmr.gallery import Gallery
from xmr.modality import BadInput, Item
from xmr.preprocess import HEAD, PICTURE_SUFFIXES, open_picture, picture_kind

SIDE = 2048  # px, the longer side of a photo that fills a screen: 12 megapixels at half their size need no resizing
_AT_LEAST = 1080  # px a side that decoding keeps for it: a camera photo is decoded at half its size
MAX_CACHED = 48_000_000  # bytes of encoded photos in memory
MAX_HANDLES = 4_096  # of all visitors; the oldest are forgotten, and given out anew by the next run of a page
_DECODING = threading.BoundedSemaphore(2)  # at once, of all visitors
_ANSWERING = ThreadPoolExecutor(4, "photos")  # of their own: those who wait here hold up no page and no other file
_HEADERS = {
    "Cache-Control": "private, max-age=600",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_DEVICES = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)\s*(\.|$)", re.IGNORECASE)  # what Windows takes for one

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class _Newest(Generic[_K, _V]):
    """A dict that forgets what was used least recently once its sizes exceed a limit. Safe for several threads."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._held: OrderedDict[_K, tuple[_V, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _K) -> _V | None:
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def drop(self, which: Callable[[_K], bool]) -> None:
        """Forget all keys of which this is true."""
        with self._lock:
            for key in [key for key in self._held if which(key)]:
                self._size -= self._held.pop(key)[1]

    def put(self, key: _K, value: _V, size: int = 1) -> None:
        with self._lock:
            self._size += size - self._held.pop(key, (None, 0))[1]
            self._held[key] = value, size
            while self._size > self._limit:
                self._size -= self._held.popitem(last=False)[1][1]


_handles: _Newest[tuple[str, Path], str] = _Newest(MAX_HANDLES)
_galleries: _Newest[str, tuple[str, Path]] = _Newest(MAX_HANDLES)
_encoded: _Newest[tuple, bytes] = _Newest(MAX_CACHED)


def address(gallery: Gallery) -> str:
    """Where this visitor's browser finds the photos of a gallery: add an id, and "?whole" for every pixel or "?file"
    for a download."""
    key = (visit.this_visitor(), gallery.path)
    handle = _handles.get(key)
    if handle is None or _galleries.get(handle) is None:
        handle = secrets.token_urlsafe(18)
        _handles.put(key, handle)
        _galleries.put(handle, key)
    return f"photos/{handle}/"


def forget(path: Path) -> None:
    """Free what was encoded of a file, or of all files in a folder, because they are deleted."""
    path = path.resolve()
    _encoded.drop(lambda key: key[0].is_relative_to(path))


def original(gallery: Gallery, item: Item) -> Path | None:
    """The file that a photo was indexed from, with links resolved; None if there is none any more, or if it is reached
    only through a link out of the gallery's folder: the gallery may be of someone else's making."""
    if item.content == gallery.thumb(item.id):
        return None
    try:
        path = Path(item.content).resolve(strict=True)
        return path if path.is_file() and path.is_relative_to(gallery.root.resolve()) else None
    except (OSError, RuntimeError):
        return None


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by both its content and its name: other programs go by the name."""
    try:
        with open(path, "rb") as file:
            kind = picture_kind(file.read(HEAD))
    except OSError:
        return False
    return kind is not None and kind.remedy is None and path.suffix.lower() in PICTURE_SUFFIXES


def file_name(item: Item) -> str:
    """What a photo's file is called when it is downloaded: a name that is harmless on every system."""
    name = re.sub(r"[^\w .()+-]", "_", unicodedata.normalize("NFC", Path(item.content).name)).strip(" .") or "photo"
    return f"_{name}" if _DEVICES.match(name) else name


def large(gallery: Gallery, item: Item, whole: bool = False) -> tuple[bytes, str]:
    """A photo for the screen: its bytes and their media type.

    Args:
        whole: every pixel that xmr.preprocess gives, at most 16 million; otherwise at most 2,048 px a side.

    Raises:
        BadInput: neither the original nor the thumbnail can be read.
    """
    path = original(gallery, item)
    if path is None:
        return gallery.thumbnail(item.id), "image/webp"
    try:
        state = path.stat()
    except OSError:
        return gallery.thumbnail(item.id), "image/webp"
    key = (path, state.st_mtime_ns, state.st_size, whole)
    found = _encoded.get(key)
    if found is None:
        try:
            with _DECODING:
                found = _jpeg(path, whole)
        except BadInput:  # damaged since it was indexed
            return gallery.thumbnail(item.id), "image/webp"
        _encoded.put(key, found, len(found))
    return found, "image/jpeg"


def _jpeg(path: Path, whole: bool) -> bytes:
    picture = open_picture(path, at_least=None if whole else _AT_LEAST)
    if not whole:
        picture.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=88)
    return out.getvalue()


async def _serve(request: Request) -> Response:
    return await asyncio.get_running_loop().run_in_executor(_ANSWERING, _answer, request)


def _answer(request: Request) -> Response:
    """Answers a browser. Whatever cannot be shown is "not found": that tells nothing."""
    key = _galleries.get(request.path_params["handle"])
    if key is None or request.cookies.get(visit.COOKIE) != key[0]:
        return PlainTextResponse("There is no such photo.", 404)
    try:
        with Gallery.open(key[1]) as gallery:
            item = gallery.get(request.path_params["id"])
            if "file" in request.query_params:
                return _download(gallery, item)
            content, kind = large(gallery, item, "whole" in request.query_params)
    except (BadInput, OSError):
        return PlainTextResponse("There is no such photo.", 404)
    return Response(content, media_type=kind, headers=_HEADERS)


def _download(gallery: Gallery, item: Item) -> Response:
    """The file as it is, or the thumbnail; always as something to keep, never to be opened in the browser."""
    path, name = original(gallery, item), file_name(item)
    whole = path is not None and is_picture(path)
    kept = name if whole else f"{os.path.splitext(name)[0]}.webp"
    headers = {**_HEADERS, "Content-Disposition": f"attachment; filename*=utf-8''{quote(kept)}"}
    if not whole:
        return Response(gallery.thumbnail(item.id), media_type="image/webp", headers=headers)
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


ROUTE = Route("/photos/{handle}/{id}", _serve)
