"""`import xmr` as a user writes it: its names, a folder opened and indexed, and the README's lines."""

from __future__ import annotations

import copy
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import xmr
from tests.conftest import pictures
from xmr.gallery import DEMO, Gallery
from xmr.modality import BadInput
from xmr.search import Searcher

ROOT = Path(__file__).resolve().parents[2]


def test_every_name_that_is_listed_is_there_and_no_other():
    assert all(getattr(xmr, name) is not None for name in xmr.__all__)
    assert {*xmr.__all__, "__version__"} <= set(dir(xmr))
    with pytest.raises(AttributeError, match="has no attribute 'gone'"):
        _ = xmr.gone


def test_the_systems_are_the_checkpoints_and_each_loads_by_name():
    assert "tri" in xmr.systems()
    assert [xmr.load(name).name for name in xmr.systems()] == xmr.systems()


def test_opening_a_folder_indexes_it_when_asked_to(checkpoint_folder, photo_folder, caplog):
    (photo_folder / "bad.jpg").write_text("no picture")
    with pytest.raises(BadInput, match="is not indexed yet"):
        xmr.open(photo_folder, checkpoint_folder)
    photos = xmr.open(photo_folder, xmr.load(checkpoint_folder), index=True)
    assert "bad.jpg: It is text" in caplog.text
    assert {hit.path.name for hit in photos.search(text="rotes", k=2)} == {"red-left.png", "red-right.png"}
    assert len(xmr.open(photo_folder, checkpoint_folder).search(text="red")) == 6


def vector_of(photos: Searcher, words: object) -> xmr.Term:
    return xmr.Term(xmr.Modality.TEXT, photos.system.encode_text("red")[0], words=words)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda photos, item: photos.search("a dog"), "xmr.Query.of(text="),
        (lambda photos, item: photos.explain_map("a dog", item), "xmr.Query.of(text="),
        (lambda photos, item: photos.language("a dog"), "xmr.Query.of(text="),
        (lambda photos, item: photos.explain(xmr.Query.of(text="red"), xmr.Hit(None, 0.5, 1)), "Expected a photo's id"),
        (lambda photos, item: photos.explain_map(xmr.Query.of(text="red"), Path(item)), "Expected a photo's id"),
        (lambda photos, item: photos.like(photos.gallery.get(item)), "Expected a photo's id"),
        (lambda photos, item: photos.search(xmr.Query((vector_of(photos, ["red"]),))), "or how many that had; ['red']"),
        (lambda photos, item: photos.search(xmr.Query((vector_of(photos, -1),))), "or how many that had; -1 came"),
        (lambda photos, item: photos.explain_map(xmr.Query.of(text="red"), "gone"), "There is no photo 'gone'"),
        (lambda photos, item: xmr.index_folder("photos", photos.system), 'Load each of them: [xmr.load("tri")]'),
        (lambda photos, item: xmr.index_folder("photos", ["tri"]), 'Load each of them: [xmr.load("tri")]'),
        (lambda photos, item: xmr.index_folder("photos", "tri"), 'Load each of them: [xmr.load("tri")]'),
        (lambda photos, item: xmr.index_folder(".", [photos.system], exclude="*.jpg"), "Write ['*.jpg']."),
        (lambda photos, item: photos.search(sketch=xmr.Drawing(([[0, 0, 1], [9, 9, 1]],))), "must be (n, 2) numbers"),
        (lambda photos, item: photos.search(sketch=xmr.Drawing(("line",))), "must be (n, 2) numbers"),
        (lambda photos, item: photos.search(photo=np.zeros((9, 9, 3), np.uint8)), "PIL.Image.fromarray(pixels)"),
        (lambda photos, item: photos.search(sketch=np.zeros((9, 9), np.uint8)), "PIL.Image.fromarray(pixels)"),
        (lambda photos, item: photos.system.encode_photo(np.zeros((9, 9, 3))), "PIL.Image.fromarray(pixels)"),
        (lambda photos, item: xmr.load(None), "xmr.systems() lists the names"),
        (lambda photos, item: xmr.Searcher("tri", photos.gallery), "'tri' came. xmr.open takes the names of both"),
        (lambda photos, item: xmr.Searcher(photos.system, "photos"), "'photos' came. xmr.open takes the names of both"),
        (lambda photos, item: photos.encode("red"), "must be Terms of a photo, sketch or text; 'red' came"),
        (lambda photos, item: photos.system.read(None), "A caption must be text; None came"),
        (lambda photos, item: xmr.open(kind="tree"), "one of flat, hnsw, ivfpq; 'tree' came"),
        (lambda photos, item: xmr.open(None), "Expected the path of a folder or a file; None came"),
        (lambda photos, item: xmr.index_folder(3, [photos.system]), "Expected the path of a folder or a file; 3 came"),
    ],
)
def test_what_is_of_another_type_is_told_what_to_give(system, gallery, call, told):
    with pytest.raises(BadInput, match=re.escape(told)):
        call(Searcher(system, gallery), next(iter(gallery)).id)


def test_indexing_shows_a_bar_on_a_terminal_only(checkpoint_folder, photo_folder, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        xmr.open(photo_folder, checkpoint_folder, index=True, index_dir=tmp_path / str(shown))
        assert ("6/6" in stream.getvalue()) is shown and bool(stream.getvalue()) is shown


def test_a_picture_may_lie_in_the_home_folder(checkpoint_folder, photo_folder, monkeypatch):
    photos = xmr.open(photo_folder, checkpoint_folder, index=True)
    monkeypatch.setenv("HOME", str(photo_folder))
    best, *_ = photos.search(photo="~/red-left.png", k=1)
    assert best.path.name == "red-left.png"
    assert (photos.system.encode_photo(Path("~/red-left.png")) == photos.system.encode_photo(best.path)).all()
    with pytest.raises(BadInput, match="There is no file ~/gone.png"):
        photos.search(photo="~/gone.png")


def test_queries_are_compared_and_kept_in_sets_whatever_they_are_made_of(system):
    drawing = xmr.Drawing((np.array([[0.0, 0], [5, 5]]), [[1, 2], [3, 4]]))
    image = Image.new("RGB", (40, 40), "red")
    for content in ("red", drawing, image, b"picture", Path("p.jpg"), system.encode_text("red")[0]):
        one, same = (xmr.Query.of(sketch=held, text="red") for held in (content, copy.deepcopy(content)))
        assert one == same and len({one, same}) == 1
        assert one != xmr.Query.of(sketch=content, text="blue") and one != "red"
    vector = system.encode_text("red")[0]
    assert xmr.Query.of(text=vector) != xmr.Query.of(text=2 * vector) != xmr.Query.of(text=vector[:-1])
    assert drawing != xmr.Drawing(drawing.strokes[:1]) and drawing != xmr.Drawing(())
    assert drawing != "red" and drawing == xmr.Drawing(([[0, 0], [5, 5]], np.array([[1, 2], [3, 4]])))


def test_a_searcher_is_shown_on_one_line():
    photos = xmr.open()
    assert repr(photos) == f"Searcher(System(name='tri', space='cosine', dim=256), Gallery({str(DEMO)!r}))"


def test_a_hit_has_all_that_is_shown_of_it(system, gallery):
    hit = Searcher(system, gallery).search(text="a red photo", k=1)[0]
    assert hit.id.startswith("red") and hit.path.is_file() and 0 < hit.match < 1 and hit.score > 0
    assert Image.open(hit.thumbnail).size == (256, 256)
    caption = Searcher(system, gallery).captions(xmr.Query.of(photo=hit.path), k=1)[0]
    assert caption.path is None and caption.thumbnail is None and "red" in caption.item.content


def test_the_readmes_python_runs_as_it_is_printed(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme.partition("## In Python\n")[2].partition("\n## ")[0], re.S)
    assert len(code.splitlines()) <= 14
    photos = tmp_path / "photos"
    photos.mkdir()
    with Gallery.open(DEMO) as gallery:
        for item in gallery.sample(8):
            shutil.copy(item.content, photos)
    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).ellipse((40, 40, 160, 160), outline=0, width=3)
    image.save(tmp_path / "drawing.png")
    next(pictures())[1].save(tmp_path / "photo.jpg")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    *scores, _, _, _, _, _, shape = lines = done.stdout.splitlines()
    assert len(scores) == 2 and all("0." in line for line in scores) and shape == "(7, 7)"
    assert all(str(photos) in line for line in lines[2:-1])
