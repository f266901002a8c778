"""Multi30k, texts only: 27,262 English-German translation pairs, and 5 + 5 independent captions of 27,262 images.

No image of Flickr8k's val or test is in it, but some of its sentences are captions there too: people describe different
photos in the same words. Training reads `for_training`, which leaves these out.
"""

from training.datasets import MissingData, flickr8k, folder
from training.datasets.overlaps import equal_sentences
from training.datasets.reading import STRICT, Skips, caption_items, json_lines, read_lines
from xmr.modality import Item, Modality

PAIR = "pair"  # how the ids of translation pairs begin


def items(split: str, skips: Skips = STRICT) -> list[Item]:
    """Captions labelled with their image, and translation pairs, each pair with its own label; only "train" has any.

    Broken rows and empty captions are listed in `skips`; by default they are errors.
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
            found.append(Item(f"{PAIR}{n}#{language}", Modality.TEXT, text, frozenset({f"image:{PAIR}{n}"}), language))
    for row in json_lines(root / "train5.jsonl.gz", skips):
        captions, labels = {"en": row["en"], "de": row["de"]}, frozenset({f"image:{row['id']}"})
        found += caption_items(row["id"], captions, labels, skips, as_is=True)
    return found


def for_training() -> list[Item]:
    """The captions without those whose sentence is a caption of Flickr8k's val or test, and without the translation of
    such a one. All of them where Flickr8k is not on this machine."""
    found = items("train")
    try:
        held_out = [item for split in ("val", "test") for item in flickr8k.items(split)]
    except MissingData:
        return found
    equal = equal_sentences(found, held_out)
    ids = {item.id for item in equal}
    pairs = {item.labels for item in equal if item.id.startswith(PAIR)}
    return [item for item in found if item.id not in ids and item.labels not in pairs]
