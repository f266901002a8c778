"""Adopting from a hub: a server on this computer that speaks its protocol, with all that goes wrong there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from tests import models
from tests.hub import CHUNK, SHA
from xmr import adopt, checkpoint
from xmr.adopt import source
from xmr.modality import BadInput

NOWHERE = Path("no gallery")
GRAPH = "onnx/vision_model.onnx"


def home() -> Path:
    return Path(os.environ["XMR_MODELS"])


def left() -> list[str]:
    """The files in the folder of adopted models, but for a download that goes on."""
    return [str(one) for one in home().rglob("*") if one.is_file()]


def test_a_model_is_downloaded_pinned_and_checked_and_nothing_else_is_left(hub, clip):
    offer = adopt.look_up("org/tiny")
    assert hub.sent == [] and offer.source.licence == "mit"  # said before the download
    sizes = [path.stat().st_size for path in clip[0].rglob("*") if path.is_file() and path.suffix != ".md"]
    assert offer.megabytes == pytest.approx(sum(sizes) / 1e6, rel=0.01)
    steps = []
    made = adopt.adopt(offer, lambda *told: steps.append(told), gallery=NOWHERE)
    config = checkpoint.describe("tiny")
    assert config["card"]["source"] == f"{hub.address}/org/tiny/tree/{SHA}" and config["card"]["licence"] == "mit"
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "card.md",
        "config.json",
        "photo.onnx",
        "text.onnx",
        "tokenizer.json",
    ]
    assert not [*(home() / source.DOWNLOADS).iterdir()]
    photos = models.pictures(5)
    assert np.abs(checkpoint.load("tiny").encode_photo(photos) - clip[1].photos(photos)).max() < 1e-3
    downloads = [(done, total) for what, done, total in steps if what.startswith("downloading")]
    assert downloads == sorted(downloads) and downloads[-1][0] == downloads[-1][1]


def test_a_connection_that_ends_goes_on_where_it_ended(hub):
    size = (hub.models["org/tiny"] / GRAPH).stat().st_size
    hub.cut[GRAPH] = size // 2
    adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)
    assert [first for name, first in hub.sent if name == GRAPH] == [0, size // 2 // CHUNK * CHUNK]


def test_a_download_that_was_stopped_goes_on_another_time(hub):
    stop, offer = Event(), adopt.look_up("org/tiny")

    def after_the_first(what: str, done: int, total: int) -> None:
        if done > total // 3:
            stop.set()

    with pytest.raises(adopt.Stopped, match="What is there is kept"):
        adopt.adopt(offer, after_the_first, stop, NOWHERE)
    before = {name for name, _ in hub.sent}
    assert "tiny" not in checkpoint.available() and left()
    hub.sent.clear()
    adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)
    done = before - {name for name, first in hub.sent if first == 0}
    assert done and "tiny" in checkpoint.available()


@pytest.mark.parametrize("links", [True, False])
def test_what_was_downloaded_is_kept_where_measuring_is_stopped(hub, gallery_folder, monkeypatch, links):
    stop, steps = Event(), []
    if not links:  # as on a disk that has none

        def refuse(*_: object) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(Path, "hardlink_to", refuse)

    def at_measuring(what: str, done: int, total: int) -> None:
        steps.append(what)
        if what.startswith("measuring"):
            stop.set()

    with pytest.raises(adopt.Stopped):
        adopt.adopt(adopt.look_up("org/tiny"), at_measuring, stop, gallery_folder)
    assert steps[-1].startswith("measuring") and checkpoint.available(home()) == []
    assert not [*home().glob(".making-*")]
    hub.sent.clear()
    adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)
    assert hub.sent == [] and "tiny" in checkpoint.available() and not [*(home() / source.DOWNLOADS).iterdir()]


def test_a_process_that_is_killed_goes_on_where_it_was_and_leaves_no_model(hub, tmp_path):
    (tmp_path / "big").mkdir()
    for path in hub.models["org/tiny"].rglob("*"):
        if path.is_file():
            place = tmp_path / "big" / path.relative_to(hub.models["org/tiny"])
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    hub.models["org/big"] = tmp_path / "big"
    size = (tmp_path / "big" / GRAPH).stat().st_size
    part = home() / source.DOWNLOADS / f"org--big@{SHA[:12]}" / f"{GRAPH}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes((tmp_path / "big" / GRAPH).read_bytes()[: size // 4])  # what a killed one had
    code = (
        "import sys, time; from xmr import adopt; from pathlib import Path\n"
        "def told(what, done, total):\n"
        "    print(done, flush=True); time.sleep(60)\n"
        "adopt.adopt(adopt.look_up('org/big'), told, gallery=Path('none'))"
    )
    env = os.environ | {"HF_ENDPOINT": hub.address, "HF_HUB_CACHE": str(tmp_path / "cache")}
    running = subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert running.stdout.readline()
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert (GRAPH, size // 4) in hub.sent and "big" not in checkpoint.available()
    adopt.adopt(adopt.look_up("org/big"), gallery=NOWHERE)
    assert "big" in checkpoint.available() and not [*(home() / source.DOWNLOADS).iterdir()]


@pytest.mark.parametrize("name", [GRAPH, "tokenizer.json"])
def test_a_file_with_another_checksum_is_refused_and_deleted(hub, name):
    hub.wrong.add(name)
    with pytest.raises(BadInput, match=f"{name} of org/tiny did not arrive as the hub promises it"):
        adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)
    assert "tiny" not in checkpoint.available() and not [one for one in left() if name in one]
    hub.wrong.clear()
    adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)


def test_a_graph_that_is_damaged_on_the_hub_itself_says_the_way_round_and_does_not_stay(hub, tmp_path):
    hub.models["org/tiny"] = shutil.copytree(hub.models["org/tiny"], tmp_path / "cut")
    whole = (tmp_path / "cut" / GRAPH).read_bytes()
    (tmp_path / "cut" / GRAPH).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=f"{GRAPH} of org/tiny cannot .* or choose another variant") as told:
        adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)
    assert "estore" not in str(told.value) and left() == []
    (tmp_path / "cut" / GRAPH).write_bytes(whole)
    adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)


@pytest.mark.parametrize("name", ["onnx/text_model.onnx_data", "onnx/vision_model.onnx.data"])
def test_weights_that_lie_beside_their_graph_are_told_before_the_download(hub, tmp_path, name):
    hub.models["org/tiny"] = shutil.copytree(hub.models["org/tiny"], tmp_path / "big")
    (tmp_path / "big" / name).write_bytes(b"weights")
    with pytest.raises(BadInput, match=f"in a file of their own, {name}. Choose another export"):
        adopt.look_up("org/tiny")
    for tower in ("vision", "text"):
        (tmp_path / "big" / f"onnx/{tower}_model_fp16.onnx").write_bytes(b"graph")
    with pytest.raises(BadInput, match="Try another variant .fp16. with --variant"):
        adopt.look_up("org/tiny")
    assert adopt.look_up("org/tiny", variant="fp16").name == "tiny-fp16" and hub.sent == []


@pytest.mark.parametrize(
    ("status", "code", "why"),
    [
        (401, "RepoNotFound", "nobody without a token, or there is no such model"),
        (403, "GatedRepo", "Accept them on its page, then set HF_TOKEN"),
        (404, "RepoNotFound", "The hub has no model org/tiny"),
        (403, "", "refuses org/tiny .403.. Set HF_TOKEN"),
        (500, "", "The hub fails with 500 for org/tiny. Try again later"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence_that_says_what_to_do(hub, status, code, why):
    hub.refused["org/tiny"] = (status, code)
    with pytest.raises(BadInput, match=why):
        adopt.look_up("org/tiny")
    assert left() == []


def test_a_private_model_is_adopted_with_the_token_of_the_environment(hub, monkeypatch):
    hub.token = "secret"
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.utils._auth._get_token_from_file", lambda: None)
    with pytest.raises(BadInput, match="set HF_TOKEN to a token of yours"):
        adopt.look_up("org/tiny")
    monkeypatch.setenv("HF_TOKEN", "secret")
    adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)
    assert "tiny" in checkpoint.available()


def test_a_revision_that_is_none_and_a_file_that_went_meanwhile_are_told(hub, tmp_path):
    with pytest.raises(BadInput, match="no such revision"):
        adopt.look_up("org/tiny", revision="v9")
    offer = adopt.look_up("org/tiny", revision=SHA)
    hub.models["org/tiny"] = tmp_path  # an empty folder
    with pytest.raises(BadInput, match="The hub has no such file"):
        adopt.adopt(offer, gallery=NOWHERE)
    assert checkpoint.available(home()) == []


def test_the_revision_of_a_pasted_address_counts_unless_another_is_given(hub):
    with pytest.raises(BadInput, match="no such revision"):
        adopt.look_up(f"{hub.address}/org/tiny/tree/v9")
    assert adopt.look_up(f"{hub.address}/org/tiny/tree/v9/onnx", revision=SHA).source.revision == SHA
    assert adopt.look_up(f"{hub.address}/org/tiny/tree/{SHA}/").source.revision == SHA
    assert adopt.look_up("hf-hub:org/tiny").source.model == "org/tiny"


def test_without_a_network_the_sentence_says_that_a_folder_needs_none(hub):
    offer = adopt.look_up("org/tiny")
    hub.close()
    with pytest.raises(BadInput, match="cannot be reached for org/tiny .*A model in a folder needs no network"):
        adopt.look_up("org/tiny")
    start = time.monotonic()
    with pytest.raises(BadInput, match="cannot be reached"):
        adopt.adopt(offer, gallery=NOWHERE)
    assert time.monotonic() - start < 20


def test_without_room_nothing_is_begun(hub, monkeypatch):
    offer = adopt.look_up("org/tiny")
    usage = source.shutil.disk_usage("/")
    monkeypatch.setattr(source.shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    with pytest.raises(BadInput, match=r"needs 2\d\d MB .* but 1 MB are free. Make room, or set XMR_MODELS"):
        adopt.adopt(offer, gallery=NOWHERE)
    assert hub.sent == [] and left() == []


def test_a_disk_that_fails_meanwhile_is_told(hub, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "tokenizer.json.part")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    with pytest.raises(BadInput, match="tokenizer.json.part of org/tiny cannot be written: No space left on device"):
        adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)
    assert checkpoint.available(home()) == []


def test_offline_what_another_program_downloaded_is_adopted_and_what_nobody_has_is_told(hub, monkeypatch):
    from huggingface_hub import constants, snapshot_download

    snapshot_download("org/tiny", endpoint=hub.address)
    hub.close()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    offer = adopt.look_up("org/tiny")
    assert offer.source.revision == SHA
    adopt.adopt(offer, gallery=NOWHERE)
    assert checkpoint.load("tiny").encode_text(["a cat"]).shape == (1, 24)
    with pytest.raises(BadInput, match="org/other is not on this computer, and nothing is downloaded"):
        adopt.look_up("org/other")


def test_what_is_in_the_hubs_cache_is_not_downloaded_again(hub):
    from huggingface_hub import snapshot_download

    snapshot_download("org/tiny", endpoint=hub.address)
    hub.sent.clear()
    adopt.adopt(adopt.look_up("org/tiny"), gallery=NOWHERE)
    assert hub.sent == [] and "tiny" in checkpoint.available()


def test_a_download_that_nobody_went_on_with_is_deleted_after_two_weeks(hub):
    old, new = (home() / source.DOWNLOADS / name for name in ("org--old@1", "org--new@1"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "a.part").write_text("a")
    past = time.time() - 15 * 86_400
    for path in (old / "a.part", old):
        os.utime(path, (past, past))
    adopt.look_up("org/tiny")
    assert not old.exists() and new.exists()
