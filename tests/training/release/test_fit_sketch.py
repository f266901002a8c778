"""The adapter that brings an adopted model's vectors of drawings nearer to those of photos."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests import models
from training.learn.evaluation import encoder_vectors, evaluate_on_test
from training.release import fit_sketch
from training.release.evaluate import evaluate
from training.release.fit_sketch import FILE, WITH, WITHOUT, adapt, fit, measured, solve
from xmr import adopt, checkpoint
from xmr.encoder import adapted
from xmr.evaluation import Comparison, Protocol
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
    adapter, shares = fit(*pairs)
    assert max(shares.values()) > shares[0.0] + 0.3
    sketches, of, photos, shown = pairs
    first = (adapted(sketches, adapter) @ photos.T).argmax(axis=1)
    assert np.mean([shown[row] == name for row, name in zip(first, of, strict=True)]) > 0.9


def test_means_that_hide_what_tells_things_apart_are_taken_away(pairs):
    """Photos crowd around one point and drawings around another, as in networks whose features are all positive."""
    _, of, photos, shown = pairs
    rng = np.random.default_rng(2)
    crowded, drawn = unit(photos + 3 * unit(rng.normal(size=12))), unit(photos[::-1] + 3 * unit(rng.normal(size=12)))
    adapter, shares = fit(drawn, of[::-1], crowded, shown)
    assert shares[fit_sketch.STRENGTHS[-1]] > shares[0.0] + 0.3
    first = (adapted(drawn, adapter) @ crowded.T).argmax(axis=1)
    assert np.mean([shown[row] == name for row, name in zip(first, of[::-1], strict=True)]) > 0.9


def test_where_drawings_lie_with_their_photos_no_adapter_is_worse_than_none(pairs):
    _, of, photos, shown = pairs
    adapter, shares = fit(photos, of, photos, shown)
    assert shares[0.0] == max(shares.values()) == 1.0
    np.testing.assert_allclose(adapted(photos, adapter), photos, atol=1e-6)


def test_few_classes_are_refused():
    rows = unit(np.random.default_rng(0).normal(size=(4, 3)))
    with pytest.raises(BadInput, match="of 10 classes are needed; 2 are there"):
        fit(rows, list("aabb"), rows, list("aabb"))


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The folder of a tiny SigLIP that was adopted, where there is no demo gallery."""
    monkeypatch.setenv("XMR_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(fit_sketch, "DEMO", tmp_path)
    models.write_transformers_js(tmp_path / "tiny", "Siglip")
    return adopt.adopt(adopt.look_up(str(tmp_path / "tiny")), gallery=tmp_path).folder


@pytest.fixture
def turned(tiny, monkeypatch):
    """Drawings whose vectors are those of their classes' photos after a turn, to fit and to test on."""
    photos, drawings = (
        [Item(f"{modality[0]}{n}", modality, "", frozenset({f"class:{n % 60}"})) for n in range(120)]
        for modality in (Modality.PHOTO, Modality.SKETCH)
    )
    monkeypatch.setattr(fit_sketch, "_pairs", lambda progress: (drawings, photos, ("sketchy25", "quickdraw")))
    rng = np.random.default_rng(0)
    centres, turn = unit(rng.normal(size=(60, 32))), np.linalg.qr(rng.normal(size=(32, 32)) + 3 * np.eye(32))[0]

    def vectors(items):
        rows = np.stack([centres[int(min(item.labels).split(":")[1])] for item in items])
        return (rows @ turn if items[0].modality is Modality.SKETCH else rows).astype(np.float32)

    monkeypatch.setattr(fit_sketch, "encoder_vectors", lambda system: vectors)
    asked = Comparison(
        "sketch_to_photo/category", (Modality.SKETCH, None), (Modality.PHOTO, None), "class", ("p@1", "map")
    )
    toy = Protocol("toy", "Turned.", lambda split: drawings[:90] + photos if split == "test" else [], (asked,))
    monkeypatch.setattr(fit_sketch, "PROTOCOLS", {"toy": toy})
    monkeypatch.setattr(fit_sketch, "TESTS", ("toy",))
    return drawings[:90], photos, vectors


def test_an_adopted_model_gets_its_adapter_and_keeps_its_vectors_of_photos(tiny, turned, tmp_path):
    before, photo = checkpoint.load("tiny"), models.pictures(2)
    told = adapt("tiny", lambda line: None)
    after = checkpoint.load("tiny")
    if told.strength is None:
        pytest.fail("an adapter would have found more")
    drawing = models.pictures(1)[0].convert("L").point(lambda value: 255 if value > 90 else 0)
    wanted = adapted(before.encode_sketch(drawing), np.load(tiny / FILE))
    assert np.abs(after.encode_sketch(drawing) - wanted).max() < 1e-5
    assert (after.encode_photo(photo) == before.encode_photo(photo)).all()
    assert after.fingerprint(Modality.PHOTO) == before.fingerprint(Modality.PHOTO)
    assert after.fingerprint(Modality.SKETCH) != before.fingerprint(Modality.SKETCH)
    assert str(told) in after.config["card"]["built"] and told.after > told.before
    assert after.config["card"]["data"] == ["sketchy25", "quickdraw"]
    with pytest.raises(BadInput, match="has an adapter for drawings already"):
        adapt("tiny")
    np.save(tiny / FILE, np.zeros((3, 3), np.float32))
    checkpoint.sign(tiny, json.loads((tiny / "config.json").read_text()))
    with pytest.raises(BadInput, match="no array of 33 x 32 numbers"):
        checkpoint.load("tiny").encode_sketch(drawing)


def test_what_test_drawings_find_with_the_adapter_and_without_is_written(tiny, turned):
    drawings, photos, vectors = turned
    (tiny / "metrics.json").write_text(json.dumps({"weights": "", "protocols": {"other": {"metrics": {}}}}))
    adapt("tiny", lambda line: None)
    found = {}
    drawn = vectors(drawings)
    for side, asked in ((WITH, adapted(drawn, np.load(tiny / FILE))), (WITHOUT, drawn)):
        first = [photos[row] for row in (asked @ vectors(photos).T).argmax(axis=1)]
        found[side] = np.mean([one.labels == drawn.labels for one, drawn in zip(first, drawings, strict=True)])
    report = json.loads((tiny / "metrics.json").read_text())
    assert report["weights"] == checkpoint.load("tiny").weights and report["protocols"].keys() == {"toy@adapter"}
    entry = report["protocols"]["toy@adapter"]
    for side, share in found.items():
        assert entry["metrics"][f"{side}/p@1"] == pytest.approx(share, abs=1e-4)
        assert entry["chance"][f"{side}/p@1"] == pytest.approx(2 / 120, abs=1e-4) and f"{side}/map" in entry["metrics"]
    assert found[WITH] > found[WITHOUT] and entry["queries"] == 90 and entry["gallery"] == 120
    row = [f"{found[side]:.3f} ± {entry['stderr'][f'{side}/p@1']:.3f}" for side in (WITH, WITHOUT)]
    assert f"| toy, 90 | {row[0]} | {row[1]} | 0.017 |" in (tiny / "card.md").read_text()


def test_with_an_adapter_no_class_is_unseen(tiny, turned, tmp_path):
    adapt("tiny", lambda line: None)
    with pytest.raises(
        BadInput, match="doesn't list sketchy-2-unseen .*tests what its adapter for drawings was fitted on"
    ):
        evaluate("tiny", tmp_path / "checkpoints", ["sketchy-2-unseen"])
    assert "sketchy25-heldout" in checkpoint.load("tiny").config["protocols"]


def test_both_sides_are_the_figures_that_an_evaluation_finds(tiny, tiny_data):
    adapter = np.random.default_rng(0).normal(size=(33, 32)).astype(np.float32)
    plain = checkpoint.load("tiny")
    entry = measured("sketchy25-heldout", encoder_vectors(plain), adapter)
    np.save(tiny / FILE, adapter)
    config = json.loads((tiny / "config.json").read_text())
    config["encoders"]["sketch"]["adapter"] = FILE
    checkpoint.sign(tiny, config)
    for side, system in ((WITH, checkpoint.load("tiny")), (WITHOUT, plain)):
        whole = evaluate_on_test("sketchy25-heldout", system.encoders, encoder_vectors(system))["metrics"]
        own = {key: value for key, value in entry["metrics"].items() if key.startswith(f"{side}/")}
        assert own == {key: whole[key.replace(side, "sketch_to_photo/category")] for key in own} and len(own) == 3
    assert entry["metrics"][f"{WITH}/map"] != entry["metrics"][f"{WITHOUT}/map"]


def test_it_is_fitted_on_training_items_of_what_is_here_and_has_photos(tiny_data, tmp_path, monkeypatch):
    drawn, _, data = fit_sketch._pairs(print)
    assert data == ("sketchy25", "world") and drawn
    (tmp_path / "sketchy25").symlink_to(tiny_data / "sketchy25")
    (tmp_path / "quickdraw").mkdir()
    for word in ("ant", "zebra"):
        rows = [{"word": word, "key_id": f"{word}-{n}", "drawing": [[[0, n], [9, 5]]]} for n in range(40)]
        (tmp_path / "quickdraw" / f"{word}.ndjson").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setenv("XMR_DATA", str(tmp_path))
    more, shown, data = fit_sketch._pairs(print)
    assert data == ("sketchy25", "quickdraw", "world") and len(more) > len(drawn) + 20
    assert not any(item.id.startswith("zebra-") for item in more)  # no photo shows one
    held = {item.id for split in ("val", "test") for items in fit_sketch.DATA.values() for item in items(split)}
    assert any(id.startswith("ant-") for id in held) and not held & {item.id for item in more + shown}


def test_what_was_not_adopted_gets_none(tmp_path, monkeypatch):
    monkeypatch.setenv("XMR_MODELS", str(tmp_path))
    with pytest.raises(BadInput, match="tri was not adopted"):
        adapt("tri")
