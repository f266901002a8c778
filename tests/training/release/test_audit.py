"""The audit: what ships passes what needs no data, and each check fails where something is wrong."""

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.training.tiny import draw_photo
from training.__main__ import main
from training.learn.fit import Stage
from training.learn.recipe import load
from training.release import audit, exposure
from training.systems import coco_regions
from training.systems.zero_shot_dann import Reversal
from xmr import checkpoint
from xmr.modality import Item, Modality

ROOT = checkpoint.ROOT.parent
NAME = "coco-regions"  # the copy that is spoiled


def outcomes(findings) -> dict[str, str]:
    return {finding.about: finding.outcome for finding in findings}


def failed(findings) -> str:
    """The lines of the checks that failed."""
    return "\n".join(finding.line() for finding in findings if finding.outcome == audit.FAILED)


def rewrite(path: Path, change) -> None:
    """Change a JSON file's content in place."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def root(tmp_path) -> Path:
    """A copy of what the data-free checks read, with one checkpoint whole."""
    shutil.copy(ROOT / "README.md", tmp_path)
    shutil.copytree(ROOT / "benchmarks" / "results", tmp_path / "benchmarks" / "results")
    for path in ROOT.glob("checkpoints/*/*.json"):
        if path.parent.name != "shared":
            (tmp_path / "checkpoints" / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / "checkpoints" / path.parent.name)
    shutil.copytree(ROOT / "checkpoints" / NAME, tmp_path / "checkpoints" / NAME, dirs_exist_ok=True)
    shutil.copytree(ROOT / "checkpoints" / "shared", tmp_path / "checkpoints" / "shared")
    return tmp_path


@pytest.fixture
def folder(root) -> Path:
    return root / "checkpoints" / NAME


def test_what_ships_passes(capsys):
    status = main(["audit", "--no-data", "--root", str(ROOT)])
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line.startswith(audit.FAILED)] == []
    assert status == 0 and told.endswith("0 failed\n")
    assert told.count("weights, config and figures belong together") == len(checkpoint.available())


def test_a_failed_check_is_the_exit_status(root, folder, capsys):
    rewrite(folder / "metrics.json", lambda content: content.update(weights="0" * 64))
    assert main(["audit", NAME, "--no-data", "--root", str(root)]) == 1
    assert "failed              coco-regions: weights" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "about"),
    [
        ("| `world-test` | **0.", "| `world-test` | **1.", "tables' figures"),
        ("| 0.424 |", "| 0.425 |", "tables' figures"),
        ("± 0.007 | 0.011 |", "± 0.007 | 0.012 |", "tables' figures"),
        ("100 of 100 kills", "101 of 101 kills", "other figures"),
        (" ms |", "1 ms |", "other figures"),
        ("\n## In Python", "\nIt finds 93 % of them.\n\n## In Python", "typed by hand"),
    ],
)
def test_a_wrong_figure_in_the_readme_is_found(root, old, new, about):
    assert not failed(audit.check_readme(root))
    path = root / "README.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert about in failed(audit.check_readme(root))


def test_a_changed_byte_of_a_graph_is_found(folder):
    assert not failed(audit.check_hashes(folder))
    graph = bytearray((folder / "photo.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (folder / "photo.onnx").write_bytes(graph)
    assert "was changed" in failed(audit.check_hashes(folder))


def test_figures_of_other_weights_are_found(folder):
    rewrite(folder / "metrics.json", lambda content: content.update(weights="0" * 64))
    assert "metrics.json is of 000" in failed(audit.check_hashes(folder))


def test_a_record_of_other_settings_or_one_that_was_not_signed_is_found(folder):
    recipe = json.loads(json.dumps(asdict(load(coco_regions.Recipe, coco_regions.YAML))))

    def publish(**changed) -> None:
        (folder / "run.json").write_text(json.dumps({"recipe": {**recipe, **changed}, "code": ["x"], "data": None}))
        config = json.loads((folder / "config.json").read_text())
        digest = hashlib.sha256((folder / "run.json").read_bytes()).hexdigest()
        checkpoint.sign(folder, config | {"run": digest})

    assert outcomes(audit.check_hashes(folder))[f"{NAME}: trained by its recipe"] == audit.UNCHECKED
    publish(about="in other words")
    assert outcomes(audit.check_hashes(folder))[f"{NAME}: trained by its recipe"] == audit.PASSED
    publish(margin=0.9)
    assert "other settings: margin" in failed(audit.check_hashes(folder))
    (folder / "run.json").write_text(json.dumps({"recipe": recipe}))
    assert "not the one that was signed" in failed(audit.check_hashes(folder))


def test_a_wrong_a_missing_and_a_stale_figure_on_a_card_are_found(folder):
    assert not failed(audit.check_card(folder))
    text = (folder / "card.md").read_text(encoding="utf-8")
    (folder / "card.md").write_text(text.replace("| text_to_photo/hit@10 | 0.", "| text_to_photo/hit@10 | 1."))
    assert "flickr8k-test-en text_to_photo/hit@10" in failed(audit.check_card(folder))
    lines = [line for line in text.splitlines() if "text_to_photo/map" not in line]
    (folder / "card.md").write_text("\n".join(lines))
    assert "text_to_photo/map is not there" in failed(audit.check_card(folder))
    (folder / "card.md").write_text(text.replace("Both are frozen", "Both are trained"))
    assert "python -m training card coco-regions" in failed(audit.check_card(folder))


def test_a_history_of_other_steps_or_without_a_loss_is_found(folder):
    assert not failed(audit.check_history(folder))
    whole = json.loads((folder / "history.json").read_text())
    (folder / "history.json").write_text(json.dumps(whole[:-1]))
    assert "stage 'train' has 1000 steps, the recipe 1200" in failed(audit.check_history(folder))
    less = [{key: value for key, value in entry.items() if key != "train/photo_anchor"} for entry in whole]
    (folder / "history.json").write_text(json.dumps(less))
    assert "no loss 'photo_anchor'" in failed(audit.check_history(folder))


def test_an_earlier_training_of_other_settings_or_steps_is_found(root):
    folder = root / "checkpoints" / "tri"
    (found,) = audit.check_earlier(folder)
    assert found.outcome == audit.PASSED and "typed" in found.about
    assert list(audit.check_earlier(root / "checkpoints" / NAME)) == []  # it was trained at once

    def change(record):
        while record["recipe"]["name"] != "typed":
            record = record["before"]
        record["recipe"]["captions"] += 1

    rewrite(folder / "run.json", change)
    assert "typed has other settings now: captions" in failed(audit.check_earlier(folder))
    history = [entry for entry in json.loads((folder / "history.json").read_text()) if entry["stage"] != "classes"]
    (folder / "history.json").write_text(json.dumps(history))
    assert "classes's stage 'classes' has 0 steps, its record 2000" in failed(audit.check_earlier(folder))


def test_a_reversal_that_is_hardly_on_has_to_be_on_the_card(root):
    folder = root / "checkpoints" / "zero-shot-dann"
    shutil.copy(ROOT / "checkpoints" / folder.name / "card.md", folder)
    rewrite(folder / "exposure.json", lambda content: content.update(reversal={"steps": 9, "on": 1, "strongest": 0.1}))
    assert "in 1 of 9 steps, at 0.100 at most" in failed(audit.check_history(folder))
    path = folder / "card.md"
    path.write_text(path.read_text() + "The gradient reversal was on in 1 of 9 training steps.")
    about = f"{folder.name}: its gradient reversal is on"
    assert outcomes(audit.check_history(folder))[about] == audit.DISCLOSED


def test_a_study_of_other_settings_is_found(folder):
    assert not failed(audit.check_study(folder))
    rewrite(folder / "study.json", lambda content: content["settings"]["photo-anchor"].update(margin=3))
    assert "photo-anchor has other settings" in failed(audit.check_study(folder))
    rewrite(folder / "study.json", lambda content: content["variants"].pop("both"))
    assert "both, which ships, was not measured" in failed(audit.check_study(folder))


def test_what_training_had_seen_is_measured_for_these_weights_and_on_the_card(folder):
    assert not failed(audit.check_exposure(folder, data=False))
    held = json.loads((folder / "exposure.json").read_text())
    rewrite(folder / "exposure.json", lambda content: content["protocols"]["flickr8k-test-en"].update(alike={"x": 3}))
    assert "the card does not say" in failed(audit.check_exposure(folder, data=False))
    (folder / "exposure.json").write_text(json.dumps(held | {"weights": "0" * 64}))
    assert "not measured for these weights" in failed(audit.check_exposure(folder, data=False))


def test_a_test_item_among_the_training_items_fails_whatever_the_card_says(folder):
    rewrite(folder / "exposure.json", lambda content: content["protocols"]["flickr8k-test-en"].update(ids={"x": 3}))
    held = exposure.read(folder)
    (folder / "card.md").write_text("\n".join(exposure.sentences(held)))
    assert "training items are test items" in failed(audit.check_exposure(folder, data=False))


def test_what_is_measured_again_is_what_was_written(folder, monkeypatch):
    held, about = exposure.read(folder), f"{NAME}: the same, measured again"
    monkeypatch.setattr(exposure, "measure", lambda folder: json.loads(json.dumps(held)))
    assert outcomes(audit.check_exposure(folder, data=True))[about] == audit.PASSED
    other = json.loads(json.dumps(held))
    other["protocols"]["flickr8k-test-en"]["sentences"] = {"flickr8k": 1}
    monkeypatch.setattr(exposure, "measure", lambda folder: other)
    assert "other than written: flickr8k-test-en" in failed(audit.check_exposure(folder, data=True))
    monkeypatch.setattr(exposure, "measure", lambda folder: held | {"compared": {}})
    assert outcomes(audit.check_exposure(folder, data=True))[about] == audit.UNCHECKED


def test_figures_on_other_items_of_a_protocol_are_found(root):
    checkpoints = root / "checkpoints"
    assert not failed(audit.check_items(checkpoints))
    path = checkpoints / "flickr30k-clip" / "metrics.json"
    rewrite(path, lambda content: content["protocols"]["flickr8k-test-en"].update(gallery=999))
    assert "999 in the gallery: flickr30k-clip" in failed(audit.check_items(checkpoints))
    rewrite(path, lambda content: content["protocols"]["flickr8k-test-en"].update(gallery=1000, items="a"))
    rewrite(
        checkpoints / NAME / "metrics.json",
        lambda content: content["protocols"]["flickr8k-test-en"].update(items="b"),
    )
    assert "flickr8k-test-en" in failed(audit.check_items(checkpoints))


def test_a_benchmark_of_a_machine_that_the_readme_does_not_name_is_found(root):
    assert not failed(audit.check_machines(root))
    path = root / "benchmarks" / "results" / "latency.json"
    rewrite(path, lambda content: content["machine"].update(processor="Other Processor"))
    assert "Other: latency" in failed(audit.check_machines(root))


def test_an_id_in_two_splits_fails_and_equal_sentences_and_copies_of_photos_are_counted(
    tiny_data, tmp_path, monkeypatch
):
    (finding,) = audit.check_splits("flickr8k")
    assert finding.outcome == audit.PASSED
    copy = tmp_path / "flickr8k"
    shutil.copytree(tiny_data / "flickr8k", copy)
    monkeypatch.setenv("XMR_DATA", str(tmp_path))
    lines = (copy / "captions.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    train, test = (next(row for row in rows if row["split"] == split) for split in ("train", "test"))
    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
    noise.save(copy / "images" / train["image"])
    noise.resize((50, 50)).save(copy / "images" / test["image"])
    rows = [
        train | {"en": ["Quite another sentence."], "de": [], "de_translation": None},
        test | {"en": ["quite another sentence", "and this one"], "de": []},
    ]
    (copy / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (finding,) = audit.check_splits("flickr8k")
    assert finding.outcome == audit.PASSED
    assert finding.why == "equal sentences in test and train: 1; photos alike in test and train: 1"
    rows.append(train | {"split": "test"})
    (copy / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (finding,) = audit.check_splits("flickr8k")
    assert finding.outcome == audit.FAILED and train["image"] in finding.why


def test_overlaps_are_counted_by_protocol_data_set_and_way(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        draw_photo(tmp_path / f"{name}.png", rng)
    shutil.copy(tmp_path / "a.png", tmp_path / "copy.png")
    photo, text = Modality.PHOTO, Modality.TEXT
    image = frozenset({"image:1"})
    tested = {
        "p": [Item("a", photo, tmp_path / "a.png"), Item("t", text, "A dog", image, "en")],
        "q": [Item("b", photo, tmp_path / "b.png"), Item("u", text, "a cat", image, "en")],
    }
    sources = {
        "one": [Item("copy", photo, tmp_path / "copy.png"), Item("b", photo, tmp_path / "c.png")],
        "two": [Item("v", text, "a dog.", image, "en")],
    }
    assert exposure.overlaps(tested, sources) == {
        "p": {
            "photos": 1,
            "captions": 1,
            "contents": {"one": 1},
            "alike": {"one": 1},
            "sentences": {"two": 1},
        },
        "q": {"photos": 1, "captions": 1, "ids": {"one": 1}},
    }


def test_the_steps_of_a_reversal_follow_from_the_recipe_or_from_the_history():
    stage = Stage(name="train", steps=200, every=100, rates={}, settings={})
    recipe = SimpleNamespace(batch=64, stages=(stage,), reversal=Reversal(5, 20, 1, 4))
    found = exposure.reversal(recipe, [{"stage": "train", "step": 200}], 2486)
    strengths = [min(max((step * 64 / 2486 - 5) / 20, 0), 1) for step in range(200)]
    assert found == {"steps": 200, "on": sum(s > 0 for s in strengths), "strongest": round(max(strengths), 4)}
    assert exposure.reversal(recipe, [{"stage": "train", "step": 200}], 0) is None
    epochs = Stage(name="train", epochs=10, every=5, rates={}, settings={})
    whole = SimpleNamespace(batch=64, stages=(epochs,), reversal=Reversal(2, 3, 0.5, 4))
    strengths = [min(max((step * 64 / 2486 - 2) / 3, 0), 1) for step in range(10 * 39)]
    wanted = {"steps": 390, "on": sum(s > 0 for s in strengths), "strongest": 0.5}
    assert exposure.reversal(whole, [{"stage": "train", "step": 390}], 2486) == wanted
    history = [
        {"stage": "train", "step": 100, "train/reversal_on": 0.25, "train/reversal": 0.1},
        {"stage": "train", "step": 200, "train/reversal_on": 1.0, "train/reversal": 0.9},
    ]
    assert exposure.reversal(recipe, history, 0) == {"steps": 200, "on": 125, "strongest": 0.9}
