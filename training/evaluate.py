"""Vectors -> scores -> relevance -> metrics: a protocol's figures, the same for towers and for exported encoders.

`python -m training evaluate` runs a checkpoint's protocols on the test items through the exported encoders; training's
validation runs them on the val items through the towers.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.datasets import MissingData, labels_of, picture
from training.datasets.protocols import TEXT, Protocol, by_kind, find
from xmr import checkpoint, metrics
from xmr.modality import BadInput, Item, Modality
from xmr.system import System

Figures = dict[str, np.ndarray]  # metric -> (Q,) values
Vectors = Callable[[list[Item]], np.ndarray]  # items of one modality -> (N, dim) float32
QUERIES = 1024  # whose scores are in memory at a time


def measure(protocol: Protocol, items: list[Item], vectors: Vectors, gallery: list[Item] | None = None) -> dict:
    """One protocol's entry of metrics.json.

    `spread` is the standard error of the mean over queries; `curves` has the mean precision at recalls of 0, 0.1 .. 1;
    `dropped` counts the first comparison's queries that match
    nothing. `gallery`: what the items are searched in; without it, one another, but none finds itself.
    """
    asked, held = by_kind(items), by_kind(items if gallery is None else gallery)
    compared = [c for c in protocol.comparisons if c.query in asked and c.gallery in held]
    query_emb = {kind: vectors(asked[kind]) for kind in dict.fromkeys(c.query for c in compared)}
    gallery_emb = dict(query_emb) if gallery is None else {}
    entry: dict = {"about": protocol.about, "queries": 0, "gallery": 0, "dropped": 0, "seeds": 1}
    entry |= {"metrics": {}, "spread": {}, "chance": {}, "curves": {}}
    for n, comparison in enumerate(compared):
        query, found = comparison.query, held[comparison.gallery]
        if comparison.gallery not in gallery_emb:
            gallery_emb[comparison.gallery] = vectors(found)
        itself = gallery is None and query == comparison.gallery
        values, chance, curve = values_of(
            comparison.metrics, comparison.kind, asked[query], found, query_emb[query],
            gallery_emb[comparison.gallery], itself,
        )  # fmt: skip
        if n == 0:
            dropped = int(np.isnan(chance[comparison.metrics[0]]).sum())
            entry |= {"queries": len(asked[query]), "gallery": len(found), "dropped": dropped}
        entry["curves"][comparison.key] = np.nanmean(curve, axis=0).round(4).tolist()
        for kind, figures in summary(values, chance).items():
            entry[kind] |= {f"{comparison.key}/{name}": figure for name, figure in figures.items()}
    return entry


def summary(values: Figures, chance: Figures) -> dict[str, dict[str, float]]:
    """The "metrics", "spread" and "chance" of metrics.json, by metric, from what values_of gives."""
    found: dict[str, dict[str, float]] = {"metrics": {}, "spread": {}, "chance": {}}
    for name, of_query in values.items():
        middle = np.nanmedian if name == "median_rank" else np.nanmean
        found["metrics"][name] = round(float(middle(of_query)), 4)
        found["chance"][name] = round(float(middle(chance[name])), 4)
        if name != "median_rank":
            count = (~np.isnan(of_query)).sum()
            found["spread"][name] = round(float(np.nanstd(of_query) / np.sqrt(count)), 4)
    return found


def values_of(
    names: Sequence[str], kind: str, queries: list[Item], gallery: list[Item], query_emb: np.ndarray,
    gallery_emb: np.ndarray, itself: bool,
) -> tuple[Figures, Figures, np.ndarray]:  # fmt: skip
    """Each metric's values and what chance gives, (Q,) each, and the precision-recall curves (Q, 11); NaN for a query
    that nothing matches by that kind of label. `itself`: query n is gallery item n, and no answer."""
    values, chance = ({name: [] for name in names} for _ in range(2))
    curves = []
    for start in range(0, len(queries), QUERIES):
        some = queries[start : start + QUERIES]
        relevant = relevance(some, gallery, kind)
        scores = query_emb[start : start + QUERIES] @ gallery_emb.T  # (Q, G)
        if itself:
            others = ~np.eye(len(some), len(gallery), start, dtype=bool)
            relevant, scores = (a[others].reshape(len(some), -1) for a in (relevant, scores))
        curves.append(metrics.precision_recall_curve(scores, relevant))
        for name in names:
            values[name].append(metrics.measure(name, scores, relevant))
            chance[name].append(metrics.chance(name, relevant))
    values, chance = ({name: np.concatenate(parts) for name, parts in found.items()} for found in (values, chance))
    return values, chance, np.concatenate(curves)


def relevance(queries: list[Item], gallery: list[Item], kind: str) -> np.ndarray:
    """(Q, G) bool: whether the two items' labels of that kind intersect."""
    columns: dict[str, list[int]] = {}
    for column, item in enumerate(gallery):
        for label in labels_of(item, kind):
            columns.setdefault(label, []).append(column)
    relevant = np.zeros((len(queries), len(gallery)), bool)
    for row, item in enumerate(queries):
        for label in labels_of(item, kind):
            relevant[row, columns.get(label, [])] = True
    return relevant


def encoder_vectors(system: System) -> Vectors:
    """Vectors through the exported encoders, a few pictures in memory at a time."""

    def vectors(items: list[Item]) -> np.ndarray:
        modality = items[0].modality
        opened = (lambda item: item.content) if modality is TEXT else picture
        batches = (items[start : start + 32] for start in range(0, len(items), 32))
        return np.concatenate([system.encode(modality, [opened(item) for item in batch]) for batch in batches])

    return vectors


def on_test(
    name: str, modalities: Collection[Modality], vectors: Vectors, progress: Callable[[str], None] = print,
    languages: Collection[str] | None = None,
) -> dict | None:  # fmt: skip
    """A protocol's entry on its test items, of what can be asked in these modalities and languages (without any named,
    in all); None, and a word on it, where its data is not there or holds nothing of the kind."""
    try:
        protocol = find(name)
        items = protocol.items("test")
        gallery = protocol.gallery("test") if protocol.gallery else None
    except MissingData as error:
        progress(f"{name}: skipped. {error}")
        return None
    able = tuple(
        c for c in protocol.comparisons
        if {c.query[0], c.gallery[0]} <= set(modalities)
        and (languages is None or {c.query[1], c.gallery[1]} <= {None, *languages})
    )  # fmt: skip
    entry = measure(replace(protocol, comparisons=able), items, vectors, gallery)
    if not entry["metrics"]:
        progress(f"{name}: skipped. Its data holds nothing that could be asked by {', '.join(modalities)}.")
        return None
    return entry


def evaluate(name: str, root: Path, wanted: list[str] | None = None, progress: Callable[[str], None] = print) -> dict:
    """Run the protocols that a checkpoint may claim (all, or those wanted), and write its metrics.json.

    Those whose data is not there are left as they were, unless the weights have changed since.

    Raises:
        BadInput: a protocol that its config.json doesn't list. The list is the recipe's `protocols`, which leaves out
            whatever tests what the system was trained on.
    """
    system = checkpoint.load(name, root)
    claimed = system.config.get("protocols", ())
    asked = list(wanted or claimed)
    refused = [one for one in asked if one not in claimed]
    if refused or not asked:
        raise BadInput(
            f"{root / name / 'config.json'} doesn't list {', '.join(refused) or 'any protocol'} among those that "
            f"{name} may claim ({', '.join(claimed) or 'none'}). If training saw nothing of its test items, add it to "
            f"the recipe's `protocols` and publish again: python -m training publish {name}"
        )
    path = root / name / "metrics.json"
    held: Mapping = json.loads(path.read_text()) if path.is_file() else {}
    known = held["protocols"] if held.get("weights") == system.weights else {}
    protocols = {one: entry for one, entry in known.items() if one in claimed}
    report = {"system": system.name, "weights": system.weights, "protocols": protocols}
    _write(path, report)
    for one in asked:
        if (entry := on_test(one, system.encoders, encoder_vectors(system), progress)) is None:
            continue
        protocols[one] = entry
        progress(f"{one}: {json.dumps(entry['metrics'])}")
        _write(path, report)  # each at once: the next may fail
    return report


def _write(path: Path, report: dict) -> None:
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
