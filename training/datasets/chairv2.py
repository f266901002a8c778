"""QMUL ChairV2: 400 photos of chairs and 1,275 human sketches of them, as strokes.

The published split is by photo: 300 train, 100 test. Val is the first 40 training photos in a stable hash order.
"""

import numpy as np

from training.datasets import folder, stable_order
from training.datasets.reading import STRICT, Skips, json_lines
from xmr.modality import Drawing, Item, Modality

VAL_PHOTOS = 40


def items(split: str, skips: Skips = STRICT) -> list[Item]:
    """Photos and sketches of "train", "val" or "test". Broken rows are listed in `skips`, or errors by default."""
    root = folder("chairv2")
    rows = list(json_lines(root / "sketches.jsonl", skips))
    train = stable_order(sorted({row["photo"] for row in rows if row["split"] == "train"}), "chairv2")
    wanted = {
        "val": train[:VAL_PHOTOS],
        "train": train[VAL_PHOTOS:],
        "test": sorted({row["photo"] for row in rows if row["split"] == "test"}),
    }[split]
    labels = {photo: frozenset({"class:chair", f"instance:{photo}"}) for photo in wanted}
    photos = [Item(photo, Modality.PHOTO, root / "photo" / photo, labels[photo]) for photo in wanted]
    sketches = [
        Item(
            row["id"],
            Modality.SKETCH,
            f"{root}/sketches.jsonl#{row['id']}",
            labels[row["photo"]],
            facts={"drawing": Drawing(tuple(np.asarray(stroke, float) for stroke in row["strokes"]))},
        )
        for row in rows
        if row["photo"] in labels
    ]
    return photos + sketches
