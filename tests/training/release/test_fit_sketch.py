"""The adapter that brings an adopted model's vectors of drawings nearer to those of photos."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests import models
from training.release import fit_sketch
from training.release.fit_sketch import FILE, adapt, fit, solve
from xmr import adopt, checkpoint
from xmr.modality import BadInput, Item, Modality


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_the_matrix_is_the_least_of_what_the_module_says():
    rng = np.random.default_rng(0)
    sketches, targets, strength = unit(rng.normal(size=(40, 6))), unit(rng.normal(size=(40, 6))), 2.0
    weight = strength * 40 / 6

    def cost(matrix: np.ndarray) -> float:
        return ((sketches @ matrix - targets) ** 2).sum() + weight * ((matrix - np.eye(6)) ** 2).sum()

    found = solve(sketches, targets, strength)
    assert all(cost(found) < cost(found + 1e-3 * rng.normal(size=(6, 6))) for _ in range(50))
    assert np.abs(solve(sketches, targets, 1e9) - np.eye(6)).max() < 1e-6


@pytest.fixture
def pairs():
    """Photos of 24 classes, and drawings that are theirs after a turn: (sketches, of, photos, shown)."""
    rng = np.random.default_rng(1)
    centres = unit(rng.normal(size=(24, 12)))
    turn, _ = np.linalg.qr(np.eye(12) + 0.5 * rng.normal(size=(12, 12)))
    names = [f"c{number:02}" for number in range(24) for _ in range(20)]
    of = np.repeat(centres, 20, axis=0)
    photos = unit(of + 0.1 * rng.normal(size=of.shape))
    return unit(of @ turn + 0.1 * rng.normal(size=of.shape)), names, photos, names


def test_a_turn_of_the_space_is_found_and_serves_classes_that_were_left_out(pairs):
    matrix, shares = fit(*pairs)
    assert max(shares.values()) > shares[0.0] + 0.3
    sketches, of, photos, shown = pairs
    first = (unit(sketches @ matrix) @ photos.T).argmax(axis=1)
    assert np.mean([shown[row] == name for row, name in zip(first, of, strict=True)]) > 0.9


def test_where_drawings_lie_with_their_photos_no_adapter_is_worse_than_none(pairs):
    _, of, photos, shown = pairs
    matrix, shares = fit(photos, of, photos, shown)
    assert shares[0.0] == max(shares.values()) == 1.0 and (matrix == np.eye(12)).all()


def test_few_classes_are_refused():
    rows = unit(np.random.default_rng(0).normal(size=(4, 3)))
    with pytest.raises(BadInput, match="of 10 classes are needed; 2 are there"):
        fit(rows, list("aabb"), rows, list("aabb"))


def test_an_adopted_model_gets_its_adapter_and_keeps_its_vectors_of_photos(tmp_path, monkeypatch):
    monkeypatch.setenv("XMR_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(fit_sketch, "DEMO", tmp_path)
    models.write_transformers_js(tmp_path / "tiny", "Siglip")
    adopt.adopt(adopt.look_up(str(tmp_path / "tiny")), gallery=tmp_path)
    before, photo = checkpoint.load("tiny"), models.pictures(2)
    shown = [Item(f"p{n}", Modality.PHOTO, "", frozenset({f"class:{n % 60}"})) for n in range(120)]
    drawn = [Item(f"s{n}", Modality.SKETCH, "", frozenset({f"class:{n % 60}"})) for n in range(120)]
    monkeypatch.setattr(fit_sketch, "_pairs", lambda progress: (drawn, shown))
    rng = np.random.default_rng(0)
    centres, turn = unit(rng.normal(size=(60, 32))), np.linalg.qr(rng.normal(size=(32, 32)) + 3 * np.eye(32))[0]

    def encoded(system, items):
        rows = np.stack([centres[int(min(item.labels).split(":")[1])] for item in items])
        return (rows @ turn if items[0].modality is Modality.SKETCH else rows).astype(np.float32)

    monkeypatch.setattr(fit_sketch, "_encoded", encoded)
    told = adapt("tiny", lambda line: None)
    after = checkpoint.load("tiny")
    if told.strength is None:
        pytest.fail("an adapter would have found more")
    drawing = models.pictures(1)[0].convert("L").point(lambda value: 255 if value > 90 else 0)
    matrix = np.load(tmp_path / "models" / "tiny" / FILE)
    assert np.abs(after.encode_sketch(drawing) - unit(before.encode_sketch(drawing) @ matrix)).max() < 1e-5
    assert (after.encode_photo(photo) == before.encode_photo(photo)).all()
    assert after.fingerprint(Modality.PHOTO) == before.fingerprint(Modality.PHOTO)
    assert after.fingerprint(Modality.SKETCH) != before.fingerprint(Modality.SKETCH)
    assert f"{told.after:.3f}" in after.config["card"]["built"] and told.after > told.before
    with pytest.raises(BadInput, match="has an adapter for drawings already"):
        adapt("tiny")
    np.save(tmp_path / "models" / "tiny" / FILE, np.zeros((3, 3), np.float32))
    config = json.loads((tmp_path / "models" / "tiny" / "config.json").read_text())
    checkpoint.sign(tmp_path / "models" / "tiny", config)
    with pytest.raises(BadInput, match="no matrix of 32 x 32 numbers"):
        checkpoint.load("tiny").encode_sketch(drawing)


def test_what_was_not_adopted_gets_none(tmp_path, monkeypatch):
    monkeypatch.setenv("XMR_MODELS", str(tmp_path))
    with pytest.raises(BadInput, match="tri was not adopted"):
        adapt("tri")
