"""Calibration: from scores to the probability of a match."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from xmr.calibration import (
    RIDGE,
    TOP,
    Answers,
    asks_for_several,
    completeness,
    curve,
    length,
    line,
    log_odds,
    naming_words,
    platt,
)


def test_platts_curve_is_the_one_that_made_the_matches():
    rng = np.random.default_rng(0)
    scores = rng.uniform(-1, 1, 60000)
    matches = rng.random(60000) < 1 / (1 + np.exp(-(6 * scores - 2)))
    (slope,), intercept = platt(scores[None], matches, np.ones(60000))
    assert slope == pytest.approx(6, rel=0.05) and intercept == pytest.approx(-2, rel=0.05)


def test_scores_that_a_threshold_separates_have_a_steep_but_finite_curve():
    scores = np.linspace(-1, 1, 200)
    (slope,), intercept = platt(scores[None], scores > 0.2, np.ones(200))
    assert 10 < slope < 1e4 and -intercept / slope == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(("match", "sign"), [(True, 1), (False, -1)])
def test_where_all_answers_match_or_none_does_the_curve_is_flat(match, sign):
    (slope,), intercept = platt(np.linspace(0, 1, 9)[None], np.full(9, match), np.ones(9))
    assert slope == 0 and intercept == pytest.approx(sign * np.log(10))


def test_where_better_scores_match_less_the_curve_is_flat_at_the_share_of_matches():
    scores = np.linspace(-1, 1, 200).reshape(10, 20)
    told = curve([Answers(scores, scores < -0.2)])
    share = (np.sort(scores, axis=1)[:, 1:] < -0.2).mean()  # of the first 19 of 20
    assert told["slope"] == 0 and 1 / (1 + np.exp(-told["intercept"])) == pytest.approx(share, abs=1e-4)
    long = np.arange(10.0)
    told = curve([Answers(scores, scores < -0.2, long)])
    assert told["slope"] == told["slope_per_length"] == 0 and told["per_length"] < 0


def test_the_curve_is_scikit_learns_with_the_same_ridge():
    rng = np.random.default_rng(1)
    rows, weights = rng.normal(size=(2, 4000)).astype(np.float32), rng.random(4000)
    matches = rng.random(4000) < 1 / (1 + np.exp(-(20 * rows[0] - 3 * rows[1] - 9)))
    fitted = LogisticRegression(C=1 / RIDGE, solver="newton-cholesky", tol=1e-10)
    fitted.fit(rows.T.astype(np.float64), matches, weights / weights.sum())
    slopes, intercept = platt(rows, matches, weights)
    assert [*slopes, intercept] == pytest.approx([*fitted.coef_[0], fitted.intercept_[0]], rel=1e-5)


def test_a_curve_is_fitted_to_the_first_answers_and_its_spread_to_all():
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(30, 90))
    relevant = rng.random((30, 90)) < 1 / (1 + np.exp(-(3 * scores - 4)))
    told = curve([Answers(scores, relevant)])
    rows = [np.argsort(-row)[:TOP] for row in scores]
    tops, right = (np.concatenate([row[at] for row, at in zip(m, rows, strict=True)]) for m in (scores, relevant))
    (slope,), intercept = platt(tops[None], right, np.ones(len(tops)))
    assert (told["slope"], told["intercept"]) == pytest.approx((slope, intercept), abs=1e-4)
    assert (told["mean"], told["std"]) == pytest.approx((scores.mean(), scores.std()), abs=1e-4)


def test_the_same_score_means_less_for_a_longer_text():
    """Two data sets, of names and of captions, whose matches follow one curve with the length in it."""
    rng = np.random.default_rng(3)
    found = []
    for words in (1, 12):
        scores = rng.uniform(0, 1, (2000, 12))
        odds = 12 * scores - 6 - 1.5 * (np.log(words) - np.log(12) / 2)
        right = rng.random(scores.shape) < 1 / (1 + np.exp(-odds))
        found.append(Answers(scores, right, np.full(2000, length(words))))
    told = curve(found)
    assert told["usual_length"] == pytest.approx(np.log(12) / 2, abs=1e-4)
    assert told["per_length"] == pytest.approx(-1.5, rel=0.15) and told["slope"] == pytest.approx(12, rel=0.15)
    name, usual, caption = log_odds(told, np.full(3, 0.6), np.array([0.0, np.nan, np.log(12)]))
    assert name > usual > caption and usual == pytest.approx(12 * 0.6 - 6, abs=0.4)
    assert "per_length" not in curve([replace(answers, lengths=None) for answers in found])


def test_a_score_says_less_of_a_drawing_that_has_only_begun():
    """Drawings of which each has a line of its own, by how finished it looks."""
    rng = np.random.default_rng(4)
    scores, looks = rng.uniform(0, 1, (5000, 12)), rng.random(5000)
    odds = (6 + 10 * looks[:, None]) * scores - 5 - 3 * looks[:, None]
    told = curve([Answers(scores, rng.random(scores.shape) < 1 / (1 + np.exp(-odds)), looks)])
    slopes, intercepts, more = line(told, np.array([0.0, 1.0]))
    assert slopes == pytest.approx([6, 16], rel=0.2) and intercepts == pytest.approx([-5, -8], rel=0.2)
    assert line(told)[0] == told["slope"] and not more.any()


def test_very_short_and_very_long_queries_may_both_match_better():
    rng = np.random.default_rng(6)
    scores, long = rng.uniform(0, 1, (5000, 12)), rng.uniform(-2, 2, 5000)
    odds = 8 * scores - 5 + 0.7 * long[:, None] ** 2
    told = curve([Answers(scores, rng.random(scores.shape) < 1 / (1 + np.exp(-odds)), long)])
    assert told["per_length_squared"] == pytest.approx(0.7, rel=0.15) and abs(told["per_length"]) < 0.15
    ends, middle = line(told, np.array([-2.0, 0.0]))[1]
    assert ends - middle == pytest.approx(2.8, rel=0.2)


def test_a_data_set_counts_by_its_share():
    rng = np.random.default_rng(7)
    scores = rng.uniform(0, 1, (3000, 12))
    often, rarely = (Answers(scores, rng.random(scores.shape) < share) for share in (0.9, 0.1))
    assert curve([often, rarely])["intercept"] == pytest.approx(0, abs=0.2)
    assert curve([often, replace(rarely, share=0.01)])["intercept"] == pytest.approx(np.log(9), abs=0.3)


def test_what_else_is_known_of_an_answer_says_more_or_less_by_the_length():
    rng = np.random.default_rng(5)
    scores, long, surest = rng.uniform(-3, 3, (5000, 12)), rng.uniform(-3, 3, 5000), rng.uniform(-3, 3, (5000, 12))
    odds = scores - 2 + 0.5 * long[:, None] + (1.0 + 0.4 * long[:, None]) * surest
    told = curve([Answers(scores, rng.random(scores.shape) < 1 / (1 + np.exp(-odds)), long, surest)])
    assert (told["slope"], told["surest"]) == pytest.approx((1, 1), rel=0.15)
    assert told["surest_per_length"] == pytest.approx(0.4, rel=0.15)
    found = log_odds(told, scores[:9], long[:9, None], surest[:9])
    np.testing.assert_allclose(found, odds[:9], atol=1)
    assert log_odds(told, 1.0) == pytest.approx(
        told["slope"] + told["intercept"]
    )  # a usual one of which no more is known


def test_a_text_that_asks_for_several_things_is_a_rarer_match():
    rng = np.random.default_rng(8)
    scores, several = rng.uniform(-3, 3, (8000, 12)), rng.random(8000) < 0.5
    odds = scores - 1 - 1.5 * several[:, None]
    told = curve([Answers(scores, rng.random(scores.shape) < 1 / (1 + np.exp(-odds)), several=several)])
    assert (told["slope"], told["intercept"], told["several"]) == pytest.approx((1, -1, -1.5), rel=0.1)
    assert line(told, several=np.array([True, False]))[1] == pytest.approx([-2.5, -1], rel=0.1)
    falling = curve([Answers(scores, rng.random(scores.shape) < 1 / (1 + np.exp(2 * scores)), several=several)])
    assert falling["slope"] == 0 and "several" in falling


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("Auto", False), ("ein rotes Auto", True), ("A photo of a car!", False), ("red", False), ("", False),
        ("!", False), ("on the beach", False), ("ein Bild von einem Hund im Schnee", True),
        (3, True), (2, False), (None, False),
    ],
)  # fmt: skip
def test_whether_a_text_asks_for_several_things(text, several):
    assert asks_for_several(text) is several


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("a hot air balloon", False), ("Hot-Air Balloon!", False), ("balloon, hot air", False), ("hot air", True),
        ("a teddy bear", False), ("a red teddy bear", True), ("a teddy bear in a hot air balloon", True),
        ("a bear", False), ("a car", False), (3, True),
    ],
)  # fmt: skip
def test_a_name_of_several_words_is_one_thing(text, several):
    names = [naming_words(name) for name in ("hot-air balloon", "air balloon", "a teddy bear")]
    assert asks_for_several(text, names) is several


def test_no_length_turns_a_better_score_into_a_worse_match():
    falling = {"slope": 4.0, "intercept": 0.0, "slope_per_length": -3.0, "usual_length": 1.0}
    assert line(falling, np.array([0.0, 1.0, 9.0]))[0].tolist() == [7, 4, 0]


def test_completeness_is_a_logistic_reading_of_the_vector_and_unknown_without_a_reader():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [-900.0, 0.0]], np.float32)
    read = completeness([2.0, -1.0, 0.5], vectors)
    assert read[:2] == pytest.approx([1 / (1 + np.exp(-2.5)), 1 / (1 + np.exp(0.5))]) and 0 < read[2] < 1e-20
    assert completeness([2.0, -1.0, 0.5], vectors[0]) == read[0]
    assert np.isnan(completeness(None, vectors)).tolist() == [True] * 3
