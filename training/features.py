"""What training reads of every picture, computed once and kept on disk: the frozen stem's maps of photos, or pixels.

Training from maps skips two thirds of MobileNetV2, which on a CPU is the difference between hours and minutes.
"""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.datasets import picture
from training.datasets.reading import Skips
from training.export import export, session
from training.towers.photo import PhotoTower
from training.vary import vary_photo
from xmr.modality import BadInput, Item, Modality
from xmr.preprocess import photo_input, sketch_input

SIDE = 224  # of a tower's input, in pixels
CHUNK = 32
SHOWN = 200  # inputs that a graph is held against its tower with


def pixels(item: Item, variant: int, size: int = SIDE) -> np.ndarray:
    """The tower's input for one item: a sketch, or a photo as it is (variant 0) or varied, always the same way."""
    image = picture(item)
    if item.modality is Modality.SKETCH:
        return sketch_input(image, size)
    if variant:
        seed = hashlib.sha256(f"{item.id}/{variant}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(seed[:8], "little"))
        image = vary_photo(image, rng, flip=variant % 2 == 1)
    return photo_input(image, size)


def inputs(items: Sequence[Item], size: int, most: int = SHOWN) -> np.ndarray:
    """The tower's inputs for the first `most` of some pictures."""
    return np.stack([pixels(item, 0, size) for item in items[:most]])


class MapCache:
    """The stem's maps of some items: `cache[rows, variants]` -> (n, channels, side, side) float16. Without a tower,
    their pixels: (n, SIDE, SIDE) or (n, SIDE, SIDE, 3) uint8.

    `items` are those with a row, in order: a picture that can't be decoded has none, and `lost` says why. The maps lie
    in one file under `folder`, named by a hash of the stem, the items' names and the number of variants: after a change
    of xmr.preprocess, of the variations above or of the pictures, delete that folder. A killed extraction goes on.

    Raises:
        BadInput: not one of the pictures can be decoded.
    """

    def __init__(self, tower: PhotoTower | None, items: Sequence[Item], variants: int, folder: Path) -> None:
        kind = str(items[0].modality)
        blank = np.zeros((SIDE, SIDE) if kind == "sketch" else (SIDE, SIDE, 3), np.uint8)
        shape = blank.shape if tower is None else tuple(tower.maps(torch.tensor(blank[None])).shape[1:])
        key = hashlib.sha256(repr((shape, variants, [item.id for item in items])).encode())
        for value in tower.stem.parameters() if tower else ():
            key.update(value.detach().numpy().tobytes())
        self.path = folder / f"{kind}-{key.hexdigest()[:16]}.{'f16' if tower else 'u8'}"
        self.dtype = np.float16 if tower else np.uint8
        if not self.path.is_file():
            self._extract(tower, items, variants, shape, blank)
        lost = self.path.with_suffix(".lost.json")
        self.lost: dict[str, str] = json.loads(lost.read_text(encoding="utf-8")) if lost.is_file() else {}
        if self.lost:
            told = dict.fromkeys(f"{id}: {why}" for id, why in self.lost.items())
            skips = Skips({f"{kind}s that can't be decoded, left out": told})
            tqdm.write(f"{skips.line()}. All are in {lost}; to try them again, delete {self.path.with_suffix('.*')}")
        self.items = [item for item in items if item.id not in self.lost]
        self.rows = {item.id: row for row, item in enumerate(self.items)}
        self.maps = np.memmap(self.path, self.dtype, "r", shape=(len(self.items), variants, *shape))

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

    def _extract(
        self, tower: PhotoTower | None, items: Sequence[Item], variants: int, shape: tuple, blank: np.ndarray
    ) -> None:
        """Write the maps of all that can be decoded to `path`, and what is lost, if anything, to its .lost.json.

        On the way a .part holds the maps of every picture, and a .journal says after each chunk how many are done and
        what was lost in it: a run that was killed goes on after the last line.
        """
        path, kind = self.path, str(items[0].modality)
        work = [(item, variant) for item in items for variant in range(variants)]
        part, journal, graph = (path.with_suffix(ending) for ending in (".part", ".journal", ".onnx"))
        stem = None
        if tower is not None:  # ONNX Runtime is 2 to 3 times faster than torch here
            export(Stem(tower), {kind: blank[None]}, graph, output="maps", small=False)
            stem = session(graph, threads=1)
        lines = journal.read_text(encoding="utf-8").splitlines() if part.is_file() and journal.is_file() else []
        told = list(map(json.loads, lines))
        done = told[-1]["done"] if told else 0
        maps = np.memmap(part, self.dtype, "r+" if done else "w+", shape=(len(work), *shape))

        def extract(start: int) -> dict[str, str]:
            arrays, lost = [], {}
            for item, variant in work[start : start + CHUNK]:
                try:
                    arrays.append(pixels(item, variant))
                except (BadInput, OSError) as error:
                    arrays.append(blank)
                    lost[item.id] = str(error)
            batch = np.stack(arrays)
            maps[start : start + len(batch)] = stem.run(None, {kind: batch})[0] if stem else batch
            return lost

        bar = tqdm(total=len(work), initial=done, desc=f"{kind} maps", mininterval=5)
        with ThreadPoolExecutor() as pool, journal.open("a" if done else "w", encoding="utf-8") as log, bar:
            for lost in pool.map(extract, range(done, len(work), CHUNK)):
                done = min(done + CHUNK, len(work))
                told.append({"done": done, "lost": lost})
                log.write(json.dumps(told[-1]) + "\n")
                log.flush()
                bar.update(done - bar.n)
        maps.flush()
        lost = {id: why for line in told for id, why in line["lost"].items()}
        try:
            if lost:
                _drop_rows(maps, items, variants, lost, path)
            else:
                path.with_suffix(".lost.json").unlink(missing_ok=True)
                part.replace(path)
        finally:
            for file in (part, journal, graph):
                file.unlink(missing_ok=True)


def _drop_rows(maps: np.ndarray, items: Sequence[Item], variants: int, lost: dict[str, str], path: Path) -> None:
    """Write `path` without the rows of lost items, and its .lost.json: item id -> why."""
    kept = [row for row, item in enumerate(items) if item.id not in lost]
    if not kept:
        raise BadInput(f"Expected pictures, but not one of {len(items):,} can be decoded. {next(iter(lost.values()))}")
    path.with_suffix(".lost.json").write_text(json.dumps(lost, indent=1), encoding="utf-8")
    short = path.with_suffix(".short")
    with short.open("wb") as file:
        for row in kept:
            maps[row * variants : (row + 1) * variants].tofile(file)
    short.replace(path)


class Stem(torch.nn.Module):
    """A tower's `maps` as a module, for the exporter."""

    def __init__(self, tower: PhotoTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.tower.maps(photo)
