"""Flickr8k: 8,091 photos with 5 English captions each; 7,478 also have 5 independent German ones (Multi30k, task 2).

The standard split: 6,000 train, 1,000 val, 1,000 test. Photos without German captions keep their English ones.
"""

from training.datasets import folder
from training.datasets.reading import STRICT, Skips, caption_items, json_lines
from xmr.modality import Item, Modality


def items(split: str, skips: Skips = STRICT) -> list[Item]:
    """Photos and captions of "train", "val" or "test".

    A training photo also has the German translation of one of its English captions. Broken rows and empty captions are
    listed in `skips`; by default they are errors.
    """
    root = folder("flickr8k")
    found = []
    for row in json_lines(root / "captions.jsonl", skips):
        if row["split"] != split:
            continue
        name, labels = row["image"], frozenset({f"image:{row['image']}"})
        found.append(Item(name, Modality.PHOTO, root / "images" / name, labels))
        translated = row["de_translation"] or [] if split == "train" else []
        found += caption_items(name, {"en": row["en"], "de": row["de"] + translated}, labels, skips, as_is=True)
    return found
