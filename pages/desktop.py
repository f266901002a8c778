"""Opens a photo, or the folder that holds it, with the programs of this computer; only for the person it belongs to
(trust.own_machine), and only pictures (originals.is_picture)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pages.language import tr
from xmr.modality import BadInput


def open_file(path: Path) -> None:
    """Show a picture in the program that this computer shows pictures with.

    Raises:
        BadInput: this computer has no such program, or no screen.
    """
    if sys.platform == "win32":
        os.startfile(path)
    else:
        _start([_opener(), str(path)])


def show_in_folder(path: Path) -> None:
    """Show the folder that holds a file; with the file selected, where the system can.

    Raises:
        BadInput: as `open_file`.
    """
    if sys.platform == "win32":
        _start(["explorer", f"/select,{path}"])
    elif sys.platform == "darwin":
        _start([_opener(), "-R", str(path)])
    else:
        _start([_opener(), str(path.parent)])


def _opener() -> str:
    """The system's own command for "open this as I always do"."""
    found = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not found or not screen:
        raise BadInput(
            tr("This computer shows no files: no desktop is running where the app was started. Copy the path.")
        )
    return found


def _start(command: list[str]) -> None:
    """Start a program and leave it to itself. Paths are absolute, so that none is taken for an option."""
    try:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise BadInput(
            tr("{program} cannot be started: {why}. Copy the path instead.", program=command[0], why=error.strerror)
        ) from None
