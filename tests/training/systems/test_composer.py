"""composer: what its queries are, what it learns from them, and how it goes into the published system."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import DIM
from training.datasets import MissingData, demo, world
from training.release.publish import publish
from training.systems import composer, further
from training.systems.composer import Composed, _endings
from training.towers.composer import Composer
from xmr import checkpoint
from xmr.compose import encode_terms, ranking
from xmr.composer import KINDS
from xmr.gallery import Gallery
from xmr.modality import BadInput, Modality, Query, Term
from xmr.search import Searcher

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
WATCHED = {"world-mixed/colour/both@1": 2, "world-mixed/minus/wanted@10": 1}
SETTINGS = {"queries": 24, "minus": 0.4, "loss_ranking": 1.0, "loss_terms": 0.5, "loss_names": 0.5}


def overrides(place: Path) -> list[str]:
    rates = {"composer": 1e-2}
    stage = {"name": "composer", "steps": 4, "every": 2, "rates": rates, "settings": SETTINGS}
    return [
        f"checkpoints={place / 'checkpoints'}",
        "rank=2",
        "hidden=6",
        "noise=0.1",
        "dropout=0.0",
        f"score={json.dumps(WATCHED)}",
        f"stages={json.dumps([stage])}",
    ]


@pytest.fixture
def trained(published_tri) -> composer.Task:
    return composer.run(published_tri / "runs/composer", published_tri / "runs/cache", overrides(published_tri))


def batch(task: composer.Task, seed: int, **settings: float) -> dict:
    stage = replace(task.recipe.stages[0], settings=SETTINGS | settings)
    return task.batch(stage, 0, np.random.default_rng(seed))


def test_the_losses_are_those_of_each_query_alone():
    torch.manual_seed(2)
    photos = torch.nn.functional.normalize(torch.randn(7, 4), dim=1)
    made = Composed(Composer(4, 2, 3, 0.0, (0.02, 0.1, 0.01), (0.02, 0.6, 0.01)), photos, noise=0.0).eval()
    weight, query = torch.tensor([1.0, 1, -1, 1, 1]), torch.tensor([0, 0, 0, 1, 2])
    names = torch.tensor([True, False, True, True, True])
    met = torch.rand(5, 7) < 0.7
    met[4] = False  # a query that no photo answers
    own = torch.tensor([3, -1, -1, -1, -1])  # the first term is a photo itself
    terms, kinds = torch.randn(5, 4), torch.tensor([0, 2, 2, 1, 2])
    with torch.no_grad():
        told = made(terms, kinds, met, weight, query, own, names, {"ranking": 2.0, "terms": 3.0, "names": 4.0})
        # what is unwanted, the third, says nothing of the others
        readers, biases, floors = made.composer(terms, kinds, torch.tensor([0, 0, 3, 1, 2]))
        named = made.composer.gates(terms, kinds)[:, 2].sigmoid().numpy()
    odds = np.array([[float(r @ p + b) for p in made.photos] for r, b in zip(readers, biases, strict=True)])
    asked = []
    for number in range(2):
        scores, right = np.zeros(7), np.ones(7, bool)
        for term in np.flatnonzero(query.numpy() == number):
            floor, chance = float(floors[term]), 1 / (1 + np.exp(-odds[term]))
            scores += np.log(floor + (1 - floor) * chance if weight[term] > 0 else 1 - chance)
            right &= (met[term].numpy() == (weight[term].item() > 0)) & (np.arange(7) != int(own[term]))
        assert right.any()
        chances = np.exp(scores) / np.exp(scores).sum()
        asked.append(-np.log(chances[right].sum()))
    chance = 1 / (1 + np.exp(-odds))
    each = -np.where(met.numpy(), np.log(chance), np.log(1 - chance))[own.numpy()[:, None] != np.arange(7)]
    assert float(told["ranking"]) == pytest.approx(np.mean(asked), abs=1e-5)
    assert float(told["terms"]) == pytest.approx(each.mean(), abs=1e-5)
    wrong = -np.log(np.where(names.numpy(), named, 1 - named)).mean()
    assert float(told["names"]) == pytest.approx(wrong, abs=1e-5)
    assert float(told["loss"]) == pytest.approx(2 * np.mean(asked) + 3 * each.mean() + 4 * wrong, abs=1e-5)


def test_every_query_is_answered_by_some_photo_and_asks_for_none_as_itself(trained):
    terms, negative = trained.terms, 0
    rows_of = {vector.tobytes(): row for row, vector in enumerate(terms.vectors)}
    for seed in range(4):
        found = batch(trained, seed)
        weight, query, met = (found[key].numpy() for key in ("weight", "query", "met"))
        assert query.tolist() == sorted(query) and set(query) == set(range(24))
        assert found["terms"].dtype == torch.float32 and found["kinds"].dtype == torch.int64
        for number in range(24):
            own = np.flatnonzero(query == number)
            assert 1 <= len(own) <= 4 and weight[own[0]] == 1 and (weight[own[:-1]] == 1).all()
            right = np.all([met[row] == (weight[row] > 0) for row in own], axis=0)
            itself = {int(terms.own[rows_of[found["terms"][row].numpy().tobytes()]]) for row in own} - {-1}
            assert set(np.flatnonzero(right)) - itself
            negative += weight[own[-1]] < 0
    assert 0 < negative < 4 * 24
    assert set(batch(trained, 0, minus=0.0)["weight"].tolist()) == {1.0}
    again, same = batch(trained, 3), batch(trained, 3)
    assert all(torch.equal(again[key], same[key]) for key in ("terms", "kinds", "met", "weight", "query", "names"))
    groups = {row: group for group, rows in terms.groups.items() for row in rows}
    for vector, names in zip(again["terms"].numpy(), again["names"].tolist(), strict=True):
        assert names == (groups[rows_of[vector.tobytes()]] in ("drawing", "photo", "name", "phrase"))


def test_terms_are_met_by_what_they_say_of_each_photo(trained):
    terms, photos = trained.terms, trained.facts.photos
    assert set(terms.groups) == {"drawing", "photo", "name", "colour", "place", "material", "phrase"}
    assert sorted(np.concatenate(list(terms.groups.values()))) == list(range(len(terms.vectors)))
    kinds = {name: {KINDS[kind] for kind in terms.kinds[rows]} for name, rows in terms.groups.items()}
    assert kinds == dict.fromkeys(terms.groups, {TEXT}) | {"drawing": {SKETCH}, "photo": {PHOTO}}
    for row in terms.groups["photo"]:
        own = photos[terms.own[row]].facts["category"]
        assert terms.met[row].tolist() == [photo.facts["category"] == own for photo in photos]
    drawn = trained.data["drawings"]
    assert len(drawn) == len(terms.groups["drawing"]) and all("quickdraw" in str(item.content) for item in drawn)
    for row, item in zip(terms.groups["drawing"], drawn, strict=True):
        own = min(item.labels).removeprefix("class:")
        assert terms.met[row].tolist() == [photo.facts["category"] == own for photo in photos]
    red = trained.system.encode(TEXT, ["etwas rotes"])[0]
    (row,) = [row for row in terms.groups["colour"] if np.allclose(terms.vectors[row], red, atol=1e-6)][:1]
    assert terms.met[row].tolist() == [photo.facts["colour"] == "red" for photo in photos]
    assert terms.met.any(1).all()


def test_german_colours_take_their_endings():
    assert _endings("rot") == ["rote", "roter", "rotes", "roten"]
    assert _endings("beige") == ["beige", "beiger", "beiges", "beigen"]


def test_without_rendered_things_it_does_not_begin(published_tri):
    (world.root() / "mixed/facts.jsonl").unlink()
    with pytest.raises(MissingData, match="training render"):
        composer.run(published_tri / "runs/composer", published_tri / "runs/cache", overrides(published_tri))


def test_a_run_trains_the_composer_and_is_chosen_by_the_mixed_queries(published_tri, trained):
    begun = composer.untrained(trained.recipe, trained.system.calibration).state_dict()
    after = trained.model.composer.state_dict()
    assert begun["slope"].tolist() == [8.0] * 3 and begun["intercept"].tolist() == [-4.0] * 3
    assert not torch.equal(begun["outer.bias"], after["outer.bias"]) and not torch.equal(begun["slope"], after["slope"])
    history = json.loads((published_tri / "runs/composer/history.json").read_text())
    assert [entry["step"] for entry in history] == [2, 4]
    for entry in history:
        figures = {key: entry[key] for key in WATCHED}
        assert entry["score"] == pytest.approx((2 * figures[[*WATCHED][0]] + figures[[*WATCHED][1]]) / 3, abs=1e-4)
    assert {"train/ranking", "train/terms", "train/names"} <= history[-1].keys()
    again = composer.run(published_tri / "runs/composer", published_tri / "runs/cache", overrides(published_tri))
    assert all(torch.equal(again.model.composer.state_dict()[name], after[name]) for name in after)


def test_publishing_adds_the_composer_and_leaves_all_towers(published_tri, trained):
    folder = published_tri / "checkpoints/tri"
    before = shutil.copytree(folder, published_tri / "before")
    publish("composer", published_tri / "runs", published_tri / "checkpoints", published_tri / "galleries")
    for name in ("photo.onnx", "sketch.onnx", "text.onnx", "tokenizer.json"):
        assert (folder / name).read_bytes() == (before / name).read_bytes()
    config, old = (json.loads((one / "config.json").read_text()) for one in (folder, before))
    assert config["encoders"] == old["encoders"] and config["composer"] == {"file": "composer.onnx"}
    assert config["parity"].keys() == {"photo", "sketch", "text", "composer"} and config["weights"] != old["weights"]
    assert old["parity"].items() <= config["parity"].items() and config["parity"]["composer"] < 1e-3
    read = {"text_to_photo", "photo_to_text"}  # a composer counts for how sure texts are
    assert {asked: one for asked, one in old["calibration"].items() if asked not in read}.items() <= config[
        "calibration"
    ].items()
    assert {"slope", "intercept"} <= config["calibration"]["mixed_to_photo"].keys()
    assert config["card"]["built"].startswith("Trained.") and config["card"]["built"].count("a composer") == 1
    assert config["card"]["command"].startswith("fit composer --set ")
    assert config["card"]["limits"] == old["card"]["limits"]
    history = json.loads((folder / "history.json").read_text())
    assert [entry["stage"] for entry in history] == ["words", "composer", "composer"]
    entry = json.loads((folder / "metrics.json").read_text())["protocols"]["world-mixed"]
    assert {key.removeprefix("world-mixed/") for key in WATCHED} <= entry["metrics"].keys()

    system, module = checkpoint.load("tri", published_tri / "checkpoints"), trained.model.composer.eval()
    query = Query((Term(TEXT, "rot"), Term(PHOTO, demo.items()[0].content, 0.5), Term(TEXT, "a dog", -1)))
    terms = encode_terms(system, query)
    for count in (1, 3, 20):  # the graph takes any number of terms
        some, kinds = np.resize(terms, (count, DIM)), ([PHOTO, TEXT, SKETCH] * 7)[:count]
        with torch.inference_mode():
            wanted = module(torch.from_numpy(some), torch.tensor([KINDS.index(kind) for kind in kinds]))
        for one, other in zip(system.composer(some, kinds), wanted, strict=True):
            np.testing.assert_allclose(one, other.numpy(), atol=1e-4)
    ranked = ranking(system, query, terms)
    slow = ranking(further.composed(trained.system, module), query, terms)
    photos = np.random.default_rng(0).normal(size=(5, DIM)).astype(np.float32)
    np.testing.assert_allclose(ranked.scores(photos), slow.scores(photos), atol=1e-3)
    with Gallery.open(published_tri / "galleries/demo") as gallery:
        hits = Searcher(system, gallery).search(query, k=5)
        assert len(hits) == 5 and all(0 <= hit.match <= 1 for hit in hits)
    said = (folder / "card.md").read_text()
    publish("composer", published_tri / "runs", published_tri / "checkpoints", published_tri / "galleries")
    assert json.loads((folder / "history.json").read_text()) == history
    config = json.loads((folder / "config.json").read_text())
    assert config["card"]["built"].count("a composer") == 1 and (folder / "card.md").read_text() == said


def test_a_composer_that_was_never_trained_is_not_published(published_tri):
    with pytest.raises(BadInput, match="fit composer"):
        publish("composer", published_tri / "runs", published_tri / "checkpoints", published_tri / "galleries")
