"""Vectors of a gallery: what goes in comes out, only what the table counts is valid, a mismatch names its remedy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.conftest import fill_gallery, write_checkpoint
from xmr import checkpoint
from xmr.gallery import Entry, Gallery, GalleryMismatch
from xmr.gallery.vectors import VectorFile, quantized
from xmr.modality import Modality

PICTURE = Image.new("RGB", (64, 32), "red")


def test_vectors_come_back_in_item_order_rounded_to_127_steps_of_their_largest_number(tmp_path, system):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3, system.dim)).astype(np.float32)
    with Gallery.create(tmp_path) as gallery:
        gallery.add([Entry(id, PICTURE) for id in "cab"])
        gallery.put_vectors(system, Modality.PHOTO, ["a", "b", "c"], vectors)
        ids, found = gallery.vectors(system, Modality.PHOTO)
    assert ids == ["c", "a", "b"] and found.dtype == np.float32
    wanted = vectors[[2, 0, 1]]
    assert (np.abs(found - wanted) <= np.abs(wanted).max(1, keepdims=True) / 253).all()


def test_codes_come_back_exactly(tmp_path, system):
    codes = np.where(np.random.default_rng(0).random((3, system.dim)) < 0.5, -1, 1).astype(np.float32)
    with Gallery.create(tmp_path) as gallery:
        gallery.add([Entry(id, PICTURE) for id in "abc"])
        gallery.put_vectors(system, Modality.PHOTO, list("abc"), codes)
        np.testing.assert_array_equal(gallery.vectors(system, Modality.PHOTO)[1], codes)


def test_new_weights_take_the_place_of_the_old_ones(tmp_path, system):
    newer, other = checkpoint.load(write_checkpoint(tmp_path / "tiny", tilt=0.01)), replace(system, name="other")
    with Gallery.create(tmp_path / "gallery") as gallery:
        fill_gallery(gallery, system)
        gallery.put_vectors(other, Modality.PHOTO, ["red-left"], np.zeros((1, system.dim)))
        assert len(gallery.lacking(newer, Modality.PHOTO)) == 6
        gallery.put_vectors(newer, Modality.PHOTO, ["red-left"], np.zeros((1, system.dim)))
        assert gallery.vectors(newer, Modality.PHOTO)[0] == ["red-left"]
        assert len(gallery.lacking(newer, Modality.TEXT)) == 6
        assert gallery.vectors(other, Modality.PHOTO)[0] == ["red-left"]
        with pytest.raises(GalleryMismatch, match=f"holds vectors of {newer.fingerprint(Modality.PHOTO)[:8]}"):
            gallery.vectors(system, Modality.PHOTO)


def test_vectors_whose_file_another_program_has_just_replaced_are_kept(tmp_path, system, monkeypatch):
    read, gone = VectorFile.read, [True]

    def race(file: VectorFile, folder):
        return None if gone and gone.pop() else read(file, folder)

    with Gallery.create(tmp_path) as gallery:
        fill_gallery(gallery, system)
        monkeypatch.setattr(VectorFile, "read", race)
        assert gallery.lacking(system, Modality.PHOTO) == [] and not gone
        monkeypatch.setattr(VectorFile, "read", lambda self, folder: None)  # damaged
        assert len(gallery.lacking(system, Modality.PHOTO)) == 6
        with pytest.raises(GalleryMismatch, match="holds no vectors"):
            gallery.vectors(system, Modality.PHOTO)


def test_vectors_of_another_system_or_weights_are_refused_with_the_command(gallery, system, tmp_path):
    newer = checkpoint.load(write_checkpoint(tmp_path / "tiny", tilt=0.01))
    mend = f"python -m xmr index {gallery.path} --system"
    with pytest.raises(GalleryMismatch, match=f"holds no vectors of big. Make them: {mend} big"):
        gallery.vectors(replace(system, name="big"), Modality.PHOTO)
    with pytest.raises(GalleryMismatch, match=f"but tiny is .{{8}}. Rebuild them: {mend} tiny"):
        gallery.vectors(newer, Modality.PHOTO)


def test_records_behind_the_last_valid_one_are_overwritten(tmp_path):
    first, left_by_a_kill, second = (quantized([row], np.full((1, 4), row, np.float32)) for row in (1, 2, 3))
    entry = VectorFile("f", 4, "a.bin", 0)
    entry.append(tmp_path, first)
    entry = replace(entry, count=1)
    entry.append(tmp_path, left_by_a_kill)
    assert entry.read(tmp_path).rows.tolist() == [1]
    entry.append(tmp_path, second)
    entry = replace(entry, count=2)
    assert entry.read(tmp_path).rows.tolist() == [1, 3]
    for count in (3, 2**55):  # shorter than the table says
        assert replace(entry, count=count).read(tmp_path) is None
    with pytest.raises(OSError, match="shorter than it should be"):
        replace(entry, count=3).append(tmp_path, first)


def test_of_a_row_that_was_written_twice_the_later_counts(tmp_path):
    entry = VectorFile("f", 3, "a.bin", 0)
    entry.append(tmp_path, quantized([5, 7, 5], np.eye(3, dtype=np.float32)))
    rows, at = replace(entry, count=3).read(tmp_path).latest()
    assert (rows.tolist(), at.tolist()) == ([5, 7], [2, 1])


def test_a_file_of_which_most_is_gone_is_written_anew(tmp_path, system):
    with Gallery.create(tmp_path) as gallery:
        fill_gallery(gallery, system)
        _, before = gallery.vectors(system, Modality.PHOTO)
        ids = [item.id for item in gallery]
        ((file,),) = (sorted((tmp_path / "vectors").glob("*.photo.*.bin")),)
        gallery.remove(ids[1:4])  # half: stays
        gallery.sweep()
        assert file.is_file()
        gallery.remove(ids[4:5])
        gallery.sweep()
        assert not file.is_file()
        kept, after = gallery.vectors(system, Modality.PHOTO)
    assert kept == [ids[0], ids[5]]
    np.testing.assert_array_equal(after, before[[0, 5]])
