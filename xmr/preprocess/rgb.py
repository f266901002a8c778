"""Converts any picture to 8-bit RGB, reduced if wanted, without ever converting a large one as a whole."""

from __future__ import annotations

import numpy as np
from PIL import Image

_STRIP = 1_000_000  # pixels converted at a time


def to_rgb(image: Image.Image) -> Image.Image:
    """Any picture as RGB, with transparency on white; an RGB image is returned as it is."""
    if image.mode.startswith(("I", "F")):  # 16-bit, 32-bit and float grey: Pillow's own convert() would clip to white
        return _deep_grey(image).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def reduced_rgb(image: Image.Image, factor: int, mode: str = "RGB") -> Image.Image:
    """A picture as RGB or RGBA, reduced by an integer factor.

    A large one is converted in strips, because converting the whole would take several times its memory.
    """

    def converted(part: Image.Image) -> Image.Image:
        return to_rgb(part) if mode == "RGB" else part.convert(mode)

    if image.mode in ("I", "F"):  # white depends on the largest value of the whole picture
        return to_rgb(image.reduce(factor) if factor > 1 else image)
    if factor == 1 and (image.mode == mode or image.width * image.height <= _STRIP):
        return converted(image)
    small = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * max(1, _STRIP // (image.width * factor))
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        small.paste(converted(strip).reduce(factor), (0, top // factor))
    return small


def _deep_grey(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits, scaled to 8 bits; the mode or the largest value determines the full range."""
    grey = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0, neginf=0)
    largest = float(grey.max())
    if image.mode.startswith("I;16"):
        full = 65535.0
    else:
        full = next((top for top in (1.0, 255.0, 65535.0) if largest <= top), largest)
        if image.mode == "I" and full == 1.0:
            full = 255.0
    return Image.fromarray((grey.clip(0, full) * (255 / full)).round().astype(np.uint8))
