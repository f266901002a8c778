"""Ablation: which variants are trained, means over seeds, and averaged checkpoints."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.settings import SMALL, gan
from training.__main__ import main
from training.learn.recipe import load
from training.release import ablation
from training.release.publish import publish
from training.systems import (
    flickr30k_clip,
    iaprtc12_hashing,
    runs,
    sketchy_gan,
)
from xmr.modality import BadInput, Item, Modality


def test_an_average_is_the_mean_of_its_runs_and_trains_no_further(pictures, tiny, tmp_path):
    planned, folders = runs.varied_recipe("sketchy-gan"), []
    with pytest.raises(BadInput, match="Train first: python -m training ablation sketchy-gan --variant gan"):
        list(ablation._runs("sketchy-gan", planned, "average", tmp_path))
    for variant in (*planned.average_of, "average"):
        for folder, overrides in ablation._runs("sketchy-gan", planned, variant, tmp_path):
            task = sketchy_gan.run(folder, tmp_path / "cache", gan(pictures, *overrides, *SMALL[3:]))
            folders.append(folder)
    assert len(folders) == len(set(folders)) == 3 * len(planned.average_of) + 1
    held = [load_file(folder / "best.safetensors") for folder in folders[:-1]]
    for name, value in task.model.state_dict().items():
        torch.testing.assert_close(value, torch.stack([one[name] for one in held]).mean(0))
    assert (folders[-1] / "history.json").read_text() == (folders[0] / "history.json").read_text()
    assert runs.published_run("sketchy-gan", tmp_path)[0] == folders[-1]
    assert runs.published_run("flickr30k-clip", tmp_path)[0] == runs.run_of("flickr30k-clip", tmp_path)[0]
    assert runs.published_run("zero-shot-dann", tmp_path)[0] == tmp_path / "zero-shot-dann" / "mixed-1"
    folder, command = runs.published_run("zero-shot-dann", tmp_path, "average")
    assert folder == tmp_path / "zero-shot-dann" / "average" and command.endswith("--variant average")
    assert runs.published_run("zero-shot-dann", tmp_path, "triplet") == (
        tmp_path / "zero-shot-dann" / "triplet-1",
        "fit zero-shot-dann --variant triplet",
    )
    with pytest.raises(BadInput, match="Train first: python -m training ablation sketchy-gan --variant gan"):
        publish("sketchy-gan", tmp_path / "none", tmp_path, tmp_path)
    (tmp_path / "one/sketchy-gan/gan-1").mkdir(parents=True)
    (tmp_path / "one/sketchy-gan/gan-1/best.safetensors").touch()
    with pytest.raises(BadInput, match=r"Or publish that in .*gan-1: --variant gan$"):  # what fit has trained
        publish("sketchy-gan", tmp_path / "one", tmp_path, tmp_path)


def test_several_seeds_become_a_mean_and_a_standard_deviation():
    entries = [
        {
            "about": "x",
            "metrics": {"map": value},
            "stderr": {"map": 9.0},
            "chance": {"map": 0.1},
            "queries": 1,
            "gallery": 1,
            "dropped": 0,
            "seeds": 1,
            "curves": {"a": [value, 0.0]},
        }
        for value in (0.2, 0.3, 0.4)
    ]
    found = ablation.mean(entries)
    assert found["metrics"] == {"map": 0.3} and found["seed_std"] == {"map": 0.1}
    assert "stderr" not in found and found["seeds"] == 3


def test_a_study_asks_for_what_is_as_published_only_by_name(tmp_path, monkeypatch):
    trained = []

    def run(folder, cache, overrides):
        trained.append(folder.name)
        return SimpleNamespace(
            model=torch.nn.Linear(1, 1),
            vectors=None,
            modalities=(Modality.TEXT,),
            recipe=SimpleNamespace(protocols=(), stages=(None,)),
            validate=lambda stage: {"score": 0.1 * len(trained)},
        )

    monkeypatch.setattr(flickr30k_clip, "run", run)
    ablation.compare("flickr30k-clip", tmp_path / "runs", tmp_path)
    assert {name.rpartition("-")[0] for name in trained} == {"repaired", "larger", "as-published"}
    trained.clear()
    ablation.compare("flickr30k-clip", tmp_path / "runs", tmp_path, ["paper"])
    assert trained == ["paper-1", "paper-2", "paper-3"]
    trained.clear()
    report = ablation.compare("flickr30k-clip", tmp_path / "runs", tmp_path, ["paper", "larger"], seeds=2)
    assert trained == ["paper-1", "paper-2", "larger-1", "larger-2"]
    assert report["val"]["paper"] == {"seeds": 2, "metrics": {"score": 0.15}, "seed_std": {"score": 0.0707}}
    assert report["test_evaluations"] == {"repaired": 1, "larger": 2, "as-published": 1, "paper": 2}
    assert report["rows"] == {"as-published": "as-published", "repaired": "repaired"}


def test_a_study_has_an_entry_for_each_view_of_a_variant(tmp_path, monkeypatch):
    views = {" 4 bits": "codes", " 4 numbers": "floats"}
    task = SimpleNamespace(
        model=torch.nn.Linear(1, 1),
        views=views,
        vectors=None,
        modalities=(Modality.PHOTO, Modality.TEXT),
        recipe=SimpleNamespace(protocols=("p",), stages=(None,)),
        validate=lambda stage: {"score": 0.5},
        probe=lambda vectors: 0.7,
    )
    monkeypatch.setattr(iaprtc12_hashing, "run", lambda folder, cache, overrides: task)
    entry = {"about": "x", "queries": 1, "gallery": 1, "dropped": 0, "stderr": {}, "chance": {}, "curves": {}}
    scores = {"codes": 0.5, "floats": 0.6}
    evaluated = lambda name, modalities, vectors, languages: entry | {"metrics": {"map": scores[vectors]}}  # noqa: E731
    monkeypatch.setattr(ablation, "evaluate_on_test", evaluated)
    report = ablation.compare("iaprtc12-hashing", tmp_path / "runs", tmp_path, ["nested"])
    found = {name: protocols["p"]["metrics"]["map"] for name, protocols in report["variants"].items()}
    assert found == {"nested 4 bits": 0.5, "nested 4 numbers": 0.6} and report["baseline"] == {}
    assert report["probe"]["nested"]["metrics"] == {"accuracy": 0.7}
    assert json.loads((tmp_path / "iaprtc12-hashing" / "study.json").read_text()) == json.loads(json.dumps(report))
    scores["codes"], path = 0.7, tmp_path / "iaprtc12-hashing" / "study.json"
    before = {"world 4 bits": {"p": entry}, "forgotten": {"p": entry}}  # the latter is no variant any more
    path.write_text(json.dumps(report | {"variants": before | report["variants"]}))
    again = ablation.compare("iaprtc12-hashing", tmp_path / "runs", tmp_path, ["nested"])["variants"]
    assert again["nested 4 bits"]["p"]["metrics"]["map"] == 0.7 and again["world 4 bits"] == {"p": entry}
    assert list(again) == ["nested 4 bits", "nested 4 numbers", "world 4 bits"]  # as the recipe lists them


def test_a_vector_is_computed_once_and_one_of_the_same_id_elsewhere_is_another():
    asked = []

    def vectors(items):
        asked.extend(item.content for item in items)
        return np.array([[float(len(item.content))] for item in items])

    a, b = (Item("same", Modality.TEXT, content, frozenset()) for content in ("a", "bb"))
    seen = ablation.remembered(vectors)
    assert seen([a, b, a]).tolist() == [[1], [2], [1]] and seen([b]).tolist() == [[2]]
    assert asked == ["a", "bb"]


@pytest.fixture
def overridden(monkeypatch):
    """The overrides of each run of flickr30k-clip by its folder's name, without any training."""
    seen = {}

    def run(folder, cache, overrides):
        seen[folder.name] = load(flickr30k_clip.Recipe, flickr30k_clip.YAML, overrides)
        return SimpleNamespace(
            model=torch.nn.Linear(1, 1),
            vectors=None,
            modalities=(Modality.TEXT,),
            recipe=SimpleNamespace(protocols=(), stages=(None,)),
            validate=lambda stage: {"score": 0.5},
        )

    monkeypatch.setattr(flickr30k_clip, "run", run)
    return seen


def test_a_study_on_the_original_data_trains_every_variant_on_it_and_stands_beside_the_shipped_one(
    overridden, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    ours, theirs = tmp_path / "checkpoints/flickr30k-clip/study.json", tmp_path / "mine/flickr30k-clip/study.json"
    asked = ["ablation", "flickr30k-clip", "--seeds", "1"]
    on_theirs = [*asked, "--data", "/data/flickr30k", "--set", "batch=32"]
    assert main(asked) == 0
    before = ours.read_bytes()
    for variant in ([], ["--variant", "repaired"]):
        assert main([*on_theirs, *variant]) == 2
        assert "would be of the data in /data/flickr30k --set batch=32" in (told := capsys.readouterr().err)
        assert "holds figures of this project's data and recipes" in told and "--checkpoints DIR" in told
    assert ours.read_bytes() == before and overridden["repaired-1"].data == "flickr8k"
    assert main([*on_theirs, "--checkpoints", "mine"]) == 0
    for recipe in overridden.values():
        assert (recipe.data, recipe.folder, recipe.batch) == ("flickr30k", "/data/flickr30k", 32)
        assert recipe.protocols == ("flickr30k-test",)
        assert {key.rpartition("/")[0] for key in recipe.score} == {
            "flickr30k-test/text_en_to_photo",
            "flickr30k-test/photo_to_text_en",
        }
    assert json.loads(theirs.read_text())["trained_on"] == {"data": "/data/flickr30k", "set": ["batch=32"]}
    assert main([*on_theirs, "--checkpoints", "mine", "--variant", "larger"]) == 0  # the same: it joins the others
    assert main([*asked, "--checkpoints", "mine"]) == 2
    assert "holds figures of the data in /data/flickr30k --set batch=32" in capsys.readouterr().err
    (tmp_path / "flickr30k").mkdir()
    assert main([*asked, "--data", "flickr30k", "--checkpoints", "other"]) == 0
    record = json.loads((tmp_path / "other/flickr30k-clip/study.json").read_text())["trained_on"]
    assert record["data"] == str(tmp_path / "flickr30k")  # the same folder from anywhere


def test_a_variant_that_trains_on_the_rendered_world_has_no_part_in_a_study_on_other_data(tmp_path):
    recipe = runs.varied_recipe("iaprtc12-hashing")
    by_default = [name for name in recipe.variants if ablation._by_default(recipe, name, "/data/iaprtc12")]
    assert by_default == ["nested", *(f"as-published-{bits}" for bits in (16, 32, 48, 64))]
    with pytest.raises(BadInput, match="trains on the rendered world. Choose another, or leave --data out"):
        runs.run_of("iaprtc12-hashing", tmp_path, "world", data="/data/iaprtc12")
