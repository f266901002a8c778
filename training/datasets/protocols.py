"""The evaluation protocol of any data set in the catalogue: which of its test items are held against which."""

from functools import partial
from pathlib import Path

from training.datasets import catalogue, iaprtc12, labels_of, sketchy
from training.evaluate import CATEGORY, HITS, Comparison, Protocol
from xmr.modality import Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
RANKED = (*HITS, "median_rank")


def protocol(name: str, root: str | Path | None = None) -> Protocol:
    """`<name>-test`, or `<name>-unseen` for a zero-shot split: every comparison that the test items allow.

    Sketches find photos by class and by instance, captions and photos each other by image, and by tag where there are
    tags; a set of sketches or photos alone is held against itself by class.
    """
    data = catalogue.get(name)
    kind = "unseen" if name in sketchy.UNSEEN else "test"
    items = catalogue.load(name, "test", root).items
    return Protocol(
        f"{name}-{kind}", f"{data.about}; its {kind} items.", partial(_items, name, root), comparisons(items)
    )


def comparisons(items: list[Item]) -> tuple[Comparison, ...]:
    """The comparisons that these items allow, by what modalities and labels they have."""
    kinds = {key: {kind for kind in ("class", "instance", "image", "tag") if any(labels_of(i, kind) for i in found)}
             for key, found in _by_kind(items).items()}  # fmt: skip
    photo, sketch, found = (PHOTO, None), (SKETCH, None), []
    shared = kinds.get(photo, set()) & kinds.get(sketch, set())
    if "class" in shared:
        found.append(Comparison("sketch_to_photo/category", sketch, photo, "class", CATEGORY))
    if "instance" in shared:
        found.append(Comparison("sketch_to_photo/instance", sketch, photo, "instance", RANKED))
    for text in sorted((key for key in kinds if key[0] is TEXT), key=str):
        name = f"text_{text[1]}" if text[1] else "text"
        if photo in kinds and "image" in kinds[text]:
            found.append(Comparison(f"{name}_to_photo", text, photo, "image", RANKED))
            found.append(Comparison(f"photo_to_{name}", photo, text, "image", RANKED))
        if photo in kinds and "tag" in kinds[text]:
            found.append(Comparison(f"{name}_to_photo/tag", text, photo, "tag", CATEGORY))
            found.append(Comparison(f"photo_to_{name}/tag", photo, text, "tag", CATEGORY))
    if not found:
        for key, name in ((sketch, "sketch"), (photo, "photo")):
            if "class" in kinds.get(key, ()):
                found.append(Comparison(f"{name}_to_{name}/category", key, key, "class", CATEGORY))
    return tuple(found)


def queries_and_gallery(name: str, root: str | Path | None = None) -> tuple[list[Item], list[Item]]:
    """What a retrieval figure is taken over: the test items against themselves; IAPR TC-12's 2,000 queries against the
    18,000 photos that are none, as hashing papers do."""
    queries = catalogue.load(name, "test", root).items
    if name != "iaprtc12":
        return queries, queries
    return queries, [item for split in iaprtc12.GALLERY for item in catalogue.load(name, split, root).items]


def _items(name: str, root: str | Path | None, split: str) -> list[Item]:
    return catalogue.load(name, split, root).items


def _by_kind(items: list[Item]) -> dict[tuple, list[Item]]:
    found: dict[tuple, list[Item]] = {}
    for item in items:
        found.setdefault((item.modality, item.language), []).append(item)
    return found
