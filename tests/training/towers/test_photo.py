"""The photo tower: neither the cut nor folding changes what a network gives."""

import os
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import ImageNetInfo
from torch import nn

from training.towers.photo import PACKAGED, SHIPPED, Depthwise, PhotoTower, backbone, classifier, fold_norms
from xmr.modality import BadInput
from xmr.preprocess import photo_input

WEIGHTS = Path(os.environ.get("XMR_WEIGHTS", "../shared/weights")) / "mobilenetv2_100_imagenet.safetensors"
weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"MobileNetV2's weights are not at {WEIGHTS}")


def test_folding_norms_changes_no_answer():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Sequential(nn.Conv2d(4, 5, 1), nn.BatchNorm2d(5)),
        nn.BatchNorm2d(5),
    ).eval()
    for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_mean.normal_(), norm.running_var.uniform_(0.5, 2), norm.weight.data.normal_(1)
    x = torch.randn(2, 3, 6, 6)
    before = net(x)
    fold_norms(net)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) == 1  # the last one follows no convolution
    torch.testing.assert_close(net(x), before, rtol=1e-4, atol=1e-5)


@weights
def test_a_tower_cut_in_two_is_timms_network_wherever_it_is_cut():
    overlay = {"file": str(WEIGHTS), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    whole = timm.create_model("mobilenetv2_100", pretrained=True, pad_type="same", pretrained_cfg_overlay=overlay)
    whole.eval()
    photo = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)
    wanted = whole.forward_head(whole.forward_features(photo.permute(0, 3, 1, 2) / 127.5 - 1), pre_logits=True)
    for cut in (3, 5):
        tower = PhotoTower(16, 8, cut).eval()
        torch.testing.assert_close(tower.upper(tower.maps(photo)), wanted, rtol=1e-3, atol=1e-3)
        assert not any(p.requires_grad for p in tower.stem.parameters())


def test_a_network_of_timm_is_read_from_a_folder_and_sees_pixels_as_it_was_trained(tmp_path, monkeypatch):
    torch.manual_seed(0)
    wanted = timm.create_model("resnet10t", num_classes=0).eval()
    whole = timm.create_model("resnet10t")
    whole.load_state_dict(wanted.state_dict(), strict=False)
    save_file(whole.state_dict(), tmp_path / "resnet10t.safetensors")
    monkeypatch.setenv("XMR_WEIGHTS", str(tmp_path))
    stem, upper, features = backbone(0, "resnet10t")
    pixels = torch.rand(1, 3, 64, 64)
    mean, std = (torch.tensor(wanted.pretrained_cfg[key])[:, None, None] for key in ("mean", "std"))
    with torch.inference_mode():
        torch.testing.assert_close(upper(stem(pixels * 2 - 1)), wanted((pixels - mean) / std), atol=1e-5, rtol=1e-5)
    assert features == wanted.num_features
    with pytest.raises(BadInput, match="set photo_cut and sketch_cut to 0"):
        backbone(2, "resnet10t")


def test_a_network_that_timm_lacks_is_named():
    with pytest.raises(BadInput, match="timm has no model 'resnet1'"):
        backbone(0, "resnet1")


@pytest.mark.parametrize("name", [pytest.param(SHIPPED, marks=weights), *PACKAGED])
def test_a_cut_network_recognises_photos_as_the_whole_one_does(name):
    folder = Path(os.environ.get("XMR_DATA", "../shared/data")) / "imagenet1000"
    if not folder.is_dir():
        pytest.skip(f"ImageNet's photos are not at {folder}")
    (stem, upper, _), last, known = backbone(5, name), classifier(name), ImageNetInfo()
    photos = sorted(folder.rglob("*.jpg"))[::50]
    pixels = torch.from_numpy(np.stack([photo_input(Image.open(path).convert("RGB"), 224) for path in photos]))
    with torch.inference_mode():
        found = last(upper(stem(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1))).argmax(1).tolist()
    told = [known.index_to_label_name(one) for one in found]
    right = sum(name == path.name.partition("_")[0] for name, path in zip(told, photos, strict=True))
    assert right >= 0.6 * len(photos)


@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (3, 2)])
def test_a_depthwise_convolutions_gradients_are_those_of_the_convolution(kernel, stride):
    torch.manual_seed(0)
    conv = nn.Conv2d(8, 8, kernel, stride, kernel // 2, groups=8)
    x, found = torch.randn(4, 8, 12, 12), []
    for module, half in ((conv, False), (Depthwise(conv), False), (Depthwise(conv), True)):
        conv.zero_grad()
        seen = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            answer = module(seen)
        answer.float().square().sum().backward()
        found.append([answer.float().detach(), seen.grad, conv.weight.grad, conv.bias.grad])
        assert answer.dtype is (torch.bfloat16 if half else torch.float32)
    for exact, same, near in zip(*found, strict=True):
        torch.testing.assert_close(same, exact)
        torch.testing.assert_close(near, exact, atol=0.02 * float(exact.abs().max()), rtol=0.02)
    conv.weight.requires_grad_(False)
    seen = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        Depthwise(conv)(seen).float().square().sum().backward()
    torch.testing.assert_close(seen.grad, found[2][1])  # also where the layer itself is frozen
