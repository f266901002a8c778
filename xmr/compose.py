"""How the terms of a query become one ranking, and its scores probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real

import numpy as np

from xmr.calibration import asks_for_several, completeness, length, line, log_odds, mixed, sigmoid
from xmr.composer import Composer
from xmr.modality import BadInput, Modality, Query, Term, shown
from xmr.system import System, check_numbers

MAX_TERMS = 64  # of a query
MAX_WEIGHT = 1_000  # of a term, either way
_CLEAR = 15.0  # log-odds beyond which it makes no difference how clearly a term is met
_STRANGE = 4.3  # log-odds that a text without a known word loses; chosen on typos that stay and other frequent words
_UNWANTED = 3.0  # how much more an unwanted term counts than a wanted one: what was said not to be there has to go


def encode_terms(system: System, query: Query) -> np.ndarray:
    """(T, dim) float32, the vector of each term of the query.

    Raises:
        BadInput: no term with a positive weight, too many, a weight or content that cannot be used, or a vector
            from another space.
    """
    check_query(query)
    vectors = np.empty((len(query.terms), system.dim), np.float32)
    for row, term in zip(vectors, query.terms, strict=True):
        if isinstance(term.content, np.ndarray):
            row[:] = given_vector(system, term.content)
        else:
            row[:] = system.encode(term.modality, [term.content])[0]
    return vectors


def given_vector(system: System, given: np.ndarray) -> np.ndarray:
    """A vector that was given, as (dim,) float32; BadInput if it cannot be one of this space."""
    if given.ndim in (2, 3) and given.dtype == np.uint8:
        raise BadInput(f"Pixels, {given.shape}, are no vector. Make a picture of them: PIL.Image.fromarray(pixels).")
    check_numbers(given, (system.dim,), f"{system.name}'s vectors")
    vector = given.astype(np.float32)
    if system.space == "cosine" and not vector.any():
        raise BadInput(f"{system.name} compares directions, but a vector of zeros came, which has none.")
    if system.space == "hamming" and not (np.abs(np.abs(vector) - 1) < 0.01).all():
        raise BadInput(f"{system.name} has codes of +1 and -1, but other numbers came. Use those of the same system.")
    return vector


def compose(system: System, query: Query, terms: np.ndarray | None = None) -> np.ndarray:
    """The query as one vector, (dim,) float32.

    sum_i weight_i v_i / std_i, at unit length, where std_i is the standard deviation of that modality's scores against
    random photos: so a drawing, whose scores are close together, weighs as much as a caption. A query of one term is
    that term's vector.

    terms: what encode_terms gave, if it is at hand.

    Raises:
        BadInput: what encode_terms refuses, several terms in a space that cannot mix, or terms that cancel out.
    """
    check_query(query)
    if terms is None:
        terms = encode_terms(system, query)
    else:
        check_numbers(terms, (len(query.terms), system.dim), "The terms' vectors")
    if len(terms) == 1:
        return terms[0]
    if system.space != "cosine":
        raise BadInput(f"{system.name} compares by {system.space} and cannot mix. Ask with one drawing, text or photo.")
    scale = [1 / system.calibration.get(f"{term.modality}_to_photo", {}).get("std", 1.0) for term in query.terms]
    weights = _relative(query.terms) * scale
    vector = weights @ terms.astype(np.float64)
    length = np.linalg.norm(vector)
    if length < 1e-4 * np.abs(weights).sum():
        raise BadInput("The parts of this query cancel each other out. Change one of them, or its weight.")
    return (vector / length).astype(np.float32)


@dataclass(frozen=True)
class Ranking:
    """How photos are ranked for a query.

    Attributes:
        candidates: (V, dim) vectors. The answers are among the nearest to each; those of the first come in the right
            order where `exact` is False.
        exact: whether `scores` orders them otherwise.
        scores: vectors (N, dim) of answers -> (N,) float64, higher is better.
        match: vectors (N, dim) of answers -> (N,) the chance that each is a match; None where it isn't calibrated.
        evidence: vectors (N, dim) of answers -> what the curve of mixed queries takes, where one is needed: the
            certainty (N,) that all terms are met; how rarely a photo meets the term that is read most surely, of which
            its bias tells; and the log-odds (N,) that each does. Words for a red car tell by themselves what is one,
            however the drawing with them is read; the word red does not.
    """

    candidates: np.ndarray
    exact: bool
    scores: Callable[[np.ndarray], np.ndarray]
    match: Callable[[np.ndarray], np.ndarray | None]
    evidence: Callable[[np.ndarray], tuple[np.ndarray, float, np.ndarray]] | None = None


def ranking(system: System, query: Query, terms: np.ndarray, target: Modality = Modality.PHOTO) -> Ranking:
    """How answers are ranked for a query.

    A query of one term ranks by that term's scores. Of several, a system with a composer asks of each photo how well it
    meets every term, and ranks by

        sum over wanted terms of weight * log p + sum over unwanted ones of |weight| * log(1 - p)

    where p is the chance that the photo meets the term: an AND, in which no term makes up for another. What is unwanted
    counts _UNWANTED times. Where one term alone is wanted, its p is the stated match of a query of that term, so that
    the others only take away. Captions, and photos in systems without a composer, are ranked by the one vector of
    `compose`.

    terms: (T, dim), what encode_terms gave.

    Raises:
        BadInput: as `compose`.
    """
    if len(query.terms) == 1 or system.composer is None or target is not Modality.PHOTO:
        vector = compose(system, query, terms)
        if len(query.terms) == 1:  # what `probability` gives, in a fifth of its time
            chance = partial(_chance, _asked(system, query.terms, terms, target))
        else:
            chance = partial(probability, system, query, terms, target=target)
        return Ranking(vector[None], False, lambda answers: answers @ vector, chance)
    check_query(query)
    weights = _relative(query.terms)
    wanted = weights > 0
    alone = None
    if wanted.sum() == 1:
        at = int(wanted.argmax())
        alone = _asked(system, [query.terms[at]], terms[[at]], target)
    readers, biases, floors = _read(system.composer, query, terms, weights, alone)
    strength = np.where(wanted, weights, -_UNWANTED * weights)
    surest = int(np.where(wanted, floors, np.inf).argmin())

    def as_asked(answers: np.ndarray) -> np.ndarray:
        """(N, T) the logarithms of the chances that the terms are met, or if they are unwanted, not met."""
        odds = answers.astype(np.float64) @ readers.T + biases
        with np.errstate(divide="ignore"):  # a floor of 0
            met = np.logaddexp(np.log(floors), np.log1p(-floors) - np.logaddexp(0, -odds))
        return np.where(wanted, met, -np.logaddexp(0, odds))

    def scores(answers: np.ndarray) -> np.ndarray:
        return as_asked(answers) @ strength

    def match(answers: np.ndarray) -> np.ndarray | None:
        if alone:
            return np.exp(as_asked(answers) @ (weights != 0))
        curves, kinds = system.calibration, [term.modality for term in query.terms if term.weight > 0]
        curve = curves.get(mixed(kinds), curves.get(mixed(())))
        return None if curve is None else sigmoid(log_odds(curve, *evidence(answers)))

    def evidence(answers: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        odds = answers.astype(np.float64) @ readers[surest] + biases[surest]
        return certainty(scores(answers)), float(biases[surest]), np.clip(odds, -_CLEAR, _CLEAR)

    return Ranking(readers[wanted], True, scores, match, None if alone else evidence)


def _read(
    composer: Composer,
    query: Query,
    terms: np.ndarray,
    weights: np.ndarray,
    alone: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[np.ndarray, ...]:
    """The readers (T, dim), biases (T,) and floors (T,) of terms. The wanted ones are read together, so that one that
    names the thing raises the others' floors, the less the less it weighs beside them; unwanted ones are read apart.

    alone: of a term that alone is wanted, what it asks by itself, as `_asked` gives it: it is never misread. None where
        several are wanted, or that is not known.
    """

    def read(rows: np.ndarray) -> tuple[np.ndarray, ...]:
        return composer(terms[rows], [query.terms[row].modality for row in rows])

    wanted, others = np.flatnonzero(weights > 0), np.flatnonzero(weights <= 0)
    if alone:
        readers, biases, floors = (part.astype(np.float32) for part in (*alone, np.zeros(1)))
    else:
        readers, biases, floors = read(wanted)
    if np.ptp(weights[wanted]):
        own = np.concatenate([read(wanted[[at]])[2] for at in range(len(wanted))])
        floors = own + (floors - own) * np.minimum(1, weights[wanted[own.argmin()]] / weights[wanted])
    found = [(readers, biases, floors), *([read(others)] if len(others) else [])]
    back = np.argsort(np.concatenate([wanted, others]))
    return tuple(np.concatenate(part)[back] for part in zip(*found, strict=True))


def certainty(scores: np.ndarray) -> np.ndarray:
    """The log-odds of chances that are given as logarithms, as a composer's ranking scores are: they still tell apart
    what is likely where those are all near 0. scores: (...) float, at most 0; gives the same shape."""
    scores = np.minimum(scores, -1e-12)
    return scores - np.log(-np.expm1(scores))


def probability(
    system: System, query: Query, terms: np.ndarray, answers: np.ndarray, target: Modality = Modality.PHOTO
) -> np.ndarray | None:
    """The chance that each answer is a match, (K,) float; None if a term's modality isn't calibrated.

    For one term it is the sigmoid of calibration.log_odds; for several, that of the weighted mean of the positive
    terms' log-odds, times the chance 1 - p that a photo does not meet a term that pushes away, for each of these.

    terms: (T, dim), what encode_terms gave. answers: (K, dim), their vectors. target: the answers' modality.
    """
    check_query(query)
    check_numbers(terms, (len(query.terms), system.dim), "The terms' vectors")
    count = len(answers) if isinstance(answers, np.ndarray) and answers.ndim else 0
    check_numbers(answers, (count, system.dim), "The answers' vectors")
    each = [_asked(system, [term], vector[None], target) for term, vector in zip(query.terms, terms, strict=True)]
    known = [one for one in each if one is not None]
    if len(known) < len(each):
        return None
    readers, biases = (np.concatenate(part) for part in zip(*known, strict=True))
    weights, odds = _relative(query.terms), readers @ answers.T + biases[:, None]
    wanted = weights > 0
    met = sigmoid(np.average(odds[wanted], axis=0, weights=weights[wanted]))
    return met * np.prod(sigmoid(-odds[~wanted]) ** -weights[~wanted, None], axis=0)


def stated_match(
    system: System,
    modality: Modality,
    target: Modality,
    vectors: np.ndarray,
    answers: np.ndarray,
    texts: Sequence[str | None],
) -> np.ndarray | None:
    """The chance that each answer to queries of one modality is a match; None where such queries aren't calibrated.

    Args:
        vectors: (Q, dim), the queries'.
        answers: (Q, K, dim), those of each query's answers.
        texts: (Q,) the queries that are texts; None for another one.

    Returns:
        (Q, K) float.
    """
    asked = _asked(system, [Term(modality, None, words=text) for text in texts], vectors, target)
    if asked is None:
        return None
    readers, biases = asked
    return sigmoid(np.einsum("qkd,qd->qk", answers, readers) + biases[:, None])


def _chance(asked: tuple[np.ndarray, np.ndarray] | None, answers: np.ndarray) -> np.ndarray | None:
    """What a query of one term states of answers (K, dim)."""
    return None if asked is None else sigmoid(answers @ asked[0][0] + asked[1][0])


def _asked(
    system: System, terms: Sequence[Term], vectors: np.ndarray, target: Modality
) -> tuple[np.ndarray, np.ndarray] | None:
    """What terms of one modality ask of an answer, each by itself: readers (T, dim) and biases (T,), by which the
    log-odds that it is a match are reader . answer + bias. None where such terms aren't calibrated. A text of
    which no word is known is read by pieces of words, which hardly ever say what it means.

    Where the curve takes it, what the composer reads in a term counts too: by the cosine alone, a photo that "red" or
    "on the beach" fits looks as far off as one that a name does not fit.
    """
    curve = system.calibration.get(f"{terms[0].modality}_to_{target}", {})
    if not {"slope", "intercept"} <= curve.keys():
        return None
    texts = [text_of(term) for term in terms]
    if terms[0].modality is Modality.SKETCH:
        lengths = completeness(system.completeness, vectors)
    else:
        lengths = np.array([length(text) for text in texts])
    slopes, biases, more = line(curve, lengths, np.array([asks_for_several(text, system.names) for text in texts]))
    biases = biases - _STRANGE * np.array([isinstance(text, str) and not system.knows(text) for text in texts])
    readers = slopes[:, None] * vectors
    if more.any() and system.composer is not None:
        also, rarely, _ = system.composer(vectors, [term.modality for term in terms])
        readers, biases = readers + more[:, None] * also, biases + more * rarely
    return readers, biases


def text_of(term: Term) -> str | int | None:
    """A term's text, or the one that its vector was made of, or how many words that had; None where that is not known,
    or where it has none."""
    text = term.modality is Modality.TEXT and isinstance(term.content, str)
    return term.content if text else term.words


def check_query(query: Query) -> None:
    """Raise BadInput for a query that asks for nothing, or whose parts or weights cannot be used."""
    check_terms(query)
    if not any(term.weight > 0 for term in query.terms):
        wanted = "Say what to find as well as what to avoid" if query.terms else "Say what to find"
        raise BadInput(f"{wanted}: draw something, type a caption, or give a photo.")


def check_terms(query: Query) -> None:
    """Raise BadInput for a query whose parts or weights cannot be used."""
    if not isinstance(query, Query) or not isinstance(query.terms, (tuple, list)):
        raise BadInput(f'Expected a Query; {shown(query)} came. Make one of its parts: xmr.Query.of(text="a red car").')
    if len(query.terms) > MAX_TERMS:
        raise BadInput(f"A query may have {MAX_TERMS} parts; {len(query.terms)} came. Leave some out.")
    for term in query.terms:
        if not isinstance(term, Term) or not isinstance(term.modality, str):
            raise BadInput(f"The parts of a query must be Terms of a photo, sketch or text; {shown(term)} came.")
        if not isinstance(term.weight, Real) or not abs(term.weight) <= MAX_WEIGHT:
            raise BadInput(
                f"A weight must be a number from -{MAX_WEIGHT} to {MAX_WEIGHT}; {shown(term.weight)} came. "
                "Give 1 to ask for something, -1 to avoid it."
            )
        words = term.words
        if words is not None and not isinstance(words, str) and not (isinstance(words, Integral) and words >= 0):
            raise BadInput(f"The words of a vector are its text, or how many that had; {shown(words)} came.")


def _relative(terms: Sequence[Term]) -> np.ndarray:
    """The terms' weights (T,) in parts of the largest, so that none is lost however small all of them are."""
    weights = np.array([float(term.weight) for term in terms])
    return weights / np.abs(weights).max()
