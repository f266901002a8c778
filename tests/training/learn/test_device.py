"""--device: what trains, and what computes the features of frozen networks."""

import numpy as np
import pytest
import torch

from tests.training.tiny import TinyTower
from training.__main__ import main
from training.learn import device, features
from training.learn.device import AUTO, CPU, CUDA, for_features, gpus, in_torch, use
from training.learn.features import Stem, frozen
from xmr.modality import BadInput


@pytest.fixture(autouse=True)
def chosen():
    yield
    use(AUTO)


def test_features_are_computed_on_a_gpu_where_one_is_used_and_not_where_several_are(monkeypatch):
    for count, wanted in ((0, CPU), (1, CUDA), (2, CPU)):
        monkeypatch.setattr(torch.cuda, "device_count", lambda count=count: count)
        use(AUTO)
        assert (gpus(), for_features().type) == (count, wanted)
        use(CPU)
        assert (gpus(), for_features().type) == (0, CPU)


def test_torch_and_onnx_compute_the_same_features(monkeypatch):
    torch.manual_seed(0)
    tower, photos = TinyTower(), np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)
    blank = {"photo": np.zeros_like(photos[:1])}
    (wanted,) = frozen(Stem(tower), blank, "maps")(None, {"photo": photos})
    before = torch.get_rng_state()
    (found,) = in_torch(Stem(tower), torch.device("cpu"))(None, {"photo": photos})
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert found.dtype == np.float32 and torch.equal(before, torch.get_rng_state())
    monkeypatch.setattr(features, "for_features", lambda: torch.device("meta"))
    asked = []
    monkeypatch.setattr(features, "in_torch", lambda network, where: asked.append(where.type))
    frozen(Stem(tower), blank, "maps")
    assert asked == ["meta"]


def test_a_gpu_that_is_not_there_is_told_before_anything_else(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match="finds no GPU here"):
        device.use(CUDA)
    for command in ("fit", "ablation"):
        assert main([command, "sketchy-gan", "--device", "cuda"]) == 2
        assert "finds no GPU here" in capsys.readouterr().err
    for command in ("evaluate", "publish"):
        monkeypatch.setenv("XMR_DEVICE", "cpu")
        assert main([command, "sketchy-gan", "--device", "cuda"]) == 2
        assert "This ONNX Runtime knows no GPU" in capsys.readouterr().err
