"""The adapters: on small trees made here, and where the real data is, on that."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.tiny import write_world
from training import datasets
from training.datasets import (
    caltech101,
    chairv2,
    flickr8k,
    imagenet1000,
    labels_of,
    multi30k,
    names,
    sketchy25,
    stable_order,
    world,
)
from training.datasets.check import check
from training.datasets.reading import Skips
from training.world.lexicon import LEXICON
from xmr.modality import BadInput, Drawing, Modality

REAL = Path(os.environ.get("XMR_DATA", "../shared/data"))
real = pytest.mark.skipif(not (REAL / "sketchy25").is_dir(), reason=f"the real data is not in {REAL}")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("XMR_DATA", str(tmp_path))
    return tmp_path


def _picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "red").save(path)


def _of(items, modality):
    return [item for item in items if item.modality is modality]


def test_missing_data_is_an_error_that_says_where_it_was_expected(root):
    with pytest.raises(datasets.MissingData, match="flickr8k"):
        flickr8k.items("train")


def test_flickr_gives_translations_to_training_alone(root):
    (root / "flickr8k").mkdir()
    rows = [
        {"image": f"{split}.jpg", "split": split, "en": ["a"], "de": ["b"], "de_translation": ["c"]}
        for split in ("train", "test")
    ]
    (root / "flickr8k" / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert [i.content for i in _of(flickr8k.items("train"), Modality.TEXT)] == ["a", "b", "c"]
    assert [i.content for i in _of(flickr8k.items("test"), Modality.TEXT)] == ["a", "b"]
    assert {i.language for i in _of(flickr8k.items("test"), Modality.TEXT)} == {"en", "de"}


def test_sketchy_holds_out_a_photo_with_all_its_sketches(root):
    for name in ("ant", "bee", "cat", "dog"):
        for n in range(20):
            _picture(root / f"sketchy25/photo/{name}/{name}{n}.jpg")
        for n in range(5):
            for k in range(1 + n):
                _picture(root / f"sketchy25/sketch/{name}/{name}{n}-{k + 1}.png")
    splits = {split: sketchy25.items(split) for split in ("train", "val", "test")}
    instances = {s: {labels_of(i, "instance") for i in items} for s, items in splits.items()}
    assert not instances["train"] & instances["test"] and not instances["train"] & instances["val"]
    assert not instances["val"] & instances["test"]
    assert sum(len(_of(items, Modality.PHOTO)) for items in splits.values()) == 80
    assert sum(len(_of(items, Modality.SKETCH)) for items in splits.values()) == 4 * 15
    for items in splits.values():
        photos = {i.labels for i in _of(items, Modality.PHOTO)}
        assert all(i.labels in photos for i in _of(items, Modality.SKETCH))
    for name in ("ant", "bee", "cat", "dog"):
        of_class = [i for i in splits["test"] if f"class:{name}" in i.labels]
        drawn = {min(labels_of(i, "instance")) for i in _of(of_class, Modality.SKETCH)}
        assert len(drawn) == 1 and len(_of(of_class, Modality.PHOTO)) == 1 + sketchy25.TEST_DISTRACTORS


def test_chairs_come_as_strokes_and_val_is_taken_from_the_training_photos(root):
    (root / "chairv2").mkdir()
    rows = [
        {"id": f"{n}_1", "split": "test" if n < 3 else "train", "photo": f"{n}.jpg", "strokes": [[[0, 0], [1, 2]]]}
        for n in range(60)
    ]
    (root / "chairv2" / "sketches.jsonl").write_text("\n".join(map(json.dumps, rows)))
    sizes = {split: len(_of(chairv2.items(split), Modality.PHOTO)) for split in ("train", "val", "test")}
    assert sizes == {"train": 17, "val": chairv2.VAL_PHOTOS, "test": 3}
    sketch = _of(chairv2.items("test"), Modality.SKETCH)[0]
    assert isinstance(datasets.picture(sketch), Drawing) and labels_of(sketch, "instance") == {"instance:0.jpg"}


def test_multi30k_captions_meet_by_image_and_translations_by_pair(root):
    (root / "multi30k").mkdir()
    (root / "multi30k" / "train.en-de.tsv").write_text("a dog\tein Hund\n")
    with gzip.open(root / "multi30k" / "train5.jsonl.gz", "wt") as file:
        file.write(json.dumps({"id": "7", "en": ["x", " "], "de": ["y"]}) + "\n")
    with pytest.raises(BadInput, match="no empty captions, but there is 7#en1"):
        multi30k.items("train")
    items = multi30k.items("train", Skips())
    assert [(i.content, i.language) for i in items] == [("a dog", "en"), ("ein Hund", "de"), ("x", "en"), ("y", "de")]
    assert items[0].labels == items[1].labels != items[2].labels == items[3].labels
    assert multi30k.items("test") == []


def test_training_reads_no_sentence_of_multi30k_that_is_a_caption_of_flickr8ks_val_or_test(root):
    (root / "multi30k").mkdir()
    pairs = ["a dog runs\tein Hund rennt", "a cat\teine Katze", "a bird\tein Vogel"]
    (root / "multi30k" / "train.en-de.tsv").write_text("\n".join(pairs) + "\n")
    with gzip.open(root / "multi30k" / "train5.jsonl.gz", "wt") as file:
        file.write(json.dumps({"id": "7", "en": ["A cat .", "two cats"], "de": ["eine Katze"]}) + "\n")
    every = [item.content for item in multi30k.items("train")]
    assert [item.content for item in multi30k.for_training()] == every  # without Flickr8k nothing is known of it
    (root / "flickr8k").mkdir()
    rows = [
        {"image": f"{split}.jpg", "split": split, "en": en, "de": de, "de_translation": None}
        for split, en, de in (
            ("train", ["two cats"], []),
            ("val", ["A cat."], []),
            ("test", ["A bird", "a dog"], ["Ein Hund rennt!"]),
        )
    ]
    (root / "flickr8k" / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    kept = [(item.content, item.language) for item in multi30k.for_training()]
    assert kept == [("two cats", "en"), ("eine Katze", "de")]  # the pairs went whole, of image 7 one caption


@real
def test_no_sentence_that_training_reads_of_multi30k_is_a_caption_of_flickr8ks_val_or_test():
    def sentences(items):
        captions = (i for i in items if i.modality is Modality.TEXT)
        keys = {(i.language, "".join(c for c in i.content.lower() if c.isalnum())) for i in captions}
        return {(language, key) for language, key in keys if key}

    held = sentences([item for split in ("val", "test") for item in flickr8k.items(split)])
    assert sentences(multi30k.items("train")) & held
    assert not sentences(multi30k.for_training()) & held


def test_named_photos_carry_their_class_in_words(root):
    _picture(root / "caltech101/rhino/image_0001.jpg")
    _picture(root / "caltech101/BACKGROUND_Google/image_0001.jpg")
    _picture(root / "imagenet1000/n01484850_great_white_shark.jpg")
    assert [set(i.labels) for i in caltech101.items("train", Skips())] == [{"class:rhinoceros"}]
    assert [set(i.labels) for i in imagenet1000.items("train")] == [{"class:great white shark"}]


def test_world_has_a_photo_two_drawings_and_captions_for_each_line(tmp_path, monkeypatch):
    monkeypatch.setenv("XMR_WORLD", str(tmp_path))
    write_world(tmp_path, "val")
    items = world.items("val")
    assert [len(_of(items, m)) for m in (Modality.PHOTO, Modality.SKETCH, Modality.TEXT)] == [4, 8, 12]
    photo, sketch = _of(items, Modality.PHOTO)[2], _of(items, Modality.SKETCH)[4]  # in the order of their ids
    assert photo.labels == sketch.labels == {"class:dog", "instance:1", "image:val-dog-1"}
    assert datasets.picture(photo).size == (48, 48) and len(datasets.picture(sketch).strokes) == 1
    assert photo.facts["colour"] == "red"
    with pytest.raises(datasets.MissingData, match="training render"):
        world.items("test")
    for split in ("train", "test", "gallery"):
        write_world(tmp_path, split)
    found = check("world", tmp_path)
    assert found.found["photos"] == 16 and not found.shared and not len(found.skips)


def test_a_described_rendered_photo_is_tagged_with_what_is_in_it_and_its_place(tmp_path, monkeypatch):
    monkeypatch.setenv("XMR_WORLD", str(tmp_path))
    write_world(tmp_path, "val")
    path = tmp_path / "val" / "facts.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["objects"] = [{"category": "dog", "instance": "dog-7"}, {"category": "couch", "instance": "couch-8"}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    found = {item.id: item for item in world.described("val")}
    assert len(found) == 12  # four photos, each described once in each language
    photo, english = found[rows[0]["id"]], found[f"{rows[0]['id']}#en"]
    assert photo.labels == english.labels == {f"image:{rows[0]['id']}", "tag:dog", "tag:couch", "tag:street"}
    assert english.content == f"{rows[0]['captions']['en'][0]} a thing" and english.language == "en"
    assert found[rows[1]["id"]].labels == {f"image:{rows[1]['id']}", "tag:dog", "tag:street"}


def test_order_is_stable_when_a_name_is_added():
    before, after = stable_order(["a", "b", "c"], "s"), stable_order(["a", "b", "c", "d"], "s")
    assert [name for name in after if name != "d"] == before


def test_german_names_agree_with_their_article():
    assert "ein Foto von einem Affen" in names.phrases("ape")["de"]
    assert "eine Zeichnung von einer Brille" in names.phrases("eyeglasses")["de"]
    assert "a photo of a pair of scissors" in names.phrases("scissors")["en"]
    assert {"sofa", "a picture of a couch"} <= set(names.phrases("couch", synonyms=True)["en"])
    assert "eine Zeichnung von einer Couch" in names.phrases("couch", synonyms=True)["de"]
    assert names.phrases("okapi") == {
        "en": ["okapi", "an okapi", "a photo of an okapi", "a picture of an okapi", "a drawing of an okapi"]
    }


def test_a_photo_of_several_things_has_the_class_and_instance_of_each(tmp_path, monkeypatch):
    monkeypatch.setenv("XMR_WORLD", str(tmp_path))
    write_world(tmp_path, "test")
    path = tmp_path / "test" / "facts.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0] |= {
        "objects": [{"category": "dog", "instance": "dog-7"}, {"category": "couch", "instance": "couch-8"}],
        "relations": [[0, "on", 1]],
    }
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    several, one = world.items("test", things="several"), world.items("test", things="one")
    assert {item.labels for item in several} == {
        frozenset({"class:dog", "class:couch", "instance:dog-7", "instance:couch-8", f"image:{rows[0]['id']}"})
    }
    assert len(several) + len(one) == len(world.items("test"))
    assert not any(labels_of(item, "image") & several[0].labels for item in one)


def test_spoken_names():
    assert [names.display_name(c, "en") for c in ("car_(sedan)", "scissors", "armor")] == ["car", "scissors", "armor"]
    assert [names.display_name(c, "de") for c in ("car_(sedan)", "scissors", "bear")] == ["Auto", "Schere", "Bär"]
    for language in ("en", "de"):
        assert len({names.display_name(c, language) for c in LEXICON}) == len(LEXICON)


def test_five_different_phrases_of_every_class():
    for name in LEXICON:
        for told in names.phrases(name).values():
            assert len(set(told)) == 5


@real
def test_real_sketchy_keeps_a_sketched_photo_of_every_class_for_test():
    assert set(sketchy25.classes()) == set(LEXICON)
    test = sketchy25.items("test")
    assert len(_of(test, Modality.PHOTO)) == 625
    drawn = {min(labels_of(i, "class")) for i in _of(test, Modality.SKETCH)}
    assert len(drawn) == 125


@real
def test_real_flickr_has_the_published_sizes():
    test = flickr8k.items("test")
    german = [i for i in test if i.language == "de"]
    assert len(_of(test, Modality.PHOTO)) == 1000 and len(german) == 4645
    assert len({min(i.labels) for i in german}) == 929
    assert np.mean([i.language == "en" for i in test]) == 5000 / (5000 + 4645 + 1000)
