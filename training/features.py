"""What the frozen stems make of every picture, computed once: varied copies of photos and sketches -> maps on disk.

Training from these maps skips two thirds of MobileNetV2, which on a CPU is the difference between hours and minutes.
"""

import hashlib
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance
from tqdm import tqdm

from training.datasets import picture
from training.export import export, session
from training.towers.photo import PhotoTower
from xmr.modality import Drawing, Item, Modality
from xmr.preprocess import photo_input, sketch_input

CHUNK = 32


def pixels(item: Item, variant: int) -> np.ndarray:
    """The tower's input for one item. Variant 0 is the picture as it is; every other is varied, always the same way."""
    seed = hashlib.sha256(f"{item.id}/{variant}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(seed[:8], "little"))
    image = picture(item)
    if item.modality is Modality.PHOTO:
        return photo_input(vary_photo(image, rng, flip=variant % 2 == 1) if variant else image)
    return sketch_input(vary_sketch(image, rng, flip=variant % 2 == 1) if variant else image)


def vary_photo(image: Image.Image, rng: np.random.Generator, flip: bool) -> Image.Image:
    """A crop of 55 to 100 % of the area, mirrored if `flip`, with a little more or less light and colour."""
    share = math.sqrt(rng.uniform(0.55, 1.0))
    width, height = round(image.width * share), round(image.height * share)
    left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
    image = image.crop((left, top, left + width, top + height))
    if flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(0.75, 1.25))
    return image


def vary_sketch(sketch: Drawing | Image.Image, rng: np.random.Generator, flip: bool) -> Drawing | Image.Image:
    """Turned by up to 13 degrees, stretched, sheared, bent, mirrored if `flip`, and sometimes with a part missing."""
    turn, shear = rng.uniform(-0.22, 0.22), rng.uniform(-0.12, 0.12)
    stretch = np.exp(rng.uniform(-0.2, 0.2))
    linear = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    linear = linear @ np.array([[stretch, shear], [0, 1 / stretch]]) * ([-1, 1] if flip else [1, 1])
    bend = rng.normal(0, 0.011, (2, 3, 3))  # amplitudes of a few slow waves, as a share of the frame

    def warp(points: np.ndarray) -> np.ndarray:
        """(n, 2) in -0.5..0.5 -> (n, 2)."""
        x = points @ linear.T
        waves = np.sin(np.pi * (x[:, :, None] * np.arange(1, 4) + 0.3))  # (n, 2, 3)
        return x + np.einsum("ni,aij,nj->na", waves[:, 0], bend, waves[:, 1]) * 2

    missing = rng.random() < 0.4
    if isinstance(sketch, Drawing):
        left, top, right, bottom = sketch.bounds()
        middle, size = np.array([left + right, top + bottom]) / 2, max(right - left, bottom - top, 1e-9)
        strokes = [warp((stroke - middle) / size) for stroke in sketch.strokes if len(stroke)]
        if missing and len(strokes) > 4:
            strokes.pop(rng.integers(len(strokes)))
        return Drawing(tuple(strokes))
    ink = sketch.convert("L")
    if missing:
        (x, y), radius = rng.uniform(0.15, 0.85, 2) * ink.size, rng.uniform(0.04, 0.12) * ink.width
        ImageDraw.Draw(ink).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return _warp_image(ink, warp)


def _warp_image(ink: Image.Image, warp, cells: int = 8) -> Image.Image:
    """The picture bent by `warp`, on a canvas half as large again so that nothing leaves it; new paper is white."""
    side = round(max(ink.size) * 1.5)
    canvas = Image.new("L", (side, side), 255)
    canvas.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    at = np.linspace(0, side, cells + 1).round().astype(int)
    grid = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)  # x, y
    source = (warp(grid / side - 0.5) + 0.5) * side
    corner = source.reshape(cells + 1, cells + 1, 2)
    mesh = [
        ((at[x], at[y], at[x + 1], at[y + 1]),
         (*corner[y, x], *corner[y + 1, x], *corner[y + 1, x + 1], *corner[y, x + 1]))
        for y in range(cells) for x in range(cells)
    ]  # fmt: skip
    return canvas.transform(canvas.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=255)


class MapCache:
    """The stem's maps of some items: `cache[rows, variants]` -> (n, channels, side, side) float16.

    They lie in one file under `folder`, named by a hash of the stem, the items' names and the number of variants: after
    a change of xmr.preprocess or of the variations above, delete that folder. A killed extraction starts over.
    """

    def __init__(self, tower: PhotoTower, items: Sequence[Item], variants: int, folder: Path) -> None:
        self.rows = {item.id: row for row, item in enumerate(items)}
        kind = "sketch" if items[0].modality is Modality.SKETCH else "photo"
        shape = tuple(tower.maps(torch.tensor(pixels(items[0], 0)[None])).shape[1:])
        key = hashlib.sha256(repr((shape, variants, [item.id for item in items])).encode())
        for value in tower.stem.parameters():
            key.update(value.detach().numpy().tobytes())
        path = folder / f"{kind}-{key.hexdigest()[:16]}.f16"
        if not path.is_file():
            self._extract(tower, items, variants, shape, path, kind)
        self.path, self.maps = path, np.memmap(path, np.float16, "r", shape=(len(items), variants, *shape))

    def __getitem__(self, where: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return self.maps[where]

    @torch.inference_mode()
    def pooled(self, upper: torch.nn.Module) -> np.ndarray:
        """What `upper` makes of all maps: (items, variants, features) float16, kept beside the maps."""
        key = hashlib.sha256(b"".join(value.cpu().numpy().tobytes() for value in upper.state_dict().values()))
        path = self.path.with_suffix(f".{key.hexdigest()[:8]}.npy")
        if not path.is_file():
            flat, device = self.maps.reshape(-1, *self.maps.shape[2:]), next(upper.parameters()).device
            starts = tqdm(range(0, len(flat), CHUNK), "features", mininterval=5)
            parts = [upper(torch.from_numpy(flat[n : n + CHUNK]).to(device).float()).cpu().numpy() for n in starts]
            features = np.concatenate(parts).astype(np.float16)
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                np.save(file, features.reshape(*self.maps.shape[:2], -1))
            part.replace(path)
        return np.load(path)

    @staticmethod
    def _extract(tower: PhotoTower, items: Sequence[Item], variants: int, shape: tuple, path: Path, kind: str) -> None:
        graph = path.with_suffix(".onnx")  # ONNX Runtime is 2 to 3 times faster than torch here
        export(Stem(tower), kind, pixels(items[0], 0)[None], graph, output="maps", half=False)
        run = session(graph, threads=1).run
        part = path.with_suffix(".part")
        maps = np.memmap(part, np.float16, "w+", shape=(len(items) * variants, *shape))
        work = [(item, variant) for item in items for variant in range(variants)]
        chunks = [work[start : start + CHUNK] for start in range(0, len(work), CHUNK)]

        def extract(number: int) -> None:
            batch = np.stack([pixels(*one) for one in chunks[number]])
            maps[number * CHUNK : number * CHUNK + len(batch)] = run(None, {kind: batch})[0]

        with ThreadPoolExecutor() as pool:
            list(tqdm(pool.map(extract, range(len(chunks))), f"{kind} maps", len(chunks), mininterval=5))
        maps.flush()
        part.replace(path)
        graph.unlink()


class Stem(torch.nn.Module):
    """A tower's `maps` as a module, for the exporter."""

    def __init__(self, tower: PhotoTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.tower.maps(photo)
