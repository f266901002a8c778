"""Multi30k: text alone. 27,262 English-German translation pairs, and 27,262 images' 5 + 5 independent captions.

Nothing of Flickr8k's val or test is in it. All of it is training data.
"""

import gzip
import json

from training.datasets import folder
from xmr.modality import Item, Modality


def items(split: str) -> list[Item]:
    """Captions whose labels meet when they are of one image; a translation pair has a label of its own.

    Only "train" has any.
    """
    if split != "train":
        return []
    root, found = folder("multi30k"), []
    with (root / "train.en-de.tsv").open(encoding="utf-8") as lines:
        for n, line in enumerate(lines):
            for language, text in zip(("en", "de"), line.rstrip("\n").split("\t"), strict=True):
                found.append(Item(f"pair{n}#{language}", Modality.TEXT, text, frozenset({f"image:pair{n}"}), language))
    with gzip.open(root / "train5.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            found += [
                Item(f"{row['id']}#{language}{n}", Modality.TEXT, text, frozenset({f"image:{row['id']}"}), language)
                for language in ("en", "de")
                for n, text in enumerate(row[language])
                if text.strip()
            ]
    return found
