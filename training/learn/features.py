"""Caches of what frozen networks compute, above all the feature maps of photos: computed once, kept on disk.

Training from feature maps skips two thirds of the photo network; on a CPU that makes minutes out of hours.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import torch
from filelock import FileLock
from tqdm import tqdm

from training.datasets import fingerprint, picture
from training.datasets.reading import Skips
from training.learn.augment import augment_photo
from training.learn.device import for_features, in_torch
from training.learn.export import export, session
from training.towers.photo import PhotoTower
from xmr.modality import BadInput, Item, Modality
from xmr.preprocess import photo_input, sketch_input

T = TypeVar("T")
Compute = Callable[[list[T]], Sequence[np.ndarray | Exception]]  # inputs -> a row each, or the error
SIDE = 224  # side of a tower's input, in pixels
LARGE = 1e9  # bytes from which on the size of a cache is said before it is filled
CHUNK = 32  # pictures that each thread holds in memory
PARITY_SAMPLES = 200  # inputs on which a graph is compared with its tower


class FeatureCache:
    """An append-only file of arrays of one shape ("rows"), found by key.

    The file at `path` holds the rows, one after another. <path>.jsonl is its index: the first line is their shape and
    dtype, every other line the keys of one chunk. Processes that write take turns by <path>.lock. A fill that was
    killed resumes after the last complete line of the index.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.index = path, path.with_name(f"{path.name}.jsonl")
        self._read()

    def _read(self) -> None:
        text = self.index.read_bytes() if self.index.is_file() and self.path.is_file() else b""
        self.end = text.rfind(b"\n") + 1  # a killed process may have left half a line after it
        head, *lines = text[: self.end].splitlines() or [None]
        self.form = json.loads(head) if head else None
        self.rows = {key: row for row, key in enumerate(key for line in lines for key in json.loads(line))}

    def fill(
        self,
        things: Mapping[str, T],
        start: Callable[[], Compute],
        label: str,
        chunk: int = 0,
        workers: int | None = None,
    ) -> dict[str, Exception]:
        """Compute the rows that are missing.

        Args:
            things:  inputs by key.
            start:   called once if a row is missing; returns the function that computes a chunk.
            label:   of the progress bar.
            chunk:   inputs per call; 0 for CHUNK.
            workers: threads, each with a chunk at a time; None for one per core.

        Returns:
            The errors by key of the inputs that have no row. They are tried again at the next call.

        Raises:
            BadInput: the rows would take more than the disk has left, which is found after the first chunk.
        """
        if things.keys() <= self.rows.keys():
            return {}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lost: dict[str, Exception] = {}
        with FileLock(f"{self.path}.lock"):
            self._read()  # another process may have filled it meanwhile
            new = [key for key in things if key not in self.rows]
            if not new:
                return {}
            size, rng = chunk or CHUNK, torch.random.fork_rng(devices=())  # keeps the run's random state
            chunks = [new[n : n + size] for n in range(0, len(new), size)]
            with rng, ThreadPoolExecutor(workers) as pool, tqdm(total=len(new), desc=label, mininterval=5) as bar:
                compute = start()
                first = compute([things[key] for key in chunks[0]])  # how large a row is, nobody knows before
                self._make_sure_of_room(first, len(new), label)
                others = pool.map(lambda keys: compute([things[key] for key in keys]), chunks[1:])
                for keys, found in zip(chunks, chain([first], others), strict=True):
                    whole = {key: row for key, row in zip(keys, found, strict=True) if not isinstance(row, Exception)}
                    lost |= {key: row for key, row in zip(keys, found, strict=True) if isinstance(row, Exception)}
                    self._append(whole)
                    bar.update(len(keys))
        return lost

    def _make_sure_of_room(self, first: Sequence[np.ndarray | Exception], count: int, label: str) -> None:
        """Say how large a cache of `count` rows like the first ones will be; raises BadInput where there is no room."""
        size = count * max((row.nbytes for row in first if not isinstance(row, Exception)), default=0)
        free = shutil.disk_usage(self.path.parent).free
        if size > free:
            raise BadInput(
                f"The {label} of {count:,} items take {size / 1e9:.1f} GB, but {self.path.parent} has "
                f"{free / 1e9:.1f} GB free. Make room, or choose a folder on another disk: --runs DIR"
            )
        if size >= LARGE:
            tqdm.write(f"The {label} of {count:,} items take {size / 1e9:.1f} GB in {self.path}; they are kept.")

    def _append(self, rows: Mapping[str, np.ndarray]) -> None:
        """Append rows: first the data, then the line of the index that makes them count."""
        if not rows:
            return
        array = np.stack(list(rows.values()))
        lines = [] if self.form else [{"shape": array.shape[1:], "dtype": str(array.dtype)}]
        self.form = self.form or lines[0]
        text = b"".join(json.dumps(line).encode() + b"\n" for line in (*lines, list(rows)))
        rows_end = len(self.rows) * array[0].nbytes
        for path, at, data in ((self.path, rows_end, array.tobytes()), (self.index, self.end, text)):
            with path.open("r+b" if path.is_file() else "wb") as file:
                file.seek(at)
                file.write(data)
                file.truncate()
        self.end += len(text)
        self.rows |= {key: len(self.rows) + n for n, key in enumerate(rows)}

    @property
    def data(self) -> np.ndarray:
        """All rows (len(self.rows), *shape), memory-mapped; `self.rows` maps a key to its row number."""
        return np.memmap(self.path, self.form["dtype"], "r", shape=(len(self.rows), *self.form["shape"]))

    def take(self, keys: Sequence[str]) -> np.ndarray:
        """The rows (N, *shape) of these keys; raises KeyError for a key that has none."""
        return self.data[[self.rows[key] for key in keys]]


def key_of(item: Item) -> str:
    """An item's key in a cache: its fingerprint and the modification time of its file."""
    when = item.content.stat().st_mtime_ns if isinstance(item.content, Path) and item.content.is_file() else 0
    return f"{fingerprint(item)}-{when:x}"


def hash_of(network: torch.nn.Module, *more: Any) -> str:
    """A hash of a network's parameters and buffers, and of anything else its output depends on: 16 hex digits."""
    found = hashlib.sha256(repr(more).encode())
    for value in network.state_dict().values():
        found.update(value.cpu().numpy().tobytes())
    return found.hexdigest()[:16]


def pixels(item: Item, variant: int, size: int = SIDE) -> np.ndarray:
    """The tower's input for one item.

    Args:
        item:    a photo or a sketch.
        variant: 0 for the photo itself; any other number is an augmentation seeded by the item's id and this number.
        size:    side in pixels.

    Returns:
        (size, size, 3) uint8 of a photo, (size, size) uint8 of a sketch.
    """
    image = picture(item)
    if item.modality is Modality.SKETCH:
        return sketch_input(image, size)
    if variant:
        seed = hashlib.sha256(f"{item.id}/{variant}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(seed[:8], "little"))
        image = augment_photo(image, rng, flip=variant % 2 == 1)
    return photo_input(image, size)


def inputs(items: Sequence[Item], size: int, most: int = PARITY_SAMPLES) -> np.ndarray:
    """The tower's inputs (N, size, size[, 3]) uint8 for the first `most` items."""
    return np.stack([pixels(item, 0, size) for item in items[:most]])


class MapCache:
    """Feature maps of the frozen stem: `cache[rows, variants]` -> (n, channels, side, side) float16. Without a tower,
    or where maps would take more room, the pixels: (n, size, size) or (n, size, size, 3) uint8; PhotoTower.from_maps
    takes either.

    The cache is a file in `folder`, named by the number of variants and, of maps, a hash of the stem. A picture that
    changes on disk is read again. After a change of xmr.preprocess or of the augmentation, delete the folder.

    Attributes:
        items: the items that have a row, in order.
        lost:  errors by id of the items whose picture can't be decoded; they have no row.
        rows:  row numbers by item id.

    Raises:
        BadInput: none of the pictures can be decoded.
    """

    def __init__(
        self, tower: PhotoTower | None, items: Sequence[Item], variants: int, folder: Path, size: int = SIDE
    ) -> None:
        kind, self.variants, self.tower = str(items[0].modality), variants, tower
        if tower is not None and larger_than_pixels(tower, kind):
            tower = None
        name = f"{kind}-pixels-{variants}-{size}.u8" if tower is None else f"{kind}-{hash_of(tower.stem, variants)}.f16"
        cache = FeatureCache(folder / name)
        keys = {item.id: key_of(item) for item in items}

        def start() -> Compute[Item]:
            run = None if tower is None else _stem_session(tower, kind)

            def compute(some: list[Item]) -> list[np.ndarray | Exception]:
                return [_maps(item, variants, kind, size, run) for item in some]

            return compute

        lost = cache.fill({keys[item.id]: item for item in items}, start, f"{kind} maps")
        self.lost = {item.id: str(lost[keys[item.id]]) for item in items if keys[item.id] in lost}
        if self.lost:
            skips = Skips(
                {f"{kind}s that can't be decoded, left out": {f"{id}: {why}": None for id, why in self.lost.items()}}
            )
            tqdm.write(f"{skips.line()}.")
        self.items = [item for item in items if item.id not in self.lost]
        if not self.items:
            raise BadInput(f"Expected pictures, but not one of {len(items):,} can be decoded. {skips.line(1)}")
        self.cache, self.keys = cache, [keys[item.id] for item in self.items]
        self.rows = {item.id: row for row, item in enumerate(self.items)}
        self.maps, self.at = cache.data, np.array([cache.rows[key] for key in self.keys])

    def __getitem__(self, where: tuple[np.ndarray, np.ndarray | int]) -> np.ndarray:
        rows, variants = where
        return self.maps[self.at[rows], variants]

    @torch.inference_mode()
    def pooled(self, upper: torch.nn.Module) -> np.ndarray:
        """Pool all maps with the network `upper`: (items, variants, features) float16, cached beside the maps."""
        raw = self.maps.dtype == np.uint8
        made = hash_of(torch.nn.Sequential(self.tower.stem, upper) if raw else upper)
        cache = FeatureCache(self.cache.path.with_suffix(f".{made}.f16"))
        device = next(upper.parameters()).device

        @torch.inference_mode()
        def compute(rows: list[int]) -> np.ndarray:
            maps = torch.from_numpy(self[np.array(rows), :].reshape(-1, *self.maps.shape[2:])).to(device)
            maps = self.tower.maps(maps) if raw else maps.float()
            return upper(maps).cpu().numpy().astype(np.float16).reshape(len(rows), self.variants, -1)

        places = {key: row for row, key in enumerate(self.keys)}
        cache.fill(places, lambda: compute, "features", max(1, CHUNK // self.variants), workers=1)
        return cache.take(self.keys)


def _maps(item: Item, variants: int, kind: str, size: int, run: Callable | None) -> np.ndarray | Exception:
    """One item's row, (variants, channels, side, side) float16 or its pixels; or the error if it can't be decoded."""
    try:
        batch = np.stack([pixels(item, variant, size) for variant in range(variants)])
    except (BadInput, OSError) as error:
        return error
    return batch if run is None else run(None, {kind: batch})[0].astype(np.float16)


@torch.inference_mode()
def larger_than_pixels(tower: PhotoTower, kind: str) -> bool:
    """Whether a picture's maps, in halves, take more room than its pixels, as those of a first layer do."""
    blank = _blank(kind)
    return 2 * tower.maps(torch.from_numpy(blank)).numel() > blank.size


def _blank(kind: str) -> np.ndarray:
    return np.zeros((1, SIDE, SIDE) if kind == "sketch" else (1, SIDE, SIDE, 3), np.uint8)


def _stem_session(tower: PhotoTower, kind: str) -> Callable:
    return frozen(Stem(tower), {kind: _blank(kind)}, "maps")


def frozen(network: torch.nn.Module, inputs: Mapping[str, np.ndarray], output: str) -> Callable:
    """A network that is not trained, as an ONNX session's `run`: on the GPU where one is used; else in ONNX Runtime, on
    one thread, which is two to three times as fast as torch on the CPU.

    inputs, output: example inputs by name, and the output's name, as `export` takes them.
    """
    if (device := for_features()).type != "cpu":
        return in_torch(network, device)
    with TemporaryDirectory() as folder:
        export(network, inputs, Path(folder, "network.onnx"), output=output, small=False)
        return session(Path(folder, "network.onnx"), threads=1).run


class Stem(torch.nn.Module):
    """The stem of a tower as a module of its own, for the exporter."""

    def __init__(self, tower: PhotoTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.tower.maps(photo)
