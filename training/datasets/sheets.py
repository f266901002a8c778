"""Simulates pictures of drawings on paper: ink, ruling, uneven light, shadows, tables, perspective and a camera.

Pictures are (H, W, 3) float32 in 0..1; `shape` is always (H, W). All randomness comes from the generator `rng`.
"""

import io
import math

import cv2
import numpy as np
from PIL import Image
from skimage.morphology import skeletonize

Rng = np.random.Generator
_SIDE = 1024  # px: size at which a sketch's centre lines are kept
_TABLES = {
    "wood": ((0.45, 0.28, 0.15), (0.72, 0.52, 0.32)),
    "dark": ((0.08, 0.08, 0.09), (0.28, 0.24, 0.22)),
    "pattern": ((0.3, 0.3, 0.35), (0.75, 0.6, 0.55)),
}


class SketchLines:
    """The centre lines of a sketch (dark on white), as a distance map, so that any pen can redraw them."""

    def __init__(self, image: Image.Image) -> None:
        grey = np.asarray(image.convert("L"))
        ink = grey < 128
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        grey = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        scale = _SIDE * 0.8 / max(grey.shape)
        fine = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        margin = _SIDE // 10
        line = np.pad(skeletonize(fine < 128), margin)
        self.distance = cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, 5)
        self.aspect = fine.shape
        self.inside = np.pad(_enclosed(fine < 128), margin)  # areas that can be shaded

    def put(self, rng: Rng, shape: tuple[int, int], share: float, pen: float, where=None, tilt: float = 8.0):
        """Draw the lines on a sheet.

        Args:
            rng:   chooses the place and the angle.
            shape: (H, W) of the sheet.
            share: the sketch's longer side, as a share of the sheet's shorter side.
            pen:   width of the lines, in pixels.
            where: position in -1..1 from the sheet's centre; None for a random one.
            tilt:  largest angle, in degrees.

        Returns:
            How much of each pixel is covered by ink, (H, W) float32 in 0..1, and the same for the enclosed areas.
        """
        turn = np.radians(rng.uniform(-tilt, tilt))
        scale = share * min(shape) / max(self.aspect)
        height, width = (side * scale * (abs(np.cos(turn)) + abs(np.sin(turn)) * 0.5) for side in self.aspect)
        free = np.array([shape[1] - width, shape[0] - height]) / 2
        x, y = rng.uniform(-0.6, 0.6, 2) if where is None else where
        middle = np.array(shape[::-1]) / 2 + np.maximum(free - 0.02 * min(shape), 0) * (x, y)
        rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        centre = np.array(self.distance.shape[::-1]) / 2
        matrix = np.column_stack([rotation, middle - rotation @ centre])
        far = cv2.warpAffine(self.distance, matrix, shape[::-1], flags=cv2.INTER_LINEAR, borderValue=1e4) * scale
        inside = cv2.warpAffine(self.inside.astype(np.float32), matrix, shape[::-1])
        return np.clip(pen / 2 - far + 0.5, 0, 1).astype(np.float32), inside


def _enclosed(ink: np.ndarray) -> np.ndarray:
    """The white areas enclosed by lines (H, W) bool."""
    free = np.pad(~ink, 1, constant_values=True).astype(np.uint8)
    cv2.floodFill(free, None, (0, 0), 0)
    return free[1:-1, 1:-1].astype(bool)


def smooth_noise(rng: Rng, shape: tuple[int, int], grain: float) -> np.ndarray:
    """Smooth noise (H, W) float32 of about unit variance, with a grain of `grain` pixels."""
    small = rng.standard_normal((int(shape[0] / grain) + 2, int(shape[1] / grain) + 2), dtype=np.float32)
    return cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC)


def blank(rng: Rng, shape: tuple[int, int], colour, rough: float = 0.0) -> np.ndarray:
    """A blank sheet (H, W, 3) of one colour; `rough` is the strength of its grain."""
    sheet = np.broadcast_to(np.asarray(colour, np.float32), (*shape, 3)).copy()
    if rough:
        grain = smooth_noise(rng, shape, 2) + 0.7 * smooth_noise(rng, shape, max(shape) / 40)
        sheet *= 1 + rough * grain[..., None]
    return sheet


def draw_ink(sheet: np.ndarray, cover: np.ndarray, colour) -> np.ndarray:
    """The sheet (H, W, 3) with ink of one colour where `cover` (H, W) in 0..1 says."""
    cover = cover[..., None]
    return sheet * (1 - cover) + np.asarray(colour, np.float32) * cover


def uneven_light(rng: Rng, photo: np.ndarray, depth: float) -> np.ndarray:
    """The photo in a light that gets weaker to one side and to the corners, by `depth` in 0..1."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    turn = rng.uniform(0, 2 * math.pi)
    fall = 1 - depth * (0.5 + 0.5 * (math.cos(turn) * x + math.sin(turn) * y)) - 0.3 * depth * (x**2 + y**2) / 2
    return photo * np.clip(fall, 0.15, 1.2)[..., None]


def cast_shadow(rng: Rng, photo: np.ndarray, depth: float) -> np.ndarray:
    """The photo with a soft shadow over one side, as of a hand or a head; `depth` is its darkness in 0..1."""
    height, width = photo.shape[:2]
    turn, reach = rng.uniform(0, 2 * math.pi), rng.uniform(-0.1, 0.5)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    across, along = math.cos(turn) * x + math.sin(turn) * y, math.sin(turn) * x - math.cos(turn) * y
    far = across + 0.15 * np.sin(3 * along + turn)
    dark = 1 / (1 + np.exp(-(far - reach) / rng.uniform(0.03, 0.12)))
    return photo * (1 - depth * dark)[..., None]


def _table(rng: Rng, shape: tuple[int, int], kind: str) -> np.ndarray:
    """A table top (H, W, 3) of a kind in _TABLES."""
    low, high = (np.asarray(colour, np.float32) for colour in _TABLES[kind])
    colour = low + (high - low) * rng.uniform(0, 1)
    height, width = shape
    if kind == "wood":
        grain = smooth_noise(rng, (height, width // 12), 9)
        grain = cv2.resize(grain, (width, height)) + 0.5 * smooth_noise(rng, shape, 80)
        ground = colour * (1 + 0.22 * np.sin(4 * grain))[..., None]
        return cv2.rotate(ground, cv2.ROTATE_90_CLOCKWISE) if height == width and rng.random() < 0.5 else ground
    if kind == "pattern":
        step = int(rng.integers(40, 140))
        y, x = np.mgrid[:height, :width]
        tiles = ((x // step + y // step) % 2 if rng.random() < 0.5 else (x + y) // step % 2).astype(np.float32)
        other = low + (high - low) * rng.uniform(0, 1, 3).astype(np.float32)
        return colour + (other * rng.uniform(0.5, 1) - colour) * tiles[..., None]
    return blank(rng, shape, colour, 0.08)


def on_table(rng: Rng, sheet: np.ndarray, kind: str) -> np.ndarray:
    """The sheet lying on a table, in perspective and rotated by a few degrees: (H, W, 3).

    kind: "wood", "dark" or "pattern".
    """
    height, width = sheet.shape[:2]
    shape = (1200, 1600) if width > height or rng.random() < 0.3 else (1600, 1200)
    table = _table(rng, shape, kind)
    scale = rng.uniform(0.68, 0.88) * min(shape[1] / width, shape[0] / height)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1.0]]) * (width * scale / 2, height * scale / 2)
    turn = np.radians(rng.uniform(-12, 12))
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners += rng.uniform(-0.04, 0.04, (4, 2)) * min(shape) + np.array(shape[::-1]) / 2
    corners += rng.uniform(-0.03, 0.03, 2) * min(shape)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    over = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, shape[::-1])
    shade = cv2.GaussianBlur(np.roll(over, rng.integers(2, 14, 2), (0, 1)), (0, 0), 8)
    table = table * (1 - 0.4 * shade)[..., None]
    lying = cv2.warpPerspective(sheet, matrix, shape[::-1], flags=cv2.INTER_AREA)
    return table * (1 - over)[..., None] + lying * (over > 0)[..., None]


def photograph(rng: Rng, photo: np.ndarray, blur: float = 0.8, noise: float = 0.012, quality=(70, 92)) -> Image.Image:
    """Take a picture: blur it a little, add noise, and compress it as JPEG.

    Args:
        rng:     varies blur, noise and quality.
        photo:   (H, W, 3).
        blur:    mean standard deviation, in pixels.
        noise:   mean standard deviation.
        quality: range of the JPEG quality.
    """
    if blur:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.5, 1.5) * blur)
    photo = photo + noise * rng.uniform(0.5, 1.5) * rng.standard_normal((*photo.shape[:2], 1), dtype=np.float32)
    image = Image.fromarray((photo.clip(0, 1) * 255).astype(np.uint8))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(*quality)))
    return Image.open(file).convert("RGB")


def sheet_shape(rng: Rng, longer=(900, 1500)) -> tuple[int, int]:
    """A random shape (H, W) of a sheet, portrait or landscape; `longer` is the range of its height, in pixels."""
    side, ratio = int(rng.integers(*longer)), rng.uniform(1.0, 1.42)
    shape = (side, int(side / ratio))
    return shape if rng.random() < 0.6 else shape[::-1]


def pen_width(rng: Rng, shape: tuple[int, int], low: float = 0.0035, high: float = 0.007) -> float:
    """A random pen width in pixels, between two shares of the sheet's longer side."""
    return max(2.0, rng.uniform(low, high) * max(shape))


def dark_colour(rng: Rng) -> np.ndarray:
    """A random dark ink, (3,)."""
    return rng.uniform(0.05, 0.25) + rng.uniform(0, 0.05, 3)


def paper_colour(rng: Rng) -> np.ndarray:
    """A random white or yellowish paper, (3,)."""
    return np.array([1, rng.uniform(0.96, 1), rng.uniform(0.88, 1)]) * rng.uniform(0.82, 0.98)


def ruled_paper(rng: Rng, shape: tuple[int, int], squared: bool) -> np.ndarray:
    """A sheet (H, W, 3) of ruled or squared paper."""
    sheet = blank(rng, shape, paper_colour(rng), 0.008)
    blue = np.array([rng.uniform(0.45, 0.7), rng.uniform(0.6, 0.78), rng.uniform(0.8, 0.95)])
    colour = blue if rng.random() < 0.7 else np.full(3, rng.uniform(0.55, 0.75))
    step = max(shape) * (rng.uniform(0.016, 0.028) if squared else rng.uniform(0.024, 0.042))
    thick = max(1, round(rng.uniform(0.0008, 0.0018) * max(shape)))
    for y in np.arange(rng.uniform(0, step), shape[0], step).astype(int):
        sheet[y : y + thick] = colour
    if squared:
        for x in np.arange(rng.uniform(0, step), shape[1], step).astype(int):
            sheet[:, x : x + thick] = colour
    elif rng.random() < 0.6:
        x = int(rng.uniform(0.08, 0.15) * shape[1])
        sheet[:, x : x + thick] = (0.85, 0.5, 0.5)
    return sheet


def rotated(rng: Rng, sheet: np.ndarray, most: float) -> np.ndarray:
    """The sheet rotated by at most `most` degrees, and enlarged so that no corner is empty."""
    height, width = sheet.shape[:2]
    turn = rng.uniform(-most, most)
    grow = 1 + abs(np.sin(np.radians(turn))) * max(width / height, height / width)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, grow)
    return cv2.warpAffine(sheet, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
