"""sketchy25: 125 classes with 25 photos and 25 human sketches each; the sketches were drawn from 578 of the photos.

The split is by photo, so all sketches of a held-out photo are held out too. Photos without a sketch are distractors.
In a stable hash order, test has the first sketched photo and the first 4 distractors of each class; val has the next 2
distractors and, in every third class, the next sketched photo.
"""

from training.datasets import folder, stable_order
from xmr.modality import BadInput, Item, Modality

SEED = "xmr-1"  # changing it changes which photos are held out, and so every published figure
TEST_DISTRACTORS, VAL_DISTRACTORS, VAL_EVERY = 4, 2, 3


def classes() -> list[str]:
    """The 125 class names, sorted. The split depends on their number, so a class that lacks photos or sketches is an
    error (BadInput)."""
    root = folder("sketchy25")
    photo, sketch = ({p.name for p in (root / kind).iterdir() if p.is_dir()} for kind in ("photo", "sketch"))
    if alone := photo ^ sketch:
        raise BadInput(
            f"Expected the same classes in {root}/photo and {root}/sketch, but {min(alone)} is in one alone "
            f"({len(alone)} are). The archive is half unpacked: unpack it again."
        )
    return sorted(photo)


def items(split: str) -> list[Item]:
    """Photos and sketches of "train", "val" or "test", labelled with their class and the photo that was drawn."""
    root, found = folder("sketchy25"), []
    for number, name in enumerate(classes()):
        drawn: dict[str, list] = {}
        for path in sorted((root / "sketch" / name).glob("*.png")):
            drawn.setdefault(path.stem.rsplit("-", 1)[0], []).append(path)
        photos = {path.stem: path for path in sorted((root / "photo" / name).glob("*.jpg"))}
        if lost := drawn.keys() - photos.keys():
            raise BadInput(
                f"Expected the photos of all sketches in {root / 'photo' / name}, but {min(lost)}.jpg is not there "
                f"({len(lost)} are missing). The split goes by all of them: unpack them again."
            )
        for photo in sorted(_members(split, number, list(drawn), [p for p in photos if p not in drawn])):
            labels = frozenset({f"class:{name}", f"instance:{photo}"})
            found.append(Item(photo, Modality.PHOTO, photos[photo], labels))
            found += [Item(path.stem, Modality.SKETCH, path, labels) for path in drawn.get(photo, [])]
    return found


def _members(split: str, number: int, drawn: list[str], others: list[str]) -> list[str]:
    drawn, others = stable_order(drawn, SEED), stable_order(others, SEED)
    val_drawn = 1 if number % VAL_EVERY == 0 else 0
    a, b = TEST_DISTRACTORS, TEST_DISTRACTORS + VAL_DISTRACTORS
    return {
        "test": drawn[:1] + others[:a],
        "val": drawn[1 : 1 + val_drawn] + others[a:b],
        "train": drawn[1 + val_drawn :] + others[b:],
    }[split]
