"""Photos with bounding boxes, from the rendered world and from data sets in COCO's format."""

from training.datasets import MissingData, located, unit_hash, world
from training.datasets.coco import boxes_of
from xmr.modality import Item, Modality

Box = tuple[float, float, float, float]  # left, top, right, bottom, relative to the photo's sides
COCO_TEST = 0.25  # share of a COCO folder's photos that is used for testing


def boxed(source: str, split: str) -> list[tuple[Item, list[tuple[str, Box]]]]:
    """Photos with their (class name, box) pairs; photos without boxes are left out.

    Args:
        source: "world", or a folder in COCO's layout (a path, or a name under $XMR_DATA). Of a COCO folder only the
            train annotations are read: a quarter of the photos, by a hash of their names, are "test", none is "val".
        split:  "train", "val" or "test".

    Raises:
        MissingData: the data is not on this machine.
    """
    if source == "world":
        photos = [item for item in world.items(split) if item.modality is Modality.PHOTO]
        return [
            (item, [(thing["category"], tuple(thing["box"])) for thing in item.facts.get("objects", [item.facts])])
            for item in photos
        ]
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
    """The sorted class names in these photos; classes of COCO and of the world with the same name are one class."""
    return sorted({name for split in splits for _, things in split for name, _ in things})
