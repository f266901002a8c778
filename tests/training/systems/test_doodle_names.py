"""Pretraining on doodles: what is learned is left in the network, once for all runs."""

import json

import numpy as np
import torch

from training.systems import doodle_names, sketchy_gan

SIDE = 16


def doodle(horizontal: bool, n: int) -> list:
    line = [[0, 255], [20 * n % 250] * 2]
    return [line if horizontal else line[::-1]]


def test_a_network_learns_to_name_doodles_and_a_second_run_finds_it_done(tmp_path, monkeypatch):
    monkeypatch.setattr(doodle_names, "BATCH", 8)
    folder = tmp_path / "quickdraw"
    folder.mkdir()
    for name, horizontal in (("line", True), ("ladder", False)):
        rows = [
            {"word": name, "key_id": str(hash((name, n)) % 10**9), "drawing": doodle(horizontal, n)} for n in range(60)
        ]
        (folder / f"{name}.ndjson").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setenv("XMR_DATA", str(tmp_path))
    torch.manual_seed(0)
    network = sketchy_gan.SketchNetwork("plain", 4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    doodle_names.pretrain(network, 4, SIDE, epochs=2, rate=1e-3, cache=tmp_path / "cache")
    assert not torch.equal(network.code.weight, before["code.weight"])
    again = sketchy_gan.SketchNetwork("plain", 4)
    (run,) = (tmp_path / "cache").glob("doodle-names-*")
    history = (run / "history.json").read_text()
    doodle_names.pretrain(again, 4, SIDE, epochs=2, rate=1e-3, cache=tmp_path / "cache")
    assert (run / "history.json").read_text() == history and len(json.loads(history)) == 2
    for name, value in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)
    assert np.isfinite(json.loads(history)[-1]["score"])
