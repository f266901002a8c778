"""Finds the ink of a drawing in a picture: rectifies the sheet, evens out the light, and leaves out what is not part of
the drawing (rulings, frames, edges, fingers, dust)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce

import cv2
import numpy as np
from PIL import Image

from xmr.modality import BadInput
from xmr.preprocess.rgb import to_rgb
from xmr.preprocess.ruling import is_dotted, without_ruling
from xmr.preprocess.sheet import SCAN, SMALL, rim_of, sheet_of, shrunk

_MIN_SIDE = 4  # px: a smaller picture can't have a line
_MIN_CONTRAST = 0.06  # share of the paper's brightness; fainter lines are ignored
_INK_SHARE = 0.4  # a pixel is ink from this share of the darkest ink's contrast on
_CLOSE = 0.45  # a drawing smaller than this share of the picture is analysed again at a higher resolution

NO_DRAWING = "There is no drawing in this picture. Give a sketch whose lines stand out from its paper."
ONLY_SPECKS = "There are only specks in this picture, no lines. Draw or scan a sketch with clear lines."


def find_ink(image: Image.Image, light_ink: bool | None = None) -> np.ndarray:
    """The ink in a picture of a drawing.

    Args:
        image:     the picture.
        light_ink: whether the ink is lighter than the paper; None to detect it.

    Returns:
        (H, W) bool, cropped to the ink.

    Raises:
        BadInput: nothing, or only specks, stands out from the paper.
    """
    pixels, faint = pixels_of(image)
    if faint is not None:  # transparent paper: the opaque pixels are the ink
        return _cropped(_without_clutter(_threshold(faint, 0.4)))
    if min(pixels.shape[:2]) < _MIN_SIDE:
        raise BadInput(NO_DRAWING)
    sheet = sheet_of(pixels)
    if sheet is not pixels:
        try:
            return _ink_on_paper(sheet, light_ink)
        except BadInput:  # it was not a sheet of paper
            pass
    return _ink_on_paper(pixels, light_ink)


def _ink_on_paper(pixels: np.ndarray, light_ink: bool | None) -> np.ndarray:
    """`find_ink` for a picture (H, W[, 3]) uint8 that shows nothing but the paper."""
    small = shrunk(pixels, SCAN)
    few = shrunk(small, SMALL)
    grey = few if few.ndim == 2 else cv2.cvtColor(few, cv2.COLOR_RGB2GRAY)
    shade = _shade(grey)
    light, even = _polarity_and_light(grey, shade is not None)
    light = light if light_ink is None else light_ink
    if light:
        shade = _shade(255 - grey)
    plane = _best_plane(few, light, even, shade)
    scale = max(pixels.shape[:2]) / max(small.shape[:2])
    share = _INK_SHARE if scale == 1 else 0.2  # after shrinking, a thin line may be spread over two pixels
    contrast = _contrast(plane(small), light, even, shade)
    level = without_ruling(contrast)
    if level is not None:
        return _cropped(_without_clutter(_threshold(level, max(share, 0.3))))
    ink = _threshold(contrast, share)
    if share < _INK_SHARE and _width(ink) > 4:
        ink = _threshold(contrast, 0.55)
    ink = _without_clutter(_without_shading(contrast, ink))
    top, left, bottom, right = _box(ink)
    if scale == 1 or max(bottom - top, right - left) > _CLOSE * SCAN:
        return _cropped(ink)
    margin = max(4, max(bottom - top, right - left) // 4)  # analyse a small drawing at a higher resolution
    top, left, bottom, right = max(0, top - margin), max(0, left - margin), bottom + margin, right + margin
    part = pixels[int(top * scale) : int(bottom * scale), int(left * scale) : int(right * scale)]
    part = plane(shrunk(part, SCAN))
    if shade is not None:
        shade = cv2.resize(shade, small.shape[1::-1], interpolation=cv2.INTER_NEAREST)[top:bottom, left:right]
    near = cv2.dilate(ink[top:bottom, left:right].astype(np.uint8), np.ones((5, 5), np.uint8))
    near = cv2.resize(near, part.shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    try:
        found = _threshold(_contrast(part, light, True, shade), _INK_SHARE) & near
    except BadInput:  # the ink only stands out in the whole picture
        return _cropped(ink)
    return _cropped(found if found.any() else ink)


def pixels_of(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """The pixels of a picture, and its ink if the paper is transparent.

    Returns:
        (H, W) uint8, or (H, W, 3) if the picture is in colour; and None. If the paper is transparent and the ink has
        one brightness: the RGBA pixels, and the opacity of the ink, (H, W) float32 in 0..1.
    """
    if image.has_transparency_data and not image.mode.startswith(("I", "F")):
        image = _reduced(image).convert("RGBA")
        pixels = np.asarray(image)
        alpha, grey = pixels[..., 3], cv2.cvtColor(pixels[..., :3], cv2.COLOR_RGB2GRAY)
        if (alpha < 128).mean() > 0.05 and (alpha >= 128).any():
            opaque = grey[alpha >= 128]
            if opaque.std() < 40:
                return pixels, shrunk(alpha, SCAN).astype(np.float32) / 255
            ground = "black" if np.median(opaque) > 160 else "white"
            image = Image.alpha_composite(Image.new("RGBA", image.size, ground), image)
    if image.mode == "L":
        return _undithered(np.asarray(_reduced(image))), None
    pixels = np.asarray(to_rgb(_reduced(image)))
    few = cv2.resize(shrunk(pixels[::2, ::2], SMALL), (64, 64), interpolation=cv2.INTER_AREA).astype(np.int16)
    coloured = np.abs(few[..., 0] - few[..., 2]).max() > 12 or np.abs(few[..., 0] - few[..., 1]).max() > 12
    return (pixels if coloured else _undithered(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))), None


def _undithered(grey: np.ndarray) -> np.ndarray:
    """A picture (H, W) uint8; if it is of black and white dots alone that stand for greys, as a fax, then of greys."""
    if ((grey > 8) & (grey < 247)).mean() > 0.02:
        return grey
    dots = 0
    for ink in (grey < 128, grey >= 128):
        areas = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)[2][:, cv2.CC_STAT_AREA]
        dots += int((areas <= 3).sum())
    return cv2.GaussianBlur(grey, (0, 0), 2) if dots > 0.005 * grey.size else grey


def _reduced(image: Image.Image) -> Image.Image:
    """The picture, reduced if it is larger than 4 * SCAN pixels a side."""
    factor = max(image.size) // (4 * SCAN)
    return image.reduce(factor) if factor > 1 and image.mode not in ("P", "1") else image


# --- light and ink


def _polarity_and_light(grey: np.ndarray, shaded: bool) -> tuple[bool, bool]:
    """Analyse a picture (H, W) uint8 of paper, where `shaded` with `_shade` in it: whether the ink is lighter than the
    paper, and whether the paper is evenly lit."""
    edge = max(2, min(grey.shape) // 40)
    border = np.concatenate(
        [grey[:edge].ravel(), grey[-edge:].ravel(), grey[:, :edge].ravel(), grey[:, -edge:].ravel()]
    )
    paper = np.median(border)
    even = bool((np.abs(border - paper) < 12).mean() > 0.8)
    if not even:  # a median filter removes thin lines, but keeps a lamp's reflection; a narrow one keeps shadows too
        width = _line_width(grey) if shaded else max(3, max(grey.shape) // 12 | 1)
        paper = cv2.medianBlur(grey, width)
    apart = grey.astype(np.float32) - paper
    noise = max(8.0, 4 * 1.48 * float(np.median(np.abs(apart))))
    return bool(apart[apart > noise].sum() > -apart[apart < -noise].sum()), even


def _best_plane(
    small: np.ndarray, light: bool, even: bool, shade: np.ndarray | None
) -> Callable[[np.ndarray], np.ndarray]:
    """Choose how to turn colours into one plane (H, W) uint8: brightness, red, green, blue or their minimum (for light
    ink their maximum), whichever makes the ink stand out most from the grain of the paper, and as light or dark as it
    is; or the maximum, in which colours are as light as the paper, if all that is coloured was filled in between dark
    lines."""
    if small.ndim == 2:
        return lambda pixels: pixels
    planes: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda pixels: cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY),
        *(partial(cv2.extractChannel, coi=channel) for channel in range(3)),
        lambda pixels: reduce(cv2.max if light else cv2.min, cv2.split(pixels)),
    ]

    def clearness(plane: Callable[[np.ndarray], np.ndarray]) -> float:
        contrast = _contrast(plane(small), light, False, shade)
        level, noise = _grain(contrast)
        return float((contrast[contrast > level + 4 * noise + 0.03] ** 2).sum()) / (0.01 + noise)

    if not light and _is_coloured_in(small, even, shade):
        return lambda pixels: reduce(cv2.max, cv2.split(pixels))
    like = [plane for plane in planes[1:] if _polarity_and_light(plane(small), shade is not None)[0] == light]
    best = max([planes[0], *like], key=clearness)
    return best if clearness(best) > 1.3 * clearness(planes[0]) else planes[0]


def _is_coloured_in(small: np.ndarray, even: bool, shade: np.ndarray | None) -> bool:
    """Whether what is coloured in a picture (H, W, 3) uint8 was filled in between dark lines."""
    lightest, darkest = (reduce(extreme, cv2.split(small)) for extreme in (cv2.max, cv2.min))
    try:
        ink = _threshold(_contrast(darkest, False, even, shade), 0.3)
        lines = _threshold(_contrast(lightest, False, even, shade), _INK_SHARE)
    except BadInput:
        return False
    closed = cv2.dilate(lines.astype(np.uint8), np.ones((5, 5), np.uint8))  # over gaps too
    colour = ink & (closed == 0)
    if colour.sum() < 0.15 * ink.sum():
        return False
    around = cv2.copyMakeBorder(closed, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(around, None, (0, 0), 1)
    return bool((colour & (around[1:-1, 1:-1] == 0)).sum() > 0.9 * colour.sum())


def _contrast(pixels: np.ndarray, light: bool, even: bool, shade: np.ndarray | None) -> np.ndarray:
    """The contrast of the ink in a plane (H, W) uint8, independent of the light: (H, W) float32, 0 for paper to 1."""
    if light:
        pixels = 255 - pixels
    contrast = cv2.divide(pixels, np.maximum(_paper(pixels, even, shade), 1), dtype=cv2.CV_32F)
    return np.maximum(1 - contrast, 0)


def _grain(contrast: np.ndarray) -> tuple[float, float]:
    """The median contrast of the paper, and its spread (a robust standard deviation)."""
    few = contrast[::3, ::3]
    level = float(np.median(few))
    return level, 1.48 * float(np.median(np.abs(few - level)))


def _paper(grey: np.ndarray, even: bool, shade: np.ndarray | None) -> np.ndarray:
    """The brightness of the paper at every pixel, (H, W) float32, by closing thin dark marks. In even light, thick
    marks are closed too, because they can't be shadows. In shade only lines are closed, so that its edges stay."""
    small = shrunk(grey, 64 if even else 128)
    width = max(3, max(small.shape) // (5 if even else 11) | 1)
    light = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((width, width), np.uint8))
    light = cv2.GaussianBlur(light.astype(np.float32), (0, 0), width / 8)
    light = cv2.resize(light, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    if shade is None:
        return light
    shade = cv2.resize(shade, grey.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.where(shade > 0, _without_lines(cv2.medianBlur(grey, 3)), light)


def _shade(grey: np.ndarray) -> np.ndarray | None:
    """The dark areas that reach into a picture of paper (H, W) uint8 from its edge, and their surroundings: shadows,
    fingers, a table. (H, W) uint8, 1 there and 0 elsewhere; None if there are none."""
    small = shrunk(grey, 64)
    width = max(small.shape) // 3 | 1
    light = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((width, width), np.uint8))
    light = cv2.resize(cv2.GaussianBlur(light.astype(np.float32), (0, 0), width / 8), grey.shape[::-1])
    dark = (_without_lines(grey) < 0.85 * light).astype(np.uint8)
    _, areas = cv2.connectedComponents(dark, connectivity=4)
    rim = rim_of(areas)
    if (rim > 0).mean() < 0.02:
        return None
    if (rim > 0).mean() < 0.2:  # otherwise the light falls in patches, and areas inside the picture are shadows too
        dark = np.isin(areas, rim[rim > 0]).astype(np.uint8)
    return cv2.dilate(dark, np.ones((_line_width(grey),) * 2, np.uint8))


def _without_lines(grey: np.ndarray) -> np.ndarray:
    """A picture (H, W) uint8 without dark lines. Edges of areas stay as sharp as they are: a line has lighter paper on
    both sides, an edge only on one."""
    return cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((_line_width(grey),) * 2, np.uint8))


def _line_width(grey: np.ndarray) -> int:
    """The width in pixels up to which a dark mark is a line rather than a shadow; odd."""
    return max(3, max(grey.shape) // 40 | 1)


def _threshold(contrast: np.ndarray, share: float) -> np.ndarray:
    """The ink (H, W) bool: pixels above `share` of the darkest ink's contrast and above the grain of the paper."""
    level, noise = _grain(contrast)
    grainy = noise > 0.004
    if grainy:
        contrast = cv2.GaussianBlur(contrast, (0, 0), 0.8)
    # How dark the pen is: the darkest contrast that more than a few pixels (dust) reach.
    few = min(max(12, contrast.size // 20_000), contrast.size - 1)
    levels = np.bincount((contrast.clip(0, 1) * 255).astype(np.uint8).ravel(), minlength=256)
    darkest = (255 - np.searchsorted(levels[::-1].cumsum(), few)) / 255
    least = level + 4 * noise
    if darkest < max(0.1 if not grainy else 0.08, least):
        raise BadInput(NO_DRAWING)
    ink = contrast > max(share * darkest, _MIN_CONTRAST, least)
    if not ink.any():
        raise BadInput(NO_DRAWING)
    if grainy:  # hysteresis: a line that is clear somewhere may be fainter elsewhere
        faint = contrast > max(0.75 * share * darkest, _MIN_CONTRAST, level + 3 * noise)
        _, parts = cv2.connectedComponents(faint.astype(np.uint8), connectivity=8)
        ink = faint & np.isin(parts, np.unique(parts[ink]))
    return ink


def _width(ink: np.ndarray) -> float:
    """The width of a typical line of the ink (H, W) bool: w x l pixels have about 2 l edge pixels."""
    inner = cv2.erode(ink.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    return 2 * float(ink.sum()) / max(1, int(ink.sum()) - int(inner.sum()))


def _without_shading(contrast: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """The ink (H, W) bool without areas that are paler than its lines, such as pencil shading."""
    depth = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)
    dark = contrast[ink]
    usual = float(np.quantile(dark, 0.9))
    wide = _width(ink)
    pale = ink & (contrast < 0.6 * usual) & (depth > wide)
    if pale.sum() < 0.02 * ink.sum():
        return ink
    size = int(2 * wide) + 3
    ground = cv2.morphologyEx(contrast, cv2.MORPH_OPEN, np.ones((size, size), np.uint8))
    return ink & ((contrast - ground > 0.3 * usual) | (contrast > 0.7 * usual))


# --- removing what is not part of the drawing


@dataclass(frozen=True)
class _Component:
    """A connected component of the ink: its label, area, bounding box and half of its largest thickness, in pixels."""

    number: int
    area: int
    top: int
    left: int
    bottom: int
    right: int
    radius: float

    @property
    def span(self) -> int:
        """The longer side of its bounding box."""
        return max(self.bottom - self.top, self.right - self.left)


def _without_clutter(ink: np.ndarray) -> np.ndarray:
    """The ink (H, W) bool without frames, dark edges, things reaching in from the edge, holes in the margin, dust."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    if count > 20_000:
        raise BadInput(NO_DRAWING)
    depth = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)
    radius = np.zeros(count, np.float32)
    inside = numbers[ink]
    np.maximum.at(radius, inside, depth[ink])
    parts = [
        _Component(n, int(area), int(y), int(x), int(y + h), int(x + w), float(radius[n]))
        for n, (x, y, w, h, area) in enumerate(stats)
        if n and area >= 3
    ]
    height, width = ink.shape
    parts = _without_dots(parts, 0.02 * max(ink.shape))
    large = [part for part in parts if part.span >= 0.02 * max(ink.shape)] or parts
    if not large:
        raise BadInput(ONLY_SPECKS)
    thick = float(np.median(np.repeat([p.radius for p in large], [p.span for p in large])))

    def doubtful(part: _Component) -> bool:
        touches = part.top <= 1 or part.left <= 1 or part.bottom >= height - 1 or part.right >= width - 1
        margin = 0.05 * min(ink.shape)
        marginal = (
            part.bottom < margin or part.right < margin or part.top > height - margin or part.left > width - margin
        )
        fat = part.radius > max(3 * thick, 0.012 * max(ink.shape))
        return touches and (fat or marginal) or marginal or _is_frame(part, numbers, ink.shape)

    kept = [part for part in parts if not doubtful(part)]
    if sum(p.area for p in kept) < 0.02 * sum(p.area for p in parts) or max(
        (p.span for p in kept), default=0
    ) < 0.03 * (max(ink.shape)):
        kept = parts
    kept = _near_each_other(_without_bars(kept, numbers, thick))
    chosen = np.zeros(count, bool)
    chosen[[part.number for part in kept]] = True
    return _without_gaps(chosen[numbers], max(part.span for part in kept))


def _without_dots(parts: list[_Component], small: float) -> list[_Component]:
    """The components without the dots of dotted paper: smaller ones than `small`, of one size, in rows and columns."""
    usual = float(np.median([part.span for part in parts if part.span < small] or [0]))
    like_dots = [0.5 * usual <= part.span <= min(2 * usual, small) for part in parts]
    dots = [part for part, like in zip(parts, like_dots, strict=True) if like]
    middles = np.array([(part.top + part.bottom, part.left + part.right) for part in dots], np.float32) / 2
    return [part for part, like in zip(parts, like_dots, strict=True) if not like] if is_dotted(middles) else parts


def _is_frame(part: _Component, numbers: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether a component is a rectangle around the page, or one side of it."""
    height, width = part.bottom - part.top, part.right - part.left
    wide, tall = width > 0.75 * shape[1], height > 0.75 * shape[0]
    if not (wide or tall):
        return False
    own = numbers[part.top : part.bottom, part.left : part.right] == part.number
    rim = max(3, round(0.03 * max(shape)))
    if wide and tall:
        return not own[rim:-rim, rim:-rim].any()
    middle = ((part.top + part.bottom) / 2 / shape[0], (part.left + part.right) / 2 / shape[1])[tall]
    return min(height, width) <= rim and min(middle, 1 - middle) < 0.12


def _without_bars(parts: list[_Component], numbers: np.ndarray, thick: float) -> list[_Component]:
    """The components without straight bars that lie apart from all others: a pen on the paper, a board's frame, the
    edge of a table. A bar that is thicker than the lines needs less room around it.

    thick: half the thickness of a typical line, in pixels.
    """
    lying = [part for part in parts if part.span > 0.15 * max(numbers.shape) and _is_bar(part, numbers)]
    drawing = _near_each_other([part for part in parts if part not in lying])
    if max((part.span for part in drawing), default=0) < 0.08 * max(numbers.shape):
        return parts
    while lying:
        ink = np.isin(numbers, [part.number for part in drawing])
        top, left, bottom, right = _box(ink)
        reach = max(bottom - top, right - left)
        far = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L2, 3)
        room = {part: (0.1 if part.radius > 2 * thick else 0.25) * reach for part in lying}
        near = [part for part in lying if far[numbers == part.number].min() <= room[part]]
        if not near:
            break
        drawing += near
        lying = [part for part in lying if part not in near]
    return [part for part in parts if part not in lying]


def _is_bar(part: _Component, numbers: np.ndarray) -> bool:
    """Whether a component fills a long, narrow rectangle, at any angle."""
    own = numbers[part.top : part.bottom, part.left : part.right] == part.number
    sides = cv2.minAreaRect(np.argwhere(own).astype(np.float32))[1]
    long, short = max(sides) + 1, min(sides) + 1
    return long > 8 * short and part.area > 0.6 * long * short


def _near_each_other(parts: list[_Component]) -> list[_Component]:
    """The components without those that are too small for their distance from the drawing: dust, a letter, a fleck.

    Those of a dashed line are all alike: they join whichever is found to be near to them later.
    """
    kept: list[_Component] = []
    waiting, before = sorted(parts, key=lambda part: -part.span), -1
    while len(kept) > before:
        before, far = len(kept), []
        for part in waiting:
            if not kept:
                top, left, bottom, right = part.top, part.left, part.bottom, part.right
            gap = max(top - part.bottom, part.top - bottom, left - part.right, part.left - right)
            reach = max(bottom - top, right - left)
            if gap > 0.15 * reach + 2.5 * part.span:
                far.append(part)
                continue
            kept.append(part)
            if part.span > 0.03 * reach:
                top, left = min(top, part.top), min(left, part.left)
                bottom, right = max(bottom, part.bottom), max(right, part.right)
        waiting = [part for part in far if part.span > 0.5 * kept[0].span]
    return kept


def _without_gaps(ink: np.ndarray, longest: int) -> np.ndarray:
    """The ink (H, W) bool; if its longest component is as short as a dash, with dashes joined to lines.

    longest: the span of that component, in pixels.
    """
    top, left, bottom, right = _box(ink)
    reach = max(bottom - top, right - left)
    if longest > 0.15 * reach:
        return ink
    for radius in range(2, reach // 60 + 1):
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        closed = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, disc)
        sides = cv2.connectedComponentsWithStats(closed)[2][1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
        if sides.max() > 0.4 * reach:
            return closed.astype(bool)
    return ink


def _box(ink: np.ndarray) -> tuple[int, int, int, int]:
    """The bounding box (top, left, bottom, right) of the ink (H, W) bool."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _cropped(ink: np.ndarray) -> np.ndarray:
    top, left, bottom, right = _box(ink)
    return ink[top:bottom, left:right]
