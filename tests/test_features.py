"""Cached maps: a picture that can't be decoded costs its own row and no other, and a killed extraction goes on."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from tests.test_recipe import PHOTO, SKETCH, TEXT, TinyTower, _items
from training import features
from training.features import MapCache, pixels
from training.sampling import Vocabulary, make_pool
from training.towers.text import train_tokenizer
from xmr.modality import BadInput, Drawing, Item
from xmr.preprocess import Tokenizer


@pytest.fixture
def items(tmp_path) -> list[Item]:
    (tmp_path / "pictures").mkdir()
    return _items(tmp_path / "pictures")


@pytest.fixture
def photos(items, monkeypatch) -> list[Item]:
    monkeypatch.setattr(features, "CHUNK", 3)
    return [item for item in items if item.modality is PHOTO]


def check_maps(cache: MapCache, tower: TinyTower, variants: int) -> None:
    for row, item in enumerate(cache.items):
        for variant in range(variants):
            wanted = tower.maps(torch.from_numpy(pixels(item, variant)[None]))[0].detach().numpy()
            np.testing.assert_allclose(cache[np.array([row]), np.array([variant])][0], wanted, atol=2e-3)


def test_a_corrupt_picture_has_no_row_and_is_told_of_each_time(tmp_path, photos, capsys):
    photos[2].content.write_bytes(photos[2].content.read_bytes()[:40])
    photos[7].content.write_bytes(b"")
    tower = TinyTower()
    for _ in range(2):  # extracted, then read
        cache = MapCache(tower, photos, 2, tmp_path / "cache")
        assert [item.id for item in cache.items] == ["p0", "p1", "p3", "p4", "p5", "p6"]
        assert set(cache.lost) == {"p2", "p7"} and "is empty" in cache.lost["p7"]
        assert "2 photos that can't be decoded, left out (p2: " in capsys.readouterr().out
        check_maps(cache, tower, 2)
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {".f16", ".json"}


def test_only_corrupt_pictures_are_an_error_and_mended_ones_are_read(tmp_path, photos):
    held = [photo.content.read_bytes() for photo in photos]
    for photo in photos:
        photo.content.write_bytes(b"not a picture")
    with pytest.raises(BadInput, match="not one of 8 can be decoded"):
        MapCache(TinyTower(), photos, 1, tmp_path / "cache")
    for photo, data in zip(photos, held, strict=True):
        photo.content.write_bytes(data)
    assert len(MapCache(TinyTower(), photos, 1, tmp_path / "cache").items) == 8


def test_a_killed_extraction_goes_on_and_remembers_what_was_lost(tmp_path, photos, monkeypatch):
    photos[0].content.write_bytes(b"")
    tower, calls = TinyTower(), itertools.count()

    def killed(item, variant):
        if next(calls) == 11:
            raise KeyboardInterrupt
        return pixels(item, variant)

    monkeypatch.setattr(features, "ThreadPoolExecutor", lambda: ThreadPoolExecutor(1))
    monkeypatch.setattr(features, "pixels", killed)
    with pytest.raises(KeyboardInterrupt):
        MapCache(tower, photos, 2, tmp_path / "cache")
    (journal,) = (tmp_path / "cache").glob("*.journal")
    assert json.loads(journal.read_text().splitlines()[-1])["done"] == 9
    again = []
    monkeypatch.setattr(features, "pixels", lambda item, variant: again.append(item.id) or pixels(item, variant))
    cache = MapCache(tower, photos, 2, tmp_path / "cache")
    assert len(again) == 16 - 9 and "p0" not in again and set(cache.lost) == {"p0"}
    monkeypatch.setattr(features, "pixels", pixels)
    check_maps(cache, tower, 2)


def test_a_lost_photo_leaves_its_pool_with_its_sketches_and_captions(tmp_path, items):
    photo = next(item for item in items if item.id == "p1")
    photo.content.write_bytes(b"")
    sketch = next(item for item in items if item.id == "s3")
    items[items.index(sketch)] = Item("s3", SKETCH, "", sketch.labels, facts={"drawing": Drawing((np.zeros((0, 2)),))})
    train_tokenizer([item.content for item in items if item.modality is TEXT] * 4, 60, tmp_path / "t.json")
    vocabulary = Vocabulary(Tokenizer(tmp_path / "t.json"), 16)
    pool = make_pool("tiny", items, TinyTower(), 2, vocabulary, tmp_path / "cache", own=0.5)
    assert pool.lost == {"p1", "s1", "t1en", "t1de", "s3"}
    gone = vocabulary.number(frozenset({"instance:1"}))
    for step in range(20):
        part = pool.draw(np.random.default_rng(step), step, 2, every_name=True)
        assert len(part["sketch"]["group"]) == 2
        for found in part.values():
            assert gone not in found["group"].tolist()
