"""Reads and encodes one photo for indexing: its content hash, what is told of it, its thumbnail and its vectors. Any
thread may."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from xmr.gallery.metadata import Told, read_metadata
from xmr.gallery.thumbnails import THUMB, thumbnail
from xmr.modality import BadInput, Modality
from xmr.preprocess import open_picture
from xmr.system import System

_KEPT = 640  # px: longer side of the picture that thumbnail and networks get; more would only cost time


@dataclass(frozen=True)
class Work:
    """One photo to read.

    Attributes:
        path:    its file.
        lacking: names of the systems that must encode it.
        id:      id of a photo that only lacks vectors; None for a new or changed file.
        file:    path relative to the folder, of a new or changed file.
        stamp:   its stamp.
        held:    (id, content hash, names of the systems whose vectors are missing) of the photo that the gallery has
            for this file. If the content is still the same, only these vectors are computed.
        sidecars, row: as in PictureFile.
    """

    path: Path
    lacking: tuple[str, ...]
    id: str | None = None
    file: str = ""
    stamp: str = ""
    held: tuple[str, str | None, tuple[str, ...]] = ("", None, ())
    sidecars: tuple[Path, ...] = ()
    row: Told | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of reading one photo.

    Attributes:
        work:       what was to do; of a file with the same content as before, what is left to do.
        content:    sha256 of the file; None if it was not read.
        touched:    the file was written again with the same content, or other things are told of it.
        thumbnail:  the bytes of a WebP file; None if no system must encode it.
        vectors:    (dim,) float32 of each system that must encode it, by the system's name.
        failed:     why it could not be read, with the remedy.
        unreadable: whether it is no picture (any more), and not only out of reach.
        note:       a sentence about a damaged file that was read all the same.
        told:       facts and captions, of a new or changed file, or one of which other things are told.
    """

    work: Work
    content: str | None = None
    touched: bool = False
    thumbnail: bytes | None = None
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)
    failed: str = ""
    unreadable: bool = False
    note: str = ""
    told: Told = field(default_factory=Told)


def read_photo(work: Work, systems: Mapping[str, System]) -> Outcome:
    """Read and encode one photo. It is encoded alone, since a batch of 32 takes twice the time of 32 photos: its
    arrays fit into no cache. A file that is gone since it was listed has neither content nor a reason: the next run
    removes it.

    Raises:
        BadInput: a system's graph isn't what the checkpoint says.
    """
    touched, told = False, Told()
    try:
        with open(work.path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
            if work.id is None:
                told = read_metadata(file, work.sidecars, work.row)
            if touched := work.held[1] == content:
                work = replace(work, id=work.held[0], lacking=work.held[2])
                if not work.lacking:
                    return Outcome(work, content, touched, told=told)
            file.seek(0)
            image = open_picture(file, at_least=THUMB)
    except FileNotFoundError:
        return Outcome(work)
    except OSError as error:  # can't be reached: what is known about it stays valid
        return Outcome(work, failed=f"It cannot be read: {error.strerror}. Check its permissions.")
    except BadInput as error:
        return Outcome(work, failed=str(error), unreadable=True)
    note = image.info.get("note", "")
    image.thumbnail((_KEPT, _KEPT))
    vectors = {name: systems[name].encode(Modality.PHOTO, [image])[0] for name in work.lacking}
    return Outcome(work, content, touched, thumbnail(image), vectors, note=note, told=told)
