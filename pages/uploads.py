"""Uploaded photos: visible only to their visit, in a folder that is deleted when the visit ends.

The limits below are documented in SECURITY.md. They apply to the files in that folder, and also to the memory in which
Streamlit keeps all uploads of a visit, each up to server.maxUploadSize.
"""

import os
import re
import shutil
import stat
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st
from filelock import FileLock, Timeout
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages import originals, visit
from pages.language import tr
from pages.limits import LIMITS
from xmr.modality import BadInput
from xmr.preprocess import open_picture

MAX_PHOTOS = LIMITS.photos_of_a_visit
MAX_BYTES = LIMITS.mb_of_a_visit * 1_000_000
MAX_BYTES_OF_ALL = LIMITS.mb_of_all_visits * 1_000_000

_EACH = 10_000  # bytes that a file counts more than it has, for its names: thousands of empty ones take memory as well
_LONGEST_PLACE = 200  # letters of the address of an upload, which is kept as long as it is
_AREA = ".xmr-uploads-"  # hidden, so that indexing a folder around it leaves it out
_lock = threading.RLock()
_area: list[
    tuple[Path, FileLock]
] = []  # this server's folder, once there are uploads, and the lock that marks it as used
_sizes: dict[Path, int] = {}  # bytes of all files of all visits


class LimitUploads:
    """ASGI middleware that rejects an upload at its start if it would exceed the memory limit of its visit or of all
    visits."""

    _PLACE = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._arriving: Counter[str] = Counter()  # bytes of each visit that are being received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        place = self._PLACE.search(scope.get("path", ""))
        if scope["type"] != "http" or scope["method"] != "PUT" or not place:
            return await self.app(scope, receive, send)
        visit, headers = place[1], Request(scope).headers
        told = headers.get("content-length", "")
        if not told.isdecimal() or "transfer-encoding" in headers:  # beside which another length does not count
            return await PlainTextResponse("The Content-Length header is missing.", 411)(scope, receive, send)
        if len(place[0]) > _LONGEST_PLACE:
            return await PlainTextResponse("The address is too long.", 414)(scope, receive, send)
        size = int(told) + _EACH
        if refusal := self._refusal(visit, size):
            return await PlainTextResponse(refusal, 413)(scope, receive, send)
        self._arriving[visit] += size
        try:
            await self.app(scope, receive, send)
        finally:
            self._arriving[visit] -= size
            self._arriving += Counter()  # drops zero counts

    def _refusal(self, visit: str, size: int) -> str:
        held = {
            visit: sum(len(file.data) + _EACH for file in files.values())
            for visit, files in runtime.get_instance().uploaded_file_mgr.file_storage.items()
        }
        if held.get(visit, 0) + self._arriving[visit] + size > MAX_BYTES:
            return f"At most {MAX_BYTES / 1e6:,.0f} MB can be uploaded in a visit."
        if sum(held.values()) + self._arriving.total() + size > MAX_BYTES_OF_ALL:
            return "The server has no room for more uploads at the moment. Try again later."
        return ""


def refusal() -> str:
    """What a visitor is told of a file that the browser or `LimitUploads` refuses."""
    return tr(
        "Not taken: no folders, at most {size} MB a file and {sum} MB in a visit, as long as the server has room for "
        "it.",
        size=st.get_option("server.maxUploadSize"),
        sum=round(MAX_BYTES / 1e6),
    )


class Uploads:
    """The uploaded photos of one visit.

    Attributes:
        folder: has these photos and nothing else, and can be indexed.
        names:  file names by the uploader's file id.
        visits: the ids of the visits that use them: a tab, and what it becomes when it is loaded anew.

    Raises:
        BadInput: the folder can't be created.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.visits: set[str] = set()
        self._lock = threading.Lock()
        try:
            self.folder = Path(tempfile.mkdtemp(dir=_this_servers_area()))
        except OSError as error:
            raise BadInput(
                tr("Nothing can be uploaded here now: {why}. Tell the server's operator.", why=error.strerror)
            ) from None

    def take(self, files: Sequence[UploadedFile]) -> list[tuple[str, str]]:
        """Store the new files; returns the names of those that cannot be, each with the reason: they are not pictures,
        there are too many, they are too large, or the disk is full."""
        refused = []
        for file in files:
            if file.file_id not in self.names:
                try:
                    open_picture(file, at_least=64).close()
                    self._keep(file)
                except BadInput as error:
                    refused.append((file.name, str(error)))
        return refused

    def _keep(self, file: UploadedFile) -> None:
        with self._lock:
            if len(self.names) >= MAX_PHOTOS:
                raise BadInput(
                    tr(
                        "At most {count} photos can be uploaded in a visit. Index a folder instead, or remove some.",
                        count=MAX_PHOTOS,
                    )
                )
            path = self.folder / self._free_name(file.name)
            _reserve(path, file.size)
            try:
                path.write_bytes(file.getbuffer())
            except OSError as error:
                self._discard(path)
                raise BadInput(
                    tr("{file} cannot be kept: {why}. Tell the server's operator.", file=file.name, why=error.strerror)
                ) from None
            self.names[file.file_id] = path.name

    def _free_name(self, name: str) -> str:
        """An unused file name like the visitor's, which can't leave the folder."""
        stem, suffix = os.path.splitext(re.split(r"[/\\]", name)[-1])
        if not re.fullmatch(r"\.\w{1,5}", suffix):
            stem, suffix = stem + suffix, ""
        stem = re.sub(r"[^\w ()+-]", "_", stem)[:60].strip() or "photo"
        taken, number, free = {other.casefold() for other in self.names.values()}, 1, stem + suffix
        while free.casefold() in taken:
            number += 1
            free = f"{stem} ({number}){suffix}"
        return free

    def remove(self, ids: Sequence[str]) -> list[str]:
        """Delete uploads by their file ids, and return the names of their files."""
        with self._lock:
            gone = [self.names.pop(id) for id in ids if id in self.names]
            for name in gone:
                self._discard(self.folder / name)
        return gone

    def _discard(self, path: Path) -> None:
        originals.forget(path)
        with suppress(OSError):  # it is deleted with the folder
            path.unlink(missing_ok=True)
        with _lock:
            _sizes.pop(path, None)

    def end(self) -> None:
        """Delete all uploads of the visit, and their gallery."""
        with self._lock:
            self.names.clear()
            originals.forget(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)
            with _lock:
                for path in [path for path in _sizes if path.parent == self.folder]:
                    del _sizes[path]


def _reserve(path: Path, size: int) -> None:
    """Count a file before it is written; raises BadInput above a limit."""
    with _lock:
        if sum(other for at, other in _sizes.items() if at.parent == path.parent) + size > MAX_BYTES:
            raise BadInput(
                tr(
                    "At most {size} MB can be uploaded in a visit. Index a folder instead, or remove some.",
                    size=round(MAX_BYTES / 1e6),
                )
            )
        if sum(_sizes.values()) + size > MAX_BYTES_OF_ALL:
            raise BadInput(tr("The server has no room for more uploads at the moment. Try again later."))
        _sizes[path] = size


def forget(file: UploadedFile) -> None:
    """Free the memory of an upload that was read and that no uploader on the page shows any more."""
    if runtime.exists():
        runtime.get_instance().uploaded_file_mgr.remove_file(visit.this_visit(), file.file_id)


def is_area(folder: Path) -> bool:
    """Whether a folder is, or is inside, a server's folder for uploads."""
    return any(part.startswith(_AREA) for part in folder.parts)


def _this_servers_area() -> Path:
    with _lock:
        if not _area or not _area[0][0].is_dir():  # another program may have deleted it
            folder = Path(tempfile.mkdtemp(prefix=_AREA))
            lock = FileLock(folder / "in use", thread_local=False)
            lock.acquire()
            _area[:] = [(folder, lock)]
        return _area[0][0]


def sweep() -> None:
    """Delete uploads that this user's servers left behind when they were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_AREA}*"):
        with suppress(OSError, Timeout):
            state = folder.lstat()
            if stat.S_ISDIR(state.st_mode) and (os.name == "nt" or state.st_uid == os.getuid()):
                lock = FileLock(folder / "in use", thread_local=False)
                lock.acquire(blocking=False)
                lock.release()
                shutil.rmtree(folder)


def end_all() -> None:
    """Delete all uploads of this server; called when it ends."""
    with _lock:
        for folder, lock in _area:
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)
        _area.clear()
        _sizes.clear()
