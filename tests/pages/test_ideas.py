"""A gallery of one's own has words and drawings to begin with, also where nothing but its photos is known."""

import io
import shutil

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages import ideas
from tests.browser import ROOT
from xmr import checkpoint
from xmr.gallery import DEMO, Gallery, index_folder
from xmr.search import Searcher

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A gallery without captions or kinds: two bicycles, a horse, and a chair."""
    folder = tmp_path_factory.mktemp("photos")
    with Gallery.open(DEMO) as gallery:
        for kind, count in (("bicycle", 2), ("horse", 1), ("chair", 1)):
            for item in [item for item in gallery if item.facts.get("category") == kind][:count]:
                Image.open(io.BytesIO(gallery.thumbnail(item.id))).save(folder / f"{item.id}.jpg")
    index_folder(folder, [checkpoint.load("tri")])
    return folder


def test_ideas_are_what_the_system_is_sure_of(bare):
    with Gallery.open(bare) as gallery:
        found = ideas.ideas(gallery)
    assert "a bicycle" in found and len(found) <= 4 and "food" not in found


def test_ideas_are_of_the_photos_that_are_there_now(bare, tmp_path):
    with Gallery.open(shutil.copytree(bare, tmp_path / "photos")) as gallery:
        assert "a bicycle" in ideas.ideas(gallery)
        bicycles = Searcher(checkpoint.load("tri"), gallery).search(text="a bicycle", k=2)
        gallery.remove([hit.id for hit in bicycles])
        assert "a bicycle" not in ideas.ideas(gallery)


def test_ideas_are_captions_or_kinds_where_these_are_known(gallery):
    assert ideas.ideas(gallery) == ["a red photo", "a green photo", "a blue photo"]


def test_a_gallery_without_drawings_offers_the_shipped_ones(bare, monkeypatch):
    monkeypatch.chdir(ROOT)
    page = AppTest.from_file(str(ROOT / "pages" / "search.py"), default_timeout=60)
    page.session_state["folder"] = bare / ".xmr"
    page.run()
    assert not page.exception and "cup" in page.pills(key="example").options
    assert "a bicycle" in page.pills(key="idea").options
    page.pills(key="example").set_value("bicycle").run()
    assert not page.exception
