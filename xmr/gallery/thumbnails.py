"""The thumbnails of a gallery: one small WebP file per photo, written atomically, and read from its own folder only."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from PIL import Image

from xmr.files import open_own
from xmr.modality import BadInput, shown
from xmr.preprocess import open_picture

THUMB = 256  # longer side of a thumbnail, pixels
_LARGEST = 1_000_000  # bytes of a thumbnail; usual ones have 10,000
_LONGEST_SIDE = 1_024  # pixels of one; of a single colour, the largest WebP has 40 bytes and takes gigabytes to show
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.()-]{0,119}")  # a valid file name on all systems, and never a path


class Thumbnails:
    """The folder of thumbnails in a gallery's folder.

    Attributes:
        folder: the folder with <id>.webp.
    """

    def __init__(self, gallery: Path, remedy: Callable[[], str]) -> None:
        """
        Args:
            gallery: the gallery's folder.
            remedy:  returns a sentence that says what to do if the gallery is damaged.
        """
        self.folder = gallery / "thumbs"
        self._remedy = remedy

    def path(self, id: str) -> Path:
        """The path of a photo's thumbnail; raises BadInput for an invalid id."""
        if not isinstance(id, str) or not _ID.fullmatch(id):
            raise BadInput(f"{shown(id)} is no photo's id in {self.folder.parent}. {self._remedy()}")
        return self.folder / f"{id}.webp"

    def read(self, id: str) -> bytes:
        """The bytes of a thumbnail, a WebP file; raises BadInput if it is missing or not a WebP file."""
        path = self.path(id)
        try:
            with open_own(path) as file:
                found = file.read(_LARGEST + 1)
        except OSError as error:
            raise BadInput(f"The thumbnail {path} cannot be read: {error.strerror}. {self._remedy()}") from None
        if len(found) > _LARGEST or not 0 < _side(found) <= _LONGEST_SIDE:
            raise BadInput(f"{path} is no thumbnail. {self._remedy()}")
        return found

    def write(self, id: str, picture: Image.Image | Path | bytes) -> None:
        """Write a photo's thumbnail from an image or a picture file; a .webp file, or its bytes, are copied. The
        caller holds the gallery's lock.

        Raises:
            OSError: it cannot be written.
            BadInput: the picture file cannot be read.
        """
        target = self.path(id)
        if isinstance(picture, bytes):
            found = picture
        elif isinstance(picture, Path) and picture.suffix == ".webp":
            if picture.resolve() == target.resolve():
                return
            found = picture.read_bytes()
        else:
            found = thumbnail(open_picture(picture, at_least=THUMB) if isinstance(picture, Path) else picture)
        unfinished = target.with_name(f"{target.name}.part")
        try:
            with open_own(unfinished, "wb") as file:
                file.write(found)
            os.replace(unfinished, target)
        except OSError:
            with suppress(OSError):
                unfinished.unlink()
            raise


def _side(webp: bytes) -> int:
    """The longer side of a WebP picture in pixels, by its header; 0 for anything else."""
    if webp[:4] != b"RIFF" or webp[8:12] != b"WEBP":
        return 0
    match webp[12:16]:
        case b"VP8X":
            return 1 + max(int.from_bytes(webp[at : at + 3], "little") for at in (24, 27))
        case b"VP8L":
            sides = int.from_bytes(webp[21:25], "little")
            return 1 + max(sides & 0x3FFF, sides >> 14 & 0x3FFF)
        case b"VP8 ":
            return max(int.from_bytes(webp[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return 0


def thumbnail(picture: Image.Image, side: int = THUMB) -> bytes:
    """A picture reduced to at most side x side px: the bytes of a WebP file."""
    small, file = picture.copy(), io.BytesIO()
    small.thumbnail((side, side))
    small.convert("RGB").save(file, "WEBP", quality=82, method=0)  # a tenth larger than the default, in half its time
    return file.getvalue()
