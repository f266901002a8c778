"""The detector: a whole training on tiny photos, flipped boxes, and what is missing is named."""

import json

import numpy as np
import pytest
import torch

from training.learn.recipe import load
from training.systems import detector
from training.towers import regions
from xmr.modality import BadInput

OVERRIDES = ["boxes=[coco_mini]", "batch=2", "stages.0.steps=2", "stages.0.every=2"]


@pytest.fixture
def task(tiny_data, tiny, tmp_path):
    """A finished training of two steps."""
    return detector.run(tmp_path / "detector", tmp_path / "cache", OVERRIDES)


def test_a_training_leaves_a_network_and_what_was_measured(task, tmp_path):
    report = json.loads((tmp_path / "detector" / "measured.json").read_text())
    assert report["classes"] == ["cat", "dog"] and 0 <= report["test"]["coco_mini"]["ap50"] <= 1
    net = detector.trained(tmp_path / "detector")
    for name, value in task.model.net.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], value)
    count = report["test"]["coco_mini"]["photos"]
    assert f"on {count} test photos of coco_mini" in detector.summary(tmp_path / "detector")


def test_a_flipped_photo_has_flipped_boxes(task):
    task.recipe = load(detector.Recipe, detector.YAML, [*OVERRIDES, "flip=0.0"])
    plain = task.batch(None, 0, np.random.default_rng(0))
    task.recipe = load(detector.Recipe, detector.YAML, [*OVERRIDES, "flip=1.0"])
    flipped = task.batch(None, 0, np.random.default_rng(0))
    assert torch.equal(flipped["maps"], plain["maps"].flip(-1))
    for one, other in zip(plain["targets"], flipped["targets"], strict=True):
        left, top, right, bottom = one["boxes"].T
        torch.testing.assert_close(other["boxes"], torch.stack([224 - right, top, 224 - left, bottom], 1))
        assert torch.equal(one["labels"], other["labels"])


def test_a_detector_that_is_not_trained_or_not_known_is_named_with_the_remedy(tmp_path):
    with pytest.raises(BadInput, match="python -m training fit detector"):
        detector.trained(tmp_path)
    with pytest.raises(BadInput, match="Choose 'shipped', or one of: fasterrcnn"):
        regions.pretrained("yolo", 36, 800)
    with pytest.raises(BadInput, match="publish coco-regions"):
        detector.published(tmp_path)
