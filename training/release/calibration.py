"""Calibration: from a score to the probability of a match, by a logistic curve for each kind of query (Platt 1999)."""

from collections.abc import Callable

import numpy as np

from training.datasets import MissingData
from training.datasets.protocols import PROTOCOLS
from training.learn.evaluation import mixed_questions
from training.systems import PublishedSystem
from xmr.calibration import curve
from xmr.evaluation import relevance
from xmr.modality import Item, Modality
from xmr.system import System

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
CALIBRATED = {  # protocols whose val items tell a match, and by which labels
    "flickr8k-test-en": "image",
    "flickr8k-test-de": "image",
    "sketchy25-heldout": "class",
    "world-test": "class",
    "sketchy-1-unseen": "class",
    "sketchy-2-unseen": "class",
    "quickdraw-demo": "class",
    "quickdraw-photos": "class",
}
ASKED = ((SKETCH, PHOTO), (TEXT, PHOTO), (PHOTO, PHOTO), (PHOTO, TEXT))  # query, gallery


def calibrate(vectors: Callable[[list[Item]], np.ndarray], made: PublishedSystem) -> dict[str, dict[str, float]]:
    """The "calibration" of config.json: by kind of query, such as "text_to_photo", the four numbers of
    xmr.calibration.curve, from val items. A match has the same class, or in Flickr8k the same image.

    Args:
        vectors: the exported encoders.
        made:    the system, of whose protocols those in CALIBRATED count whose data is there. Between two towers that
            stay as they were published nothing is calibrated anew.
    """
    pairs = [pair for pair in ASKED if any(m in made.towers and made.towers[m].tower for m in pair)]
    curves: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for name in filter(CALIBRATED.get, made.protocols):
        kind = CALIBRATED[name]
        try:
            protocol = PROTOCOLS[name]
            items, apart = protocol.items("val"), protocol.gallery
            items = items + apart("val") if apart else items
        except MissingData:
            continue
        groups = {m: found for m in made.towers if (found := [i for i in items if i.modality is m])}
        told = [
            (query, gallery)
            for query, gallery in pairs
            if {query, gallery} <= groups.keys() and not (query is gallery and (apart or kind == "image"))
        ]
        emb = {m: vectors(groups[m]) for m in dict.fromkeys(m for pair in told for m in pair)}
        for query, gallery in told:
            relevant = relevance(groups[query], groups[gallery], kind)
            scores = emb[query] @ emb[gallery].T
            if query is gallery:
                np.fill_diagonal(scores, -1.0)  # a photo never finds itself
            curves.setdefault(f"{query}_to_{gallery}", []).append((scores, relevant))
    return {key: curve(found) for key, found in curves.items()}


def calibrate_mixed(system: System, vectors: Callable[[list[Item]], np.ndarray]) -> dict[str, float]:
    """The curve of what a composer's ranking gives to queries of several terms, from world-mixed's val questions: as
    `calibrate` says, of their first 20 answers."""
    asked, scores = mixed_questions(system, "val", vectors)
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for question in asked:
        wanted = question.marks.get("both@1", question.marks.get("wanted@10"))
        if wanted is not None and len(question.terms) > 1:
            right = wanted & ~question.marks.get("unwanted@10", np.zeros_like(wanted))
            found.setdefault(question.key, []).append((scores(question), right))
    return curve([tuple(np.stack(part) for part in zip(*parts, strict=True)) for parts in found.values()])
