"""Data sets with a folder per class: TU-Berlin (sketches, and the photos of its extension) and PACS (four domains)."""

from pathlib import Path

from training.datasets.reading import Skips, class_label, drawn_split, first, need, pictures_under, read_lines
from xmr.modality import Item, Modality

DOMAINS = {
    "photo": Modality.PHOTO,
    "art_painting": Modality.PHOTO,
    "cartoon": Modality.PHOTO,
    "sketch": Modality.SKETCH,
}
FAULTY = "sketch/dog/n02103406_4068-1.png"  # known to be broken in PACS; every published loader leaves it out


def tuberlin(root: Path, split: str, skips: Skips) -> list[Item]:
    """TU-Berlin: sketches png/<class>/<n>.png, and the optional photos of its extension, ImageResized/<class>/.

    The split is by the hash of a picture's id, because the authors publish only folds for classification.
    """
    sketches = first(root, "png", "sketches_png/png", "sketches/png", "sketches") or root / "png"
    need(sketches, "TU-Berlin's sketches", "Unpack sketches_png.zip there. Its source: python -m training data.")
    found = []
    for modality, folder in ((Modality.SKETCH, sketches), (Modality.PHOTO, first(root, "ImageResized*", "photos"))):
        for name, path in pictures_under(folder).items() if folder else ():
            if "/" not in name:
                skips.add("pictures outside a class folder", name)
            elif drawn_split(key := f"{modality}/{_underscored(name)}", "tuberlin") == split:
                found.append(Item(key, modality, path, frozenset({class_label(path.parent.name.replace("_", " "))})))
    return found


def tuberlin_expected(root: Path) -> dict[str, int]:
    """The counts of a complete copy, with or without the extension."""
    photos = {"photos": 204_489} if first(root, "ImageResized*", "photos") else {}
    return {"sketches": 20_000, "classes": 250} | photos


def pacs(root: Path, split: str, skips: Skips) -> list[Item]:
    """PACS: <domain>/<class>/*.jpg or .png. Paintings and cartoons are photos; the fact "domain" has their domain.

    If there are the published lists <domain>_{train,crossval}_kfold.txt, they define train and val, and a tenth of
    train, by hash, is test. (The published test is a whole domain: filter by the fact.) Without lists, all is by hash.
    """
    images = first(root, "kfold", "images", "PACS", "pacs_data") or root
    need(
        images / "photo",
        "PACS's domain folders (photo, art_painting, cartoon, sketch)",
        "Its source: python -m training data.",
    )
    listed = {}
    for path in sorted(root.rglob("*_kfold.txt")):
        part = path.stem.split("_")[-2]
        if part in ("train", "crossval"):
            listed |= dict.fromkeys((line.rpartition(" ")[0] for line in read_lines(path, skips)), part)
    found = []
    for key in sorted(key for key in listed if not (images / key).is_file()):
        skips.add("pictures that a list names and that are missing", key)
    for domain, modality in DOMAINS.items():
        pictures = pictures_under(images / domain) if (images / domain).is_dir() else {}
        if not pictures:
            skips.add("domains that are missing", domain)
        for name, path in pictures.items():
            key = f"{domain}/{name}"
            if key == FAULTY:
                skips.add("pictures known to be faulty", key)
                continue
            id = key.rsplit(".", 1)[0]
            part = "val" if listed.get(key) == "crossval" else drawn_split(id, "pacs", val=0.0 if listed else 0.1)
            if part == split:
                labels = frozenset({class_label(path.parent.name)})
                found.append(Item(id, modality, path, labels, facts={"domain": domain}))
    return found


def _underscored(name: str) -> str:
    return name.rsplit(".", 1)[0].replace(" ", "_")
