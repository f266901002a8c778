"""Sketchy, as its authors pack it, with or without the extended photos, or as a flat tree {photo,sketch}/<class>.

Official: 256x256/{photo,sketch}/tx_000000000000/<class>/<photo>.jpg and <photo>-<n>.png (drawn from that photo); the
extended photos are EXTEND_image_sketchy/<class>/*.jpg, where ext_<n>.jpg begins anew in every class and some names
repeat the official photos. Ids are therefore <class>/<stem>.
"""

from pathlib import Path

from training.datasets import labels_of, placed, sketchy25
from training.datasets.reading import Skips, drawn_split, first, need, pictures_under, read_lines
from xmr.modality import BadInput, Item, Modality

SEED = "sketchy-1"
# The classes that two published zero-shot splits hold out: random ones, and those outside ImageNet.
UNSEEN = {
    "sketchy-1": "airplane bell butterfly camel chicken cup deer harp horse parrot pineapple rifle scissors ray snail "
    "squirrel swan tank teddy_bear tree umbrella volcano wheelchair windmill wine_bottle",
    "sketchy-2": "bat cabin cow dolphin door giraffe helicopter mouse pear raccoon rhinoceros saw scissors seagull "
    "skyscraper songbird sword tree wheelchair windmill window",
}
UNSEEN = {name: frozenset(classes.split()) for name, classes in UNSEEN.items()}
REMEDY = "Its layout and source: python -m training data."
EXTENDED = ("EXTEND_image_sketchy*", "extended_photo*", "*/EXTEND_image_sketchy*")


def read(root: Path, split: str, skips: Skips, held_out: str = "photo") -> list[Item]:
    """Photos and sketches with their class and the photo that was drawn.

    held_out: "photo": a photo is in one split with all its sketches: the authors' info/testset.txt where it is there,
    sketchy25's own split for its flat tree, else by the hash of its id. "sketchy-1", "sketchy-2": test is every photo
    and sketch of the unseen classes; val is a twentieth of the other classes' photos.
    """
    photo_root, sketch_root = roots(root)
    photos: dict[str, Path] = {}
    extended = first(root, *EXTENDED)
    for folder in filter(None, (photo_root, extended)):
        for name, path in pictures_under(folder).items():
            key = _key(name)
            if "/" not in name:
                skips.add("pictures outside a class folder", name)
                continue
            if key in photos:
                skips.add("extended photos that repeat an official one", name)
                continue
            photos[key] = path
    split_of = _splits(root, held_out, skips)
    found = []
    for key in sorted(photos):
        if split_of(key) == split:
            found.append(Item(key, Modality.PHOTO, photos[key], _labels(key)))
    for name, path in pictures_under(sketch_root).items():
        key, _, number = _key(name).rpartition("-")
        if not number.isdigit() or key not in photos:
            skips.add("sketches without their photo", name)
        elif split_of(key) == split:
            found.append(Item(_key(name), Modality.SKETCH, path, _labels(key)))
    return found


def roots(root: Path) -> tuple[Path, Path]:
    """The folders whose subfolders are classes: photos, sketches; raises MissingData."""
    found = []
    for kind in ("photo", "sketch"):
        tree = first(root, f"256x256/{kind}", f"rendered_256x256/256x256/{kind}", kind)
        where = need(tree or root / "256x256" / kind, f"Sketchy's {kind} folder", REMEDY)
        unaltered = first(where, "tx_000000000000*", "tx_*") or where
        if not any(path.is_dir() for path in unaltered.iterdir()):
            raise BadInput(f"{unaltered} holds no class folders. The archive is half unpacked: unpack it again.")
        found.append(unaltered)
    return found[0], found[1]


def expected(root: Path) -> dict[str, int]:
    """What a whole copy of the form that lies here holds."""
    if (root / "photo").is_dir() and not first(root / "photo", "tx_*"):
        return {"photos": 3125, "sketches": 3125, "classes": 125}
    photos = 73_002 if first(root, *EXTENDED) else 12_500
    return {"photos": photos, "sketches": 75_471, "classes": 125}


def _key(name: str) -> str:
    """<class>/<stem>, from a path relative to the folder of classes."""
    return "/".join(name.rsplit(".", 1)[0].replace(" ", "_").split("/")[-2:])


def _labels(key: str) -> frozenset[str]:
    return frozenset({f"class:{key.split('/')[0]}", f"instance:{key}"})


def _splits(root: Path, held_out: str, skips: Skips):
    """A function photo key -> split."""
    if held_out != "photo":
        unseen = UNSEEN[held_out]

        def by_class(key: str) -> str:
            name, stem = key.split("/")
            return "test" if name in unseen else drawn_split(stem, SEED, test=0.0, val=0.05)

        return by_class
    if (root / "photo").is_dir() and not first(root / "photo", "tx_*"):
        with placed("sketchy25", root):
            return {
                f"{min(labels_of(item, 'class')).removeprefix('class:')}/{item.id}": split
                for split in ("train", "val", "test")
                for item in sketchy25.items(split)
                if item.modality is Modality.PHOTO
            }.get
    listed = first(root, "info/testset.txt", "*/info/testset.txt", "testset.txt")
    if listed is None:
        skips.add("published splits that are missing, so that a hash divides", "info/testset.txt")
    test = {_key(line.strip()) for line in read_lines(listed) if line.strip()} if listed else set()

    def by_photo(key: str) -> str:
        stem = key.split("/")[1]  # an ImageNet photo may be in two classes; its split is one
        unit = key if stem.startswith("ext_") else stem
        if key in test:
            return "test"
        return drawn_split(unit, SEED, test=0.0 if test else 0.1)

    return by_photo
