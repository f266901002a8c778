"""Features of a pretrained network: the baseline of an ablation and of the realism measure of rendered photos."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from training.learn.export import export, session
from training.learn.features import SIDE, FeatureCache, key_of, pixels
from training.towers.photo import SHIPPED, PhotoTower, weights_source
from xmr.files import replacing
from xmr.modality import Item

Features = Callable[[Sequence[Item]], np.ndarray]  # photos or sketches -> (N, dim) float32
Network = Callable[[np.ndarray], np.ndarray]  # (N, 224, 224, 3) uint8 -> (N, dim) float32


def pretrained_features(cache: Path, backbone: str = SHIPPED) -> Features:
    """A network's pooled features in ONNX Runtime, four times as fast as torch; graph and features are kept in `cache`.

    Args:
        cache:    the folder for the graph and the features.
        backbone: the network, named as in recipes; MobileNetV2 by default.
    """
    name = weights_source(backbone)[0].lower()
    graph = cache / f"{name}.onnx"
    if not graph.is_file():
        with replacing(graph) as part:
            network = PhotoTower(0, 0, 0, name=backbone).eval().trunk
            export(network, {"photo": np.zeros((1, SIDE, SIDE, 3), np.uint8)}, part, output="features", small=False)
    run = session(graph, threads=1).run
    return cached_features(lambda photo: run(None, {"photo": photo})[0], cache / f"{name}.f32")


def cached_features(network: Network, path: Path) -> Features:
    """A function that returns a network's features of items; each is computed once and kept in the file at `path`.

    A sketch is given to the network as three equal channels.
    """

    def compute(some: list[Item]) -> np.ndarray:
        batch = np.stack([pixels(item, 0) for item in some])
        return network(batch if batch.ndim == 4 else np.repeat(batch[..., None], 3, axis=3))

    def features(items: Sequence[Item]) -> np.ndarray:
        cache, keys = FeatureCache(path), [key_of(item) for item in items]
        cache.fill(dict(zip(keys, items, strict=True)), lambda: compute, "features", workers=2)
        return cache.take(keys)

    return features


def unit_vectors(features: Features, items: Sequence[Item], centred: bool = False) -> np.ndarray:
    """Unit vectors (N, dim) float32 of photos or sketches.

    Args:
        features: photos or sketches -> features.
        items:    all photos, or all sketches.
        centred:  subtract the mean over these items first. The means of photos and of sketches differ, so centring
            each modality brings the two closer together.
    """
    found = features(items)
    if centred:
        found = found - found.mean(0)
    return found / np.linalg.norm(found, axis=1, keepdims=True)
