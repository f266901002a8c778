"""Retrieval metrics: P@k, hit@k, recall@k, AP, rank of the first match, precision-recall curve, and chance levels.

Functions take `scores` (Q, G), higher is better, and `relevant` (Q, G) bool, and return one value per query; NaN if
nothing is relevant to it. Callers use nanmean and report how many queries dropped out. Ties keep gallery order.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def precision_at_k(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Precision at k: the share of relevant items among the first k (or all, if there are fewer): (Q,) float.

    >>> precision_at_k(np.array([[.9, .8, .1]]), np.array([[True, False, True]]), k=2)
    array([0.5])
    """
    return _per_query(_ranked(scores, relevant)[:, :k].mean(axis=1), relevant)


def hit_at_k(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """1 if any of the first k items is relevant, else 0: (Q,) float. Captioning papers call this "R@k".

    >>> hit_at_k(np.array([[.9, .8, .1]]), np.array([[False, True, True]]), k=2)
    array([1.])
    """
    return _per_query(np.logical_or.reduce(_ranked(scores, relevant)[:, :k], axis=1), relevant)


def recall_at_k(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Recall at k: the share of the relevant items that is among the first k: (Q,) float.

    >>> recall_at_k(np.array([[.9, .8, .1]]), np.array([[False, True, True]]), k=2)
    array([0.5])
    """
    found = _ranked(scores, relevant)[:, :k].sum(axis=1)
    return _per_query(found / np.maximum(relevant.sum(axis=1), 1), relevant)


def rsum(hits: Iterable[float]) -> float:
    """The sum, in percent, of the means of hit@1, hit@5 and hit@10 of captions that search photos and of photos that
    search captions: six figures in 0..1, so 600 at most. Captioning papers compare by it ("rsum").

    >>> rsum([0.4, 0.7, 0.8, 0.5, 0.8, 0.9])
    410.0
    """
    return round(100 * sum(hits), 2)


def average_precision(scores: np.ndarray, relevant: np.ndarray, k: int | None = None) -> np.ndarray:
    """Average precision of each query over the whole ranking (Manning et al. 2008, eq. 8.8), or over its first k.

    With a cut at k, the sum of precisions is divided by min(k, R), where R is the number of relevant items. Some papers
    divide by the number found among the first k instead, which rewards finding fewer.

    Args:
        scores:   (Q, G) float, higher is better; may be negative.
        relevant: (Q, G) bool.
        k:        length of the ranking that counts; None for all.

    Returns:
        (Q,) float; NaN where nothing is relevant. Its mean over queries is mAP.

    >>> average_precision(np.array([[-.1, -.5, -.2]]), np.array([[True, False, True]]))
    array([1.])
    """
    ranked = _ranked(scores, relevant)[:, :k]
    precision = ranked.cumsum(axis=1) / np.arange(1, ranked.shape[1] + 1)
    most = np.clip(relevant.sum(axis=1), 1, ranked.shape[1])
    return _per_query((precision * ranked).sum(axis=1) / most, relevant)


def first_rank(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """The rank of the first relevant item, from 1 on: (Q,) float. Its median over queries is the "median rank".

    >>> first_rank(np.array([[.9, .8, .1], [.9, .8, .1]]), np.array([[False, True, True], [False, False, False]]))
    array([ 2., nan])
    """
    return _per_query(_ranked(scores, relevant).argmax(axis=1) + 1, relevant)


def precision_recall_curve(scores: np.ndarray, relevant: np.ndarray, points: int = 11) -> np.ndarray:
    """Interpolated precision at `points` evenly spaced recalls from 0 to 1 (Manning et al. 2008, section 8.4).

    The interpolated precision at a recall is the highest precision at that recall or above.

    Returns:
        (Q, points) float.

    >>> precision_recall_curve(np.array([[.9, .8, .1]]), np.array([[True, False, True]]), points=3)[0].round(2)
    array([1.  , 1.  , 0.67])
    """
    ranked = _ranked(scores, relevant)
    found = ranked.cumsum(axis=1)
    precision = found / np.arange(1, ranked.shape[1] + 1)
    best_beyond = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    wanted = np.ceil(np.linspace(0, 1, points) * relevant.sum(axis=1)[:, None] - 1e-9)  # (Q, points) relevant items
    at = (found[:, None, :] < wanted[:, :, None]).sum(axis=2)  # (Q, points) first position with so many
    curve = np.take_along_axis(best_beyond, np.minimum(at, ranked.shape[1] - 1), axis=1)
    return np.where(np.logical_or.reduce(relevant, axis=1)[:, None], curve, np.nan)


def measure(name: str, scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """A metric by name, (Q,) float.

    Args:
        name:     such as "p@1", "hit@10", "recall@10", "map", "map@200" or "median_rank". The last three are named
            after their mean or median over queries. "any@10" is "hit@10" for classes: any of the first ten.
        scores:   (Q, G) float.
        relevant: (Q, G) bool.

    Raises:
        ValueError: there is no such metric.
    """
    match _parse(name):
        case "p", k:
            return precision_at_k(scores, relevant, k)
        case "hit" | "any", k:
            return hit_at_k(scores, relevant, k)
        case "recall", k:
            return recall_at_k(scores, relevant, k)
        case "map", k:
            return average_precision(scores, relevant, k or None)
        case _:
            return first_rank(scores, relevant)


def chance(name: str, relevant: np.ndarray) -> np.ndarray:
    """The expected value of a metric for a random ranking, in closed form: (Q,) float.

    With R of G items relevant: p@k R/G; recall@k k/G; hit@k 1 - C(G-R, k) / C(G, k); map@k R/G (H + (R-1)/(G-1) (k-H))
    / min(k, R) with H the k-th harmonic number, and map the same for k = G; median_rank (G+1) / (R+1), the mean of the
    first match's rank.

    >>> chance("hit@1", np.array([[True, False, False, False]]))
    array([0.25])
    """
    size = relevant.shape[1]
    matches = relevant.sum(axis=1).astype(np.float64)
    match _parse(name):
        case "p", _:
            value = matches / size
        case "recall", k:
            value = np.full(len(matches), min(k, size) / size)
        case "hit" | "any", k:
            drawn = np.arange(min(k, size))
            value = 1 - np.prod(np.maximum(size - matches[:, None] - drawn, 0) / (size - drawn), axis=1)
        case "map", k:
            places = min(k or size, size)
            harmonic = (1 / np.arange(1, places + 1)).sum()
            found = harmonic + (matches - 1) / max(size - 1, 1) * (places - harmonic)
            value = matches / size * found / np.clip(matches, 1, places)
        case _:
            value = (size + 1) / (matches + 1)
    return _per_query(value, relevant)


def auroc(inside: np.ndarray, outside: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve for telling `inside` (M,) from `outside` (N,) by a threshold, and its standard error.

    It is the probability that a value of `inside` is larger than a value of `outside`, where ties count half. The
    standard error is DeLong's (DeLong et al. 1988).

    >>> auroc(np.array([3., 4., 5.]), np.array([1., 2., 3.]))[0].round(3)
    np.float64(0.944)
    """
    of_inside, of_outside = _shares_below(inside, outside), 1 - _shares_below(outside, inside)
    error = np.sqrt(of_inside.var() / len(inside) + of_outside.var() / len(outside))
    return of_inside.mean(), error


def _shares_below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each of the values (M,), the share of the others (N,) that is smaller; ties count half."""
    ranked = np.sort(others)
    return (np.searchsorted(ranked, values, "left") + np.searchsorted(ranked, values, "right")) / (2 * len(ranked))


def reliability(stated: np.ndarray, right: np.ndarray, bins: int = 10) -> tuple[float, list[tuple[float, float, int]]]:
    """Expected calibration error (Naeini et al. 2015) over bins of equal width, and a reliability diagram.

    Args:
        stated: (N,) float, predicted probabilities.
        right:  (N,) bool, whether each prediction was right.
        bins:   number of bins.

    Returns:
        The expected calibration error, and for each non-empty bin (mean probability, share that is right, count).

    >>> reliability(np.array([.9, .9, .1, .1]), np.array([True, False, False, False]))
    (0.25, [(0.1, 0.0, 2), (0.9, 0.5, 2)])
    """
    which, found = np.clip((stated * bins).astype(int), 0, bins - 1), []
    for one in range(bins):
        inside = which == one
        if inside.any():
            found.append((float(stated[inside].mean()), float(right[inside].mean()), int(inside.sum())))
    return float(sum(count * abs(mean - share) for mean, share, count in found) / len(stated)), found


def _parse(name: str) -> tuple[str, int]:
    kind, _, k = name.partition("@")
    cut, whole = kind in ("p", "hit", "any", "recall", "map"), name in ("map", "median_rank")
    if whole or (cut and k.isdigit() and int(k) > 0):
        return kind, int(k or 0)
    raise ValueError(f"There is no metric {name!r}. Use p@K, hit@K, any@K, recall@K, map, map@K or median_rank.")


def _ranked(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """The relevance (Q, G) bool, sorted by score."""
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(relevant, order, axis=1)


def _per_query(values: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    return np.where(relevant.any(axis=1), values.astype(np.float64), np.nan)
