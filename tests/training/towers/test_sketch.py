"""The sketch tower, and test-time augmentation of sketches."""

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from training.learn.augment import resized
from training.towers.photo import PhotoTower
from training.towers.sketch import Mirrored, MultiScale, SketchTower

WEIGHTS = Path(os.environ.get("XMR_WEIGHTS", "../shared/weights")) / "mobilenetv2_100_imagenet.safetensors"
weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"MobileNetV2's weights are not at {WEIGHTS}")


@weights
def test_a_sketch_is_seen_as_a_grey_photo():
    sketch, photo = SketchTower(16, 8, 3).eval(), PhotoTower(16, 8, 3).eval()
    sketch.load_state_dict(photo.state_dict())
    ink = torch.randint(0, 256, (1, 224, 224), dtype=torch.uint8)
    torch.testing.assert_close(sketch(ink), photo(ink[..., None].expand(-1, -1, -1, 3)))
    assert sketch(ink).norm(dim=1).item() == pytest.approx(1)


@weights
def test_a_sketch_tower_that_begins_as_the_photo_tower_answers_alike_wherever_each_is_cut():
    sketch, photo = SketchTower(16, 8, 3).eval(), PhotoTower(16, 8, 5).eval()
    with torch.no_grad():
        for weight in [*photo.upper.parameters(), *photo.head.parameters()]:
            weight.add_(0.01 * torch.randn_like(weight))  # it was trained
    sketch.copy_from(photo)
    ink = torch.randint(0, 256, (1, 224, 224), dtype=torch.uint8)
    torch.testing.assert_close(sketch(ink), photo(ink[..., None].expand(-1, -1, -1, 3)))


def test_a_mirrored_tower_takes_a_sketch_for_its_mirror_image():
    torch.manual_seed(0)
    tower = Mirrored(nn.Sequential(nn.Flatten(), nn.Linear(20, 3))).eval()
    sketches = torch.rand(4, 4, 5)
    with torch.inference_mode():
        found = tower(sketches)
        torch.testing.assert_close(tower(sketches.flip(2)), found)
        assert not tower.tower(sketches).allclose(tower.tower(sketches.flip(2)))
        torch.testing.assert_close(found.norm(dim=1), torch.ones(4))
        torch.testing.assert_close(tower(sketches[2:3]), found[2:3])


def test_a_resized_tower_gives_the_mean_of_what_it_sees_at_each_size():
    torch.manual_seed(0)
    seen = []

    class Ink(nn.Module):
        def forward(self, sketch):
            seen.append(sketch)
            return nn.functional.normalize(torch.stack([sketch.mean((1, 2)), sketch[:, 0, 0]], 1))

    sketches = (torch.rand(3, 20, 20) * 255).byte()
    found = MultiScale(Ink(), 20, (8, 13, 20))(sketches)
    shown = [resized(sketches, side) for side in (8, 13, 20)]  # as in training
    for one, wanted in zip(seen, shown, strict=True):
        torch.testing.assert_close(one, wanted, atol=1e-3, rtol=0)
    torch.testing.assert_close(found, nn.functional.normalize(sum(map(Ink(), shown))))
