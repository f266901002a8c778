"""Photos with a box around each thing: of the rendered world, and of data sets in COCO's format."""

from training.datasets import MissingData, located, unit_hash, world
from training.datasets.coco import boxes_of
from xmr.modality import Item, Modality

Box = tuple[float, float, float, float]  # left, top, right, bottom, in shares of the photo's sides
COCO_TEST = 0.25  # of a COCO folder that has no other photos to be measured on


def boxed(source: str, split: str) -> list[tuple[Item, list[tuple[str, Box]]]]:
    """The photos of "train", "val" or "test", each with its (name of the class, box) pairs; those without are left out.

    source: "world", or a folder in COCO's layout under $XMR_DATA (or its path) that has only train annotations: by the
    hash of their names a quarter of its photos are "test", and none "val".

    Raises:
        MissingData: it is not on this machine.
    """
    if source == "world":
        photos = [item for item in world.items(split) if item.modality is Modality.PHOTO]
        return [(item, [(thing["category"], tuple(thing["box"])) for thing in item.facts.get("objects", [item.facts])])
                for item in photos]  # fmt: skip
    root = located(source)
    paths = sorted((root / "annotations").glob("instances_train*.json"))
    if not paths:
        raise MissingData(f"Expected COCO's annotations/instances_train*.json in {root}. Unpack them there.")
    found = []
    for name, things in boxes_of(paths[0]).items():
        part = "test" if unit_hash(name, "boxes") < COCO_TEST else "train"
        if part == split and things:
            path = root / paths[0].stem.removeprefix("instances_") / name
            labels = frozenset(f"tag:{category}" for category, _ in things)
            found.append((Item(name, Modality.PHOTO, path, labels), things))
    return found


def classes(*splits: list[tuple[Item, list[tuple[str, Box]]]]) -> list[str]:
    """The names of the classes that have a box, sorted. COCO's that the world has too are one class: "cat" is "cat"."""
    return sorted({name for split in splits for _, things in split for name, _ in things})
