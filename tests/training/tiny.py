"""Tiny data sets in the layouts of the real ones, so that every system can be trained whole in seconds."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from training.towers.heads import ProjectionHead
from training.towers.photo import PhotoTower
from xmr.modality import Drawing, Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT

CLASSES = ("ant", "apple", "bat", "bear", "cow")  # bat and cow are unseen in sketchy-2, bear and ant in no split
COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 180, 60),
    "blue": (50, 70, 220),
    "yellow": (220, 210, 50),
    "white": (240, 240, 240),
    "brown": (120, 80, 40),
}
ENGLISH = ("a dog in the {} snow .", "the dog runs on {} snow .", "a {} ball for a dog .", "two dogs , {} .", "{} !")
GERMAN = ("ein hund im schnee , {} .", "der Hund rennt , {} .", "ein ball , {} .", "zwei Hunde , {} .", "{} !")


def write_data(root: Path) -> Path:
    """flickr8k, multi30k, sketchy25, chairv2, imagenet1000, caltech101 and coco_mini below a folder: for XMR_DATA."""
    write_flickr8k(root / "flickr8k")
    write_multi30k(root / "multi30k")
    write_sketchy25(root / "sketchy25")
    write_chairv2(root / "chairv2")
    rng = np.random.default_rng(4)
    for n, name in enumerate(("ox", "red_fox", "tabby", "lion", "boxer")):
        draw_photo(root / "imagenet1000" / f"n0{n}_{name}.jpg", rng)
    for name in ("accordion", "airplanes"):
        for n in range(3):
            draw_photo(root / "caltech101" / name / f"image_{n:04d}.jpg", rng)
    write_coco(root / "coco_mini")
    return root


def draw_photo(path: Path, rng: np.random.Generator, colour: str | None = None, size: int = 64) -> None:
    """A shape on a ground of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ground = COLOURS[colour or str(rng.choice(list(COLOURS)))]
    image = Image.new("RGB", (size, size), tuple(int(v) for v in np.clip(rng.normal(ground, 12), 0, 255)))
    left, top = (int(v) for v in rng.integers(2, size // 2, 2))
    shape = tuple(int(v) for v in rng.integers(0, 255, 3))
    ImageDraw.Draw(image).ellipse([left, top, left + size // 3, top + size // 3], fill=shape)
    image.save(path)


def write_flickr8k(folder: Path) -> None:
    rng, rows = np.random.default_rng(1), []
    for split, count in (("train", 26), ("val", 6), ("test", 6)):
        for n in range(count):
            colour, name = list(COLOURS)[n % len(COLOURS)], f"{split}{n}.jpg"
            draw_photo(folder / "images" / name, rng, colour)
            rows.append(
                {
                    "image": name,
                    "split": split,
                    "en": [text.format(f"{colour} {n}") for text in ENGLISH],
                    "de": [text.format(f"{colour} {n}") for text in GERMAN] if n % 3 else [],
                    "de_translation": [f"übersetzt : {colour} {n}"] if n % 2 else None,
                }
            )
    (folder / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")


def write_multi30k(folder: Path) -> None:
    folder.mkdir(parents=True)
    pairs = [f"a man number {n} walks .\tein Mann Nummer {n} geht ." for n in range(12)]
    (folder / "train.en-de.tsv").write_text("\n".join(pairs) + "\n")
    rows = [
        {"id": f"m{n}.jpg", "en": [f"woman {n} sits .", f"a woman , {n}"], "de": [f"Frau {n} sitzt .", f"Frau {n}"]}
        for n in range(6)
    ]
    with gzip.open(folder / "train5.jsonl.gz", "wt") as file:
        file.write("\n".join(map(json.dumps, rows)) + "\n")


def write_sketchy25(folder: Path, photos: int = 26, drawn: int = 18) -> None:
    """Each class with photos of its own colour, the first of them drawn once."""
    rng = np.random.default_rng(2)
    for number, name in enumerate(CLASSES):
        for n in range(photos):
            draw_photo(folder / "photo" / name / f"{name}{n}.jpg", rng, list(COLOURS)[number])
            if n < drawn:
                page = Image.new("L", (80, 80), 255)
                points = [(10 + 3 * n, 10), (60, 12 + 10 * number), (20, 70), (10, 20 + n)]
                ImageDraw.Draw(page).line(points, fill=0, width=3)
                path = folder / "sketch" / name / f"{name}{n}-1.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                page.save(path)


def write_chairv2(folder: Path, train: int = 44, test: int = 3) -> None:
    rng, rows = np.random.default_rng(3), []
    for n in range(train + test):
        name = f"chair{n}.jpg"
        draw_photo(folder / "photo" / name, rng)
        strokes = rng.uniform(20, 230, (2, 5, 2)).round(1).tolist()
        rows.append({"id": f"chair{n}_1", "split": "train" if n < train else "test", "photo": name, "strokes": strokes})
    (folder / "sketches.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")


def write_coco(folder: Path, count: int = 12) -> None:
    """Photos with one box each, in COCO's layout, and five captions each."""
    rng = np.random.default_rng(5)
    images = [{"id": n, "file_name": f"{n:012d}.jpg", "width": 64, "height": 64} for n in range(count)]
    for image in images:
        draw_photo(folder / "train2017" / image["file_name"], rng)
    categories = [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]
    boxes = [
        {"id": n, "image_id": n, "category_id": 1 + n % 2, "bbox": [8, 8, 30, 40], "iscrowd": 0, "area": 1200}
        for n in range(count)
    ]
    captions = [
        {"id": 5 * n + k, "image_id": n, "caption": text.format(n)}
        for n in range(count)
        for k, text in enumerate(ENGLISH)
    ]
    (folder / "annotations").mkdir(parents=True)
    for kind, rows in (("instances", boxes), ("captions", captions)):
        content = {"images": images, "annotations": rows, "categories": categories}
        (folder / "annotations" / f"{kind}_train2017.json").write_text(json.dumps(content))


def write_world(
    folder: Path, split: str, count: int = 4, size: int = 48, categories: Sequence[str] = ("car_(sedan)", "dog")
) -> None:
    """A rendered world's folder with squares for photos, in the renderer's format."""
    lines = []
    for n in range(count):
        category = categories[n % len(categories)]
        key = f"{split}-{category}-{n}"
        path = folder / split / "photos" / f"{key}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (size, size), (40 * n % 256, (200 - 30 * n) % 256, 90)).save(path)
        square = [[10, 10], [200, 10 + 20 * n], [200, 200], [10, 200], [10, 10]]
        lines.append(
            {
                "id": key,
                "split": split,
                "category": category,
                "instance": n,
                "colour": "red",
                "place": "street",
                "view": "side",
                "box": [0.1, 0.2, 0.7, 0.9],
                "seed": n,
                "captions": {"en": [f"a red {category} {n}", "a thing"], "de": ["ein rotes Ding"]},
                "sketches": [
                    {"hand": "careful", "strokes": [square]},
                    {"hand": "doodle", "strokes": [square[:3], square[2:]]},
                ],
            }
        )
    (folder / split / "facts.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")


class TinyTower(torch.nn.Module):
    """A photo tower of one convolution, so that maps can be cached without ImageNet's weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 6, 56, stride=56)
        self.upper = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        self.head = ProjectionHead(6, 8, 4)

    from_maps = PhotoTower.from_maps

    def maps(self, photo):
        x = photo.float() if photo.ndim == 4 else photo.float()[..., None].expand(-1, -1, -1, 3)
        return self.stem(x.permute(0, 3, 1, 2) / 255)

    def forward(self, photo):
        return self.head(self.upper(self.maps(photo)))


def pool_items(folder: Path) -> list[Item]:
    """Eight photos of two classes, four sketches of them, and a caption of each photo in both languages."""
    rng = np.random.default_rng(0)
    items = []
    for n in range(8):
        labels = frozenset({f"class:{('ant', 'dog')[n % 2]}", f"instance:{n}"})
        Image.new("RGB", (20, 20), tuple(rng.integers(0, 256, 3).tolist())).save(folder / f"{n}.png")
        items.append(Item(f"p{n}", PHOTO, folder / f"{n}.png", labels))
        if n < 4:
            stroke = Drawing((np.array([[0.0, 0], [10, 5 + n], [3, 9]]),))
            items.append(Item(f"s{n}", SKETCH, "", labels, facts={"drawing": stroke}))
        items += [Item(f"t{n}{la}", TEXT, f"{n} {la} caption", labels, la) for la in ("en", "de")]
    return items
