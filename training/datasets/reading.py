"""Helpers for all adapters to read files: encodings, tables, lists of pictures, and a record of what was skipped."""

import codecs
import csv
import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.datasets import MissingData, labels_of, stable_order, unit_hash
from xmr.modality import BadInput, Item, Modality

PICTURES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


@dataclass
class Skips:
    """A record of everything that was left out or repaired while reading, by reason."""

    reasons: dict[str, dict[str, None]] = field(default_factory=dict)  # reason -> ordered set of names

    def add(self, reason: str, what: str) -> None:
        """Record one file, row or id (`what`), with a plural reason such as "captions without a photo"."""
        self.reasons.setdefault(reason, {})[what] = None

    def __len__(self) -> int:
        return sum(map(len, self.reasons.values()))

    def line(self, named: int = 3) -> str:
        """A summary in one line: each reason with its count and the first `named` names; or "nothing skipped"."""
        lines = []
        for reason, what in self.reasons.items():
            names = ", ".join(list(what)[:named]) + (", ..." if len(what) > named else "")
            lines.append(f"{len(what):,} {reason} ({names})")
        return "; ".join(lines) or "nothing skipped"


class Strict(Skips):
    """Skips for callers that want errors: everything that would be left out raises BadInput."""

    def add(self, reason: str, what: str) -> None:
        raise BadInput(f"Expected no {reason}, but there is {what}. Repair it, or unpack the data set again.")


STRICT = Strict()


def need(path: Path, what: str, remedy: str) -> Path:
    """The path, if it exists.

    Args:
        path:   expected file or folder.
        what:   its name in the error message.
        remedy: a sentence that says what to do.

    Raises:
        MissingData: it does not exist.
    """
    if path.exists():
        return path
    packed = [f.name for f in _beside(path) if f.suffix.lower() in {".zip", ".tar", ".tgz", ".gz", ".part", ".bz2"}]
    seen = f" There is {', '.join(sorted(packed)[:3])}: unpack it." if packed else ""
    raise MissingData(f"Expected {what} at {path}, which is not there.{seen} {remedy}")


def first(root: Path, *names: str) -> Path | None:
    """The first existing path under root that one of these names (globs) matches; None if there is none."""
    return next((path for name in names for path in sorted(root.glob(name))), None)


def read_text(path: Path, skips: Skips | None = None) -> str:
    """The content of a text file, with or without gzip and byte-order mark.

    Lines that are not UTF-8 are read as cp1252, and the file is listed in `skips`.

    Raises:
        BadInput: a gzip file is cut off or damaged.
    """
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise BadInput(f"{path} is cut off or damaged ({error}). Download it again.") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    lines = [_decoded(line) for line in data.removeprefix(codecs.BOM_UTF8).split(b"\n")]
    if skips is not None and (odd := [number for number, (_, utf8) in enumerate(lines, start=1) if not utf8]):
        skips.add("files that are not UTF-8 in every line, read as cp1252 there", f"{path.name}:{odd[0]}")
    return "\n".join(line for line, _ in lines)


def _decoded(line: bytes) -> tuple[str, bool]:
    """The line, and whether it is UTF-8."""
    try:
        return line.decode(), True
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace"), False


def read_lines(path: Path, skips: Skips | None = None) -> list[str]:
    """The lines of a text file, split at line ends only. str.splitlines would also split at characters such as U+2028,
    which occur in captions."""
    return [line.rstrip("\n") for line in io.StringIO(read_text(path, skips), newline=None)]


def read_json(path: Path, without: Sequence[str] = ()) -> dict:
    """Read a JSON file.

    Args:
        path:    the file.
        without: keys that are dropped from every object while reading, to save memory with large files.

    Raises:
        BadInput: it is cut off, not JSON or not UTF-8; the message names the position.
    """

    def lean(row: dict) -> dict:
        return {key: value for key, value in row.items() if key not in without}

    try:
        return json.loads(read_text(path, STRICT), object_hook=lean if without else None)
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{path} is not whole JSON ({error}). It may be half unpacked: unpack or download it again."
        ) from None


def karpathy_images(path: Path, skips: Skips) -> Iterator[dict]:
    """The images in Karpathy's dataset_*.json; of two with the same file name, only the first."""
    seen = set()
    for image in read_json(path, without=("tokens", "sentids"))["images"]:
        if image["filename"] in seen:
            skips.add("ids that come twice", f"{path.name}: {image['filename']}")
        else:
            seen.add(image["filename"])
            yield image


def json_lines(path: Path, skips: Skips) -> Iterator[dict]:
    """The objects in a JSONL file; other lines are listed in `skips`."""
    for number, line in enumerate(read_lines(path, skips), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            row = None
        if isinstance(row, dict):
            yield row
        else:
            skips.add("broken rows", f"{path.name}:{number}")


def csv_rows(path: Path, skips: Skips) -> Iterator[dict[str, str]]:
    """The rows of a CSV file as dicts; the separator is the most frequent of , ; tab and | in the header.

    Rows with the wrong number of cells or with broken quotes are listed in `skips`.
    """
    lines = io.StringIO(read_text(path, skips), newline=None)
    delimiter = max(",;\t|", key=lines.readline().count)
    lines.seek(0)
    table = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    names = [name.strip() for name in next(table, [])]
    while True:
        start = table.line_num + 1
        try:
            row = next(table)
        except StopIteration:
            return
        except csv.Error:
            row = None
        if row and len(row) == len(names):
            yield dict(zip(names, row, strict=True))
        elif row is None or any(map(str.strip, row)):
            end = f"-{table.line_num}" if table.line_num > start else ""
            skips.add("broken rows", f"{path.name}:{start}{end}")


def clean(text: str) -> str:
    """The text with every run of whitespace replaced by one space, and without byte-order marks."""
    return " ".join(text.replace("\ufeff", "").split())


def pictures_under(root: Path) -> dict[str, Path]:
    """All pictures below a folder, by their relative path ("a/b.jpg"), in sorted order.

    Hidden files, and "__MACOSX" and "._x.jpg", which some archives contain, are left out. Links are followed; every
    folder is read once.

    Raises:
        OSError: a folder can't be read.
    """
    found, seen = {}, set()
    for folder, folders, files in os.walk(root, onerror=_raise, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURES:
                path = Path(folder, name)
                found[path.relative_to(root).as_posix()] = path
    return found


def plain_name(name: str) -> str:
    """A file's name with its suffix in small letters: an unpacked copy may have .JPG where the captions say .jpg."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}{dot}{suffix.lower()}"


def by_name(pictures: dict[str, Path], skips: Skips) -> dict[str, Path]:
    """The same pictures by `plain_name`, for data sets whose captions name no folder; duplicates are listed in
    `skips`."""
    found: dict[str, Path] = {}
    for key, path in pictures.items():
        if (held := found.setdefault(plain_name(path.name), path)) != path:
            skips.add("pictures whose name another one has", f"{key}, as {held}")
    return found


def class_label(name: str) -> str:
    """The label of a class name; spaces become underscores, as in Sketchy."""
    return f"class:{'_'.join(name.split())}"


def drawn_split(name: str, seed: str, test: float = 0.1, val: float = 0.1) -> str:
    """The split of a name by its hash, so that it does not depend on other names; `test` and `val` are shares."""
    where = unit_hash(name, seed)
    return "test" if where < test else "val" if where < test + val else "train"


def held_out(names: list[str], seed: str, **sizes: int) -> dict[str, str]:
    """Split names into parts of fixed sizes, in a stable order: name -> split; the rest is "extra"."""
    order, start, found = stable_order(names, seed), 0, {}
    for split, size in sizes.items():
        found |= dict.fromkeys(order[start : start + size], split)
        start += size
    return found | dict.fromkeys(order[start:], "extra")


def caption_items(
    photo: str, texts: dict[str | None, list[str]], labels: frozenset[str], skips: Skips, as_is: bool = False
) -> list[Item]:
    """Text items of one photo.

    Args:
        photo:  its id.
        texts:  captions by language.
        labels: of the items.
        skips:  empty captions are listed here.
        as_is:  keep whitespace instead of cleaning the captions.
    """
    found = []
    for language, captions in texts.items():
        for n, text in enumerate(captions):
            key = f"{photo}#{language or ''}{n}"
            if tidy := clean(text):
                found.append(Item(key, Modality.TEXT, text if as_is else tidy, labels, language))
            else:
                skips.add("empty captions", key)
    return found


def existing(items: list[Item], skips: Skips) -> list[Item]:
    """The items whose file exists; the others are listed in `skips`. Captions and sketches of missing photos go too."""
    gone = {id(item) for item in items if isinstance(item.content, Path) and not item.content.is_file()}
    lost, held = set(), set()
    for item in items:
        if id(item) in gone:
            skips.add(
                "photos that are missing" if item.modality is Modality.PHOTO else "sketches that are missing", item.id
            )
        if item.modality is Modality.PHOTO:
            (lost if id(item) in gone else held).update(labels_of(item, "image") | labels_of(item, "instance"))
    return [item for item in items if id(item) not in gone and not item.labels & (lost - held)]


def _raise(error: OSError) -> None:
    raise error


def _beside(path: Path) -> list[Path]:
    parent = next((p for p in path.parents if p.is_dir()), None)
    return list(parent.iterdir()) if parent else []
