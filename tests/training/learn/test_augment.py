"""Augmentation: other drawings of the same things, and mixtures of two."""

import numpy as np
import torch
from PIL import Image

from training.learn.augment import augment_photo, augment_sketches, maybe_mixup, mixup


def test_varied_sketches_are_other_drawings_with_about_as_much_ink():
    torch.manual_seed(0)
    page = torch.full((64, 60, 60), 255, dtype=torch.uint8)
    page[:, 25:35, 20:40] = 0
    varied = augment_sketches(page, 48)
    assert varied.shape == (64, 48, 48) and varied.min() > -0.01 and varied.max() < 255.01
    ink = (255 - varied).sum((1, 2)) / 255 / (200 * 0.8**2)
    assert 0.5 < ink.median() < 1.1  # it may be smaller, and lose a piece
    assert len({one.numpy().tobytes() for one in varied}) == 64


def test_a_mixture_is_the_weighted_mean_of_two_sketches_of_the_batch():
    torch.manual_seed(0)
    sketches = torch.rand(4, 5, 5)
    mixture, other, share = mixup(sketches, 0.4)
    assert 0 < share < 1 and sorted(other.tolist()) == [0, 1, 2, 3]
    torch.testing.assert_close(mixture, share * sketches + (1 - share) * sketches[other])
    unmixed, rows, whole = maybe_mixup(sketches, 0.0)
    assert unmixed is sketches and rows.tolist() == [0, 1, 2, 3] and whole == 1.0


def test_an_augmented_photo_is_a_part_of_it_the_same_for_one_seed():
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8))
    one, again, other = (augment_photo(photo, np.random.default_rng(seed), flip=False) for seed in (1, 1, 2))
    assert 0.5 < one.width * one.height / (60 * 80) <= 1.0
    assert one.tobytes() == again.tobytes() != other.tobytes()
