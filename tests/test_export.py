"""An exported graph answers as its tower does, or is refused."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from training import export as exporting
from training.export import ExportRefused, check_parity, export
from training.towers.text import TextTower


def _unit(*shape):
    rows = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def tower() -> TextTower:
    torch.manual_seed(0)
    tower = TextTower(60, 16, width=32, depth=2, heads=4, max_tokens=12, dropout=0.1)
    for parameter in tower.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.2)
    return tower


def test_a_text_graph_takes_any_batch_and_length_and_gives_the_towers_vectors(tower, tmp_path):
    ids = np.random.default_rng(1).integers(2, 60, (3, 7))
    export(tower, "ids", ids, tmp_path / "text.onnx")
    for shape in ((1, 1), (5, 12), (20, 4)):
        inputs = np.random.default_rng(2).integers(2, 60, shape)
        inputs[:, shape[1] // 2 + 1 :] = 0
        assert check_parity(tower, tmp_path / "text.onnx", inputs, _unit(30, 16)) < 1e-5


def test_weights_are_stored_as_half_floats_and_computed_with_as_full_ones(tower, tmp_path):
    ids = np.full((2, 3), 5)
    export(tower, "ids", ids, tmp_path / "half.onnx")
    export(tower, "ids", ids, tmp_path / "full.onnx", half=False)
    half, full = (tmp_path / f"{name}.onnx" for name in ("half", "full"))
    assert half.stat().st_size < 0.7 * full.stat().st_size
    kinds = {held.data_type for held in onnx.load(half).graph.initializer if np.prod(held.dims) >= 256}
    assert kinds == {onnx.TensorProto.FLOAT16}
    assert exporting.session(half).run(None, {"ids": ids})[0].dtype == np.float32


def test_a_graph_of_other_weights_is_refused(tower, tmp_path):
    ids = np.random.default_rng(1).integers(2, 60, (4, 7))
    export(tower, "ids", ids, tmp_path / "text.onnx")
    with torch.no_grad():
        tower.head.weight[0] += 0.05 * torch.randn(32)
    with pytest.raises(ExportRefused, match="differs from its tower"):
        check_parity(tower, tmp_path / "text.onnx", ids, _unit(30, 16))


def test_a_graph_that_ranks_otherwise_is_refused_even_within_the_tolerance(tower, tmp_path, monkeypatch):
    ids = np.random.default_rng(1).integers(2, 60, (4, 7))
    export(tower, "ids", ids, tmp_path / "text.onnx")
    with torch.no_grad():
        tower.head.weight += 0.1 * torch.randn(16, 32)
    monkeypatch.setattr(exporting, "TOLERANCE", 10.0)
    with pytest.raises(ExportRefused, match="ranks otherwise"):
        check_parity(tower, tmp_path / "text.onnx", ids, _unit(300, 16))
