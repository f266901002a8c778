"""The composers: what each term of a mixed query asks of a photo, as log-odds that are linear in its vector."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from xmr.modality import BadInput, Modality, shown

if TYPE_CHECKING:
    import onnxruntime

KINDS = (Modality.PHOTO, Modality.SKETCH, Modality.TEXT)  # by their numbers in the graph


class Composer(Protocol):
    """What reads the terms of a query.

    The chance that a photo of vector p meets term t is floor + (1 - floor) * sigmoid(readers[t] . p + biases[t]), where
    the floor, in 0..1, is how often such a term is misread; beside terms that name the thing it is higher. So the terms
    are those that one query wants. Any thread may call it.
    """

    def __call__(self, terms: np.ndarray, modalities: Sequence[Modality]) -> tuple[np.ndarray, ...]:
        """The readers (T, dim), biases (T,) and floors (T,) of terms.

        Args:
            terms: (T, dim) float32, their vectors.
            modalities: theirs.

        Raises:
            BadInput: a modality that it cannot read.
        """


class GraphComposer:
    """A composer that was trained: an ONNX graph from "terms" (T, dim) and "kinds" (T,), the numbers of their
    modalities, to readers, biases and floors. It is read from disk when it is first needed."""

    def __init__(self, open_session: Callable[[], onnxruntime.InferenceSession]) -> None:
        self._open_session = open_session
        self._opening = threading.Lock()

    def __reduce__(self) -> tuple:
        return GraphComposer, (self._open_session,)  # a graph that is open stays with its process

    def __call__(self, terms: np.ndarray, modalities: Sequence[Modality]) -> tuple[np.ndarray, ...]:
        """As Composer; BadInput also for a graph that fails or gives anything else."""
        if unknown := [modality for modality in modalities if modality not in KINDS]:
            raise BadInput(f"The parts of a mixed query are photos, sketches and texts; {shown(unknown[0])} came.")
        kinds = np.array([KINDS.index(modality) for modality in modalities], np.int64)
        with self._opening:
            session = self._session
        try:
            found = session.run(["readers", "biases", "floors"], {"terms": terms.astype(np.float32), "kinds": kinds})
        except Exception as error:  # ONNX Runtime's own exceptions derive from nothing narrower
            raise BadInput(f"The composer fails ({' '.join(str(error).split())}). Restore the checkpoint.") from None
        if [part.shape for part in found] != [terms.shape, kinds.shape, kinds.shape]:
            raise BadInput("The composer gives something else than one reader a term. Restore the checkpoint.")
        if not all(np.isfinite(part).all() for part in found):
            raise BadInput("The composer gives no finite numbers. Restore the checkpoint.")
        return tuple(found)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return self._open_session()


@dataclass(frozen=True)
class CurveComposer:
    """A composer that nobody trained: a term is met with the calibrated probability of its kind of query.

    Attributes:
        curves: "text_to_photo" and so on -> "slope" and "intercept", as in System.calibration.
        floors: kind -> how often such a term is misread.
    """

    curves: Mapping[str, Mapping[str, float]]
    floors: Mapping[str, float]

    def __call__(self, terms: np.ndarray, modalities: Sequence[Modality]) -> tuple[np.ndarray, ...]:
        """As Composer; BadInput for a kind of term that is not calibrated."""
        found = []
        for modality in modalities:
            curve = self.curves.get(f"{modality}_to_photo")
            if curve is None:
                raise BadInput(f"Nothing is known of how {shown(str(modality))} mixes here. Ask without it.")
            found.append((curve["slope"], curve["intercept"], self.floors[modality]))
        slopes, biases, floors = np.array(found, np.float32).T
        return slopes[:, None] * terms.astype(np.float32), biases, floors
