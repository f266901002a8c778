"""One photo of each of the 1,000 ImageNet classes, with the class in the file name; only for training.

"crane" and "maillot" are names of two classes each; those share a label.
"""

from training.datasets import folder
from training.datasets.reading import STRICT, Skips
from xmr.modality import Item, Modality


def items(split: str, skips: Skips = STRICT) -> list[Item]:
    """Photos with their class name, without the WordNet id; only "train" has any.

    Photos without a class in their name are listed in `skips`; by default they are errors.
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
