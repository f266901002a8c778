"""Pretrained features: they are those of the network that is named; centred, they are seen from their mean."""

import numpy as np
import torch

from tests.training.conftest import tiny_backbone
from tests.training.settings import dann
from training.learn.baseline import cached_features, pretrained_features, unit_vectors
from training.learn.features import pixels
from training.learn.recipe import load
from training.systems import zero_shot_dann
from training.systems.sketch_base import real_items
from training.towers import photo as photo_tower
from xmr.modality import Modality


def test_centred_features_are_seen_from_their_mean(pictures, tmp_path):
    items = real_items(load(zero_shot_dann.Recipe, zero_shot_dann.YAML, dann(pictures)), "train")
    features = cached_features(
        lambda shown: shown.reshape(len(shown), -1)[:, ::997].astype(float), tmp_path / "colours.f64"
    )
    for modality in (Modality.PHOTO, Modality.SKETCH):
        pair = [item for item in items if item.modality is modality][:2]
        one, other = unit_vectors(features, pair, centred=True)
        np.testing.assert_allclose(one, -other, atol=1e-6)  # two, seen from their mean
        one, other = unit_vectors(features, pair)
        assert one @ other > 0


def test_features_are_those_of_the_network_that_is_named(pictures, tmp_path, monkeypatch):
    def backbone(cut: int, name: str):
        stem, upper, features = tiny_backbone()
        return stem, torch.nn.Sequential(upper, torch.nn.Tanh()) if name == "other" else upper, features

    monkeypatch.setattr(photo_tower, "backbone", backbone)
    items = real_items(load(zero_shot_dann.Recipe, zero_shot_dann.YAML, dann(pictures)), "train")
    photos = [item for item in items if item.modality is Modality.PHOTO][:3]
    found = {name: pretrained_features(tmp_path, name)(photos) for name in ("one", "other", "one")}
    shown = torch.from_numpy(np.stack([pixels(item, 0) for item in photos]))
    for name, features in found.items():
        with torch.inference_mode():
            wanted = photo_tower.PhotoTower(0, 0, 0, name=name).trunk(shown).numpy()
        np.testing.assert_allclose(features, wanted, atol=1e-4)
    assert not np.allclose(found["one"], found["other"])
