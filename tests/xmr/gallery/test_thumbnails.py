"""Thumbnails: small WebP files, whole or absent, and never read from another place."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xmr.gallery import Entry, Gallery, thumbnail
from xmr.gallery.thumbnails import THUMB, Thumbnails
from xmr.modality import BadInput


@pytest.fixture
def thumbs(tmp_path) -> Thumbnails:
    (tmp_path / "thumbs").mkdir()
    return Thumbnails(tmp_path, lambda: "Make it anew.")


def test_a_thumbnail_is_a_webp_of_at_most_256_px_and_looks_like_its_picture(thumbs, tmp_path):
    picture = Image.linear_gradient("L").resize((640, 320)).convert("RGB")
    picture.save(tmp_path / "a.png")
    for given in (picture, tmp_path / "a.png"):
        thumbs.write("one", given)
        thumb = Image.open(thumbs.path("one"))
        assert thumb.format == "WEBP" and thumb.size == (THUMB, THUMB // 2)
        wanted = np.asarray(picture.resize(thumb.size), float)
        assert np.abs(np.asarray(thumb.convert("RGB"), float) - wanted).mean() < 4
    assert picture.size == (640, 320)  # a copy was made small
    assert thumbs.read("one") == thumbs.path("one").read_bytes() == thumbnail(picture)


def test_a_write_that_fails_leaves_the_old_one_and_nothing_beside_it(thumbs, monkeypatch):
    thumbs.write("one", Image.new("RGB", (9, 9), "red"))
    before = thumbs.read("one")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        thumbs.write("one", Image.new("RGB", (9, 9), "blue"))
    assert thumbs.read("one") == before and [path.name for path in thumbs.folder.iterdir()] == ["one.webp"]


@pytest.mark.parametrize("id", ["", "..", "a/b", "a\nb", "x" * 200, 7, None])
def test_what_is_no_id_has_no_file_and_the_remedy_is_said(thumbs, id):
    for use in (thumbs.path, thumbs.read, lambda id: thumbs.write(id, Image.new("RGB", (9, 9)))):
        with pytest.raises(BadInput, match="is no photo's id in .* Make it anew."):
            use(id)


def test_a_webp_file_is_taken_as_the_thumbnail_as_it_is(tmp_path):
    Image.new("RGB", (200, 200), "blue").save(tmp_path / "a.webp", quality=30)
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add([Entry("one", tmp_path / "a.webp")])
        assert gallery.thumb("one").read_bytes() == (tmp_path / "a.webp").read_bytes()
        gallery.add([Entry("one", gallery.thumb("one"), {"seen": 2})])  # in place already
        assert gallery.get("one").facts == {"seen": 2} and gallery.thumb("one").is_file()


def test_a_thumbnail_is_never_read_through_a_link_or_from_a_pipe(gallery_folder, tmp_path):
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "copy"))
    (tmp_path / "secret.webp").write_bytes(b"RIFF0000WEBP and more")
    thumbs = copy / "thumbs"
    for id, make in (
        ("red-left", lambda path: path.symlink_to(tmp_path / "secret.webp")),
        ("red-right", os.mkfifo),
        ("blue-left", lambda path: path.write_bytes(b"root:x:0:0")),
        ("blue-right", lambda path: path.write_bytes(b"RIFF0000WEBP" * 200_000)),
        ("green-left", Path.mkdir),
        ("green-right", lambda path: None),
    ):
        (thumbs / f"{id}.webp").unlink()
        make(thumbs / f"{id}.webp")
        with Gallery.open(copy) as gallery, pytest.raises(BadInput, match="thumbnail"):
            gallery.thumbnail(id)
    shutil.rmtree(thumbs)
    thumbs.symlink_to(gallery_folder / "thumbs")
    with pytest.raises(BadInput, match="is a link"):
        Gallery.open(copy)


@pytest.mark.parametrize(
    "settings", [{"lossless": True}, {"quality": 30}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}]
)
def test_a_thumbnail_of_very_many_pixels_is_none_by_its_header(thumbs, settings):
    """Of one colour, 13,000 x 13,000 px are a file of 38 bytes, which took the server 2.6 GB to open."""
    for size, sound in (((1024, 3), True), ((2, 1024), True), ((1025, 3), False), ((4, 13_000), False)):
        Image.new("RGB", size).save(thumbs.folder / "one.webp", **settings)
        if sound:
            assert thumbs.read("one") == thumbs.path("one").read_bytes()
        else:
            with pytest.raises(BadInput, match="is no thumbnail. Make it anew."):
                thumbs.read("one")
