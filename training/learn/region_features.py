"""The mean region feature of each photo from a frozen detector, computed once and kept on disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.learn.features import Compute, FeatureCache, frozen, hash_of, key_of, pixels
from training.towers.regions import RegionTower
from xmr.modality import BadInput, Item


def region_means(tower: RegionTower, photos: Sequence[Item], size: int, folder: Path) -> dict[str, np.ndarray]:
    """The mean feature (1024,) float32 of each photo's region proposals, by photo id.

    Photos that can't be decoded are left out, with a line of text each.

    Args:
        tower: the detector.
        photos: photo items whose content is a path.
        size: side of the detector's input, in pixels.
        folder: folder of the cache.
    """

    def start() -> Compute[Item]:
        run = frozen(RegionMeans(tower), {"photo": np.zeros((1, size, size, 3), np.uint8)}, "regions")

        def compute(some: list[Item]) -> list[np.ndarray | Exception]:
            found = []
            for item in some:
                try:
                    found.append(run(None, {"photo": pixels(item, 0, size)[None]})[0][0])
                except (BadInput, OSError) as error:
                    found.append(error)
            return found

        return compute

    cache = FeatureCache(folder / f"regions-{hash_of(tower.net, size)}.f32")
    keys = {item.id: key_of(item) for item in photos}
    lost = cache.fill({keys[item.id]: item for item in photos}, start, "regions", workers=2)
    for item in photos:
        if keys[item.id] in lost:
            tqdm.write(f"{item.id} is left out. {lost[keys[item.id]]}")
    kept = [id for id, key in keys.items() if key not in lost]
    return dict(zip(kept, cache.take([keys[id] for id in kept]), strict=True)) if kept else {}


class RegionMeans(torch.nn.Module):
    """RegionTower.means as a module, for the exporter."""

    def __init__(self, tower: RegionTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.tower.means(photo)
