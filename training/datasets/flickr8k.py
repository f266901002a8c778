"""Flickr8k: 8,091 photos, 5 English captions each, 5 independent German ones for 7,478 (Multi30k, task 2).

The standard split: 6,000 train, 1,000 val, 1,000 test. Photos without German captions keep their English ones.
"""

import json

from training.datasets import folder
from xmr.modality import Item, Modality


def items(split: str) -> list[Item]:
    """Photos and captions of "train", "val" or "test". A training photo also gets the German translation of one of
    its English captions; val and test have the independent German captions only."""
    root = folder("flickr8k")
    found = []
    with (root / "captions.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["split"] != split:
                continue
            name, labels = row["image"], frozenset({f"image:{row['image']}"})
            found.append(Item(name, Modality.PHOTO, root / "images" / name, labels))
            translated = row["de_translation"] or [] if split == "train" else []
            captions = {"en": row["en"], "de": row["de"] + translated}
            for language, texts in captions.items():
                found += [
                    Item(f"{name}#{language}{n}", Modality.TEXT, text, labels, language)
                    for n, text in enumerate(texts)
                    if text.strip()
                ]
    return found
