"""The catalogue of data sets: what each entry has, and errors of copies that are incomplete."""

import gzip

import pytest

from tests.training.datasets.test_sketch_sets import draw_at
from training.datasets import MissingData, catalogue, flickr8k, from_anywhere, labels_of, placed
from training.datasets.check import check
from xmr.modality import BadInput, Item, Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH


def test_every_set_says_what_it_needs_its_licence_and_its_source():
    for name, data in catalogue.DATASETS.items():
        assert data.name == name and data.about and data.layout and data.licence and data.source
        assert "train" in data.splits


@pytest.mark.parametrize("name", [n for n in catalogue.DATASETS if n != "pictures"])
def test_a_missing_or_empty_folder_is_an_error_that_names_it(name, tmp_path):
    with pytest.raises(MissingData, match="nowhere"):
        catalogue.load(name, "train", tmp_path / "nowhere")
    with pytest.raises(BadInput):
        check(name, tmp_path)


def test_an_unknown_set_or_split_lists_the_known_ones(tmp_path):
    with pytest.raises(BadInput, match="Choose one of: sketchy"):
        catalogue.load("skethcy", "train")
    with pytest.raises(BadInput, match="train, val, test"):
        catalogue.load("pacs", "dev", tmp_path)


def test_a_set_of_ours_that_lacks_files_is_reported(tmp_path):
    (tmp_path / "train.en-de.tsv").write_text("a dog ein Hund\na cat\teine Katze\n")
    with pytest.raises(MissingData, match="multi30k needs .*train5.jsonl.gz"):
        catalogue.load("multi30k", "train", tmp_path)
    (tmp_path / "train5.jsonl.gz").write_bytes(gzip.compress(b'{"id": "1", "en": ["x", " "], "de": []}\n{"id": "2'))
    items, skips = catalogue.load("multi30k", "train", tmp_path)
    assert [item.content for item in items] == ["a cat", "eine Katze", "x"]
    assert skips.line() == ("2 broken rows (train.en-de.tsv:1, train5.jsonl.gz:2); 1 empty captions (1#en1)")
    rows = [f'{{"image": "{n}.jpg", "split": "train", "en": ["a"], "de": [], "de_translation": []}}' for n in range(3)]
    (tmp_path / "captions.jsonl").write_text("\n".join([*rows, "{broken"]))
    draw_at(tmp_path / "images/0.jpg")
    draw_at(tmp_path / "images/2.jpg")
    items, skips = catalogue.load("flickr8k", "train", tmp_path)
    assert {item.id for item in items} == {"0.jpg", "0.jpg#en0", "2.jpg", "2.jpg#en0"}
    assert skips.line() == "1 broken rows (captions.jsonl:4); 1 photos that are missing (1.jpg)"
    with placed("flickr8k", tmp_path), pytest.raises(BadInput, match="no broken rows, but there is captions.jsonl:4"):
        flickr8k.items("train")  # who keeps no list of what is left out gets an error


def test_a_path_is_recorded_from_the_root_on_and_a_name_under_xmr_data_as_it_is(tmp_path, monkeypatch):
    for name in ("data/sets/flickr8k", "mine/flickr30k", "mine/flickr8k"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("XMR_DATA", str(tmp_path / "data/sets"))
    monkeypatch.chdir(tmp_path / "mine")
    assert from_anywhere("flickr30k") == from_anywhere("../mine/flickr30k/") == str(tmp_path / "mine/flickr30k")
    assert from_anywhere("flickr8k") == str(tmp_path / "mine/flickr8k")  # which is what is read here
    assert from_anywhere(str(tmp_path / "mine")) == str(tmp_path / "mine")
    assert from_anywhere("coco2014") == "coco2014"  # not here yet
    for here in ("data", "data/sets"):
        monkeypatch.chdir(tmp_path / here)
        assert from_anywhere("flickr8k") == "flickr8k"


def test_a_recipe_is_told_what_its_data_set_leaves_out(tmp_path, capsys):
    rows = [
        f'{{"id": "{n}_1", "split": "train", "photo": "{n}.jpg", "strokes": [[[0, 0], [1, 2]]]}}' for n in range(60)
    ]
    (tmp_path / "sketches.jsonl").write_text("\n".join(rows))
    for n in range(60):
        draw_at(tmp_path / f"photo/{n}.jpg")
    chairs = catalogue.get("chairv2")
    before = chairs.items("train", tmp_path)
    assert not capsys.readouterr().out
    before[0].content.unlink()
    left = {item.id for item in before} - {item.id for item in chairs.items("train", tmp_path)}
    assert left == {before[0].id, before[0].id.replace(".jpg", "_1")}  # the photo, and the sketch of it
    assert f"chairv2, train: 1 photos that are missing ({before[0].id})" in capsys.readouterr().out
    assert catalogue.get("caltech101").items("test", tmp_path) == []


def test_labels_of_one_kind_are_told_apart():
    item = Item("a", PHOTO, "a.jpg", frozenset({"tag:dog", "tag:cat", "image:a.jpg"}))
    assert labels_of(item, "tag") == {"tag:dog", "tag:cat"}
