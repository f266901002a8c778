"""coco-regions: triplets on cached features, and a training on COCO's layout."""

import json

import numpy as np
import pytest
import torch

from tests.training.datasets.test_caption_sets import REAL
from tests.training.towers.test_photo import WEIGHTS
from training.datasets import catalogue
from training.learn.recipe import BadRecipe, load
from training.learn.restore import load_onnx_weights
from training.systems import coco_regions
from training.towers.regions import REGION, RegionTower
from xmr import checkpoint
from xmr.modality import Modality
from xmr.preprocess import open_picture, photo_input


def test_no_caption_of_the_anchors_own_photo_is_a_wrong_one(tower):
    recipe = load(coco_regions.Recipe, coco_regions.YAML, ["margin=0.5"])
    text = torch.nn.Module()
    text.head = torch.nn.Linear(3, 5)
    model = coco_regions.Model(recipe, tower, text)
    features, told = torch.randn(4, REGION), torch.randn(4, 3)
    apart = model(features, told, torch.arange(4))
    assert apart["loss"].item() == pytest.approx(apart["photo_anchor"].item() + apart["caption_anchor"].item())
    assert apart["photo_anchor"].item() > 0
    assert model(features, told, torch.zeros(4, dtype=torch.int64))["loss"].item() == 0  # all of one photo: none wrong


def test_another_kind_of_negatives_is_refused(tower):
    recipe = load(coco_regions.Recipe, coco_regions.YAML, ["negatives=hardest"])
    with pytest.raises(BadRecipe, match="Expected semi-hard or random for 'negatives', got 'hardest'"):
        coco_regions.Model(recipe, tower, torch.nn.Identity())


@pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"MobileNetV2's weights are not at {WEIGHTS}")
def test_the_published_detector_sees_in_a_photo_what_the_published_graph_sees():
    graph = checkpoint.ROOT / "coco-regions" / "photo.onnx"
    recipe = load(coco_regions.Recipe, coco_regions.YAML, ["detector=published"])
    tower = RegionTower(coco_regions.network(recipe, graph), recipe.dim, recipe.hidden, recipe.dropout).eval()
    load_onnx_weights(torch.nn.ModuleDict({"head": tower.head}), graph)
    picture = open_picture(checkpoint.ROOT.parent / "docs" / "gallery.png")
    with torch.inference_mode():
        vector = tower(torch.from_numpy(photo_input(picture, recipe.photo_size)[None])).numpy()[0]
    wanted = checkpoint.load("coco-regions").encode(Modality.PHOTO, [picture])[0]
    assert vector @ wanted > 0.999


@pytest.mark.skipif(not (REAL / "coco_mini").is_dir(), reason=f"the real data is not in {REAL}")
def test_the_recipe_trains_on_coco_as_its_adapter_reads_it(tower, tmp_path, monkeypatch):
    monkeypatch.setattr(coco_regions, "network", lambda recipe, folder: tower.net)
    overrides = [
        "data=coco_mini",
        f"folder={REAL / 'coco_mini'}",
        "photo_size=64",
        "dim=16",
        "hidden=8",
        "batch=16",
        "stages.0.steps=40",
        "stages.0.every=20",
    ]
    task = coco_regions.run(tmp_path / "coco-regions" / "both-1", tmp_path / "cache", overrides)
    photos = catalogue.load("coco_mini", "train", REAL / "coco_mini").items
    assert len(task.photos) == sum(item.modality is Modality.PHOTO for item in photos) > 60
    first, last = json.loads((tmp_path / "coco-regions" / "both-1" / "history.json").read_text())
    assert last["train/loss"] < first["train/loss"]
    found = task.vectors([item for item in task.val if item.modality is Modality.TEXT])
    assert found.shape == (5 * sum(item.modality is Modality.PHOTO for item in task.val), 16)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
