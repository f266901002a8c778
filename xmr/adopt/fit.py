"""What an adopted model's scores mean: spreads, probabilities and the rule for mixtures, from a gallery's facts and
captions, and how long a query takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np
from PIL import Image

from xmr.adopt.source import Stopped, Told
from xmr.calibration import Answers, curve
from xmr.compose import certainty, ranking
from xmr.composer import CurveComposer
from xmr.gallery import Gallery
from xmr.modality import Drawing, Item, Modality, Query, Term
from xmr.system import System

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
PHOTOS, CAPTIONS, QUESTIONS = 500, 240, 300  # of a gallery, at most
FLOORS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2)  # how often a term may be misread; the best is taken
_FEW = 8  # matches that a kind of query must have, or its curve would be guessed
_TIMED = 5


@dataclass(frozen=True)
class Fitted:
    """What was fitted.

    Attributes:
        calibration: config.json's "calibration".
        floors: the entry "floors" of its "composer"; None where one vector for all terms finds more.
        mixtures: "one vector", and "all terms" with the best floor -> the R-precision of the mixed questions; empty
            where there were none.
        milliseconds: a kind of query -> the median time of encoding one.
        photos, captions: how many it was fitted on.
    """

    calibration: dict[str, dict[str, float]]
    floors: dict[str, float] | None
    mixtures: dict[str, float]
    milliseconds: dict[str, float]
    photos: int = 0
    captions: int = 0


def time_queries(system: System) -> dict[str, float]:
    """The median milliseconds in which a system encodes one query of each kind that it takes, its graphs loaded."""
    line = np.array([[10.0, 10.0], [90.0, 40.0], [30.0, 90.0]])
    asked: dict[Modality, Any] = {TEXT: "two dogs on the beach", SKETCH: Drawing((line,))}
    asked[PHOTO] = Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8))
    found = {}
    for modality in system.encoders:
        spent = []
        for _ in range(_TIMED + 1):
            start = time.perf_counter()
            system.encode(modality, [asked[modality]])
            spent.append(time.perf_counter() - start)
        found[str(modality)] = round(float(np.median(spent[1:])) * 1000, 1)
    return found


def fit_scores(system: System, gallery: Gallery | None, told: Told, stop: Event) -> Fitted:
    """Fit a system that is not calibrated yet; without a gallery, only its speed is measured.

    Raises:
        Stopped: `stop` was set.
    """
    speed = time_queries(system)
    if gallery is None:
        return Fitted({}, None, {}, speed)
    items = gallery.sample(PHOTOS)
    captions = list(_captions(gallery, items, system))[:CAPTIONS]
    drawings = [(drawing, name) for name, one in gallery.examples().items() for drawing in (one, _mirrored(one))]
    done, total = 0, len(items) + len(captions) + len(drawings)

    def encoded(modality: Modality, contents: Sequence[Any]) -> np.ndarray:
        nonlocal done
        rows = [np.zeros((0, system.dim), np.float32)]
        for start in range(0, len(contents), 16):
            if stop.is_set():
                raise Stopped("Adopting was stopped.")
            rows.append(system.encode(modality, contents[start : start + 16]))
            done += len(rows[-1])
            told("measuring on the shipped photos", done, total)
        return np.concatenate(rows)

    photos = encoded(PHOTO, [gallery.thumb(item.id) for item in items])
    kinds: dict[Modality, tuple[np.ndarray, list[str]]] = {PHOTO: (photos, [_category(item) for item in items])}
    if captions:
        kinds[TEXT] = encoded(TEXT, [text for text, _ in captions]), [category for _, category in captions]
    if drawings and SKETCH in system.encoders:
        kinds[SKETCH] = encoded(SKETCH, [drawing for drawing, _ in drawings]), [name for _, name in drawings]
    curves = {}
    for query, answer in ((SKETCH, PHOTO), (TEXT, PHOTO), (PHOTO, PHOTO), (PHOTO, TEXT)):
        if query in kinds and answer in kinds:
            (asked, names), (found, shown) = kinds[query], kinds[answer]
            scores, relevant = asked @ found.T, np.array(names)[:, None] == np.array(shown)[None]
            if query is answer:
                np.fill_diagonal(scores, -1.0)  # a photo never finds itself
                np.fill_diagonal(relevant, False)
            if relevant.sum() >= _FEW:
                curves[f"{query}_to_{answer}"] = curve([Answers(scores, relevant)])
    fitted = replace(system, calibration=curves)
    floors, mixtures, mixed = _mixing(fitted, items, kinds, encoded)
    return Fitted(curves | mixed, floors, mixtures, speed, len(items), len(captions))


def _captions(gallery: Gallery, items: Sequence[Item], system: System) -> Iterator[tuple[str, str]]:
    """Captions of photos in the languages that the system takes, from the photos in turn, each with its category."""
    languages = sorted(system.languages)
    for number, item in enumerate(items[:: max(1, len(items) // CAPTIONS)]):
        texts = [text for language in languages for text in gallery.captions(item.id, language)]
        if texts:
            yield texts[number % len(texts)][1], _category(item)


def _mirrored(drawing: Drawing) -> Drawing:
    return Drawing(tuple(stroke * (-1, 1) for stroke in drawing.strokes))


def _category(item: Item) -> str:
    return str(item.facts.get("category", item.id))


def _things(item: Item) -> frozenset[tuple[str, str | None]]:
    """The category and colour of each thing in a photo, and its category with None for any colour."""
    told = [(str(one.get("category")), one.get("colour")) for one in item.facts.get("objects") or [item.facts]]
    return frozenset(told) | {(category, None) for category, _ in told}


def _mixing(
    system: System,
    items: Sequence[Item],
    kinds: dict[Modality, tuple[np.ndarray, list[str]]],
    encoded: Callable[[Modality, Sequence[Any]], np.ndarray],
) -> tuple[dict[str, float] | None, dict[str, float], dict[str, dict[str, float]]]:
    """The rule for mixtures that finds most: its floors, or None for one vector; the R-precision of both; and the curve
    of its scores.

    The questions: a drawing, a photo or a caption with the name of a colour to have, or a caption with one to avoid.
    """
    needed = {f"{modality}_to_photo" for modality in kinds}
    shown = [_things(item) for item in items]
    asked = list(_questions(shown, kinds))
    if TEXT not in kinds or not needed <= system.calibration.keys() or len(asked) < _FEW:
        return None, {}, {}
    colours = sorted({one[3] for one in asked})
    rows = dict(zip(colours, encoded(TEXT, colours), strict=True))
    photos = kinds[PHOTO][0]

    def scored(rule: System) -> np.ndarray:
        """(Q, P), how the photos rank for each question."""
        found = []
        for modality, row, colour, sign in ((one[0], one[1], one[3], one[4]) for one in asked):
            terms = np.stack([kinds[modality][0][row], rows[colour]])
            query = Query((Term(modality, terms[0]), Term(TEXT, terms[1], sign)))
            found.append(ranking(rule, query, terms).scores(photos))
        return np.stack(found)

    relevant = np.array([[_answers(things, one) for things in shown] for one in asked])
    own = np.array([[one[0] is PHOTO and one[1] == place for place in range(len(items))] for one in asked])

    def precision(scores: np.ndarray) -> float:
        """The mean R-precision (Manning et al. 2008, section 8.4)."""
        order = np.argsort(-np.where(own, -np.inf, scores), axis=1, kind="stable")
        return float(np.mean([right[row[: right.sum()]].mean() for right, row in zip(relevant, order, strict=True)]))

    single = precision(scored(system))
    tried = {}
    for floor in FLOORS:
        floors = dict.fromkeys(map(str, (PHOTO, SKETCH, TEXT)), floor)
        scores = scored(replace(system, composer=CurveComposer(system.calibration, floors)))
        tried[floor] = precision(scores), floors, scores
    found, floors, scores = max(tried.values(), key=lambda one: one[0])
    mixtures = {"one vector": round(single, 4), "all terms": round(found, 4)}
    if single > found:
        return None, mixtures, {}
    return floors, mixtures, {"mixed_to_photo": curve([Answers(certainty(scores), relevant & ~own)])}


_Asked = tuple[Modality, int, str, str, float]  # which row of which kind, its category, a colour, 1 or -1


def _answers(things: frozenset[tuple[str, str | None]], asked: _Asked) -> bool:
    """Whether a photo of these things answers a question."""
    _, _, category, colour, sign = asked
    coloured = (category, colour) in things
    return coloured if sign > 0 else (category, None) in things and not coloured


def _questions(
    shown: Sequence[frozenset[tuple[str, str | None]]], kinds: dict[Modality, tuple[np.ndarray, list[str]]]
) -> Iterator[_Asked]:
    """Mixed questions that some photo answers, evenly from all kinds."""
    colours: dict[str, list[str]] = {}
    for things in shown:
        for category, colour in sorted((category, colour) for category, colour in things if colour):
            known = colours.setdefault(category, [])
            known += [colour] * (colour not in known)
    for modality, (_, names) in kinds.items():
        step = max(1, len(names) * 2 // QUESTIONS)
        for row in range(0, len(names), step):
            for colour, sign in ((colour, sign) for colour in colours.get(names[row], ())[:2] for sign in (1.0, -1.0)):
                asked = (modality, row, names[row], colour, sign)
                others = (one for place, one in enumerate(shown) if modality is not PHOTO or place != row)
                if (sign > 0 or modality is TEXT) and any(_answers(one, asked) for one in others):
                    yield asked
