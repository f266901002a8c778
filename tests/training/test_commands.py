"""The training commands: from tiny data to a checkpoint that the app could load, and what a wrong call is told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.training.settings import dann
from tests.training.tiny import write_world
from training.__main__ import COMMANDS, main
from training.release import demo_gallery
from xmr import checkpoint
from xmr.modality import Modality


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder as the working directory, in which runs/, checkpoints/ and galleries/ are made."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fit(pictures, tiny, here):
    """A function that runs `fit zero-shot-dann` on five tiny classes, and gives its exit status."""
    settings = [part for one in dann(pictures, "protocols=[sketchy-2-unseen]") for part in ("--set", one)]
    return lambda *options: main(["fit", "zero-shot-dann", "--variant", "dann", *settings, *options])


def test_every_command_says_what_its_options_are(capsys):
    for name, (_, about) in COMMANDS.items():
        with pytest.raises(SystemExit) as end:
            main([name, "--help"])
        assert end.value.code == 0 and f"python -m training {name}" in capsys.readouterr().out
        with pytest.raises(SystemExit):
            main(["--help"])
        assert about.partition(";")[0] in " ".join(capsys.readouterr().out.split())


def test_a_wrong_name_is_told_on_stderr_with_an_exit_status(capsys, here):
    assert main(["fit", "try"]) == 2
    assert "There is no recipe 'try'. Choose one of: attributes, attributes-again, classes" in capsys.readouterr().err
    assert main(["publish", "tri"]) == 2
    assert "Train first: python -m training fit tri" in capsys.readouterr().err
    assert main(["fit", "zero-shot-dann", "--set", "margn=1"]) == 2
    assert "did you mean 'margin'" in capsys.readouterr().err
    assert main(["audit", "try"]) == 2
    assert "There is no checkpoint 'try'" in capsys.readouterr().err


def test_an_interrupted_command_says_how_to_go_on(capsys, monkeypatch):
    def interrupted(args) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.systems.command.run", interrupted)
    assert main(["fit"]) == 130
    assert capsys.readouterr().err == "stopped. What was done is kept; run the same command to go on.\n"


def test_a_reader_that_has_had_enough_is_no_error(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)  # as head's, once it has its lines
    command = [sys.executable, "-m", "training", "data"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_fit_refuses_a_run_of_other_settings_and_offers_both_ways_on(fit, here, capsys):
    assert fit() == 0
    folder = here / "runs" / "zero-shot-dann" / "dann-1"
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert fit("--set", "margin=0.7") == 2
    told = capsys.readouterr().err
    assert "margin: 0.3 -> 0.7" in told and "--runs DIR" in told and "--restart" in told
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert fit("--set", "margin=0.7", "--restart") == 0
    assert json.loads((folder / "run.json").read_text())["recipe"]["margin"] == 0.7
    assert fit("--set", "margin=0.8", "--runs", "other") == 0


def test_a_run_is_published_evaluated_mapped_and_shown(fit, here, pictures, monkeypatch, capsys):
    """One whole publish: graphs, calibration, figures, card, map of the space, and vectors of the demo gallery."""
    monkeypatch.setenv("XMR_DATA", str(pictures.parent / "none"))
    monkeypatch.setenv("XMR_WORLD", str(here / "world"))
    (pictures.parent / "none").mkdir()
    (pictures.parent / "none" / "sketchy25").symlink_to(pictures)
    write_world(here / "world", "gallery", 2 * len(demo_gallery.EXAMPLES), categories=demo_gallery.EXAMPLES)
    write_world(here / "world", "test", 12, categories=demo_gallery.EXAMPLES[:6])
    assert main(["gallery"]) == 0
    assert fit("--set", "folder=sketchy25") == 0  # the recipe's own data: what ships is written over
    run = here / "runs" / "zero-shot-dann"
    (run / "dann-1").rename(run / "average")
    assert main(["publish", "zero-shot-dann", "--variant", "average"]) == 0
    folder = here / "checkpoints" / "zero-shot-dann"
    assert {path.name for path in folder.iterdir()} == {
        "photo.onnx",
        "sketch.onnx",
        "config.json",
        "metrics.json",
        "worst.json",
        "history.json",
        "card.md",
        "space.json",
        "run.json",
        "exposure.json",
    }
    system = checkpoint.load("zero-shot-dann", here / "checkpoints")
    config = json.loads((folder / "config.json").read_text())
    assert max(config["parity"].values()) < 1e-3 and {"sketch_to_photo", "photo_to_photo"} == set(config["calibration"])
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["weights"] == system.weights and list(metrics["protocols"]) == ["sketchy-2-unseen"]
    entry = metrics["protocols"]["sketchy-2-unseen"]
    assert entry["queries"] == 80 and 0 <= entry["metrics"]["sketch_to_photo/category/map"] <= 1
    card = (folder / "card.md").read_text()
    value = entry["metrics"]["sketch_to_photo/category/map"]
    assert card.startswith("# zero-shot-dann\n") and f"| sketch_to_photo/category/map | {value:.3f} ±" in card
    assert "The weights are the mean of 9 runs': names, dann, triplet" in card
    assert "the mean of their weights was not validated" in card
    assert config["card"]["differs"] in card and "`sketchy-2-unseen`: 80 photos, 80 sketches." in card
    assert json.loads((folder / "run.json").read_text())["recipe"]["lda_shrinkage"] == 3
    assert entry["evaluations"] == 1
    space = json.loads((folder / "space.json").read_text())
    assert (space["of"], space["pairs"]["sketch"]["classes"]) == ("sketchy-2-unseen", ["bat", "cow"])
    assert {point["modality"] for point in space["map"]} == {"photo", "sketch"}
    with checkpoint_gallery(here) as gallery:
        assert gallery.lacking(system, Modality.PHOTO) == []
    # each step by itself gives the same again
    before = {name: (folder / name).read_bytes() for name in ("metrics.json", "card.md", "space.json")}
    (folder / "card.md").unlink()
    assert main(["evaluate", "zero-shot-dann"]) == main(["embedding-map", "zero-shot-dann"]) == 0
    assert main(["card", "zero-shot-dann"]) == 0
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert checkpoint.load("zero-shot-dann", here / "checkpoints").weights == system.weights
    assert main(["evaluate", "zero-shot-dann", "--protocol", "flickr8k-test-en"]) == 2
    assert "doesn't list flickr8k-test-en" in capsys.readouterr().err
    assert main(["show", "zero-shot-dann", "--queries", "2", "--photos", "3"]) == 0
    assert (here / "runs" / "shown" / "zero-shot-dann.png").is_file()
    vectors = system.encode(Modality.SKETCH, [pictures / "sketch" / "bat" / "bat0-1.png"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def checkpoint_gallery(here):
    from xmr.gallery import Gallery

    return Gallery.open(here / "galleries" / "demo")
