"""The answers of the charts of Results in words, made from the figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pages.language import tr
from pages.shared import by_reason, names, systems
from xmr.modality import Modality

_LEADING = ("hit@1", "p@1", "both@1", "auroc", "unwanted@10")  # the figure that a sentence is about, where it is there
_LOWER_IS_BETTER = ("unwanted@10",)


@dataclass(frozen=True)
class Figure:
    """One system's figure of one kind: its value, standard error and chance."""

    system: str
    metric: str
    value: float
    stderr: float
    chance: float | None


def best(figures: Sequence[Figure], question: str) -> str:
    """Which system answers a question best, how often it is right, and how the others do; empty where nothing of that
    was measured."""
    metric = next((name for name in _LEADING if any(figure.metric == name for figure in figures)), None)
    ranked = sorted(
        (figure for figure in figures if figure.metric == metric),
        key=lambda figure: figure.value * (1 if metric in _LOWER_IS_BETTER else -1),
    )
    if not metric or not ranked:
        return ""
    first, *others = ranked
    told = _sentence(metric, question).format(system=first.system, count=_of_100(first.value))
    if first.chance is not None:
        told += " " + tr("Guessing: {count}.", count=_of_100(first.chance))
    if others:
        told += " " + tr("Then {others}.", others=", ".join(f"{one.system} ({_of_100(one.value)})" for one in others))
    close = [one.system for one in others if abs(first.value - one.value) < 2 * math.hypot(first.stderr, one.stderr)]
    if close:
        told += " " + tr("Not clearly worse, with so few queries: {systems}.", systems=", ".join(close))
    return told


def _sentence(metric: str, question: str) -> str:
    sentences = {
        "both@1": tr("Of 100 queries, the first photo of **{system}** meets both parts in {count}."),
        "auroc": tr(
            "Of 100 pairs of queries, one for what is there and one for what is not, **{system}** tells {count} apart."
        ),
        "unwanted@10": tr("Of 100 photos that **{system}** shows first, {count} have what is not wanted."),
    }
    if question.endswith(("_to_text", "_to_text_en", "_to_text_de")) or "_to_text" in question.partition("/")[0]:
        return sentences.get(metric, tr("Of 100 photos, **{system}** finds a right text first for {count}."))
    return sentences.get(metric, tr("Of 100 queries, **{system}** finds a right photo first in {count}."))


def _of_100(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.005 or not share else tr("fewer than 1")


def absent(protocol: str, question: str, shown: Sequence[str]) -> str:
    """Why systems have no figures for a question; empty where all have."""
    reasons: dict[str, list[str]] = {}
    for name, config in systems().items():
        if name not in shown:
            reasons.setdefault(_reason(config["encoders"], protocol, question), []).append(name)
    return tr("Not in this test: {systems}.", systems=by_reason(reasons)) if reasons else ""


def _reason(encoders: dict[str, dict], protocol: str, question: str) -> str:
    for side in question.partition("/")[0].split("_to_"):
        kind, _, code = side.partition("_")
        if kind in set(Modality) and kind not in encoders:
            return tr("takes no {things}", things=names()[Modality(kind)])
        german = code == "de" or protocol.endswith("-de")
        if kind == Modality.TEXT and german and "de" not in encoders[kind].get("languages", ("de",)):
            return tr("takes no German words")
    return tr("not measured in it")


def half_found(curves: dict[str, Sequence[float]]) -> str:
    """Whose answers are right most often by the time that half of the right photos are found."""
    system = max(curves, key=lambda name: curves[name][len(curves[name]) // 2])
    count = _of_100(curves[system][len(curves[system]) // 2])
    return tr(
        "Until half of the right photos are found, {count} of 100 photos that **{system}** shows are right.",
        system=system,
        count=count,
    )


def nearest_to_the_truth(errors: dict[str, float]) -> str:
    """Whose stated probabilities come true most nearly."""
    system = min(errors, key=lambda name: errors[name])
    return tr(
        "How sure **{system}** says it is, is off by {points} points of 100 on average.",
        system=system,
        points=100 * errors[system],
    )


def own_nearest(scores: Sequence[Sequence[float]]) -> str:
    """Of how many queries the own photo scores highest; scores[query][photo], the own on the diagonal."""
    own = sum(max(range(len(row)), key=lambda column: row[column]) == at for at, row in enumerate(scores))
    return tr("Of {all} queries, {count} score highest with their own photo.", all=len(scores), count=own)
