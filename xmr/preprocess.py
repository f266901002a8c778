"""Turns what a person gives into what a tower takes: picture -> array, strokes -> raster, text -> token ids.

This is the one place where that happens. Training imports it too, so a tower meets at query time exactly what it was
trained on.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from xmr.modality import BadInput, Drawing

MAX_PIXELS = 64_000_000  # a picture of 64 Mpixel takes about 200 MB once decoded
SKETCHED = 224  # side in pixels at which sketches are drawn
PAD, UNKNOWN = 0, 1  # token ids every tokenizer of ours starts with

_INK_SHARE = 0.84  # the longer side of the ink's bounding box, as a share of the frame
_PEN = 0.016  # the width of every line, as a share of the frame
_FINE = 3  # lines are drawn this many times finer than the frame, then averaged down
_SCAN = 768  # pictures of sketches are looked at with at most this many pixels a side
_ERASERS = {"#fff", "#ffffff", "white", "rgb(255,255,255)", "rgba(255,255,255,1)"}


# ---------------------------------------------------------------- photos


def open_picture(source: str | Path | bytes | BinaryIO, at_least: int | None = None) -> Image.Image:
    """Decode any picture file into an upright RGB image; the first frame if it moves, transparency on white.

    Args:
        source:   a path, the file's bytes, or an open binary file.
        at_least: if given, a JPEG may be decoded at a half, quarter or eighth of its size as long as both sides stay
            at least this many pixels: several times faster for a camera's photos.

    Raises:
        BadInput: no such file, empty, not a picture, damaged, or more than 64 Mpixel (told from the header alone,
            before anything is decoded).
    """
    name, file = _open_binary(source)
    with file:
        head = file.read(32)
        file.seek(0)
        if not head:
            raise BadInput(f"{name} is empty. Choose a picture file, such as a JPEG or PNG.")
        try:
            image = Image.open(file)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_large(name, int(re.search(r"\((\d+) pixels", str(error))[1])) from None
        except UnidentifiedImageError:
            raise BadInput(f"{name} is not a picture that can be read{_guess(head)}") from None
        except Exception as error:  # a damaged header makes Pillow's readers raise almost anything
            raise BadInput(_damaged(name, error)) from None
        if image.width * image.height > MAX_PIXELS:
            raise _too_large(name, image.width * image.height)
        try:
            if at_least is not None:
                image.draft("RGB", (at_least, at_least))
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image))
        except Exception as error:  # likewise for a damaged body: OSError, SyntaxError, struct.error, zlib.error, ...
            raise BadInput(_damaged(name, error)) from None


def photo_input(image: Image.Image, size: int = 224) -> np.ndarray:
    """A photo as the photo tower takes it: (size, size, 3) uint8, squashed to a square so that nothing is cut off."""
    return np.asarray(_to_rgb(image).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0))


def _open_binary(source: str | Path | bytes | BinaryIO) -> tuple[str, BinaryIO]:
    """What to call the source in a message, and its bytes as a file of our own."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "The file", io.BytesIO(source)
    if isinstance(source, (str, Path)):
        try:
            return str(source), open(source, "rb")
        except FileNotFoundError:
            raise BadInput(f"There is no file {source}. Check the path.") from None
        except IsADirectoryError:
            raise BadInput(f"{source} is a folder. Give the path of one picture file.") from None
        except OSError as error:
            raise BadInput(f"{source} cannot be read: {error.strerror}. Check its permissions.") from None
    source.seek(0)
    return str(getattr(source, "name", "The file")), io.BytesIO(source.read())


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith(("I", "F")):  # 16-bit, 32-bit and float grey: Pillow's own convert() would clip to white
        return _deep_grey(image).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def _deep_grey(image: Image.Image) -> Image.Image:
    """Grey deeper than 8 bit, scaled to 8: by the full range that the mode or the largest value implies."""
    grey = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0, neginf=0)
    largest = float(grey.max())
    if image.mode.startswith("I;16"):
        full = 65535.0
    else:
        full = next((top for top in (1.0, 255.0, 65535.0) if largest <= top), largest)
        if image.mode == "I" and full == 1.0:
            full = 255.0
    return Image.fromarray((grey.clip(0, full) * (255 / full)).round().astype(np.uint8))


def _too_large(name: str, pixels: int) -> BadInput:
    return BadInput(
        f"{name} has {pixels / 1e6:.0f} Mpixel; at most {MAX_PIXELS / 1e6:.0f} are accepted. Make it smaller first."
    )


def _damaged(name: str, error: Exception) -> str:
    reason = "it ends too early" if "truncated" in str(error).lower() else str(error) or type(error).__name__
    return f"{name} is damaged and cannot be decoded ({reason}). Save or download it again."


def _guess(head: bytes) -> str:
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1"):
        return ": it is a HEIC photo. Export it as JPEG first."
    if head.startswith(b"%PDF"):
        return ": it is a PDF. Save the page as PNG or JPEG first."
    if head.lstrip().startswith((b"<svg", b"<?xml")):
        return ": it is an SVG or XML text. Save it as PNG first."
    if all(byte in b"\t\n\r" or byte >= 32 for byte in head):
        return ": it looks like text. Give a JPEG, PNG, WebP, GIF, BMP or TIFF file."
    return ". Give a JPEG, PNG, WebP, GIF, BMP or TIFF file."


# ---------------------------------------------------------------- sketches


def sketch_input(sketch: Drawing | Image.Image, size: int = SKETCHED) -> np.ndarray:
    """A sketch as the sketch tower takes it: (size, size) uint8, 255 paper and 0 ink.

    Whatever it was drawn with, it comes out the same way: centred, the longer side of its ink at 84 % of the frame,
    every line of one width (1.6 % of the frame). For a picture, that means that its lines are thinned to their middle
    and drawn again; areas filled with ink stay filled. A smaller one is drawn at SKETCHED px and shrunk, as in
    training: drawn at its own size, its lines would be sharper than any that the towers have learned from.

    Raises:
        BadInput: no stroke, or nothing on the paper.
    """
    side = max(size, SKETCHED)
    if isinstance(sketch, Drawing):
        points = np.concatenate([_resample(stroke, 0.5) for stroke in _fit_strokes(sketch, side)])
    else:
        points = _lines_of(_ink_of(sketch, side), side)
        low, high = points.min(axis=0), points.max(axis=0)  # thinning took half a pen from every side
        points = (points - (low + high) / 2) * (_INK_SHARE * side / max(*(high - low), side / 2)) + side / 2
    drawn = _draw(points, side)
    if side == size:
        return drawn
    return np.asarray(Image.fromarray(drawn).resize((size, size), Image.Resampling.BILINEAR))


def drawing_from_canvas(json_data: dict[str, Any] | None) -> Drawing:
    """The strokes on a streamlit-drawable-canvas (fabric.js 7 JSON), in canvas pixels and pen order.

    A white stroke is the eraser: it takes away the ink drawn before it that lies under its width, which may cut a
    stroke in two. Moved, scaled, turned and mirrored strokes are where the canvas shows them. The Drawing is empty
    (its bounds() raise BadInput) if nothing is left.
    """
    strokes: list[np.ndarray] = []
    for obj in (json_data or {}).get("objects", []):
        if str(obj.get("type", "")).lower() != "path" or not obj.get("path"):
            continue
        path = _to_canvas(_flatten(obj["path"]), obj)
        if str(obj.get("stroke") or "").replace(" ", "").lower() in _ERASERS:
            radius = float(obj.get("strokeWidth", 1)) * float(obj.get("scaleX", 1)) / 2
            strokes = [piece for stroke in strokes for piece in _erase(stroke, path, radius)]
        else:
            strokes.append(path)
    return Drawing(tuple(strokes))


def canvas_drawing(drawing: Drawing, size: int, pen: float) -> dict[str, Any]:
    """A Drawing as the `initial_drawing` of a streamlit-drawable-canvas of size x size px, in the middle of it.

    The opposite of drawing_from_canvas, up to place and scale. BadInput for an empty drawing.
    """
    objects = []
    for stroke in _fit_strokes(drawing, size):
        stroke = stroke.round(1)
        low, high = stroke.min(axis=0), stroke.max(axis=0)
        first, *others = stroke.tolist()
        (left, top), (width, height) = ((low + high) / 2).tolist(), (high - low).tolist()
        objects.append({
            "type": "Path", "originX": "center", "originY": "center", "left": left, "top": top, "width": width,
            "height": height, "fill": None, "stroke": "#1a1a1a", "strokeWidth": pen, "strokeLineCap": "round",
            "strokeLineJoin": "round", "path": [["M", *first], *(["L", *point] for point in others or [first])],
        })  # fmt: skip
    return {"objects": objects}


def _fit_strokes(drawing: Drawing, size: int) -> list[np.ndarray]:
    """The strokes (n, 2) float in pixels of a frame, with the longer side of them all at 84 % of it."""
    strokes = [np.asarray(s, dtype=np.float64).reshape(-1, 2) for s in drawing.strokes]
    drawing = Drawing(tuple(s[np.isfinite(s).all(axis=1)] for s in strokes))
    left, top, right, bottom = drawing.bounds()
    scale = _INK_SHARE * size / max(right - left, bottom - top, 1e-9)
    if right == left and bottom == top:  # a single dot has no size to scale
        scale = 1.0
    middle = np.array([left + right, top + bottom]) / 2
    return [(stroke - middle) * scale + size / 2 for stroke in drawing.strokes if len(stroke)]


def _resample(line: np.ndarray, step: float) -> np.ndarray:
    """The polyline (n, 2) with points added so that neighbours are at most `step` apart."""
    if len(line) < 2:
        return line
    pieces = np.maximum(np.ceil(np.hypot(*np.diff(line, axis=0).T) / step), 1).astype(int)
    at = np.append(np.repeat(np.arange(len(pieces)), pieces) + _ramp(pieces), len(pieces))
    whole = np.arange(len(line))
    return np.stack([np.interp(at, whole, line[:, 0]), np.interp(at, whole, line[:, 1])], axis=1)


def _ramp(pieces: np.ndarray) -> np.ndarray:
    """0, 1/p, 2/p, ... for each p of pieces, one after the other."""
    starts = np.repeat(np.cumsum(pieces) - pieces, pieces)
    return (np.arange(pieces.sum()) - starts) / np.repeat(pieces, pieces)


def _draw(points: np.ndarray, size: int) -> np.ndarray:
    """Stamp a round pen on every point, and average down: (size, size) uint8.

    points: (n, 2) float, frame pixels, near enough to each other to make lines.
    """
    fine = size * _FINE
    radius = max(_PEN * fine / 2, 1.0)
    reach = math.ceil(radius)
    mask = np.zeros((fine + 2 * reach, fine + 2 * reach), np.uint8)
    columns, rows = np.clip((points * _FINE).astype(int), 0, fine - 1).T + reach
    mask[rows, columns] = 1
    # A disc is a stack of horizontal bars: widen the mask step by step, and lay each width where the disc needs it.
    # This costs the same however much ink there is.
    ink = np.zeros((fine, fine), np.uint8)
    wide = mask[:, reach:-reach].copy()
    half = 0
    for dy in range(reach, -1, -1):
        bar = radius**2 - dy**2
        if bar < 0:
            continue
        while half + 1 <= math.sqrt(bar):
            half += 1
            wide |= mask[:, reach - half : reach - half + fine]
            wide |= mask[:, reach + half : reach + half + fine]
        ink |= wide[reach - dy : reach - dy + fine]
        ink |= wide[reach + dy : reach + dy + fine]
    return 255 - np.asarray(Image.fromarray(ink * np.uint8(255)).reduce(_FINE))


def _ink_of(image: Image.Image, size: int) -> np.ndarray:
    """Where a picture of a sketch has ink: (size, size) bool, cropped to the ink, scaled and centred.

    The paper may be grey or unevenly lit, and the picture may be light on dark.
    """
    grey = _to_rgb(image).convert("L") if image.mode != "L" else image
    share = 0.4  # of the darkest ink's contrast: from here on a pixel counts as ink
    if max(grey.size) > _SCAN:
        grey = grey.reduce(math.ceil(max(grey.size) / _SCAN))
        share = 0.2  # a thin line may fall between two of the larger pixels
    if np.median(_border(np.asarray(grey))) < 110:
        grey = ImageOps.invert(grey)
    pixels = np.asarray(grey, dtype=np.float32)
    contrast = 1 - pixels / np.maximum(_paper(grey), 1)  # 0 paper .. 1 black, whatever the light
    # The darkest ink that is more than a few pixels of dust tells how dark this pen is.
    few = min(max(12, contrast.size // 4000), contrast.size - 1)
    levels = np.bincount((contrast.clip(0, 1) * 255).astype(np.uint8).ravel(), minlength=256)
    darkest = (255 - np.searchsorted(levels[::-1].cumsum(), few)) / 255
    if darkest < 0.1:
        raise BadInput("There is no drawing in this picture. Give dark lines on light paper, or light ones on dark.")
    ink = contrast > max(share * darkest, 0.06)
    kept = _without_dust(ink)
    if not kept.any():
        raise BadInput("There are only specks in this picture, no lines. Draw or scan a sketch with clear lines.")
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _fit_mask(crop, size)


def _border(pixels: np.ndarray) -> np.ndarray:
    edge = max(1, min(pixels.shape) // 50)
    return np.concatenate(
        [pixels[:edge].ravel(), pixels[-edge:].ravel(), pixels[:, :edge].ravel(), pixels[:, -edge:].ravel()]
    )


def _paper(grey: Image.Image) -> np.ndarray:
    """How bright the paper is at every pixel, (H, W) float32: the picture with all that is thin and dark closed."""
    small = grey.reduce(max(1, max(grey.size) // 64))
    width = max(3, max(small.size) // 5 | 1)
    light = small.filter(ImageFilter.MaxFilter(width)).filter(ImageFilter.MinFilter(width))
    light = light.filter(ImageFilter.GaussianBlur(width / 8))
    return np.asarray(light.resize(grey.size, Image.Resampling.BILINEAR), dtype=np.float32)


def _without_dust(ink: np.ndarray) -> np.ndarray:
    """The ink (H, W) bool without pixels that have fewer than two others within two pixels."""
    return ink & (_count_near(ink, 2) >= 3)


def _count_near(mask: np.ndarray, radius: int) -> np.ndarray:
    """How many pixels of the mask (H, W) bool lie in the square of half-width `radius` about each: (H, W) int32."""
    total = np.pad(mask, ((radius + 1, radius), (radius + 1, radius))).cumsum(axis=0, dtype=np.int32)
    total = total.cumsum(axis=1, out=total)
    side = 2 * radius + 1
    return total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]


def _fit_mask(ink: np.ndarray, size: int) -> np.ndarray:
    """The cropped ink scaled so that its longer side is 84 % of the frame, in the middle of it: (size, size) bool."""
    scale = _INK_SHARE * size / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    picture = Image.fromarray(ink.astype(np.uint8) * 255)
    # A line one pixel wide covers only `scale` of a smaller pixel, and half of that where it falls between two.
    threshold = 255 * 0.45 * min(1.0, scale)
    scaled = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)) > threshold
    frame = np.zeros((size, size), bool)
    top, left = (size - height) // 2, (size - width) // 2
    frame[top : top + height, left : left + width] = scaled
    return frame


def _lines_of(ink: np.ndarray, size: int) -> np.ndarray:
    """Where to put the pen to draw this ink (size, size) bool again: points (n, 2) on the middles of its lines, and
    all over the inside of areas too fat to be lines."""
    edge = ink & ~_erode(ink)
    width = 2 * ink.sum() / max(edge.sum(), 1)  # of a typical line: w by l pixels have about 2 l on the edge
    if width > size / 10:  # a silhouette rather than lines: draw its outline
        return _centres(edge)
    radius = math.ceil(0.75 * width)
    inside = _count_near(ink, radius) == (2 * radius + 1) ** 2
    return np.concatenate([_smooth(_thin(ink, rounds=size // 16)), _centres(inside)])


def _centres(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask)[:, ::-1] + 0.5


def _erode(ink: np.ndarray) -> np.ndarray:
    """Pixels whose four neighbours are ink as well."""
    inner = np.pad(ink, 1)
    return ink & inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]


def _thin(ink: np.ndarray, rounds: int) -> np.ndarray:
    """Lines thinned to one pixel (Guo and Hall 1989), (H, W) bool; stops after `rounds`, each of which takes one
    pixel from every side."""
    width = ink.shape[1] + 2
    thin = np.pad(ink, 1).astype(np.uint8).ravel()
    left = np.flatnonzero(thin)
    # The eight neighbours, clockwise from the one above: bit i of a pixel's code is neighbour i.
    around = (-width, 1 - width, 1, width + 1, width, width - 1, -1, -width - 1)
    for _ in range(rounds):
        before = len(left)
        for table in _thinning_tables():
            code = thin[left + around[0]]
            for bit, step in enumerate(around[1:], start=1):
                code |= thin[left + step] << bit
            gone = table[code]
            thin[left[gone]] = 0
            left = left[~gone]
        if len(left) == before:
            break
    return thin.reshape(-1, width)[1:-1, 1:-1].astype(bool)


@lru_cache(maxsize=1)
def _thinning_tables() -> tuple[np.ndarray, np.ndarray]:
    """For each of the 256 neighbourhoods, whether the first and the second half-round take the pixel away."""
    tables = np.zeros((2, 256), bool)
    for code in range(256):
        n, ne, e, se, s, sw, w, nw = (bool(code >> bit & 1) for bit in range(8))
        parts = (not n and (ne or e)) + (not e and (se or s)) + (not s and (sw or w)) + (not w and (nw or n))
        pairs = min((nw or n) + (ne or e) + (se or s) + (sw or w), (n or ne) + (e or se) + (s or sw) + (w or nw))
        if parts == 1 and 2 <= pairs <= 3:  # on the rim, and neither an end nor a joint
            tables[0, code] = not ((s or sw or not nw) and w)
            tables[1, code] = not ((n or ne or not se) and e)
    return tables[0], tables[1]


def _smooth(line: np.ndarray) -> np.ndarray:
    """A line of whole pixels (H, W) bool as points (n, 2) without its stairs: each point is the mean of the line
    within two pixels, and the points halfway to it stand in between."""
    rows, columns = np.nonzero(line)
    padded = np.pad(line, 2)
    count, across, down = np.zeros((3, len(rows)))
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            near = padded[rows + 2 + dy, columns + 2 + dx]
            count += near
            across += near * dx
            down += near * dy
    return np.stack([columns + 0.5 + across / count, rows + 0.5 + down / count], axis=1)


def _flatten(path: Sequence[Sequence[Any]]) -> np.ndarray:
    """The commands of one path as a polyline (n, 2). The pen writes M, L and Q; anything else is passed over."""
    curves: list[tuple[float, ...]] = []  # start, control, end of each piece; a straight one's control is its middle
    at = (0.0, 0.0)
    for command in path:
        kind, numbers = command[0], [float(number) for number in command[1:]]
        if kind == "M":
            at = (numbers[0], numbers[1])
            if not curves:
                curves.append((*at, *at, *at))
        elif kind == "L":
            end = (numbers[0], numbers[1])
            curves.append((*at, (at[0] + end[0]) / 2, (at[1] + end[1]) / 2, *end))
            at = end
        elif kind == "Q":
            curves.append((*at, *numbers[:4]))
            at = (numbers[2], numbers[3])
    if not curves:
        return np.zeros((0, 2))
    start, control, end = np.array(curves).reshape(-1, 3, 1, 2).transpose(1, 0, 2, 3)  # each (curves, 1, 2)
    t = np.array([0.25, 0.5, 0.75, 1.0])[:, None]
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end  # (curves, 4, 2)
    points = points.reshape(-1, 2)
    return points[np.append(True, np.abs(np.diff(points, axis=0)).max(axis=1) > 1e-6)]


def _to_canvas(points: np.ndarray, obj: dict[str, Any]) -> np.ndarray:
    """Where fabric.js shows a path's points.

    Its commands keep the coordinates they were drawn at; left and top say where the object's origin is now, and
    scale, flip and angle (degrees, clockwise) act about its middle.
    """
    if not len(points) or "left" not in obj or "top" not in obj:
        return points
    low, high = points.min(axis=0), points.max(axis=0)
    scale = np.array([obj.get("scaleX", 1), obj.get("scaleY", 1)], float)
    angle = math.radians(obj.get("angle", 0))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])  # for row vectors
    origin = {"left": 0.5, "top": 0.5, "center": 0.0, "right": -0.5, "bottom": -0.5}
    share = np.array([origin[obj.get("originX", "left")], origin[obj.get("originY", "top")]])
    extent = (high - low + float(obj.get("strokeWidth", 1))) * np.abs(scale)
    middle = np.array([obj["left"], obj["top"]], float) + (share * extent) @ turn
    mirror = np.array([-1 if obj.get("flipX") else 1, -1 if obj.get("flipY") else 1])
    return (points - (low + high) / 2) * (scale * mirror) @ turn + middle


def _erase(stroke: np.ndarray, eraser: np.ndarray, radius: float) -> list[np.ndarray]:
    """The pieces of a stroke (n, 2) that are left once all within `radius` of the eraser's path is gone."""
    if not len(stroke) or not len(eraser):
        return [stroke]
    apart = np.maximum(eraser.min(axis=0) - stroke.max(axis=0), stroke.min(axis=0) - eraser.max(axis=0))
    if (apart > radius).any():
        return [stroke]
    fine, path = _resample(stroke, 1.0), _resample(eraser, max(radius / 4, 0.5))
    squared = (fine**2).sum(axis=1)[:, None] + (path**2).sum(axis=1) - 2 * fine @ path.T  # (ink, eraser)
    kept = squared.min(axis=1) > radius**2
    if kept.all():
        return [stroke]
    runs = np.split(np.arange(len(fine)), np.flatnonzero(np.diff(kept)) + 1)
    return [fine[run] for run in runs if kept[run[0]]]


# ---------------------------------------------------------------- text


class Tokenizer:
    """Text -> token ids, from a Hugging Face `tokenizers` file whose normalizer lower-cases (NFKC) by itself."""

    def __init__(self, path: str | Path) -> None:
        """Raises BadInput if the file is missing or is no tokenizer."""
        from tokenizers import Tokenizer as Table

        try:
            self._table = Table.from_file(str(path))
        except Exception as error:  # the library raises a bare Exception
            raise BadInput(f"{path} is not a tokenizer that can be read ({error}). Restore the file.") from None
        self._table.no_padding()
        self._table.no_truncation()

    def encode(self, texts: Sequence[str], max_tokens: int) -> np.ndarray:
        """(N, L) int64 ids, L the longest of the batch and at most max_tokens; 0 fills up, 1 is an unknown word."""
        rows = [found.ids[:max_tokens] or [UNKNOWN] for found in self._table.encode_batch(list(texts))]
        ids = np.full((len(rows), max(map(len, rows), default=1)), PAD, np.int64)
        for row, found in zip(ids, rows, strict=True):
            row[: len(found)] = found
        return ids

    def known(self, text: str) -> bool:
        """Whether some token of the text is a word or a part of one, rather than unknown or punctuation."""
        found = self._table.encode(text, add_special_tokens=False)
        return any(
            token not in (PAD, UNKNOWN) and any(letter.isalnum() for letter in piece)
            for token, piece in zip(found.ids, found.tokens, strict=True)
        )
