"""flickr30k-clip: how its batches are drawn, and a whole training."""

import json

import numpy as np
import pytest
import torch

from training.systems import caption_base, flickr30k_clip
from training.systems.caption_base import NEIGHBOURS
from xmr.modality import BadInput, Modality


@pytest.fixture
def train(tiny_data, tiny, tiny_bert, tmp_path):
    """A function that trains two steps with some settings."""

    def train(*overrides: str) -> flickr30k_clip.Task:
        return flickr30k_clip.run(
            tmp_path / "run",
            tmp_path / "cache",
            [
                f"text_backbone={tiny_bert}",
                "dim=6",
                "hidden=6",
                "batch=8",
                "precision=32-true",
                "stages.0.steps=2",
                "stages.0.every=2",
                *overrides,
            ],
        )

    return train


def test_a_training_publishes_the_towers_that_it_validated(train, tmp_path):
    task = train()
    made = flickr30k_clip.published(tmp_path / "run")
    assert "train/loss" in json.loads((tmp_path / "run" / "history.json").read_text())[-1]
    for modality, tower in made.towers.items():
        items = [item for item in task.val if item.modality is modality][:3]
        with torch.inference_mode():
            vectors = tower.tower.eval()(torch.from_numpy(tower.inputs[:3])).numpy()
        np.testing.assert_allclose(vectors, task.vectors(items), atol=2e-3)  # cached maps are halves


def test_the_loss_on_val_is_that_of_whole_batches_of_val_photos_and_stands_beside_that_of_training(train, tmp_path):
    task = train("batch=4")  # of six val photos: one batch
    entry = json.loads((tmp_path / "run" / "history.json").read_text())[-1]
    assert entry["val/loss"] == pytest.approx(task.val_loss(), abs=1e-4) == pytest.approx(task.val_loss(), abs=0)
    drawn = np.random.default_rng(0)
    rows = drawn.permutation(6)[:4]
    photos = task.val_pool.rows[Modality.PHOTO]
    shown = [photos.items[row] for row in rows]
    drawn.integers(photos.maps.variants, size=4)
    texts = [task.pool.vocabulary.texts[drawn.choice(task.val_pool.captions["en"][row])] for row in rows]
    captions = [next(i for i in task.val if i.content == text) for text in texts]
    scores = torch.from_numpy(task.vectors(shown) @ task.vectors(captions).T) * task.model.log_scale.exp().item()
    right = torch.arange(4)
    wanted = (torch.nn.functional.cross_entropy(scores, right) + torch.nn.functional.cross_entropy(scores.T, right)) / 2
    assert entry["val/loss"] == pytest.approx(wanted.item(), abs=1e-3)


def test_a_photo_is_no_neighbour_of_its_own_and_few_photos_have_all_others(train, monkeypatch):
    task = train()
    monkeypatch.setattr(caption_base, "NEIGHBOURS", 100)
    monkeypatch.setattr(caption_base, "BLOCK", 7)
    found = caption_base.nearest_neighbours(task.pool, task.model.photo.upper)
    rows = range(len(found))
    assert [set(near) for near in found.tolist()] == [set(rows) - {row} for row in rows]


def test_no_photo_is_twice_in_a_batch_and_hard_ones_are_neighbours_of_the_others(train, monkeypatch):
    monkeypatch.setattr(caption_base, "BLOCK", 7)
    task = train("hard_negative_share=0.5")
    photos = task.pool.rows[Modality.PHOTO]
    features = photos.maps.pooled(task.model.photo.upper)[:, 0].astype(float)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    for step in range(4):
        rows = task.rows(step, np.random.default_rng(step))
        assert len(set(rows.tolist())) == len(rows) <= 8
        drawn = task.pool.cycles[Modality.PHOTO].take(4 * step, 4)
        assert set(drawn.tolist()) <= set(rows.tolist())
        for hard in set(rows.tolist()) - set(drawn.tolist()):
            ranks = [np.argsort(-np.delete(features @ features[seed], seed), kind="stable") for seed in drawn]
            others = [
                np.delete(np.arange(len(features)), seed)[rank[:NEIGHBOURS]]
                for seed, rank in zip(drawn, ranks, strict=True)
            ]
            assert any(hard in near for near in others)


def test_without_unique_photos_they_are_drawn_with_replacement(train):
    rows = train("unique_photos=false", "hard_negative_share=0", "batch=60").rows(0, np.random.default_rng(0))
    assert len(rows) == 60 > len(set(rows.tolist()))


def test_tokens_are_masked_in_training_only(train):
    model = train("token_mask_prob=0.9").model
    ids = torch.randint(4, 30, (6, 5))
    with torch.no_grad():
        assert torch.equal(model.eval().read(ids), model.text(ids))
        model.train()
        model.text.eval()  # no dropout: only the mask makes a difference
        assert not torch.allclose(model.read(ids), model.text(ids), atol=1e-3)


def test_a_score_that_validation_does_not_measure_is_told_before_features_are_computed(train, tmp_path):
    with pytest.raises(BadInput, match="'flickr8k-test-en/text_to_photo/hit@2'.*; did you mean 'flickr8k-test-en"):
        train("score=[flickr8k-test-en/text_to_photo/hit@2]")
    assert not list((tmp_path / "cache").glob("*.f16"))
