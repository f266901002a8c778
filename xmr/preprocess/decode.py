"""Decodes picture files of every kind within limits of size and memory: upright, no larger than needed."""

from __future__ import annotations

import ctypes
import io
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from xmr.modality import BadInput
from xmr.preprocess import kinds
from xmr.preprocess.kinds import Kind, is_raw, jp2_levels, jxl_header, picture_kind
from xmr.preprocess.rgb import reduced_rgb, to_rgb

MAX_SIDE = 65_535  # px: the limit of JPEG
MAX_PIXELS = 512_000_000  # per file, even if it is decoded at 1/8 of its size, which takes some seconds
MAX_MEMORY = 512_000_000  # bytes for decoding one picture: enough for a colour PNG of 64 Mpixel
MAX_BYTES = 256_000_000  # size of a file whose format must be read completely before decoding
MAX_RESULT_PIXELS = 16_000_000  # larger pictures are always reduced

_LARGE = 16_000_000  # bytes; only one decode that takes more than this runs at a time
_ONE_AT_A_TIME = threading.RLock()
# Peak memory of the decoders, in bytes per pixel, including the result; others take twice the decoded picture.
_COST = {
    kinds.WEBP: 16,
    kinds.GIF: 16,
    kinds.AVIF: 10,
    kinds.JPEG_2000: 20,
    kinds.JPEG_XL: 16,
    kinds.HEIC: 8,
    kinds.RAW: 12,
}
_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}  # bytes per pixel by mode; 4 in any other
_PIL_READERS = {
    kinds.PNG: PngImageFile,
    kinds.WEBP: WebPImageFile,
    kinds.GIF: GifImageFile,
    kinds.BMP: BmpImageFile,
    kinds.TIFF: TiffImageFile,
    kinds.AVIF: AvifImageFile,
}

_ENOUGH_ROWS = 0.75  # least share of a picture's rows whose file ends too early
_MAX_PASSES = 2_000_000_000  # pixels x scans of a progressive JPEG (usually 10 scans), which takes some seconds
_PREVIEW = 512  # px a side of a RAW file's preview that are enough, if the caller names no size
_ANIMATED = (kinds.PNG, kinds.WEBP, kinds.GIF, kinds.AVIF)  # kinds that can be animated
_FLAT = 6.0  # standard deviation of a frame's colours (of 255) below which it is blank
_FRAMES = 100  # frames to search in an animation that begins with a blank one
_FRAMES_PIXELS = 32_000_000  # pixels of all of these frames

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF orientation -> the transposition that makes the picture upright


@dataclass(frozen=True)
class Job:
    """A picture to decode.

    Attributes:
        name:        for error messages.
        path:        the file's path, if it was given by its path.
        file:        the open file.
        at_least:    pixels a side that are needed; None for all.
        turn:        what is entered into this stack is released when the picture is open.
        orientation: EXIF orientation to use instead of the file's.
        transparent: keep transparency.
    """

    name: str
    path: str | None
    file: BinaryIO
    at_least: int | None
    turn: ExitStack
    orientation: int | None = None
    transparent: bool = False

    def pixels(self, width: int, height: int) -> int:
        """The number of pixels; raises BadInput if it, or a side, is above the limits."""
        if max(width, height) > MAX_SIDE:
            raise BadInput(
                f"{self.name} is {width} x {height} px; at most {MAX_SIDE} px a side are accepted. Cut it up first."
            )
        if width * height > MAX_PIXELS:
            raise self._too_large(width * height, MAX_PIXELS)
        return width * height

    def wait(self, pixels: int, cost: float) -> None:
        """Before a decode that takes `cost` bytes: wait until no other large one runs. BadInput above the limit."""
        if cost > MAX_MEMORY:
            raise self._too_large(pixels, pixels * MAX_MEMORY / cost)
        if cost > _LARGE:
            self.turn.callback(_give_back)
            self.turn.enter_context(_ONE_AT_A_TIME)

    def _too_large(self, pixels: int, most: float) -> BadInput:
        return BadInput(
            f"{self.name} has {pixels / 1e6:.0f} Mpixel; at most {most / 1e6:.0f} are accepted. Make it smaller first."
        )


def _give_back() -> None:
    """Return freed memory to the system; glibc would keep it for each thread."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def kind_of(job: Job, head: bytes) -> Kind:
    """The kind of a file by its first HEAD bytes; raises BadInput if `decode` can't read it."""
    if not head:
        raise BadInput(f"{job.name} is empty. Choose a picture file, such as a JPEG or PNG.")
    kind = picture_kind(head)
    if kind is None:
        raise BadInput(f"{job.name} is not a picture that can be read. {kinds.READ}")
    if kind.remedy:
        raise BadInput(f"{job.name} is not a picture that can be read: it looks like {kind.name}. {kind.remedy}")
    return kinds.RAW if kind is kinds.TIFF and is_raw(job.file) else kind


def decode(job: Job, kind: Kind) -> Image.Image:
    """Decode a file of a known kind: upright, RGB (or RGBA), reduced as far as `job.at_least` allows.

    Raises:
        BadInput:  it is too large or of a variant that isn't read.
        Exception: the readers' own errors for a damaged file.
    """
    if kind in (kinds.WEBP, kinds.AVIF, kinds.HEIC, kinds.JPEG_XL) or kind is kinds.RAW and job.path is None:
        length = job.file.seek(0, io.SEEK_END)
        if length > MAX_BYTES:
            raise BadInput(
                f"{job.name} has {length / 1e6:.0f} MB; of {kind.name}, at most {MAX_BYTES / 1e6:.0f} are read. "
                "Save it as JPEG first."
            )
    job.file.seek(0)
    if kind in _OPENERS:
        return _OPENERS[kind](job)
    image = _PIL_READERS[kind](job.file)
    pixels = job.pixels(*image.size)
    job.wait(pixels, pixels * _COST.get(kind, 2 * _PIXEL.get(image.mode, 4)))
    try:
        image.load()
    except OSError as error:
        if kind is not kinds.PNG or "interlace" in image.info or "truncated" not in str(error):
            raise
        image.tile = []  # the rows before the end are decoded
        return _finish_cut(image, job, (0, 0))
    return _finish(_first_with_content(image) if kind in _ANIMATED else image, job)


def size_of(job: Job, kind: Kind) -> tuple[int, int]:
    """Width and height of a file of a known kind, by its header; a large picture costs no more than a small one.
    Raises the readers' own errors for a damaged file."""
    job.file.seek(0)
    if kind is kinds.JPEG_XL:
        return jxl_header(job.file)[:2]
    if kind is kinds.HEIC:
        from pi_heif import HeifImageFile

        return HeifImageFile(job.file).size
    if kind is kinds.RAW:
        import rawpy

        with rawpy.imread(job.path or job.file) as raw:
            return raw.sizes.width, raw.sizes.height
    readers = _PIL_READERS | {kinds.JPEG: JpegImageFile, kinds.JPEG_2000: Jpeg2KImageFile}
    return readers[kind](job.file).size


def _open_jpeg(job: Job) -> Image.Image:
    image = _Jpeg(job.file)
    pixels = job.pixels(*image.size)
    cost = 0.0
    if not image.is_sequential():  # a progressive decoder keeps all coefficients, whatever the size
        passes = _count(job.file, b"\xff\xda")
        if passes * pixels > _MAX_PASSES:
            raise BadInput(f"{job.name} is a JPEG in {passes} passes, too many for its size. Save it as a plain one.")
        cost = 2 * pixels * image.samples()
    scale = _reduction(*image.size, job.at_least, most=8)
    image.draft("RGB", (image.width // scale, image.height // scale))
    job.wait(pixels, cost + 8 * image.width * image.height)
    image.load()
    return _finish_cut(image, job, (127, 129)) if image.short else _finish(image, job)


class _Jpeg(JpegImageFile):
    """A JPEG whose end may be missing; then `short` is True after loading, and the missing part is grey."""

    short = False

    def load_read(self, read_bytes: int) -> bytes:
        data = self.fp.read(read_bytes)
        if not data and not self.short:
            self.short = True
            return b"\xff\xd9"  # the end-of-image marker that the decoder waits for
        return data

    def samples(self) -> float:
        """Samples per pixel: 3, or fewer with chroma subsampling."""
        _, down, across, _ = zip(*self.layer, strict=True)
        return sum(d * a for d, a in zip(down, across, strict=True)) / max(1, max(down) * max(across))

    def is_sequential(self) -> bool:
        """Whether all components are in one scan, so that rows can be decoded as they are read."""
        length = 6 + 2 * self.layers  # of the first scan's header, which has just been read
        self.fp.seek(-length, io.SEEK_CUR)
        header = self.fp.read(length)
        return "progressive" not in self.info and header[:3] == bytes([0, length, self.layers])


def _finish_cut(image: Image.Image, job: Job, missing: tuple[int, int]) -> Image.Image:
    """`_finish` for a picture whose file ends too early: cropped to its rows, with a note about it.

    missing: the lowest and highest level of rows that were not decoded.

    Raises:
        BadInput: too many rows are missing.
    """
    low, high = missing
    levels = np.asarray(image).reshape(image.height, -1)
    there = np.flatnonzero(((levels < low) | (levels > high)).any(axis=1))
    rows = int(there[-1]) + 1 if len(there) else 0
    lost = 1 - rows / image.height
    if lost > 1 - _ENOUGH_ROWS:
        raise BadInput(f"{job.name} is damaged: it ends too early, and {lost:.0%} of it are missing. Copy it again.")
    finished = _finish(image.crop((0, 0, image.width, rows)) if lost else image, job)
    finished.info["note"] = (
        f"{job.name} ends too early; it was read without its last {lost:.1%}."
        if lost
        else f"{job.name} lacks its last bytes; the picture was read all the same."
    )
    return finished


def _open_jpeg_2000(job: Job) -> Image.Image:
    levels = jp2_levels(job.file)
    job.file.seek(0)
    image = _Jpeg2000(job.file)
    pixels = job.pixels(*image.size)
    image.halve(_reduction(*image.size, job.at_least, most=2**levels).bit_length() - 1)
    job.wait(pixels, _COST[kinds.JPEG_2000] * image.width * image.height)
    image.load()
    return _finish(image, job)


class _Jpeg2000(Jpeg2KImageFile):
    """A JPEG 2000 that can be decoded at a smaller size. Pillow's own `reduce` fails if it rounds a side
    differently from the decoder, which rounds up."""

    def halve(self, times: int) -> None:
        codec, _, layers, fd, length = self.tile[0].args
        self._size = (-(-self.width >> times), -(-self.height >> times))
        self.tile = [self.tile[0]._replace(extents=(0, 0, *self._size), args=(codec, times, layers, fd, length))]


def _open_jpeg_xl(job: Job) -> Image.Image:
    from pillow_jxl.JpegXLImagePlugin import JXLImageFile

    width, height, moves = jxl_header(job.file)  # the reader would decode all frames at once
    if moves:
        raise BadInput(f"{job.name} is an animated JPEG XL. Save one of its frames as PNG or JPEG first.")
    pixels = job.pixels(width, height)
    job.wait(pixels, _COST[kinds.JPEG_XL] * pixels)
    job.file.seek(0)
    image = JXLImageFile(job.file)
    if not image.jpeg:  # already upright, unless it is a JPEG transcoded to JPEG XL
        image.info.pop("exif", None)
    image.load()
    return _finish(image, job)


def _open_heic(job: Job) -> Image.Image:
    from pi_heif import HeifImageFile

    image = HeifImageFile(job.file)
    pixels = job.pixels(*image.size)
    job.wait(pixels, _COST[kinds.HEIC] * pixels)
    image.load()
    return _finish(image, job)


def _open_raw(job: Job) -> Image.Image:
    """The preview in a camera's RAW file; if that is missing or too small, the photo at half its size."""
    import rawpy

    try:
        raw = rawpy.imread(job.path or job.file)
    except rawpy.LibRawFileUnsupportedError:
        job.file.seek(0)
        if picture_kind(job.file.read(4)) is kinds.TIFF:  # an ordinary TIFF that only looked like a RAW file
            return decode(job, kinds.TIFF)
        raise BadInput(f"{job.name} is a RAW file of a camera that is not known. Export it as JPEG first.") from None
    with raw:
        preview = _preview(job, raw)
        if preview is not None and min(preview.size) >= (job.at_least or _PREVIEW):
            return preview
        try:
            pixels = job.pixels(raw.sizes.raw_width, raw.sizes.raw_height)
            job.wait(pixels, _COST[kinds.RAW] * pixels)
            photo = raw.postprocess(half_size=True, use_camera_wb=True)  # (height, width, 3), upright
            return _finish(Image.fromarray(photo), job)
        except (BadInput, rawpy.LibRawError):
            if preview is None:
                raise
            return preview


def _preview(job: Job, raw: Any) -> Image.Image | None:
    """The largest preview in an open RAW file, upright; None if there is none that can be read."""
    import rawpy

    try:
        thumb = raw.extract_thumb()
        if thumb.format == rawpy.ThumbFormat.JPEG:
            image = JpegImageFile(io.BytesIO(thumb.data))
        else:
            image = Image.fromarray(thumb.data)
        orientation = _orientation(image) or {3: 3, 5: 8, 6: 6}.get(raw.sizes.flip, 1)  # LibRaw's number -> EXIF's
        if raw.sizes.flip in (5, 6) and (image.width > image.height) != (raw.sizes.width > raw.sizes.height):
            orientation = 1  # the preview is upright already, but the photo is not
        job = replace(job, file=io.BytesIO(thumb.data), orientation=orientation)
        return _open_jpeg(job) if isinstance(image, JpegImageFile) else _finish(image, job)
    except (BadInput, rawpy.LibRawError, SyntaxError, OSError, ValueError):
        return None


_OPENERS = {
    kinds.JPEG: _open_jpeg,
    kinds.JPEG_2000: _open_jpeg_2000,
    kinds.JPEG_XL: _open_jpeg_xl,
    kinds.HEIC: _open_heic,
    kinds.RAW: _open_raw,
}


def _max_result_pixels(at_least: int | None) -> int:
    """The largest number of pixels of a result, which also bounds very long pictures."""
    return min(MAX_RESULT_PIXELS, max(4_000_000, 16 * at_least**2)) if at_least else MAX_RESULT_PIXELS


def _reduction(width: int, height: int, at_least: int | None, most: int) -> int:
    """The power of two, up to `most`, by which to reduce a picture while decoding."""
    allowed = min(width, height) // at_least if at_least else 1
    scale = 1
    while 2 * scale <= most and (2 * scale <= allowed or width * height > _max_result_pixels(at_least) * scale**2):
        scale *= 2
    return scale


def _first_with_content(image: ImageFile) -> Image.Image:
    """The first frame of an animation that is not blank; `image` is loaded at its first frame."""
    frames = min(_FRAMES, _FRAMES_PIXELS // (image.width * image.height))
    if frames < 2 or not isinstance(image, GifImageFile) and not image.is_animated or _contrast(image) >= _FLAT:
        return image
    first, contrasts = image.copy(), [0.0]
    try:
        while len(contrasts) < frames:
            image.seek(len(contrasts))
            if image.size != first.size:  # a GIF's frame may extend beyond the picture
                break
            contrasts.append(_contrast(image))
    except Exception:  # no more frames, or a damaged one: use those before it
        pass
    best = max(contrasts)
    if best < _FLAT:
        return first
    image.seek(next(number for number, contrast in enumerate(contrasts) if contrast >= best / 2))
    image.load()
    return image


def _contrast(image: Image.Image) -> float:
    """The largest standard deviation of a colour channel."""
    samples = to_rgb(image.resize((64, 64), Image.Resampling.NEAREST))
    return float(np.asarray(samples).std(axis=(0, 1)).max())


def _finish(image: Image.Image, job: Job) -> Image.Image:
    """A decoded picture as RGB or RGBA: reduced as far as possible, upright, and independent of its file."""
    factor = max(1, min(image.size) // (2 * job.at_least)) if job.at_least else 1
    while image.width * image.height > _max_result_pixels(job.at_least) * factor**2:
        factor += 1
    small = reduced_rgb(image, factor, "RGBA" if job.transparent and image.has_transparency_data else "RGB")
    turn = _UPRIGHT.get(job.orientation or _orientation(image))
    if turn is not None:
        small = small.transpose(turn)
    elif small is image:
        small = image.copy()
    small.info = {}
    return small


def _orientation(image: Image.Image) -> int | None:
    """The EXIF orientation; None if there is none or it can't be read."""
    try:
        return image.getexif().get(0x0112)
    except Exception:  # damaged metadata don't matter
        return None


def _count(file: BinaryIO, mark: bytes) -> int:
    """How often a mark of two bytes occurs in the rest of a file; the position is restored."""
    at, total, last = file.tell(), 0, b""
    while block := file.read(1 << 20):
        total += (last + block).count(mark)
        last = block[-1:]
    file.seek(at)
    return total
