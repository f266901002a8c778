"""python -m training data: lists the data sets; checks, downloads and draws one of them.

python -m training data                                      list all, with their folders and the files they need
python -m training data flickr30k --root /data/flickr30k     counts, three samples, runs/data-flickr30k.png
python -m training data coco2017 --root /data/coco --download
"""

import argparse
import textwrap
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from training.datasets import catalogue, labels_of, picture, stable_order
from training.datasets.check import check
from training.datasets.download import download
from xmr.modality import BadInput, Item, Modality
from xmr.preprocess import sketch_input

TILE, TEXT_WIDTH, LINE, GAP = 160, 400, 13, 8  # px
PAIRS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("name", nargs="?", help="the data set to check; without it, all are listed")
    parser.add_argument("--root", type=Path, help="its folder (default: in $XMR_DATA or ../shared/data)")
    parser.add_argument("--download", action="store_true", help="download it first, if that needs no form")
    parser.add_argument("--picture", type=Path, help="where to draw a batch (default: runs/data-NAME.png)")


def run(args: argparse.Namespace) -> None:
    """List the data sets, or check one; raises BadInput if it cannot be used."""
    if args.name is None:
        print("\n".join(map(_listed, catalogue.DATASETS.values())))
        return
    data = catalogue.get(args.name)
    root = args.root or data.place()
    if args.download:
        download(data.files, root)
    found = check(args.name, root)
    report = [found.line()]
    for split, counts in found.counts.items():
        each = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
        report.append(f"  {split}: {each or 'nothing'}")
    for item in found.samples:
        labels = " ".join(sorted(item.labels)[:4])
        report.append(f"  {item.modality} {item.id}: {item.content}  [{labels}]")
    split = next(split for split, counts in found.counts.items() if counts)
    items = catalogue.load(args.name, split, root).items
    path = args.picture or Path("runs") / f"data-{args.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(items).save(path)
    report.append(f"  a picture of a batch of {split}: {path}")
    print("\n".join(report))


def draw(items: list[Item], count: int = PAIRS) -> Image.Image:
    """Draw a batch as one picture: one row for each of `count` photos, with a sketch of it and its captions.

    If there are no photos, the rows are sketches, or else captions with the other captions of their image.
    """
    partners: dict[str, list[Item]] = {}
    for item in items:
        for label in item.labels:
            if label.startswith(("instance:", "image:")):
                partners.setdefault(label, []).append(item)
    sketched = {label for label, found in partners.items() if any(i.modality is Modality.SKETCH for i in found)}
    anchors = [item for item in items if item.modality is Modality.PHOTO]
    anchors = [item for item in anchors if item.labels & sketched] or anchors
    anchors = anchors or [item for item in items if item.modality is Modality.SKETCH] or items
    by_id = {item.id: item for item in anchors}
    chosen = [by_id[id] for id in stable_order(list(by_id), "draw")[:count]]
    columns = {Modality.PHOTO: 2 if sketched else 1, Modality.SKETCH: 1, Modality.TEXT: 0}[anchors[0].modality]
    text_left = GAP + columns * (TILE + GAP)
    rows = []  # of tiles, and lines of text
    for item in chosen:
        others = {id(o): o for label in sorted(item.labels) for o in partners.get(label, ())}.values()
        sketch = next((other for other in others if other.modality is Modality.SKETCH), None)
        captions = [
            f"{o.language or ''}: {o.content}"
            for o in others
            if o.modality is Modality.TEXT and labels_of(o, "image") & item.labels
        ]
        texts = [f"{item.id}  [{' '.join(sorted(item.labels)[:5])}]", *captions]
        lines = [line for text in texts for line in textwrap.wrap(text, 68)]
        rows.append(([_tile(one) for one in (item, sketch)[:columns] if one], lines))
    heights = [max(TILE * bool(tiles), LINE * len(lines)) + GAP for tiles, lines in rows]
    sheet = Image.new("RGB", (text_left + TEXT_WIDTH, sum(heights) + GAP), "white")
    pen, (font, readable), top = ImageDraw.Draw(sheet), _font(), GAP
    for (tiles, lines), height in zip(rows, heights, strict=True):
        for column, tile in enumerate(tiles):
            sheet.paste(tile, (GAP + column * (TILE + GAP), top))
        for n, line in enumerate(lines):
            pen.text((text_left, top + LINE * n), readable(line), "black", font)
        top += height
    return sheet


def _tile(item: Item) -> Image.Image:
    try:
        if item.modality is Modality.SKETCH:
            return Image.fromarray(sketch_input(picture(item), TILE)).convert("RGB")
        image = picture(item)
        image.thumbnail((TILE, TILE))
        return image
    except BadInput:
        return Image.new("RGB", (TILE, TILE), "red")


def _font() -> tuple[ImageFont.ImageFont, Callable[[str], str]]:
    """A font, and a function that makes a text printable in it; Pillow's built-in font has only ASCII letters."""
    for name in ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf"):
        try:
            return ImageFont.truetype(name, 10), str
        except OSError:
            continue
    spelt = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
    return ImageFont.load_default(11), lambda text: text.translate(spelt).encode("ascii", "replace").decode()


def _listed(data: catalogue.DataSet) -> str:
    place = data.place()
    there = "there" if place.is_dir() else "not there"
    names = [file.name for file in data.files]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    fetched = f"; --download fetches {', '.join(names[:3])}{more}" if names else ""
    return (
        f"{data.name}: {data.about}\n    {there}: {place}\n    needs {data.layout}\n"
        f"    licence: {data.licence}\n    from {data.source}{fetched}"
    )
