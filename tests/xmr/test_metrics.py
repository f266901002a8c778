"""Metrics against slow, obvious loops, closed forms and simulated chance."""

from __future__ import annotations

import numpy as np
import pytest

from xmr import metrics

NAMES = ["p@1", "p@5", "hit@1", "hit@3", "hit@100", "recall@3", "recall@100", "map", "map@2", "map@9", "median_rank"]


def a_ranking(seed: int, queries: int = 40, gallery: int = 23, share: float = 0.2, ties: bool = True):
    """Scores with ties and below zero, relevance with some queries that have none."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(queries, gallery)).round(1 if ties else 9)
    relevant = rng.random((queries, gallery)) < share
    relevant[0] = False
    return scores, relevant


def ranked_slowly(scores, relevant):
    """The relevance in ranked order, of one query."""
    order = sorted(range(len(scores)), key=lambda item: (-scores[item], item))
    return [bool(relevant[item]) for item in order]


def slowly(name: str, scores, relevant) -> float:
    """One query's metric, as its definition reads."""
    ranking = ranked_slowly(scores, relevant)
    if not any(ranking):
        return float("nan")
    kind, _, k = name.partition("@")
    first = ranking[: int(k or 0)]
    if kind == "p":
        return sum(first) / len(first)
    if kind == "hit":
        return float(any(first))
    if kind == "recall":
        return sum(first) / sum(ranking)
    if kind == "median_rank":
        return 1.0 + ranking.index(True)
    places = int(k or len(ranking))
    precisions = [sum(ranking[: at + 1]) / (at + 1) for at, good in enumerate(ranking[:places]) if good]
    return sum(precisions) / min(sum(ranking), places)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_metrics_equal_their_definitions(name, seed):
    scores, relevant = a_ranking(seed)
    wanted = [slowly(name, *row) for row in zip(scores, relevant, strict=True)]
    np.testing.assert_allclose(metrics.measure(name, scores, relevant), wanted)


def test_the_curve_equals_its_definition():
    scores, relevant = a_ranking(0)
    found = metrics.precision_recall_curve(scores, relevant, points=11)
    for row, good, curve in zip(scores, relevant, found, strict=True):
        ranking = ranked_slowly(row, good)
        if not any(ranking):
            assert np.isnan(curve).all()
            continue
        reached = [(sum(ranking[:n]) / sum(ranking), sum(ranking[:n]) / n) for n in range(1, len(ranking) + 1)]
        for recall, precision in zip(np.linspace(0, 1, 11), curve, strict=True):
            assert precision == pytest.approx(max(p for r, p in reached if r >= recall - 1e-9))


@pytest.mark.parametrize("name", NAMES)
def test_metrics_ignore_monotone_rescaling(name):
    scores, relevant = a_ranking(1, ties=False)
    same = metrics.measure(name, np.exp(3 * scores) - 100, relevant)
    np.testing.assert_array_equal(metrics.measure(name, scores, relevant), same)


def test_ties_keep_gallery_order():
    scores = np.zeros((1, 3))
    assert metrics.first_rank(scores, np.array([[False, True, True]])).tolist() == [2.0]


def test_a_query_without_a_match_is_nan_everywhere():
    scores, nothing = np.ones((2, 4)), np.zeros((2, 4), bool)
    for name in NAMES:
        assert np.isnan(metrics.measure(name, scores, nothing)).all()
        assert np.isnan(metrics.chance(name, nothing)).all()


@pytest.mark.parametrize("name", NAMES)
def test_chance_is_the_mean_over_random_rankings(name):
    rng = np.random.default_rng(0)
    relevant = np.zeros((1, 12), bool)
    relevant[0, :3] = True
    many = 20_000
    random = metrics.measure(name, rng.random((many, 12)), relevant.repeat(many, axis=0))
    assert metrics.chance(name, relevant)[0] == pytest.approx(random.mean(), abs=4 * random.std() / many**0.5 + 1e-9)


@pytest.mark.parametrize("name", ["p", "p@", "p@0", "p@x", "map@", "map@0", "ndcg@3"])
def test_an_unknown_metric_is_an_error_that_names_those_there_are(name):
    with pytest.raises(ValueError, match="hit@K"):
        metrics.measure(name, np.zeros((1, 1)), np.ones((1, 1), bool))


def test_auroc_is_the_share_of_pairs_in_order_and_its_error_that_of_resampling():
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(1, 1, 150).round(1), rng.normal(0, 1, 100).round(1)  # with ties
    value, error = metrics.auroc(inside, outside)
    assert value == pytest.approx(np.mean([[(a > b) + 0.5 * (a == b) for b in outside] for a in inside]))
    again = [metrics.auroc(rng.choice(inside, 150), rng.choice(outside, 100))[0] for _ in range(400)]
    assert error == pytest.approx(np.std(again), rel=0.2)


def test_reliability_is_exact_where_what_is_stated_comes_true():
    rng = np.random.default_rng(0)
    stated = rng.random(20_000)
    error, bins = metrics.reliability(stated, rng.random(20_000) < stated)
    assert error < 0.02 and [count for *_, count in bins] == np.histogram(stated, 10, (0, 1))[0].tolist()
    assert metrics.reliability(np.ones(4), np.zeros(4, bool)) == (1.0, [(1.0, 0.0, 4)])
