"""COCO 2014 and 2017: five captions per photo, and the categories of its objects as tags; and Karpathy's split.

The JSON is read directly. pycocotools would only be needed for masks, which are not used here.
"""

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

from training.datasets.reading import (
    Skips,
    by_name,
    caption_items,
    drawn_split,
    first,
    karpathy_images,
    need,
    pictures_under,
    plain_name,
    read_json,
)
from xmr.modality import BadInput, Item, Modality

KARPATHY = {"train": "train", "restval": "train", "val": "val", "test": "test"}


def read(root: Path, split: str, skips: Skips, year: str) -> list[Item]:
    """Photos and captions of COCO `year`. "test" is the official val; "val" is 4 % of train, by a hash of the name."""
    part = "val" if split == "test" else "train"
    path = root / "annotations" / f"captions_{part}{year}.json"
    if part == "val" and not path.is_file() and (root / "annotations" / f"captions_train{year}.json").is_file():
        skips.add("annotation files that are missing", path.name)
        return []
    need(path, "COCO's captions", f"Unpack annotations_trainval{year}.zip there, or add --download.")
    names, captions, twice = _captions(path)
    for row in twice:
        skips.add("ids that come twice", row)
    for image in sorted(set(captions) - set(names)):
        skips.add("captions without a photo", f"image {image}")
    tags = _tags(path.with_name(f"instances_{part}{year}.json"), skips)
    rows = {
        names[image]: (names[image], texts, tags.get(image, frozenset()))
        for image, texts in captions.items()
        if image in names and (split == "test" or drawn_split(names[image], "coco", test=0.0, val=0.04) == split)
    }
    for image in sorted(set(names) - set(captions)):
        skips.add("photos without captions", names[image])
    return _items(root, f"{part}{year}", rows, skips)


def karpathy(root: Path, split: str, skips: Skips) -> list[Item]:
    """Karpathy's split of COCO 2014: 113,287 train (including his restval), 5,000 val, 5,000 test.

    Each photo is in the folder that its `filepath` names; his test photos come from val2014.
    """
    path = first(root, "dataset_coco.json", "*/dataset_coco.json") or root / "dataset_coco.json"
    need(path, "Karpathy's split", "Unpack caption_datasets.zip there, or add --download.")
    tags = {}
    for part in ("train2014", "val2014"):
        tags |= _tags(root / "annotations" / f"instances_{part}.json", skips)
    rows: dict[str, dict] = {"train2014": {}, "val2014": {}}
    for image in karpathy_images(path, skips):
        if KARPATHY[image["split"]] == split:
            name, texts = image["filename"], [sentence["raw"] for sentence in image["sentences"]]
            rows.setdefault(image["filepath"], {})[name] = (name, texts, tags.get(image["cocoid"], frozenset()))
    return [item for folder, found in rows.items() for item in _items(root, folder, found, skips)]


def _items(root: Path, folder: str, rows: dict[str, tuple[str, list[str], frozenset[str]]], skips: Skips) -> list[Item]:
    where = first(root, folder, f"images/{folder}")
    if rows and where is None:
        raise BadInput(f"Expected COCO's photos in {root / folder}, which is not there. Unpack {folder}.zip there.")
    photos, found = by_name(pictures_under(where), skips) if rows else {}, []
    for name, texts, tags in rows.values():
        if (path := photos.get(plain_name(name))) is None:
            skips.add("photos that are missing", name)
            continue
        found.append(Item(name, Modality.PHOTO, path, frozenset({f"image:{name}"}) | tags))
        found += caption_items(name, {"en": texts}, frozenset({f"image:{name}"}) | tags, skips)
    return found


@lru_cache(maxsize=4)
def _captions(path: Path) -> tuple[dict[int, str], dict[int, list[str]], list[str]]:
    """File name by image id, captions by image id, and duplicate ids; the first caption with an id counts."""
    whole = read_json(path)
    captions: dict[int, list[str]] = {}
    rows = {row["id"]: row for row in reversed(whole["annotations"])}
    for _, row in sorted(rows.items()):
        captions.setdefault(row["image_id"], []).append(row["caption"])
    names = {image["id"]: re.split(r"[\\/]", image["file_name"])[-1] for image in whole["images"]}
    counted = Counter(f"{kind} {row['id']}" for kind in ("images", "annotations") for row in whole[kind])
    return names, captions, [f"{path.name}: {row}" for row, count in counted.items() if count > 1]


@lru_cache(maxsize=4)
def _instances(path: Path) -> dict[int, frozenset[str]]:
    whole = read_json(path, without=("segmentation", "bbox", "area"))  # which would take three gigabytes
    names = {category["id"]: f"tag:{category['name']}" for category in whole["categories"]}
    found: dict[int, set[str]] = {}
    for row in whole["annotations"]:  # a crowd (iscrowd) counts for its category like any other object
        found.setdefault(row["image_id"], set()).add(names[row["category_id"]])
    return {image: frozenset(tags) for image, tags in found.items()}


def boxes_of(path: Path) -> dict[str, list[tuple[str, tuple[float, float, float, float]]]]:
    """The (category, box) pairs of each photo, by file name, without crowds; boxes are shares of the photo's sides."""
    whole = read_json(path, without=("segmentation",))
    names = {category["id"]: category["name"] for category in whole["categories"]}
    images = {image["id"]: image for image in whole["images"]}
    found: dict[str, list] = {image["file_name"]: [] for image in images.values()}
    for row in whole["annotations"]:
        if not row.get("iscrowd"):
            image, (x, y, width, height) = images[row["image_id"]], row["bbox"]
            box = (
                x / image["width"],
                y / image["height"],
                (x + width) / image["width"],
                (y + height) / image["height"],
            )
            found[image["file_name"]].append((names[row["category_id"]], box))
    return found


def _tags(path: Path, skips: Skips) -> dict[int, frozenset[str]]:
    if path.is_file():
        return _instances(path)
    skips.add("annotation files that are missing", path.name)
    return {}
