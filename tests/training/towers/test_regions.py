"""Regions: a detector on cached maps, and the mean of its proposals."""

import pytest
import torch

from tests.training.conftest import region_backbone
from training.towers import regions
from training.towers.regions import faster_rcnn


def test_a_detector_learns_boxes_from_maps(monkeypatch):
    monkeypatch.setattr(regions, "backbone", region_backbone)
    torch.manual_seed(0)
    model = regions.Detector(faster_rcnn(2, proposals=7, size=64), 64)
    targets = [{"boxes": torch.tensor([[8.0, 8, 40, 40]]), "labels": torch.tensor([1])} for _ in range(2)]
    losses = model.train()(torch.randn(2, 6, 4, 4), targets)
    assert losses["loss"].item() == pytest.approx(sum(v.item() for k, v in losses.items() if k != "loss"), rel=1e-5)
    losses["loss"].backward()
    for part in (model.net.rpn.head.cls_logits, model.net.roi_heads.box_head.linear):
        assert part.weight.grad.any()
    assert not any(p.requires_grad for p in model.net.backbone.parameters())
    found = model.eval().detect(torch.randn(2, 6, 4, 4))
    assert len(found) == 2 and set(found[0]) == {"boxes", "labels", "scores"}


def test_a_photos_vector_is_the_head_on_its_proposals_mean(tower):
    photo = torch.randint(0, 255, (3, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        boxes, features = tower.regions(photo)
        assert [len(one) for one in boxes] == [len(one) for one in features] and 0 < len(boxes[0]) <= 7
        wanted = tower.head(torch.stack([one.mean(0) for one in features]))
        torch.testing.assert_close(tower(photo), wanted)
        torch.testing.assert_close(tower(photo[1:2]), wanted[1:2], atol=1e-5, rtol=1e-4)
