"""What a file is, by its first bytes alone."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from tests.xmr.preprocess.files import HEIC, dng, encoded
from xmr.preprocess import kinds
from xmr.preprocess.kinds import HEAD, PICTURE_SUFFIXES, jxl_header, picture_kind


@pytest.mark.parametrize(
    ("format", "kind"),
    [
        ("JPEG", kinds.JPEG),
        ("MPO", kinds.JPEG),
        ("PNG", kinds.PNG),
        ("WEBP", kinds.WEBP),
        ("GIF", kinds.GIF),
        ("BMP", kinds.BMP),
        ("TIFF", kinds.TIFF),
        ("AVIF", kinds.AVIF),
        ("JPEG2000", kinds.JPEG_2000),
    ],
)
def test_what_pillow_writes_is_told_by_its_content(format, kind):
    assert picture_kind(encoded(Image.new("RGB", (9, 7), "red"), format)[:HEAD]) == kind and kind.remedy is None


def test_photos_of_phones_and_cameras_are_told_by_their_content():
    raw = dng(Image.new("RGB", (64, 48), "red"))
    assert picture_kind(HEIC[:HEAD]) is kinds.HEIC and picture_kind(raw) is kinds.RAW
    for beginning in (
        b"FUJIFILMCCD-RAW 0201",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x18\0\0\0",
        b"FOVb",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
        b"II*\0\x10\0\0\0CR\x02\0",
    ):
        assert picture_kind(beginning + bytes(40)) is kinds.RAW
    for brands, kind in (
        (b"mif1\0\0\0\0mif1avif", kinds.AVIF),
        (b"mif1\0\0\0\0mif1heic", kinds.HEIC),
        (b"isom\0\0\2\0isomiso2", None),
        (b"qt  \0\0\0\0qt  ", None),
    ):
        told = picture_kind(struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(40))
        assert told is kind or kind is None and not told.picture and "frame" in told.remedy
    assert picture_kind(b"\xff\x0a\x00") is kinds.JPEG_XL is picture_kind(b"\0\0\0\x0cJXL \r\n\x87\n\0\0")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"8BPS\0\1", "a Photoshop file"),
        (b"gimp xcf file", "a GIMP file"),
        (b"%!PS-Adobe-3.0 EPSF", "a PostScript file"),
        (b"<svg>", "an SVG drawing"),
        (b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg width="9">', "an SVG drawing"),
        (b"\0\0\1\0\1\0\x10\x10", "a Windows icon"),
        (b"P6 9 9 255\n", "a Netpbm picture"),
        (b"v/1\1\2\0\0\0", "an OpenEXR picture"),
    ],
)
def test_a_picture_that_cannot_be_read_is_named_with_a_remedy(head, name):
    kind = picture_kind(head)
    assert kind.name == name and kind.picture and kind.remedy.endswith("first.")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"PK\3\4" + bytes(60), "a ZIP archive"),
        (b"\x1aE\xdf\xa3\1", "a film"),
        (b"RIFF\0\0\0\0AVI LIST", "a film"),
        (b"<!DOCTYPE html><html>", "a web page"),
        ("Milch, Brot, Käse\n".encode(), "text"),
    ],
)
def test_what_nobody_takes_for_a_picture_is_told_apart(head, name):
    kind = picture_kind(head)
    assert kind.name == name and not kind.picture and kind.remedy


@pytest.mark.parametrize("head", [b"", bytes(100), bytes(range(256)), b"RIFF\0\0\0\0WAVEfmt ", b"BM what a day\0"])
def test_unknown_bytes_are_of_no_kind(head):
    assert picture_kind(head) is None


def test_a_tiff_is_no_raw_file_and_directories_that_lead_nowhere_do_no_harm():
    pages = [Image.new("RGB", (90, 70), colour) for colour in ("red", "blue")]
    assert picture_kind(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])) is kinds.TIFF
    eight = b"\x08\0\0\0"
    for start in (b"", b"\xff\xff\xff\xff", eight, eight + b"\xff\xff", eight + b"\xff" * 500):
        assert picture_kind(b"II*\0" + start) is kinds.TIFF


def test_suffixes_are_lower_case_and_have_a_dot():
    assert {".jpg", ".jpe", ".heic", ".nef", ".psd"} <= PICTURE_SUFFIXES
    assert all(suffix[0] == "." and suffix == suffix.lower() for suffix in PICTURE_SUFFIXES)
    assert not PICTURE_SUFFIXES & {".pdf", ".mp4", ".txt"}


@pytest.mark.parametrize("size", [(8, 8), (256, 256), (64, 48), (301, 7), (20, 3000)])
@pytest.mark.parametrize("container", [False, True])
def test_the_size_of_a_jpeg_xl_is_told_from_its_header(size, container):
    pytest.importorskip("pillow_jxl")
    content = encoded(Image.new("RGB", size, "red"), "JXL", use_container=container)
    assert jxl_header(io.BytesIO(content)) == (*size, False)
    for end in (2, 3):
        with pytest.raises(ValueError):
            jxl_header(io.BytesIO(content[:end]))
