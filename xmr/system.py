"""Encoders that share one space."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from xmr.composer import Composer
from xmr.encoder import Encoder, memory_of
from xmr.modality import BadInput, Modality, check_text, listed, shown
from xmr.preprocess import Reading, Vocabulary, read

MAX_NUMBER = 1e9  # in a vector; its square still fits a float32
_ANY_VECTOR = {"batch", "languages", "words", "cells"}  # what an encoder's config says that changes no vector


@dataclass(frozen=True)
class System:
    """Encoders whose vectors can be compared with each other. `xmr.load` gives one.

    Attributes:
        name: what checkpoints and galleries call it.
        space: "cosine", "euclidean" or "hamming".
        dim: length of a vector.
        encoders: one for each modality that it takes; each loads when it is first used.
        weights: sha256 (hex) over its graphs and tokenizers; its figures are bound to it.
        calibration: "sketch_to_photo" and so on -> mean and std of the scores of random pairs, and the slope and
            intercept of the logistic curve from a score to the probability of a match. May be empty.
        completeness: (dim + 1,) what calibration.completeness reads from a drawing's vector, by which the curve of
            drawings is chosen; None: all drawings have one curve.
        composer: ranks photos for queries of several terms; None: these are mixed into one vector.
        config: the whole config.json.
        hashes: the sha256 (hex) of each of its files, by its name in the config.
        shortened_from: length of the whole code, of which its vectors are the first `dim` bits; None: they are whole.

    >>> import xmr
    >>> tri = xmr.load("tri")
    >>> cars = tri.encode_text(["a red car", "ein rotes Auto", "a sleeping cat"])  # (3, 256)
    >>> scores = tri.similarity(cars[:1], cars[1:])  # (1, 2)
    >>> bool(scores[0, 0] > scores[0, 1])
    True
    """

    name: str
    space: str
    dim: int
    encoders: Mapping[Modality, Encoder] = field(repr=False)
    weights: str = field(repr=False)
    calibration: Mapping[str, Mapping[str, float]] = field(default_factory=dict, repr=False)
    completeness: Sequence[float] | None = field(default=None, repr=False)
    composer: Composer | None = field(default=None, repr=False)
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hashes: Mapping[str, str] = field(default_factory=dict, repr=False)
    shortened_from: int | None = field(default=None, repr=False)

    @property
    def codes(self) -> tuple[int, ...]:
        """The lengths of code that `shortened` takes, in bits; none where only the whole vectors can be compared."""
        return tuple(self.config.get("codes", ()))

    @property
    def stored_dim(self) -> int:
        """Length of the vectors that a gallery stores of it: the whole ones."""
        return self.shortened_from or self.dim

    @property
    def called(self) -> str:
        """Its name, with the length of its codes where they are shortened, as `xmr.load` takes it."""
        return self.name if self.dim == self.stored_dim else f"{self.name}@{self.dim}"

    @property
    def whole(self) -> System:
        """The same system with its whole codes."""
        return replace(self, dim=self.stored_dim, shortened_from=None)

    def shortened(self, bits: int) -> System:
        """The same system with the first bits of its codes, which are codes too: a search of them reads less, and finds
        a little less. What was indexed with the whole ones serves.

        Raises:
            BadInput: it has no codes of this length.

        >>> import xmr
        >>> xmr.load("iaprtc12-hashing").shortened(16).encode_text("a dog").shape
        (1, 16)
        """
        if bits not in self.codes:
            known = f"Choose one of {', '.join(map(str, self.codes))}" if self.codes else "Take its vectors as they are"
            raise BadInput(f"{self.name} has no codes of {shown(bits)} bits. {known}.")
        return replace(self, dim=bits, shortened_from=None if bits == self.stored_dim else self.stored_dim)

    @property
    def languages(self) -> frozenset[str]:
        """The languages whose captions it takes; none if it takes no text."""
        return frozenset(self.config.get("encoders", {}).get("text", {}).get("languages", ()))

    @property
    def names(self) -> tuple[frozenset[str], ...]:
        """The words of each name of one thing that has several, as far as it knows any; the longest first. BadInput if
        its list of words cannot be used."""
        return self._vocabulary.names if self._vocabulary else ()

    def knows(self, text: str) -> bool:
        """Whether something is known of a word of a text that names anything; True without a list of words. BadInput if
        that cannot be used.

        >>> import xmr
        >>> xmr.load("tri").knows("a red car"), xmr.load("tri").knows("an xyzzy")
        (True, False)
        """
        return self._vocabulary is None or self._vocabulary.knows(text)

    @property
    def _vocabulary(self) -> Vocabulary | None:
        """The text encoder's list of words, where there is one."""
        encoder = self.encoders.get(Modality.TEXT)
        return encoder.vocabulary if encoder else None

    def fingerprint(self, modality: Modality) -> str:
        """sha256 (hex) over all that makes its vectors of one modality: the bytes of that encoder's files, its
        settings, the space and its dimensions. Vectors that were stored are good as long as it is the same.

        Raises:
            BadInput: it has no encoder for the modality.
        """
        self.encoder(modality)
        part = self.config["encoders"][modality]
        made = {
            key: self.hashes.get(value, value) if isinstance(value, str) else value
            for key, value in part.items()
            if key not in _ANY_VECTOR
        }
        told = {"modality": modality, "space": self.space, "dim": self.stored_dim, "encoder": made}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def encode_text(self, texts: str | Sequence[str]) -> np.ndarray:
        """(N, dim) float32 vectors of captions, or of one. Raises as `encode` does.

        >>> import xmr
        >>> xmr.load("tri").encode_text("ein Hund am Strand").shape
        (1, 256)
        """
        return self.encode(Modality.TEXT, listed(texts))

    def read(self, text: str, negations: bool = True) -> Reading:
        """What a person means who typed this: misspelt words as they should be, and what "no" or "ohne" takes away. A
        system that has no list of words leaves the spelling, and one that cannot mix takes a text as a whole.

        negations: False: "no" and "ohne" are words like others.

        Raises:
            BadInput: it takes no text, or its list of words cannot be used.

        >>> import xmr
        >>> reading = xmr.load("tri").read("a yelow bannana, no people")
        >>> reading.wanted, reading.unwanted, reading.corrected
        ('a yellow banana', ('people',), (('yelow', 'yellow'), ('bannana', 'banana')))
        """
        check_text(text)
        return read(text, self.encoder(Modality.TEXT).vocabulary, negations and self.space == "cosine")

    def encode_sketch(self, sketches: Any) -> np.ndarray:
        """(N, dim) float32 vectors of a list of sketches, or of one: Drawings, PIL images, or picture files as paths or
        bytes, SVG among them. Raises as `encode` does.

        >>> import xmr
        >>> house = xmr.Drawing((np.array([[0.0, 40], [50, 0], [100, 40], [100, 90], [0, 90], [0, 40]]),))
        >>> xmr.load("tri").encode_sketch(house).shape
        (1, 256)
        """
        return self.encode(Modality.SKETCH, listed(sketches))

    def encode_photo(self, photos: Any) -> np.ndarray:
        """(N, dim) float32 vectors of a list of photos, or of one: PIL images, or picture files as paths or bytes.
        Raises as `encode` does.

        >>> import xmr
        >>> from PIL import Image
        >>> xmr.load("tri").encode_photo([Image.new("RGB", (64, 48), "red"), Image.new("RGB", (48, 64), "blue")]).shape
        (2, 256)
        """
        return self.encode(Modality.PHOTO, listed(photos))

    def similarity(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The scores of vectors with others, higher is better: in a cosine space their cosine, in a euclidean one minus
        their distance, in a hamming one minus the number of components whose signs differ.

        Args:
            a: (N, dim) numbers.
            b: (M, dim) numbers.

        Returns:
            (N, M) float.

        Raises:
            BadInput: other shapes, or numbers that are not finite.

        >>> codes = System("codes", "hamming", dim=3, encoders={}, weights="")
        >>> codes.similarity(np.array([[1, 1, -1]]), np.array([[1, 1, -1], [1, -1, 1]])).tolist()
        [[0.0, -2.0]]
        """
        for given in (a, b):
            check_numbers(given, (None, self.dim), f"{self.name}'s vectors")
        a, b = a.astype(np.float64), b.astype(np.float64)
        if self.space == "cosine":
            a, b = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (a, b))
            return a @ b.T
        if self.space == "hamming":
            a, b = (np.where(rows > 0, 1.0, -1.0) for rows in (a, b))
            return (a @ b.T - self.dim) / 2
        return -np.stack([np.linalg.norm(b - row, axis=1) for row in a]) if len(a) else np.zeros((0, len(b)))

    def encode(self, modality: Modality, contents: Sequence[Any]) -> np.ndarray:
        """(N, dim) float32 vectors of contents of one modality, each as in a Term; of one, if a text comes alone.

        Raises:
            BadInput: the system has no encoder for the modality, a content cannot be used, or the graph isn't what the
                checkpoint says.
        """
        vectors = self.encoder(modality).encode([contents] if isinstance(contents, str) else contents)
        if vectors.shape[1] != self.stored_dim:
            raise BadInput(
                f"{self.name} promises vectors of {self.stored_dim} numbers, but its {modality} encoder gives "
                f"{vectors.shape[1]}: restore the checkpoint, or publish it again."
            )
        return vectors[:, : self.dim]

    @property
    def loaded(self) -> bool:
        """Whether one of its graphs is in memory."""
        return any(encoder.loaded for encoder in self.encoders.values())

    @property
    def megabytes(self) -> float:
        """The memory that the graphs of an adopted model take now, as it was measured when they were opened; 0 where
        none is in memory, or that is not known."""
        return memory_of(self.encoders.values())

    def release(self, unused: float = 0.0) -> bool:
        """Let go of the graphs that nobody has used for that many seconds; they are read again when they are needed.
        Whether there were any."""
        return any([encoder.release(unused) for encoder in self.encoders.values()])

    def encoder(self, modality: Modality) -> Encoder:
        """The encoder of a modality; BadInput if the system has none."""
        if modality not in self.encoders:
            known = " or ".join(self.encoders)
            raise BadInput(f"{self.name} cannot search by {modality}. Ask it by {known}, or choose another system.")
        return self.encoders[modality]


def check_numbers(given: np.ndarray, shape: tuple[int | None, ...], what: str) -> None:
    """Raise BadInput if what was given isn't an array of finite numbers in that shape, where None is any size."""
    if (
        not isinstance(given, np.ndarray)
        or given.dtype.kind not in "fiu"
        or given.ndim != len(shape)
        or any(size not in (None, found) for size, found in zip(shape, given.shape, strict=True))
    ):
        wanted = str(shape).replace("None", "N")
        came = f"{given.dtype} of shape {given.shape}" if isinstance(given, np.ndarray) else shown(given)
        raise BadInput(f"{what} must be numbers of shape {wanted}, but {came} came. Use those of the same system.")
    if not (np.abs(given.astype(np.float64)) < MAX_NUMBER).all():  # nor are those that are none
        raise BadInput(f"{what} must be finite numbers below {MAX_NUMBER:g}, but others came. Make them anew.")
