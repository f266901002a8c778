"""A folder of one's own photos -> its gallery, made or brought up to date; and a gallery -> the vectors it lacks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xmr.gallery import THUMB, Entry, Gallery
from xmr.modality import BadInput, Modality
from xmr.preprocess import open_picture
from xmr.system import System

_PICTURES = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic"}
_BATCH = 32
_KEPT = 640  # longer side of the pictures of a batch, pixels: bounds its memory to 40 MB


@dataclass(frozen=True)
class IndexReport:
    """What index_folder did: how many photos it encoded, found done already and dropped because their file is gone,
    and which files it passed over (path, why and what to do)."""

    gallery: Path
    indexed: int
    kept: int
    removed: int
    skipped: tuple[tuple[Path, str], ...]


def index_folder(
    folder: str | Path, system: System, progress: Callable[[int, int], None] = lambda done, total: None
) -> IndexReport:
    """Make a folder of photos searchable with a system, or bring it up to date.

    A folder of photos gets a gallery in its subfolder .xmr; photos that are new or changed, or that have no vectors
    of these weights yet, are read; those whose file is gone are dropped. A gallery's own folder gets the vectors it
    lacks. Each batch is committed as a whole: killed at any moment, the next run goes on from there. A file that
    cannot be read is passed over and named in the report.

    progress: called with (done, total) photos after each batch.

    Raises:
        BadInput: no such folder, or no photo in it that can be read.
    """
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}. Give a folder of photos.")
    shipped = (folder / "gallery.sqlite").is_file()
    nothing = f"{folder} holds no photo that can be read"
    try:
        if shipped or (folder / ".xmr" / "gallery.sqlite").is_file():
            gallery = Gallery.open(folder)
        elif _pictures_in(folder):
            gallery = Gallery.create(folder / ".xmr")
        else:
            raise BadInput(f"{nothing} (JPEG, PNG, WebP, GIF, BMP or TIFF). Add some and try again.")
    except OSError as error:
        raise BadInput(f"Nothing can be written in {folder} ({error.strerror}). Copy the photos elsewhere.") from None
    with gallery:
        if shipped:
            todo = [(gallery.thumb(id), id, None) for id in gallery.lacking(system, Modality.PHOTO)]
            gone = []
        else:
            todo, gone = _compare(folder, gallery, system)
            gallery.remove(gone)
        skipped: list[tuple[Path, str]] = []
        for start in range(0, len(todo), _BATCH):
            skipped += _index_batch(folder, gallery, system, todo[start : start + _BATCH])
            progress(min(start + _BATCH, len(todo)), len(todo))
        _encode_captions(gallery, system)
        if not len(gallery):
            raise BadInput(f"{nothing}: {skipped[0][1]}" if skipped else f"{nothing} any more.")
        indexed = len(todo) - len(skipped)
        return IndexReport(gallery.path, indexed, len(gallery) - indexed, len(gone), tuple(skipped))


def _compare(folder: Path, gallery: Gallery, system: System) -> tuple[list[tuple[Path, str, str]], list[str]]:
    """What to read, as (path, id, stamp), and the ids of photos that are gone."""
    todo, known, lacking = [], gallery.stamps(), set(gallery.lacking(system, Modality.PHOTO))
    for path in _pictures_in(folder):
        id = hashlib.sha256(path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")).hexdigest()[:20]
        state = path.stat()
        stamp = f"{path} {state.st_size} {state.st_mtime_ns}"
        if known.pop(id, None) != stamp or id in lacking:
            todo.append((path, id, stamp))
    return todo, list(known)


def _pictures_in(folder: Path) -> list[Path]:
    """Every picture file under a folder, sorted; hidden files and folders left out."""
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(root, name) for name in sorted(files)
            if not name.startswith(".") and Path(name).suffix.lower() in _PICTURES and Path(root, name).is_file()
        ]  # fmt: skip
    return found


def _index_batch(
    folder: Path, gallery: Gallery, system: System, todo: Sequence[tuple[Path, str, str | None]]
) -> list[tuple[Path, str]]:
    """Read, encode and commit one batch; returns what couldn't be read. stamp None: only the vector is missing."""
    entries, images, ids, skipped = [], [], [], []
    for path, id, stamp in todo:
        try:
            str(path).encode()
            image = open_picture(path, at_least=THUMB)
        except UnicodeEncodeError:
            skipped.append((path, "Its name is not valid UTF-8. Rename the file."))
            continue
        except BadInput as error:
            skipped.append((path, str(error)))
            continue
        image.thumbnail((_KEPT, _KEPT))
        if stamp is not None:
            entries.append(Entry(id, image, {"file": path.relative_to(folder).as_posix()}, path=path, stamp=stamp))
        images.append(image)
        ids.append(id)
    vectors = system.encode(Modality.PHOTO, images)
    with gallery.batch():
        gallery.add(entries)
        gallery.put_vectors(system.name, system.weights, Modality.PHOTO, ids, vectors)
        unreadable = {path for path, _ in skipped}
        gallery.remove(id for path, id, stamp in todo if path in unreadable and stamp is not None)
    return skipped


def _encode_captions(gallery: Gallery, system: System) -> None:
    if Modality.TEXT not in system.encoders:
        return
    wanted, spoken = set(gallery.lacking(system, Modality.TEXT)), system.languages
    texts = [text for text in gallery.texts() if text.id in wanted and text.language in spoken]
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        vectors = system.encode(Modality.TEXT, [text.content for text in batch])
        gallery.put_vectors(system.name, system.weights, Modality.TEXT, [text.id for text in batch], vectors)
