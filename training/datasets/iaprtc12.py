"""IAPR TC-12: 20,000 photos with descriptions in English and German, tagged with the region labels of SAIAPR TC-12.

The files annotations_complete_{eng,ger}/<nn>/<n>.{eng,ger} are almost XML, in cp1252, and name their photo relative to
the root. SAIAPR's <nn>/labels.txt has a line `photo region label` for each region, wlist.txt the names of the labels.

The split is seeded: 2,000 queries ("test"), 10,000 training photos, and the rest ("val" and "extra"). The gallery of
a hashing protocol is the 18,000 photos that are not queries, including the training photos.
"""

import re
from functools import lru_cache
from pathlib import Path

from training.datasets.reading import (
    Skips,
    caption_items,
    clean,
    first,
    held_out,
    need,
    pictures_under,
    plain_name,
    read_lines,
    read_text,
)
from xmr.modality import Item, Modality

LANGUAGES = {"eng": "en", "ger": "de"}
WHOLE = 20_000
SIZES = {"test": 2_000, "train": 10_000, "val": 500}  # of the whole set; a subset is split in proportion
GALLERY = ("train", "val", "extra")  # the splits that the queries are searched in


def read(root: Path, split: str, skips: Skips) -> list[Item]:
    """Photos and descriptions of a split, with their `image:` and `tag:` labels."""
    base = first(root, "annotations_complete_eng", "*/annotations_complete_eng", "annotations_complete_ger")
    base = need(base or root / "annotations_complete_eng", "IAPR TC-12", "Unpack iaprtc12.tgz there.").parent
    rows, left_out = _annotations(base)
    for reason, name in left_out:
        skips.add(reason, name)
    share = min(1.0, len(rows) / WHOLE)
    part_of = held_out(sorted(rows), "iaprtc12", **{part: round(size * share) for part, size in SIZES.items()})
    tags, found = _tags(root, skips), []
    pictures = {plain_name(key): path for key, path in pictures_under(base / "images").items()}
    for photo in sorted(row for row, part in part_of.items() if part == split):
        key = photo.removeprefix("images/")
        if (path := pictures.get(plain_name(key))) is None:
            skips.add("photos that are missing", photo)
            continue
        labels = frozenset({f"image:{key}"}) | tags.get(path.stem, frozenset())
        english = rows[photo].get("en", {})
        facts = {name.lower(): english[name] for name in ("TITLE", "LOCATION") if english.get(name)}
        found.append(Item(key, Modality.PHOTO, path, labels, facts=facts))
        texts = {language: [fields.get("DESCRIPTION", "")] for language, fields in rows[photo].items()}
        found += caption_items(key, texts, labels, skips)
    return found


@lru_cache(maxsize=1)
def _annotations(base: Path) -> tuple[dict[str, dict[str, dict[str, str]]], list[tuple[str, str]]]:
    """Fields by photo and language, and (reason, file) of what is left out. Reads 40,000 files once for all splits."""
    rows: dict[str, dict[str, dict[str, str]]] = {}
    left_out = []
    for ending, language in LANGUAGES.items():
        folder = base / f"annotations_complete_{ending}"
        if not folder.is_dir():
            left_out.append(("annotation files that are missing", folder.name))
        for path in sorted(path for path in folder.glob("*/*") if path.suffix.lower() == f".{ending}"):
            fields, name = _fields(read_text(path)), f"{path.parent.name}/{path.name}"
            if "IMAGE" not in fields:
                left_out.append(("annotations that name no photo", name))
            elif rows.setdefault(fields["IMAGE"], {}).setdefault(language, fields) is not fields:
                left_out.append(("annotations of a photo that has one already", name))
    return rows, left_out


def _fields(text: str) -> dict[str, str]:
    """The elements of one annotation file, which is not valid XML: `&` and `<` are not escaped."""
    found = re.findall(r"<(DOCNO|TITLE|DESCRIPTION|LOCATION|IMAGE)>(.*?)</\1>", text, re.DOTALL)
    return {name: clean(value) for name, value in found}


def _tags(root: Path, skips: Skips) -> dict[str, frozenset[str]]:
    """Tags from the region labels, by the photo's number."""
    wlist = first(root, "wlist.txt", "*/wlist.txt", "*/*/wlist.txt", "*/*/*/wlist.txt")
    names = dict(line.split(None, 1) for line in read_lines(wlist) if line.strip()) if wlist else {}
    found: dict[str, set[str]] = {}
    lists = sorted(root.rglob("labels.txt"))
    if not lists:
        skips.add("annotation files that are missing", "SAIAPR's labels.txt: photos have no tags")
    for path in lists:
        for number, line in enumerate(read_lines(path), start=1):
            if not line.strip():
                continue
            cells = line.split()
            if len(cells) != 3 or not cells[2].isdigit():
                skips.add("broken rows", f"{path.parent.name}/{path.name}:{number}")
                continue
            found.setdefault(cells[0], set()).add(f"tag:{clean(names.get(cells[2], cells[2]))}")
    return {photo: frozenset(tags) for photo, tags in found.items()}
