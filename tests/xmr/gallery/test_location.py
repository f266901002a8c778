"""Where a gallery is: what a person writes for a folder, and where its gallery is looked for."""

from __future__ import annotations

import os
import shlex

import pytest

from xmr.gallery.location import given_path, holds_gallery, index_command, index_home, places
from xmr.modality import BadInput


@pytest.mark.parametrize("form", ["{}", "'{}'", '"{}"', "file://{}", "file://localhost{}", "  {}  "])
def test_a_path_may_be_quoted_or_an_address(tmp_path, form):
    (tmp_path / "my photos").mkdir()
    assert given_path(form.format(tmp_path / "my photos")) == tmp_path / "my photos"
    assert given_path(f"file://{tmp_path}/my%20photos") == tmp_path / "my photos"


def test_home_is_understood(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert given_path("~/photos") == tmp_path / "photos" and given_path("'~'") == tmp_path


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "The path is blank"),
        ("  ", "The path is blank"),
        ("''", "The path is blank"),
        ("file://", "The path is blank"),
        ("a\0b", "No path has a NUL"),
        ("~nosuchuser/photos", "There is no user 'nosuchuser'"),
        ("file://server/photos", "is on another computer"),
        ("x" * 300, "is no path that can be: File name too long"),
        ("a/" * 5000, "is no path that can be: File name too long"),
    ],
)
def test_an_odd_path_is_refused_with_a_sentence(given, message):
    with pytest.raises(BadInput, match=message):
        given_path(given)


def test_folders_of_the_same_name_have_galleries_of_their_own(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder / "photos").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "photos")
    one, other = (index_home(tmp_path / folder / "photos", tmp_path / "base") for folder in ("a", "b"))
    assert one != other and one.parent == other.parent == tmp_path / "base"
    assert index_home(tmp_path / "link", tmp_path / "base") == one


def test_a_gallery_is_looked_for_in_the_folder_then_with_the_user_then_in_its_own_place(tmp_path):
    assert places(tmp_path) == [tmp_path, index_home(tmp_path), tmp_path / ".xmr"]
    assert places(tmp_path, tmp_path / "base") == [tmp_path, index_home(tmp_path, tmp_path / "base")]


def test_what_a_kill_or_a_stranger_left_is_no_gallery(tmp_path):
    assert not holds_gallery(tmp_path)
    (tmp_path / "gallery.sqlite").touch()
    assert not holds_gallery(tmp_path)
    (tmp_path / "gallery.sqlite").write_bytes(b"something")
    assert holds_gallery(tmp_path)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "gallery.sqlite")
    assert not holds_gallery(tmp_path / "pipe")


def test_the_command_can_be_pasted_into_a_shell(tmp_path):
    folder = tmp_path / "it's; rm -rf *"
    assert shlex.split(index_command(folder)) == ["python", "-m", "xmr", "index", str(folder)]
