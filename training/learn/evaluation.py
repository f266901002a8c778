"""Evaluates a protocol on its test items, with the exported encoders."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from training.datasets import MissingData, mixed, picture
from training.datasets.protocols import IN_FOLDS, PROTOCOLS, TEXT, find, folds
from training.datasets.world import RENDERED
from training.learn.recipe import BadRecipe, nearest
from training.learn.run_record import identity_of
from xmr import metrics
from xmr.compose import Ranking, ranking
from xmr.evaluation import Question, Stated, Vectors, measure, measure_questions
from xmr.modality import Item, Modality, Query, Term
from xmr.system import System

MIXED = "world-mixed"  # the protocol of queries of several terms


def encoder_vectors(system: System, batch: int = 32) -> Vectors:
    """A function that embeds items of one modality with a system's exported encoders: items -> (N, dim).

    It decodes `batch` pictures at a time, and keeps all vectors, because several protocols search the same photos.
    """
    known: dict[tuple, np.ndarray] = {}

    def vectors(items: list[Item]) -> np.ndarray:
        modality = items[0].modality
        content = partial(_text, system) if modality is TEXT else picture
        keys = [(modality, item.id, str(item.content)) for item in items]
        new = list({key: item for key, item in zip(keys, items, strict=True) if key not in known}.items())
        for start in range(0, len(new), batch):
            some = new[start : start + batch]
            found = system.encode(modality, [content(item) for _, item in some])
            known.update(zip([key for key, _ in some], found, strict=True))
        return np.stack([known[key] for key in keys])

    return vectors


def check_score(wanted: Iterable[str], measured: Callable[[Vectors], Mapping[str, float]]) -> None:
    """Check, before the hours that features take, that validation will have the metrics that select the weights.

    Args:
        wanted:   their names.
        measured: vectors of the val items -> metrics by name.

    Raises:
        BadRecipe: there is no such metric, or no val item has anything to match.
    """
    known = measured(lambda items: np.zeros((len(items), 1), np.float32))  # the names don't depend on the vectors
    if not known:
        raise BadRecipe(
            "The val items have nothing to match with each other, so that no score can select the weights. Give more "
            "items, or take another split: python -m training data NAME --root ROOT counts those of each."
        )
    for name in wanted:
        if name not in known:
            meant = nearest(name, known)
            raise BadRecipe(f"The setting score names {name!r}, which validation does not measure{meant}")


def evaluate_mixed(system: System, split: str, vectors: Vectors) -> dict:
    """world-mixed's entry of metrics.json: queries of several terms, ranked as the app ranks them.

    vectors: of the system's items, as encoder_vectors gives them.

    Raises:
        MissingData: the drawings or the gallery are not on this machine.
    """
    asked, ranked, gallery = mixed_questions(system, split, vectors)
    return measure_questions(
        mixed.ABOUT,
        asked,
        lambda question: ranked(question).scores(gallery),
        lambda question, rows: ranked(question).match(gallery[rows]),
    )


def mixed_questions(
    system: System, split: str, vectors: Vectors
) -> tuple[list[Question], Callable[[Question], Ranking], np.ndarray]:
    """world-mixed's questions as the system reads them, how it ranks photos for each, and these photos' vectors,
    (G, dim)."""
    asked, photos = mixed.questions(split)
    asked = [replace(question, terms=tuple(_as_read(system, question.terms))) for question in asked]
    items = {(item.modality, item.id): item for question in asked for item, _ in question.terms}
    emb = {}
    for modality in dict.fromkeys(modality for modality, _ in items):
        some = [item for item in items.values() if item.modality is modality]
        emb |= {(modality, item.id): row for item, row in zip(some, vectors(some), strict=True)}
    gallery = vectors(photos)

    def ranked(question: Question) -> Ranking:
        terms = np.stack([emb[item.modality, item.id] for item, _ in question.terms])
        query = Query(tuple(Term(item.modality, item.content, weight) for item, weight in question.terms))
        return ranking(system, query, terms)

    return asked, ranked, gallery


def _as_read(system: System, terms: Iterable[tuple[Item, float]]) -> Iterator[tuple[Item, float]]:
    """The terms with what a typed text doesn't want as terms of their own."""
    for item, weight in terms:
        if not item.facts.get("typed"):
            yield item, weight
            continue
        for text, sign in system.read(str(item.content)).terms:
            yield replace(item, id=f"{item.language}:{text}", content=text, facts={}), sign * weight


def _text(system: System, item: Item) -> str:
    """What is encoded of a text: of one that a person typed, what the app makes of it."""
    return (system.read(item.content).wanted if item.facts.get("typed") else None) or str(item.content)


def evaluate_on_test(
    name: str,
    modalities: Collection[Modality],
    vectors: Vectors,
    progress: Callable[[str], None] = print,
    languages: Collection[str] | None = None,
    stated: Stated | None = None,
    system: System | None = None,
    worst: dict[str, list[dict]] | None = None,
) -> dict | None:
    """Evaluate one protocol on its test items.

    Args:
        name:       of the protocol.
        modalities: the ones that the system has; comparisons of others are left out.
        vectors:    items of one modality -> (N, dim).
        progress:   called with a line of text where the protocol is skipped.
        languages:  the languages that the system knows; None for all.
        stated:     as xmr.evaluation.measure takes it; so is `worst`.

    Returns:
        The protocol's entry of metrics.json; None if its data is missing or has nothing to compare. Its "items" is a
        hash of the queries and the gallery, which tells apart figures on two versions of a data set. Of captions, a
        `<data set>-test` has metrics.rsum as "rsum" too; in folds, the figures are the means over the folds.
    """
    try:
        if name == MIXED:
            if system is None:
                return None
            if lacking := [str(modality) for modality in Modality if modality not in system.encoders]:
                progress(f"{name}: skipped. {system.name} takes no {' and no '.join(lacking)}.")
                return None
            return evaluate_mixed(system, "test", vectors) | {"items": _identity(name, mixed.items("test"), ())}
        protocol = find(name)
        items = protocol.items("test")
        gallery = protocol.gallery("test") if protocol.gallery else None
    except MissingData as error:
        progress(f"{name}: skipped. {error}")
        return None
    comparisons = tuple(
        c
        for c in protocol.comparisons
        if {c.query[0], c.gallery[0]} <= set(modalities)
        and (languages is None or {c.query[1], c.gallery[1]} <= {None, *languages})
    )
    protocol = replace(protocol, comparisons=comparisons)
    if name.endswith(IN_FOLDS):
        entry = _mean([measure(protocol, fold, vectors) for fold in folds(items)])
    else:
        entry = measure(protocol, items, vectors, gallery, stated, worst)
    if name not in PROTOCOLS:
        _add_rsum(entry)
    if not entry["metrics"]:
        progress(f"{name}: skipped. Its data has nothing to compare by {', '.join(modalities)}.")
        return None
    return entry | {"items": _identity(name, items, gallery or ())}


def _mean(entries: list[dict]) -> dict:
    """The entry of a protocol in folds: the means of theirs, and the numbers of all queries."""
    first = entries[0]
    error = {key: [entry["stderr"][key] for entry in entries] for key in first["stderr"]}
    return first | {
        **{count: sum(entry[count] for entry in entries) for count in ("queries", "dropped")},
        **{
            kind: {key: _round(np.mean([entry[kind][key] for entry in entries])) for key in first[kind]}
            for kind in ("metrics", "chance")
        },
        "stderr": {key: _round(np.sqrt(np.square(values).sum()) / len(entries)) for key, values in error.items()},
        "curves": {
            key: np.mean([entry["curves"][key] for entry in entries], axis=0).round(4).tolist()
            for key in first["curves"]
        },
    }


def _round(value: float) -> float:
    return round(float(value), 4)


def _add_rsum(entry: dict) -> None:
    """Add the rsum of each language whose captions search photos and are searched by them, to the first of the two."""
    for key in [key for key in entry["metrics"] if key.startswith("text") and key.endswith("_to_photo/hit@1")]:
        text = key.removesuffix("_to_photo/hit@1")
        hits = [f"{way}/hit@{k}" for way in (f"{text}_to_photo", f"photo_to_{text}") for k in (1, 5, 10)]
        for kind in ("metrics", "chance"):
            entry[kind][f"{text}_to_photo/rsum"] = metrics.rsum(entry[kind][hit] for hit in hits)


def _identity(name: str, items: Iterable[Item], gallery: Iterable[Item]) -> str:
    return identity_of({name: [_known(item) for item in (*items, *gallery)]})[name]["hash"]


def _known(item: Item) -> Item:
    """An item by what identifies it. Of what is rendered that is its id, its labels and the renderer's version: some
    pixels and strokes differ from one processor to another, which moves P@1 by 0.006 at most."""
    version = item.facts.get(RENDERED)
    return item if version is None else replace(item, content=f"rendered by version {version}", facts={})
