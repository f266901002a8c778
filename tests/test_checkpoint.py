"""Checkpoints: what loads, and the message for everything that can be wrong with one."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import DIM
from xmr.checkpoint import CheckpointError, available, load, weights_hash
from xmr.modality import Modality


@pytest.fixture
def folder(checkpoint_folder: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(checkpoint_folder, tmp_path / "tiny"))


def edit(folder: Path, **changes) -> None:
    config = json.loads((folder / "config.json").read_text())
    config.update(changes)
    (folder / "config.json").write_text(json.dumps({key: value for key, value in config.items() if value != "gone"}))


def test_a_checkpoint_loads_by_name_and_by_folder(folder):
    for system in (load("tiny", root=folder.parent), load(folder)):
        assert (system.name, system.space, system.dim) == ("tiny", "cosine", DIM)
        assert set(system.encoders) == set(Modality)
        assert system.config["about"] == "for tests"


def test_available_names_the_folders_with_a_config(folder):
    (folder.parent / "notes").mkdir()
    assert available(folder.parent) == ["tiny"]
    assert available(folder.parent / "nowhere") == []


def test_the_hash_is_that_of_all_towers_in_the_order_of_their_names(folder):
    digest = hashlib.sha256()
    for name in ("photo.onnx", "sketch.onnx", "text.onnx"):
        digest.update((folder / name).read_bytes())
    encoders = json.loads((folder / "config.json").read_text())["encoders"]
    assert weights_hash(folder, encoders) == digest.hexdigest() == load(folder).weights


def test_calibration_may_be_missing(folder):
    edit(folder, calibration="gone")
    assert load(folder).calibration == {}


def test_a_missing_checkpoint_names_those_there_are(folder):
    with pytest.raises(CheckpointError, match=r"There is no checkpoint .*big \(there: tiny\).*git checkout"):
        load("big", root=folder.parent)


@pytest.mark.parametrize("file", ["config.json", "photo.onnx", "tokenizer.json"])
def test_a_missing_file_is_named_with_the_remedy(folder, file):
    (folder / file).unlink()
    with pytest.raises(CheckpointError, match=f"is damaged: {file} is missing. Restore it with git checkout"):
        load("tiny", root=folder.parent)


def test_a_damaged_tower_is_found_by_its_hash(folder):
    content = bytearray((folder / "photo.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "photo.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match="its towers hash to .{8}, but config.json promises .{8}"):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"dim": "gone"}, "lacks 'dim'"), ({"dim": "many"}, "cannot be read"), ({"space": "manhattan"}, "manhattan"),
     ({"encoders": {"smell": {"file": "x.onnx"}}}, "smell"), ({"encoders": {"photo": {"file": "x.onnx"}}}, "size")],
)  # fmt: skip
def test_a_wrong_config_is_refused(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(CheckpointError, match=message):
        load(folder)


def test_a_config_that_is_no_json_is_refused(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="config.json cannot be read"):
        load(folder)
