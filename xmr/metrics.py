"""How good a ranking is: P@k, hit@k, recall@k, AP, the rank of the first match, the precision-recall curve, and chance.

Every function takes `scores` (Q, G), higher is better, and `relevant` (Q, G) bool, and gives one value a query, NaN
where nothing is relevant: callers use nanmean and report how many queries dropped out. Ties keep gallery order.
"""

from __future__ import annotations

import numpy as np


def precision_at_k(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """The share of the first k that is relevant (of the whole gallery, if that is smaller than k): (Q,) float.

    >>> precision_at_k(np.array([[.9, .8, .1]]), np.array([[True, False, True]]), k=2)
    array([0.5])
    """
    return _per_query(_ranked(scores, relevant)[:, :k].mean(axis=1), relevant)


def hit_at_k(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """1 where any of the first k is relevant, else 0: (Q,) float. This is what captioning papers print as "R@k".

    >>> hit_at_k(np.array([[.9, .8, .1]]), np.array([[False, True, True]]), k=2)
    array([1.])
    """
    return _per_query(_ranked(scores, relevant)[:, :k].any(axis=1), relevant)


def recall_at_k(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """The share of the relevant that is among the first k: (Q,) float.

    >>> recall_at_k(np.array([[.9, .8, .1]]), np.array([[False, True, True]]), k=2)
    array([0.5])
    """
    found = _ranked(scores, relevant)[:, :k].sum(axis=1)
    return _per_query(found / np.maximum(relevant.sum(axis=1), 1), relevant)


def average_precision(scores: np.ndarray, relevant: np.ndarray, k: int | None = None) -> np.ndarray:
    """Average precision of each query over the whole ranking (Manning et al. 2008, eq. 8.8), or over its first k.

    Cut at k, the sum of precisions is divided by min(k, R), the most that k places can hold of the R relevant, and not
    by the number found there, as some papers do: that gives more to who finds less.

    Args:
        scores:   (Q, G) float, higher is better; may be negative.
        relevant: (Q, G) bool.
        k:        how many places of the ranking count; None: all.

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
    """The rank of the best relevant item, from 1: (Q,) float. Its median over queries is the "median rank".

    >>> first_rank(np.array([[.9, .8, .1], [.9, .8, .1]]), np.array([[False, True, True], [False, False, False]]))
    array([ 2., nan])
    """
    return _per_query(_ranked(scores, relevant).argmax(axis=1) + 1, relevant)


def precision_recall_curve(scores: np.ndarray, relevant: np.ndarray, points: int = 11) -> np.ndarray:
    """Interpolated precision at `points` evenly spaced recalls from 0 to 1 (Manning et al. 2008, section 8.4).

    The precision at a recall is the highest one at that recall or beyond. Returns (Q, points) float.

    >>> precision_recall_curve(np.array([[.9, .8, .1]]), np.array([[True, False, True]]), points=3)[0].round(2)
    array([1.  , 1.  , 0.67])
    """
    ranked = _ranked(scores, relevant)
    found = ranked.cumsum(axis=1)
    precision = found / np.arange(1, ranked.shape[1] + 1)
    best_beyond = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    wanted = np.ceil(np.linspace(0, 1, points) * relevant.sum(axis=1)[:, None] - 1e-9)  # (Q, points) items to find
    at = (found[:, None, :] < wanted[:, :, None]).sum(axis=2)  # (Q, points) first position with that many
    curve = np.take_along_axis(best_beyond, np.minimum(at, ranked.shape[1] - 1), axis=1)
    return np.where(relevant.any(axis=1)[:, None], curve, np.nan)


def measure(name: str, scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """The metric of that name, one value a query: "p@1", "hit@10", "recall@10", "map", "map@200" or "median_rank" (the
    last three name what the mean and the median over queries give)."""
    match _parse(name):
        case "p", k:
            return precision_at_k(scores, relevant, k)
        case "hit", k:
            return hit_at_k(scores, relevant, k)
        case "recall", k:
            return recall_at_k(scores, relevant, k)
        case "map", k:
            return average_precision(scores, relevant, k or None)
        case _:
            return first_rank(scores, relevant)


def chance(name: str, relevant: np.ndarray) -> np.ndarray:
    """What a random ranking is expected to reach in the metric of that name, in closed form: (Q,) float.

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
        case "hit", k:
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


def _parse(name: str) -> tuple[str, int]:
    kind, _, k = name.partition("@")
    cut, whole = kind in ("p", "hit", "recall", "map"), name in ("map", "median_rank")
    if whole or (cut and k.isdigit() and int(k) > 0):
        return kind, int(k or 0)
    raise ValueError(f"There is no metric {name!r}. Use p@K, hit@K, recall@K, map, map@K or median_rank.")


def _ranked(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """The relevance (Q, G) bool in the order of the ranking."""
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(relevant, order, axis=1)


def _per_query(values: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    return np.where(relevant.any(axis=1), values.astype(np.float64), np.nan)
