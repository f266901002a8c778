"""The text systems: how their batches are drawn, and MiniLM, whose first layers they share."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch
import transformers
from safetensors.torch import save_file

from tests.test_data_captions import iapr_tree
from tests.test_datasets import write_world
from training import study
from training.captions import NEIGHBOURS, CaptionTask
from training.datasets import labels_of
from training.export import round_weights
from training.publish import _export
from training.recipes import Part, flickr30k_clip, iaprtc12_hashing, load
from training.towers import photo as photo_tower
from training.towers.sentence import SPECIAL, SentenceTower, pretrained, reordered, tree_of, write_tokenizer
from xmr.encoder import Encoder
from xmr.modality import Item, Modality
from xmr.preprocess import Tokenizer

YAML = Path(flickr30k_clip.__file__).with_suffix(".yaml")
TEXTS = ["A dog runs through the snow.", "Two children play football on the beach"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Tokenizer:
    return Tokenizer(write_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"))


@pytest.fixture(scope="module")
def tower() -> SentenceTower:
    torch.manual_seed(0)
    return SentenceTower(8, 4, 0.0).eval()


def test_the_tokenizer_gives_the_models_pieces_under_the_numbers_that_the_app_expects(tokenizer):
    whole = pretrained("shipped", "AutoTokenizer")
    rows = reordered(tree_of("shipped"))
    assert sorted(rows) == list(range(len(whole)))
    assert [whole.convert_ids_to_tokens(row) for row in rows[:4]] == list(SPECIAL)
    for text in TEXTS:
        assert [rows[id] for id in tokenizer.encode([text], 32)[0]] == whole(text)["input_ids"]
    assert tokenizer.encode(["snow", TEXTS[1]], 32)[0, -1] == 0
    assert tokenizer.known("zebra") and not tokenizer.known("🐶") and not tokenizer.known("...")


def test_the_sentence_tower_gives_the_vectors_of_the_whole_model(tower, tokenizer):
    whole, encode = pretrained("shipped", "AutoModel").eval(), pretrained("shipped", "AutoTokenizer")
    given = encode(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        mask = given["attention_mask"][..., None]
        wanted = (whole(**given).last_hidden_state * mask).sum(1) / mask.sum(1)
        ids, short = (torch.from_numpy(tokenizer.encode(texts, 32)) for texts in (TEXTS, TEXTS[:1]))
        found, alone = (tower.features(tower.trunk(x), x) for x in (ids, short))
    assert torch.cosine_similarity(found, wanted).min() > 0.999  # what rounding the trunk costs
    torch.testing.assert_close(alone, found[:1], atol=1e-4, rtol=1e-4)  # padding counts for nothing


def test_the_trunk_stays_as_it_is_stored(tower):
    held = [parameter.clone() for parameter in tower.trunk.parameters()]
    round_weights(tower.trunk)
    for before, after in zip(held, tower.trunk.parameters(), strict=True):
        assert not after.requires_grad
        torch.testing.assert_close(before, after, atol=1e-8, rtol=1e-6)


def test_a_trunk_in_one_file_and_the_rest_in_another_give_the_towers_vectors(tower, tokenizer, tmp_path):
    ids = tokenizer.encode(TEXTS, 32)
    write_tokenizer(tmp_path / "tokenizer.json")
    told = _export(Modality.TEXT, Part(tower, ids, {"max_tokens": 32}, "trunk"), tmp_path, tmp_path / "tiny")
    assert (tmp_path / "shared" / "trunk.json").read_bytes() == (tmp_path / "tokenizer.json").read_bytes()
    encoder = Encoder.from_config(tmp_path / "tiny", Modality.TEXT, told)
    with torch.inference_mode():
        wanted = tower(torch.from_numpy(ids)).numpy()
    np.testing.assert_allclose(encoder.encode(TEXTS), wanted, atol=1e-5)
    again = Encoder.from_config(tmp_path / "tiny", Modality.TEXT, told)
    assert again._open_trunk() is encoder._open_trunk()


def test_the_hashing_variant_of_the_rendered_world_reads_its_exact_labels(tmp_path, monkeypatch):
    monkeypatch.setenv("XMR_WORLD", str(tmp_path))
    write_world(tmp_path, "train", count=6)
    _, overrides = study.run_of("iaprtc12-hashing", tmp_path, "world")
    recipe = load(iaprtc12_hashing.Recipe, iaprtc12_hashing.YAML, [*overrides, "train=4"])
    found = iaprtc12_hashing.described(recipe, "train")
    photos = [item for item in found if item.modality is Modality.PHOTO]
    assert len(photos) == 4 and len(found) == 12  # each with a description in either language
    assert all(labels_of(item, "tag") <= {"tag:dog", "tag:car_(sedan)", "tag:street"} for item in found)


def task(hard: float) -> CaptionTask:
    """A CaptionTask over 200 photos of which n looks like n + 1, n + 2 and so on."""
    made = CaptionTask.__new__(CaptionTask)
    made.recipe = load(flickr30k_clip.Recipe, YAML, [f"hard={hard}", "batch=40"])

    class Photos:
        @staticmethod
        def take(start: int, count: int) -> np.ndarray:
            return np.arange(start, start + count)

    class Pool:
        cycles = {Modality.PHOTO: Photos}

    made.pool = Pool
    made.alike = (np.arange(200)[:, None] + np.arange(1, NEIGHBOURS + 1)) % 200
    return made


def test_no_photo_is_twice_in_a_batch():
    rows = task(0.5).rows(3, np.random.default_rng(0))
    assert len(set(rows.tolist())) == len(rows) <= 40


def test_hard_negatives_look_like_photos_of_the_same_batch():
    rows = task(0.5).rows(0, np.random.default_rng(0))
    assert set(range(20)) <= set(rows.tolist())
    assert all(any(0 < row - seed <= NEIGHBOURS for seed in range(20)) for row in rows if row >= 20)
    assert task(0.0).rows(0, np.random.default_rng(0)).tolist() == list(range(40))


@pytest.fixture
def hashing(monkeypatch) -> iaprtc12_hashing.Hashing:
    """The hashing model of 8 bits on tiny towers."""

    def backbone(cut: int, name: str = ""):
        pooled = torch.nn.Sequential(torch.nn.Conv2d(6, 6, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        return torch.nn.Conv2d(3, 6, 7, stride=5), pooled, 6

    monkeypatch.setattr(photo_tower, "backbone", backbone)
    recipe = load(iaprtc12_hashing.Recipe, Path(iaprtc12_hashing.__file__).with_suffix(".yaml"), ["bits=[4, 8]"])
    return iaprtc12_hashing.Hashing(recipe)


def test_a_study_asks_for_what_is_as_published_only_by_name(tmp_path, monkeypatch):
    trained = []

    def run(folder, cache, overrides):
        trained.append(folder.name)
        return SimpleNamespace(model=torch.nn.Linear(1, 1), vectors=None, modalities=(Modality.TEXT,),
                               recipe=SimpleNamespace(protocols=()))  # fmt: skip

    monkeypatch.setattr(flickr30k_clip, "run", run)
    study.study("flickr30k-clip", tmp_path / "runs", tmp_path)
    assert {name.rpartition("-")[0] for name in trained} == {"repaired", "larger", "seed"}
    trained.clear()
    study.study("flickr30k-clip", tmp_path / "runs", tmp_path, ["paper"])
    assert trained == ["paper-1", "paper-2", "paper-3"]


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """A folder that stands in for the hub: a tiny BERT, and ResNet-18 with random weights."""
    root = tmp_path / "hub"
    (root / "bert").mkdir(parents=True)
    words = [*SPECIAL, "[MASK]", "ein", "haus", "gross", "##es", *"0123456789"]
    (root / "bert" / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(root / "bert" / "vocab.txt")).save_pretrained(root / "bert")
    form = transformers.BertConfig(vocab_size=len(words), hidden_size=8, num_hidden_layers=4, num_attention_heads=2,
                                   intermediate_size=8, max_position_embeddings=96)  # fmt: skip
    transformers.BertModel(form).save_pretrained(root / "bert")
    save_file(timm.create_model("resnet18").state_dict(), root / "resnet18.safetensors")
    monkeypatch.setenv("XMR_WEIGHTS", str(root))
    return root


def test_hashing_as_published_trains_on_iapr_tc12_in_the_variants_one_language(tmp_path, monkeypatch, hub):
    iapr_tree(tmp_path / "iaprtc12", count=300)
    monkeypatch.setenv("XMR_DATA", str(tmp_path))
    folder, variant = study.run_of("iaprtc12-hashing", tmp_path / "runs", "paper-german")
    overrides = [*variant, f"sentences={hub / 'bert'}", "hidden=4", "bits=[4, 8]", "train=6", "batch=4",
                 "stages.0.steps=1", "stages.0.every=1"]  # fmt: skip
    task = iaprtc12_hashing.run(folder, tmp_path / "cache", overrides)
    assert task.model.text.width == 8 and task.model.photo.features == 512
    assert task.tags.shape[1] == 2  # its own labels, not what captions name
    found = iaprtc12_hashing.described(task.recipe, "train")
    assert {item.language for item in found} == {None, "de"} and len(found) == 12
    entry = study._measured(["iaprtc12-test"], task.modalities, task.vectors, task.recipe)["iaprtc12-test"]
    assert {"text_de_to_photo/tag/map", "photo_to_photo/tag/map"} <= entry["metrics"].keys()
    assert not any("text_en" in key for key in entry["metrics"])


def test_codes_are_signs_when_asked_and_numbers_in_training(hashing):
    features = torch.randn(5, 6)
    hashing.train()
    assert (hashing.photo.head(features).abs() < 1).all()
    hashing.eval()
    assert set(hashing.photo.head(features).unique().tolist()) <= {-1.0, 1.0}
    hashing.photo.head.signs = False
    assert (hashing.photo.head(features).abs() < 1).all()


def test_every_hashing_loss_is_of_what_shares_a_concept_and_moves_both_towers(hashing):
    torch.manual_seed(0)
    tags = torch.zeros(6, 3, dtype=torch.bool)
    tags[torch.arange(6), torch.arange(6) % 3] = True
    ids = torch.randint(2, 40, (6, 7))
    losses = hashing.train()({"input": torch.randn(6, 6), "tags": tags}, text_en={"ids": ids, "tags": tags},
                             text_de={"ids": ids.flip(0), "tags": tags.flip(0)})  # fmt: skip
    assert losses.keys() == {"photo_text", "text_text", "photo_photo", "quantise", "balance", "loss"}
    losses["loss"].backward()
    assert hashing.photo.head.net[0].weight.grad.any() and hashing.text.layers[-1].output.dense.weight.grad.any()


def test_an_item_is_no_answer_to_itself(hashing):
    codes = {"photo": torch.tensor([[1.0] * 8, [1.0] * 8, [-1.0] * 8])}
    tags = {"photo": torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])}
    assert hashing.pair(codes, tags, "photo", "photo").item() == 0.0  # the two alike are as near as can be
    codes["photo"] = torch.tensor([[1.0] * 8, [-1.0] * 8, [1.0] * 8])
    wanted = 2.0 - 0.0 + hashing.recipe.margin  # 0 -> 1 is as far as can be, and 2, the wrong one, is where 0 is
    other = 2.0 - 2.0 + hashing.recipe.margin  # 1 -> 0, and 2, the wrong one, as far
    assert hashing.pair(codes, tags, "photo", "photo").item() == pytest.approx((wanted + other) / 2, abs=1e-5)


def test_a_code_of_fewer_bits_is_the_beginning_of_a_longer_one(hashing):
    task = iaprtc12_hashing.Task.__new__(iaprtc12_hashing.Task)
    task.recipe = hashing.recipe
    asked = []

    def soft(items):
        asked.extend(items)
        return np.array([np.linspace(-1, 1, 8) * (n + 1) / 9 for n, _ in enumerate(items)], np.float32)

    task.soft = soft
    items = [Item(str(n), Modality.PHOTO, "", frozenset()) for n in range(3)]
    views = task.views
    assert list(views) == [" 4 bits", " 8 bits", " 4 numbers", " 8 numbers"]
    long, short = views[" 8 bits"](items), views[" 4 bits"](items)
    assert set(long.ravel()) == {-1.0, 1.0} and (long[:, :4] == short).all()
    numbers = views[" 4 numbers"](items)
    np.testing.assert_allclose(np.linalg.norm(numbers, axis=1), 1, rtol=1e-5)
    assert (np.sign(numbers) == short).all() and len(asked) == 3  # each item was computed once


def test_word_pieces_are_hidden_in_training_only():
    recipe = load(flickr30k_clip.Recipe, YAML, ["dim=8", "unread=0.9"])
    clip = flickr30k_clip.Clip.__new__(flickr30k_clip.Clip)
    torch.nn.Module.__init__(clip)
    clip.recipe, clip.log_scale = recipe, torch.nn.Parameter(torch.tensor(1.0))
    clip.text = torch.nn.EmbeddingBag(60, 8)
    ids = torch.randint(4, 60, (6, 5))
    clip.eval()
    assert (clip.read(ids) == clip.text(ids)).all()
    clip.train()
    torch.manual_seed(0)
    assert not (clip.read(ids) == clip.text(ids)).all()


def test_a_study_has_an_entry_for_each_view_of_a_variant(tmp_path, monkeypatch):
    views = {" 4 bits": "codes", " 4 numbers": "floats"}
    task = SimpleNamespace(model=torch.nn.Linear(1, 1), views=views, modalities=(Modality.PHOTO, Modality.TEXT),
                           recipe=SimpleNamespace(protocols=("p",)))  # fmt: skip
    monkeypatch.setattr(iaprtc12_hashing, "run", lambda folder, cache, overrides: task)
    entry = {"about": "x", "queries": 1, "gallery": 1, "dropped": 0, "spread": {}, "chance": {}, "curves": {}}
    scores = {"codes": 0.5, "floats": 0.6}
    measured = lambda name, modalities, vectors, languages: entry | {"metrics": {"map": scores[vectors]}}  # noqa: E731
    monkeypatch.setattr(study, "on_test", measured)
    report = study.study("iaprtc12-hashing", tmp_path / "runs", tmp_path, ["nested"])
    found = {name: protocols["p"]["metrics"]["map"] for name, protocols in report["variants"].items()}
    assert found == {"nested 4 bits": 0.5, "nested 4 numbers": 0.6} and report["raw"] == {}
    assert json.loads((tmp_path / "iaprtc12-hashing" / "study.json").read_text()) == json.loads(json.dumps(report))
    scores["codes"], path = 0.7, tmp_path / "iaprtc12-hashing" / "study.json"
    before = {"world 4 bits": {"p": entry}, "forgotten": {"p": entry}}  # the latter is no variant any more
    path.write_text(json.dumps(report | {"variants": before | report["variants"]}))
    again = study.study("iaprtc12-hashing", tmp_path / "runs", tmp_path, ["nested"])["variants"]
    assert again["nested 4 bits"]["p"]["metrics"]["map"] == 0.7 and again["world 4 bits"] == {"p": entry}
    assert list(again) == ["nested 4 bits", "nested 4 numbers", "world 4 bits"]  # as the recipe lists them
