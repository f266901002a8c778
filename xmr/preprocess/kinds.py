"""Detects the kind of a file by its first bytes, never by its name. Uses the standard library only."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

HEAD = 4096  # bytes of a file's beginning that picture_kind needs
READ = "Give a JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC, JPEG 2000 or JPEG XL file, or a camera's RAW file."

_SUFFIXES = """
    jpg jpeg jpe jfif jif mpo jps png apng webp gif bmp dib tif tiff avif avifs heic heics heif heifs hif jxl
    jp2 j2k j2c jpc jpf jpx jpm
    dng cr2 cr3 crw nef nrw arw srf sr2 raf orf rw2 rwl raw pef srw x3f 3fr fff iiq kdc dcr erf mef mos mrw gpr
    svg svgz psd psb xcf kra ora eps ico icns tga pcx ppm pgm pbm pnm exr hdr dds jxr wdp qoi
"""
# Usual suffixes of pictures. They are only used to report files that have such a name but are not pictures.
PICTURE_SUFFIXES = frozenset("." + suffix for suffix in _SUFFIXES.split())


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name:    its name with an article: "a JPEG", "a camera's RAW file", "text".
        remedy:  a sentence that says what to do if open_picture can't read this kind; None if it can.
        picture: whether people would call such a file a picture; not true of a film, a text or a PDF.
    """

    name: str
    remedy: str | None = None
    picture: bool = True


JPEG, PNG, WEBP, GIF = Kind("a JPEG"), Kind("a PNG"), Kind("a WebP"), Kind("a GIF")
BMP, TIFF, AVIF, HEIC = Kind("a BMP"), Kind("a TIFF"), Kind("an AVIF"), Kind("a HEIC photo")
JPEG_2000, JPEG_XL, RAW = Kind("a JPEG 2000"), Kind("a JPEG XL"), Kind("a camera's RAW file")
SVG = Kind("an SVG drawing", "Save it as PNG first.")  # only open_sketch reads it

_EXPORT = "Export it as PNG or JPEG first."
_FILM = Kind("a film", "Save one of its frames as PNG or JPEG first.", picture=False)
_ZIP = Kind("a ZIP archive", "Unpack it first.", picture=False)
_PDF = Kind("a PDF", "Save the page as PNG or JPEG first.", picture=False)
_POSTSCRIPT = Kind("a PostScript file", _EXPORT)
_PAGE = Kind("a web page", "Save the picture that it shows, not the page.", picture=False)

_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", JPEG_2000),
    (b"\xff\x4f\xff\x51", JPEG_2000),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", JPEG_XL),
    (b"\xff\x0a", JPEG_XL),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"FOVb", RAW),
    (b"\x00MRM", RAW),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"IIU\x00", RAW),
    (b"II\x1a\x00\x00\x00HEAPCCDR", RAW),
    (b"8BPS", Kind("a Photoshop file", _EXPORT)),
    (b"gimp xcf", Kind("a GIMP file", _EXPORT)),
    (b"%PDF", _PDF),
    (b"%!PS", _POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", _POSTSCRIPT),
    (b"\x00\x00\x01\x00", Kind("a Windows icon", _EXPORT)),
    (b"icns", Kind("a Mac icon", _EXPORT)),
    (b"v/1\x01", Kind("an OpenEXR picture", _EXPORT)),
    (b"#?RADIANCE", Kind("a Radiance HDR picture", _EXPORT)),
    (b"DDS ", Kind("a DDS texture", _EXPORT)),
    (b"II\xbc", Kind("a JPEG XR", _EXPORT)),
    (b"qoif", Kind("a QOI picture", _EXPORT)),
    (b"\x1aE\xdf\xa3", _FILM),
    (b"\x00\x00\x01\xba", _FILM),
    (b"FLV\x01", _FILM),
    (b"0&\xb2u\x8ef\xcf\x11", _FILM),
    *((b"P%c%c" % (digit, space), Kind("a Netpbm picture", _EXPORT)) for digit in b"123456" for space in b"\n\r\t #"),
)


def picture_kind(head: bytes) -> Kind | None:
    """The kind of a file, by its first bytes.

    If `kind.remedy` is None, open_picture reads this kind (it may still fail, if the file is damaged or too large or a
    package is missing). Otherwise it can't; if `kind.picture`, people would expect it to be read, so a caller that
    skips the file should report it with `kind.name` and `kind.remedy`.

    Args:
        head: the first HEAD bytes of the file, or the whole file if it is shorter.

    Returns:
        None if the kind is unknown, or if there are no bytes.

    >>> picture_kind(b"GIF89a...")
    Kind(name='a GIF', remedy=None, picture=True)
    >>> picture_kind(b"8BPS...").remedy
    'Export it as PNG or JPEG first.'
    >>> picture_kind(b"milk, bread and butter").picture
    False
    """
    for beginning, kind in _SIGNATURES:
        if head.startswith(beginning):
            return kind
    if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return RAW if is_raw(io.BytesIO(head)) else TIFF
    if head[:4] == b"RIFF":
        form = head[8:12]
        return WEBP if form == b"WEBP" else _FILM if form == b"AVI " else None
    if head[4:8] == b"ftyp":
        return _boxed(head)
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124):
        return BMP
    if head.startswith(b"PK\x03\x04"):
        painted = head[30:38] == b"mimetype" and (b"krita" in head[:80] or b"openraster" in head[:80])
        return Kind("a layered painting", _EXPORT) if painted else _ZIP
    return _text(head)


def _boxed(head: bytes) -> Kind:
    """The kind of an ISO base media file, by the brands in its first box."""
    size = min(max(int.from_bytes(head[:4], "big"), 16), len(head))
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, size - 3, 4)}
    if b"crx " in brands:
        return RAW
    if brands & {b"avif", b"avis"}:
        return AVIF
    if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}:
        return HEIC
    return _FILM


def _text(head: bytes) -> Kind | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return _PAGE
    if start.startswith(b"<svg") or start.startswith((b"<?xml", b"<!--", b"<!doctype")) and b"<svg" in start:
        return SVG
    if head and all(byte in b"\t\n\r" or byte >= 32 and byte != 127 for byte in head):
        return Kind("text", READ, picture=False)
    return None


def is_raw(file: BinaryIO) -> bool:
    """Whether a TIFF is a camera's RAW file, whose first page is often only a small preview.

    The tags of the first page tell: a DNG version, a colour filter array, a manufacturer's compression, or that the
    page is a reduced copy of another one.
    """
    file.seek(0)
    start = file.read(10)
    order = "<" if start.startswith(b"II") else ">"
    if start[8:10] == b"CR":
        return True
    try:
        if start[2:4] in (b"+\x00", b"\x00+"):  # BigTIFF: no camera writes it
            return False
        file.seek(struct.unpack(order + "I", start[4:8])[0])
        (count,) = struct.unpack(order + "H", file.read(2))
        entries = file.read(12 * count)
    except (struct.error, OSError, OverflowError, ValueError):
        return False
    for at in range(0, len(entries) - 11, 12):
        tag, type, _, value = struct.unpack(order + "HHI4s", entries[at : at + 12])
        number = struct.unpack(order + ("H" if type == 3 else "I"), value[: 2 if type == 3 else 4])[0]
        if tag == 50706:  # DNGVersion
            return True
        if tag == 254 and number & 1:  # NewSubfileType: a reduced copy
            return True
        if tag == 259 and number in (32767, 32769, 32770, 34713, 65000, 65535):  # compressions of Sony, Epson, ...
            return True
        if tag == 262 and number in (32803, 34892):  # a colour filter array, or one made linear
            return True
    return False


def jxl_header(file: BinaryIO) -> tuple[int, int, bool]:
    """Width, height and whether it is animated, of a JPEG XL file (ISO/IEC 18181-1, annex D).

    Its decoder only reports them after decoding everything.

    Raises:
        ValueError: the header is incomplete.
    """
    file.seek(0)
    start = file.read(12)
    file.seek(0)
    if not start.startswith(b"\xff\x0a"):
        _seek_codestream(file)
    bits = _Bits(file.read(64)[2:])
    width, height = _jxl_size(bits)
    animated = False
    if not bits.read(1) and bits.read(1):  # not all_default, extra_fields
        bits.read(3)  # orientation
        if bits.read(1):  # intrinsic size
            _jxl_size(bits)
        if bits.read(1):  # a preview
            raise ValueError("a preview inside")
        animated = bool(bits.read(1))
    return width, height, animated


def _seek_codestream(file: BinaryIO) -> None:
    """Seek to the codestream inside the boxes of a JPEG XL file."""
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise ValueError("no picture inside")
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"jxlp":
            file.read(4)  # its number
        if kind in (b"jxlc", b"jxlp"):
            return
        if size == 1:
            size = int.from_bytes(file.read(8), "big") - 8
        if size < 8:
            raise ValueError("no picture inside")
        file.seek(size - 8, io.SEEK_CUR)


class _Bits:
    """Reads integers of a given number of bits, lowest bit first."""

    def __init__(self, data: bytes) -> None:
        self.value, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def read(self, count: int) -> int:
        if count > self.left:
            raise ValueError("its header is cut off")
        number = self.value & ((1 << count) - 1)
        self.value >>= count
        self.left -= count
        return number


def _jxl_size(bits: _Bits) -> tuple[int, int]:
    small = bits.read(1)

    def side() -> int:
        return 8 * (bits.read(5) + 1) if small else bits.read((9, 13, 18, 30)[bits.read(2)]) + 1

    height = side()
    ratio = bits.read(3)
    if ratio == 0:
        return side(), height
    across, down = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
    return height * across // down, height


def jp2_levels(file: BinaryIO) -> int:
    """How often a JPEG 2000 can be halved while decoding (ISO/IEC 15444-1, A.6.1); 0 if its header doesn't say."""
    file.seek(0)
    data = file.read(1 << 16)
    at = data.find(b"\xff\x4f\xff\x51") + 2  # the first of the markers, each followed by its length
    while at >= 2 and at + 9 < len(data):
        if data[at : at + 2] == b"\xff\x52":  # the coding style
            return min(data[at + 9], 32)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0
