"""Galleries: what goes in comes out, batches are whole or absent, indexing resumes, and mismatches say what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import threading
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import COLOURS, GERMAN, fill_gallery
from xmr.gallery import Entry, Gallery, GalleryMismatch, index_folder
from xmr.gallery.database import VERSION
from xmr.modality import BadInput, Drawing, Modality, Query, Term
from xmr.search import Searcher

ROOT = Path(__file__).resolve().parents[2]


def an_entry(id: str = "one", **more) -> Entry:
    return Entry(id, Image.new("RGB", (640, 320), "red"), **more)


# ---------------------------------------------------------------- one gallery


@pytest.mark.parametrize("facts", [{"x": float("nan")}, {"category": 5}, {"x": {1}}])
def test_facts_that_could_not_be_read_again_are_refused(gallery, facts):
    with pytest.raises(BadInput, match="cannot be kept .* Give texts and numbers"):
        gallery.add([an_entry("odd", facts=facts)])
    with pytest.raises(BadInput, match="cannot be kept"):
        gallery.describe("red-left", None, None, facts, [])
    assert len(list(gallery)) == 6 and gallery.select([("x", (1,))]).size == 0


def test_items_come_back_in_order_with_their_facts_and_captions(gallery):
    items = list(gallery)
    assert [item.id for item in items] == [f"{colour}-{place}" for colour in COLOURS for place in ("left", "right")]
    assert len(gallery) == 6
    item = gallery.get("green-left")
    assert item.facts == {"category": "green", "place": "left"} and item.labels == {"green"}
    assert item.modality is Modality.PHOTO and item.content == gallery.thumb("green-left")
    assert gallery.captions("green-left") == [("en", "a green photo"), ("de", "ein grünes bild")]
    assert gallery.captions("green-left", "de") == [("de", "ein grünes bild")]
    with pytest.raises(BadInput, match="There is no photo 'gone'"):
        gallery.get("gone")


def test_one_line_describes_a_photo_with_or_without_captions(gallery, photo_folder, system):
    assert gallery.caption("blue-left") == "a blue photo"
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as folder:
        assert {folder.caption(item.id) for item in folder} >= {"red-left.png", "more/blue-right.png"}


def test_a_sample_is_spread_over_the_gallery(gallery):
    assert [item.id for item in gallery.sample(3)] == ["red-left", "green-left", "blue-left"]
    assert gallery.sample(100) == list(gallery)


def test_categories_are_those_of_the_photos(gallery):
    assert gallery.categories() == sorted({item.facts["category"] for item in gallery})


def test_examples_come_back(tmp_path):
    drawings = {"dog": Drawing((np.array([[1, 2.04], [3, 4]]), np.array([[5, 6.0]]))), "car": Drawing(())}
    with Gallery.create(tmp_path) as gallery:
        gallery.put_examples({"old": Drawing(())})
        gallery.put_examples(drawings)
        found = gallery.examples()
    assert list(found) == ["car", "dog"] and found["car"].strokes == ()
    assert [stroke.tolist() for stroke in found["dog"].strokes] == [[[1, 2.0], [3, 4]], [[5, 6]]]


def test_equal_captions_are_one_text_with_one_vector(gallery, system):
    texts = gallery.texts()
    assert len(texts) == 2 * len(COLOURS)
    by_content = {text.content: text for text in texts}
    for colour in COLOURS:
        text = by_content[f"ein {GERMAN[colour]} bild"]
        assert text.language == "de" and text.labels == {colour}
        assert sorted(text.facts["photos"]) == [f"{colour}-left", f"{colour}-right"]
        assert gallery.find_texts([text.id, "99"]) == {text.id: text}
    ids, vectors = gallery.vectors(system, Modality.TEXT)
    assert ids == [text.id for text in texts] and len(vectors) == len(texts)
    german, _ = gallery.vectors(system, Modality.TEXT, "de")
    assert german == [text.id for text in texts if text.language == "de"]


def test_a_batch_is_written_whole_or_not_at_all(tmp_path, system):
    with Gallery.create(tmp_path) as gallery:
        with pytest.raises(RuntimeError), gallery.batch():
            gallery.add([an_entry(captions=[("en", "a red photo")])])
            gallery.put_vectors(system, Modality.PHOTO, ["one"], np.zeros((1, system.dim)))
            raise RuntimeError("the power fails")
        assert len(gallery) == 0 and gallery.texts() == []
        gallery.add([an_entry()])  # and it can be written again
        assert len(gallery) == 1


def test_adding_again_replaces_the_photo_its_captions_and_its_vectors(tmp_path, system):
    with Gallery.create(tmp_path) as gallery:
        fill_gallery(gallery, system)
        gallery.add([an_entry("red-left", facts={"category": "other"}, captions=[("en", "new words")])])
        assert len(gallery) == 6
        assert gallery.get("red-left").facts == {"category": "other"}
        assert gallery.captions("red-left") == [("en", "new words")]
        assert gallery.lacking(system, Modality.PHOTO) == ["red-left"]
        assert len(gallery.lacking(system, Modality.TEXT)) == 1
        assert "a red photo" in {text.content for text in gallery.texts()}  # red-right still has it
        gallery.remove(["red-right"])
        known = {text.id for text in gallery.texts()}
        assert set(gallery.vectors(system, Modality.TEXT)[0]) < known  # none of a caption that no photo has


def test_many_threads_read_while_one_writes(tmp_path, system):
    failures = []

    def read() -> None:
        try:
            for _ in range(50):
                assert len(list(gallery)) >= 6 and gallery.captions("red-left")
                gallery.vectors(system, Modality.PHOTO)
        except Exception as error:
            failures.append(error)

    with Gallery.create(tmp_path) as gallery:
        fill_gallery(gallery, system)
        threads = [threading.Thread(target=read) for _ in range(6)]
        for thread in threads:
            thread.start()
        for turn in range(10):
            gallery.add([an_entry(f"new-{turn}")])
        for thread in threads:
            thread.join()
    assert failures == []


# ---------------------------------------------------------------- what can be wrong with one


def test_a_missing_gallery_says_how_to_make_one(tmp_path):
    with pytest.raises(BadInput, match="is not indexed yet.*python -m xmr index"):
        Gallery.open(tmp_path)
    with pytest.raises(BadInput, match="There is no folder"):
        Gallery.open(tmp_path / "nowhere")


def test_where_the_shipped_photos_are_missing_a_clone_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("xmr.gallery.store.DEMO", tmp_path / "galleries" / "demo")
    with pytest.raises(BadInput, match="The shipped photos are not in .* Set XMR_HOME to a clone's folder"):
        Gallery.open(tmp_path / "galleries" / "demo")


def test_a_gallery_is_never_overwritten(gallery_folder):
    with pytest.raises(BadInput, match="holds a gallery already"):
        Gallery.create(gallery_folder)


def test_another_version_is_refused_with_the_remedy(gallery_folder, tmp_path):
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "photos" / ".xmr"))
    with sqlite3.connect(copy / "gallery.sqlite") as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    with pytest.raises(GalleryMismatch, match=rf"version {VERSION + 1}, but .* reads version {VERSION}.*xmr index"):
        Gallery.open(tmp_path / "photos")


def test_a_damaged_gallery_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "gallery.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(BadInput, match="is damaged .*Restore it with git checkout"):
        Gallery.open(tmp_path)


# ---------------------------------------------------------------- one that came from somebody else


def altered(gallery_folder: Path, folder: Path, *statements: str) -> Path:
    """A copy of the gallery in which somebody ran some SQL."""
    copy = Path(shutil.copytree(gallery_folder, folder))
    with sqlite3.connect(copy / "gallery.sqlite") as db:
        for statement in ("PRAGMA ignore_check_constraints = ON", "PRAGMA writable_schema = ON", *statements):
            db.execute(statement)
    db.close()
    return copy


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW texts2 AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
        "CREATE TRIGGER t AFTER DELETE ON items BEGIN UPDATE items SET id = '../../x'; END",
        "CREATE TABLE more (x)",
        "CREATE INDEX more ON items (facts)",
        "DROP TABLE examples",
        "ALTER TABLE items ADD COLUMN more TEXT",
        "ALTER TABLE items RENAME COLUMN facts TO said",
        "UPDATE sqlite_master SET sql = replace(sql, 'TEXT NOT NULL UNIQUE', 'TEXT') WHERE name = 'items'",
    ],
)
def test_only_the_tables_of_this_program_are_opened(gallery_folder, tmp_path, statement):
    with pytest.raises(BadInput, match="is no gallery of this program|is damaged"):
        Gallery.open(altered(gallery_folder, tmp_path / "copy", statement))


@pytest.mark.parametrize("id", ["../../secret", "/etc/passwd", "..", "", "a/b", "a\\b", "a\nb", "x" * 200, "ünï"])
def test_an_id_is_never_a_path(gallery_folder, tmp_path, system, id):
    (tmp_path / "secret.webp").write_bytes(b"RIFF0000WEBP" * 10)
    copy = altered(gallery_folder, tmp_path / "a" / "copy", f"UPDATE items SET id = '{id}' WHERE id = 'red-left'")
    with Gallery.open(copy) as gallery:
        for use in (gallery.thumb, gallery.thumbnail, gallery.get):
            with pytest.raises(BadInput):
                use(id)
        with pytest.raises(BadInput):
            list(gallery)
        gallery.remove([id])
        gallery.sweep()
    assert (tmp_path / "secret.webp").is_file()


def test_a_caption_is_no_longer_than_any_that_is_stored(gallery_folder, tmp_path):
    copy = altered(
        gallery_folder, tmp_path / "copy", "UPDATE texts SET text = printf('%.*c', 5000000, 'x') WHERE row = 1"
    )
    with Gallery.open(copy) as gallery:
        id = next(id for id in (item.id for item in gallery) if len(gallery.caption(id)) > 1000)
        read = [gallery.caption(id), gallery.captions(id)[0][1], gallery.texts()[0].content]
        assert read == 3 * ["x" * 2000] and gallery.find_texts(["1"])["1"].content == "x" * 2000


def test_a_journal_from_elsewhere_has_no_other_file_deleted(gallery_folder, tmp_path):
    """SQLite deletes the file that a journal names as common to several databases, once it has rolled it back."""

    def journal(names: Path) -> bytes:
        pages, name = (copy / "gallery.sqlite").stat().st_size // 4096, os.fsencode(names)
        head = bytes.fromhex("d9d505f920a163d7") + struct.pack(">5I", 0, 0, pages, 512, 4096)
        lock_page = (1 << 30) // 4096 + 1
        end = struct.pack(">I", lock_page) + name + struct.pack(">II", len(name), sum(name))
        return head.ljust(512, b"\0") + end + bytes.fromhex("d9d505f920a163d7")

    copy, precious = Path(shutil.copytree(gallery_folder, tmp_path / "copy")), tmp_path / "precious"
    beside = copy / "gallery.sqlite-journal"
    precious.write_text("mine")
    beside.write_bytes(journal(precious))
    with pytest.raises(BadInput, match="gallery.sqlite-journal is not of this program, .* Delete it"):
        Gallery.open(copy)
    beside.unlink()
    with Gallery.open(copy) as gallery:
        beside.write_bytes(journal(precious))
        with pytest.raises(BadInput, match="is not of this program"):
            gallery.version()
        beside.unlink()
        assert gallery.version() and len(gallery) == 6
    assert precious.read_text() == "mine"
    beside.write_bytes(journal(precious))
    with sqlite3.connect(copy / "gallery.sqlite") as db:
        db.execute("SELECT * FROM items").fetchall()
    assert not precious.exists()  # the journal is one that SQLite follows


@pytest.mark.parametrize("mine", ["mine", None])
@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("thumbs/{id}.webp.part", "DELETE FROM items"),
        ("thumbs/probe.part", "DELETE FROM items"),
        ("vectors/tiny.photo.1.bin", "DELETE FROM items"),
        ("vectors/tiny.photo.1.bin", "UPDATE vectors SET count = 0"),
        ("vectors/tiny.photo.2.bin", "UPDATE vectors SET fingerprint = 'of other weights'"),
        ("gallery.sqlite", ""),
    ],
)
def test_nothing_is_written_through_a_link_in_a_gallery(photo_folder, tmp_path, system, name, statement, mine):
    """Of a gallery that came with a folder, each file may be a link to one of the user's own, or to where none is."""
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        link = gallery.path / name.format(id=next(iter(gallery)).id)
    with sqlite3.connect(link.parents[name.count("/")] / "gallery.sqlite") as db:
        db.execute(statement)
    db.close()
    precious = tmp_path / "precious"
    if mine:
        precious.write_text(mine)
    link.unlink(missing_ok=True)
    link.symlink_to(precious)
    with suppress(BadInput):
        index_folder(photo_folder, [system])
    assert (precious.read_text() if precious.exists() else None) == mine


@pytest.mark.parametrize("file", ["../outside.png", "/etc/passwd", "a/../../b", "", "a//b", "a\x00b"])
def test_a_file_stays_in_its_folder(gallery_folder, tmp_path, file):
    copy = altered(
        gallery_folder,
        tmp_path / "copy",
        f"UPDATE items SET file = CAST(X'{file.encode().hex()}' AS TEXT) WHERE id = 'red-left'",
    )
    with Gallery.open(copy) as gallery, pytest.raises(BadInput, match="is damaged"):
        gallery.get("red-left")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE items SET facts = 'no json'",
        "UPDATE items SET facts = '[1, 2]'",
        "UPDATE items SET facts = '{\"category\": [1]}'",
        f"UPDATE items SET facts = '{'[' * 3000}'",
        "UPDATE items SET facts = json_object('camera', printf('%.*c', 200000, 'x'))",
        "UPDATE items SET file = printf('%.*c', 200000, 'x') WHERE row = 1",
        "UPDATE items SET facts = CAST(X'ff00fe' AS TEXT)",
        "UPDATE texts SET text = CAST(X'fffe' AS TEXT) WHERE row = 1",
        "UPDATE examples SET strokes = '[[1, \"x\"]]'",
        "UPDATE vectors SET file = '../../../etc/passwd'",
        "UPDATE vectors SET dim = 99999999",
        "UPDATE vectors SET count = -1",
        "UPDATE vectors SET count = 9000000000000",
        "UPDATE vectors SET dim = 1",
        "UPDATE vectors SET modality = 'smell' WHERE modality = 'photo'",
    ],
)
def test_contents_that_cannot_be_are_one_sentence(gallery_folder, tmp_path, system, statement):
    copy = altered(gallery_folder, tmp_path / "copy", "INSERT INTO examples VALUES ('x', '[[[1, 2]]]')", statement)
    failures = []
    with Gallery.open(copy) as gallery:
        for use in (
            lambda: list(gallery),
            gallery.texts,
            gallery.examples,
            gallery.categories,
            lambda: gallery.sample(2),
            lambda: gallery.caption("red-left"),
            lambda: gallery.captions("red-left"),
            gallery.systems,
            lambda: gallery.vectors(system, Modality.PHOTO),
            lambda: gallery.vectors(system, Modality.TEXT),
            lambda: gallery.lacking(system, Modality.PHOTO),
            gallery.sweep,
        ):
            try:
                use()
            except BadInput as error:
                failures.append(str(error))
    assert failures and all("\n" not in failure for failure in failures)


def test_bytes_changed_anywhere_in_the_database_are_one_sentence(gallery_folder, tmp_path, system):
    whole, rng, refused = (gallery_folder / "gallery.sqlite").read_bytes(), np.random.default_rng(0), 0
    for turn in range(60):
        copy = Path(shutil.copytree(gallery_folder, tmp_path / str(turn)))
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), 1 if turn % 2 else 200):
            damaged[at] = rng.integers(0, 256)
        (copy / "gallery.sqlite").write_bytes(damaged if turn % 3 else damaged[: len(whole) // 2])
        try:
            with Gallery.open(copy) as gallery:
                Searcher(system, gallery).search(Query((Term(Modality.TEXT, "red"),)))
                gallery.texts()
                list(gallery)
            index_folder(copy, [system])
        except BadInput as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 20  # the rest fell where it does no harm


# ---------------------------------------------------------------- while others write


def test_the_version_changes_with_every_change_by_anyone(gallery_folder, tmp_path, system):
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "copy"))
    with Gallery.open(copy) as gallery, Gallery.open(copy) as other:
        first = gallery.version()
        assert gallery.version() == first
        gallery.add([an_entry("new")])
        second = gallery.version()
        other.remove(["new"])
        third = gallery.version()
        assert len({first, second, third}) == 3 and gallery.version() == third
        shutil.rmtree(copy)
        with pytest.raises(BadInput, match="is gone"):
            gallery.version()
        shutil.copytree(gallery_folder, copy)
        assert gallery.version() not in (first, second, third) and len(gallery) == 6


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="what is open is not told here")
def test_of_a_gallery_that_cannot_be_created_nothing_stays_open(gallery_folder, tmp_path):
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "copy"))
    with pytest.raises(BadInput, match="holds a gallery already") as held:  # with all that the error refers to
        Gallery.create(copy)
    links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    assert held and not [link for link in links if os.path.islink(link) and str(copy) in os.readlink(link)]


def test_a_gallery_that_changed_while_it_was_closed_has_another_version(gallery_folder, tmp_path):
    copy, versions = Path(shutil.copytree(gallery_folder, tmp_path / "copy")), set()
    for id in ("one", "two"):
        with Gallery.open(copy) as gallery:
            versions.add(gallery.version())
        with Gallery.open(copy) as other:
            other.add([an_entry(id)])
    assert len(versions) == 2


def test_a_file_that_took_the_place_of_a_gallery_is_refused_until_it_is_one(gallery_folder, tmp_path):
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "copy"))
    file, whole = copy / "gallery.sqlite", (copy / "gallery.sqlite").read_bytes()
    with Gallery.open(copy) as gallery:
        file.unlink()
        with closing(sqlite3.connect(file)) as db:  # a view would run inside the gallery's own statements
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("CREATE VIEW items AS SELECT 1 AS row, 'a' AS id, NULL AS file, '{}' AS facts")
        for _ in range(2):
            with pytest.raises(BadInput, match="no gallery of this program"):
                gallery.version()
        with pytest.raises(BadInput, match="was closed"):
            list(gallery)
        file.write_bytes(whole)
        gallery.version()
        assert len(gallery) == 6


def test_a_gallery_that_another_program_is_writing_is_said_to_be_busy(gallery_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("xmr.gallery.database._WAIT", 0.1)
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "copy"))
    with Gallery.open(copy) as one, Gallery.open(copy) as other, one.batch():
        assert len(other) == 6  # reading goes on
        with pytest.raises(BadInput, match="Another program is writing"):
            other.remove(["red-left"])
