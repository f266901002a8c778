"""One photo of each of the 1,000 ImageNet classes, with the class in the file's name. Training only.

"crane" and "maillot" name two classes each, which then share a label: as words they are the same.
"""

from training.datasets import folder
from training.datasets.reading import STRICT, Skips
from xmr.modality import Item, Modality


def items(split: str, skips: Skips = STRICT) -> list[Item]:
    """Photos with their class (words, the WordNet id left out); only "train" has any.

    skips: where photos without a class in their name are listed; without it, errors.
    """
    if split != "train":
        return []
    found = []
    for path in sorted(folder("imagenet1000").glob("*.jpg")):
        if name := path.stem.partition("_")[2].replace("_", " "):
            found.append(Item(path.stem, Modality.PHOTO, path, frozenset({f"class:{name}"})))
        else:
            skips.add("photos that name no class", path.name)
    return found
