"""Lists a folder of photos: its pictures with the files beside them that tell of them, the files that are skipped and
why, and what can't be reached."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xmr.gallery.metadata import SIDECARS, TABLES, Told, open_text, read_tables
from xmr.modality import BadInput, shown
from xmr.preprocess.kinds import HEAD, PICTURE_SUFFIXES, READ, picture_kind

IGNORE_FILE = ".xmrignore"
_LARGEST_IGNORE = 100_000  # letters
_MOST_STARS = 4  # of a pattern in it: with each more, a long name takes a hundred times as long, and six take hours
_OUT = "It is a link out of the folders that may be used here. Put there what it leads to, or delete the link."

# Folders in which disks, network storage and photo programs keep deleted files and previews. Hidden folders, such as
# .Trashes, are skipped anyway.
_RUBBISH = {
    "@eadir",
    "@tmp",
    "@recycle",
    "@recently-snapshot",
    "#recycle",
    "#snapshot",
    "~snapshot",
    "trashbox",
    "files_trashbin",
    "network trash folder",
    "temporary items",
    "$recycle.bin",
    "recycler",
    "recycled",
    "system volume information",
    "lost+found",
    "__macosx",
}
_RUBBISH_ENDINGS = (
    ".lrdata",
    ".photoslibrary/resources",
    ".photoslibrary/private",
    ".photolibrary/thumbnails",
    ".photolibrary/data",
    ".photolibrary/data.noindex",
    ".aplibrary/thumbnails",
    ".aplibrary/previews",
    ".cocatalog/cache",
    "/captureone/cache",
)


@dataclass(frozen=True)
class PictureFile:
    """One picture file.

    Attributes:
        path:  its path.
        file:  its path relative to the folder, with "/".
        size:  in bytes.
        stamp: changes when the file changes (its size and modification time), or what is told of it beside it.
        sidecars: files of the same name beside it that tell of it.
        row:   what a table of its folder says of it.
    """

    path: Path
    file: str
    size: int
    stamp: str
    sidecars: tuple[Path, ...] = ()
    row: Told | None = None


@dataclass
class Listing:
    """The contents of a folder.

    Attributes:
        pictures: sorted by path.
        skipped: (path, reason and remedy) of files that people would call pictures but that can't be read.
        unreachable: relative paths of files and folders that could not be read; what is known about them stays valid.
    """

    pictures: list[PictureFile] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)

    def reaches(self, file: str) -> bool:
        """Whether the listing would have found a file with this relative path."""
        return not any(file == lost or file.startswith(f"{lost}/") or not lost for lost in self.unreachable)


def list_folder(
    folder: Path,
    exclude: Sequence[str] = (),
    known: Iterable[tuple[str, str | None]] = (),
    within: Sequence[Path] | None = None,
    stop: threading.Event | None = None,
) -> Listing:
    """List all picture files under a folder, which are recognised by their content.

    Hidden files and folders, folders of deleted files and previews, and whatever `exclude` or the folder's .xmrignore
    match are left out silently. Linked folders are followed once, after all others.

    Args:
        folder:  the folder.
        exclude: patterns as in .gitignore.
        known:   (file, stamp) pairs of pictures that need not be opened again.
        within:  resolved folders out of which no link is followed, whatever it leads to; None for all.
        stop:    when it is set, listing ends.

    Raises:
        BadInput: .xmrignore or a pattern can't be read, or `stop` was set.
    """
    listing, excluded, known = Listing(), _patterns(folder, exclude, within), set(known)
    entries = []
    for there in _walk(folder, excluded, listing, within):
        _go_on(stop)
        entries.append(there)
    beside = _Beside(path for path, _, _ in entries)
    for path, file, entry in entries:
        _go_on(stop)
        try:
            state = os.stat(path)
            if not stat.S_ISREG(state.st_mode):
                continue
            found = beside.picture(path, file, state)
            why = None if (file, found.stamp) in known else _skip_reason(path, state.st_size)
        except FileNotFoundError:
            if entry.is_symlink():  # its target may be on a disk that is not mounted
                listing.unreachable.append(file)
                if path.suffix.lower() in PICTURE_SUFFIXES | {""}:
                    listing.skipped.append((path, "It is a link to what is not there. Mend or delete the link."))
            continue
        except OSError as error:
            if path.suffix.lower() in PICTURE_SUFFIXES:
                listing.skipped.append((path, f"It cannot be read: {error.strerror}. Check its permissions."))
            listing.unreachable.append(file)
            continue
        if why is None:
            listing.pictures.append(found)
        elif why:
            listing.skipped.append((path, why))
    listing.pictures.sort(key=lambda found: found.file)
    return listing


def _go_on(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise BadInput("Indexing was stopped while the files were listed. Index the folder again to go on.")


class _Beside:
    """The files of a folder that tell of its photos."""

    def __init__(self, paths: Iterable[Path]) -> None:
        sidecars, tables = dict[Path, list[Path]](), []
        for path in paths:
            if path.name.lower() in TABLES:
                tables.append(path)
            elif path.suffix.lower() in SIDECARS:
                sidecars.setdefault(path.with_suffix(""), []).append(path)
        self._sidecars, self._rows = sidecars, read_tables(tables)

    def picture(self, path: Path, file: str, state: os.stat_result) -> PictureFile:
        """The entry of a file, if it is a picture."""
        if not self._sidecars and not self._rows:
            return PictureFile(path, file, state.st_size, f"{state.st_size} {state.st_mtime_ns} -")
        names = [path.with_suffix(""), path, path.with_name(f"{path.name}.supplemental-metadata")]
        there = tuple(one for name in names if name in self._sidecars for one in sorted(self._sidecars[name]))
        row = self._rows.get(path)
        told = []
        for one in there:
            try:
                of = os.stat(one)
                told.append(f"{one.name[len(path.stem) :]} {of.st_size} {of.st_mtime_ns}")
            except OSError:
                continue
        if row is not None:
            told.append(repr(row))
        digest = hashlib.sha256("\n".join(told).encode(errors="replace")).hexdigest()[:12] if told else "-"
        return PictureFile(
            path, file, state.st_size, f"{state.st_size} {state.st_mtime_ns} {digest}", there if told else (), row
        )


def _skip_reason(path: Path, size: int) -> str | None:
    """Why a file is skipped: None for a picture, "" for a file that nobody would call a picture."""
    with open(path, "rb") as file:
        kind = picture_kind(file.read(HEAD))
    if kind is not None and kind.remedy is None:
        return None
    if path.suffix.lower() not in PICTURE_SUFFIXES and not (kind and kind.picture):
        return ""
    if not size:
        return "It is empty. Copy it again."
    return f"It is {kind.name}. {kind.remedy}" if kind else f"It is no picture that can be read. {READ}"


def _walk(
    folder: Path, excluded, listing: Listing, within: Sequence[Path] | None
) -> Iterator[tuple[Path, str, os.DirEntry]]:
    """All files under a folder that are not left out: (path, relative path, directory entry)."""
    seen: set[tuple[int, int]] = set()
    todo: list[tuple[Path, str]] = [(folder, "")]
    links: list[tuple[Path, str]] = []
    while todo or links:
        path, inside = todo.pop() if todo else links.pop(0)
        try:
            state = os.stat(path)
            if (state.st_dev, state.st_ino) in seen:
                continue
            seen.add((state.st_dev, state.st_ino))
            with os.scandir(path) as opened:
                entries = list(opened)
        except OSError as error:
            listing.skipped.append(
                (
                    path,
                    f"The folder cannot be read: {error.strerror}. Its photos stay as they "
                    "are. Check its permissions, or that its disk is there.",
                )
            )
            listing.unreachable.append(inside)
            continue
        for entry in entries:
            file = f"{inside}/{entry.name}" if inside else entry.name
            if entry.name.startswith(".") or _is_rubbish(file) or excluded.match_file(file):
                continue
            if _is_undecodable(entry.name):
                if Path(entry.name).suffix.lower() in PICTURE_SUFFIXES:
                    listing.skipped.append((Path(entry.path), "Its name is not valid UTF-8. Rename the file."))
                continue
            try:
                linked, is_folder = entry.is_symlink(), entry.is_dir()
            except OSError:
                linked, is_folder = True, False  # a circular link
            if linked and _leads_out(entry.path, within):
                listing.unreachable.append(file)
                if is_folder or Path(entry.name).suffix.lower() in PICTURE_SUFFIXES:
                    listing.skipped.append((Path(entry.path), _OUT))
            elif not is_folder:
                yield Path(entry.path), file, entry
            elif not excluded.match_file(f"{file}/"):
                (links if linked else todo).append((Path(entry.path), file))


def _leads_out(path: str | Path, within: Sequence[Path] | None) -> bool:
    return within is not None and not any(Path(os.path.realpath(path)).is_relative_to(folder) for folder in within)


def _is_rubbish(file: str) -> bool:
    lowered = file.lower()
    return lowered.rpartition("/")[2] in _RUBBISH or lowered.endswith(_RUBBISH_ENDINGS)


def _is_undecodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return False


def _patterns(folder: Path, exclude: Sequence[str], within: Sequence[Path] | None):
    from pathspec import GitIgnoreSpec

    if isinstance(exclude, str):  # each of whose letters would be a pattern, such as "*"
        raise BadInput(f"What to leave out must be a list of patterns; {shown(exclude)} came. Write [{exclude!r}].")
    lines = list(exclude)
    if _leads_out(folder / IGNORE_FILE, within):
        raise BadInput(f"{folder / IGNORE_FILE} cannot be read. {_OUT}")
    try:
        with open_text(folder / IGNORE_FILE) as file:
            own = file.read(_LARGEST_IGNORE + 1)
        if len(own) > _LARGEST_IGNORE:
            raise BadInput(f"{folder / IGNORE_FILE} has more than {_LARGEST_IGNORE:,} letters. Write fewer patterns.")
        for line in own.splitlines():
            if len(re.findall(r"\*+", line)) > _MOST_STARS and not line.startswith("#"):
                raise BadInput(
                    f"The pattern {shown(line)} of {folder / IGNORE_FILE} has more than {_MOST_STARS} stars. Write "
                    "several simpler ones."
                )
            lines.append(line)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise BadInput(f"{folder / IGNORE_FILE} cannot be read: {error.strerror}. Check its permissions.") from None
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise BadInput(f"A pattern of what to leave out cannot be read: {error}. Write it as in .gitignore.") from None
