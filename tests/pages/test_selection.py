"""Marked photos are kept as files that hold what was marked, and nothing that harms."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest
from PIL import Image

from pages import originals, selection
from tests.apptest import grids, ids, said
from xmr.gallery import Gallery, index_folder
from xmr.modality import BadInput, Hit, Item, Modality


@pytest.fixture
def mine(tmp_path, system):
    """Two photos of the same name, and one whose name is a formula."""
    for number, name in enumerate(("a/one.jpg", "b/one.jpg", "=HYPERLINK(1).jpg")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (300, 200), (80 * number, 50, 50)).save(tmp_path / name)
    index_folder(tmp_path, [system])
    with Gallery.open(tmp_path) as gallery:
        yield gallery


def test_a_zip_holds_each_file_as_it_is_under_a_name_of_its_own(mine):
    items = list(mine)
    with zipfile.ZipFile(io.BytesIO(selection.zipped(mine, items))) as archive:
        assert sorted(archive.namelist()) == ["_HYPERLINK(1).jpg", "one (2).jpg", "one.jpg"]
        assert {archive.read(name) for name in archive.namelist()} == {item.content.read_bytes() for item in items}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("CON.jpg", "_CON.jpg"),
        ("com1.tar.jpg", "_com1.tar.jpg"),
        ("nul", "_nul"),
        ("console.jpg", "console.jpg"),
        ("Ka\u0308se.jpg", "K\u00e4se.jpg"),  # as macOS writes it
        ("\u202egpj.exe", "_gpj.exe"),
        ("../../x.jpg", "x.jpg"),
        (" . ", "photo"),
    ],
)
def test_what_is_downloaded_has_a_name_that_every_system_takes_for_a_file(tmp_path, file, name):
    assert originals.file_name(Item("id", Modality.PHOTO, tmp_path / file)) == name


@pytest.mark.parametrize("text", ["=1+1", " \u00a0=1+1", "\n@SUM(A1)", "\uff1d1+1", "-2", "\tx", "\rx"])
def test_no_text_of_a_table_is_a_formula(text):
    assert selection._harmless(text) == f"'{text}" and selection._harmless(f"a{text}") == f"a{text}"


def test_a_zip_of_the_shipped_photos_holds_their_thumbnails(gallery):
    item = gallery.get("red-left")
    with zipfile.ZipFile(io.BytesIO(selection.zipped(gallery, [item]))) as archive:
        assert archive.read("red-left.webp") == gallery.thumbnail("red-left")


def test_what_is_too_much_for_a_zip_is_said_before(mine, monkeypatch):
    selection._check_size(mine, list(mine))
    monkeypatch.setattr(selection, "MAX_BYTES", 100)
    with pytest.raises(BadInput, match="Mark fewer"):
        selection._check_size(mine, list(mine))


def test_a_sheet_shows_every_photo_with_its_words(gallery):
    items = list(gallery)
    page = Image.open(io.BytesIO(selection.sheet(gallery, items)))
    across, down = selection._TILE + selection._MARGIN, selection._TILE + selection._LINES + selection._MARGIN
    assert page.size == (5 * across + selection._MARGIN, 2 * down + selection._MARGIN)
    for number, item in enumerate(items):
        left, top = selection._MARGIN + number % 5 * across, selection._MARGIN + number // 5 * down
        tile = page.crop((left, top, left + selection._TILE, top + selection._TILE))
        ground = Image.open(io.BytesIO(gallery.thumbnail(item.id))).convert("RGB").getpixel((5, 5))
        assert max(abs(a - b) for a, b in zip(tile.getpixel((5, 5)), ground, strict=True)) < 12
        below = page.crop((left, top + selection._TILE, left + selection._TILE, top + down)).convert("L")
        assert below.getextrema()[0] < 80  # words


def test_the_words_of_a_sheet_fit_their_photo():
    font = selection.ImageFont.load_default(15)
    for text in ("a cup", "word " * 40, "x" * 300, "", "two lines of words that are as long as they may be here"):
        lines = selection._broken(text, font)
        assert len(lines) <= 2 and all(font.getlength(line) <= selection._TILE for line in lines)


def test_lists_tell_the_facts_and_on_ones_own_machine_the_path(mine, gallery):
    (row,) = json.loads(selection.as_json(gallery, [gallery.get("red-left")], own=True))
    assert row["category"] == "red" and {"language": "de", "text": "ein rotes bild"} in row["captions"]
    for own in (True, False):
        rows = list(csv.DictReader(io.StringIO(selection.as_csv(mine, list(mine), own).decode("utf-8-sig"))))
        assert len(rows) == 3 and ("path" in rows[0]) == own
        assert {row["file"] for row in rows} == {"a/one.jpg", "b/one.jpg", "'=HYPERLINK(1).jpg"}


def test_lists_tell_the_place_of_each_photo_among_the_answers_and_to_what(gallery):
    items = [gallery.get("red-left"), gallery.get("blue-left")]
    hits = [Hit(items[0], 0.5, 3, 0.81234)]
    first, other = json.loads(selection.as_json(gallery, items, False, hits, "=red"))
    assert (first["rank"], first["match"], first["query"]) == (3, 0.812, "=red") and "rank" not in other
    rows = list(csv.DictReader(io.StringIO(selection.as_csv(gallery, items, False, hits, "=red").decode("utf-8-sig"))))
    assert (rows[0]["rank"], rows[0]["match"], rows[0]["query"]) == ("3", "0.812", "'=red") and rows[1]["rank"] == ""


def test_sheets_and_tables_speak_the_visitors_language(gallery):
    items = [gallery.get("red-left")]
    for spoken, caption in (("en", "a red photo"), ("de", "ein rotes bild")):
        table = selection.as_csv(gallery, items, False, spoken=spoken).decode("utf-8-sig")
        assert [row["caption"] for row in csv.DictReader(io.StringIO(table))] == [caption]
    assert selection.sheet(gallery, items, "de") != selection.sheet(gallery, items, "en")


@pytest.mark.slow
def test_photos_are_marked_on_search_and_on_gallery(opened):
    app = opened("frame")
    app.text_input(key="words").set_value("a cup").run()
    app.session_state["marked"] = (ids(app)[1],)
    app.run()
    assert "**1 marked**" in said(app)
    app.switch_page("gallery.py").run()
    assert (
        not app.exception
        and "**1 marked**" in said(app)
        and grids(app)[0]["marked"] == list(app.session_state["marked"])
    )
