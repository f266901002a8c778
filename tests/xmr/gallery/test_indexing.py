"""A folder becomes a gallery, and stays one: what is new is read, what is gone goes, and a kill loses nothing."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import write_checkpoint
from tests.galleries import broken_items, change_photos, make_photos, orphans, state_of
from xmr import checkpoint
from xmr.gallery import Entry, Gallery, index_folder, reading
from xmr.modality import BadInput, Modality, Query, Term
from xmr.search import Searcher

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def reads(monkeypatch) -> list:
    """What has been decoded so far."""
    seen = []

    def open_picture(source, *more, **settings):
        seen.append(source)
        return decode(source, *more, **settings)

    decode = reading.open_picture
    monkeypatch.setattr(reading, "open_picture", open_picture)
    return seen


def test_a_folder_is_indexed_with_its_subfolders_and_originals(photo_folder, system):
    seen = []
    report = index_folder(photo_folder, [system], lambda now: seen.append((now.done, now.total)))
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
    index_folder(photo_folder, [system])
    assert index_folder(photo_folder, [system]).kept == 6
    Image.new("RGB", (300, 200), "white").save(photo_folder / "red-left.png")
    Image.new("RGB", (50, 50), "yellow").save(photo_folder / "new.jpg")
    (photo_folder / "green-left.png").unlink()
    report = index_folder(photo_folder, [system])
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
    report = index_folder(photo_folder, [system])
    assert report.indexed == 6
    skipped = {path.name: why for path, why in report.skipped}
    assert set(skipped) == {"notes.jpg", "cut.png"}
    assert "It is text. Give a JPEG" in skipped["notes.jpg"] and "damaged" in skipped["cut.png"]


def test_broken_links_and_names_that_are_no_text_do_no_harm(photo_folder, system):
    (photo_folder / "link.png").symlink_to(photo_folder / "gone.png")
    odd = os.fsencode(photo_folder) + b"/caf\xe9.png"
    try:
        shutil.copy(photo_folder / "red-left.png", odd)
    except OSError:
        pytest.skip("this disk takes only names in UTF-8")
    report = index_folder(photo_folder, [system])
    assert report.indexed == 6 and sorted(why for _, why in report.skipped) == [
        "It is a link to what is not there. Mend or delete the link.",
        "Its name is not valid UTF-8. Rename the file.",
    ]


def test_a_photo_that_becomes_unreadable_leaves_the_gallery(photo_folder, system):
    index_folder(photo_folder, [system])
    (photo_folder / "red-left.png").write_text("gone bad")
    report = index_folder(photo_folder, [system])
    assert (report.indexed, report.kept, len(report.skipped)) == (0, 5, 1)


def test_a_killed_run_loses_nothing_and_the_next_goes_on(tmp_path, system, checkpoint_folder):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(70):
        Image.new("RGB", (40, 30), (number * 3, 100, 50)).save(photos / f"{number:02}.png")
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys\nfrom xmr import checkpoint\nfrom xmr.gallery import index_folder\n"
            "index_folder(sys.argv[1], [checkpoint.load(sys.argv[2])], lambda progress: os.kill(os.getpid(), 9))",
            str(photos),
            str(checkpoint_folder),
        ],
        cwd=ROOT,
        capture_output=True,
    )
    assert killed.returncode == -9, killed.stderr
    with Gallery.open(photos) as gallery:
        assert len(gallery) == 32 and gallery.lacking(system, Modality.PHOTO) == []
    report = index_folder(photos, [system])
    assert (report.indexed, report.kept) == (38, 32)


def test_photos_without_a_file_are_encoded_by_a_system_that_comes_later(photo_folder, system):
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        gallery.add([Entry("added", Image.new("RGB", (64, 48), "yellow"))])
        later = replace(system, name="later")
        assert index_folder(photo_folder, [system, later]).indexed == 7
        assert len(gallery.vectors(later, Modality.PHOTO)[0]) == len(gallery.vectors(system, Modality.PHOTO)[0]) == 7


def test_new_weights_read_everything_again_and_a_shipped_gallery_gets_its_captions_too(
    gallery_folder, photo_folder, system, tmp_path
):
    newer = checkpoint.load(write_checkpoint(tmp_path / "tiny", tilt=0.01))
    assert newer.fingerprint(Modality.PHOTO) != system.fingerprint(Modality.PHOTO)
    index_folder(photo_folder, [system])
    assert index_folder(photo_folder, [newer]).indexed == 6
    shipped = Path(shutil.copytree(gallery_folder, tmp_path / "shipped"))
    report = index_folder(shipped, [newer])
    assert (report.gallery, report.indexed, report.kept) == (shipped, 6, 0)
    assert index_folder(shipped, [newer]).kept == 6
    with Gallery.open(shipped) as gallery:
        assert len(gallery.vectors(newer, Modality.PHOTO)[0]) == 6
        assert len(gallery.vectors(newer, Modality.TEXT)[0]) == 6
        assert gallery.captions("red-left", "en") == [("en", "a red photo")]


def test_a_folder_without_photos_is_refused(tmp_path, system):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BadInput, match="holds no photo that can be read. Add some JPEG"):
        index_folder(tmp_path, [system])
    assert not (tmp_path / ".xmr").exists()
    (tmp_path / "bad.png").write_text("hello")
    with pytest.raises(BadInput, match=r"holds no photo that can be read\. .*bad\.png: It is text"):
        index_folder(tmp_path, [system])
    with pytest.raises(BadInput, match="There is no folder"):
        index_folder(tmp_path / "nowhere", [system])


# ---------------------------------------------------------------- several systems


def test_each_photo_is_read_once_for_all_systems(photo_folder, system, reads):
    other = replace(system, name="other")
    report = index_folder(photo_folder, [system, other])
    assert report.indexed == 6 and len(reads) == 6
    with Gallery.open(photo_folder) as gallery:
        assert gallery.systems() == ["other", "tiny"]
        np.testing.assert_array_equal(
            gallery.vectors(system, Modality.PHOTO)[1], gallery.vectors(other, Modality.PHOTO)[1]
        )


def test_adding_a_system_leaves_the_vectors_of_the_others(photo_folder, system):
    other = replace(system, name="other")
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        before = gallery.vectors(system, Modality.PHOTO)
        assert index_folder(photo_folder, [other]).indexed == 6
        after = gallery.vectors(system, Modality.PHOTO)
        assert before[0] == after[0] and len(gallery.vectors(other, Modality.PHOTO)[0]) == 6
    np.testing.assert_array_equal(before[1], after[1])
    Image.new("RGB", (50, 50), "yellow").save(photo_folder / "new.png")
    index_folder(photo_folder, [other])
    with Gallery.open(photo_folder) as gallery:  # the new photo waits for a run with the first system
        assert len(gallery.vectors(other, Modality.PHOTO)[0]) == 7
        assert len(gallery.vectors(system, Modality.PHOTO)[0]) == 6
    assert index_folder(photo_folder, [system]).indexed == 1


# ---------------------------------------------------------------- what moves, and what only seems new


def test_a_folder_that_is_moved_takes_its_gallery_along(photo_folder, system, reads):
    index_folder(photo_folder, [system])
    reads.clear()
    moved = photo_folder.rename(photo_folder.with_name("elsewhere"))
    with Gallery.open(moved) as gallery:
        hits = Searcher(system, gallery).search(Query((Term(Modality.TEXT, "red"),)))
        assert {hit.item.content.parent for hit in hits} == {moved, moved / "more"}
        assert all(hit.item.content.is_file() for hit in hits)
    report = index_folder(moved, [system])
    assert (report.indexed, report.kept, reads) == (0, 6, [])


def test_a_file_that_is_moved_inside_is_known_by_its_content(photo_folder, system, reads):
    index_folder(photo_folder, [system])
    reads.clear()
    with Gallery.open(photo_folder) as gallery:
        before = {item.facts["file"]: item.id for item in gallery}
        (photo_folder / "2024").mkdir()
        (photo_folder / "red-left.png").rename(photo_folder / "2024" / "car.png")
        report = index_folder(photo_folder, [system])
        after = {item.facts["file"]: item.id for item in gallery}
    assert (report.indexed, report.kept, report.moved, report.removed, reads) == (0, 6, 1, 0, [])
    assert after["2024/car.png"] == before["red-left.png"] and "red-left.png" not in after


def test_two_files_that_change_places_keep_their_contents(photo_folder, system):
    index_folder(photo_folder, [system])
    one, other, aside = (photo_folder / f"{name}.png" for name in ("red-left", "green-left", "aside"))
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        found = {item.facts["file"]: item.id for item in gallery}
        ids, vectors = gallery.vectors(system, Modality.PHOTO)
        assert len(ids) == len(found) == 6
        for file in ("red-left.png", "green-left.png"):
            direct = system.encode(Modality.PHOTO, [photo_folder / file])[0]
            np.testing.assert_allclose(vectors[ids.index(found[file])], direct, atol=2e-3)


def test_a_file_written_again_with_the_same_content_is_not_encoded_again(photo_folder, system, reads):
    index_folder(photo_folder, [system])
    reads.clear()
    os.utime(photo_folder / "red-left.png", (1, 1))
    assert index_folder(photo_folder, [system]).kept == 6 and reads == []
    assert index_folder(photo_folder, [system]).kept == 6


def test_two_equal_files_are_two_photos(photo_folder, system):
    shutil.copy(photo_folder / "red-left.png", photo_folder / "copy.png")
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        assert len(gallery) == len(gallery.vectors(system, Modality.PHOTO)[0]) == 7
        (photo_folder / "red-left.png").unlink()
        index_folder(photo_folder, [system])
        assert {"copy.png"} <= {item.facts["file"] for item in gallery} and len(gallery) == 6
        assert all(gallery.thumbnail(item.id) for item in gallery)


# ---------------------------------------------------------------- out of reach, and nowhere to write


def test_photos_out_of_reach_are_named_and_stay(photo_folder, system, unprivileged):
    index_folder(photo_folder, [system])
    (photo_folder / "more").chmod(0)
    (photo_folder / "red-left.png").chmod(0)
    other = replace(system, name="other")
    try:
        report = index_folder(photo_folder, [system, other])
    finally:
        (photo_folder / "more").chmod(0o755)
    assert report.removed == 0 and {path.name for path, _ in report.skipped} == {"more", "red-left.png"}
    with Gallery.open(photo_folder) as gallery:
        assert len(gallery) == len(gallery.vectors(system, Modality.PHOTO)[0]) == 6
        assert len(gallery.vectors(other, Modality.PHOTO)[0]) == 4


def test_an_offline_folder_behind_a_link_keeps_its_photos(photo_folder, system, tmp_path):
    (photo_folder / "more").rename(tmp_path / "disk")
    (photo_folder / "linked").symlink_to(tmp_path / "disk")
    assert index_folder(photo_folder, [system]).indexed == 6
    (tmp_path / "disk").rename(tmp_path / "away")
    report = index_folder(photo_folder, [system])
    assert report.removed == 0 and report.kept == 6 and [path.name for path, _ in report.skipped] == ["linked"]
    (photo_folder / "linked").unlink()
    assert index_folder(photo_folder, [system]).removed == 1


def test_photos_on_a_disk_that_cannot_be_written_are_indexed_elsewhere_and_found_again(
    photo_folder, system, unprivileged, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    photo_folder.chmod(0o555)
    try:
        report = index_folder(photo_folder, [system])
        assert report.indexed == 6 and report.gallery.is_relative_to(tmp_path / "data")
        assert not (photo_folder / ".xmr").exists()
        for opened in (photo_folder, report.gallery):
            with Gallery.open(opened) as gallery:
                assert {item.content.parent for item in gallery} == {photo_folder, photo_folder / "more"}
        assert index_folder(photo_folder, [system]).kept == 6
    finally:
        photo_folder.chmod(0o755)


def test_an_index_can_be_kept_in_a_folder_of_ones_choice(photo_folder, system, tmp_path):
    report = index_folder(photo_folder, [system], index_dir=tmp_path / "index")
    assert report.gallery.parent == tmp_path / "index" and not (photo_folder / ".xmr").exists()
    with Gallery.open(photo_folder, tmp_path / "index") as gallery:
        assert len(gallery) == 6 and all(item.content.is_file() for item in gallery)
        with pytest.raises(BadInput, match=f"my photos' --index-dir {tmp_path / 'index'} --system other$"):
            gallery.vectors(replace(system, name="other"), Modality.PHOTO)
    with pytest.raises(BadInput, match=r"is not indexed yet.*my photos'$"):
        Gallery.open(photo_folder)
    with pytest.raises(BadInput, match=f"is not indexed yet.*my photos' --index-dir {tmp_path / 'none'}$"):
        Gallery.open(photo_folder, tmp_path / "none")


def test_where_the_photos_are_a_gallery_says_itself_only_where_this_user_keeps_galleries(
    photo_folder, system, tmp_path, monkeypatch
):
    """One that came with a folder of others' would otherwise have any of the user's photos shown and downloaded."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    kept = tmp_path / "data" / "xmr" / "galleries"
    came = index_folder(photo_folder, [system], index_dir=tmp_path / "came").gallery
    with Gallery.open(came) as gallery:
        assert gallery.root == came
        assert not any(item.content.exists() for item in gallery)
    with Gallery.open(came, came.parent) as gallery:
        assert gallery.root == photo_folder
    own = index_folder(photo_folder, [system], index_dir=kept).gallery
    with Gallery.open(own) as gallery:
        assert gallery.root == photo_folder and all(item.content.exists() for item in gallery)
    (tmp_path / "circle").symlink_to("circle")
    with sqlite3.connect(came / "gallery.sqlite") as db:
        db.execute("UPDATE about SET value = ? WHERE key = 'root'", (str(tmp_path / "circle"),))
    db.close()
    with suppress(BadInput), Gallery.open(came) as gallery:
        assert gallery.root == came


def test_a_full_disk_is_one_sentence_and_leaves_no_half_files(tmp_path, system, checkpoint_folder):
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for number in range(40):
        Image.fromarray(rng.integers(0, 256, (90, 90, 3), np.uint8)).save(photos / f"{number}.png")
    code = (
        "import resource, sys\nfrom xmr import checkpoint\nfrom xmr.gallery import index_folder\n"
        "from xmr.modality import BadInput\n"
        "system = checkpoint.load(sys.argv[2])\n"
        "system.encode('photo', [])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)\n"
        "try:\n    index_folder(sys.argv[1], [system], index_dir=sys.argv[4])\n"
        "except BadInput as error:\n    print(error)\n"
    )
    for most in (0, 1000, 9000, 50_000):  # bytes of a file: too little for the tables, a thumbnail, a batch
        done = subprocess.run(
            [sys.executable, "-c", code, str(photos), str(checkpoint_folder), str(most), str(tmp_path / str(most))],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0 and done.stderr == "", done.stderr
        assert "cannot be" in done.stdout or "Nothing can be written" in done.stdout, done.stdout
        assert not list(tmp_path.rglob("*.part"))
        assert index_folder(photos, [system], index_dir=tmp_path / str(most)).gallery.is_dir()


# ---------------------------------------------------------------- stopped, killed, and several at once


def test_a_run_that_is_asked_to_stop_keeps_what_is_done(tmp_path, system):
    for number in range(70):
        Image.new("RGB", (40, 30), (number * 3, 100, 50)).save(tmp_path / f"{number:02}.png")
    stop = threading.Event()
    report = index_folder(tmp_path, [system], lambda progress: stop.set(), stop=stop)
    assert report.stopped and report.indexed == 32
    report = index_folder(tmp_path, [system])
    assert (report.stopped, report.indexed, report.kept) == (False, 38, 32)


@pytest.mark.slow
def test_kills_at_any_moment_leave_whole_photos_and_the_next_run_ends_as_an_undisturbed_one(
    tmp_path, system, checkpoint_folder
):
    photos = tmp_path / "photos"
    make_photos(photos, 60)
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(photos, undisturbed)
    index_folder(undisturbed, [system])
    rng, killed = random.Random(0), 0
    for turn in range(8):
        if turn == 4:
            for folder in (photos, undisturbed):
                change_photos(folder)
            index_folder(undisturbed, [system])
        process = subprocess.Popen(
            [sys.executable, "-m", "xmr", "index", str(photos), "--system", str(checkpoint_folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        process.stderr.read(rng.choice((1, 12, 20)) if turn else 1)  # its first word, and so it is at work
        process.kill()
        killed += process.wait() == -9
        with Gallery.open(photos) as gallery:
            assert broken_items(gallery, [system]) == []
    assert killed >= 4
    index_folder(photos, [system])
    assert state_of(photos, [system]) == state_of(undisturbed, [system])
    assert orphans(photos) == []


def test_two_first_runs_at_once_make_one_gallery(photo_folder, system, checkpoint_folder):
    command = [sys.executable, "-m", "xmr", "index", str(photo_folder), "--system", str(checkpoint_folder)]
    runs = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for run in runs:
        assert run.wait() == 0, run.stderr.read()
        run.stderr.close()
    with Gallery.open(photo_folder) as gallery:
        assert len(gallery) == len(gallery.vectors(system, Modality.PHOTO)[0]) == 6
    assert index_folder(photo_folder, [system]).kept == 6


def test_what_a_kill_left_is_swept_by_the_next_run(photo_folder, system):
    gallery = index_folder(photo_folder, [system]).gallery
    (gallery / "thumbs" / "orphan.webp").write_bytes(b"RIFF")
    (gallery / "thumbs" / "half.webp.part").write_bytes(b"RI")
    (gallery / "vectors" / "tiny.photo.9.bin").write_bytes(b"1234")
    index_folder(photo_folder, [system])
    assert orphans(photo_folder) == []


def test_files_of_vectors_shrink_once_most_of_their_photos_are_gone(photo_folder, system):
    gallery = index_folder(photo_folder, [system]).gallery
    before = sum(file.stat().st_size for file in (gallery / "vectors").iterdir())
    for file in sorted(photo_folder.glob("*.png"))[:4]:
        file.unlink()
    index_folder(photo_folder, [system])
    assert sum(file.stat().st_size for file in (gallery / "vectors").iterdir()) == before // 3
    with Gallery.open(photo_folder) as opened:
        assert len(opened.vectors(system, Modality.PHOTO)[0]) == 2


def test_a_gallery_of_an_older_version_is_made_anew(photo_folder, system):
    gallery = index_folder(photo_folder, [system]).gallery
    with sqlite3.connect(gallery / "gallery.sqlite") as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(BadInput, match="version 2.*python -m xmr index"):
        Gallery.open(photo_folder)
    assert index_folder(photo_folder, [system]).indexed == 6
    with sqlite3.connect(gallery / "gallery.sqlite") as db:
        db.execute("PRAGMA user_version = 99")  # a newer program's: not ours to delete
    db.close()
    with pytest.raises(BadInput, match="version 99"):
        index_folder(photo_folder, [system])


def test_damaged_vectors_are_refused_and_made_anew_by_the_next_run(photo_folder, system):
    gallery = index_folder(photo_folder, [system]).gallery
    for damage in (lambda file: os.truncate(file, 40), Path.unlink, lambda file: file.write_bytes(b"\xff" * 10_000)):
        (file,) = (gallery / "vectors").iterdir()
        damage(file)
        with Gallery.open(photo_folder) as opened, pytest.raises(BadInput, match="are damaged. Make them anew: python"):
            opened.vectors(system, Modality.PHOTO)
        assert index_folder(photo_folder, [system]).indexed == 6
        with Gallery.open(photo_folder) as opened:
            assert len(opened.vectors(system, Modality.PHOTO)[0]) == 6


def test_a_photo_without_its_last_bytes_is_taken_with_a_note(photo_folder, system):
    whole = photo_folder / "whole.jpg"
    Image.open(photo_folder / "red-left.png").save(whole)
    (photo_folder / "cut.jpg").write_bytes(whole.read_bytes()[:-2])
    report = index_folder(photo_folder, [system])
    ((path, why),) = report.noted
    assert report.indexed == 8 and report.skipped == () and path.name == "cut.jpg" and why.endswith(".")
