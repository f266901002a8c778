"""Picture files for tests: what Pillow encodes, a HEIC that libheif's own tool wrote, a camera's RAW file."""

from __future__ import annotations

import base64
import io
import struct

import numpy as np
from PIL import Image

HEIC = base64.b64decode(  # half_and_half((64, 48)): nothing that tests install writes HEIC
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAa1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAA"
    "AAACAAAAEGlkYXQAAAAAAEAAMAAAADhpbG9jAQAAAERAAAIAAQAAAAAAAAHRAAEAAAAAAAAAKwACAAEAAAAAAAAAAQAAAAAAAAAIAAAAOGlpbmYA"
    "AAAAAAIAAAAVaW5mZQIAAAEAAQAAaHZjMQAAAAAVaW5mZQIAAAAAAgAAZ3JpZAAAAADYaXBycAAAALZpcGNvAAAAdmh2Y0MBA3AAAAAAAAAAAAAe"
    "8AD8/fj4AAAPAyAAAQAYQAEMAf//A3AAAAMAkAAAAwAAAwAeugJAIQABACpCAQEDcAAAAwCQAAADAAADAB6gIIEFlurkprm4EBAwIAAAAwAgAAAD"
    "ACEiAAEABkQBwXPAiQAAABRpc3BlAAAAAAAAAEAAAABAAAAAFGlzcGUAAAAAAAAAQAAAADAAAAAQcGl4aQAAAAADCAgIAAAAGmlwbWEAAAAAAAAA"
    "AgABAoECAAICA4QAAAAaaXJlZgAAAAAAAAAOZGltZwACAAEAAQAAADNtZGF0AAAAJygBrxOA5TH3/8ONP+mfT/XcmZOoMQv/M+PvDqr/CXLEG92b"
    "fiw38A=="
)


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def half_and_half(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (0, size[1] // 2, *size))
    return image


def noise(size: tuple[int, int] = (64, 64), seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8))


def dng(
    photo: Image.Image, preview: tuple[int, int] | None = None, orientation: int = 1, jpeg: bytes | None = None
) -> bytes:
    """A camera's RAW file (DNG): first a page of 16 x 12 px, then the sensor's mosaic, then a JPEG preview if it has a
    size: `jpeg`, or the photo itself."""
    small, colours = photo.resize((16, 12)), np.asarray(photo).astype(np.uint16) * 16
    mosaic = colours[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = colours[::2, ::2, 0], colours[1::2, 1::2, 2]
    body = b""

    def put(data: bytes) -> int:
        nonlocal body
        at = 8 + len(body)
        body += data + bytes(len(data) % 2)
        return at

    def page(size: tuple[int, int], data: bytes, compression: int, photometric: int, reduced: int, bits: list) -> dict:
        return {
            254: (4, [reduced]),
            256: (4, [size[0]]),
            257: (4, [size[1]]),
            258: (3, bits),
            259: (3, [compression]),
            262: (3, [photometric]),
            273: (4, [put(data)]),
            277: (3, [len(bits)]),
            278: (4, [size[1]]),
            279: (4, [len(data)]),
        }

    pages = [
        {
            **page(photo.size, mosaic.tobytes(), 1, 32803, 0, [16]),
            33421: (3, [2, 2]),
            33422: (1, [0, 1, 1, 2]),
            50717: (4, [4095]),
        }
    ]
    if preview:
        pages.append(page(preview, jpeg or encoded(photo.resize(preview), "JPEG", quality=90), 7, 6, 1, [8, 8, 8]))
    others = [put(_directory(tags, 8 + len(body))) for tags in pages]
    identity = [(int(row == column), 1) for row in range(3) for column in range(3)]
    first = {
        **page((16, 12), small.tobytes(), 1, 2, 1, [8, 8, 8]),
        271: (2, b"Test\0"),
        272: (2, b"Camera\0"),
        274: (3, [orientation]),
        330: (4, others),
        50706: (1, [1, 4, 0, 0]),
        50708: (2, b"Test Camera\0"),
        50721: (10, identity),
        50728: (5, [(1, 1)] * 3),
        50778: (3, [21]),
    }
    at = put(_directory(first, 8 + len(body)))
    return b"II*\0" + struct.pack("<I", at) + body


def _directory(tags: dict[int, tuple[int, list]], at: int) -> bytes:
    """A TIFF's directory of tag -> (type, values), with the values that don't fit into it behind."""
    behind, entries = at + 2 + 12 * len(tags) + 4, b""
    more = b""
    for tag, (type, values) in sorted(tags.items()):
        one = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 10: "ii"}[type]
        data = b"".join(struct.pack("<" + one, *(v if isinstance(v, tuple) else (v,))) for v in values)
        entries += struct.pack("<HHI", tag, type, len(values))
        entries += data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", behind + len(more))
        more += data + bytes(len(data) % 2) if len(data) > 4 else b""
    return struct.pack("<H", len(tags)) + entries + bytes(4) + more
