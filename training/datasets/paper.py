"""Human sketches restyled as people bring them: photographed paper, scans, ruled pages, boards, thick and faint pens.

A sketch is thinned to its centre lines, drawn again with another pen on another ground, and photographed or scanned.
Everything that varies (size, place, angle, colours, light, camera) depends only on the style and the item's id.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from training.datasets import unit_hash
from training.datasets.sheets import (
    Rng,
    SketchLines,
    blank,
    cast_shadow,
    dark_colour,
    draw_ink,
    on_table,
    paper_colour,
    pen_width,
    photograph,
    rotated,
    ruled_paper,
    sheet_shape,
    smooth_noise,
    uneven_light,
)
from xmr.modality import Item, Modality

MOST = 40  # sketches that are used; each is drawn once in every style
_WHITE = (1.0, 1.0, 1.0)


def items(sketches: list[Item]) -> list[Item]:
    """The same (at most MOST) sketches, clean and in every style.

    The fact "style" has an item's style; its labels are those of its sketch. The picture is made when it is opened.
    """
    chosen = sorted((item for item in sketches if item.modality is Modality.SKETCH), key=_order)[:MOST]
    found = [replace(sketch, id=f"clean/{sketch.id}", facts=sketch.facts | {"style": "clean"}) for sketch in chosen]
    for sketch in chosen:
        for style in STYLES:
            drawing = partial(restyled, Path(sketch.content), style, sketch.id)
            found.append(replace(sketch, id=f"{style}/{sketch.id}", facts={"drawing": drawing, "style": style}))
    return found


def _order(item: Item) -> float:
    return unit_hash(item.id, "paper")


def restyled(sketch: Path | Image.Image, style: str, name: str) -> Image.Image:
    """A sketch (dark on white) in one of STYLES.

    Args:
        sketch: a picture or its path.
        style:  a key of STYLES.
        name:   seeds the size, place, angle, colours and light.
    """
    image = sketch if isinstance(sketch, Image.Image) else Image.open(sketch)
    seed = hashlib.sha256(f"{style}/{name}".encode()).digest()
    return STYLES[style](np.random.default_rng(int.from_bytes(seed[:8], "little")), SketchLines(image))


def _scan(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.35, 0.8), pen_width(rng, shape))
    return photograph(rng, draw_ink(blank(rng, shape, _WHITE, 0.005) * 0.98, cover, dark_colour(rng)), 0.5, 0.006)


def _fine_scan(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng, (2450, 2550))
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.8), rng.uniform(2, 4))
    sheet = draw_ink(blank(rng, shape, _WHITE) * 0.98, cover, dark_colour(rng))
    return photograph(rng, sheet, 0.4, 0.005, (85, 95))


def _scanner_edge(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.3, 0.6), pen_width(rng, shape))
    sheet = draw_ink(blank(rng, shape, _WHITE, 0.006) * 0.97, cover, dark_colour(rng))
    slope = np.linspace(0, rng.uniform(-8, 8), max(shape))
    for side in rng.permutation(4)[: rng.integers(1, 4)]:
        sheet = np.rot90(sheet, side)
        edge = rng.uniform(0.004, 0.03) * max(shape) + slope[: sheet.shape[0]]
        dark = np.arange(sheet.shape[1]) < edge[:, None]
        sheet = np.rot90(np.where(dark[..., None], rng.uniform(0.02, 0.3), sheet), -side)
    return photograph(rng, np.ascontiguousarray(sheet, np.float32), 0.5, 0.008)


def _ruled(rng: Rng, lines: SketchLines, squared: bool) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.35, 0.75), pen_width(rng, shape))
    sheet = rotated(rng, draw_ink(ruled_paper(rng, shape, squared), cover, dark_colour(rng)), 3)
    return photograph(rng, uneven_light(rng, sheet, rng.uniform(0, 0.3)))


def _framed(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng, (800, 1400))
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.65), pen_width(rng, shape), rng.uniform(-0.3, 0.3, 2))
    margin, pen = int(rng.uniform(0.02, 0.07) * min(shape)), int(max(2, pen_width(rng, shape) * 0.8))
    box = np.zeros(shape, np.float32)
    cv2.rectangle(box, (margin, margin), (shape[1] - margin, shape[0] - margin), 1, pen)
    sheet = draw_ink(blank(rng, shape, _WHITE) * 0.99, np.maximum(cover, box), dark_colour(rng))
    return photograph(rng, rotated(rng, sheet, 0.6), 0.5, 0.004)


def _on_table(rng: Rng, lines: SketchLines, kind: str) -> Image.Image:
    shape = sheet_shape(rng, (1000, 1300))
    cover, _ = lines.put(rng, shape, rng.uniform(0.35, 0.75), pen_width(rng, shape, 0.004, 0.008))
    sheet = draw_ink(blank(rng, shape, paper_colour(rng), 0.008), cover, dark_colour(rng))
    return photograph(rng, uneven_light(rng, on_table(rng, sheet, kind), rng.uniform(0.1, 0.45)), 0.8, 0.012)


def _uneven(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.35, 0.75), pen_width(rng, shape))
    sheet = draw_ink(blank(rng, shape, paper_colour(rng), 0.01), cover, dark_colour(rng))
    return photograph(rng, uneven_light(rng, cast_shadow(rng, sheet, rng.uniform(0.25, 0.55)), rng.uniform(0.2, 0.6)))


def _pencil(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.75), pen_width(rng, shape, 0.003, 0.006))
    cover = cover * np.clip(0.8 + 0.3 * smooth_noise(rng, shape, 2), 0, 1)
    paper = paper_colour(rng) * rng.uniform(0.65, 0.9)
    sheet = draw_ink(blank(rng, shape, paper, 0.015), cover, paper * rng.uniform(0.62, 0.8))
    return photograph(rng, uneven_light(rng, sheet, rng.uniform(0.1, 0.4)), 0.8, 0.012)


def _marker(rng: Rng, lines: SketchLines) -> Image.Image:
    shape, share = sheet_shape(rng), rng.uniform(0.5, 0.85)
    cover, _ = lines.put(rng, shape, share, share * min(shape) * rng.uniform(0.02, 0.032))
    colour = dark_colour(rng) if rng.random() < 0.5 else rng.permutation([rng.uniform(0.6, 0.9), 0.15, 0.2])
    return photograph(rng, uneven_light(rng, draw_ink(blank(rng, shape, paper_colour(rng), 0.006), cover, colour), 0.2))


def _ballpoint(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.8), pen_width(rng, shape, 0.002, 0.004))
    cover = cover * np.clip(0.85 + 0.25 * smooth_noise(rng, shape, 4), 0, 1)
    colour = (rng.uniform(0.1, 0.3), rng.uniform(0.15, 0.35), rng.uniform(0.55, 0.8))
    return photograph(
        rng, uneven_light(rng, draw_ink(blank(rng, shape, paper_colour(rng), 0.006), cover, colour), 0.25)
    )


def _light_on(rng: Rng, lines: SketchLines, ground, rough: float, chalk: float, light: float) -> Image.Image:
    """Light ink on a darker ground. `chalk` is how much of the ground shows through the lines, in 0..1."""
    shape = sheet_shape(rng, (900, 1600))
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.8), pen_width(rng, shape, 0.005, 0.011))
    if chalk:
        cover = cover * np.clip(1 - chalk + chalk * (1 + smooth_noise(rng, shape, 2.5)), 0, 1)
    colour = rng.uniform(0.8, 0.97) * np.array([1, rng.uniform(0.94, 1), rng.uniform(0.85, 1)])
    sheet = draw_ink(blank(rng, shape, np.asarray(ground), rough), cover, colour)
    return photograph(rng, uneven_light(rng, sheet, light))


def _kraft(rng: Rng, lines: SketchLines) -> Image.Image:
    colour = np.array([0.72, 0.55, 0.38]) * rng.uniform(0.75, 1.05)
    return _light_on(rng, lines, colour, rng.uniform(0, 0.03), 0.0, rng.uniform(0, 0.3))


def _slate(rng: Rng, lines: SketchLines) -> Image.Image:
    grey = rng.uniform(0.35, 0.55) * np.array([1, rng.uniform(0.97, 1.03), rng.uniform(0.98, 1.05)])
    return _light_on(rng, lines, grey, 0.03, rng.uniform(0.2, 0.4), rng.uniform(0.1, 0.35))


def _blackboard(rng: Rng, lines: SketchLines) -> Image.Image:
    grey = rng.uniform(0.08, 0.25) * np.array([0.8, rng.uniform(0.95, 1.2), 0.9])
    return _light_on(rng, lines, grey, 0.1, rng.uniform(0.2, 0.45), rng.uniform(0.1, 0.4))


def _whiteboard(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.75), pen_width(rng, shape, 0.005, 0.01))
    colour = rng.choice(np.array([[0.1, 0.1, 0.12], [0.1, 0.2, 0.7], [0.75, 0.12, 0.15], [0.05, 0.45, 0.25]]))
    board = uneven_light(rng, draw_ink(blank(rng, shape, np.full(3, rng.uniform(0.65, 0.85))), cover, colour), 0.35)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    for _ in range(rng.integers(1, 4)):  # reflections of lamps
        at, wide = rng.uniform(0.1, 0.9, 2) * shape, rng.uniform(0.04, 0.13) * max(shape)
        board += (0.45 * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * wide**2)))[..., None]
    return photograph(rng, board)


def _corner(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng, (1800, 2400))
    x, y = rng.choice([-1, 1], 2) * rng.uniform(0.85, 0.98, 2)
    cover, _ = lines.put(rng, shape, rng.uniform(0.04, 0.08), 2.0, (x, y))
    return photograph(rng, draw_ink(blank(rng, shape, _WHITE), cover, dark_colour(rng)), 0.4, 0.002, (85, 95))


def _clear(rng: Rng, lines: SketchLines, light: bool) -> Image.Image:
    shape = sheet_shape(rng, (500, 1200))
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.85), pen_width(rng, shape, 0.005, 0.012))
    pixels = np.empty((*shape, 4), np.uint8)
    pixels[..., :3] = (rng.uniform(0.9, 1.0, 3) if light else dark_colour(rng)) * 255
    pixels[..., 3] = cover * 255
    if rng.random() < 0.5:  # most programs write (0, 0, 0, 0) where a picture is transparent
        pixels[pixels[..., 3] == 0] = 0
    return Image.fromarray(pixels, "RGBA")


def _shaded(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, inside = lines.put(rng, shape, rng.uniform(0.45, 0.8), pen_width(rng, shape))
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    turn, step = rng.uniform(0, math.pi), rng.uniform(0.01, 0.02) * max(shape)
    across = math.cos(turn) * x + math.sin(turn) * y + 2 * smooth_noise(rng, shape, 60)
    hatch = np.clip(1.2 - np.abs(across % step - step / 2), 0, 1) * rng.uniform(0.3, 0.6)
    soft = np.clip(0.2 + 0.1 * smooth_noise(rng, shape, 30), 0, 0.5)
    shade = (hatch if rng.random() < 0.6 else soft) * inside * (smooth_noise(rng, shape, max(shape) / 4) > -0.3)
    sheet = draw_ink(blank(rng, shape, paper_colour(rng), 0.006), np.maximum(cover, shade), dark_colour(rng))
    return photograph(rng, uneven_light(rng, sheet, 0.2))


def _jpeg(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng, (400, 900))
    cover, _ = lines.put(rng, shape, rng.uniform(0.5, 0.85), pen_width(rng, shape, 0.005, 0.01))
    return photograph(rng, draw_ink(blank(rng, shape, paper_colour(rng)), cover, dark_colour(rng)), 0.5, 0.03, (10, 25))


def _tinted(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.8), pen_width(rng, shape))
    colour = rng.uniform(0.35, 0.95, 3)
    ink = dark_colour(rng) if colour.mean() > 0.5 or rng.random() < 0.5 else np.full(3, 0.97)
    return photograph(
        rng, uneven_light(rng, draw_ink(blank(rng, shape, colour, 0.01), cover, ink * 0.8), rng.uniform(0, 0.3))
    )


def _crumpled(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.75), pen_width(rng, shape, 0.004, 0.008))
    sheet = draw_ink(blank(rng, shape, paper_colour(rng), 0.006), cover, dark_colour(rng))
    points = rng.uniform(0, 1, (40, 2)) * shape[::-1]  # facets between creases reflect light differently
    small = np.array(shape) // 8
    y, x = np.mgrid[: small[0], : small[1]] * 8.0
    nearest = np.argmin((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2, axis=2)
    tilt = rng.uniform(-1, 1, (40, 3))
    facet = tilt[nearest, 0] + (tilt[nearest, 1] * x + tilt[nearest, 2] * y) / max(shape)
    facet = cv2.GaussianBlur(cv2.resize(facet.astype(np.float32), shape[::-1]), (0, 0), max(shape) / 150)
    return photograph(rng, uneven_light(rng, sheet * (0.85 + rng.uniform(0.05, 0.11) * facet)[..., None], 0.2))


def _spiral(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    paper = ruled_paper(rng, shape, False) if rng.random() < 0.4 else blank(rng, shape, paper_colour(rng), 0.008)
    step, radius = rng.uniform(0.025, 0.05) * shape[0], rng.uniform(0.005, 0.009) * max(shape)
    colour = rng.uniform(0.05, 0.5)
    for y in np.arange(step / 2, shape[0], step):
        cv2.circle(paper, (int(2.2 * radius), int(y)), int(radius), (colour,) * 3, -1, cv2.LINE_AA)
    if rng.random() < 0.3:  # at the top
        paper = np.rot90(paper, 3)
    cover, _ = lines.put(
        rng, paper.shape[:2], rng.uniform(0.35, 0.65), pen_width(rng, shape), rng.uniform(-0.3, 0.3, 2)
    )
    return photograph(rng, uneven_light(rng, draw_ink(paper, cover, dark_colour(rng)), 0.25))


def _held(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.35, 0.6), pen_width(rng, shape), rng.uniform(-0.3, 0.3, 2))
    sheet = draw_ink(blank(rng, shape, paper_colour(rng), 0.008), cover, dark_colour(rng))
    side = rng.integers(4)
    sheet = np.rot90(sheet, side)
    height, width = sheet.shape[:2]
    x = rng.uniform(0.15, 0.85) * width
    finger = rng.random() < 0.5
    long, thick = (rng.uniform(0.08, 0.14), 0.07) if finger else (rng.uniform(0.1, 0.16), 0.018)
    tip = (int(x + rng.uniform(-0.1, 0.1) * width), int(height * (1 - long)))
    over = np.zeros((height, width), np.float32)
    cv2.line(over, (int(x), height + 50), tip, 1, int(thick * max(shape)), cv2.LINE_AA)
    shade = cv2.GaussianBlur(np.roll(over, 12, 1), (0, 0), 12)
    colour = np.array([0.85, 0.62, 0.5]) * rng.uniform(0.5, 1) if finger else rng.uniform(0.05, 0.7, 3)
    sheet = np.rot90(draw_ink(sheet * (1 - 0.3 * shade)[..., None], over, colour), -side)
    return photograph(rng, uneven_light(rng, np.ascontiguousarray(sheet), 0.25))


def _legal_pad(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng, (900, 1300))
    sheet = blank(rng, shape, (rng.uniform(0.94, 1), rng.uniform(0.88, 0.96), rng.uniform(0.5, 0.75)), 0.004)
    step, margin = rng.integers(26, 44), int(rng.uniform(0.1, 0.16) * shape[1])
    for y in range(int(rng.integers(60, 100)), shape[0], step):
        cv2.line(sheet, (0, y), (shape[1], y), (0.47, 0.63, 0.82), 2)
    for x in (margin, margin + 8):  # printed over the lines
        cv2.line(sheet, (x, 0), (x, shape[0]), (0.86, 0.35, 0.35), 3)
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.75), pen_width(rng, shape))
    return photograph(rng, uneven_light(rng, rotated(rng, draw_ink(sheet, cover, dark_colour(rng)), 2), 0.2))


def _graph_paper(rng: Rng, lines: SketchLines) -> Image.Image:
    shape, step = sheet_shape(rng, (900, 1300)), int(rng.integers(16, 30))
    sheet, colour = blank(rng, shape, (0.95, 0.98, 0.95)), np.array([0.35, 0.7, 0.45]) * rng.uniform(0.8, 1.2)
    for n in range(max(shape) // step + 1):
        shade, pen = (colour * 0.7, 3) if n % 5 == 0 else (colour, 1)
        cv2.line(sheet, (n * step, 0), (n * step, shape[0]), shade.tolist(), pen)
        cv2.line(sheet, (0, n * step), (shape[1], n * step), shade.tolist(), pen)
    cover, _ = lines.put(rng, shape, rng.uniform(0.45, 0.75), pen_width(rng, shape, 0.005, 0.008))
    return photograph(rng, uneven_light(rng, rotated(rng, draw_ink(sheet, cover, dark_colour(rng)), 2), 0.2))


def _dotted(rng: Rng, lines: SketchLines) -> Image.Image:
    shape, step = sheet_shape(rng), int(rng.integers(26, 44))
    sheet = blank(rng, shape, paper_colour(rng), 0.004)
    for y in range(step // 2, shape[0], step):
        for x in range(step // 2, shape[1], step):
            cv2.circle(sheet, (x, y), 2, (0.55, 0.55, 0.6), -1, cv2.LINE_AA)
    cover, _ = lines.put(rng, shape, rng.uniform(0.35, 0.75), pen_width(rng, shape))
    return photograph(rng, uneven_light(rng, rotated(rng, draw_ink(sheet, cover, dark_colour(rng)), 3), 0.2))


def _hard_shadow(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng)
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.75), pen_width(rng, shape))
    sheet = draw_ink(blank(rng, shape, paper_colour(rng), 0.006), cover, dark_colour(rng))
    if rng.random() < 0.5:  # a blind's slats, or leaves
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        turn = rng.uniform(0, math.pi)
        shade = np.sin((math.cos(turn) * x + math.sin(turn) * y) / (rng.uniform(0.025, 0.05) * max(shape))) > 0
    else:
        shade = smooth_noise(rng, shape, max(shape) / rng.uniform(6, 12)) > 0
    shade = cv2.GaussianBlur(shade.astype(np.float32), (0, 0), rng.uniform(0.003, 0.008) * max(shape))
    return photograph(rng, sheet * (1 - rng.uniform(0.25, 0.45) * shade)[..., None])


def _coloured_in(rng: Rng, lines: SketchLines) -> Image.Image:
    shape = sheet_shape(rng, (600, 1200))
    cover, inside = lines.put(rng, shape, rng.uniform(0.5, 0.85), pen_width(rng, shape, 0.006, 0.01))
    sheet = blank(rng, shape, _WHITE)
    count, areas = cv2.connectedComponents(((inside > 0.5) & (cover < 0.5)).astype(np.uint8), connectivity=4)
    colours = np.concatenate([[_WHITE], rng.uniform(0.25, 1.0, (count - 1, 3))]).astype(np.float32)
    sheet = colours[cv2.dilate(areas.astype(np.uint16), np.ones((9, 9), np.uint8))]  # under the lines too
    return photograph(rng, draw_ink(sheet, cover, dark_colour(rng) * 0.5), 0.5, 0.002, (80, 95))


def _screenshot(rng: Rng, lines: SketchLines) -> Image.Image:
    """A program's or a phone's window, light or dark, with bars of tools above and below the page."""
    shape = sheet_shape(rng, (800, 1400))
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.6), pen_width(rng, shape, 0.004, 0.008), (0, 0), 3)
    page = draw_ink(blank(rng, shape, _WHITE), cover, dark_colour(rng) * 0.6)
    bar = int(rng.uniform(0.06, 0.11) * shape[0])
    page[:bar] = page[-bar:] = rng.uniform(0.88, 0.96)
    for row in (bar // 2, shape[0] - bar // 2):
        for n in range(1, int(rng.integers(4, 9))):
            at, size = (int(n * shape[1] / 9), row), int(bar * rng.uniform(0.15, 0.28))
            cv2.circle(page, at, size, rng.uniform(0.1, 0.9, 3).tolist(), -1, cv2.LINE_AA)
    said = np.zeros(shape, np.uint8)
    cv2.putText(said, "9:41  Notes", (10, bar // 3), cv2.FONT_HERSHEY_SIMPLEX, bar / 90, 255, 2, cv2.LINE_AA)
    page = draw_ink(page, said.astype(np.float32) / 255, (0.1,) * 3)
    return photograph(rng, 1 - page if rng.random() < 0.4 else page, 0.3, 0.001, (85, 95))


def _two_colours(rng: Rng, lines: SketchLines) -> Image.Image:
    """Ink and paper of any colours; they may be equally bright."""
    shape = sheet_shape(rng, (600, 1300))
    paper, ink = rng.uniform(0.05, 0.95, (2, 3))
    while np.abs(paper - ink).max() < 0.4:
        ink = rng.uniform(0.05, 0.95, 3)
    cover, _ = lines.put(rng, shape, rng.uniform(0.4, 0.85), pen_width(rng, shape, 0.005, 0.01))
    return photograph(rng, draw_ink(blank(rng, shape, paper, 0.004), cover, ink), 0.5, 0.006)


def _broad(rng: Rng, lines: SketchLines) -> Image.Image:
    """A brush, or a finger on a small screen."""
    shape, share = sheet_shape(rng, (500, 1000)), rng.uniform(0.6, 0.85)
    cover, _ = lines.put(rng, shape, share, share * min(shape) * rng.uniform(0.035, 0.05))
    return photograph(rng, draw_ink(blank(rng, shape, paper_colour(rng)), cover, dark_colour(rng)), 0.5, 0.003)


STYLES: dict[str, Callable[[Rng, SketchLines], Image.Image]] = {
    "scan": _scan,
    "fine-scan": _fine_scan,
    "scanner-edge": _scanner_edge,
    "ruled": partial(_ruled, squared=False),
    "squared": partial(_ruled, squared=True),
    "framed": _framed,
    "wooden-table": partial(_on_table, kind="wood"),
    "dark-table": partial(_on_table, kind="dark"),
    "patterned-table": partial(_on_table, kind="pattern"),
    "shadow": _uneven,
    "pencil": _pencil,
    "marker": _marker,
    "ballpoint": _ballpoint,
    "kraft": _kraft,
    "slate": _slate,
    "blackboard": _blackboard,
    "whiteboard": _whiteboard,
    "corner": _corner,
    "transparent": partial(_clear, light=False),
    "transparent-white": partial(_clear, light=True),
    "shaded": _shaded,
    "jpeg": _jpeg,
    "tinted": _tinted,
    "crumpled": _crumpled,
    "spiral": _spiral,
    "held": _held,
    "legal-pad": _legal_pad,
    "graph-paper": _graph_paper,
    "dotted": _dotted,
    "hard-shadow": _hard_shadow,
    "coloured-in": _coloured_in,
    "screenshot": _screenshot,
    "two-colours": _two_colours,
    "broad": _broad,
}
