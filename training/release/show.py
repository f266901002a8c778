"""`python -m training show <system>`: random test queries with their best answers, as one picture."""

import argparse
import textwrap
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.datasets import labels_of, picture
from training.datasets.protocols import find
from training.learn.evaluation import encoder_vectors
from training.learn.features import pixels
from training.learn.run_record import trained_on
from training.options import add_measured
from xmr import checkpoint
from xmr.evaluation import Comparison
from xmr.modality import BadInput, Drawing, Item, Modality
from xmr.preprocess import sketch_input

CELL, GAP, FRAME = 160, 8, 5  # px
RIGHT, WRONG, PROPOSED = (46, 125, 50), (190, 190, 190), (255, 196, 0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("system", help="the checkpoint's name")
    parser.add_argument("--protocol", help="whose test items (default: the first that the system is measured by)")
    parser.add_argument("--queries", "--sketches", type=int, default=6, help="how many of a kind (default: 6)")
    parser.add_argument("--photos", type=int, default=8, help="how many of the best for each (default: 8)")
    add_measured(parser)
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other queries")
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"), help="where checkpoints lie")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the detector's run lies")
    parser.add_argument("--proposals", type=int, default=0, help="of coco-regions, how many to draw on a query photo")
    parser.add_argument("--out", type=Path, default=Path("runs/shown"), help="folder that gets <system>.png")


def run(args: argparse.Namespace) -> None:
    """Draw queries, search the protocol's test items, and write the picture; raises BadInput."""
    system = checkpoint.load(args.system, args.checkpoints)
    with trained_on(args.checkpoints / args.system, args.data):
        protocol = find(args.protocol or system.config["protocols"][0])
        items, vectors = protocol.items("test"), encoder_vectors(system, args.batch_size)
    comparisons = {
        (c.query, c.gallery): c
        for c in reversed(protocol.comparisons)
        if {c.query[0], c.gallery[0]} <= set(system.encoders)
    }
    rows = []
    for comparison in reversed(comparisons.values()):
        queries, gallery = (
            [i for i in items if (i.modality, i.language) == kind] for kind in (comparison.query, comparison.gallery)
        )
        drawn = np.random.default_rng(args.seed).permutation(len(queries))[: args.queries]
        chosen = [queries[n] for n in drawn]
        if chosen and gallery:
            best = np.argsort(-(vectors(chosen) @ vectors(gallery).T), axis=1, kind="stable")[:, : args.photos]
            rows += [(comparison, query, [gallery[n] for n in row]) for query, row in zip(chosen, best, strict=True)]
    if not rows:
        raise BadInput(f"{protocol.name} has no query that {system.name} takes. Choose another with --protocol.")
    boxes = proposed(args.runs / "detector", [q for _, q, _ in rows if q.modality is Modality.PHOTO], args.proposals)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{system.name}.png"
    sheet(rows, boxes).save(path)
    print(path)


def proposed(run: Path, photos: list[Item], count: int) -> dict[str, np.ndarray]:
    """By photo, a detector's `count` most likely region proposals (count, 4), relative to the photo's sides."""
    if not count:
        return {}
    import torch

    from training.systems import detector
    from training.towers.regions import RegionTower

    tower = RegionTower(detector.trained(run), 1, 1, 0.0)
    with torch.inference_mode():
        found = {item.id: tower.regions(torch.from_numpy(pixels(item, 0)[None]))[0][0][:count] for item in photos}
    return {id: boxes.numpy() / detector.SIDE for id, boxes in found.items()}


def sheet(rows: list[tuple[Comparison, Item, list[Item]]], boxes: dict[str, np.ndarray]) -> Image.Image:
    """A row for each query and its answers, matches in a green frame; boxes are drawn on the queries."""
    step = CELL + GAP
    across = 1 + max(len(answers) for _, _, answers in rows)
    page = Image.new("RGB", (GAP + step * across, GAP + step * len(rows)), "white")
    pen = ImageDraw.Draw(page)
    for y, (comparison, query, answers) in enumerate(rows):
        for x, item in enumerate([query, *answers]):
            left, top = GAP + x * step, GAP + y * step
            page.paste(_shown(item), (left, top))
            if x:
                right = labels_of(item, comparison.kind) & labels_of(query, comparison.kind)
                box = (left - 1, top - 1, left + CELL, top + CELL)
                pen.rectangle(box, outline=RIGHT if right else WRONG, width=FRAME if right else 1)
            else:
                for corners in boxes.get(item.id, ()):
                    pen.rectangle(tuple(corners * (CELL - 1) + np.tile((left, top), 2)), outline=PROPOSED)
    return page


def _shown(item: Item) -> Image.Image:
    """An item as a square picture; a caption is written on white."""
    if item.modality is Modality.TEXT:
        cell = Image.new("RGB", (CELL, CELL), "white")
        words = "\n".join(textwrap.wrap(item.content, 22)[:9])
        ImageDraw.Draw(cell).multiline_text((10, 10), words, fill="black", font=ImageFont.load_default(13))
        return cell
    image = picture(item)
    if isinstance(image, Drawing):
        image = Image.fromarray(sketch_input(image, CELL))
    return image.convert("RGB").resize((CELL, CELL), Image.Resampling.LANCZOS)
