"""A folder of the user's own pictures, with captions and labels from the usual places.

Captions come from the first of these that has any: a table (CSV, JSONL or Parquet) with a column for the file and
columns for captions, language or class; sidecar files (a.jpg with a.txt or a.de.txt, one caption per line); metadata
inside the pictures (XMP with its languages, IPTC, EXIF). If no table names classes, the top folders are the classes.
The split is a table's `split` column, or the top folders if they are called train, val and test, or else by the hash
of the path.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, IptcImagePlugin

from training.datasets.reading import (
    Skips,
    caption_items,
    class_label,
    clean,
    csv_rows,
    drawn_split,
    json_lines,
    need,
    pictures_under,
    read_lines,
)
from xmr.modality import BadInput, Item, Modality

FILE = ("file_name", "filename", "file", "image_name", "image", "image_path", "path", "photo", "picture", "filepath")
CAPTION = ("captions", "caption", "text", "comment", "description", "sentence", "title", "alt")
CLASS = ("class", "category", "label", "labels", "tags")
LANGUAGE = ("language", "lang", "locale")
SPLIT = ("split", "subset")
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
PLAIN = {"images", "photos", "pictures", "img", "imgs", "data"}  # folder names that name no class
DESCRIPTION, XP_TITLE, XP_COMMENT, CAPTION_ABSTRACT = 0x010E, 0x9C9B, 0x9C9C, (2, 120)


def read(root: Path, split: str, skips: Skips) -> list[Item]:
    """Photos of a split, with their captions and classes, if there are any."""
    pictures = pictures_under(need(root, "a folder of pictures", "Give it with --root DIR."))
    if not pictures:
        raise BadInput(f"{root} holds no picture. Give a folder with JPEG, PNG, WebP, GIF, BMP or TIFF files.")
    table, sides = _table(root, pictures, skips), sidecars(root, pictures, skips)
    foldered = table is None or not any(row["labels"] for row in table.values())
    found = []
    for name, path in pictures.items():
        row = (table or {}).get(name)
        if table is not None and row is None:
            skips.add("pictures that the table doesn't name", name)
            continue
        if (row and row["split"] or _split_of(name)) != split:
            continue
        labels = {f"image:{name}"} | (row["labels"] if row else set()) | (_classes(name) if foldered else set())
        captions = row["captions"] if row else {}
        captions = captions or _beside(path, sides, skips) or embedded(path, skips)
        found.append(Item(name, Modality.PHOTO, path, frozenset(labels)))
        found += caption_items(name, captions, frozenset(labels), skips)
    return found


def sidecars(root: Path, pictures: dict[str, Path], skips: Skips) -> dict[Path, list[tuple[str | None, Path]]]:
    """Caption files beside pictures, (language, file) pairs by the picture's path with and without its suffix.

    a.txt and a.jpg.txt belong to a.jpg, in an unknown language; a.de.txt is German.
    """
    found = {base: [] for path in pictures.values() for base in (path, path.with_suffix(""))}
    for side in sorted(side for folder in {path.parent for path in pictures.values()} for side in folder.glob("*.txt")):
        base = side.with_suffix("")
        of = [(base, None)]
        if re.fullmatch(r"\.[a-z]{2}", base.suffix):
            of.append((base.with_suffix(""), base.suffix[1:]))
        of = [(base, language) for base, language in of if base in found]
        for base, language in of:
            found[base].append((language, side))
        if not of:
            skips.add("text files beside no picture", side.relative_to(root).as_posix())
    return found


def _beside(path: Path, sides: dict[Path, list[tuple[str | None, Path]]], skips: Skips) -> dict[str | None, list[str]]:
    found: dict[str | None, list[str]] = {}
    for language, side in [*sides[path.with_suffix("")], *sides[path]]:
        found.setdefault(language, []).extend(line for line in read_lines(side, skips) if line.strip())
    return found


def embedded(path: Path, skips: Skips) -> dict[str | None, list[str]]:
    """Captions by language in a picture's metadata: XMP's dc:description, or else IPTC's or EXIF's."""
    try:
        with Image.open(path) as image:
            xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
            iptc = IptcImagePlugin.getiptcinfo(image) or {}
            exif = image.getexif()
    except Exception as error:  # Pillow raises almost anything for a damaged picture; decoding lists it too
        skips.add("pictures that cannot be opened", f"{path.name}: {error}")
        return {}
    if found := _xmp(xmp.decode("utf-8", "replace") if isinstance(xmp, bytes) else xmp):
        return found
    caption = iptc.get(CAPTION_ABSTRACT)
    if caption:
        return {None: [_decoded(caption[0] if isinstance(caption, list) else caption)]}
    for tag in (DESCRIPTION, XP_COMMENT, XP_TITLE):
        value = exif.get(tag)
        if value:
            text = bytes(value).decode("utf-16-le", "replace") if tag != DESCRIPTION else _decoded(value)
            if clean(text.strip("\0")):
                return {None: [text.strip("\0")]}
    return {}


def _xmp(text: str) -> dict[str | None, list[str]]:
    whole = re.search(r"<dc:description[^>]*>(.*?)</dc:description>", text, re.DOTALL)
    found: dict[str | None, list[str]] = {}
    for attributes, value in re.findall(r"<rdf:li([^>]*)>(.*?)</rdf:li>", whole[1] if whole else "", re.DOTALL):
        language = re.search(r"""xml:lang=["']([A-Za-z]{2})\b""", attributes)
        if clean(html.unescape(value)):
            found.setdefault(language[1].lower() if language else None, []).append(html.unescape(value))
    if None in found and found[None][0] in [text for k, texts in found.items() if k for text in texts]:
        del found[None]  # x-default repeats one of the languages
    return found


def _decoded(value: bytes | str) -> str:
    """Decode metadata, which is UTF-8 or Latin-1; Pillow decodes EXIF text as Latin-1 always."""
    data = value.encode("latin-1", "replace") if isinstance(value, str) else value
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _table(root: Path, pictures: dict[str, Path], skips: Skips) -> dict[str, dict] | None:
    """Captions by language, labels and split of each picture, from the table in the folder; None if there is none."""
    tables = sorted(path for path in root.iterdir() if path.suffix.lower() in (".csv", ".tsv", ".jsonl", ".parquet"))
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise BadInput(f"{root} holds {len(tables)} tables ({names}); one is expected. Move the others elsewhere.")
    if not tables:
        return None
    path, found = tables[0], {}
    names = {path.name: name for name, path in pictures.items()}
    occurrences = Counter(path.name for path in pictures.values())
    for number, row in enumerate(_rows(path, skips), start=1):
        row = {str(key).strip().lower(): value for key, value in row.items() if key is not None}
        column = next((name for name in FILE if name in row), None)
        if column is None:
            raise BadInput(f"{path} has columns {', '.join(row)}; one of {', '.join(FILE)} is expected. Rename one.")
        name = str(row[column] or "").strip().replace("\\", "/").removeprefix("./")
        if name not in pictures and name not in names:
            skips.add("captions without a photo", f"{path.name} row {number}: {name}")
            continue
        if name not in pictures and occurrences[name] > 1:
            skips.add("rows whose photo's name several have", f"{path.name} row {number}: {name}")
            continue
        entry = found.setdefault(
            name if name in pictures else names[name], {"captions": {}, "labels": set(), "split": None}
        )
        for language, texts in _captions(row).items():
            held = entry["captions"].setdefault(language, [])
            for text in texts:
                if text in held:
                    skips.add("captions given twice", f"{path.name} row {number}: {name}")
                else:
                    held.append(text)
        for column in CLASS:
            values = row.get(column)
            for value in values if isinstance(values, list) else [values]:
                if value not in (None, ""):
                    entry["labels"].add(class_label(str(value)))
        split = next((str(row[name]).lower() for name in SPLIT if row.get(name)), None)
        if split and split not in SPLITS:
            skips.add("rows of an unknown split, divided by hash", f"{path.name} row {number}: {split}")
        entry["split"] = SPLITS.get(split, entry["split"])
    return found


def _rows(path: Path, skips: Skips) -> Iterator[dict]:
    if path.suffix.lower() == ".jsonl":
        yield from json_lines(path, skips)
    elif path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        try:
            yield from pyarrow.parquet.read_table(path).to_pylist()
        except (OSError, ValueError) as error:
            raise BadInput(f"{path} is no Parquet file that can be read ({error}). Write it again.") from None
    else:
        yield from csv_rows(path, skips)


def _captions(row: dict) -> dict[str | None, list[str]]:
    """Captions by language in a row with columns such as caption, caption_de, text_en, de, and `language`."""
    stated = next((str(row[name]).strip().lower()[:2] for name in LANGUAGE if row.get(name)), None)
    found: dict[str | None, list[str]] = {}
    for column, value in row.items():
        name, _, ending = column.rpartition("_")
        if column in CAPTION:
            language = stated
        elif name in CAPTION and re.fullmatch("[a-z]{2}", ending):
            language = ending
        elif column in ("en", "de", "fr", "es", "it", "nl", "pt", "pl"):
            language = column
        else:
            continue
        texts = value if isinstance(value, list) else [value]
        found.setdefault(language, []).extend(str(text) for text in texts if text not in (None, ""))
    return {language: texts for language, texts in found.items() if texts}


def _split_of(name: str) -> str:
    return SPLITS.get(name.split("/")[0].lower()) or drawn_split(name, "pictures")


def _classes(name: str) -> set[str]:
    folders = [f for n, f in enumerate(name.split("/")[:-1]) if not (n == 0 and f.lower() in SPLITS.keys() | PLAIN)]
    return {class_label(folders[0])} if folders else set()
