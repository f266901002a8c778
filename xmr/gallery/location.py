"""Finds the gallery of a folder: in the folder itself, in its .xmr, or in the user's data folder."""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from xmr.home import home
from xmr.modality import BadInput, shown

DEMO = home() / "galleries" / "demo"  # the shipped photos
HIDDEN = ".xmr"  # the subfolder of a folder of photos that has its gallery


def given_path(given: str | Path) -> Path:
    """The absolute path that a user means: `~` is expanded; surrounding quotes and a leading file:// are removed.

    Raises:
        BadInput: it is none, blank, too long, has a NUL, or names an unknown user or another computer.
    """
    try:
        text = os.fsdecode(given).strip()
    except TypeError:
        raise BadInput(f"Expected the path of a folder or a file; {shown(given)} came.") from None
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    if text.lower().startswith("file:"):
        address = urlsplit(text)
        if address.netloc not in ("", "localhost"):
            raise BadInput(f"{text} is on another computer. Give a folder of this one.")
        text = unquote(address.path)
    if not text.strip():
        raise BadInput("The path is blank. Give that of a folder or a file.")
    if "\0" in text:
        raise BadInput(f"No path has a NUL in it: {shown(text)}. Check the path.")
    try:
        path = Path(text).expanduser().absolute()
        os.lstat(path)
    except RuntimeError:
        raise BadInput(f"There is no user {text.split('/')[0][1:]!r} here. Give the whole path.") from None
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # the caller reports it
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise BadInput(f"{shown(text)} is no path that can be: {reason}. Check it.") from None
    return path


def index_home(folder: Path, base: Path | None = None) -> Path:
    """The folder for a gallery that is not kept in the photos' folder: in `base`, or in the user's data folder."""
    if base is None:
        from platformdirs import user_data_path

        base = user_data_path("xmr") / "galleries"
    folder = folder.resolve()
    return base / f"{folder.name[:40]}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def places(folder: Path, index_dir: str | Path | None = None) -> list[Path]:
    """Folders in which the gallery of a folder may be, most likely first."""
    if index_dir is not None:
        return [folder, index_home(folder, given_path(index_dir))]
    return [folder, index_home(folder), folder / HIDDEN]


def holds_gallery(folder: Path) -> bool:
    """Whether there is a non-empty gallery file in a folder."""
    try:
        found = os.stat(folder / "gallery.sqlite")
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size > 0


def index_command(folder: Path, index_dir: str | Path | None = None) -> str:
    """The shell command that indexes a folder, into another one if there is."""
    kept = "" if index_dir is None else f" --index-dir {shlex.quote(str(index_dir))}"
    return f"python -m xmr index {shlex.quote(str(folder))}{kept}"
