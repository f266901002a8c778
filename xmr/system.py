"""Encoders that share one space: what turns a whole query into one vector, and its scores into probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xmr.encoder import Encoder
from xmr.modality import BadInput, Modality, Query


@dataclass(frozen=True)
class System:
    """A set of encoders whose vectors can be held against each other.

    name:        what checkpoints and galleries call it.
    space:       "cosine", "euclidean" or "hamming".
    dim:         length of a vector.
    encoders:    one a modality; each loads when it is first used.
    weights:     sha256 over the exported towers; a gallery's vectors are bound to it.
    calibration: "sketch_to_photo" and so on -> mean and std of the scores of random pairs, and the slope and intercept
        of the logistic curve from a score to the chance of a match. May be empty.
    config:      the whole config.json.
    """

    name: str
    space: str
    dim: int
    encoders: Mapping[Modality, Encoder]
    weights: str
    calibration: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def languages(self) -> frozenset[str]:
        """The languages whose captions it takes; none if it takes no text."""
        return frozenset(self.config.get("encoders", {}).get("text", {}).get("languages", ()))

    def encode(self, modality: Modality, contents: Sequence[Any]) -> np.ndarray:
        """(N, dim) float32 vectors of contents of one modality; BadInput if the system has no encoder for it."""
        return self.encoder(modality).encode(contents)

    def encoder(self, modality: Modality) -> Encoder:
        """The encoder of a modality; BadInput if the system has none."""
        if modality not in self.encoders:
            able = " or ".join(self.encoders)
            raise BadInput(f"{self.name} cannot search by {modality}. Ask it by {able}, or choose another system.")
        return self.encoders[modality]

    def terms(self, query: Query) -> np.ndarray:
        """(T, dim) float32, the vector of each term of the query.

        Raises:
            BadInput: no term with a positive weight, content that cannot be used, or a vector from another space.
        """
        if not any(term.weight > 0 for term in query.terms):
            wanted = "Say what to find" if not query.terms else "Say what to find as well as what to avoid"
            raise BadInput(f"{wanted}: draw something, type a caption, or give a photo.")
        vectors = np.empty((len(query.terms), self.dim), np.float32)
        for row, term in zip(vectors, query.terms, strict=True):
            if not isinstance(term.content, np.ndarray):
                row[:] = self.encode(term.modality, [term.content])[0]
            elif term.content.shape == (self.dim,):
                row[:] = term.content
            else:
                raise BadInput(
                    f"{self.name} has vectors of {self.dim} numbers, but one of shape {term.content.shape} came. "
                    "Take it from a gallery of the same system."
                )
        return vectors

    def compose(self, query: Query, terms: np.ndarray | None = None) -> np.ndarray:
        """The query as one vector, (dim,) float32.

        sum_i weight_i v_i / std_i, at unit length, where std_i is the spread of that modality's scores against random
        photos: so a drawing, whose scores are close together, weighs as much as a caption. A query of one term is
        that term's vector.

        terms: what terms(query) gave, if it is at hand.
        """
        terms = self.terms(query) if terms is None else terms
        if len(terms) == 1:
            return terms[0]
        if self.space != "cosine":
            raise BadInput(f"{self.name} compares by {self.space} and cannot mix. Ask with one drawing, text or photo.")
        scale = [1 / self._calibrated(term.modality, Modality.PHOTO).get("std", 1.0) for term in query.terms]
        weights = np.array([term.weight for term in query.terms], np.float32) * np.array(scale, np.float32)
        vector = weights @ terms
        length = np.linalg.norm(vector)
        if length < 1e-4 * np.abs(weights).sum():
            raise BadInput("The parts of this query cancel each other out. Change one of them, or its weight.")
        return vector / length

    def probability(
        self, query: Query, term_scores: np.ndarray, target: Modality = Modality.PHOTO
    ) -> np.ndarray | None:
        """The chance that each answer is a match, (K,) float; None if a positive term's modality isn't calibrated.

        For one term it is sigmoid(slope * score + intercept); for several, the sigmoid of the weighted mean of the
        positive terms' log-odds. Terms that push away choose among the answers but don't count here.

        term_scores: (T, K), each term's own score with each answer.
        target: the answers' modality.
        """
        odds, total = np.zeros(term_scores.shape[1]), 0.0
        for term, scores in zip(query.terms, term_scores, strict=True):
            if term.weight <= 0:
                continue
            curve = self._calibrated(term.modality, target)
            if "slope" not in curve or "intercept" not in curve:
                return None
            odds += term.weight * (curve["slope"] * scores + curve["intercept"])
            total += term.weight
        return 1 / (1 + np.exp(-np.clip(odds / total, -50, 50)))

    def _calibrated(self, modality: Modality, target: Modality) -> Mapping[str, float]:
        return self.calibration.get(f"{modality}_to_{target}", {})
