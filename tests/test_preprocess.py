"""Preprocessing: every kind of picture file, sketches whatever they were drawn with, the canvas's JSON, text."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from training.vary import resized
from xmr.modality import BadInput, Drawing
from xmr.preprocess import Tokenizer, canvas_drawing, drawing_from_canvas, open_picture, photo_input, sketch_input

DATA = Path(os.environ.get("XMR_DATA", Path(__file__).parents[2] / "shared" / "data"))


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def half_and_half(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (0, size[1] // 2, *size))
    return image


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
def test_a_picture_opens_from_a_path_bytes_or_a_file(kind, tmp_path):
    content = encoded(half_and_half())
    path = tmp_path / "a.png"
    path.write_bytes(content)
    source = {"path": path, "bytes": content, "file": io.BytesIO(content)}[kind]
    image = open_picture(source)
    assert image.mode == "RGB" and image.getpixel((0, 0)) == (255, 0, 0) and image.getpixel((0, 39)) == (0, 0, 255)


def test_exif_rotation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise
    image = open_picture(encoded(half_and_half(), "JPEG", exif=exif, quality=95))
    assert image.size == (40, 60)
    left, right = image.getpixel((5, 30)), image.getpixel((35, 30))
    assert left[2] > 200 > left[0] and right[0] > 200 > right[2]


def test_cmyk_jpeg_keeps_its_colours():
    image = open_picture(encoded(Image.new("RGB", (32, 32), (200, 30, 60)).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(np.array(image.getpixel((16, 16))) - (200, 30, 60)).max() < 8


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_not_clipped_to_white(format):
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None].repeat(8, axis=0)
    image = np.asarray(open_picture(encoded(Image.fromarray(ramp), format)))
    assert np.abs(image[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_float_grey_is_scaled():
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(8, axis=0)
    image = np.asarray(open_picture(encoded(Image.fromarray(ramp), "TIFF")))
    assert np.abs(image[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_transparency_becomes_white():
    for mode in ("RGBA", "LA"):
        image = Image.new("RGBA", (10, 10), (0, 0, 0, 0)).convert(mode)
        assert open_picture(encoded(image)).getpixel((5, 5)) == (255, 255, 255)
    palette = Image.new("P", (10, 10), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert open_picture(encoded(palette, transparency=0)).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_is_taken(format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "green", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    content = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert open_picture(content).getpixel((8, 8)) == (255, 0, 0)


def test_a_large_jpeg_may_be_decoded_smaller_but_never_below_what_is_asked():
    content = encoded(half_and_half((1600, 1200)), "JPEG")
    image = open_picture(content, at_least=224)
    assert 224 <= min(image.size) < 600
    assert open_picture(content).size == (1600, 1200)


def png_header(width: int, height: int) -> bytes:
    """A PNG of that size that holds no pixel: whoever tries to decode it says so."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 1000) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(20_000, 20_000), (12_000, 8_000), (9_000, 8_000)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_from_its_header(size):
    with pytest.raises(BadInput, match=r"has .* Mpixel; at most 64 are accepted. Make it smaller first"):
        open_picture(png_header(*size))


def test_a_whole_20000_by_20000_png_is_refused_from_a_file(tmp_path):
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + 2500)) for _ in range(20_000)) + packer.flush()  # 1 bit a pixel
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0), b"IDAT" + rows, b"IEND"]
    body = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(BadInput, match="Mpixel"):
        open_picture(path)


def test_what_is_no_picture_is_refused_with_its_name_and_a_remedy(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("milk, bread and butter")
    with pytest.raises(BadInput, match=r"notes\.jpg is not a picture.*looks like text.*JPEG, PNG"):
        open_picture(path)
    with pytest.raises(BadInput, match="HEIC.*Export it as JPEG"):
        open_picture(b"\x00\x00\x00\x18ftypheic" + bytes(100))
    with pytest.raises(BadInput, match="not a picture"):
        open_picture(bytes(range(256)))
    with pytest.raises(BadInput, match="is empty"):
        open_picture(b"")
    with pytest.raises(BadInput, match=r"There is no file .*gone\.png"):
        open_picture(tmp_path / "gone.png")
    with pytest.raises(BadInput, match="is a folder"):
        open_picture(tmp_path)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_a_truncated_picture_is_refused(format):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = encoded(noise, format)
    for part in (0.9, 0.5, 0.05):
        with pytest.raises(BadInput, match="damaged|not a picture"):
            open_picture(content[: int(len(content) * part)])


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's own, about the damaged headers
def test_scrambled_pictures_open_or_are_refused_but_never_crash():
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    for format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
        whole = np.frombuffer(encoded(noise, format), np.uint8)
        for _ in range(40):
            content = whole.copy()
            content[rng.integers(0, len(content), 8)] = rng.integers(0, 256, 8)
            try:
                assert open_picture(content.tobytes()).mode == "RGB"
            except BadInput as error:
                assert str(error)


def test_a_photo_is_squashed_and_nothing_is_cut_off():
    array = photo_input(half_and_half((600, 100)))
    assert array.shape == (224, 224, 3) and array.dtype == np.uint8
    assert (array[:100, :, 0] > 250).all() and (array[124:, :, 2] > 250).all()


# ---------------------------------------------------------------- sketches

HOUSE = Drawing((
    np.array([[10, 60], [10, 100], [60, 100], [60, 60], [35, 30], [10, 60], [60, 60.0]]),
    np.array([[25, 100], [25, 80], [40, 80], [40, 100.0]]),
))  # fmt: skip


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
    [(256, 2, 0, 255), (256, 5, 0, 255), (64, 1, 0, 255), (2000, 2, 0, 255), (1024, 30, 0, 255), (512, 3, 215, 245),
     (512, 3, 90, 170), (512, 3, 255, 20)],
)  # fmt: skip
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


# ---------------------------------------------------------------- canvas


def path(points: list, pen: float = 4, stroke: str = "#000000", **more) -> dict:
    """A stroke as fabric.js 7 writes it: midpoints joined by quadratics, placed by its middle."""
    points = np.array(points, float)
    middles = (points[:-1] + points[1:]) / 2
    commands = [["M", *points[0]]]
    commands += [["Q", *at, *middle] for at, middle in zip(points[:-1], middles, strict=True)]
    commands += [["L", *points[-1]]]
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    extent = np.ptp(points, axis=0)
    return {
        "type": "Path", "version": "7.4.0", "originX": "center", "originY": "center", "left": middle[0],
        "top": middle[1], "width": extent[0], "height": extent[1], "stroke": stroke, "strokeWidth": pen, "fill": None,
        "scaleX": 1, "scaleY": 1, "angle": 0, "flipX": False, "flipY": False, "path": commands, **more,
    }  # fmt: skip


def strokes_of(*objects: dict) -> list[np.ndarray]:
    return list(drawing_from_canvas({"version": "7.4.0", "objects": list(objects), "background": ""}).strokes)


def test_canvas_strokes_come_in_order_with_their_coordinates():
    first, second = strokes_of(path([[10, 10], [50, 10], [90, 10]]), path([[20, 30], [20, 80]]))
    assert first[0].tolist() == [10, 10] and first[-1].tolist() == [90, 10] and (first[:, 1] == 10).all()
    assert second[0].tolist() == [20, 30] and second[-1].tolist() == [20, 80]


def test_a_path_without_a_place_keeps_its_coordinates():
    (stroke,) = strokes_of({"type": "path", "stroke": "black", "path": [["M", 1, 2], ["L", 5, 2], ["L", 5, 9]]})
    assert stroke[[0, -1]].tolist() == [[1, 2], [5, 9]]


def test_a_stroke_moved_scaled_mirrored_and_turned_is_where_the_canvas_shows_it():
    line = [[0, 0], [20, 0], [40, 0]]
    (moved,) = strokes_of(path(line, left=120, top=70))
    assert np.allclose(moved[[0, -1]], [[100, 70], [140, 70]])
    (corner,) = strokes_of(path(line, originX="left", originY="top", left=98, top=68))  # the corner of the ink
    assert np.allclose(corner[[0, -1]], [[100, 70], [140, 70]])
    (larger,) = strokes_of(path(line, scaleX=2, scaleY=2))
    assert np.allclose(larger[[0, -1]], [[-20, 0], [60, 0]])
    (mirrored,) = strokes_of(path(line, flipX=True))
    assert np.allclose(mirrored[[0, -1]], [[40, 0], [0, 0]])
    (turned,) = strokes_of(path(line, angle=90))  # clockwise: what pointed right points down
    assert np.allclose(turned[[0, -1]], [[20, -20], [20, 20]])


def test_the_eraser_cuts_a_stroke_in_two():
    eraser = path([[50, 0], [50, 20]], pen=20, stroke="#FFFFFF")
    left, right = strokes_of(path([[0, 10], [100, 10]]), eraser)
    assert abs(left[-1, 0] - 40) <= 1.01 and abs(right[0, 0] - 60) <= 1.01
    assert left[0].tolist() == [0, 10] and right[-1].tolist() == [100, 10]


def test_the_eraser_takes_only_what_was_drawn_before_it():
    eraser = path([[50, 0], [50, 20]], pen=20, stroke="rgb(255, 255, 255)")
    assert len(strokes_of(eraser, path([[0, 10], [100, 10]]))) == 1


def test_an_erased_drawing_is_empty_and_refused():
    drawing = drawing_from_canvas({"objects": [path([[0, 0], [9, 0]]), path([[-9, 0], [20, 0]], 30, "white")]})
    assert drawing.strokes == ()
    for empty in (drawing, drawing_from_canvas(None), drawing_from_canvas({"objects": []})):
        with pytest.raises(BadInput, match="empty"):
            sketch_input(empty)


def test_a_click_without_moving_is_a_dot():
    dot = path([[30, 30], [30.001, 30]])
    dot["path"] = [["M", 29.996, 30], ["L", 30.004, 30]]
    assert (sketch_input(Drawing(tuple(strokes_of(path([[0, 0], [200, 200]]), dot)))) < 128).any()


def test_a_drawing_put_on_a_canvas_comes_back_in_the_middle_of_it():
    drawing = Drawing((*HOUSE.strokes, np.array([[30, 50.0]])))
    back = drawing_from_canvas(canvas_drawing(drawing, size=340, pen=5))
    left, top, right, bottom = back.bounds()
    assert bottom - top == pytest.approx(0.84 * 340, abs=0.2) and top + bottom == pytest.approx(340, abs=0.2)
    assert left + right == pytest.approx(340, abs=0.2)
    assert len(back.strokes) == 3 and len(back.strokes[2]) == 1
    assert np.abs(sketch_input(back).astype(int) - sketch_input(drawing)).mean() < 0.5


def test_what_is_no_stroke_is_passed_over():
    assert strokes_of({"type": "Rect", "left": 1, "top": 2}, {"type": "Path", "path": []}) == []


# ---------------------------------------------------------------- text


@pytest.fixture
def tokenizer(checkpoint_folder) -> Tokenizer:
    return Tokenizer(checkpoint_folder / "tokenizer.json")


def test_captions_become_ids_padded_to_the_longest(tokenizer):
    ids = tokenizer.encode(["a red photo", "ROTES", "ein ding"], max_tokens=8)
    assert ids.dtype == np.int64 and ids.shape == (3, 3)
    assert ids[0].tolist() == [2, 7, 4] and ids[1].tolist() == [10, 0, 0] and ids[2].tolist() == [3, 1, 0]


def test_long_captions_are_cut_and_empty_ones_are_one_unknown_word(tokenizer):
    assert tokenizer.encode(["red " * 10_000], max_tokens=8).shape == (1, 8)
    assert tokenizer.encode([""], max_tokens=8).tolist() == [[1]]
    assert tokenizer.encode([], max_tokens=8).shape == (0, 1)


def test_a_caption_is_known_by_its_words_and_not_by_its_punctuation(tokenizer):
    assert tokenizer.known("zebra, RED!") and tokenizer.known("ｒｅｄ")  # NFKC
    for text in ("", "…", ". . .", "🚗🚗", "红色的汽车", "zebra"):
        assert not tokenizer.known(text)


def test_a_damaged_tokenizer_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(BadInput, match="is not a tokenizer"):
        Tokenizer(tmp_path / "tokenizer.json")
