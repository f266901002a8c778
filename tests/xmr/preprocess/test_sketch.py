"""Whatever a sketch was drawn with, it arrives at the tower as centred lines of one width."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from training.learn.augment import resized
from xmr.modality import BadInput, Drawing
from xmr.preprocess import sketch_input
from xmr.preprocess.sketch import dilate_disc, resample

DATA = Path(os.environ.get("XMR_DATA", Path(__file__).parents[4] / "shared" / "data"))

HOUSE = Drawing(
    (
        np.array([[10, 60], [10, 100], [60, 100], [60, 60], [35, 30], [10, 60], [60, 60.0]]),
        np.array([[25, 100], [25, 80], [40, 80], [40, 100.0]]),
    )
)


def as_picture(drawing: Drawing, size: int, pen: int, ink: int = 0, paper: int = 255) -> Image.Image:
    image = Image.new("L", (size, size), paper)
    for stroke in drawing.strokes:
        ImageDraw.Draw(image).line([tuple(point * size / 128) for point in stroke], fill=ink, width=pen)
    return image


def line_width(raster: np.ndarray) -> float:
    """Of a raster of one straight line across the frame: ink over length."""
    ink = (255 - raster.astype(float)) / 255
    return ink.sum() / max(np.ptp(np.argwhere(ink > 0.5), axis=0))


def inks_apart(one: np.ndarray, other: np.ndarray) -> float:
    """The share of the ink of either raster that is more than two pixels from ink of the other."""

    def alone(these: np.ndarray, those: np.ndarray) -> float:
        near = np.asarray(Image.fromarray(those).filter(ImageFilter.MinFilter(5))) < 128
        return ((these < 128) & ~near).sum() / (these < 128).sum()

    return max(alone(one, other), alone(other, one))


def test_a_drawing_is_centred_and_fills_84_percent():
    raster = sketch_input(HOUSE)
    assert raster.shape == (224, 224) and raster.dtype == np.uint8
    assert raster.max() == 255 and raster.min() == 0
    rows, columns = np.nonzero(raster < 128)
    assert abs(np.ptp(rows) - 0.84 * 224) < 5  # the house is taller than wide
    assert abs(rows.min() + rows.max() - 223) <= 2 and abs(columns.min() + columns.max() - 223) <= 2


def test_a_drawing_looks_the_same_wherever_and_however_large_it_was_drawn():
    moved = Drawing(tuple(stroke * 7.5 - 300 for stroke in HOUSE.strokes))
    assert np.abs(sketch_input(HOUSE).astype(int) - sketch_input(moved)).mean() < 0.5


def test_lines_have_one_width_whatever_they_were_drawn_with():
    line = Drawing((np.array([[20, 64], [108, 64.0]]),))
    widths = [line_width(sketch_input(line))]
    widths += [line_width(sketch_input(as_picture(line, size, pen))) for size, pen in ((256, 1), (256, 6), (1600, 2))]
    assert np.ptp(widths) < 0.6 and abs(widths[0] - 0.016 * 224) < 0.6


@pytest.mark.parametrize(
    ("size", "pen", "ink", "paper"),
    [
        (256, 2, 0, 255),
        (256, 5, 0, 255),
        (64, 1, 0, 255),
        (2000, 2, 0, 255),
        (1024, 30, 0, 255),
        (512, 3, 215, 245),
        (512, 3, 90, 170),
        (512, 3, 255, 20),
    ],
)
def test_a_picture_of_a_drawing_looks_like_the_drawing(size, pen, ink, paper):
    assert inks_apart(sketch_input(as_picture(HOUSE, size, pen, ink, paper)), sketch_input(HOUSE)) < 0.05


def test_a_photographed_page_with_shade_noise_and_dust_looks_like_the_drawing():
    rng = np.random.default_rng(0)
    page = np.asarray(as_picture(HOUSE, 1200, 6, ink=70).filter(ImageFilter.GaussianBlur(1)), float)
    page *= np.linspace(0.5, 0.95, 1200)
    page += rng.normal(0, 3, page.shape)
    page[rng.integers(0, 1200, 20), rng.integers(0, 1200, 20)] = 0
    raster = sketch_input(Image.fromarray(page.clip(0, 255).astype(np.uint8)))
    assert inks_apart(raster, sketch_input(HOUSE)) < 0.05


@pytest.mark.parametrize("size", [96, 160])
def test_a_small_sketch_is_a_large_one_shrunk_as_training_shrinks_it(size):
    for sketch in (HOUSE, as_picture(HOUSE, 300, 3)):
        shrunk = resized(torch.from_numpy(sketch_input(sketch)[None]), size)[0].numpy()
        assert np.abs(shrunk - sketch_input(sketch, size)).max() < 1.1  # rounding


def test_transparent_paper_is_white():
    image = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    ImageDraw.Draw(image).line([(30, 30), (200, 90), (60, 220)], fill=(0, 0, 0, 255), width=4)
    white = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(white).line([(30, 30), (200, 90), (60, 220)], fill="black", width=4)
    assert (sketch_input(image) == sketch_input(white)).all()


def test_a_silhouette_is_drawn_as_its_outline():
    image = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(image).ellipse((50, 50, 200, 200), fill=0)
    raster = sketch_input(image)
    assert raster[112, 112] == 255 and raster[112, 18:24].min() < 50


def test_a_filled_part_of_a_line_drawing_stays_filled():
    image = as_picture(HOUSE, 256, 2)
    ImageDraw.Draw(image).ellipse((55, 75, 85, 105), fill=0)
    raster = sketch_input(image)
    assert (raster < 50).sum() > (sketch_input(HOUSE) < 50).sum() + 600


def test_a_dot_and_points_that_are_no_numbers_do_no_harm():
    assert (sketch_input(Drawing((np.array([[5, 5.0]]),))) < 128).sum() > 3
    broken = Drawing((np.array([[0, 0], [np.nan, 3], [0, 100.0]]), np.zeros((0, 2))))
    assert (sketch_input(broken) < 128).any(axis=1).sum() > 180


@pytest.mark.parametrize(
    "strokes",
    [
        [[-1.7e308, 1e300], [1.7e308, -1.7e308], [0, 0]],
        [[1e12, 1e12], [1e12 + 1, 1e12], [-1e12, 0]],
        [[0, 0], [1e-300, 1e-300], [1, 1]],
    ],
)
@pytest.mark.filterwarnings("error")
def test_numbers_at_the_ends_of_their_range_are_drawn(strokes):
    columns = np.flatnonzero((sketch_input(Drawing((np.array(strokes),))) < 128).any(axis=0))
    assert abs(np.ptp(columns) - 0.84 * 224) < 5


@pytest.mark.parametrize("strokes", [(1, 300_000, 2), (100_000, 2, 2), (1, 100_000, 2)])
def test_a_drawing_of_very_long_lines_is_drawn_in_bounded_memory(strokes):
    drawing = Drawing(tuple(np.random.default_rng(0).random(strokes) * 300))
    tracemalloc.start()
    try:
        raster = sketch_input(drawing)  # at every half pixel, the lines would take 100 million points
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
    assert (raster[30:194, 30:194] < 128).mean() > 0.99


def test_resampled_lines_are_interpolated_between_their_own_points_alone():
    rng = np.random.default_rng(0)
    lines = [rng.random((count, 2)) * 40 for count in (5, 1, 2, 30)]
    expected, expected_after, before = [], [], 0
    for line in lines:
        for n, (start, end) in enumerate(zip(line[:-1], line[1:], strict=True)):
            pieces = max(1, int(np.ceil(np.hypot(*(end - start)) / 0.7)))
            expected += [start + (end - start) * piece / pieces for piece in range(pieces)]
            expected_after += [before + n] * pieces
        expected.append(line[-1])
        before += len(line)
        expected_after.append(before - 1)
    points, after = resample(np.concatenate(lines), np.array([len(line) for line in lines]), 0.7)
    assert np.allclose(points, expected) and after.tolist() == expected_after


@pytest.mark.parametrize("radius", [0.3, 1, 2.5, 5.376, 9])
def test_spreading_stamps_a_disc_of_the_largest_value(radius):
    mask = (np.random.default_rng(0).random((23, 31)) * 40 - 36).clip(0).astype(np.int16)
    rows, columns = np.indices(mask.shape)
    for row, column in np.ndindex(mask.shape):
        disc = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        assert dilate_disc(mask, radius)[row, column] == mask[disc].max()


@pytest.mark.parametrize("empty", [Drawing(()), Drawing((np.zeros((0, 2)),)), Drawing((np.array([[np.nan, 1]]),))])
def test_an_empty_drawing_is_refused(empty):
    with pytest.raises(BadInput, match="The drawing is empty. Draw"):
        sketch_input(empty)


@pytest.mark.parametrize("colour", ["white", "black", (120, 130, 125)])
def test_a_picture_without_ink_is_refused(colour):
    with pytest.raises(BadInput, match="no drawing"):
        sketch_input(Image.new("RGB", (300, 200), colour))


@pytest.mark.skipif(not (DATA / "chairv2").is_dir(), reason=f"needs ChairV2 in {DATA}")
def test_human_strokes_and_their_own_picture_give_the_same_raster():
    with open(DATA / "chairv2" / "sketches.jsonl") as file:
        drawings = [json.loads(next(file))["strokes"] for _ in range(20)]
    apart = []
    for strokes in drawings:
        drawing = Drawing(tuple(np.array(stroke) / 2 for stroke in strokes))
        apart.append(inks_apart(sketch_input(as_picture(drawing, 256, 2)), sketch_input(drawing)))
    assert np.median(apart) < 0.05


@pytest.mark.skipif(not (DATA / "sketchy25").is_dir(), reason=f"needs sketchy25 in {DATA}")
def test_every_human_sketch_can_be_used():
    for path in sorted((DATA / "sketchy25" / "sketch").glob("*/*.png"))[::60]:
        ink = (sketch_input(Image.open(path)) < 128).mean()
        assert 0.005 < ink < 0.4, path
