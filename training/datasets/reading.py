"""What every adapter needs to read other people's files: encodings, tables, indexes of pictures, and counted skips."""

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.datasets import MissingData, labels_of, stable_order, unit_hash
from xmr.modality import BadInput, Item, Modality

PICTURES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


@dataclass
class Skips:
    """What was left out or mended while reading, by reason; nothing is dropped without being listed here."""

    reasons: dict[str, dict[str, None]] = field(default_factory=dict)  # what, each once, in order

    def add(self, reason: str, what: str) -> None:
        """reason: what happened, in the plural, such as "captions without a photo"; what: a file, a row, an id."""
        self.reasons.setdefault(reason, {})[what] = None

    def __len__(self) -> int:
        return sum(map(len, self.reasons.values()))

    def line(self, named: int = 3) -> str:
        """All of it in one line: each reason with its count and the first few names; "nothing skipped" if none."""
        told = []
        for reason, what in self.reasons.items():
            names = ", ".join(list(what)[:named]) + (", ..." if len(what) > named else "")
            told.append(f"{len(what):,} {reason} ({names})")
        return "; ".join(told) or "nothing skipped"


def need(path: Path, what: str, remedy: str) -> Path:
    """The path if it exists; else MissingData that says what was expected there and what to do."""
    if path.exists():
        return path
    packed = [f.name for f in _beside(path) if f.suffix.lower() in {".zip", ".tar", ".tgz", ".gz", ".part", ".bz2"}]
    seen = f" There is {', '.join(sorted(packed)[:3])}: unpack it." if packed else ""
    raise MissingData(f"Expected {what} at {path}, which is not there.{seen} {remedy}")


def first(root: Path, *names: str) -> Path | None:
    """The first of these names (globs) that exists under root."""
    return next((path for name in names for path in sorted(root.glob(name))), None)


def read_text(path: Path, skips: Skips | None = None, encoding: str = "utf-8") -> str:
    """A text file, gzip or not, with or without a byte-order mark. What is not UTF-8 is read as cp1252, and listed."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        if skips is not None and encoding == "utf-8":
            skips.add("files that are not UTF-8, read as cp1252", f"{path.name} byte {error.start}")
        return data.decode("cp1252", errors="replace")


def read_json(path: Path, without: Sequence[str] = ()) -> dict:
    """A JSON file; BadInput that names the place if it is cut off or no JSON.

    without: keys that every object loses as it is read, so that what isn't used of a large file never fills the memory.
    """

    def lean(row: dict) -> dict:
        return {key: value for key, value in row.items() if key not in without}

    try:
        return json.loads(read_text(path), object_hook=lean if without else None)
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{path} is not whole JSON ({error}). It may be half unpacked: unpack or download it again."
        ) from None


def json_lines(path: Path, skips: Skips) -> Iterator[dict]:
    """The objects of a JSONL file; a line that is none is skipped and listed."""
    for number, line in enumerate(read_text(path, skips).splitlines(), start=1):
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


def csv_rows(path: Path, skips: Skips, delimiter: str | None = None) -> Iterator[dict[str, str]]:
    """The rows of a CSV file by its header; a row with too many or too few cells is skipped and listed."""
    text = read_text(path, skips)
    head = text.partition("\n")[0]
    delimiter = delimiter or max(",;\t|", key=head.count)
    table = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    names = [name.strip() for name in next(table, [])]
    for row in table:
        if len(row) == len(names):
            yield dict(zip(names, row, strict=True))
        elif any(map(str.strip, row)):
            skips.add("broken rows", f"{path.name}:{table.line_num}")


def clean(text: str) -> str:
    """One line without doubled or odd spaces."""
    return " ".join(text.replace("\ufeff", "").split())


def pictures_under(root: Path) -> dict[str, Path]:
    """Every picture below a folder by its path relative to it ("a/b.jpg"), in sorted order; hidden ones left out.

    "__MACOSX" and "._x.jpg", which some archives bring along, are no pictures.
    """
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURES:
                path = Path(folder, name)
                found[path.relative_to(root).as_posix()] = path
    return found


def by_name(pictures: dict[str, Path]) -> dict[str, Path]:
    """The same pictures by file name alone, for sets whose captions name no folder."""
    return {path.name: path for path in pictures.values()}


def class_label(name: str) -> str:
    """A class folder's label; spaces become underscores, as Sketchy writes them."""
    return f"class:{'_'.join(name.split())}"


def drawn_split(name: str, seed: str, test: float = 0.1, val: float = 0.1) -> str:
    """The split that a name falls into by its hash: adding or losing other names moves none."""
    where = unit_hash(name, seed)
    return "test" if where < test else "val" if where < test + val else "train"


def held_out(names: list[str], seed: str, **sizes: int) -> dict[str, str]:
    """name -> split: the first `sizes` of a stable order go to each named split in turn, the rest to "extra"."""
    order, start, found = stable_order(names, seed), 0, {}
    for split, size in sizes.items():
        found |= dict.fromkeys(order[start : start + size], split)
        start += size
    return found | dict.fromkeys(order[start:], "extra")


def caption_items(photo: str, texts: dict[str | None, list[str]], labels: frozenset[str], skips: Skips) -> list[Item]:
    """Text items of one photo, by language; empty captions are skipped and listed."""
    found = []
    for language, captions in texts.items():
        for n, text in enumerate(captions):
            if text := clean(text):
                found.append(Item(f"{photo}#{language or ''}{n}", Modality.TEXT, text, labels, language))
            else:
                skips.add("empty captions", f"{photo}#{n}")
    return found


def existing(items: list[Item], skips: Skips) -> list[Item]:
    """The items whose picture is on the disk; what isn't is listed, and with a photo go its captions and sketches."""
    gone = {id(item) for item in items if isinstance(item.content, Path) and not item.content.is_file()}
    lost, held = set(), set()
    for item in items:
        if id(item) in gone:
            skips.add("photos that are missing" if item.modality is Modality.PHOTO else
                      "sketches that are missing", item.id)  # fmt: skip
        if item.modality is Modality.PHOTO:
            (lost if id(item) in gone else held).update(labels_of(item, "image") | labels_of(item, "instance"))
    return [item for item in items if id(item) not in gone and not item.labels & (lost - held)]


def _beside(path: Path) -> list[Path]:
    parent = next((p for p in path.parents if p.is_dir()), None)
    return list(parent.iterdir()) if parent else []
