"""Batches: what is drawn from a pool, which items match, and what is a sentence pair."""

import numpy as np
import torch

from tests.training.tiny import TinyTower, pool_items
from training.learn.sampling import Cycle, TextPool, make_pool, merge
from xmr.modality import Drawing, Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT


def test_a_cycle_shows_everything_once_a_pass_whatever_the_batches():
    cycle = Cycle(10, seed=1)
    passes = np.concatenate([cycle.take(start, 4) for start in range(0, 40, 4)]).reshape(4, 10)
    assert all(sorted(one) == list(range(10)) for one in passes)
    assert not (passes[0] == passes[1]).all()
    np.testing.assert_array_equal(Cycle(10, seed=1).take(17, 6), passes.ravel()[17:23])


def test_a_sketch_of_nothing_photographed_meets_a_photo_of_its_class_or_none(tmp_path, vocabulary):
    items = [item for item in pool_items(tmp_path) if item.modality is PHOTO]
    stroke = Drawing((np.array([[0.0, 0], [10, 5]]),))
    items += [
        Item(name, SKETCH, "", frozenset({f"class:{name}", f"instance:{name} of nowhere"}), facts={"drawing": stroke})
        for name in ("dog", "emu")
    ]
    pool = make_pool("tiny", items, TinyTower(), 1, vocabulary, tmp_path / "cache")
    part = pool.draw(np.random.default_rng(0), 0, 2, all_class_names=True)
    assert len(part["sketch"]["cls"]) == 2
    assert part["photo"]["cls"].tolist() == [vocabulary.number(frozenset({"class:dog"}))]


def test_a_drawn_part_matches_sketches_photos_captions_and_names_by_label(pool):
    part = pool.draw(np.random.default_rng(0), 0, 4, all_class_names=True)
    assert set(part) == {"sketch", "photo", "text_de", "text_en", "names"}
    assert len(part["names"]["cls"]) == 2 and len(part["photo"]["group"].unique()) == len(part["photo"]["group"])
    assert set(part["sketch"]["cls"].tolist()) <= set(part["photo"]["cls"].tolist())
    assert part["text_en"]["group"].tolist() == part["photo"]["group"].tolist()
    again = pool.draw(np.random.default_rng(0), 0, 4, all_class_names=True)
    assert torch.equal(part["photo"]["input"], again["photo"]["input"])


def test_parts_of_one_negative_group_are_put_together(pool):
    a, b = (pool.draw(np.random.default_rng(n), n, 2 + n, all_class_names=False) for n in (0, 1))
    sizes = {key: len(a[key]["group"]) + len(b[key]["group"]) for key in a if key in b}
    together: dict = {}
    merge(together, a)
    merge(together, b)
    assert {key: len(together[key]["group"]) for key in sizes} == sizes
    assert all(len({len(v) for v in part.values()}) == 1 for part in together.values())


def test_sentence_pairs_are_of_one_image_and_a_translation_has_its_originals_teacher(vocabulary):
    items = [
        Item("a", TEXT, "1 en caption", frozenset({"image:pair"}), "en"),
        Item("b", TEXT, "1 de caption", frozenset({"image:pair"}), "de"),
    ]
    taught = np.eye(4, dtype=np.float16)[0]
    drawn = TextPool(vocabulary, items, {"1 en caption": taught}).draw(np.random.default_rng(0), 0, 1)
    assert drawn["a_teacher"].tolist() == drawn["b_teacher"].tolist() == [taught.tolist()]
    assert not torch.equal(drawn["a"], drawn["b"])
