"""Calibration: from scores to the probability of a match."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from xmr.calibration import RIDGE, TOP, curve, platt


def test_platts_curve_is_the_one_that_made_the_matches():
    rng = np.random.default_rng(0)
    scores = rng.uniform(-1, 1, 60000)
    matches = rng.random(60000) < 1 / (1 + np.exp(-(6 * scores - 2)))
    slope, intercept = platt(scores, matches, np.ones(60000))
    assert slope == pytest.approx(6, rel=0.05) and intercept == pytest.approx(-2, rel=0.05)


def test_scores_that_a_threshold_separates_have_a_steep_but_finite_curve():
    scores = np.linspace(-1, 1, 200)
    slope, intercept = platt(scores, scores > 0.2, np.ones(200))
    assert 10 < slope < 1e4 and -intercept / slope == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(("match", "sign"), [(True, 1), (False, -1)])
def test_where_all_answers_match_or_none_does_the_curve_is_flat(match, sign):
    slope, intercept = platt(np.linspace(0, 1, 9), np.full(9, match), np.ones(9))
    assert slope == 0 and intercept == pytest.approx(sign * np.log(10))


def test_where_better_scores_match_less_the_curve_is_flat_at_the_share_of_matches():
    scores = np.linspace(-1, 1, 200)
    slope, intercept = platt(scores, scores < -0.2, np.ones(200))
    assert slope == 0 and 1 / (1 + np.exp(-intercept)) == pytest.approx((scores < -0.2).mean())


def test_the_curve_is_scikit_learns_with_the_same_ridge():
    rng = np.random.default_rng(1)
    scores, weights = rng.normal(size=4000).astype(np.float32), rng.random(4000)
    matches = rng.random(4000) < 1 / (1 + np.exp(-(20 * scores - 9)))
    fitted = LogisticRegression(C=1 / RIDGE, solver="newton-cholesky", tol=1e-10)
    fitted.fit(scores[:, None].astype(np.float64), matches, weights / weights.sum())
    assert platt(scores, matches, weights) == pytest.approx((fitted.coef_[0, 0], fitted.intercept_[0]), rel=1e-5)


def test_a_curve_is_fitted_to_the_first_answers_and_its_spread_to_all():
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(30, 90))
    relevant = rng.random((30, 90)) < 1 / (1 + np.exp(-(3 * scores - 4)))
    told = curve([(scores, relevant)])
    rows = [np.argsort(-row)[:TOP] for row in scores]
    tops, right = (np.concatenate([row[at] for row, at in zip(m, rows, strict=True)]) for m in (scores, relevant))
    assert (told["slope"], told["intercept"]) == pytest.approx(platt(tops, right, np.ones(len(tops))), abs=1e-4)
    assert (told["mean"], told["std"]) == pytest.approx((scores.mean(), scores.std()), abs=1e-4)
