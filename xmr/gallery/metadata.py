"""What a photo's file, its sidecars and its folder's table say of it: date, camera and place as facts, and captions.

Nothing here fails: what cannot be read is passed over, since it must not keep a photo from being found.
"""

from __future__ import annotations

import codecs
import csv
import errno
import io
import json
import math
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.IptcImagePlugin import getiptcinfo
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from xmr.preprocess import kinds

SIDECARS = (".txt", ".json", ".xmp")
TABLES = ("captions.csv", "captions.jsonl")
_LARGEST = 1_000_000  # letters of a sidecar, bytes of a box in a photo
_LARGEST_TABLE = 200_000_000
_LARGEST_ROW, _MOST_COLUMNS = 100_000, 1_000  # letters of a row of a table; columns of a CSV
_LARGEST_WHOLE = 50_000_000  # of a file that is read as a whole to see its head
_RAW_HEAD = 1_000_000  # bytes of a RAW file in which its tags begin
_LONGEST, _MOST = 2_000, 20  # letters of a caption; captions of a photo
FACTS, LONGEST_FACT = 40, 200  # facts of a photo; letters of one
_NAME = re.compile(r"[\w -]{1,40}")
_RESERVED = {"file", "folder", "language"}
_WHOLE = (kinds.WEBP, kinds.AVIF, kinds.HEIC)  # kinds whose readers take the whole file
_TIFF = (b"II*\0", b"MM\0*")
_EXIF, _GPS = 0x8769, 0x8825  # directories inside EXIF
_DESCRIPTION, _MAKE, _MODEL, _CHANGED = 0x010E, 0x010F, 0x0110, 0x0132
_TAKEN, _DIGITIZED, _COMMENT = 0x9003, 0x9004, 0x9286
_XP = (0x9C9B, 0x9C9C)  # Windows' title and comment, in UTF-16
_IPTC_CAPTION = (2, 120)
_CAMERA_WORDS = re.compile(
    r"(olympus|konica|minolta|sony|samsung|kodak|hdr).*|.*(digital ?camera|\bdsc)\b.*|dcim.*", re.I
)
_GERMAN = re.compile(
    r"[äöüß]|\b(der|die|das|den|dem|ein|eine|einen|einem|einer|und|im|ist|auf|mit|vor|zwei|beim|zum|zur|vom)\b", re.I
)
_RDF, _DC = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://purl.org/dc/elements/1.1/}"
_AS_WINDOWS = "xmr.windows-1252"  # how bytes that are no UTF-8 are read
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass
class Told:
    """What is said of a photo.

    Attributes:
        facts:    such as taken (ISO 8601), camera, latitude and longitude (degrees).
        captions: (language, text) pairs.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    captions: list[tuple[str, str]] = field(default_factory=list)

    def fact(self, name: Any, value: Any) -> None:
        """Add a fact, unless there is one of this name, or it is none."""
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _RESERVED | self.facts.keys():
            return
        if isinstance(value, str):
            value = _tidy(value)[:LONGEST_FACT]
        good = isinstance(value, (str, bool)) or (isinstance(value, (int, float)) and abs(value) < 2**53)
        if name == "category" and not isinstance(value, str):
            return
        if good and value != "" and len(self.facts) < FACTS:
            self.facts[name] = value

    def caption(self, text: Any, language: Any = None) -> None:
        """Add a caption, unless it is there already; its language is guessed where none is given."""
        if not isinstance(text, str):
            return
        text = _tidy(text)[:_LONGEST]
        if not any(letter.isalpha() for letter in text) or len(self.captions) >= _MOST:
            return
        if not isinstance(language, str) or not re.fullmatch(r"[A-Za-z]{2}([-_].{1,20})?", language):
            language = language_of(text)
        if text not in {known for _, known in self.captions}:
            self.captions.append((language[:2].lower(), text))

    def add(self, other: Told) -> None:
        """Add what was told elsewhere; what is known already stays."""
        for name, value in other.facts.items():
            self.fact(name, value)
        for language, text in other.captions:
            self.caption(text, language)


def _tidy(text: str) -> str:
    """Text on one line that can be stored: halves of letters, which JSON may have, become "?"."""
    return " ".join(text.replace("\0", " ").encode(errors="replace").decode().split())


def language_of(text: str) -> str:
    """Whether a caption is German or English, by its letters and small words.

    >>> language_of("ein Hund am Strand"), language_of("a dog on the beach")
    ('de', 'en')
    """
    return "de" if _GERMAN.search(text) else "en"


def read_metadata(file: BinaryIO, sidecars: Sequence[Path] = (), row: Told | None = None) -> Told:
    """What is said of a photo: in its row of a table first, then in its sidecars, then in the file itself.

    Args:
        file: the open photo, at any position.
        sidecars: .txt (captions, one a line), .json and .xmp files beside it.
        row: what its folder's table says.
    """
    told = Told()
    if row is not None:
        told.add(row)
    for path in sidecars:
        _try(_SIDECAR_READERS[path.suffix.lower()], told, path)
    _try(_of_file, told, file)
    return told


def _try(read: Any, told: Told, source: Any) -> None:
    try:
        read(told, source)
    except Exception:  # whatever is in these files was written by other programs, and is no reason to fail
        return


# ---------------------------------------------------------------- inside the photo


def _of_file(told: Told, file: BinaryIO) -> None:
    file.seek(0)
    kind = kinds.picture_kind(file.read(kinds.HEAD))
    if kind in _WHOLE and file.seek(0, io.SEEK_END) > _LARGEST_WHOLE:
        return
    file.seek(0)
    if kind is kinds.TIFF and kinds.is_raw(file):
        kind = kinds.RAW
    if kind in _OTHERS:
        _OTHERS[kind](told, file)
    elif kind in _READERS:
        file.seek(0)
        image = _READERS[kind](file)  # reads the head; pixels are not decoded
        _try(_of_xmp, told, image.info.get("xmp") or image.info.get("XML:com.adobe.xmp"))
        if kind in (kinds.JPEG, kinds.TIFF):
            _try(_of_iptc, told, image)
        _of_exif(told, image.getexif())


def _heic(file: BinaryIO) -> Any:
    from pi_heif import HeifImageFile

    return HeifImageFile(file)


_READERS: dict[kinds.Kind, Any] = {
    kinds.JPEG: JpegImageFile,
    kinds.PNG: PngImageFile,
    kinds.TIFF: TiffImageFile,
    kinds.WEBP: WebPImageFile,
    kinds.AVIF: AvifImageFile,
    kinds.HEIC: _heic,
}


def _of_jxl(told: Told, file: BinaryIO) -> None:
    """What the boxes of a JPEG XL say; its reader would decode the picture to find them."""
    file.seek(0)
    while len(head := file.read(8)) == 8:
        size, name = int.from_bytes(head[:4], "big") - 8, head[4:]
        if size == -7:  # the size comes after the name
            size = int.from_bytes(file.read(8), "big") - 16
        if size < 0:  # the last one, or no box
            return
        if name not in (b"Exif", b"xml ") or size > _LARGEST:
            file.seek(size, io.SEEK_CUR)
        elif name == b"Exif":
            data = file.read(size)
            start = 0 if data.startswith(_TIFF) else 4 + int.from_bytes(data[:4], "big")
            _try(_of_exif, told, _exif(data[start:]))
        else:
            _try(_of_xmp, told, file.read(size))


def _of_raw(told: Told, file: BinaryIO) -> None:
    """The EXIF of a camera's RAW file. Most are built as a TIFF; Canon's newer ones have it in three boxes, Fuji's in a
    JPEG. LibRaw gives the date alone, and not its time zone."""
    file.seek(0)
    head = file.read(_RAW_HEAD)
    if head[4:8] == b"ftyp":
        main, inner, gps = (_exif(_box(head, name)) for name in (b"CMT1", b"CMT2", b"CMT4"))
        _of_tags(told, main, inner, gps)
    elif head.startswith(b"FUJIFILMCCD-RAW"):
        at, size = (int.from_bytes(head[place : place + 4], "big") for place in (84, 88))
        file.seek(at)
        _of_exif(told, JpegImageFile(io.BytesIO(file.read(min(size, _LARGEST_WHOLE)))).getexif())
    elif head[:2] in (b"II", b"MM"):
        exif = Image.Exif()
        exif.endian = "<" if head[:2] == b"II" else ">"  # said here, for some cameras have a number of their own for 42
        exif.load_from_fp(file, int.from_bytes(head[4:8], "little" if head[:2] == b"II" else "big"))
        _of_exif(told, exif)


def _box(head: bytes, name: bytes) -> bytes:
    """What a box of this name has in it; nothing if there is none."""
    at = head.find(name)
    return head[at + 4 : at - 4 + int.from_bytes(head[at - 4 : at], "big")] if at >= 4 else b""


def _exif(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(data)
    return exif


_OTHERS: dict[kinds.Kind, Any] = {kinds.JPEG_XL: _of_jxl, kinds.RAW: _of_raw}


def _of_exif(told: Told, exif: Any) -> None:
    _of_tags(told, exif, exif.get_ifd(_EXIF), exif.get_ifd(_GPS))


def _of_tags(told: Told, exif: Any, inner: Any, gps: Any) -> None:
    """What the tags of a picture, of its exposure and of its place say."""
    for value in (inner.get(_TAKEN), inner.get(_DIGITIZED), exif.get(_CHANGED)):
        if "taken" not in told.facts:
            _try(_date, told, value)
    make, model = (" ".join(str(exif.get(tag) or "").replace("\0", " ").split()) for tag in (_MAKE, _MODEL))
    told.fact("camera", model if model.lower().startswith(make.lower().split(" ")[0]) else f"{make} {model}")
    _try(_position, told, gps)
    for tag in _XP:
        value = exif.get(tag)
        _exif_caption(told, bytes(value).decode("utf-16-le", "replace") if value else None)
    _exif_caption(told, exif.get(_DESCRIPTION))
    comment = inner.get(_COMMENT)
    if isinstance(comment, bytes) and comment[:8].rstrip(b"\0") == b"ASCII":
        _exif_caption(told, comment[8:].decode("utf-8", "replace"))


def _exif_caption(told: Told, text: Any) -> None:
    """A description, unless it is one of those that cameras write into every photo."""
    if isinstance(text, str) and not _CAMERA_WORDS.fullmatch(text.replace("\0", " ").strip()):
        told.caption(text)


def _date(told: Told, value: Any) -> None:
    told.fact("taken", datetime.strptime(str(value).strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S").isoformat())


def _position(told: Told, gps: Mapping[int, Any]) -> None:
    found = []
    for sign_at, at, negative in ((1, 2, "S"), (3, 4, "W")):
        degrees, minutes, seconds = (float(part) for part in gps[at])
        angle = degrees + minutes / 60 + seconds / 3600
        found.append(-angle if str(gps.get(sign_at, "")).upper().startswith(negative) else angle)
    _place(told, *found)


def _place(told: Told, latitude: float, longitude: float) -> None:
    if math.isfinite(latitude + longitude) and abs(latitude) <= 90 and abs(longitude) <= 180:
        told.fact("latitude", round(latitude, 6))
        told.fact("longitude", round(longitude, 6))


def _of_iptc(told: Told, image: Any) -> None:
    value = (getiptcinfo(image) or {}).get(_IPTC_CAPTION)
    for one in value if isinstance(value, list) else [value]:
        _exif_caption(told, one.decode("utf-8", "replace") if isinstance(one, bytes) else None)


def _of_xmp(told: Told, packet: bytes | str | None) -> None:
    """The descriptions of an XMP packet, each with its language."""
    from defusedxml.ElementTree import fromstring

    if not packet or len(packet) > _LARGEST:
        return
    root = fromstring(packet.strip(b"\0 \r\n\t") if isinstance(packet, bytes) else packet)
    for name in ("description", "title"):
        for found in root.iter(f"{_DC}{name}"):
            for each in found.iter(f"{_RDF}li"):
                language = each.get(_LANG)
                told.caption(each.text, None if language == "x-default" else language)


# ---------------------------------------------------------------- beside the photo


@contextmanager
def open_text(path: Path) -> Iterator[io.TextIOWrapper]:
    """A text file beside the photos, open for reading: UTF-8, or UTF-16 with its mark, as Windows' programs write it;
    bytes that are no UTF-8 are read as Windows-1252.

    Raises:
        OSError: it can't be read, or is no file: a pipe would never answer, and a device never end.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    with open(path, "rb") as file:
        marked = file.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        encoding, otherwise = ("utf-16", "replace") if marked else ("utf-8-sig", _AS_WINDOWS)
        yield io.TextIOWrapper(file, encoding, otherwise, newline="")


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_AS_WINDOWS, _as_windows)


def _small(path: Path) -> str:
    """What a sidecar says; nothing if it is too large."""
    with open_text(path) as file:
        found = file.read(_LARGEST + 1)
    return "" if len(found) > _LARGEST else found


def _of_txt(told: Told, path: Path) -> None:
    for line in _small(path).splitlines():
        told.caption(line)


def _of_json(told: Told, path: Path) -> None:
    told.add(told_in(json.loads(_small(path))))


_SIDECAR_READERS = {
    ".txt": _of_txt,
    ".json": _of_json,
    ".xmp": lambda told, path: _of_xmp(told, _small(path).strip()),
}


def told_in(given: Any) -> Told:
    """What a JSON object or a row of a table says: "caption", "description" or "text", with "language"; "captions", a
    list, or an object of lists by language; "facts", an object; and, as Google's archives have it, the time and place.

    >>> told_in({"caption": "Ein Hund", "facts": {"category": "dog"}})
    Told(facts={'category': 'dog'}, captions=[('de', 'Ein Hund')])
    """
    told = Told()
    if not isinstance(given, dict):
        return told
    for name in ("caption", "description", "text"):
        told.caption(given.get(name), given.get("language"))
    captions = given.get("captions")
    by_language = captions.items() if isinstance(captions, dict) else [(given.get("language"), captions)]
    for language, texts in by_language:
        for text in texts if isinstance(texts, list) else [texts]:
            told.caption(text, language)
    if isinstance(facts := given.get("facts"), dict):
        for name, value in facts.items():
            told.fact(name, value)
    if isinstance(taken := given.get("photoTakenTime"), dict):
        told.fact("taken", datetime.fromtimestamp(int(taken["timestamp"]), UTC).isoformat()[:19])
    if isinstance(geo := given.get("geoData"), dict) and (geo.get("latitude") or geo.get("longitude")):
        _place(told, float(geo["latitude"]), float(geo["longitude"]))
    return told


def read_tables(paths: Iterable[Path]) -> dict[Path, Told]:
    """What tables say of the photos of their folders, by path: captions.csv, whose columns are "file", "caption",
    "language" and facts, and captions.jsonl, with an object a line, as `told_in` takes it, with its "file". A CSV's
    columns are separated by commas, semicolons, as in German spreadsheets, or tabs. A line that cannot be read is
    passed over."""
    found: dict[Path, Told] = {}
    for path in paths:
        try:
            if path.stat().st_size > _LARGEST_TABLE:
                continue
            with open_text(path) as file:
                lines = _lines(file)
                for given in _rows(lines) if path.suffix.lower() == ".csv" else map(_object, lines):
                    name = given.get("file")
                    if isinstance(name, str) and name.strip():
                        _try(_of_row, found.setdefault(path.parent / name.strip(), Told()), given)
        except (OSError, csv.Error, ValueError):
            continue
    return found


def _of_row(told: Told, given: dict[str, Any]) -> None:
    told.add(told_in(given))
    for key, value in given.items():
        if isinstance(given, _Row) and key not in ("file", "caption", "description", "text"):
            told.fact(key, _number(value))


class _Row(dict[str, Any]):
    """One of a CSV, whose columns may be facts."""


def _lines(file: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a table but for those that are far longer than any row: once read, they may take gigabytes."""
    while line := file.readline(_LARGEST_ROW):
        if len(line) < _LARGEST_ROW:
            yield line
        else:
            while line and not line.endswith(("\n", "\r")):
                line = file.readline(_LARGEST_ROW)


def _rows(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    head = next(lines, "")
    delimiter = max(",;\t", key=head.count)
    if head.count(delimiter) < _MOST_COLUMNS:
        yield from map(_Row, csv.DictReader(chain([head], lines), delimiter=delimiter))


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _number(text: Any) -> Any:
    """A number that was written as text; any other text as it is."""
    try:
        return (
            int(text)
            if re.fullmatch(r"-?\d{1,15}", text)
            else float(text)
            if re.fullmatch(r"-?\d+\.\d+", text)
            else text
        )
    except TypeError:
        return None
