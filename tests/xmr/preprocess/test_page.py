"""The ink that is read off a page is the ink that was drawn on it, whatever else is in the picture."""

from __future__ import annotations

import io
from contextlib import suppress

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.xmr.preprocess.test_sketch import HOUSE, as_picture, inks_apart
from xmr.modality import BadInput
from xmr.preprocess import SKETCHED, open_sketch, read_drawing, sketch_input

WANTED = sketch_input(HOUSE)


def page(height: int = 1000, width: int = 800, share: float = 0.6, pen: int = 6, at=(0.5, 0.5)) -> np.ndarray:
    """How much ink is on a sheet with the house on it, (H, W) float of 0..1."""
    side = int(share * width)
    house = 1 - np.asarray(as_picture(HOUSE, side, pen), np.float32) / 255
    sheet = np.zeros((height, width), np.float32)
    top, left = int(at[0] * (height - side)), int(at[1] * (width - side))
    sheet[top : top + side, left : left + side] = house
    return sheet


def image(levels: np.ndarray, noise: float = 0.01) -> Image.Image:
    """A photo with these brightnesses, (H, W[, 3]) of 0..1, and a camera's noise."""
    levels = levels + noise * np.random.default_rng(0).standard_normal(levels.shape)
    return Image.fromarray((levels.clip(0, 1) * 255).astype(np.uint8))


def stretched(raster: np.ndarray) -> np.ndarray:
    """A raster whose ink fills a square: a tilted sheet's height and width are only nearly known."""
    rows, columns = np.nonzero(raster < 128)
    inside = raster[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return cv2.copyMakeBorder(cv2.resize(inside, (200, 200)), 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=255)


def apart(picture: Image.Image) -> float:
    return inks_apart(np.asarray(read_drawing(picture)), WANTED)


@pytest.mark.parametrize(
    ("paper", "ink"),
    [
        ((0.95, 0.95, 0.95), (0.1, 0.1, 0.1)),
        ((0.7, 0.52, 0.35), (0.97, 0.97, 0.95)),  # white on kraft
        ((0.45, 0.46, 0.47), (0.85, 0.85, 0.83)),  # chalk on slate
        ((0.1, 0.15, 0.12), (0.8, 0.8, 0.8)),  # a blackboard
        ((0.93, 0.93, 0.93), (0.2, 0.25, 0.75)),  # a ballpoint
        ((0.93, 0.93, 0.93), (0.95, 0.85, 0.1)),  # a yellow pen
        ((0.3, 0.7, 0.4), (0.1, 0.1, 0.1)),
        ((0.7, 0.69, 0.66), (0.52, 0.52, 0.51)),  # a faint pencil
    ],
)
def test_ink_is_what_differs_from_its_paper(paper, ink):
    cover = page()[..., None]
    assert apart(image(np.array(paper) * (1 - cover) + np.array(ink) * cover)) < 0.05


def test_ink_of_one_brightness_with_its_paper_is_told_by_its_colour():
    rng, cover, tried = np.random.default_rng(1), page(500, 400)[..., None], 0
    while tried < 20:
        paper, ink = rng.uniform(0.05, 0.95, (2, 3))
        if np.abs(paper - ink).max() > 0.4 and abs((paper - ink) @ (0.3, 0.59, 0.11)) < 0.15:
            tried += 1
            assert apart(image(paper * (1 - cover) + ink * cover)) < 0.08, (paper, ink)


def test_uneven_light_and_a_shadow_leave_the_ink():
    sheet = 0.95 - 0.7 * page()
    sheet *= np.linspace(0.5, 1, sheet.shape[1])
    sheet[:, :350] *= 0.6
    assert apart(image(cv2.GaussianBlur(sheet, (0, 0), 2))) < 0.05


@pytest.mark.parametrize("shadow", ["of leaves", "of blinds", "of a phone"])
def test_shadows_with_hard_edges_leave_the_ink(shadow):
    y, x = np.mgrid[:1000, :800]
    if shadow == "of leaves":
        leaves = np.random.default_rng(1).standard_normal((15, 12)).astype(np.float32)
        dark = cv2.resize(leaves, (800, 1000), interpolation=cv2.INTER_CUBIC) > 0.1
    elif shadow == "of blinds":
        dark = (y + 0.3 * x) % 90 < 45
    else:
        dark = (np.abs(x - y + 130) < 150) & (y < 700)
    sheet = (0.9 - 0.75 * page()) * (1 - 0.45 * cv2.GaussianBlur(dark.astype(np.float32), (0, 0), 2))
    assert apart(image(sheet)) < 0.08


def test_a_sheet_between_folds_is_not_all_of_it():
    y, x = np.mgrid[:1000, :800]
    folded = (0.9 - 0.75 * page()) * np.where((x > 100) & (x < 700) & (y < 520), 0.75, 1)
    assert apart(image(folded)) < 0.08


def test_colours_between_dark_lines_go():
    lines = page()
    outside = np.pad((lines < 0.5).astype(np.uint8), 1)
    cv2.floodFill(outside, None, (1, 1), 0)
    colour = (outside[1:-1, 1:-1] * (0.5 + 0.5 * np.random.default_rng(0).random(lines.shape)))[..., None]
    sheet = 0.93 * (1 - colour) + np.array([0.85, 0.25, 0.2]) * colour
    assert apart(image(np.minimum(sheet, 0.93 - 0.8 * lines[..., None]))) < 0.05


def test_coloured_lines_around_dark_ones_stay():
    lines = page()[..., None]
    red = np.array([0.85, 0.2, 0.2])
    sheet = 0.93 * (1 - lines) + red * lines
    sheet[600:] = (0.93 - 0.8 * lines)[600:]
    assert apart(image(sheet)) < 0.05


@pytest.mark.parametrize("turn", [0.0, 1.7])
@pytest.mark.parametrize("squared", [False, True])
def test_the_lines_of_ruled_and_squared_paper_go(squared, turn):
    sheet = np.full((1000, 800), 0.95, np.float32)
    sheet[20::32] = sheet[21::32] = 0.7
    if squared:
        sheet[:, 10::32] = sheet[:, 11::32] = 0.7
    else:
        sheet[:, 90:92] = 0.6
    sheet = np.minimum(sheet, 0.95 - 0.8 * page())
    around = cv2.getRotationMatrix2D((400, 500), turn, 1.05)
    turned = cv2.getRotationMatrix2D((400, 500), turn, 1.0)
    alone = cv2.warpAffine(page(), turned, (800, 1000))
    read = np.asarray(read_drawing(image(cv2.warpAffine(sheet, around, (800, 1000), borderMode=cv2.BORDER_REFLECT))))
    wanted = WANTED if turn == 0 else np.asarray(read_drawing(image(0.95 - 0.8 * alone)))
    assert min(inks_apart(read, wanted), inks_apart(read, WANTED)) < 0.08


@pytest.mark.parametrize("pitch", [6, 7])
def test_a_picture_that_is_ruled_all_over_can_be_read(pitch):
    sheet = np.full((160, 160), 0.95, np.float32)
    sheet[::pitch] = 0.7
    cv2.circle(sheet, (80, 80), 50, 0.0, 6)
    ring = np.asarray(read_drawing(image(sheet, noise=0)))
    assert ring[112, 112] > 200 > 128 > ring[:, :40].min()  # its middle is empty


@pytest.mark.filterwarnings("error")
def test_a_picture_of_a_few_rows_is_read_or_refused():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        pixels = np.full((8, 64, 3), rng.integers(256), np.uint8)
        pixels[:, rng.random(64) < 0.5] = rng.integers(0, 256, 3)
        with suppress(BadInput):
            read_drawing(Image.fromarray(pixels))


def test_paper_that_is_ruled_all_over_has_no_drawing():
    sheet = np.full((160, 160), 0.95, np.float32)
    sheet[::6] = 0.2
    with pytest.raises(BadInput, match="There is no drawing in this picture"):
        read_drawing(image(sheet, noise=0))


def test_a_picture_full_of_bars_with_a_line_across_can_be_read():
    bars = np.random.default_rng(0).random(128) < 0.75
    for lines in (1, 3, 6):
        sheet = np.where(bars, 0.0, 0.95) * np.ones((128, 1))
        sheet[[20 + 15 * n for n in range(lines)]] = 0.0
        assert read_drawing(image(sheet, noise=0)).size == (SKETCHED, SKETCHED)


def test_a_margin_that_is_printed_over_the_lines_goes_with_them():
    sheet = np.empty((1200, 900, 3), np.float32)
    sheet[:] = (0.98, 0.94, 0.59)
    sheet[40::32] = sheet[41::32] = (0.47, 0.63, 0.82)
    sheet[:, 120:123] = sheet[:, 128:131] = (0.86, 0.35, 0.35)
    ink = page(1200, 900, share=0.6, at=(0.4, 0.5))[..., None]
    photo = cv2.GaussianBlur(sheet, (0, 0), 0.6) * (1 - ink) + ink * np.float32((0.1, 0.1, 0.45))
    assert apart(image(photo)) < 0.08


@pytest.mark.parametrize("turn", [0.0, 3.0])
def test_the_dots_of_dotted_paper_go(turn):
    dots = np.zeros((1000, 800), np.float32)
    for y in range(15, 1000, 30):
        for x in range(15, 800, 30):
            cv2.circle(dots, (x, y), 2, 0.6, -1, cv2.LINE_AA)
    dots = cv2.warpAffine(dots, cv2.getRotationMatrix2D((400, 500), turn, 1.1), (800, 1000))
    assert apart(image(0.95 - 0.8 * np.maximum(page(), dots))) < 0.05


def test_dots_that_are_drawn_in_a_row_or_at_random_stay():
    sheet = page()
    for x in range(60, 760, 16):
        cv2.circle(sheet, (x, 850), 3, 1.0, -1, cv2.LINE_AA)
    for x, y in np.random.default_rng(0).uniform((250, 450), (550, 600), (40, 2)).astype(int).tolist():
        cv2.circle(sheet, (x, y), 3, 1.0, -1, cv2.LINE_AA)
    assert apart(image(0.95 - 0.8 * sheet)) > 0.15


@pytest.mark.parametrize(("dash", "gap"), [(12, 16), (20, 12)])
def test_dashed_lines_are_read_as_lines(dash, gap):
    sheet = np.zeros((1000, 1000), np.float32)
    for points in HOUSE.strokes:
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))]) * 8
        for start in np.arange(0, along[-1], dash + gap):
            at = np.linspace(start, min(start + dash, along[-1]), 5)
            line = np.stack([np.interp(at, along, column * 8 + 100) for column in points.T], axis=1)
            cv2.polylines(sheet, [line.round().astype(np.int32)], False, 1.0, 6)
    assert apart(image(0.95 - 0.8 * sheet)) < 0.1


def test_a_frame_a_scanner_edge_and_what_reaches_in_go():
    framed = page(share=0.45, pen=4)
    cv2.rectangle(framed, (30, 30), (770, 970), 1, 4)
    scanned = page(share=0.45, pen=4)
    scanned[:, :14] = scanned[-20:] = 1
    held = page(share=0.45, pen=4)
    cv2.line(held, (420, 1050), (400, 880), 0.7, 60)
    holes = page(share=0.45, pen=4)
    for y in range(25, 1000, 50):
        cv2.circle(holes, (16, y), 7, 1, -1)
    for cover in (framed, scanned, held, holes):
        assert apart(image(0.95 - 0.85 * cover, 0.004)) < 0.05


@pytest.mark.parametrize("table", [0.1, 0.45])
def test_a_sheet_on_a_table_is_found_and_squared(table):
    corners = np.array([[160, 120], [860, 150], [880, 1030], [120, 1000]], np.float32)
    flat = np.array([[0, 0], [800, 0], [800, 1000], [0, 1000]], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, corners)
    rng = np.random.default_rng(0)
    ground = table + 0.1 * cv2.resize(rng.standard_normal((60, 60)).astype(np.float32), (1000, 1200))
    over = cv2.warpPerspective(np.ones((1000, 800), np.float32), matrix, (1000, 1200)) > 0
    sheet = cv2.warpPerspective(0.92 - 0.75 * page(), matrix, (1000, 1200))
    read = np.asarray(read_drawing(image(np.where(over, sheet, ground))))
    assert inks_apart(stretched(read), stretched(WANTED)) < 0.08
    height, width = np.ptp(np.argwhere(read < 128), axis=0)
    wanted = np.ptp(np.argwhere(WANTED < 128), axis=0)
    assert height / width == pytest.approx(wanted[0] / wanted[1], rel=0.15)


def test_a_sheet_that_the_picture_cuts_off_is_told_from_the_table():
    turned = cv2.getRotationMatrix2D((400, 500), 7, 1)
    turned[:, 2] += 100
    rng = np.random.default_rng(0)
    ground = 0.4 + 0.1 * cv2.resize(rng.standard_normal((120, 100)).astype(np.float32), (1000, 1200))
    over = cv2.warpAffine(np.ones((1000, 800), np.float32), turned, (1000, 1200)) > 0
    photo = np.where(over, cv2.warpAffine(0.92 - 0.75 * page(share=0.45), turned, (1000, 1200)), ground)
    upright = cv2.warpAffine(page(share=0.45), turned, (1000, 1200))
    wanted = np.asarray(read_drawing(image(0.92 - 0.75 * upright)))
    assert inks_apart(np.asarray(read_drawing(image(photo[:950, :800]))), wanted) < 0.05


@pytest.mark.parametrize("lying", ["a pen", "a board's frame"])
def test_straight_bars_apart_from_the_drawing_go(lying):
    cover = page(share=0.45, at=(0.25, 0.3))
    if lying == "a pen":
        cv2.line(cover, (520, 930), (740, 620), 1.0, 18, cv2.LINE_AA)
    else:
        cv2.line(cover, (90, 900), (500, 905), 1.0, 6)
        cv2.line(cover, (740, 150), (745, 600), 1.0, 6)
    assert apart(image(0.95 - 0.8 * cover)) < 0.05


def test_straight_lines_beside_a_drawing_are_part_of_it():
    lines = ((30, 60), (170, 60)), ((30, 80), (170, 80)), ((30, 100), (170, 100))
    sheet = np.zeros((200, 200), np.float32)
    for start, end in lines:
        cv2.line(sheet, start, end, 1.0, 2)
    cv2.circle(sheet, (100, 130), 22, 1.0, 2)
    found = np.asarray(read_drawing(image(0.95 - 0.8 * sheet, 0.0)))
    rows = np.flatnonzero((found < 128).sum(axis=1) > 150)  # those of the lines, each a few pixels wide
    assert (np.diff(rows) > 1).sum() == len(lines) - 1


@pytest.mark.parametrize("tint", [0.95, 0.75])
def test_a_fax_is_read_as_the_greys_that_its_dots_stand_for(tint):
    fax = image(tint - 0.65 * page()).convert("1")
    assert apart(fax) < 0.08


def test_a_tiny_drawing_in_a_corner_of_a_large_page_is_read():
    sheet = page(2000, 2000, share=0.05, pen=2, at=(0.95, 0.95))
    assert apart(image(1 - 0.9 * sheet, 0)) < 0.12


@pytest.mark.parametrize("colour", [0, 255])
@pytest.mark.parametrize("under", [0, 255])
def test_a_transparent_picture_is_read_by_its_ink(colour, under):
    pixels = np.full((500, 500, 4), colour, np.uint8)
    pixels[..., 3] = 255 - np.asarray(as_picture(HOUSE, 500, 4))
    pixels[..., :3][pixels[..., 3] == 0] = under  # what a program leaves where nothing is seen
    file = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(file, "PNG")
    assert apart(open_sketch(file.getvalue())) < 0.05


def test_the_polarity_can_be_told():
    dark = image(0.9 - 0.8 * page(), 0)
    assert inks_apart(np.asarray(read_drawing(dark, light_ink=False)), WANTED) < 0.05
    assert inks_apart(np.asarray(read_drawing(dark, light_ink=True)), WANTED) > 0.2


def test_what_was_read_is_read_the_same_again():
    first = read_drawing(image(0.9 - 0.8 * page()))
    assert first.mode == "L" and first.size == (SKETCHED, SKETCHED)
    assert inks_apart(np.asarray(read_drawing(first)), np.asarray(first)) < 0.02


@pytest.mark.parametrize("empty", [image(np.full((600, 800), 0.9)), image(np.zeros((40, 40, 3)), 0)])
def test_paper_without_a_drawing_is_refused(empty):
    with pytest.raises(BadInput, match="no drawing|only specks"):
        read_drawing(empty)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (3, 2), (2000, 3), (17, 5, 3)])
def test_odd_shapes_and_noise_are_read_or_refused_with_a_sentence(shape):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    try:
        assert read_drawing(noise).size == (SKETCHED, SKETCHED)
    except BadInput as error:
        assert str(error).endswith(".")
