"""What counts as a photo in a folder, what is passed over and why, and how a path is understood."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from xmr.gallery.files import list_folder
from xmr.modality import BadInput


def photo(path: Path, format: str = "PNG") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), "red").save(path, format)
    return path


def files_in(folder: Path, *exclude: str) -> list[str]:
    return [found.file for found in list_folder(folder, exclude).pictures]


def test_content_decides_and_not_the_suffix(tmp_path):
    photo(tmp_path / "cat.jpe", "JPEG")
    photo(tmp_path / "no suffix", "WEBP")
    photo(tmp_path / "wrong.txt", "PNG")
    (tmp_path / "notes.jpg").write_text("hello")
    (tmp_path / "empty.png").touch()
    (tmp_path / "letter.txt").write_text("hello")
    listing = list_folder(tmp_path)
    assert [found.file for found in listing.pictures] == ["cat.jpe", "no suffix", "wrong.txt"]
    assert {path.name for path, _ in listing.skipped} == {"notes.jpg", "empty.png"}


@pytest.mark.parametrize(
    "rubbish",
    [
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "$Recycle.Bin",
        ".Trashes",
        "System Volume Information",
        "lost+found",
        "__MACOSX",
        "My.photoslibrary/resources",
        "Catalog Previews.lrdata",
        "~snapshot",
        "RECYCLED",
        "Network Trash Folder",
        "iPhoto Library.photolibrary/Thumbnails",
        "Album.cocatalog/Cache",
    ],
)
def test_deleted_files_and_small_copies_are_no_photos(tmp_path, rubbish):
    photo(tmp_path / "sub" / "IMG_1.jpg", "JPEG")
    photo(tmp_path / "sub" / rubbish / "x" / "IMG_1.jpg", "JPEG")
    assert files_in(tmp_path) == ["sub/IMG_1.jpg"]


def test_patterns_leave_out_as_gitignore_does(tmp_path):
    for name in ("a.png", "b.png", "raw/a.png", "raw/keep.png", "deep/raw/a.png"):
        photo(tmp_path / name)
    assert files_in(tmp_path, "raw/") == ["a.png", "b.png"]
    assert files_in(tmp_path, "/raw") == ["a.png", "b.png", "deep/raw/a.png"]
    assert files_in(tmp_path, "*/a.png") == ["a.png", "b.png", "deep/raw/a.png", "raw/keep.png"]
    (tmp_path / ".xmrignore").write_text("# what I don't want\nb.*\n**/raw/*\n!raw/keep.png\n")
    assert files_in(tmp_path) == ["a.png", "raw/keep.png"]
    assert files_in(tmp_path, "keep.png") == ["a.png", "raw/keep.png"]  # the file has the last word


def test_a_pattern_that_would_take_hours_is_refused_and_so_are_endless_ones(tmp_path):
    photo(tmp_path / f"{'a' * 200}.png")
    (tmp_path / ".xmrignore").write_text("*.tmp\n# * * * * * *\n**/*_*.*\n" + "*a" * 10 + "b\n")
    with pytest.raises(BadInput, match="has more than 4 stars. Write several simpler ones"):
        list_folder(tmp_path)
    with open(tmp_path / ".xmrignore", "wb") as file:
        file.truncate(50_000_000_000)  # which takes no room
    with pytest.raises(BadInput, match="has more than 100,000 letters"):
        list_folder(tmp_path)


def test_listing_ends_when_it_is_asked_to(tmp_path):
    for name in ("a.png", "b/c.png"):
        photo(tmp_path / name)
    stop = threading.Event()
    assert len(list_folder(tmp_path, stop=stop).pictures) == 2
    stop.set()
    with pytest.raises(BadInput, match="was stopped while the files were listed"):
        list_folder(tmp_path, stop=stop)


def test_what_to_leave_out_may_be_written_by_windows(tmp_path):
    photo(tmp_path / "a.png")
    photo(tmp_path / "bär.png")
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        (tmp_path / ".xmrignore").write_text("bär.png\r\n", encoding=encoding)
        assert files_in(tmp_path) == ["a.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_or_a_device_beside_photos_is_not_waited_for(tmp_path):
    photo(tmp_path / "a.png")
    os.mkfifo(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "b.png")
    os.symlink("/dev/zero", tmp_path / "captions.csv")
    os.mkfifo(tmp_path / "captions.jsonl")
    assert files_in(tmp_path) == ["a.png"]
    os.mkfifo(tmp_path / ".xmrignore")
    with pytest.raises(BadInput, match="xmrignore cannot be read: it is no file"):
        files_in(tmp_path)


def test_linked_folders_are_followed_once_and_loops_end(tmp_path):
    photo(tmp_path / "photos" / "real" / "a.png")
    photo(tmp_path / "away" / "b.png")
    os.symlink(tmp_path / "photos", tmp_path / "photos" / "a loop")
    os.symlink(tmp_path / "photos" / "real", tmp_path / "photos" / "a link to real")
    os.symlink(tmp_path / "away", tmp_path / "photos" / "one")
    os.symlink(tmp_path / "away", tmp_path / "photos" / "two")
    os.symlink("itself", tmp_path / "photos" / "itself")
    found = files_in(tmp_path / "photos")
    assert "real/a.png" in found and len(found) == 2
    assert [file for file in found if file.endswith("b.png")][0] in ("one/b.png", "two/b.png")


def test_no_link_is_followed_out_of_the_folders_that_may_be_used(tmp_path):
    """Whoever can put a link beside photos could otherwise have others' photos shown, and the lines of any file."""
    photos, other, away = tmp_path / "photos", tmp_path / "other", tmp_path / "away"
    for path in (photos / "a.png", photos / "b" / "b.png", other / "c.png", away / "d.png", away / "in" / "e.png"):
        photo(path)
    (away / "secret").write_text("my password")
    for name, to in {
        "a.txt": away / "secret",
        "captions.csv": away / "secret",
        "d.png": away / "d.png",
        "in": away / "in",
        "gone.png": away / "gone",
        "c": other,
        "b/again.png": photos / "a.png",
    }.items():
        (photos / name).symlink_to(to)
    listing = list_folder(photos, within=[photos, other])
    assert [found.file for found in listing.pictures] == ["a.png", "b/again.png", "b/b.png", "c/c.png"]
    assert not any(found.sidecars or found.row for found in listing.pictures)
    told = {path.name: why for path, why in listing.skipped}
    assert told.keys() == {"d.png", "in", "gone.png"} and len(set(told.values())) == 1
    assert told["in"].startswith("It is a link out of the folders that may be used here.")
    assert not listing.reaches("in/e.png")  # what is known of it stays
    assert {"d.png", "in/e.png"} <= {found.file for found in list_folder(photos).pictures}
    (photos / ".xmrignore").symlink_to(away / "secret")
    with pytest.raises(BadInput, match=".xmrignore cannot be read. It is a link out of"):
        list_folder(photos, within=[photos, other])


def test_a_pipe_does_not_stop_the_walk(tmp_path):
    photo(tmp_path / "a.png")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert files_in(tmp_path) == ["a.png"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path, unprivileged):
    photo(tmp_path / "a.png")
    photo(tmp_path / "closed" / "b.png")
    (tmp_path / "closed").chmod(0)
    try:
        listing = list_folder(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o755)
    assert [found.file for found in listing.pictures] == ["a.png"]
    ((path, why),) = listing.skipped
    assert path.name == "closed" and "Permission denied. Its photos stay as they are" in why
    assert not listing.reaches("closed/b.png") and listing.reaches("a.png") and listing.reaches("closed.png")
