"""`python -m training calibrate`: from a score to the probability of a match, by a logistic curve for each kind of
query (Platt 1999), which depends on how finished a drawing looks, how long a text is, and what a composer reads in
it."""

import argparse
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.datasets import MissingData, demo, unit_hash
from training.datasets.mixed import ALONE, Facts, alone
from training.datasets.protocols import IN_FOLDS, PROTOCOLS, find
from training.learn.evaluation import encoder_vectors, mixed_questions
from training.learn.run_record import trained_on
from training.options import add_folders, add_system
from training.release.card import write_card
from training.release.evaluate import evaluate
from xmr import checkpoint
from xmr.calibration import Answers, asks_for_several, completeness, curve, length, mixed, platt
from xmr.composer import Composer
from xmr.evaluation import SAYS_MORE, Protocol, relevance
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
    "typed-demo": "class",
}
SHARE_ALONE = 2.0  # of a data set's weight, that of words for a colour, a place and so on; chosen on val
PART = 256  # texts that a composer reads at a time
ASKED = ((SKETCH, PHOTO), (TEXT, PHOTO), (PHOTO, PHOTO), (PHOTO, TEXT))  # query, gallery


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_system(parser)
    add_folders(parser, "--checkpoints")


def run(args: argparse.Namespace) -> None:
    """Calibrate a published system anew, and measure it; its graphs stay, and so do the curves whose data is not here.
    Raises BadInput."""
    folder, config = args.checkpoints / args.system, checkpoint.describe(args.system, args.checkpoints)
    sign_calibrated(folder, config, frozenset(map(Modality, config["encoders"])), new_graphs=False)
    evaluate(args.system, args.checkpoints)
    write_card(folder)


def sign_calibrated(folder: Path, config: dict[str, Any], anew: frozenset[Modality], new_graphs: bool = True) -> None:
    """Sign a checkpoint whose graphs are there, with the curves of all kinds of queries in which one of these
    modalities takes part fitted anew, as far as their data is here.

    Args:
        folder:     the checkpoint.
        config:     what else it says, and the curves from before; gets those of today.
        anew:       the modalities.
        new_graphs: whether their graphs, or the composer, are others than those that the curves from before are of;
            else a curve stays until there is another.
    """

    def takes_part(asked: str) -> bool:
        return asked.startswith("mixed") or bool(anew & set(asked.split("_to_")))

    before = {
        asked: one for asked, one in config.get("calibration", {}).items() if not (new_graphs and takes_part(asked))
    }
    config["calibration"] = before
    checkpoint.sign(folder, config)
    system = checkpoint.load(folder.name, folder.parent)
    vectors = encoder_vectors(system)
    with trained_on(folder):
        curves, reader = calibrate(
            vectors, config["protocols"], system.encoders, anew, system.languages, system.composer, system.names
        )
    config["calibration"] = before | curves
    if f"{SKETCH}_to_{PHOTO}" in curves:  # fitted with this reader, or without one
        config.pop("completeness", None)
        config |= {"completeness": reader} if reader else {}
    checkpoint.sign(folder, config)
    if "composer" in config:
        system = checkpoint.load(folder.name, folder.parent)
        curves |= calibrate_mixed(system, vectors)
        config["calibration"] = before | curves
        checkpoint.sign(folder, config)
    if staying := list(filter(takes_part, sorted(before.keys() - curves))):
        print(f"{folder.name}: what tells a match is not here for {', '.join(staying)}: as before")


def calibrate(
    vectors: Callable[[list[Item]], np.ndarray],
    protocols: Iterable[str],
    modalities: Collection[Modality],
    anew: Collection[Modality],
    languages: Collection[str] | None = None,
    composer: Composer | None = None,
    names: Sequence[frozenset[str]] = (),
) -> tuple[dict[str, dict[str, float]], list[float]]:
    """The "calibration" and the "completeness" of config.json, from val items.

    A match has the same class, or in Flickr8k the same image; a caption fits a photo only if it is of that image, and
    one that says more than a class does not count for that. The lengths of texts count, and whether they ask for
    several things, and where there are halves of drawings, how finished a drawing looks; and of texts that ask for
    photos what a composer reads in them, which learns from words for colours and places too, by world-mixed.

    Args:
        vectors: the exported encoders.
        protocols: the system's, of which those in CALIBRATED, and those of a data set, count whose data is there.
        modalities: the system's.
        anew: between two that are not among these nothing is calibrated.
        languages: of the texts that count; None: all.
        composer: the system's.
        names: the system's names of several words.

    Returns:
        By kind of query, such as "text_to_photo", the numbers of xmr.calibration.curve; and the reader that
        xmr.calibration.completeness takes, empty where drawings aren't calibrated anew or have no halves.
    """
    pairs = [pair for pair in ASKED if set(pair) <= set(modalities) and set(pair) & set(anew)]
    known: dict[str, tuple[dict[Modality, list[Item]], bool, str]] = {}
    for name in protocols:
        try:
            protocol = find(name)
            if not (kind := _matched_by(protocol)):
                continue
            items, apart = protocol.items("val"), protocol.gallery
            items = items + apart("val") if apart else items
            items = [i for i in items if languages is None or i.language in (None, *languages)]
            items = [i for i in items if not (kind == "class" and SAYS_MORE in i.facts)]
        except MissingData:
            continue
        groups = {m: of for m in modalities if (of := [i for i in items if i.modality is m])}
        known[name] = groups, bool(apart), kind
    drawn = {item.id: item for groups, *_ in known.values() for item in groups.get(SKETCH, ())}
    reader, read = [], {}
    if SKETCH in {query for query, _ in pairs} and any(map(_half, drawn.values())):
        reader, read = read_completeness(list(drawn.values()), vectors)
    found: dict[str, list[Answers]] = {}
    for groups, apart, kind in known.values():
        told = [
            (query, gallery)
            for query, gallery in pairs
            if {query, gallery} <= groups.keys()
            and not (query is gallery and (apart or kind == "image"))
            and not (gallery is TEXT and kind != "image")
        ]
        emb = {m: vectors(groups[m]) for m in dict.fromkeys(m for pair in told for m in pair)}
        for query, gallery in told:
            relevant = relevance(groups[query], groups[gallery], kind)
            scores = emb[query] @ emb[gallery].T
            if query is gallery:
                np.fill_diagonal(scores, -1.0)  # a photo never finds itself
            lengths = surest = several = None
            if query is TEXT:
                lengths, several = _lengths(groups[query]), _several(groups[query], names)
                if composer and gallery is PHOTO:
                    surest = _odds(composer, emb[query], emb[gallery])
            elif query is SKETCH and reader:
                lengths = np.array([read[item.id] for item in groups[query]])
            answers = Answers(scores, relevant, lengths, surest, several)
            found.setdefault(f"{query}_to_{gallery}", []).append(answers)
    if composer and (texts := found.get(f"{TEXT}_to_{PHOTO}")):
        texts += _alone(composer, vectors, names)
    return {asked: curve(answers) for asked, answers in found.items()}, reader


def _alone(
    composer: Composer, vectors: Callable[[list[Item]], np.ndarray], names: Sequence[frozenset[str]]
) -> list[Answers]:
    """The answers to val's words for a colour, a place and so on, of each kind; none without the demo gallery."""
    try:
        facts = Facts(demo.items())
    except MissingData:
        return []
    photos, found = vectors(facts.photos), []
    kinds = [questions for kind in ALONE if (questions := list(alone(facts, "val", kind)))]
    for questions in kinds:
        texts = [question.terms[0][0] for question in questions]
        emb, relevant = vectors(texts), np.stack([question.right for question in questions])
        odds, share = _odds(composer, emb, photos), SHARE_ALONE / len(kinds)
        found.append(Answers(emb @ photos.T, relevant, _lengths(texts), odds, _several(texts, names), share))
    return found


def _lengths(texts: Sequence[Item]) -> np.ndarray:
    """(T,), as xmr.calibration.length gives them."""
    return np.array([length(str(item.content)) for item in texts])


def _several(texts: Sequence[Item], names: Sequence[frozenset[str]]) -> np.ndarray:
    """(T,) bool, as xmr.calibration.asks_for_several gives it."""
    return np.array([asks_for_several(str(item.content), names) for item in texts])


def _odds(composer: Composer, terms: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """(T, P) the log-odds that a composer gives photos (P, dim) of meeting texts (T, dim), each asked by itself."""
    parts = (terms[start : start + PART] for start in range(0, len(terms), PART))
    read = [composer(part, [TEXT] * len(part)) for part in parts]
    return np.concatenate([readers @ photos.T + biases[:, None] for readers, biases, _ in read])


def read_completeness(
    drawn: Sequence[Item], vectors: Callable[[list[Item]], np.ndarray]
) -> tuple[list[float], dict[str, float]]:
    """What tells whole drawings from their first halves by their vectors, and what it says of drawings.

    Args:
        drawn: drawings, some of them with halves (training.datasets.hands.halves).
        vectors: the exported encoders.

    Returns:
        The weights of a logistic regression and its intercept, as xmr.calibration.completeness takes them; and by id
        what is read of each drawing. Those that it is fitted to are read by what was fitted to others, in two folds, as
        drawings that are new will be.
    """
    emb = vectors(list(drawn))
    half, whole = np.array([_half(item) for item in drawn]), [item.id.removesuffix("#half") for item in drawn]
    halved = {name for name, begun in zip(whole, half, strict=True) if begun}
    paired = np.array([name in halved for name in whole])
    fold = np.array([unit_hash(name, "completeness") < 0.5 for name in whole])

    def fitted(rows: np.ndarray) -> list[float]:
        weights, intercept = platt(emb[rows].T, ~half[rows], np.ones(int(rows.sum())))
        return [round(value, 4) for value in (*weights, intercept)]

    reader = fitted(paired)
    by_other = [completeness(fitted(paired & (fold != one)), emb) for one in (True, False)]
    read = np.where(paired, np.where(fold, *by_other), completeness(reader, emb))
    return reader, dict(zip([item.id for item in drawn], read.tolist(), strict=True))


def _half(item: Item) -> bool:
    return item.facts.get("style") == "half"


def _matched_by(protocol: Protocol) -> str:
    """The kind of labels by which a protocol's val items match; empty: they don't tell. Tags match too much, and the
    val items of a protocol in folds are those of the whole."""
    if protocol.name in PROTOCOLS or protocol.name.endswith(IN_FOLDS):
        return CALIBRATED.get(protocol.name, "")
    kind = protocol.comparisons[0].kind
    return "" if kind == "tag" else kind


def calibrate_mixed(system: System, vectors: Callable[[list[Item]], np.ndarray]) -> dict[str, dict[str, float]]:
    """By the names of xmr.calibration.mixed the curves of what a composer's ranking gives to queries of several wanted
    terms, from world-mixed's val questions, of whose answers the first 20 count; none where these are not here."""
    try:
        asked, ranked, gallery = mixed_questions(system, "val", vectors)
    except MissingData:
        return {}
    found: dict[str, dict[str, list[tuple[np.ndarray, ...]]]] = {}
    for question in asked:
        right, evidence = question.right, ranked(question).evidence
        kinds = [item.modality for item, weight in question.terms if weight > 0]
        if right is not None and evidence and len(kinds) > 1:
            for name in (mixed(kinds), mixed(())):
                found.setdefault(name, {}).setdefault(question.key, []).append((right, *evidence(gallery)))
    curves = {}
    for name, keys in found.items():
        sets = [[np.stack(part) for part in zip(*parts, strict=True)] for parts in keys.values()]
        curves[name] = curve([Answers(scores, right, rarely, surest) for right, scores, rarely, surest in sets])
    return curves
