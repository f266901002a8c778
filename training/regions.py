"""What frozen networks make of photos and captions, computed once and kept on disk by a hash of network and items."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.export import export, session
from training.features import pixels
from training.towers.regions import RegionTower
from xmr.modality import BadInput, Item

CHUNK = 64
Rows = dict[str, np.ndarray]  # an item's id -> its features


def region_means(tower: RegionTower, photos: Sequence[Item], size: int, cache: Path) -> Rows:
    """Of each photo the mean of its proposals' features, (1024,) float32. One that can't be decoded has none."""
    graph = cache / "regions.onnx"

    def start() -> Callable[[list[Item]], list[np.ndarray | None]]:
        export(Means(tower), {"photo": np.zeros((1, size, size, 3), np.uint8)}, graph, small=False)
        run = session(graph, threads=1).run
        graph.unlink()

        def mean(item: Item) -> np.ndarray | None:
            try:
                return run(None, {"photo": pixels(item, 0, size)[None]})[0][0]
            except (BadInput, OSError) as error:
                tqdm.write(f"{item.id} is left out. {error}")
                return None

        def means(items: list[Item]) -> list[np.ndarray | None]:
            with ThreadPoolExecutor(2) as pool:
                return list(pool.map(mean, items))

        return means

    return kept_features(tower.net, photos, start, cache)


def kept_features(
    network: torch.nn.Module, items: Sequence[Item], start: Callable[[], Callable], cache: Path
) -> Rows:
    """What a network makes of items, from the cache as far as it was computed before.

    start: gives, where something is to be computed, a function from items to a row each, or None for one left out.
    """
    key = hashlib.sha256(b"".join(value.cpu().numpy().tobytes() for value in network.state_dict().values()))
    path = cache / f"features-{key.hexdigest()[:16]}.npz"
    held: Rows = {}
    if path.is_file():
        with np.load(path) as file:
            held = dict(zip(file["ids"].tolist(), file["rows"], strict=True))
    new = [item for item in items if item.id not in held]
    if new:
        features = start()
        for at in tqdm(range(0, len(new), CHUNK), "features", mininterval=5):
            some = new[at : at + CHUNK]
            held |= {i.id: row for i, row in zip(some, features(some), strict=True) if row is not None}
        cache.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".part").open("wb") as file:
            np.savez(file, ids=np.array(list(held)), rows=np.stack(list(held.values())))
        path.with_suffix(".part").replace(path)
    return {item.id: held[item.id] for item in items if item.id in held}


class Means(torch.nn.Module):
    """RegionTower's `means`, for the exporter."""

    def __init__(self, tower: RegionTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.tower.means(photo)
