"""Contact sheets of the rendered world's classes, from the rendered gallery if there is one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from training.world.families import Family
from training.world.render import photo
from training.world.scene import sample_scene, thing

CELL, COLUMNS, QUALITY = 96, 8, 70  # side of a photo in pixels, photos per row, WebP quality
ROWS = 3  # on the sheet of a single class
SUFFIXES = (".webp", ".png", ".jpg")


def write_sheets(classes: list[Family], gallery: Path, target: Path, first_instance: int) -> list[Path]:
    """Write contact sheets.

    Args:
        classes:        the classes to show.
        gallery:        folder of the rendered gallery; classes that it lacks are rendered.
        target:         a picture file for one sheet with a row per class, or a folder for one sheet per class.
        first_instance: first instance seed of what is rendered.

    Returns:
        The files.
    """
    shown = _gallery_photos(gallery)
    one = target.suffix.lower() in SUFFIXES
    count = COLUMNS if one else COLUMNS * ROWS
    (target.parent if one else target).mkdir(parents=True, exist_ok=True)
    rows = {
        family.name: _photos(family, shown.get(family.name, [])[:count], first_instance)
        for family in tqdm(classes, unit="class")
    }
    if one:
        sheet = _sheet([cell for cells in rows.values() for cell in cells])
        draw = ImageDraw.Draw(sheet)
        for y, name in enumerate(rows):
            draw.text((4, y * CELL + 2), name, fill="white", stroke_fill="black", stroke_width=1)
        sheet.save(target, quality=QUALITY)
        return [target]
    for name, cells in rows.items():
        _sheet(cells).save(target / f"{name}.webp", quality=QUALITY, method=6)
    return [target / f"{name}.webp" for name in rows]


def _gallery_photos(gallery: Path) -> dict[str, list[Path]]:
    """The gallery's photos of a single thing, by class."""
    found: dict[str, list[Path]] = {}
    path = gallery / "facts.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        row = json.loads(line)
        if "objects" not in row:
            found.setdefault(row["category"], []).append(gallery / "photos" / f"{row['id']}.webp")
    return found


def _photos(family: Family, paths: list[Path], first_instance: int) -> list[Image.Image]:
    out = []
    for path in paths:
        with Image.open(path) as image:
            out.append(image.convert("RGB").resize((CELL, CELL), Image.Resampling.LANCZOS))
    if out:
        return out + [Image.new("RGB", (CELL, CELL), "white")] * (-len(out) % COLUMNS)
    for instance in range(first_instance, first_instance + COLUMNS):
        scene = sample_scene(family, instance, instance * 100)
        out.append(Image.fromarray(photo(thing(family, scene), scene, CELL)))
    return out


def _sheet(cells: list[Image.Image]) -> Image.Image:
    rows = [np.hstack([np.asarray(cell) for cell in cells[i : i + COLUMNS]]) for i in range(0, len(cells), COLUMNS)]
    return Image.fromarray(np.vstack(rows))
