"""The losses against slow, obvious loops."""

import math

import numpy as np
import pytest
import torch

from training.learn.losses import (
    contrastive,
    distillation,
    imbalance,
    quantisation,
    ramp,
    reversed_gradient,
    same,
    triplet,
)


def _unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def _loop(a, b, positive, scale, ignore) -> float:
    """One direction of the loss, by the formula, with nothing but scalars."""
    rows = []
    for i in range(len(a)):
        total = sum(positive[i])
        if total == 0:
            continue
        kept = [j for j in range(len(b)) if positive[i][j] or not ignore[i][j]]
        scores = {j: scale * sum(x * y for x, y in zip(a[i], b[j], strict=True)) for j in kept}
        log_sum = math.log(sum(math.exp(s) for s in scores.values()))
        rows.append(-sum(positive[i][j] / total * (scores[j] - log_sum) for j in kept))
    return sum(rows) / len(rows)


def test_contrastive_is_the_mean_over_rows_and_columns_with_positives():
    a, b = _unit(5, 4), _unit(6, 4, seed=1)
    positive = torch.zeros(5, 6)
    for i, j, w in [(0, 0, 1.0), (0, 3, 0.5), (1, 1, 0.2), (2, 3, 1.0), (4, 5, 1.0)]:  # row 3, columns 2, 4: none
        positive[i, j] = w
    ignore = torch.zeros(5, 6, dtype=torch.bool)
    ignore[0, 1] = ignore[0, 0] = ignore[4, 2] = True  # what is ignored and positive stays positive
    flip = [list(column) for column in zip(*positive.tolist(), strict=True)]
    wanted = (
        _loop(a.tolist(), b.tolist(), positive.tolist(), 7.0, ignore.tolist())
        + _loop(b.tolist(), a.tolist(), flip, 7.0, ignore.T.tolist())
    ) / 2
    assert contrastive(a, b, positive, 7.0, ignore).item() == pytest.approx(wanted, rel=1e-5)


def test_contrastive_with_one_positive_each_is_clips_loss():
    a, b = _unit(6, 8), _unit(6, 8, seed=1)
    logits, target = 10 * a @ b.T, torch.arange(6)
    both = [torch.nn.functional.cross_entropy(way, target) for way in (logits, logits.T)]
    torch.testing.assert_close(contrastive(a, b, torch.eye(6), 10.0), sum(both) / 2)


def test_contrastive_without_any_positive_is_zero_and_has_a_gradient():
    a = _unit(3, 4).requires_grad_()
    loss = contrastive(a, _unit(2, 4), torch.zeros(3, 2), 5.0)
    loss.backward()
    assert loss.item() == 0 and torch.isfinite(a.grad).all()


def test_distillation_is_zero_for_the_same_direction_and_one_for_a_right_angle():
    teacher = torch.eye(3)[:2]
    assert distillation(5 * teacher, teacher).item() == pytest.approx(0)
    assert distillation(torch.eye(3)[[2, 2]], teacher).item() == pytest.approx(1)


def test_unknown_labels_match_nothing():
    assert same(torch.tensor([-1, 2]), torch.tensor([-1, 2])).tolist() == [[False, False], [False, True]]


def test_the_triplet_loss_is_that_of_every_positive_against_the_nearest_wrong_one_beyond_it():
    a, b = _unit(4, 3), _unit(6, 3, seed=1)
    # Sharing a tag is not transitive: the second item of either side matches what the first doesn't.
    tags = [{"a"}, {"a", "b"}, {"c"}, set()], [{"a"}, {"b"}, {"b", "c"}, {"d"}, set(), {"a"}]
    positive = torch.tensor([[bool(x & y) for y in tags[1]] for x in tags[0]])
    ignore = torch.zeros(4, 6, dtype=torch.bool)
    ignore[0, 0] = ignore[1, 3] = True
    terms = []
    for i in range(4):
        far = {j: math.dist(a[i].tolist(), b[j].tolist()) for j in range(6) if not ignore[i, j]}
        wrong = [d for j, d in far.items() if not tags[0][i] & tags[1][j]]
        for j, d in far.items():
            if tags[0][i] & tags[1][j]:
                beyond = [w for w in wrong if w > d]
                terms.append(max(0.0, d - (min(beyond) if beyond else max(wrong)) + 0.4))
    assert triplet(a, b, positive, 0.4, ignore).item() == pytest.approx(sum(terms) / len(terms), abs=1e-5)


def test_random_negatives_are_drawn_evenly_from_all_that_do_not_match():
    a, b = _unit(1, 3), _unit(4, 3, seed=1)
    positive = torch.tensor([[True, False, False, False]])
    distance = [math.dist(a[0].tolist(), one.tolist()) for one in b]
    possible = [max(0.0, distance[0] - distance[j] + 2.0) for j in (1, 2, 3)]
    torch.manual_seed(0)
    found = np.array([triplet(a, b, positive, 2.0, negatives="random").item() for _ in range(300)])
    counts = [np.isclose(found, one, atol=1e-5).sum() for one in possible]
    assert sum(counts) == 300 and min(counts) > 70
    every = torch.ones(2, 2, dtype=torch.bool)
    assert triplet(_unit(2, 3), _unit(2, 3, seed=1), every, 0.4, negatives="random").item() == 0.0


def test_the_triplet_loss_is_nothing_without_a_wrong_item_and_can_still_be_learned_from():
    a, b = _unit(2, 3).requires_grad_(), _unit(2, 3, seed=1)
    loss = triplet(a, b, torch.ones(2, 2, dtype=torch.bool), 0.4)
    loss.backward()
    assert loss.item() == 0.0 and not a.grad.any()


def test_reversing_changes_nothing_on_the_way_there_and_multiplies_by_minus_the_strength_on_the_way_back():
    x = torch.randn(3, 2, requires_grad=True)
    y = reversed_gradient(x, 0.3)
    torch.testing.assert_close(y, x)
    (gradient,) = torch.autograd.grad((y * torch.arange(6).view(3, 2)).sum(), x)
    torch.testing.assert_close(gradient, -0.3 * torch.arange(6).view(3, 2).float())


def test_the_reversal_waits_for_its_epoch_and_rises_to_one():
    assert [ramp(epoch, 5, 20) for epoch in (0, 5, 10, 15, 25, 99)] == [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]


def test_codes_at_their_signs_cost_nothing_and_bits_that_are_always_on_cost_most():
    halves = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    assert quantisation(halves).item() == imbalance(halves).item() == 0.0
    assert imbalance(torch.ones(4, 3)).item() == 1.0
    assert quantisation(torch.tensor([[0.5, -0.5]])).item() == pytest.approx(0.25)
