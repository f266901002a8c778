"""The demo gallery: photos of the rendered world with captions, facts, examples and every system's vectors."""

import pytest

from tests.conftest import write_checkpoint
from tests.training.tiny import write_world
from training.datasets import MissingData
from training.release import demo_gallery
from xmr import checkpoint
from xmr.gallery import Gallery
from xmr.modality import Modality


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A gallery split with two photos of every example's class."""
    monkeypatch.setenv("XMR_WORLD", str(tmp_path / "world"))
    write_world(tmp_path / "world", "gallery", 2 * len(demo_gallery.EXAMPLES), categories=demo_gallery.EXAMPLES)
    return tmp_path / "world"


def test_the_gallery_has_photos_captions_facts_examples_and_the_vectors_of_each_system(world, tmp_path):
    write_checkpoint(tmp_path / "checkpoints" / "tiny")
    folder = tmp_path / "galleries" / "demo"
    folder.mkdir(parents=True)
    (folder / "stale.txt").write_text("of an older gallery")
    demo_gallery.build(folder, tmp_path / "checkpoints")
    assert not (folder / "stale.txt").exists()
    with Gallery.open(folder) as gallery:
        photos = list(gallery)
        assert len(photos) == 2 * len(demo_gallery.EXAMPLES) and "tiny" in gallery.systems()
        assert {item.facts["category"] for item in photos} == set(demo_gallery.EXAMPLES)
        assert {"place", "colour", "view"} <= photos[0].facts.keys()
        assert not {"captions", "sketches"} & photos[0].facts.keys()
        assert {text.language for text in gallery.texts()} == {"en", "de"}
        examples = gallery.examples()
        assert len(examples) == len(demo_gallery.EXAMPLES) and {"car", "guitar"} <= set(examples)
        system = checkpoint.load("tiny", tmp_path / "checkpoints")
        assert gallery.lacking(system, Modality.PHOTO) == gallery.lacking(system, Modality.TEXT) == []


def test_a_world_that_lacks_an_example_leaves_the_old_gallery(world, tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "photo.txt").write_text("kept")
    lines = (world / "gallery" / "facts.jsonl").read_text().splitlines(keepends=True)
    (world / "gallery" / "facts.jsonl").write_text("".join(line for line in lines if "guitar" not in line))
    with pytest.raises(MissingData, match="careful drawing of guitar .* python -m training render"):
        demo_gallery.build(tmp_path / "demo", tmp_path)
    assert (tmp_path / "demo" / "photo.txt").read_text() == "kept"
