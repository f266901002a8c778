"""Every kind of picture file opens the same way, or is refused with its name and a remedy, in bounded memory."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.PngImagePlugin import PngImageFile

from tests.xmr.preprocess.files import HEIC, dng, encoded, half_and_half, noise
from xmr.modality import BadInput
from xmr.preprocess import decode, open_picture, photo_input


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
    frames = [half_and_half((16, 16)), *(Image.new("RGB", (16, 16), colour) for colour in ("green", "blue"))]
    options = {"lossless": True} if format == "WEBP" else {}
    content = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert open_picture(content).getpixel((8, 2)) == (255, 0, 0)


def test_a_large_jpeg_may_be_decoded_smaller_but_never_below_what_is_asked():
    content = encoded(half_and_half((1600, 1200)), "JPEG")
    image = open_picture(content, at_least=224)
    assert 224 <= min(image.size) < 600
    assert open_picture(content).size == (1600, 1200)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, bits: int = 8, colour: int = 2) -> bytes:
    """A PNG of that size with nothing but these chunks: without pixels, whoever tries to decode it says so."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"".join((b"\x89PNG\r\n\x1a\n", header, *chunks, chunk(b"IEND", b"")))


@pytest.mark.parametrize("size", [(20_000, 20_000), (12_000, 8_000), (9_000, 8_000)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_from_its_header(size):
    with pytest.raises(BadInput, match=r"has .* Mpixel; at most 64 are accepted. Make it smaller first"):
        open_picture(png(*size))


def test_a_whole_20000_by_20000_png_is_refused_from_a_file(tmp_path):
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + 2500)) for _ in range(20_000)) + packer.flush()
    path = tmp_path / "bomb.png"
    path.write_bytes(png(20_000, 20_000, chunk(b"IDAT", rows), bits=1, colour=0))
    with pytest.raises(BadInput, match="Mpixel"):
        open_picture(path)


def test_what_is_no_picture_is_refused_with_its_name_and_a_remedy(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("milk, bread and butter")
    with pytest.raises(BadInput, match=r"notes\.jpg is not a picture.*looks like text.*JPEG, PNG"):
        open_picture(path)
    with pytest.raises(BadInput, match="looks like a film. Save one of its frames"):
        open_picture(b"\x00\x00\x00\x18ftypisom" + bytes(100))
    with pytest.raises(BadInput, match="not a picture"):
        open_picture(bytes(range(256)))
    with pytest.raises(BadInput, match="is empty"):
        open_picture(b"")
    with pytest.raises(BadInput, match=r"There is no file .*gone\.png"):
        open_picture(tmp_path / "gone.png")
    with pytest.raises(BadInput, match="is a folder"):
        open_picture(tmp_path)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_a_truncated_picture_is_refused(format):
    content = encoded(noise(), format)
    for part in (0.9, 0.5, 0.05) if format != "PNG" else (0.5, 0.05):
        with pytest.raises(BadInput, match="damaged|not a picture"):
            open_picture(content[: int(len(content) * part)])


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's own, about the damaged headers
def test_scrambled_pictures_open_or_are_refused_but_never_crash():
    rng = np.random.default_rng(0)
    formats = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "JPEG2000")
    whole = [encoded(noise((32, 32)), format) for format in formats]
    whole += [encoded(noise((32, 32)), "JPEG", progressive=True), HEIC, dng(noise((64, 48)), (32, 24))]
    for content in whole:
        for attempt in range(40):
            scrambled = np.frombuffer(content, np.uint8).copy()
            among = len(content) if attempt % 2 else min(len(content), 300)  # the header, or anywhere
            scrambled[rng.integers(0, among, 4)] = rng.choice([0, 255, *rng.integers(0, 256, 4)], 4)
            outcome_of(scrambled.tobytes()[: None if attempt % 4 else rng.integers(1, len(content))])


def outcome_of(content: bytes) -> str:
    """ "opened", or the sentence with which a picture was refused: anything else is a fault."""
    try:
        image = open_picture(content)
    except BadInput as error:
        assert str(error).startswith("The file ") and str(error).isprintable() and str(error).endswith(".")
        return str(error)
    assert image.mode == "RGB" and set(image.info) <= {"note"}
    return "opened"


def test_a_photo_is_squashed_and_nothing_is_cut_off():
    array = photo_input(half_and_half((600, 100)))
    assert array.shape == (224, 224, 3) and array.dtype == np.uint8
    assert (array[:100, :, 0] > 250).all() and (array[124:, :, 2] > 250).all()


# What opens, and how


@pytest.mark.parametrize(
    "format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "MPO", "HEIC", "JXL"]
)
def test_every_kind_opens_whatever_its_name_says(format, tmp_path):
    if format == "JXL":
        pytest.importorskip("pillow_jxl")
    content = HEIC if format == "HEIC" else encoded(half_and_half((64, 48)), format)
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    image = open_picture(path)
    assert image.size == (64, 48) and not image.info
    above, below = image.getpixel((30, 5)), image.getpixel((30, 43))
    assert above[0] > 240 > 15 > above[2] and below[2] > 240 > 15 > below[0]


@pytest.mark.parametrize(("preview", "size"), [((900, 600), (900, 600)), (None, (600, 400)), ((120, 80), (600, 400))])
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("given", ["path", "bytes"])
def test_a_raw_file_gives_its_preview_or_itself_never_its_tiny_first_page(preview, size, orientation, given, tmp_path):
    content = dng(half_and_half((1200, 800)), preview, orientation)
    path = tmp_path / "a.dng"
    path.write_bytes(content)
    image = open_picture(path if given == "path" else content)
    assert image.size == (size if orientation == 1 else size[::-1])
    left_below = image.getpixel((3, image.height - 3))
    assert left_below[2] > 200 > left_below[0]  # blue is below; turned by 90 degrees clockwise, on the left


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_preview_that_says_how_it_was_taken_is_turned_once(orientation):
    exif = Image.Exif()
    exif[0x0112] = 6
    preview = encoded(half_and_half((900, 600)), "JPEG", exif=exif)
    preview = preview[:2] + preview[20:]  # as cameras do, with EXIF first and without JFIF's header
    image = open_picture(dng(half_and_half((1200, 800)), (900, 600), orientation, preview))
    assert image.size == (600, 900) and image.getpixel((3, 450))[2] > 200 > image.getpixel((596, 450))[2]


def test_a_preview_that_was_turned_already_stays_as_it_is():
    preview = encoded(half_and_half((600, 900)), "JPEG")
    image = open_picture(dng(half_and_half((1200, 800)), (600, 900), 6, preview))
    assert image.size == (600, 900) and image.getpixel((300, 3))[0] > 200 > image.getpixel((300, 896))[0]


def test_a_jpeg_xl_is_turned_by_its_decoder_and_a_jpeg_packed_as_one_by_its_exif(tmp_path):
    pytest.importorskip("pillow_jxl")
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_picture(encoded(half_and_half(), "JXL", exif=exif.tobytes())).size == (60, 40)
    half_and_half().save(tmp_path / "a.jpg", exif=exif)
    assert open_picture(encoded(Image.open(tmp_path / "a.jpg"), "JXL", lossless_jpeg=True)).size == (40, 60)


def test_a_tiff_whose_first_page_claims_to_be_a_copy_opens_as_a_tiff():
    content = encoded(half_and_half(), "TIFF", tiffinfo={254: 1})
    assert open_picture(content).size == (60, 40)


@pytest.mark.parametrize("package", ["pi_heif", "rawpy"])
def test_a_kind_whose_package_is_missing_is_named_with_what_to_do(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # importing it fails
    content = HEIC if package == "pi_heif" else dng(half_and_half((64, 48)))
    with pytest.raises(BadInput, match=f"needs a package that is not installed .*{package}.*pip install.*or export"):
        open_picture(content)


def test_an_animated_jpeg_xl_is_refused_before_its_frames_are_decoded():
    pytest.importorskip("pillow_jxl")
    fields = [(1, 1), (31, 5), (1, 3), (0, 1), (1, 1), (0, 3), (0, 1), (0, 1), (1, 1)]  # 256 x 256 px, ..., animated
    number, at = 0, 0
    for value, bits in fields:
        number |= value << at
        at += bits
    with pytest.raises(BadInput, match="is an animated JPEG XL. Save one of its frames"):
        open_picture(b"\xff\x0a" + number.to_bytes(8, "little"))


def test_a_postscript_file_called_jpg_starts_no_interpreter(monkeypatch, tmp_path):
    def forbidden(*_, **__):
        raise AssertionError("a process was started")

    for name in ("Popen", "check_call", "run"):
        monkeypatch.setattr(subprocess, name, forbidden)
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(BadInput, match=r"photo\.jpg is not a picture.*a PostScript file. Export it as PNG or JPEG"):
        open_picture(path)


def test_a_pipe_a_path_with_a_nul_and_one_below_a_file_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "a.png").write_bytes(encoded(half_and_half()))
    for path, said in (
        ("pipe.jpg", "device or pipe"),
        ("a\0.png", "is no path"),
        ("a.png/b.png", "There is no file"),
        ("x" * 300, "cannot be read"),
    ):
        with pytest.raises(BadInput, match=said):
            open_picture(tmp_path / path)


def test_an_open_file_is_left_open_and_never_read_whole():
    class Upload(io.BytesIO):
        name = "../../etc/holiday.jpg"
        most = 0

        def read(self, size=-1):
            self.most = max(self.most, len(self.getvalue()) if size in (-1, None) else size)
            return super().read(size)

    upload = Upload(encoded(noise((900, 700)), "JPEG", quality=95))
    upload.seek(100)
    assert open_picture(upload).size == (900, 700)
    assert not upload.closed and upload.most < len(upload.getvalue()) / 2
    with pytest.raises(BadInput, match="holiday.jpg is empty"):
        open_picture(Upload())


def test_damaged_exif_does_a_picture_no_harm():
    for exif in (b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0rubbish", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"):
        assert open_picture(encoded(half_and_half(), "JPEG", exif=exif)).size == (60, 40)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_rotation_is_applied_once_in_every_format(format):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(half_and_half((80, 48)), format, exif=exif)
    for at_least in (None, 10):
        image = open_picture(content, at_least)
        assert image.width < image.height
        assert image.getpixel((image.width - 2, 5))[0] > 200 > image.getpixel((2, 5))[0]


def test_a_colour_that_stands_for_nothing_becomes_white():
    content = encoded(half_and_half(), transparency=(255, 0, 0))
    image = open_picture(content)
    assert image.getpixel((5, 5)) == (255, 255, 255) and image.getpixel((5, 35)) == (0, 0, 255)


# Shrunk while it is opened


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG2000"])
def test_what_is_shrunk_while_it_is_opened_looks_the_same_to_a_tower(format):
    waves = 127 + 100 * np.sin(np.indices((1300, 1701)) / 40)
    wavy = Image.fromarray(np.uint8(np.stack([*waves, waves.mean(axis=0)], axis=2)))
    content = encoded(wavy, format)
    small = open_picture(content, at_least=224)
    assert 224 <= min(small.size) <= 650
    assert np.abs(photo_input(small).astype(int) - photo_input(open_picture(content))).max() <= 6


def test_a_picture_of_ordinary_size_is_not_touched():
    image = noise((700, 440))
    for at_least in (None, 224):
        assert open_picture(encoded(image), at_least).tobytes() == image.tobytes()


def test_a_float_picture_is_shrunk_by_one_scale_for_all_of_it():
    ramp = np.linspace(0, 0.5, 1000, dtype=np.float32)[:, None].repeat(40, axis=1)
    image = np.asarray(open_picture(encoded(Image.fromarray(ramp), "TIFF"), at_least=10))[..., 0]
    assert image.shape == (500, 20) and image[0, 0] == 0 and abs(int(image[-1, 0]) - 127) <= 1


@pytest.mark.parametrize("width", [801, 802, 803, 805, 807])
def test_a_jpeg_2000_of_any_width_is_decoded_smaller(width):
    image = open_picture(encoded(half_and_half((width, 600)), "JPEG2000"), at_least=100)
    assert image.size == (-(-width // 4), 150) and image.getpixel((5, 5))[0] > 200


# A JPEG or PNG that ends too early


def cut(image: Image.Image, part: float, **options) -> bytes:
    content = encoded(image, "JPEG", quality=90, **options)
    start = content.index(b"\xff\xda")
    return content[: start + round((len(content) - start) * part)]


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
@pytest.mark.parametrize("at_least", [None, 100])
def test_a_jpeg_without_its_last_bytes_is_taken_with_a_note(mode, at_least):
    content = encoded(noise((800, 640)).convert(mode), "JPEG")
    whole, lacking = open_picture(content, at_least), open_picture(content[:-2], at_least)
    assert lacking.tobytes() == whole.tobytes() and "note" not in whole.info
    assert lacking.info["note"] == "The file lacks its last bytes; the picture was read all the same."


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_without_its_last_rows_is_taken_without_them(mode):
    image = noise((320, 640)).convert(mode)
    short = open_picture(cut(image, 0.9))
    assert short.width == 320 and 0.85 * 640 < short.height < 0.95 * 640
    whole = open_picture(encoded(image, "JPEG", quality=90))
    rows = short.height - 48  # the last ones differ where their colours are smoothed towards what is missing
    assert short.crop((0, 0, 320, rows)).tobytes() == whole.crop((0, 0, 320, rows)).tobytes()
    assert short.info["note"] == f"The file ends too early; it was read without its last {1 - short.height / 640:.1%}."


def test_a_jpeg_without_its_last_rows_is_set_upright_all_the_same():
    exif = Image.Exif()
    exif[0x0112] = 6  # by 90 degrees clockwise: what is below comes to the left
    image = open_picture(cut(half_and_half((320, 640)), 0.95, exif=exif))
    assert image.height == 320 and image.width <= 640 and image.info["note"]
    assert image.getpixel((40, 160))[2] > 200 > image.getpixel((image.width - 40, 160))[2]


@pytest.mark.parametrize("part", [0.02, 0.3, 0.7])
def test_a_jpeg_that_lacks_more_than_a_quarter_is_refused(part):
    with pytest.raises(BadInput, match=r"is damaged: it ends too early, and \d+% of it are missing. Copy it again"):
        open_picture(cut(noise((320, 640)), part))


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA"])
def test_a_png_without_its_last_rows_is_taken_without_them(mode):
    image = noise((320, 640)).convert(mode)
    content = encoded(image, "PNG")
    short, whole = open_picture(content[: int(len(content) * 0.9)]), open_picture(content)
    assert short.width == 320 and 0.8 * 640 < short.height < 640
    assert short.tobytes() == whole.crop((0, 0, 320, short.height)).tobytes()
    assert "ends too early" in short.info["note"] and "note" not in whole.info
    with pytest.raises(BadInput, match="are missing. Copy it again"):
        open_picture(content[: int(len(content) * 0.6)])


def test_a_progressive_jpeg_that_lacks_its_last_passes_is_whole_but_coarser():
    image = Image.linear_gradient("L").resize((320, 640)).convert("RGB")
    short = open_picture(cut(image, 0.6, progressive=True))
    assert short.size == image.size and "note" in short.info
    assert np.abs(np.asarray(short).astype(int) - np.asarray(image)).mean() < 5


def test_grey_rows_of_a_whole_jpeg_are_part_of_it():
    grey = Image.new("RGB", (64, 64), (128, 128, 128))
    grey.paste("red", (0, 0, 64, 16))
    assert open_picture(encoded(grey, "JPEG")).size == (64, 64)


# Animations


def animation(format: str, frames: list[Image.Image]) -> bytes:
    options = {"lossless": True} if format == "WEBP" else {"quality": 90} if format == "AVIF" else {}
    return encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=40, **options)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_is_judged_by_a_frame_with_something_on_it(format):
    last = half_and_half((48, 48))
    black = Image.new("RGB", last.size)
    fade = [Image.blend(black, last, share) for share in (0, 0.02, 0.2, 0.6, 0.8, 1)]
    image = open_picture(animation(format, fade))
    assert np.abs(np.asarray(image).astype(int) - np.asarray(fade[3])).mean() < 4  # the first with half the contrast


def test_an_animation_with_nothing_on_any_frame_gives_its_first():
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    assert open_picture(animation("GIF", frames)).getpixel((8, 8)) == (255, 0, 0)


def test_of_a_hostile_animation_only_so_many_frames_are_looked_at(monkeypatch):
    sought = []
    seek = GifImageFile.seek
    monkeypatch.setattr(GifImageFile, "seek", lambda self, frame: sought.append(frame) or seek(self, frame))
    content = encoded(Image.new("P", (64, 64)), "GIF")
    frame = content.index(b",\0\0\0\0")
    endless = content[:frame] + content[frame:-1] * 20_000 + b";"
    assert open_picture(endless).size == (64, 64)
    assert max(sought) < 100 and len(sought) < 210

    monkeypatch.setattr(decode, "_FRAMES_PIXELS", 64 * 64 * 5)
    sought.clear()
    open_picture(endless)
    assert max(sought) < 5


def test_an_animation_whose_later_frames_are_damaged_or_stick_out_still_opens():
    content = encoded(Image.new("P", (64, 64)), "GIF")
    frame = content.index(b",\0\0\0\0")
    for more in (b",rubbish", content[frame:-5]):
        assert open_picture(content[:-1] + more + b";").size == (64, 64)
    busy = animation("GIF", [Image.new("RGB", (64, 64)), noise()])
    second = busy.rindex(b"\x21\xf9\x04") + 9  # where it lies
    for at in (9, 60_000):
        outside = busy[:second] + struct.pack("<HH", at, at) + busy[second + 4 :]
        assert open_picture(outside).tobytes() == bytes(64 * 64 * 3)


# Limits and memory


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_sides_and_pixels_are_limited_from_the_header():
    for content, said in [
        (png(60_000_000, 1), "60000000 x 1 px; at most 65535 px a side are accepted"),
        (png(17_000, 17_000, colour=0), "289 Mpixel; at most 256 are accepted"),
        (png(9_000, 9_000, bits=16), "81 Mpixel; at most 64 are accepted"),
        (encoded(Image.new("P", (6_000, 6_000)), "GIF"), "36 Mpixel; at most 32 are accepted"),
        (jpeg_header(65_000, 9_000), "585 Mpixel; at most 512 are accepted"),
        (jpeg_header(13_000, 14_000, progressive=True), "182 Mpixel; at most 146 are accepted"),
    ]:
        assert said in outcome_of(content)
    for content in (png(16_000, 16_000, colour=0), jpeg_header(12_000, 9_000)):
        assert "accepted" not in outcome_of(content)


def webp_header(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sides
    body += encoded(Image.new("RGB", (10, 10)), "WEBP", lossless=True)[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def jpeg_header(width: int, height: int, **options) -> bytes:
    """A small JPEG that says it is of that size."""
    content = encoded(half_and_half(), "JPEG", **options)
    frame = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
    return content[: frame + 5] + struct.pack(">HH", height, width) + content[frame + 9 :]


def test_a_progressive_jpeg_in_very_many_passes_is_refused():
    content = encoded(Image.new("RGB", (3000, 3000), "red"), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    assert outcome_of(content) == "opened"
    assert "passes, too many for its size" in outcome_of(content[:last] + content[last:-2] * 300 + content[-2:])


def test_a_file_that_is_read_whole_is_limited_in_bytes(monkeypatch):
    monkeypatch.setattr(decode, "MAX_BYTES", 400)
    for content in (HEIC, encoded(noise(), "WEBP"), dng(noise())):
        assert "at most 0 are read. Save it as JPEG first" in outcome_of(content)
    assert outcome_of(encoded(noise(), "PNG")) == "opened"


def test_large_decodes_come_one_at_a_time(monkeypatch):
    running, most = [], []
    load = PngImageFile.load

    def counted(self):
        running.append(self)
        most.append(len(running))
        try:
            return load(self)
        finally:
            running.pop()

    monkeypatch.setattr(PngImageFile, "load", counted)
    monkeypatch.setattr(PngImageFile, "getexif", Image.Image.getexif)
    content = encoded(Image.new("RGB", (2400, 2000), "red"))
    threads = [threading.Thread(target=open_picture, args=(content, 224)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) >= 4 and max(most) == 1


_CHILD = """
import json, sys, threading, warnings
import psutil
from xmr.modality import BadInput
from xmr.preprocess import open_picture

def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM"))

def one(path):
    try:
        kept.append(open_picture(path, at_least=224))
    except BadInput as error:
        refused.append(str(error))

warnings.simplefilter("ignore")
kept, refused = [], []
one(sys.argv[1])
before = peak()
for path in sys.argv[3:]:
    threads = [threading.Thread(target=one, args=(path,)) for _ in range(int(sys.argv[2]))]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
after = psutil.Process().memory_info().rss / 1e6
print(json.dumps([peak() - before, after - before, len(kept) - 1, refused]))
"""


def memory_of(files: dict[str, bytes], tmp_path: Path, visitors: int = 1) -> tuple[float, float, int, list[str]]:
    """What opening some files takes in a process of its own: MB at its peak and afterwards, above what it had before;
    how many pictures came out, and what was said of the others."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells a process's peak")
    for name, content in {"first.png": encoded(half_and_half()), **files}.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in files]
    command = [sys.executable, "-c", _CHILD, tmp_path / "first.png", str(visitors), *paths]
    result = subprocess.run(command, capture_output=True, check=True, text=True, cwd=Path(__file__).parents[3])
    return tuple(json.loads(result.stdout))


@pytest.mark.slow
def test_four_visitors_with_a_png_of_62_megapixels_take_the_memory_of_one_and_give_it_back(tmp_path):
    content = encoded(Image.new("RGB", (8000, 7800), (200, 120, 40)), compress_level=1)
    peak, after, opened, _ = memory_of({"a.png": content}, tmp_path, visitors=4)
    assert opened == 4 and peak < 330 and after < 60  # 250 MB decoded


@pytest.mark.slow
@pytest.mark.parametrize(
    ("image", "format", "options", "bound"),
    [
        (("RGBA", (8000, 8000), (200, 120, 40, 90)), "PNG", {"compress_level": 1}, 330),  # 256 MB decoded
        (("RGB", (12000, 9000), (200, 120, 40)), "JPEG", {}, 60),
        (("RGB", (12000, 9000), (200, 120, 40)), "JPEG", {"progressive": True}, 400),  # 3 bytes of each pixel
        (("CMYK", (6000, 9000), (20, 120, 40, 9)), "JPEG", {}, 60),
        (("L", (60_000, 1_000), 90), "TIFF", {"compression": "tiff_deflate"}, 160),
    ],
)
def test_large_pictures_open_in_bounded_memory(image, format, options, bound, tmp_path):
    peak, after, opened, refused = memory_of({"a": encoded(Image.new(*image), format, **options)}, tmp_path)
    assert opened == 1 and not refused and peak < bound and after < 40


@pytest.mark.slow
def test_hostile_pictures_open_or_are_refused_in_bounded_memory(tmp_path):
    bomb = zlib.compress(bytes(200_000_000), 9)
    tags = b"".join(struct.pack("<HHII", 256 + tag, 7, 1_000_000, 8) for tag in range(30_000))
    directory = b"II*\0\x08\0\0\0" + struct.pack("<H", 30_000) + tags + bytes(500_000)
    plain = Image.new("RGB", (100, 100))
    jpeg = encoded(plain, "JPEG")
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 5000) + tags[:60_000]
    files = {
        "wide.png": png(60_000_000, 1, chunk(b"IDAT", zlib.compress(bytes(60_000_000), 9)), colour=0),
        "ztxt.png": png(9, 9, chunk(b"zTXt", b"a\0\0" + bomb)),
        "iccp.png": png(9, 9, chunk(b"iCCP", b"a\0\0" + bomb)),
        "itxt.png": png(9, 9, *(chunk(b"zTXt", b"a%d\0\0" % n + zlib.compress(bytes(10**6))) for n in range(200))),
        "idat.png": png(9, 9, chunk(b"IDAT", bomb)),
        "exif.png": png(9, 9, chunk(b"eXIf", directory), chunk(b"IDAT", zlib.compress(bytes(9 * 28)))),
        "tags.tif": directory,
        "loop.tif": b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIII", 330, 4, 1, 8, 8),
        "exif.jpg": jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:],
        "lie.jpg": jpeg_header(20_000, 20_000),
        "lie.webp": webp_header(16_000, 16_000),
        "lie.bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60_000, 9_000, 1, 8, 1, 0, 0, 0, 0, 0),
        "minus.bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, -3, -2_000_000_000, 1, 24, *[0] * 6),
        "canvas.gif": b"GIF89a\xff\xff\xff\xff" + encoded(plain.convert("P"), "GIF")[10:],
        "endless.gif": encoded(plain.convert("P"), "GIF")[:-1] * 200,
    }
    peak, after, opened, refused = memory_of(files, tmp_path)
    assert opened + len(refused) == len(files) and opened >= 3
    assert peak < 150 and after < 60
    assert all(said.isprintable() and said.endswith(".") for said in refused)
