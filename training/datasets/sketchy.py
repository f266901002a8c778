"""Sketchy in its authors' layout, with or without the extended photos, or in the layout {photo,sketch}/<class> or
{photos,sketches}/<class>.

The authors' layout is 256x256/{photo,sketch}/tx_000000000000/<class>/<photo>.jpg and <photo>-<n>.png (drawn from that
photo). The extended photos are EXTEND_image_sketchy/<class>/*.jpg; there ext_<n>.jpg starts at 1 in every class and
some names repeat the official photos, so ids are <class>/<stem>.
"""

from collections.abc import Iterable
from pathlib import Path

from training.datasets import labels_of, placed, sketchy25
from training.datasets.reading import Skips, drawn_split, first, need, pictures_under, read_lines
from xmr.modality import BadInput, Item, Modality

SEED = "sketchy-1"
# The classes held out by two published zero-shot splits: random classes, and classes outside ImageNet.
UNSEEN = {
    "sketchy-1": "airplane bell butterfly camel chicken cup deer harp horse parrot pineapple rifle scissors ray snail "
    "squirrel swan tank teddy_bear tree umbrella volcano wheelchair windmill wine_bottle",
    "sketchy-2": "bat cabin cow dolphin door giraffe helicopter mouse pear raccoon rhinoceros saw scissors seagull "
    "skyscraper songbird sword tree wheelchair windmill window",
}
UNSEEN = {name: frozenset(classes.split()) for name, classes in UNSEEN.items()}
# By which a zero-shot system's settings are chosen: a fifth of sketchy-2's seen classes, at random, none of which
# either split holds out. What is trained for that choice sees neither these nor the unseen ones.
DEVELOPMENT = "sketchy-2-development"
DEVELOPED_ON = (
    "apple axe bee beetle car_(sedan) church fish flower frog guitar hammer motorcycle mushroom rocket seal shark "
    "spider table teapot turtle"
)
UNSEEN[DEVELOPMENT] = UNSEEN["sketchy-2"] | frozenset(DEVELOPED_ON.split())
# The split of the first zero-shot system: the classes that two files name, one a line.
LISTED = "sketchy-listed"
SEEN_LIST, UNSEEN_LIST = "train_labels.txt", "test_labels.txt"
ZERO_SHOT = (*UNSEEN, LISTED)  # the splits that hold out classes
FOLDERS = {"photo": "photos", "sketch": "sketches"}  # what the folders of a kind are called too
REMEDY = "Its layout and source: python -m training data."
EXTENDED = ("EXTEND_image_sketchy*", "extended_photo*", "*/EXTEND_image_sketchy*")


def read(root: Path, split: str, skips: Skips, held_out: str = "photo") -> list[Item]:
    """Photos and sketches, labelled with their class and the photo that was drawn.

    Args:
        root:     folder of the data set.
        split:    "train", "val" or "test".
        skips:    where left-out files are listed.
        held_out: "photo" splits by photo, each with all its sketches: by the authors' info/testset.txt, by sketchy25's
            split for its layout, or else by the hash of the id. With "sketchy-1" and "sketchy-2", test is all photos
            and sketches of the unseen classes, and val is a twentieth of the other classes' photos. With
            "sketchy-2-development", test is those of the classes in DEVELOPED_ON, and the classes that sketchy-2 holds
            out are in no split. With "sketchy-listed", train_labels.txt and test_labels.txt name the classes, and those
            in neither are in no split.
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
    if held_out == LISTED:
        for name in sorted(
            {*_listed(root, SEEN_LIST), *_listed(root, UNSEEN_LIST)} - {key.split("/")[0] for key in photos}
        ):
            skips.add("listed classes without a folder", name)
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


def unseen(held_out: str, root: Path) -> frozenset[str]:
    """The classes that a split of the Sketchy in a folder holds out of training: none but for those in ZERO_SHOT."""
    return frozenset(_listed(root, UNSEEN_LIST)) if held_out == LISTED else UNSEEN.get(held_out, frozenset())


def refuse_unseen(items: Iterable[Item], held_out: str, root: Path) -> None:
    """Raise BadInput if an item of any data set has a class that this split of the Sketchy in a folder holds out."""
    classes = {f"class:{name}" for name in unseen(held_out, root)}
    for item in items:
        if seen := item.labels & classes:
            raise BadInput(
                f"{item.content} is of {min(seen)}, which {held_out} holds out: a system that trains on it may claim "
                "no zero-shot figure. Leave out the items of its classes."
            )


def roots(root: Path) -> tuple[Path, Path]:
    """The two folders (photos, sketches) that have a subfolder per class; raises MissingData."""
    found = []
    for kind in ("photo", "sketch"):
        tree = first(root, f"256x256/{kind}", f"rendered_256x256/256x256/{kind}", kind, FOLDERS[kind])
        where = need(tree or root / "256x256" / kind, f"Sketchy's {kind} folder", REMEDY)
        unaltered = first(where, "tx_000000000000*", "tx_*") or where
        if not any(path.is_dir() for path in unaltered.iterdir()):
            raise BadInput(f"{unaltered} holds no class folders. The archive is half unpacked: unpack it again.")
        found.append(unaltered)
    return found[0], found[1]


def expected(root: Path) -> dict[str, int]:
    """The counts of a complete copy in the layout that this folder has."""
    if (root / "photo").is_dir() and not first(root / "photo", "tx_*"):
        return {"photos": 3125, "sketches": 3125, "classes": 125}
    photos = 73_002 if first(root, *EXTENDED) else 12_500
    return {"photos": photos, "sketches": 75_471, "classes": 125}


def _listed(root: Path, name: str) -> list[str]:
    """The classes that a file in a folder names, one a line, by the names of their folders; raises MissingData."""
    path = need(root / name, "a list of classes, one a line,", "Put it there, or choose sketchy-1 or sketchy-2.")
    return [line.strip().replace(" ", "_") for line in read_lines(path) if line.strip()]


def _key(name: str) -> str:
    """The id <class>/<stem> of a path relative to the folder of classes."""
    return "/".join(name.rsplit(".", 1)[0].replace(" ", "_").split("/")[-2:])


def _labels(key: str) -> frozenset[str]:
    return frozenset({f"class:{key.split('/')[0]}", f"instance:{key}"})


def _splits(root: Path, held_out: str, skips: Skips):
    """A function from a photo's id to its split."""
    if held_out != "photo":
        untrained = unseen(held_out, root)
        tested = DEVELOPED_ON.split() if held_out == DEVELOPMENT else untrained
        trained = set(_listed(root, SEEN_LIST)) if held_out == LISTED else None
        if twice := untrained & (trained or set()):
            raise BadInput(
                f"{root} has {min(twice)} in {SEEN_LIST} and in {UNSEEN_LIST}: a class that is trained on is not "
                "unseen. Take it out of one of them."
            )

        def by_class(key: str) -> str | None:
            name, stem = key.split("/")
            if name in untrained:
                return "test" if name in tested else None
            if trained is not None and name not in trained:
                return None
            return drawn_split(stem, SEED, test=0.0, val=0.05)

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
