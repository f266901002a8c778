"""The card of a checkpoint: it says what its files say."""

import json
import re
import shutil
from pathlib import Path

import pytest

from training.learn.run_record import FILE as RUN
from training.release import exposure
from training.release.card import DATA, _variants, card, reword
from xmr import checkpoint

SHIPPED = sorted(checkpoint.available())


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_card_is_that_of_the_shipped_files(name):
    folder = checkpoint.ROOT / name
    assert (folder / "card.md").read_text(encoding="utf-8") == card(folder)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_figure_and_every_source_is_on_the_card(name):
    folder = checkpoint.ROOT / name
    metrics, config = (json.loads((folder / f"{n}.json").read_text()) for n in ("metrics", "config"))
    text, _, _ = card(folder).partition("\n## Variants\n")
    rows = re.findall(r"^\| (\S+) \| ([\d.]+)(?: ± ([\d.]+))? \| ([\d.]+) \|$", text, re.MULTILINE)
    wanted = [
        (
            key,
            f"{value:.3f}",
            f"{entry['stderr'][key]:.3f}" if key in entry["stderr"] else "",
            f"{entry['chance'][key]:.3f}",
        )
        for entry in metrics["protocols"].values()
        for key, value in entry["metrics"].items()
    ]
    assert rows == wanted
    for key in config["card"]["data"]:
        assert DATA[key][0] in text and DATA[key][2] in text


def test_the_best_checkpoint_is_the_one_that_is_named(tmp_path):
    files = {
        "config": {
            "name": "x",
            "about": "About.",
            "weights": "0123456789abcdef" * 4,
            "encoders": {"photo": {}},
            "card": {"command": "fit x", "built": "Built.", "data": ["unknown-net"], "limits": "None."},
        },
        "history": [
            {"stage": "a", "step": 5, "score": 0.4},
            {"stage": "b", "step": 10, "score": 0.5},
            {"stage": "b", "step": 20, "score": 0.1},
        ],
        "metrics": {
            "protocols": {
                "p": {
                    "about": "P.",
                    "queries": 3,
                    "gallery": 4,
                    "dropped": 1,
                    "stderr": {},
                    "metrics": {"a/median_rank": 2.0},
                    "chance": {"a/median_rank": 2.5},
                }
            }
        },
    }
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    Path(tmp_path, "photo.onnx").write_bytes(b"x" * 1_500_000)
    text = card(tmp_path)
    assert 'at step 10 of stage "b" (score 0.500)' in text and "photo 1.5 MB" in text
    assert "3 queries, 4 in the gallery, 1 without a match." in text and "| a/median_rank | 2.000 | 2.500 |" in text
    assert "weights of unknown-net, from its hub" in text
    assert "| p | a/median_rank | 2.000 | 2.500 |" in text and "\n- Built.\n- Graphs: photo 1.5 MB; weights" in text
    assert "Not measured for these weights: `python -m training audit x --write`." in text
    assert "Chosen by validation at step" in text
    record = {"recipe": {"stages": [{"name": "a"}]}}  # what is published last is of stage a
    (tmp_path / RUN).write_text(json.dumps(record))
    assert 'stage "a"' in card(tmp_path) and 'at step 10 of stage "b"' not in card(tmp_path)
    (tmp_path / RUN).unlink()
    files["config"]["card"]["command"] = "ablation x --variant a --variant average"
    (tmp_path / "config.json").write_text(json.dumps(files["config"]))
    scored = {"seeds": 1, "metrics": {"score": 0.25}, "seed_std": {"score": 0}}
    for val, told in (({}, "was not validated"), ({"average": scored}, "scores 0.250 on val")):
        study = {"system": "x", "val": val, "ships": "average", "variants": {}}
        (tmp_path / "study.json").write_text(json.dumps(study))
        assert f'at step 10 of stage "b" (score 0.500); the mean of their weights {told}.' in card(tmp_path)


def test_the_variants_of_a_study_are_shown_with_their_seeds_their_validation_and_how_often_test_was_looked_at():
    one = {"seeds": 1, "metrics": {"a/p@1": 0.5, "a/map": 0.25}, "seed_std": {"a/p@1": 0, "a/map": 0}}
    two = {"seeds": 2, "metrics": {"a/p@1": 0.5, "a/map": 0.75}, "seed_std": {"a/p@1": 0, "a/map": 0.125}}
    study = {"system": "s", "seeds": [1, 2], "average_of": ["x"], "ships": "average"}
    study["variants"] = {"x 8 bits": {"p": two}, "x 4 bits": {"p": two}, "y": {"p": one}, "average": {"q": one}}
    lines = _variants(study, "s")
    assert "What ships is average. Of the average each run was chosen by validation, the mean" in lines[3]
    assert lines[-1] == "| average | the mean of 2 runs | 0.250 |"
    assert lines[lines.index("### Variants on p") + 2 :][:5] == [
        "| variant | trained from | a/map |",
        "| --- | --- | --- |",
        "| x 8 bits | 2 seeds | 0.750 ± 0.125 |",
        "| x 4 bits | 2 seeds | 0.750 ± 0.125 |",
        "| y | 1 seed | 0.250 |",
    ]
    study["val"] = {"x": {"seeds": 2, "metrics": {"score": 0.5}, "seed_std": {"score": 0.25}}}
    study["probe"] = {"y": {"seeds": 1, "metrics": {"accuracy": 0.875}, "seed_std": {"accuracy": 0}}}
    study["test_evaluations"] = {"x": 3}
    lines = _variants(study, "further")
    assert "trained further from average, by `python -m training fit further`" in lines[3]
    assert lines[lines.index("### Variants on val") + 4 :] == [
        "| variant | score on val | probe | times on test |",
        "| --- | --- | --- | --- |",
        "| x | 0.500 ± 0.250 | – | 3 |",
        "| y | – | 0.875 | – |",
        "| average | – | – | – |",
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_says_how_a_system_differs_from_the_published_one_and_what_training_had_seen(name):
    folder = checkpoint.ROOT / name
    text, config = card(folder), json.loads((folder / "config.json").read_text())
    assert (config["card"].get("differs", "") in text) and ("differs" in config["card"]) == (name != "tri")
    lines = exposure.sentences(exposure.read(folder))
    assert lines and all(line in text for line in lines)


def test_new_words_leave_the_weights_as_they_are(tmp_path):
    for name in ("flickr30k-clip", "shared"):
        shutil.copytree(checkpoint.ROOT / name, tmp_path / name)
    before = checkpoint.describe("flickr30k-clip", tmp_path)
    old = before | {"card": before["card"] | {"limits": "None."}}
    checkpoint.sign(tmp_path / "flickr30k-clip", old)
    reword("flickr30k-clip", tmp_path)
    assert checkpoint.describe("flickr30k-clip", tmp_path) == before
