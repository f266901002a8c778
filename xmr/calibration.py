"""Calibration: from a score to the probability of a match, by a logistic curve for each kind of query (Platt 1999)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RIDGE = 1e-5
TOP = 20  # of each query's answers, to which the curve is fitted
_NAME_NOTHING = """
a an the of in on at by with from and or to into is are was made some this that it its there photo picture image
ein eine einen einem einer eines der die das den dem des im in am an auf aus bei beim mit und oder von vom vor zu zum
zur ist sind es foto bild
"""
_FUNCTION_WORDS = frozenset(_NAME_NOTHING.split())
_STEPS = 100  # of Newton's method; ten are usual


def mixed(kinds: Collection[str]) -> str:
    """The name of the curve of queries of several terms of these modalities. One that has no curve of its own takes
    that of all mixed queries, mixed(()).

    >>> mixed(["text", "sketch", "text"]), mixed(())
    ('mixed_sketch_text_to_photo', 'mixed_to_photo')
    """
    return "_".join(["mixed", *sorted(set(kinds)), "to", "photo"])


def asks_for_several(text: str | int | None, names: Sequence[frozenset[str]] = ()) -> bool:
    """Whether a text names more than one thing or trait. Where only the number of its words is known, more than two are
    taken for that; where nothing is, it does not.

    names: the words of names that are of one thing all the same, as `naming_words` gives them, the longest first.

    >>> asks_for_several("a red car"), asks_for_several("a photo of a car"), asks_for_several(None)
    (True, False, False)
    >>> asks_for_several("a hot dog"), asks_for_several("a hot dog", [naming_words("hot dog")])
    (True, False)
    """
    if not isinstance(text, str):
        return text is not None and text > 2
    words, things = naming_words(text), 0
    for name in names:
        if name <= words:
            words, things = words - name, things + 1
    return len(words) + things > 1


def naming_words(text: str) -> frozenset[str]:
    """The words of a text that name something, in small letters."""
    return frozenset(_words(text.lower())) - _FUNCTION_WORDS


def length(text: str | int | None) -> float:
    """The length of a text, or of one of so many words, as curves take it: the logarithm of the number of its words;
    NaN if that is not known.

    The same score is a better match for a name of two words than for a caption of twelve, of which much may be missing.
    """
    words = len(_words(text)) if isinstance(text, str) else text
    return np.nan if words is None else float(np.log(max(words, 1)))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def completeness(reader: Sequence[float] | None, vectors: np.ndarray) -> np.ndarray:
    """The length of drawings, as curves take it: how finished they look, from 0 to 1; NaN without a reader.

    The same score is a worse match for half a doodle, which might become many things, than for a whole one. It is read
    from the vector, so that strokes, scans and vectors that somebody kept are all read alike.

    Args:
        reader: (dim + 1,) the weights of a logistic regression and its intercept, as System.completeness has them.
        vectors: (..., dim), the drawings'.

    Returns:
        (...) float64.
    """
    if reader is None:
        return np.full(vectors.shape[:-1], np.nan)
    return sigmoid(vectors.astype(np.float64) @ reader[:-1] + reader[-1])


def sigmoid(odds: np.ndarray) -> np.ndarray:
    """Probabilities (...) of log-odds (...); these are cut off at 50, where it makes no difference any more."""
    return 1 / (1 + np.exp(-np.clip(odds, -50, 50)))


def line(
    curve: Mapping[str, float], lengths: np.ndarray | float = np.nan, several: np.ndarray | bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The log-odds of a match, for queries of these lengths, as (...) each: the slope over the score, slope +
    slope_per_length * (length - usual_length), never below 0; the intercept, intercept + per_length * (the same) +
    per_length_squared * (its square), and several for a text that asks for several things: fewer answers have all of
    them; and the slope over what else is known of an answer, surest + surest_per_length * (the same), 0 in a curve
    without it.

    lengths: (...) float, as `length` and `completeness` give them; a query of unknown length counts as a usual one.
    several: (...) bool, as `asks_for_several` gives it.
    """
    longer = np.nan_to_num(np.asarray(lengths, np.float64) - curve.get("usual_length", 0.0))
    slopes = np.maximum(curve["slope"] + curve.get("slope_per_length", 0.0) * longer, 0)
    intercepts = curve["intercept"] + curve.get("per_length", 0.0) * longer
    intercepts = intercepts + curve.get("per_length_squared", 0.0) * longer**2 + curve.get("several", 0.0) * several
    return slopes, intercepts, curve.get("surest", 0.0) + curve.get("surest_per_length", 0.0) * longer


def log_odds(
    curve: Mapping[str, float],
    scores: np.ndarray,
    lengths: np.ndarray | float = np.nan,
    surest: np.ndarray | float = 0.0,
) -> np.ndarray:
    """The log-odds of a match by a calibrated curve, as `line` has it.

    scores, lengths, surest: (...) float, of one shape, or shapes that NumPy brings to one; the surest are what else is
    known of each answer, as compose.Ranking.evidence gives it.
    """
    slopes, intercepts, more = line(curve, lengths)
    return slopes * scores + intercepts + more * surest


@dataclass(frozen=True)
class Answers:
    """All answers to a data set's queries of one kind.

    Attributes:
        scores: (Q, G) float.
        relevant: (Q, G) bool, whether they match.
        lengths: (Q,) those of the queries, as `length` and `completeness` give them; None: they don't count.
        surest: with lengths, (Q, G) what else is known of the answers; None: it doesn't count.
        several: (Q,) bool, of texts, whether they ask for several things; None: it doesn't count.
        share: how much the data set weighs beside others.
    """

    scores: np.ndarray
    relevant: np.ndarray
    lengths: np.ndarray | None = None
    surest: np.ndarray | None = None
    several: np.ndarray | None = None
    share: float = 1.0


def curve(found: Sequence[Answers]) -> dict[str, float]:
    """The entry of config.json's "calibration" for one kind of query.

    Args:
        found: of each data set; all of them with lengths, or none, and so with the surest and with several.

    Returns:
        "mean" and "std" of the scores of all pairs; "slope" and "intercept" of the logistic curve from a score to the
        probability of a match, fitted to the first 20 answers of every query, which is what a person sees. It is flat
        where better scores match less. With lengths also "per_length", "per_length_squared", "slope_per_length" and
        "usual_length", and with the surest also "surest" and "surest_per_length", as `line` takes them, and
        with several "several".
    """
    tops: list[dict[str, np.ndarray]] = []
    matches, weights = [], []
    for answers in found:
        count = max(1, min(TOP, answers.scores.shape[1] - 1))  # the last may be the query itself
        top = np.argpartition(-answers.scores, count - 1, axis=1)[:, :count]
        known = {"scores": answers.scores, "surest": answers.surest}
        rows = {name: np.take_along_axis(of, top, axis=1).ravel() for name, of in known.items() if of is not None}
        of_query = {"lengths": answers.lengths, "several": answers.several}
        rows |= {name: np.repeat(of, count) for name, of in of_query.items() if of is not None}
        tops.append(rows)
        matches.append(np.take_along_axis(answers.relevant, top, axis=1).ravel())
        weights.append(np.full(top.size, answers.share / top.size))
    told: dict[str, float] = {}
    every = {name: np.concatenate([rows[name] for rows in tops]) for name in tops[0]}
    right, weight = np.concatenate(matches), np.concatenate(weights)
    features = {"slope": every["scores"]}
    if "lengths" in every:
        told["usual_length"] = float(np.average(every["lengths"], weights=weight))
        longer = every["lengths"] - told["usual_length"]
        features |= {"per_length": longer, "per_length_squared": longer**2}
        features["slope_per_length"] = longer * every["scores"]
        if "surest" in every:
            features |= {"surest": every["surest"], "surest_per_length": longer * every["surest"]}
    if "several" in every:
        features["several"] = every["several"]
    told |= _fitted(features, right, weight)
    if told["slope"] < 0:  # a better score is never a worse match: the best of the curves that don't fall leaves it out
        flat = {"per_length", "per_length_squared", "several"}
        told |= _fitted({name: row * (name in flat) for name, row in features.items()}, right, weight)
    told["mean"] = float(np.mean([answers.scores.mean() for answers in found]))
    told["std"] = float(np.mean([answers.scores.std() for answers in found]))
    return {key: round(value, 5) for key, value in sorted(told.items())}


def _fitted(features: Mapping[str, np.ndarray], matches: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The slopes of `platt` by the features' names, and the "intercept"."""
    slopes, intercept = platt(np.stack(list(features.values())), matches, weights)
    return dict(zip(features, slopes, strict=True)) | {"intercept": intercept}


def platt(rows: np.ndarray, matches: np.ndarray, weights: np.ndarray) -> tuple[list[float], float]:
    """Slopes and intercept of the logistic curve of greatest weighted likelihood.

    A little ridge keeps the slopes finite where a threshold separates the matches. Without both matches and misses the
    curve is flat, at their share with one of each added.

    Args:
        rows: (F, N), what is known of each answer.
        matches: (N,) bool. weights: (N,).
    """
    if matches.all() or not matches.any():
        return [0.0] * len(rows), float(np.log((matches.sum() + 1) / ((~matches).sum() + 1)))
    weights, right = weights / weights.sum(), matches.astype(np.float64)
    rows = np.concatenate([rows.astype(np.float64), np.ones((1, rows.shape[1]))])  # (F + 1, N)
    ridge = np.array([*[RIDGE] * (len(rows) - 1), 0.0])

    def loss(at: np.ndarray) -> float:
        odds = at @ rows
        return float(weights @ (np.logaddexp(0, odds) - right * odds) + ridge @ at**2 / 2)

    at = np.append(np.zeros(len(rows) - 1), np.log((weights @ right) / (weights @ (1 - right))))
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-np.clip(at @ rows, -500, 500)))
        slope = rows @ (weights * (likely - right)) + ridge * at
        bend = (rows * (weights * likely * (1 - likely))) @ rows.T + np.diag(ridge)
        step = np.linalg.solve(bend + 1e-12 * np.eye(len(rows)), slope)
        while loss(at - step) > loss(at) and np.abs(step).max() > 1e-12:  # too far, where the curve is steep
            step /= 2
        at = at - step
        if np.abs(step).max() < 1e-9 * (1 + np.abs(at).max()):
            break
    return at[:-1].tolist(), float(at[-1])
