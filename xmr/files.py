"""Files that are written whole or not at all: a kill half way leaves what was there before. And files in folders that
may be of someone else's making, which lead nowhere else."""

import errno
import json
import os
import stat
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, beside `path` and of the same ending, that takes its place when the block ends without error.

    The folder is made if it isn't there. Two that write the same file at once do not meet: the last one's stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def let_go_of_output() -> None:
    """What could not be written to standard output is not written again when the program ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(path: Path, content: Any) -> None:
    """Write JSON, indented, with a line's end."""
    with replacing(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def open_own(path: Path, mode: str = "rb") -> IO[bytes]:
    """Open a file in a folder that may be of someone else's making: never through a link, which may lead to any file of
    the user, and no pipe or device, which may never answer.

    Raises:
        OSError: it is none of its own folder's files, or cannot be opened.
    """
    extra = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = open(path, mode, opener=lambda name, flags: os.open(name, flags | extra, 0o666))  # noqa: SIM115
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link", str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return file
