"""`python -m training show <system>`: some test queries with the best photos for each, as one picture."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from training.datasets import labels_of, picture
from training.datasets.protocols import find
from training.evaluate import encoder_vectors
from xmr import checkpoint
from xmr.modality import BadInput, Drawing, Item, Modality
from xmr.preprocess import sketch_input

CELL, GAP, FRAME = 160, 8, 5  # px
RIGHT, WRONG = (46, 125, 50), (190, 190, 190)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("system", help="the checkpoint's name")
    parser.add_argument("--protocol", help="whose test items (default: the first that the system is measured by)")
    parser.add_argument("--sketches", type=int, default=6, help="how many, drawn at random (default: 6)")
    parser.add_argument("--photos", type=int, default=8, help="how many of the best for each (default: 8)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other sketches")
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"), help="where checkpoints lie")
    parser.add_argument("--out", type=Path, default=Path("runs/shown"), help="folder that gets <system>.png")


def run(args: argparse.Namespace) -> None:
    """Draw sketches, search the protocol's photos, and write the picture; raises BadInput."""
    system = checkpoint.load(args.system, args.checkpoints)
    name = args.protocol or system.config["protocols"][0]
    items = find(name).items("test")
    sketches, photos = ([item for item in items if item.modality is m] for m in (Modality.SKETCH, Modality.PHOTO))
    if not sketches or not photos:
        raise BadInput(f"{name} has no sketches to search photos with. Choose another with --protocol.")
    drawn = np.random.default_rng(args.seed).permutation(len(sketches))[: args.sketches]
    queries, vectors = [sketches[n] for n in drawn], encoder_vectors(system)
    scores = vectors(queries) @ vectors(photos).T
    best = np.argsort(-scores, axis=1, kind="stable")[:, : args.photos]
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{system.name}.png"
    sheet([(query, [photos[n] for n in row]) for query, row in zip(queries, best, strict=True)]).save(path)
    print(path)


def sheet(rows: list[tuple[Item, list[Item]]]) -> Image.Image:
    """A row a query: its sketch, then its answers, those of the sketch's class in a green frame."""
    step = CELL + GAP
    across = 1 + max(len(answers) for _, answers in rows)
    page = Image.new("RGB", (GAP + step * across, GAP + step * len(rows)), "white")
    pen = ImageDraw.Draw(page)
    for y, (query, answers) in enumerate(rows):
        for x, item in enumerate([query, *answers]):
            left, top = GAP + x * step, GAP + y * step
            page.paste(ImageOps.fit(_shown(item), (CELL, CELL)), (left, top))
            if x:
                right = labels_of(item, "class") & labels_of(query, "class")
                box = (left - 1, top - 1, left + CELL, top + CELL)
                pen.rectangle(box, outline=RIGHT if right else WRONG, width=FRAME if right else 1)
    return page


def _shown(item: Item) -> Image.Image:
    held = picture(item)
    return (Image.fromarray(sketch_input(held, CELL)) if isinstance(held, Drawing) else held).convert("RGB")
