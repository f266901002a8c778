"""Publishing: shared trunks in one file, graphs that give the towers' vectors, and what a run becomes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.settings import gan
from training.__main__ import main
from training.release import audit, embedding_map
from training.release.publish import _export
from training.systems import PublishedTower, sketchy_gan
from training.towers.sentence import SentenceTower, write_tokenizer
from xmr.encoder import Encoder
from xmr.modality import Modality
from xmr.preprocess import Tokenizer

TEXTS = ["A dog runs through the snow.", "Two children play football on the beach"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Tokenizer:
    return Tokenizer(write_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"))


@pytest.fixture(scope="module")
def sentence_tower() -> SentenceTower:
    torch.manual_seed(0)
    return SentenceTower(8, 4, 0.0).eval()


def test_a_trunk_in_one_file_and_the_rest_in_another_give_the_towers_vectors(sentence_tower, tokenizer, tmp_path):
    ids = tokenizer.encode(TEXTS, 32)
    write_tokenizer(tmp_path / "tokenizer.json")
    told = _export(
        Modality.TEXT, PublishedTower(sentence_tower, ids, {"max_tokens": 32}, "trunk"), tmp_path, tmp_path / "tiny"
    )
    assert (tmp_path / "shared" / "trunk.json").read_bytes() == (tmp_path / "tokenizer.json").read_bytes()
    encoder = Encoder.from_config(tmp_path / "tiny", Modality.TEXT, told)
    with torch.inference_mode():
        wanted = sentence_tower(torch.from_numpy(ids)).numpy()
    np.testing.assert_allclose(encoder.encode(TEXTS), wanted, atol=1e-5)
    again = Encoder.from_config(tmp_path / "tiny", Modality.TEXT, told)
    assert again._open_trunk() is encoder._open_trunk()


def test_the_graph_takes_one_photo_at_a_time_with_proposals_and_all(tower, photos, tmp_path):
    pixels = np.stack([np.asarray(Image.open(item.content)) for item in photos])
    told = _export(Modality.PHOTO, PublishedTower(tower, pixels, {"size": 64, "batch": 1}), tmp_path, tmp_path / "tiny")
    encoder = Encoder.from_config(tmp_path / "tiny", Modality.PHOTO, told)
    with torch.inference_mode():
        wanted = tower(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(encoder.encode([item.content for item in photos]), wanted, atol=1e-4)


def test_systems_whose_photo_network_is_frozen_share_one_file_of_it(pictures, tiny, tmp_path):
    task = sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures))
    part = sketchy_gan.published(tmp_path / "run").towers[Modality.PHOTO]
    assert part.shared == "tiny"
    told = _export(Modality.PHOTO, part, tmp_path / "run", tmp_path / "checkpoints" / "one")
    written = tmp_path / "checkpoints" / "shared" / "tiny.onnx"
    assert (tmp_path / "checkpoints" / "one" / told["trunk"]).resolve() == written
    before = written.stat().st_mtime_ns
    assert _export(Modality.PHOTO, part, tmp_path / "run", tmp_path / "checkpoints" / "two") == told
    assert written.stat().st_mtime_ns == before
    encoder = Encoder.from_config(tmp_path / "checkpoints" / "two", Modality.PHOTO, told)
    photos = [item for item in task.val if item.modality is Modality.PHOTO][:4]
    np.testing.assert_allclose(encoder.encode([item.content for item in photos]), task.vectors(photos), atol=2e-3)
    trained = ["stages.0.rates={photo.upper.0: 1.0e-4, generator: 1.0e-3}"]
    sketchy_gan.run(tmp_path / "other", tmp_path / "cache", gan(pictures, *trained))
    assert not sketchy_gan.published(tmp_path / "other").towers[Modality.PHOTO].shared


def test_a_variant_of_the_rendered_world_is_published_beside_what_ships(
    tiny_data, tiny, tiny_bert, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(embedding_map, "write", lambda *_: None)  # scikit-learn's t-SNE crashes on codes that are equal
    stages = "stages=[{name: train, steps: 2, every: 2, settings: {}, rates: {photo.head: 1e-3, text.head: 1e-3}}]"
    brief = ["bits=[4, 8]", "hidden=6", "batch=8", "precision=32-true", "backbone=tiny"]
    settings = [*brief, f"text_backbone={tiny_bert}", stages]
    asked = ["iaprtc12-hashing", "--variant", "world"]
    assert main(["fit", *asked, *(part for one in settings for part in ("--set", one))]) == 0
    assert main(["publish", *asked]) == 0
    (folder,) = Path("checkpoints").glob("iaprtc12*")
    told = json.loads((folder / "config.json").read_text())["card"]["command"]
    assert folder.name == "iaprtc12-hashing-world"
    assert told.startswith("fit iaprtc12-hashing --set ") and told.endswith(" --variant world")
    trained = {finding.about.partition(": ")[2]: finding.outcome for finding in audit.check_hashes(folder)}
    assert trained["trained by its recipe"] == audit.PASSED
