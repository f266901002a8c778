"""typed: what its texts are taught, that photos and drawings stay, and how it goes into the published system."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import DIM, add_composer
from training.learn.export import export
from training.learn.restore import load_onnx_weights
from training.release.publish import publish
from training.systems import further, typed
from training.systems.typed import LEARNT, Typed, slipped
from training.towers.text import TextTower, normalizer
from xmr import checkpoint
from xmr.encoder import Encoder
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
WATCHED = {"flickr8k-test-en/text_to_photo/hit@1": 1, "typed-demo/text_to_photo/dropped/p@1": 3}
SETTINGS = {"flickr8k": 8, "names": 3, "sentences": 4, "typed": 0.5, "loss_photos": 1.0, "loss_distil": 4.0}


def overrides(place: Path) -> list[str]:
    rates = {"text": 1e-2, "log_scale": 1e-2}
    stage = {"name": "typed", "steps": 4, "every": 2, "rates": rates, "settings": SETTINGS}
    return [
        f"checkpoints={place / 'checkpoints'}",
        "captions=24",
        "sentences=9",
        "neighbours=3",
        "share=0.5",
        f"score={json.dumps(WATCHED)}",
        f"stages={json.dumps([stage])}",
    ]


@pytest.fixture
def trained(published_tri) -> typed.Task:
    return typed.run(published_tri / "runs/typed", published_tri / "runs/cache", overrides(published_tri))


def test_a_run_trains_the_text_tower_alone_from_what_is_published(published_tri, trained):
    begun = typed.tower()
    load_onnx_weights(begun, published_tri / "checkpoints/tri/text.onnx")
    before, after = begun.state_dict(), trained.model.text.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert {name.partition(".")[0] for name, _ in trained.model.named_parameters()} == {"text", "log_scale"}
    history = json.loads((published_tri / "runs/typed/history.json").read_text())
    assert [entry["step"] for entry in history] == [2, 4]
    for entry in history:
        one, three = (entry[key] for key in WATCHED)
        assert entry["score"] == pytest.approx((one + 3 * three) / 4, abs=1e-4)
    assert {"train/photos", "train/distil"} <= history[-1].keys()
    again = typed.run(published_tri / "runs/typed", published_tri / "runs/cache", overrides(published_tri))
    assert all(torch.equal(again.model.text.state_dict()[name], after[name]) for name in after)


def test_texts_are_to_stay_where_the_published_tower_has_them(trained):
    rows = np.random.default_rng(0).choice(len(trained.staying), 12, replace=False)
    for row in rows:
        wanted = trained.system.encode(TEXT, [trained.staying[row].content])[0]
        np.testing.assert_allclose(trained.taught[row], wanted, atol=1e-5)
    photos = [item for item in trained.data["flickr8k"] if item.modality is PHOTO]
    np.testing.assert_allclose(
        trained.model.photos[5].numpy(), trained.system.encode(PHOTO, [photos[5].content])[0], atol=1e-5
    )
    for row, near in enumerate(trained.near):
        scores = [float(trained.model.photos[row] @ other) for other in trained.model.photos]
        del scores[row]  # a photo is not its own neighbour
        assert [float(trained.model.photos[row] @ trained.model.photos[n]) for n in near] == pytest.approx(
            sorted(scores, reverse=True)[:3], abs=1e-5
        )


def test_a_batch_has_captions_of_each_language_and_texts_that_stay(trained):
    stage, text = replace(trained.recipe.stages[0], settings=SETTINGS | {"typed": 0.0}), trained.tokenizer
    for seed in range(3):
        batch = trained.batch(stage, seed, np.random.default_rng(seed))
        for language, (ids, rows) in batch["captions"].items():
            assert len(ids) == len(rows) == len(set(rows.tolist())) and 0 < len(rows) <= 8
            for one, row in zip(ids, rows.tolist(), strict=True):
                known = [text.encode([told], 16)[0].tolist() for told in trained.captions[row][language]]
                assert [n for n in one.tolist() if n] in [[n for n in ids if n] for ids in known]
        assert batch["staying"].shape[0] == 7 and batch["taught"].shape == (7, DIM)
        names = trained.cycles["names"]
        first = [*names.take(seed * 3, 3), *(trained.cycles["sentences"].take(seed * 4, 4) + names.n)]
        np.testing.assert_array_equal(batch["taught"].numpy(), trained.taught[first])
        assert batch["weights"] == {"photos": 1.0, "distil": 4.0}


def test_the_share_of_texts_that_are_typed_is_the_recipes():
    rng = np.random.default_rng(0)
    found = [slipped("ein grüner Schmetterling", "de", 0.25, rng) for _ in range(800)]
    changed = sum(text != "ein grüner Schmetterling" for text in found) / 800
    assert 0.2 < changed < 0.3 and {"ein gruener Schmetterling", "ein gruner Schmetterling"} <= set(found)
    assert all(slipped("a car", "en", 0.0, rng) == "a car" for _ in range(9))
    assert not {"capitals", "punctuated"} & set(LEARNT)  # which the tokenizer passes over


def test_the_losses_are_those_of_each_text_alone():
    torch.manual_seed(0)
    tower = TextTower(30, 5, 8, 1, 2, 9, 0.0).eval()
    model = Typed(tower, torch.nn.functional.normalize(torch.randn(6, 5), dim=1))
    captions = {
        "en": (torch.randint(1, 30, (3, 4)), torch.tensor([4, 0, 2])),
        "de": (torch.randint(1, 30, (2, 7)), torch.tensor([1, 5])),
    }
    staying, taught = torch.randint(1, 30, (4, 5)), torch.nn.functional.normalize(torch.randn(4, 5), dim=1)
    with torch.no_grad():
        told = model(captions, staying, taught, {"photos": 2.0, "distil": 3.0})
        scale, by_language = float(torch.tensor(3.0).exp()), []
        for ids, rows in captions.values():
            odds = scale * np.array([[float(tower(one[None])[0] @ model.photos[row]) for row in rows] for one in ids])
            ways = [-np.log(np.exp(o[n]) / np.exp(o).sum()) for both in (odds, odds.T) for n, o in enumerate(both)]
            by_language.append(np.mean(ways))
        distil = np.mean([1 - float(tower(one[None])[0] @ to) for one, to in zip(staying, taught, strict=True)])
    assert float(told["photos"]) == pytest.approx(np.mean(by_language), abs=1e-4)
    assert float(told["distil"]) == pytest.approx(distil, abs=1e-5)
    assert float(told["loss"]) == pytest.approx(2 * np.mean(by_language) + 3 * distil, abs=1e-4)


def test_names_and_descriptions_are_in_both_languages_and_always_the_same():
    named = {(item.content, item.language) for item in typed.named({"class:okapi"})}
    assert {("an okapi", "en"), ("a car", "en"), ("ein Auto", "de"), ("ein Bild von einem Hund", "de")} <= named
    described = typed.described(40)
    assert len(described) == 40 == len({item.id for item in described})
    assert {item.language for item in described} == {"en", "de"} and described == typed.described(40)
    assert described[:10] == typed.described(10)
    items = [Item(str(n), TEXT, "words" if n % 2 else "123", language="en") for n in range(20)]
    some = typed.some(items, 5)
    assert len(some) == 5 and some == typed.some(items[::-1], 5) and all(item.content == "words" for item in some)


def test_the_tokenizer_passes_over_case_and_marks_and_keeps_the_ids(published_tri, trained):
    old = Tokenizer(published_tri / "checkpoints/tri/tokenizer.json")
    new = trained.tokenizer
    for text in ("a red cup", "ein hund im schnee"):
        assert new.encode([text], 16).tolist() == old.encode([text], 16).tolist()
        for styled in (text.upper(), f"„{text}“!!!", f"  {text} ...", f"-- {text} --", f"({text})?"):
            assert new.encode([styled], 16).tolist() == new.encode([text], 16).tolist(), styled
    assert normalizer().normalize_str("T-Shirt’s  - 'ROCK' ä…") == "t-shirt’s rock ä"


@pytest.mark.parametrize(
    ("typed_text", "normal"),
    [
        ("a  RED\tcar!!!", "a red car"), ("„Käfer“ (grün)", "käfer grün"), ("rock'n'roll", "rock'n'roll"),
        ("- well-known -", "well-known"), ("dogs' ball", "dogs ball"), ("ＲＥＤ", "red"), ("5 € & more", "5 more"),
        ("...", ""), ("🚗 car", "car"), ("Straße", "straße"), ("नमस्ते", "नमस्ते"),
    ],
)  # fmt: skip
def test_letters_are_normalised_before_they_are_cut_into_subwords(typed_text, normal):
    assert normalizer().normalize_str(typed_text) == normal


def test_weights_that_lie_between_are_a_share_of_the_way():
    torch.manual_seed(0)
    layer, other = torch.nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3)
    torch.nn.init.normal_(other.weight)
    begun, ended = layer.weight.detach().clone(), other.state_dict()
    ended["num_batches_tracked"] = torch.tensor(7)
    further.interpolate(layer, ended, 0.25)
    torch.testing.assert_close(layer.weight.detach(), 0.75 * begun + 0.25 * ended["weight"])
    assert int(layer.num_batches_tracked) == 0


def test_what_was_encoded_is_kept_by_the_texts_themselves(published_tri):
    system = checkpoint.load("tri", published_tri / "checkpoints")
    cache = published_tri / "cache"
    one, other = (Item("same id", TEXT, text, language="en") for text in ("a red cup", "a dog"))
    found = [further.encoded(system, [item], cache) for item in (one, other)]
    assert not np.allclose(*found) and len(list(cache.iterdir())) == 2
    next(cache.iterdir()).unlink()
    for item, before in zip((one, other), found, strict=True):
        np.testing.assert_array_equal(further.encoded(system, [item], cache), before)


def test_a_text_towers_graph_gives_back_its_weights(tmp_path):
    torch.manual_seed(0)
    tower, again = (TextTower(40, 5, 8, 2, 2, 9, 0.0).eval() for _ in range(2))
    with torch.no_grad():
        for value in tower.parameters():
            value.normal_(std=0.3)
    ids = np.random.default_rng(0).integers(1, 40, (2, 5))
    export(tower, {"ids": ids}, tmp_path / "text.onnx")
    load_onnx_weights(again, tmp_path / "text.onnx")
    with torch.inference_mode():
        torch.testing.assert_close(again(torch.from_numpy(ids)), tower(torch.from_numpy(ids)))


def test_the_shipped_text_tower_loads_back_to_what_ships():
    tower = typed.tower().eval()
    load_onnx_weights(tower, checkpoint.ROOT / "tri" / "text.onnx")
    encoder = Encoder.from_config(checkpoint.ROOT / "tri", TEXT, checkpoint.describe("tri")["encoders"]["text"])
    ids = encoder.prepare(["a red car", "ein Hund im Schnee, der läuft"])
    with torch.inference_mode():
        np.testing.assert_allclose(tower(torch.from_numpy(ids)).numpy(), encoder.run(ids), atol=1e-4)


def test_publishing_changes_the_text_graph_its_tokenizer_and_its_words_alone(published_tri, trained):
    folder = add_composer(published_tri / "checkpoints/tri")
    config = json.loads((folder / "config.json").read_text())
    config["parity"]["composer"] = 4e-7
    config["completeness"] = [0.25] * (config["dim"] + 1)
    checkpoint.sign(folder, config)
    before = shutil.copytree(folder, published_tri / "before")
    publish("typed", published_tri / "runs", published_tri / "checkpoints", published_tri / "galleries")
    for name in ("photo.onnx", "sketch.onnx", "composer.onnx"):
        assert (folder / name).read_bytes() == (before / name).read_bytes()
    for name in ("text.onnx", "tokenizer.json"):
        assert (folder / name).read_bytes() != (before / name).read_bytes()
    run = published_tri / "runs/typed"
    for name in ("tokenizer.json", "words.json"):
        assert (folder / name).read_bytes() == (run / name).read_bytes()
    config, old = (json.loads((one / "config.json").read_text()) for one in (folder, before))
    assert config["encoders"]["text"] == old["encoders"]["text"] | {"words": "words.json"}
    for kept in ("photo", "sketch"):
        assert config["encoders"][kept] == old["encoders"][kept] and config["parity"][kept] == old["parity"][kept]
    assert config["composer"] == old["composer"] and config["parity"]["composer"] == 4e-7
    assert config["parity"]["text"] != old["parity"]["text"]
    assert config["completeness"] == old["completeness"]
    for asked in ("sketch_to_photo", "photo_to_photo"):  # between graphs that stay
        assert config["calibration"][asked] == old["calibration"][asked]
    for asked in ("text_to_photo", "photo_to_text", "mixed_to_photo"):
        assert config["calibration"][asked] != old["calibration"].get(asked)
    assert config["card"]["built"].count("trained further by") == 1 and config["card"]["command"].startswith(
        "fit typed --set "
    )
    history = json.loads((folder / "history.json").read_text())
    assert [entry["stage"] for entry in history] == ["words", "typed", "typed"]
    metrics = json.loads((folder / "metrics.json").read_text())["protocols"]
    assert {"flickr8k-test-en", "world-mixed"} <= metrics.keys()

    system = checkpoint.load("tri", published_tri / "checkpoints")
    reading = system.read("a bannana, no elefant")
    assert (reading.wanted, reading.unwanted) == ("a banana", ("elefant",))
    halfway = typed.tower().eval()
    load_onnx_weights(halfway, before / "text.onnx")
    ends = halfway.state_dict(), trained.model.text.state_dict()
    halfway.load_state_dict({name: (ends[0][name] + ends[1][name]) / 2 for name in ends[0]})
    texts = ["a red cup", "EIN HUND!"]
    with torch.inference_mode():
        vectors = halfway(torch.from_numpy(trained.tokenizer.encode(texts, 16))).numpy()
    np.testing.assert_allclose(system.encode(TEXT, texts), vectors, atol=0.03)  # but for the rounding to 8 bits

    publish("typed", published_tri / "runs", published_tri / "checkpoints", published_tri / "galleries")
    assert json.loads((folder / "history.json").read_text()) == history
    assert json.loads((folder / "config.json").read_text())["card"]["built"] == config["card"]["built"]
    np.testing.assert_allclose(
        checkpoint.load("tri", published_tri / "checkpoints").encode(TEXT, texts), vectors, atol=0.03
    )  # from what the run began with, not from what is published now
