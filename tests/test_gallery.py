"""Galleries: what goes in comes out, batches are whole or absent, indexing resumes, and mismatches say what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import COLOURS, GERMAN, fill_gallery, write_checkpoint
from xmr import checkpoint
from xmr.folder import index_folder
from xmr.gallery import THUMB, VERSION, Entry, Gallery, GalleryMismatch
from xmr.modality import BadInput, Drawing, Modality

ROOT = Path(__file__).resolve().parents[1]


def an_entry(id: str = "one", **more) -> Entry:
    return Entry(id, Image.new("RGB", (640, 320), "red"), **more)


# ---------------------------------------------------------------- one gallery


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
    index_folder(photo_folder, system)
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


def test_thumbnails_are_webp_of_at_most_256_px(tmp_path):
    with Gallery.create(tmp_path) as gallery:
        gallery.add([an_entry()])
        thumb = Image.open(gallery.thumb("one"))
    assert thumb.format == "WEBP" and thumb.size == (THUMB, THUMB // 2)


def test_a_webp_file_is_taken_as_the_thumbnail_as_it_is(tmp_path):
    Image.new("RGB", (200, 200), "blue").save(tmp_path / "a.webp", quality=30)
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add([Entry("one", tmp_path / "a.webp")])
        assert gallery.thumb("one").read_bytes() == (tmp_path / "a.webp").read_bytes()
        gallery.add([Entry("one", gallery.thumb("one"), {"seen": 2})])  # in place already
        assert gallery.get("one").facts == {"seen": 2} and gallery.thumb("one").is_file()


def test_equal_captions_are_one_text_with_one_vector(gallery, system):
    texts = gallery.texts()
    assert len(texts) == 2 * len(COLOURS)
    by_content = {text.content: text for text in texts}
    for colour in COLOURS:
        text = by_content[f"ein {GERMAN[colour]} bild"]
        assert text.language == "de" and text.labels == {colour}
        assert sorted(text.facts["photos"]) == [f"{colour}-left", f"{colour}-right"]
        assert gallery.get_text(text.id) == text
    ids, vectors = gallery.vectors(system, Modality.TEXT)
    assert ids == [text.id for text in texts] and len(vectors) == len(texts)
    german, _ = gallery.vectors(system, Modality.TEXT, "de")
    assert german == [text.id for text in texts if text.language == "de"]
    with pytest.raises(BadInput, match="There is no caption '99'"):
        gallery.get_text("99")


def test_vectors_come_back_in_item_order_rounded_to_127_steps_of_their_largest_number(tmp_path, system):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3, system.dim)).astype(np.float32)
    with Gallery.create(tmp_path) as gallery:
        gallery.add([an_entry(id) for id in "cab"])
        gallery.put_vectors(system.name, system.weights, Modality.PHOTO, ["a", "b", "c"], vectors)
        ids, found = gallery.vectors(system, Modality.PHOTO)
    assert ids == ["c", "a", "b"] and found.dtype == np.float32
    wanted = vectors[[2, 0, 1]]
    assert (np.abs(found - wanted) <= np.abs(wanted).max(1, keepdims=True) / 253).all()


def test_codes_come_back_exactly(tmp_path, system):
    codes = np.where(np.random.default_rng(0).random((3, system.dim)) < 0.5, -1, 1).astype(np.float32)
    with Gallery.create(tmp_path) as gallery:
        gallery.add([an_entry(id) for id in "abc"])
        gallery.put_vectors(system.name, system.weights, Modality.PHOTO, list("abc"), codes)
        np.testing.assert_array_equal(gallery.vectors(system, Modality.PHOTO)[1], codes)


def test_a_batch_is_written_whole_or_not_at_all(tmp_path, system):
    with Gallery.create(tmp_path) as gallery:
        with pytest.raises(RuntimeError), gallery.batch():
            gallery.add([an_entry(captions=[("en", "a red photo")])])
            gallery.put_vectors(system.name, system.weights, Modality.PHOTO, ["one"], np.zeros((1, system.dim)))
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


def test_new_weights_take_the_place_of_the_old_ones(tmp_path, system):
    newer = replace(system, weights="f" * 64)
    with Gallery.create(tmp_path) as gallery:
        fill_gallery(gallery, system)
        gallery.put_vectors("other", "a" * 64, Modality.PHOTO, ["red-left"], np.zeros((1, system.dim)))
        assert len(gallery.lacking(newer, Modality.PHOTO)) == 6
        gallery.put_vectors(newer.name, newer.weights, Modality.PHOTO, ["red-left"], np.zeros((1, system.dim)))
        assert gallery.vectors(newer, Modality.PHOTO)[0] == ["red-left"]
        assert len(gallery.lacking(newer, Modality.TEXT)) == 6
        assert gallery.vectors(replace(system, name="other", weights="a" * 64), Modality.PHOTO)[0] == ["red-left"]
        with pytest.raises(GalleryMismatch, match="holds vectors of ffffffff"):
            gallery.vectors(system, Modality.PHOTO)


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


def test_vectors_of_another_system_or_weights_are_refused_with_the_command(gallery, system):
    mend = f"python -m xmr index {gallery.path} --system"
    with pytest.raises(GalleryMismatch, match=f"holds no vectors of big. Make them: {mend} big"):
        gallery.vectors(replace(system, name="big"), Modality.PHOTO)
    with pytest.raises(GalleryMismatch, match=f"but tiny is ffffffff. Rebuild them: {mend} tiny"):
        gallery.vectors(replace(system, weights="f" * 64), Modality.PHOTO)


# ---------------------------------------------------------------- indexing a folder


def test_a_folder_is_indexed_with_its_subfolders_and_originals(photo_folder, system):
    seen = []
    report = index_folder(photo_folder, system, lambda done, total: seen.append((done, total)))
    assert (report.indexed, report.kept, report.removed, report.skipped) == (6, 0, 0, ())
    assert report.gallery == photo_folder / ".xmr" and seen == [(6, 6)]
    with Gallery.open(photo_folder) as gallery:
        by_file = {item.facts["file"]: item for item in gallery}
        assert by_file["more/blue-right.png"].content == photo_folder / "more" / "blue-right.png"
        assert all(gallery.thumb(item.id).is_file() for item in gallery)
        ids, vectors = gallery.vectors(system, Modality.PHOTO)
        direct = system.encode(Modality.PHOTO, [gallery.get(id).content for id in ids])
    np.testing.assert_allclose(vectors, direct, atol=2e-3)


def test_indexing_again_reads_only_what_is_new_or_changed_and_drops_what_is_gone(photo_folder, system):
    index_folder(photo_folder, system)
    assert index_folder(photo_folder, system).kept == 6
    Image.new("RGB", (300, 200), "white").save(photo_folder / "red-left.png")
    Image.new("RGB", (50, 50), "yellow").save(photo_folder / "new.jpg")
    (photo_folder / "green-left.png").unlink()
    report = index_folder(photo_folder, system)
    assert (report.indexed, report.kept, report.removed) == (2, 4, 1)
    with Gallery.open(photo_folder) as gallery:
        files = {item.facts["file"] for item in gallery}
        assert "new.jpg" in files and "green-left.png" not in files
        assert len(list((gallery.path / "thumbs").iterdir())) == 6


def test_files_that_cannot_be_read_are_skipped_with_path_reason_and_remedy(photo_folder, system):
    (photo_folder / "notes.jpg").write_text("no picture")
    (photo_folder / "cut.png").write_bytes((photo_folder / "red-left.png").read_bytes()[:200])
    (photo_folder / "list.txt").write_text("not looked at")
    (photo_folder / ".hidden.png").write_bytes(b"not looked at")
    report = index_folder(photo_folder, system)
    assert report.indexed == 6
    skipped = {path.name: why for path, why in report.skipped}
    assert set(skipped) == {"notes.jpg", "cut.png"}
    assert "looks like text. Give a JPEG" in skipped["notes.jpg"] and "damaged" in skipped["cut.png"]


def test_broken_links_and_names_that_are_no_text_do_no_harm(photo_folder, system):
    (photo_folder / "link.png").symlink_to(photo_folder / "gone.png")
    odd = os.fsencode(photo_folder) + b"/caf\xe9.png"
    try:
        shutil.copy(photo_folder / "red-left.png", odd)
    except OSError:
        pytest.skip("this disk takes only names in UTF-8")
    report = index_folder(photo_folder, system)
    assert report.indexed == 6 and [why for _, why in report.skipped] == [
        "Its name is not valid UTF-8. Rename the file."
    ]


def test_a_photo_that_becomes_unreadable_leaves_the_gallery(photo_folder, system):
    index_folder(photo_folder, system)
    (photo_folder / "red-left.png").write_text("gone bad")
    report = index_folder(photo_folder, system)
    assert (report.indexed, report.kept, len(report.skipped)) == (0, 5, 1)


def test_a_killed_run_loses_nothing_and_the_next_goes_on(tmp_path, system, checkpoint_folder):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(70):
        Image.new("RGB", (40, 30), (number * 3, 100, 50)).save(photos / f"{number:02}.png")
    killed = subprocess.run(
        [sys.executable, "-c", "import os, sys\nfrom xmr import checkpoint\nfrom xmr.folder import index_folder\n"
         "index_folder(sys.argv[1], checkpoint.load(sys.argv[2]), lambda done, total: os.kill(os.getpid(), 9))",
         str(photos), str(checkpoint_folder)], cwd=ROOT, capture_output=True,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    with Gallery.open(photos) as gallery:
        assert len(gallery) == 32 and gallery.lacking(system, Modality.PHOTO) == []
    report = index_folder(photos, system)
    assert (report.indexed, report.kept) == (38, 32)


def test_new_weights_read_everything_again_and_a_shipped_gallery_gets_its_captions_too(
    gallery_folder, photo_folder, system, tmp_path
):
    newer = checkpoint.load(write_checkpoint(tmp_path / "tiny", tilt=0.01))
    assert newer.weights != system.weights
    index_folder(photo_folder, system)
    assert index_folder(photo_folder, newer).indexed == 6
    shipped = Path(shutil.copytree(gallery_folder, tmp_path / "shipped"))
    report = index_folder(shipped, newer)
    assert (report.gallery, report.indexed, report.kept) == (shipped, 6, 0)
    assert index_folder(shipped, newer).kept == 6
    with Gallery.open(shipped) as gallery:
        assert len(gallery.vectors(newer, Modality.PHOTO)[0]) == 6
        assert len(gallery.vectors(newer, Modality.TEXT)[0]) == 6
        assert gallery.captions("red-left", "en") == [("en", "a red photo")]


def test_a_folder_without_photos_is_refused(tmp_path, system):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BadInput, match="holds no photo that can be read .*JPEG"):
        index_folder(tmp_path, system)
    assert not (tmp_path / ".xmr").exists()
    (tmp_path / "bad.png").write_text("hello")
    with pytest.raises(BadInput, match=r"holds no photo that can be read: .*bad\.png is not a picture"):
        index_folder(tmp_path, system)
    with pytest.raises(BadInput, match="There is no folder"):
        index_folder(tmp_path / "nowhere", system)
