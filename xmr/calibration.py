"""Calibration: from a score to the probability of a match, by a logistic curve for each kind of query (Platt 1999)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RIDGE = 1e-5
TOP = 20  # of each query's answers, to which the curve is fitted
_STEPS = 100  # of Newton's method; ten are usual


def curve(found: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """The entry of config.json's "calibration" for one kind of query.

    Args:
        found: for each data set the scores and the relevance of all answers, (Q, G) both. Every data set has the same
            weight.

    Returns:
        "mean" and "std" of the scores of all pairs; "slope" and "intercept" of the logistic curve from a score to the
        probability of a match, fitted to the first 20 answers of every query, which is what a person sees.
    """
    tops, matches, weights = [], [], []
    for scores, relevant in found:
        count = max(1, min(TOP, scores.shape[1] - 1))  # the last may be the query itself
        top = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        tops.append(np.take_along_axis(scores, top, axis=1).ravel())
        matches.append(np.take_along_axis(relevant, top, axis=1).ravel())
        weights.append(np.full(tops[-1].size, 1 / tops[-1].size))
    slope, intercept = platt(np.concatenate(tops), np.concatenate(matches), np.concatenate(weights))
    mean = float(np.mean([scores.mean() for scores, _ in found]))
    std = float(np.mean([scores.std() for scores, _ in found]))
    return {
        key: round(value, 5)
        for key, value in {"mean": mean, "std": std, "slope": slope, "intercept": intercept}.items()
    }


def platt(scores: np.ndarray, matches: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the logistic curve of greatest weighted likelihood; scores, matches, weights: (N,) each.

    A little ridge keeps the slope finite where a threshold separates the matches. Without both matches and misses the
    curve is flat, at their share with one of each added; where a better score would make a match less likely, it is
    flat at the share of matches.
    """
    if matches.all() or not matches.any():
        return 0.0, float(np.log((matches.sum() + 1) / ((~matches).sum() + 1)))
    weights, right = weights / weights.sum(), matches.astype(np.float64)
    rows = np.stack([scores.astype(np.float64), np.ones(len(scores))])  # (2, N)
    ridge = np.array([RIDGE, 0.0])

    def loss(at: np.ndarray) -> float:
        odds = at @ rows
        return float(weights @ (np.logaddexp(0, odds) - right * odds) + ridge @ at**2 / 2)

    at = np.array([0.0, np.log((weights @ right) / (weights @ (1 - right)))])
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-np.clip(at @ rows, -500, 500)))
        slope = rows @ (weights * (likely - right)) + ridge * at
        bend = (rows * (weights * likely * (1 - likely))) @ rows.T + np.diag(ridge)
        step = np.linalg.solve(bend + 1e-12 * np.eye(2), slope)
        while loss(at - step) > loss(at) and np.abs(step).max() > 1e-12:  # too far, where the curve is steep
            step /= 2
        at = at - step
        if np.abs(step).max() < 1e-9 * (1 + np.abs(at).max()):
            break
    if at[0] < 0:
        share = float(weights @ right)
        return 0.0, float(np.log(share / (1 - share)))
    return float(at[0]), float(at[1])
