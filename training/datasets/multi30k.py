"""Multi30k: text alone. 27,262 English-German translation pairs, and 27,262 images' 5 + 5 independent captions.

Nothing of Flickr8k's val or test is in it. All of it is training data.
"""

from training.datasets import folder
from training.datasets.reading import STRICT, Skips, caption_items, json_lines, read_lines
from xmr.modality import Item, Modality


def items(split: str, skips: Skips = STRICT) -> list[Item]:
    """Captions whose labels meet when they are of one image; a translation pair has a label of its own.

    Only "train" has any. skips: where broken rows and empty captions are listed; without it they are errors.
    """
    if split != "train":
        return []
    root, found = folder("multi30k"), []
    for n, line in enumerate(read_lines(root / "train.en-de.tsv", skips)):
        texts = line.split("\t")
        if len(texts) != 2 or not all(map(str.strip, texts)):
            skips.add("broken rows", f"train.en-de.tsv:{n + 1}")
            continue
        for language, text in zip(("en", "de"), texts, strict=True):
            found.append(Item(f"pair{n}#{language}", Modality.TEXT, text, frozenset({f"image:pair{n}"}), language))
    for row in json_lines(root / "train5.jsonl.gz", skips):
        captions, labels = {"en": row["en"], "de": row["de"]}, frozenset({f"image:{row['id']}"})
        found += caption_items(row["id"], captions, labels, skips, as_is=True)
    return found
