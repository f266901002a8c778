"""An exported graph answers as its tower does, or is refused."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from training.learn import export as exporting
from training.learn.export import ExportRefused, check_parity, export, export_cells
from training.towers import rounding
from training.towers.heads import ProjectionHead, PrototypePull
from training.towers.rounding import quantised
from training.towers.text import TextTower


def graph(path):
    session = exporting.session(path)
    return lambda ids: session.run(None, {"ids": ids})[0]


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
    export(tower, {"ids": ids}, tmp_path / "text.onnx")
    for shape in ((1, 1), (5, 12), (20, 4)):
        inputs = np.random.default_rng(2).integers(2, 60, shape)
        inputs[:, shape[1] // 2 + 1 :] = 0
        assert check_parity(tower, graph(tmp_path / "text.onnx"), inputs, _unit(30, 16)) < 1e-5


def test_weights_are_stored_small_and_computed_with_as_full_floats(tower, tmp_path, monkeypatch):
    monkeypatch.setattr(rounding, "LARGE", 1000)
    ids = np.full((2, 3), 5)
    export(tower, {"ids": ids}, tmp_path / "small.onnx")
    export(tower, {"ids": ids}, tmp_path / "full.onnx", small=False)
    small, full = (tmp_path / f"{name}.onnx" for name in ("small", "full"))
    assert small.stat().st_size < 0.5 * full.stat().st_size
    kinds = {held.data_type for held in onnx.load(small).graph.initializer if np.prod(held.dims) >= 256}
    assert kinds == {onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8}
    assert graph(small)(ids).dtype == np.float32
    np.testing.assert_allclose(graph(small)(ids), graph(full)(ids), atol=1e-5)  # the tower was rounded alike


def test_a_matrix_used_both_ways_is_stored_as_it_was_rounded(tmp_path):
    memory = torch.from_numpy(_unit(160, 128)) * torch.linspace(0.1, 2.0, 160)[:, None]
    pull = PrototypePull(memory, torch.tensor(20.0), 0.5)
    vectors = _unit(12, 128)
    export(pull, {"vectors": vectors[:2]}, tmp_path / "pull.onnx")
    session = exporting.session(tmp_path / "pull.onnx")
    assert check_parity(pull, lambda x: session.run(None, {"vectors": x})[0], vectors, _unit(30, 128)) < 1e-5


def test_a_convolution_has_a_scale_for_each_of_its_outputs():
    values = np.random.default_rng(0).normal(size=(64, 64, 2, 2)) * np.arange(1, 65)[:, None, None, None]
    held, scale = quantised(values)
    assert held.dtype == np.int8 and scale.shape == (64, 1, 1, 1)
    assert (np.abs(held * scale - values) <= np.abs(values).max((1, 2, 3), keepdims=True) / 253).all()


@pytest.mark.parametrize("rows", [0, 1])
def test_a_matrix_is_rounded_to_127_steps_of_its_rows_largest_number(rows):
    values = np.random.default_rng(0).normal(size=(200, 100)).astype(np.float32) * np.array([1e-3, 50] * 50)
    held, scale = quantised(values, rows)
    assert held.dtype == np.int8 and scale.size == values.shape[rows]
    largest = np.abs(values).max(1 - rows, keepdims=True)
    assert (np.abs(held * scale - values) <= largest / 253).all()
    again, _ = quantised(held * scale, rows)
    assert (again == held).all()  # rounding twice is rounding once


def test_what_is_small_and_all_else_is_rounded_to_half():
    for shape in ((10, 10), (64, 64, 8), (20_000,), (960, 1, 3, 3)):
        held, scale = quantised(np.ones(shape, np.float32))
        assert held.dtype == np.float16 and scale is None


def test_a_graph_of_other_weights_is_refused(tower, tmp_path):
    ids = np.random.default_rng(1).integers(2, 60, (4, 7))
    export(tower, {"ids": ids}, tmp_path / "text.onnx")
    with torch.no_grad():
        tower.head.weight[0] += 0.05 * torch.randn(32)
    with pytest.raises(ExportRefused, match="differs from its tower"):
        check_parity(tower, graph(tmp_path / "text.onnx"), ids, _unit(30, 16))


def test_a_graph_that_ranks_otherwise_is_refused_even_within_the_tolerance(tower, tmp_path, monkeypatch):
    ids = np.random.default_rng(1).integers(2, 60, (4, 7))
    export(tower, {"ids": ids}, tmp_path / "text.onnx")
    with torch.no_grad():
        tower.head.weight += 0.1 * torch.randn(16, 32)
    monkeypatch.setattr(exporting, "TOLERANCE", 10.0)
    with pytest.raises(ExportRefused, match="ranks otherwise"):
        check_parity(tower, graph(tmp_path / "text.onnx"), ids, _unit(300, 16))


class Pooled(nn.Module):
    """A photo tower in small: features, their mean, a head."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.features, self.pool, self.head = nn.Conv2d(3, 12, 4, 4), nn.AdaptiveAvgPool2d(1), head

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.head(self.pool(self.features(photo)).flatten(1))


def test_what_the_cells_add_and_the_heads_bias_are_the_vector(tmp_path):
    torch.manual_seed(0)
    tower = Pooled(head := ProjectionHead(12, 6, hidden=10)).eval()
    for layer in (head.inner[0], head.inner[3]):
        nn.init.normal_(layer.weight, std=0.7)
    photo = np.random.default_rng(0).normal(size=(2, 3, 12, 20)).astype(np.float32)
    export(tower, {"photo": photo}, tmp_path / "photo.onnx")
    assert export_cells(tmp_path / "photo.onnx", tmp_path / "cells.onnx")
    whole = tmp_path / "whole.onnx"
    whole.write_bytes((tmp_path / "photo.onnx").read_bytes() + (tmp_path / "cells.onnx").read_bytes())
    vectors, cells = exporting.session(whole).run(["vector", "cells"], {"photo": photo})
    assert cells.shape == (2, 3, 5, 6)
    with torch.inference_mode():
        features = tower.features(torch.from_numpy(photo))
        pooled = features.mean((2, 3))
        hidden = head.inner[0](pooled)
        gate = torch.nn.functional.gelu(hidden) / hidden
        bias = head.linear.bias + head.inner[3](gate * head.inner[0].bias)
        length = (head.linear(pooled) + head.inner(pooled)).norm(dim=1, keepdim=True)
        one = features[1, :, 2, 4]  # a cell by hand
        wanted = head.linear.weight @ one + head.inner[3].weight @ (gate[1] * (head.inner[0].weight @ one))
    np.testing.assert_allclose(cells.sum((1, 2)) + (bias / length).numpy(), vectors, atol=1e-5)
    np.testing.assert_allclose(cells[1, 2, 4], (wanted / length[1] / 15).numpy(), atol=1e-6)


def test_a_graph_of_another_form_is_not_split(tmp_path):
    photo = np.zeros((1, 3, 8, 8), np.float32)
    export(Pooled(nn.Linear(12, 6)), {"photo": photo}, tmp_path / "photo.onnx")
    assert not export_cells(tmp_path / "photo.onnx", tmp_path / "cells.onnx")
    assert not (tmp_path / "cells.onnx").exists()
