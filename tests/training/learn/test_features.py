"""Cached features: each is computed once, a kill loses no whole chunk, and a broken picture has no row."""

import itertools
import json
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.training.tiny import PHOTO, SKETCH, TEXT, TinyTower, pool_items
from training.learn import features
from training.learn.features import FeatureCache, MapCache, pixels
from training.learn.sampling import Vocabulary, make_pool
from training.towers.text import train_tokenizer
from xmr.modality import BadInput, Drawing, Item
from xmr.preprocess import Tokenizer


def numbers(things: list[int]) -> list[np.ndarray]:
    """Rows of two numbers; none of a negative one."""
    return [np.array([n, 2 * n], np.float32) if n >= 0 else ValueError(f"{n} is negative") for n in things]


def never():
    raise AssertionError("computed again")


def test_rows_are_computed_once_and_read_by_another_cache_of_the_same_file(tmp_path):
    cache = FeatureCache(tmp_path / "rows.f32")
    assert cache.fill({"a": 1, "b": 2, "c": 3}, lambda: numbers, "numbers", chunk=2) == {}
    again = FeatureCache(tmp_path / "rows.f32")
    assert again.fill({"c": 3, "a": 1}, never, "numbers") == {}
    np.testing.assert_array_equal(again.take(["c", "a"]), [[3, 6], [1, 2]])
    again.fill({"d": 4, "a": 1}, lambda: numbers, "numbers")
    np.testing.assert_array_equal(again.take(["a", "b", "c", "d"]), [[1, 2], [2, 4], [3, 6], [4, 8]])
    cache.fill({"d": 4}, never, "numbers")  # it sees what the other has written


def test_filling_a_cache_draws_no_random_number_of_the_run(tmp_path):
    def start():
        torch.nn.Linear(3, 3)  # as loading a network does
        return lambda things: [torch.rand(2).numpy() for _ in things]

    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    FeatureCache(tmp_path / "rows.f32").fill({"a": 1}, start, "numbers", workers=1)
    assert torch.equal(torch.rand(3), wanted)


def test_what_has_no_row_is_named_and_tried_again(tmp_path):
    cache = FeatureCache(tmp_path / "rows.f32")
    for _ in range(2):
        lost = cache.fill({"a": 1, "b": -2}, lambda: numbers, "numbers")
        assert list(lost) == ["b"] and "-2 is negative" in str(lost["b"])
    cache.fill({"b": 7}, lambda: numbers, "numbers")
    np.testing.assert_array_equal(cache.take(["b", "a"]), [[7, 14], [1, 2]])


def test_a_large_caches_size_is_said_before_it_is_filled_and_one_without_room_is_refused(tmp_path, monkeypatch, capsys):
    calls = []

    def large(things: list[int]) -> list[np.ndarray]:
        calls.append(things)
        return [np.zeros(250_000, np.float32) for _ in things]

    things = {str(n): n for n in range(4)}
    monkeypatch.setattr(features, "LARGE", 3e6)
    FeatureCache(tmp_path / "small").fill({"0": 0}, lambda: large, "maps", chunk=1)
    assert "GB" not in capsys.readouterr().out
    FeatureCache(tmp_path / "large").fill(things, lambda: large, "maps", chunk=1)
    assert f"The maps of 4 items take 0.0 GB in {tmp_path / 'large'}" in capsys.readouterr().out
    calls.clear()
    monkeypatch.setattr(features.shutil, "disk_usage", lambda path: SimpleNamespace(free=3_900_000))
    with pytest.raises(BadInput, match=r"maps of 4 items take 0.0 GB, but .* has 0.0 GB free. .*--runs DIR"):
        FeatureCache(tmp_path / "full").fill(things, lambda: large, "maps", chunk=1)
    assert calls == [[0]] and not (tmp_path / "full").exists()  # found after one chunk


@pytest.mark.parametrize("left", [b'["d"', b'["d"]', b""])
def test_a_fill_that_was_killed_while_it_wrote_goes_on_after_the_last_whole_line(tmp_path, left):
    path = tmp_path / "rows.f32"
    FeatureCache(path).fill({"a": 1, "b": 2}, lambda: numbers, "numbers")
    with path.open("ab") as rows, (tmp_path / "rows.f32.jsonl").open("ab") as lines:
        rows.write(b"half a ro")
        lines.write(left)
    cache = FeatureCache(path)
    assert list(cache.rows) == ["a", "b"]
    cache.fill({"c": 3, "d": 4}, lambda: numbers, "numbers", chunk=1)
    np.testing.assert_array_equal(FeatureCache(path).take(["a", "b", "c", "d"]), [[1, 2], [2, 4], [3, 6], [4, 8]])


def _fill(path: Path, first: int) -> None:
    cache = FeatureCache(path)
    for start in range(first, first + 40, 8):
        cache.fill({str(n): n for n in range(start, start + 8)}, lambda: numbers, "numbers", chunk=3)


def test_two_processes_fill_one_file_and_lose_no_row(tmp_path):
    context = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    others = [context.Process(target=_fill, args=(tmp_path / "rows.f32", first)) for first in (0, 20)]
    for other in others:
        other.start()
    for other in others:
        other.join()
        assert other.exitcode == 0
    found = FeatureCache(tmp_path / "rows.f32").take([str(n) for n in range(60)])
    np.testing.assert_array_equal(found[:, 0], np.arange(60))


@pytest.fixture
def items(tmp_path) -> list[Item]:
    (tmp_path / "pictures").mkdir()
    return pool_items(tmp_path / "pictures")


@pytest.fixture
def photos(items, monkeypatch) -> list[Item]:
    monkeypatch.setattr(features, "CHUNK", 3)
    return [item for item in items if item.modality is PHOTO]


def check_maps(cache: MapCache, tower: TinyTower, variants: int) -> None:
    for row, item in enumerate(cache.items):
        for variant in range(variants):
            wanted = tower.maps(torch.from_numpy(pixels(item, variant)[None]))[0].detach().numpy()
            np.testing.assert_allclose(cache[np.array([row]), np.array([variant])][0], wanted, atol=2e-3)


def test_cached_maps_are_the_stems_of_each_variant(tmp_path):
    items = [item for item in pool_items(tmp_path) if item.modality is PHOTO]
    tower = TinyTower()
    cache = MapCache(tower, items, 2, tmp_path / "cache")
    for row in (0, 5):
        for variant in (0, 1):
            wanted = tower.maps(torch.from_numpy(pixels(items[row], variant)[None]))[0].detach().numpy()
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


def test_only_corrupt_pictures_are_an_error_and_mended_ones_are_read(tmp_path, photos):
    held = [photo.content.read_bytes() for photo in photos]
    for photo in photos:
        photo.content.write_bytes(b"not a picture")
    with pytest.raises(BadInput, match="not one of 8 can be decoded"):
        MapCache(TinyTower(), photos, 1, tmp_path / "cache")
    for photo, data in zip(photos, held, strict=True):
        photo.content.write_bytes(data)
    assert len(MapCache(TinyTower(), photos, 1, tmp_path / "cache").items) == 8


def test_another_choice_of_photos_reads_what_is_there_and_a_changed_one_is_read_anew(tmp_path, photos, monkeypatch):
    tower, seen = TinyTower(), []
    MapCache(tower, photos[:6], 2, tmp_path / "cache")
    photos[1].content.write_bytes(photos[0].content.read_bytes())
    monkeypatch.setattr(features, "pixels", lambda item, *more: seen.append(item.id) or pixels(item, *more))
    cache = MapCache(tower, photos[::-1], 2, tmp_path / "cache")
    assert sorted(set(seen)) == ["p1", "p6", "p7"]
    monkeypatch.setattr(features, "pixels", pixels)
    check_maps(cache, tower, 2)


def test_a_killed_extraction_goes_on(tmp_path, photos, monkeypatch):
    photos[0].content.write_bytes(b"")
    tower, calls = TinyTower(), itertools.count()

    def killed(item, *more):
        if next(calls) == 9:
            raise KeyboardInterrupt
        return pixels(item, *more)

    monkeypatch.setattr(features, "ThreadPoolExecutor", lambda workers: ThreadPoolExecutor(1))
    monkeypatch.setattr(features, "pixels", killed)
    with pytest.raises(KeyboardInterrupt):
        MapCache(tower, photos, 2, tmp_path / "cache")
    (index,) = (tmp_path / "cache").glob("*.jsonl")
    assert len([key for line in index.read_text().splitlines()[1:] for key in json.loads(line)]) == 2  # of p0 to p2
    again = []
    monkeypatch.setattr(features, "pixels", lambda item, *more: again.append(item.id) or pixels(item, *more))
    cache = MapCache(tower, photos, 2, tmp_path / "cache")
    assert set(again) == {"p0", "p3", "p4", "p5", "p6", "p7"} and set(cache.lost) == {"p0"}
    monkeypatch.setattr(features, "pixels", pixels)
    check_maps(cache, tower, 2)


def test_pooled_features_are_what_the_upper_stages_make_of_the_maps(tmp_path, photos):
    tower = TinyTower()
    tower.upper = torch.nn.Sequential(torch.nn.Conv2d(6, 5, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    cache = MapCache(tower, photos, 2, tmp_path / "cache")
    found = cache.pooled(tower.upper)
    assert found.shape == (8, 2, 5)
    with torch.inference_mode():
        wanted = tower.upper(tower.maps(torch.from_numpy(pixels(photos[3], 1)[None])))[0]
    np.testing.assert_allclose(found[3, 1], wanted, atol=2e-3)


def test_where_maps_are_larger_than_pixels_pixels_are_kept_and_give_the_same(tmp_path, photos):
    tower = TinyTower()
    tower.stem = torch.nn.Conv2d(3, 8, 3, stride=2)  # 8 channels of 111 x 111 halves
    tower.upper = torch.nn.Sequential(torch.nn.Conv2d(8, 5, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    cache = MapCache(tower, photos, 2, tmp_path / "cache")
    rows = np.array([3, 0])
    np.testing.assert_array_equal(cache[rows, 1], np.stack([pixels(photos[row], 1) for row in rows]))
    assert (tmp_path / "cache" / "photo-pixels-2-224.u8").stat().st_size == 8 * 2 * 224 * 224 * 3
    with torch.inference_mode():
        wanted = tower.upper(tower.maps(torch.from_numpy(cache[rows, 1])))
    np.testing.assert_allclose(cache.pooled(tower.upper)[rows, 1], wanted, atol=2e-3)
    first = cache.pooled(tower.upper)
    with torch.no_grad():
        tower.stem.weight.add_(0.5)
    assert not np.allclose(cache.pooled(tower.upper), first, atol=1e-2)  # those of another stem are others


def test_a_lost_photo_leaves_its_pool_with_its_sketches_and_captions(tmp_path, items):
    photo = next(item for item in items if item.id == "p1")
    photo.content.write_bytes(b"")
    sketch = next(item for item in items if item.id == "s3")
    items[items.index(sketch)] = Item("s3", SKETCH, "", sketch.labels, facts={"drawing": Drawing((np.zeros((0, 2)),))})
    train_tokenizer([item.content for item in items if item.modality is TEXT] * 4, 60, tmp_path / "t.json")
    vocabulary = Vocabulary(Tokenizer(tmp_path / "t.json"), 16)
    pool = make_pool("tiny", items, TinyTower(), 2, vocabulary, tmp_path / "cache", same_instance_prob=0.5)
    assert pool.lost == {"p1", "s1", "t1en", "t1de", "s3"}
    gone = vocabulary.number(frozenset({"instance:1"}))
    for step in range(20):
        part = pool.draw(np.random.default_rng(step), step, 2, all_class_names=True)
        assert len(part["sketch"]["group"]) == 2
        for found in part.values():
            assert gone not in found["group"].tolist()
