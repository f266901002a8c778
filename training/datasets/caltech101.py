"""Caltech-101: 10 photos in each of 102 folders; only for training, as more photos of named things."""

from training.datasets import folder
from training.datasets.reading import Skips
from xmr.modality import Item, Modality

# Folders that are not named after their class: the class, or None for no class.
RENAMED = {
    "BACKGROUND_Google": None,
    "Faces": "face",
    "Faces_easy": "face",
    "Leopards": "leopard",
    "Motorbikes": "motorcycle",
    "airplanes": "airplane",
    "car_side": "car",
    "cougar_body": "cougar",
    "cougar_face": "cougar",
    "crocodile_head": "crocodile",
    "flamingo_head": "flamingo",
    "gerenuk": "gazelle",
    "hawksbill": "sea turtle",
    "ketch": "sailboat",
    "schooner": "sailboat",
    "rhino": "rhinoceros",
    "water_lilly": "water lily",
    "windsor_chair": "chair",
    "yin_yang": "yin and yang symbol",
}


def items(split: str, skips: Skips) -> list[Item]:
    """Photos with their class; only "train" has any. Background pictures have no class and are listed in `skips`."""
    if split != "train":
        return []
    found = []
    for path in sorted(folder("caltech101").glob("*/*.jpg")):
        name = RENAMED.get(path.parent.name, path.parent.name.replace("_", " "))
        if name is None:
            skips.add("background pictures, which have no class", f"{path.parent.name}/{path.name}")
        else:
            found.append(Item(f"{path.parent.name}/{path.stem}", Modality.PHOTO, path, frozenset({f"class:{name}"})))
    return found
