"""Flickr8k and Flickr30k from any of the usual caption files, with Multi30k's German captions joined by photo id.

Captions are read from Karpathy's dataset_<name>.json; from captions.txt or results.csv with `image,caption`,
`image_name,comment` or `image_name| comment_number| comment`; or from the authors' *.token with
`photo.jpg#n<tab>caption`. Photos may be in any subfolder.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from training.datasets import flickr8k, placed
from training.datasets.reading import (
    Skips,
    by_name,
    caption_items,
    drawn_split,
    existing,
    first,
    karpathy_images,
    need,
    pictures_under,
    plain_name,
    read_lines,
)
from xmr.modality import BadInput, Item, Modality

SPLITS = Path(__file__).parent / "splits"
TABLES = [
    f"{folder}{name}"
    for folder in ("", "*/")
    for name in ("captions.txt", "captions.csv", "results*.csv", "results*.token", "*.token*")
]
# Lists that come with the captions, or with Multi30k.
LISTS = {
    "train": ("*trainImages.txt", "train.txt", "train_images.txt"),
    "val": ("*devImages.txt", "val.txt", "val_images.txt"),
    "test": ("*testImages.txt", "test.txt", "test_2016_flickr.txt", "test_2016_images.txt"),
}
GERMAN = {"train": "train", "val": "val", "test": "test_2016(_flickr)?"}


def read(root: Path, split: str, skips: Skips, name: str) -> list[Item]:
    """Photos and English captions of "flickr8k" or "flickr30k", and German captions if Multi30k is there."""
    if (root / "captions.jsonl").is_file():
        with placed("flickr8k", root):
            return existing(flickr8k.items(split, skips), skips)
    need(root, name, "Its source: python -m training data.")
    photos = by_name(pictures_under(root), skips)
    captions, split_of = _karpathy(root, name, skips) or _table(root, name, skips)
    if not photos and captions:
        raise BadInput(f"{root} holds captions of {len(captions):,} photos, but no photo. Unpack the photos there.")
    german = multi30k(root, split, skips)
    found = []
    for photo, texts in captions.items():
        part = split_of(photo)
        if part != split:
            continue
        if (path := photos.get(plain_name(photo))) is None:
            skips.add("photos that are missing", photo)
            continue
        labels = frozenset({f"image:{photo}"})
        found.append(Item(photo, Modality.PHOTO, path, labels))
        found += caption_items(photo, {"en": texts, "de": german.get(photo, [])}, labels, skips)
    for photo in sorted(set(photos) - set(map(plain_name, captions))):
        skips.add("photos without captions", photo)
    return found


def _karpathy(root: Path, name: str, skips: Skips):
    """(captions by photo, photo -> split) from Karpathy's json, or None."""
    path = first(root, f"dataset_{name}.json", f"*/dataset_{name}.json", "dataset.json")
    if path is None:
        return None
    images = list(karpathy_images(path, skips))
    captions = {image["filename"]: [sentence["raw"] for sentence in image["sentences"]] for image in images}
    return captions, {image["filename"]: image["split"] for image in images}.get


def _table(root: Path, name: str, skips: Skips):
    path = first(root, *TABLES)
    if path is None:
        raise BadInput(f"{root} holds no captions of {name}. Put dataset_{name}.json, captions.txt or *.token there.")
    captions: dict[str, dict[str, str]] = {}
    for photo, number, text in rows(path, skips):
        held = captions.setdefault(photo, {})
        if number in held:
            skips.add("captions given twice", f"{photo}#{number}")
        else:
            held[number] = text
    return {photo: list(texts.values()) for photo, texts in captions.items()}, _split_of(root, name, skips)


def rows(path: Path, skips: Skips) -> Iterator[tuple[str, str, str]]:
    """Read (photo, caption number, caption) from a table in any of the three formats.

    A caption may contain the separator without quotes, so a line is split at its first separators only. Flickr30k's row
    `2199200615.jpg| 4   A dog runs ...`, which lacks a separator, is repaired and listed.
    """
    lines = read_lines(path, skips)
    counted: dict[str, int] = {}
    head = lines[0].lower().replace(" ", "") if lines else ""
    separator = "\t" if "\t" in head else "|" if "|" in head else ","
    numbered = head.count(separator) > 1 and "number" in head
    for at, line in enumerate(lines, start=1):
        if not line.strip() or (at == 1 and re.match(r"(image|image_name|file|filename)[,|\t]", head)):
            continue
        cells = [cell.strip() for cell in line.split(separator, 2 if numbered else 1)]
        if separator == "," and len(cells) == 2:
            cells[1] = _unquoted(cells[1])
        if numbered and len(cells) == 2 and (mended := re.match(r"(\d)\s+(.+)", cells[1])):
            cells[1:] = mended.groups()
            skips.add("rows with a separator missing, mended", f"{path.name}:{at}")
        photo, _, number = cells[0].partition("#")
        photo = photo.replace("\\", "/").rsplit("/", 1)[-1]
        if len(cells) != (3 if numbered else 2) or "." not in photo:
            skips.add("broken rows", f"{path.name}:{at}")
            continue
        counted[photo] = counted.get(photo, -1) + 1
        yield photo, number or (cells[1] if numbered else str(counted[photo])), cells[-1]


def _unquoted(cell: str) -> str:
    """The content of a quoted cell; a cell with other quotes is returned unchanged."""
    try:
        whole = next(csv.reader([cell], strict=True), [])
    except csv.Error:
        return cell
    return whole[0] if len(whole) == 1 else cell


def _split_of(root: Path, name: str, skips: Skips):
    """A function photo -> split: by lists in the folder (or in multi30k/), by the list in this package, or by hash."""
    listed = {}
    for split, names in LISTS.items():
        inside = [f"{folder}{file}" for folder in ("", "*/", "**/image_splits/") for file in names]
        path = first(root, *inside) or (name == "flickr30k" and first(root.parent / "multi30k", *inside))
        if path:
            listed |= dict.fromkeys((_photo(line) for line in read_lines(path) if line.strip()), split)
    kept = SPLITS / f"{name}.txt"
    if not listed and kept.is_file():
        listed = {photo: split for split, photo in map(str.split, read_lines(kept))}
        return lambda photo: listed.get(photo, "train")
    if listed:
        return lambda photo: listed.get(photo, "extra")
    skips.add("published splits that are missing, so that a hash divides", f"dataset_{name}.json")
    return lambda photo: drawn_split(photo, name, test=0.0315, val=0.0315)  # 1,000 of 31,783 each


def multi30k(root: Path, split: str, skips: Skips) -> dict[str, list[str]]:
    """German captions by photo: five independent ones (task 2), and for training also a translation (task 1).

    Files are searched in this folder, in its multi30k/ and in a multi30k/ beside it, with or without gzip.
    """
    captions: dict[str, list[str]] = {}
    for base in (root, root / "multi30k", root.parent / "multi30k"):
        for path in _german_files(base, split):
            photos = _photos_of(path, split)
            lines = read_lines(path, skips)
            if photos is None or len(photos) != len(lines):
                raise BadInput(
                    f"{path} has {len(lines):,} lines, but its list in image_splits has "
                    f"{len(photos or []):,}. Take both from the same release of Multi30k."
                )
            for photo, text in zip(photos, lines, strict=True):
                captions.setdefault(photo, []).append(text)
        if captions:
            break
    return captions


def _german_files(base: Path, split: str) -> list[Path]:
    """Task 2's files, then task 1's; for val and test, task 1's only if there are no others."""
    named = re.compile(rf"({GERMAN.get(split, '-')})(\.[1-5])?\.de(\.gz)?")
    files = sorted(p for p in base.rglob("*.de*") if named.fullmatch(p.name) and "tok" not in p.parts)
    five = [path for path in files if re.search(r"\.[1-5]\.de", path.name)]
    return five + [path for path in files if path not in five and (split == "train" or not five)]


def _photos_of(path: Path, split: str) -> list[str] | None:
    """The photo of each line of a caption file, from image_splits/ near it; None if there is no list."""
    for folder in (path.parent, path.parent.parent):
        if found := first(folder, *(f"image_splits/{name}" for name in LISTS[split])):
            return [_photo(line) for line in read_lines(found) if line.strip()]
    return None


def _photo(line: str) -> str:
    name = line.split("#")[0].strip().rsplit("/", 1)[-1]
    return name if "." in name else f"{name}.jpg"
