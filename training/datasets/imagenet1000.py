"""One photo of each of the 1,000 ImageNet classes, with the class in the file's name. Training only."""

from training.datasets import folder
from xmr.modality import Item, Modality


def items(split: str) -> list[Item]:
    """Photos with their class (words, the WordNet id left out); only "train" has any."""
    if split != "train":
        return []
    return [
        Item(path.stem, Modality.PHOTO, path, frozenset({f"class:{path.stem.split('_', 1)[1].replace('_', ' ')}"}))
        for path in sorted(folder("imagenet1000").glob("*.jpg"))
    ]
