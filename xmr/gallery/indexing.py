"""Indexing: creates or updates the gallery of a folder of photos, and computes vectors that a gallery lacks."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from xmr.gallery.database import VERSION, GalleryMismatch, NotWritable
from xmr.gallery.files import Listing, PictureFile, list_folder
from xmr.gallery.location import HIDDEN, given_path, holds_gallery, index_home
from xmr.gallery.store import Entry, Gallery
from xmr.gallery.thumbnails import THUMB
from xmr.modality import BadInput, Modality
from xmr.preprocess import open_picture
from xmr.system import System

_BATCH = 32
_Said = list[tuple[Path, str]]  # files, each with a sentence
_Originals = dict[str, tuple[str, str | None, str | None]]  # as Gallery.originals returns them
_KEPT = 640  # px: longer side of the pictures of a batch, which limits its memory to 40 MB


@dataclass(frozen=True)
class Progress:
    """The progress of indexing.

    Attributes:
        done:    photos processed so far.
        total:   photos to process.
        skipped: files and folders that could not be read.
    """

    done: int
    total: int
    skipped: int = 0


@dataclass(frozen=True)
class IndexReport:
    """The outcome of index_folder.

    Attributes:
        gallery: the gallery's folder.
        indexed: number of photos that were read.
        kept: number of photos that were already up to date.
        moved: number of these that were moved inside the folder.
        removed: number of photos that were removed because their file is gone.
        skipped: files and folders that were skipped, each with the reason and what to do.
        noted: photos that were read although their files are damaged, each with a sentence about it.
        stopped: whether it was stopped before the end.
    """

    gallery: Path
    indexed: int
    kept: int
    moved: int
    removed: int
    skipped: tuple[tuple[Path, str], ...]
    noted: tuple[tuple[Path, str], ...] = ()
    stopped: bool = False


@dataclass(frozen=True)
class _Work:
    """One photo to read.

    Attributes:
        path:    its file.
        lacking: systems that must encode it.
        id:      id of a photo that only lacks vectors; None for a new or changed file.
        file:    path relative to the folder, of a new or changed file.
        stamp:   its stamp.
        held:    (id, content hash, systems whose vectors are missing) of the photo that the gallery has for this file.
            If the content is still the same, only these vectors are computed.
    """

    path: Path
    lacking: Sequence[System]
    id: str | None = None
    file: str = ""
    stamp: str = ""
    held: tuple[str, str | None, Sequence[System]] = ("", None, ())


def index_folder(
    folder: str | Path,
    systems: Sequence[System],
    progress: Callable[[Progress], None] = lambda progress: None,
    *,
    index_dir: str | Path | None = None,
    exclude: Sequence[str] = (),
    stop: threading.Event | None = None,
) -> IndexReport:
    """Index a folder of photos for some systems, or update its gallery.

    The gallery is in the subfolder .xmr, or in the user's data folder if the photos' folder can't be written. Photos
    that are new or changed, or that lack vectors of a system's current weights, are read once for all systems. A photo
    that was moved inside the folder is recognised by its content. Photos whose file is gone are removed, but not those
    that can't be reached at the moment. If `folder` is itself a gallery, its missing vectors are computed. Every batch
    is committed as a whole, so a run that was killed resumes where it stopped. Vectors of other systems are kept.

    Args:
        folder: a folder of photos, or a gallery.
        systems: the systems that encode the photos and captions, and can search them afterwards.
        progress: called after each batch.
        index_dir: folder for the gallery instead of .xmr.
        exclude: patterns of files to leave out, as in .gitignore; the folder's .xmrignore is used too.
        stop: when it is set, indexing ends after the current batch, and keeps what is done.

    Returns:
        What was indexed, skipped and removed.

    Raises:
        BadInput: there is no such folder or no readable photo in it, or the gallery can't be written.

    >>> import tempfile, xmr
    >>> with tempfile.TemporaryDirectory() as photos:
    ...     Image.new("RGB", (64, 48), "red").save(f"{photos}/red.png")
    ...     report = index_folder(photos, [xmr.load("tri")])
    ...     [hit.path.name for hit in xmr.open(photos).search(text="something red")]
    ['red.png']
    >>> report.indexed, report.skipped
    (1, ())
    """
    folder = given_path(folder)
    try:
        if not folder.is_dir():
            raise BadInput(f"There is no folder {folder}. Give a folder of photos.")
        folder = folder.resolve()
        shipped = holds_gallery(folder)
        places = _places(folder, index_dir)
        existing = any(holds_gallery(place) for place in places)
    except OSError as error:
        raise BadInput(f"{folder} cannot be opened: {error.strerror}. Check its permissions.") from None
    if shipped:
        with Gallery.open(folder) as gallery:
            return _index(gallery, None, {}, systems, progress, stop)
    if existing:
        with _open_or_create(places, folder) as gallery:
            known = gallery.originals()  # before the folder is listed, so that photos added meanwhile are not removed
            listing = list_folder(folder, exclude, {(file, stamp) for file, (_, stamp, _) in known.items()})
            return _index(gallery, listing, known, systems, progress, stop)
    listing = list_folder(folder, exclude)
    if not listing.pictures:
        raise _no_photos(folder, listing.skipped)
    with _open_or_create(places, folder) as gallery:
        return _index(gallery, listing, {}, systems, progress, stop)


def _index(
    gallery: Gallery,
    listing: Listing | None,
    known: _Originals,
    systems: Sequence[System],
    progress: Callable[[Progress], None],
    stop: threading.Event | None,
) -> IndexReport:
    """Update a gallery with the `known` photos from a listing of its folder; without a listing, encode its own
    thumbnails."""
    lacking: dict[str, list[System]] = {}
    for system in systems:
        for id in gallery.lacking(system, Modality.PHOTO):
            lacking.setdefault(id, []).append(system)
    skipped: _Said = []
    noted: _Said = []
    moved, gone = 0, list[str]()
    if listing is None:
        todo = [_Work(gallery.thumb(id), wanted, id) for id, wanted in lacking.items()]
    else:
        todo, moved, gone = _compare(gallery, listing, known, lacking, systems)
        gallery.remove(gone)
        skipped = list(listing.skipped)
    indexed, done, stopped = 0, 0, False
    for start in range(0, len(todo), _BATCH):
        if stopped := stop is not None and stop.is_set():
            break
        batch = todo[start : start + _BATCH]
        read, failed, notes = _index_batch(gallery, batch)
        skipped += failed
        noted += notes
        indexed += read
        done += len(batch)
        progress(Progress(done, len(todo), len(skipped)))
    if not stopped:
        for system in systems:
            _encode_captions(gallery, system)
    gallery.sweep()
    count = len(gallery)
    if not count and not stopped:
        raise _no_photos(gallery.root, skipped)
    return IndexReport(gallery.path, indexed, count - indexed, moved, len(gone), tuple(skipped), tuple(noted), stopped)


def _no_photos(folder: Path, skipped: Sequence[tuple[Path, str]]) -> BadInput:
    if skipped:
        path, why = skipped[0]
        return BadInput(f"{folder} holds no photo that can be read. {path}: {why}")
    return BadInput(f"{folder} holds no photo that can be read. Add some JPEG, PNG or other photos, and try again.")


def _places(folder: Path, index_dir: str | Path | None) -> list[Path]:
    """Folders in which the gallery of a folder is or may be created, in the order to try."""
    if index_dir is not None:
        return [index_home(folder, given_path(index_dir))]
    beside, own = folder / HIDDEN, index_home(folder)
    return [own, beside] if holds_gallery(own) else [beside, own]


def _open_or_create(places: Sequence[Path], folder: Path) -> Gallery:
    """The folder's gallery in the first place that can be written."""
    reason = NotWritable(f"There is no place for the index of {folder}. Give one with --index-dir.")
    for number, place in enumerate(places):
        try:
            gallery = _open_place(place, folder)
            try:
                gallery.try_to_write()
            except BadInput:
                gallery.close()
                raise
            return gallery
        except NotWritable as error:
            reason = reason if number else error
    raise reason


def _open_place(place: Path, folder: Path) -> Gallery:
    """Open or create the gallery in a place. A gallery of an older version is created again: all its contents come from
    the photos."""
    try:
        return Gallery.create(place, folder, exist_ok=True)
    except GalleryMismatch as error:
        if error.version is None or error.version >= VERSION:
            raise
        (place / "gallery.sqlite").unlink(missing_ok=True)
        return Gallery.create(place, folder, exist_ok=True)


def _compare(
    gallery: Gallery,
    listing: Listing,
    known: _Originals,
    lacking: dict[str, list[System]],
    systems: Sequence[System],
) -> tuple[list[_Work], int, list[str]]:
    """Compare a listing with the gallery: photos to read, the number of moved photos, and ids of missing photos."""
    here = {found.file for found in listing.pictures}
    missing = {file: held for file, held in known.items() if file not in here and listing.reaches(file)}
    by_size: dict[str, list[str]] = {}  # only new files with the size of a missing file are hashed
    for file, (_, stamp, _) in missing.items():
        by_size.setdefault((stamp or "").partition(" ")[0], []).append(file)
    todo, moves = [], 0
    with gallery.batch():
        for found in listing.pictures:
            id, stamp, content = known.get(found.file, (None, None, None))
            if id is None and (before := _moved_from(found, by_size, missing)):
                id, stamp = missing.pop(before)[0], found.stamp
                gallery.move(id, found.file, found.stamp)
                moves += 1
            if stamp == found.stamp:
                if id in lacking:
                    todo.append(_Work(found.path, lacking[id], id))
                continue
            held = (id, content, lacking.get(id, ())) if id else ("", None, ())
            todo.append(_Work(found.path, systems, None, found.file, found.stamp, held))
    return todo, moves, [id for id, _, _ in missing.values()]


def _moved_from(found: PictureFile, by_size: dict[str, list[str]], missing: _Originals) -> str | None:
    """The missing file with the same content as this new one; None if there is none."""
    files = [file for file in by_size.get(str(found.size), ()) if file in missing]
    if not files:
        return None
    try:
        content = _content(found.path)
    except OSError:
        return None
    return next((file for file in files if missing[file][2] == content), None)


def _content(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _index_batch(gallery: Gallery, batch: Sequence[_Work]) -> tuple[int, _Said, _Said]:
    """Read, encode and commit one batch.

    Returns:
        The number of photos, the files that could not be read, and those that were read although they are damaged.
    """
    read: list[tuple[_Work, Image.Image, str]] = []
    failed, unreadable, touched = [], [], []
    for work in batch:
        try:
            with open(work.path, "rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
                if work.held[1] == content:  # rewritten with the same content
                    touched.append(work)
                    if not work.held[2]:
                        continue
                    work = replace(work, id=work.held[0], lacking=work.held[2])
                file.seek(0)
                image = open_picture(file, at_least=THUMB)
        except FileNotFoundError:
            continue  # deleted since it was listed; the next run removes it
        except OSError as error:  # can't be reached: what is known about it stays valid
            failed.append((work.path, f"It cannot be read: {error.strerror}. Check its permissions."))
            continue
        except BadInput as error:
            failed.append((work.path, str(error)))
            unreadable.append(work)
            continue
        image.thumbnail((_KEPT, _KEPT))
        read.append((work, image, content))
    vectors = {}
    for system in {system.name: system for work, _, _ in read for system in work.lacking}.values():
        at = [place for place, (work, _, _) in enumerate(read) if system in work.lacking]
        vectors[system.name] = system, at, system.encode(Modality.PHOTO, [read[place][1] for place in at])
    with gallery.batch():
        for work in touched:
            gallery.move(work.held[0], work.file, work.stamp)
        ids = [
            work.id or gallery.add([Entry(None, image, file=work.file, stamp=work.stamp, content=content)])[0]
            for work, image, content in read
        ]
        for system, at, found in vectors.values():
            gallery.put_vectors(system, Modality.PHOTO, [ids[place] for place in at], found)
        gallery.remove(work.id or work.held[0] for work in unreadable)
    noted = [(work.path, image.info["note"]) for work, image, _ in read if "note" in image.info]
    return len(read), failed, noted


def _encode_captions(gallery: Gallery, system: System) -> None:
    if Modality.TEXT not in system.encoders:
        return
    wanted = set(gallery.lacking(system, Modality.TEXT))
    texts = [text for text in gallery.texts() if text.id in wanted and text.language in system.languages]
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        vectors = system.encode(Modality.TEXT, [text.content for text in batch])
        gallery.put_vectors(system, Modality.TEXT, [text.id for text in batch], vectors)
