"""Keeps FAISS indexes that took long to build, in the user's cache folder.

They don't lie in the galleries, because a gallery may come from a stranger, and FAISS's files are not safe to open
then. Each is bound to the vectors that it was made from by a token: one that is out of date is built anew by itself.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from xmr.files import write_json

_MOST = 24  # indexes that are kept; the least recently used go first
_NEW = 3_600  # seconds in which a file of FAISS is left alone
_VERSION = 1


class KeptIndex:
    """Where one index is kept: a small JSON file that names the file of FAISS, written after it.

    Args:
        name:  tells this index from others.
        token: tells the first so many vectors from any others.
        folder: where it is kept; None for the user's cache folder.
    """

    def __init__(self, name: str, token: Callable[[int], str], folder: Path | None = None) -> None:
        if folder is None:
            from platformdirs import user_cache_path

            folder = user_cache_path("xmr") / "indexes"
        self._folder, self._name, self._token = folder, name, token

    def load(self) -> tuple[Any, int] | None:
        """See Store in xmr.index.faiss."""
        import faiss

        try:
            told = json.loads((self._folder / f"{self._name}.json").read_text())
            if told["version"] != _VERSION or told["token"] != self._token(told["count"]):
                return None
            file = self._folder / Path(told["file"]).name
            read = faiss.read_index_binary if told["binary"] else faiss.read_index
            index = read(str(file))
            os.utime(self._folder / f"{self._name}.json")
        except (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError):
            return None  # none yet, or out of date: it is built again
        return (index, int(told["effort"])) if index.ntotal == told["count"] else None

    def save(self, index: Any, effort: int) -> None:
        """See Store in xmr.index.faiss. A disk that cannot be written is no error: the index is only built again."""
        import faiss

        binary = isinstance(index, faiss.IndexBinary)
        file = self._folder / f"{self._name}-{uuid.uuid4().hex[:12]}.faiss"
        told = {"version": _VERSION, "count": index.ntotal, "token": self._token(index.ntotal), "effort": effort}
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (faiss.write_index_binary if binary else faiss.write_index)(index, str(file))
            write_json(self._folder / f"{self._name}.json", told | {"file": file.name, "binary": binary})
        except (OSError, RuntimeError):
            with suppress(OSError):
                file.unlink()
        self._sweep()

    def _sweep(self) -> None:
        """Forget the indexes that were not used for longest, and delete files of FAISS that belong to none. What is new
        stays: another process may be about to name it, or to read it."""
        pointers = sorted(self._folder.glob("*.json"), key=_changed, reverse=True)
        named = set()
        for pointer in pointers[:_MOST]:
            with suppress(OSError, ValueError, KeyError, TypeError):
                named.add(json.loads(pointer.read_text())["file"])
        old = time.time() - _NEW
        unnamed = [path for path in self._folder.glob("*.faiss") if path.name not in named]
        for path in [*pointers[_MOST:], *(path for path in unnamed if _changed(path) < old)]:
            with suppress(OSError):
                path.unlink()


def _changed(path: Path) -> float:
    """When a file was written or used last; 0 where another process has just deleted it."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
