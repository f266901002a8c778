"""Indexing: creates or updates the gallery of a folder of photos, and computes vectors that a gallery lacks."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmr.gallery.database import VERSION, GalleryMismatch, NotWritable
from xmr.gallery.files import Listing, PictureFile, list_folder
from xmr.gallery.location import HIDDEN, given_path, holds_gallery, index_home
from xmr.gallery.reading import Outcome, Work, read_photo
from xmr.gallery.store import Entry, Gallery
from xmr.modality import BadInput, Item, Modality, UnknownText, shown
from xmr.system import System

BATCH = 32
_AHEAD = 3  # batches that are read and encoded before the one that is written: 1 MB each
_MOST_WORKERS = 64
_Said = list[tuple[Path, str]]  # files, each with a sentence
_Originals = dict[str, tuple[str, str | None, str | None]]  # as Gallery.originals returns them
Embed = Callable[[Sequence[Work], Mapping[str, System], int], Generator[list[Outcome]]]
"""(photos to read, systems by name, workers) -> batches in order, as read_and_encode gives them."""


@dataclass(frozen=True)
class Progress:
    """The progress of indexing.

    Attributes:
        done:    photos processed so far.
        total:   photos to process.
        skipped: files and folders that could not be read.
        seconds: since the first photo was begun.
    """

    done: int
    total: int
    skipped: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float | None:
        """Photos a second; None before the first."""
        return self.done / self.seconds if self.done and self.seconds else None

    @property
    def seconds_left(self) -> float | None:
        """The estimated time left; None if it is unknown.

        >>> Progress(done=50, total=200, seconds=2.0).seconds_left
        6.0
        """
        return (self.total - self.done) / self.rate if self.rate else None


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


def index_folder(
    folder: str | Path,
    systems: Sequence[System],
    progress: Callable[[Progress], None] = lambda progress: None,
    *,
    index_dir: str | Path | None = None,
    exclude: Sequence[str] = (),
    within: Sequence[Path] | None = None,
    stop: threading.Event | None = None,
    workers: int | None = None,
    embed: Embed | None = None,
) -> IndexReport:
    """Index a folder of photos for some systems, or update its gallery.

    The gallery is in the subfolder .xmr, or in the user's data folder if the photos' folder can't be written. Photos
    that are new or changed, or that lack vectors of a system's current weights, are read once for all systems. A photo
    that was moved inside the folder is recognised by its content. Photos whose file is gone are removed, but not those
    that can't be reached at the moment. If `folder` is itself a gallery, its missing vectors are computed. Vectors of
    other systems are kept.

    Photos are read and encoded by several threads while others are written. Every batch of 32 is committed as a whole,
    so a run that was killed resumes where it stopped.

    What is told of a photo becomes facts (taken, camera, latitude, longitude and others) and captions: by its EXIF,
    IPTC and XMP, by .txt, .json and .xmp files beside it (photo.txt or photo.jpg.txt), and by a captions.csv or
    captions.jsonl in its folder.

    Args:
        folder: a folder of photos, or a gallery.
        systems: the systems that encode the photos and captions, and can search them afterwards.
        progress: called after each batch.
        index_dir: folder for the gallery instead of .xmr.
        exclude: patterns of files to leave out, as in .gitignore; the folder's .xmrignore is used too.
        within: resolved folders out of which no link is followed, for someone who may not read what lies elsewhere;
            what is known of photos behind such a link stays. None to follow all.
        stop: when it is set, indexing ends after the current batch, and keeps what is done; with BadInput while the
            files are still listed.
        workers: threads that read and encode photos; None for one a core.
        embed: reads and encodes elsewhere, as xmr.cluster does; None for this process.

    Returns:
        What was indexed, skipped and removed.

    Raises:
        BadInput: these are no systems, there is no such folder or no readable photo in it, or the gallery can't be
            written.

    >>> import tempfile, xmr
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as photos:
    ...     Image.new("RGB", (64, 48), "red").save(f"{photos}/red.png")
    ...     report = index_folder(photos, [xmr.load("tri")])
    ...     [hit.path.name for hit in xmr.open(photos).search(text="something red")]
    ['red.png']
    >>> report.indexed, report.skipped
    (1, ())
    """
    workers, embed = _workers(workers), embed or read_and_encode
    if not isinstance(systems, Sequence) or not all(isinstance(system, System) for system in systems):
        raise BadInput(f'Expected a list of systems; {shown(systems)} came. Load each of them: [xmr.load("tri")].')
    folder, systems = given_path(folder), [system.whole for system in systems]
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
            return _index(gallery, None, {}, systems, progress, stop, workers, embed)
    if existing:
        with _open_or_create(places, folder) as gallery:
            known = gallery.originals()  # before the folder is listed, so that photos added meanwhile are not removed
            listing = list_folder(
                folder, exclude, {(file, stamp) for file, (_, stamp, _) in known.items()}, within, stop
            )
            return _index(gallery, listing, known, systems, progress, stop, workers, embed)
    listing = list_folder(folder, exclude, within=within, stop=stop)
    if not listing.pictures:
        raise _no_photos(folder, listing.skipped)
    with _open_or_create(places, folder) as gallery:
        return _index(gallery, listing, {}, systems, progress, stop, workers, embed)


def _index(
    gallery: Gallery,
    listing: Listing | None,
    known: _Originals,
    systems: Sequence[System],
    progress: Callable[[Progress], None],
    stop: threading.Event | None,
    workers: int,
    embed: Embed,
) -> IndexReport:
    """Update a gallery with the `known` photos from a listing of its folder. Of photos without a file, which the API
    or a publisher added, the thumbnails are encoded."""
    lacking: dict[str, tuple[str, ...]] = {}
    for system in systems:
        for id in gallery.lacking(system, Modality.PHOTO):
            lacking[id] = (*lacking.get(id, ()), system.name)
    skipped: _Said = []
    noted: _Said = []
    moved, gone = 0, list[str]()
    filed = {id for id, _, _ in gallery.originals().values()} if lacking else set()
    todo = [Work(gallery.thumb(id), wanted, id) for id, wanted in lacking.items() if id not in filed]
    if listing is not None:
        others, moved, gone = _compare(gallery, listing, known, lacking, systems)
        todo += others
        gallery.remove(gone)
        skipped = list(listing.skipped)
    by_name = {system.name: system for system in systems}
    for name in {name for work in todo for name in work.lacking}:
        _ = by_name[name].encoder(Modality.PHOTO).session  # now, so that the first photos tell how fast it goes
    indexed, done, stopped, start = 0, 0, False, time.monotonic()
    with closing(embed(todo, by_name, workers)) as batches:
        while not (stopped := done < len(todo) and stop is not None and stop.is_set()):
            outcomes = next(batches, None)
            if outcomes is None:
                break
            commit(gallery, by_name, outcomes)
            skipped += [(outcome.work.path, outcome.failed) for outcome in outcomes if outcome.failed]
            noted += [(outcome.work.path, outcome.note) for outcome in outcomes if outcome.note]
            indexed += sum(outcome.thumbnail is not None for outcome in outcomes)
            done += len(outcomes)
            progress(Progress(done, len(todo), len(skipped), time.monotonic() - start))
    if not stopped:
        for system in systems:
            encode_captions(gallery, system)
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
    lacking: Mapping[str, tuple[str, ...]],
    systems: Sequence[System],
) -> tuple[list[Work], int, list[str]]:
    """Compare a listing with the gallery: photos to read, the number of moved photos, and ids of missing photos."""
    here = {found.file for found in listing.pictures}
    missing = {file: held for file, held in known.items() if file not in here and listing.reaches(file)}
    by_size: dict[str, list[str]] = {}  # only new files with the size of a missing file are hashed
    for file, (_, stamp, _) in missing.items():
        by_size.setdefault((stamp or "").partition(" ")[0], []).append(file)
    todo, moves, names = [], 0, tuple(system.name for system in systems)
    with gallery.batch():
        for found in listing.pictures:
            id, stamp, content = known.get(found.file, (None, None, None))
            if id is None and (before := _moved_from(found, by_size, missing)):
                id, old, content = missing.pop(before)
                gallery.move(id, found.file, old or "")
                if same := _told(old) == _told(found.stamp):  # else it is read again for what is told of it
                    gallery.move(id, found.file, found.stamp)
                stamp = found.stamp if same else old
                moves += 1
            if stamp == found.stamp:
                if id is not None and id in lacking:
                    todo.append(Work(found.path, lacking[id], id))
                continue
            held = (id, content, lacking.get(id, ())) if id else ("", None, ())
            todo.append(Work(found.path, names, None, found.file, found.stamp, held, found.sidecars, found.row))
    return todo, moves, [id for id, _, _ in missing.values()]


def _told(stamp: str | None) -> str:
    """The part of a stamp that stands for what is told of a photo beside it."""
    return (stamp or "").split(" ")[-1]


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


def _workers(given: int | None) -> int:
    if given is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return min(cores, _MOST_WORKERS)
    if not isinstance(given, int) or not 1 <= given <= _MOST_WORKERS:
        raise BadInput(f"The number of workers must be from 1 to {_MOST_WORKERS}; {shown(given)} came.")
    return given


def read_and_encode(todo: Sequence[Work], systems: Mapping[str, System], workers: int) -> Generator[list[Outcome]]:
    """The batches in order, read and encoded by some threads, a few batches ahead of whoever takes them. While one
    thread waits for the disk, decodes or encodes, the others do: Pillow and ONNX Runtime leave Python's lock alone."""
    with ThreadPoolExecutor(workers, "read") as readers:
        ahead: deque[list[Future[Outcome]]] = deque()
        try:
            for start in range(0, len(todo), BATCH):
                ahead.append([readers.submit(read_photo, work, systems) for work in todo[start : start + BATCH]])
                if len(ahead) > _AHEAD:
                    yield [one.result() for one in ahead.popleft()]
            while ahead:
                yield [one.result() for one in ahead.popleft()]
        finally:
            readers.shutdown(wait=False, cancel_futures=True)


def commit(gallery: Gallery, systems: Mapping[str, System], outcomes: Sequence[Outcome]) -> None:
    """Write one batch: all of it, or nothing."""
    ids: list[str] = []
    with gallery.batch():
        for outcome in outcomes:
            work, id = outcome.work, outcome.work.id or ""
            if outcome.touched:
                gallery.describe(id, work.file, work.stamp, outcome.told.facts, outcome.told.captions)
            elif outcome.unreadable:
                gallery.remove([id or work.held[0]])
            elif outcome.thumbnail is not None and not id:
                told = outcome.told
                entry = Entry(
                    None, outcome.thumbnail, told.facts, told.captions, work.file, work.stamp, outcome.content
                )
                (id,) = gallery.add([entry])
            ids.append(id)
        for name, system in systems.items():
            if at := [place for place, outcome in enumerate(outcomes) if name in outcome.vectors]:
                found = np.stack([outcomes[place].vectors[name] for place in at])
                gallery.put_vectors(system, Modality.PHOTO, [ids[place] for place in at], found)


def encode_captions(gallery: Gallery, system: System) -> None:
    """Store the vectors of captions that have none yet. Those of which the system knows no word get none."""
    system = system.whole
    if Modality.TEXT not in system.encoders:
        return
    missing = gallery.find_texts(gallery.lacking(system, Modality.TEXT)).values()
    texts = [text for text in missing if text.language in system.languages]
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        try:
            found = [(batch, system.encode(Modality.TEXT, [text.content for text in batch]))]
        except UnknownText:
            found = [([text], vectors) for text in batch if (vectors := _encoded(system, text)) is not None]
        for some, vectors in found:
            gallery.put_vectors(system, Modality.TEXT, [text.id for text in some], vectors)


def _encoded(system: System, text: Item) -> np.ndarray | None:
    """The vector of a caption, (1, dim); None if no word of it is known."""
    try:
        return system.encode(Modality.TEXT, [text.content])
    except UnknownText:
        return None
