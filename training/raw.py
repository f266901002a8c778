"""What ImageNet's network makes of pictures untouched: the judge of the rendered world, and the baseline of a study."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.export import export, session
from training.features import pixels
from training.towers.photo import backbone
from xmr.modality import Item

BATCH = 32
Features = Callable[[np.ndarray], np.ndarray]  # (N, 224, 224, 3) uint8 -> (N, dim) float


class Raw(torch.nn.Module):
    """photo (N, 224, 224, 3) uint8 -> (N, 1280): MobileNetV2 as ImageNet left it, pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(*backbone(0)[:2])

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.net(photo.permute(0, 3, 1, 2).float() / 127.5 - 1)


def raw_features(cache: Path) -> Features:
    """Raw in ONNX Runtime, which is four times as fast; the graph is kept in the cache."""
    graph = cache / "raw-mobilenetv2.onnx"
    if not graph.is_file():
        export(Raw(), {"photo": np.zeros((1, 224, 224, 3), np.uint8)}, graph, output="features", small=False)
    run = session(graph, threads=1).run
    return lambda photo: run(None, {"photo": photo})[0]


def unit_vectors(features: Features, items: list[Item], centred: bool = False) -> np.ndarray:
    """(N, dim) float32 unit vectors of photos or sketches; a sketch is seen in three equal channels.

    centred: seen from the mean of these items. Photos and sketches as a whole lie apart, and are nearer so.
    """
    found = []
    for start in tqdm(range(0, len(items), BATCH), "features", mininterval=5, disable=len(items) < 500):
        batch = np.stack([pixels(item, 0) for item in items[start : start + BATCH]])
        found.append(features(batch if batch.ndim == 4 else np.repeat(batch[..., None], 3, axis=3)))
    found = np.concatenate(found)
    if centred:
        found = found - found.mean(0)
    return found / np.linalg.norm(found, axis=1, keepdims=True)
