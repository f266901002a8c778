"""Protocols: which items are held against which, by which labels, in which metrics; the same for towers and encoders.

`python -m training evaluate` runs them on the test items through the exported encoders; training's validation runs
them on the val items through the towers.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.datasets import MissingData, chairv2, flickr8k, labels_of, picture, sketchy25, world
from training.datasets.names import phrases
from xmr import checkpoint, metrics
from xmr.modality import Item, Modality
from xmr.system import System

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
Vectors = Callable[[list[Item]], np.ndarray]  # items of one modality -> (N, dim) float32


@dataclass(frozen=True)
class Comparison:
    """Queries of one kind against a gallery of another: `key`/metric is what it is called in metrics.json."""

    key: str
    query: tuple[Modality, str | None]  # modality, and the language for text
    gallery: tuple[Modality, str | None]
    kind: str  # of the labels that make a match: class, instance or image
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """A named evaluation. The first comparison's sizes are what "queries" and "gallery" say."""

    name: str
    about: str
    items: Callable[[str], list[Item]]
    comparisons: tuple[Comparison, ...]


HITS = ("hit@1", "hit@5", "hit@10")
CATEGORY = ("p@1", "p@10", "map")


def _flickr(language: str) -> Protocol:
    def items(split: str) -> list[Item]:
        every = [i for i in flickr8k.items(split) if i.modality is PHOTO or i.language == language]
        told = {label for i in every if i.modality is TEXT for label in i.labels}
        return [i for i in every if i.labels & told]

    text, photo = (TEXT, language), (PHOTO, None)
    called = {"en": "English", "de": "German"}[language]
    return Protocol(
        f"flickr8k-test-{language}",
        f"Flickr8k's 1,000-photo test: the photos that have {called} captions, and all those captions.",
        items,
        (
            Comparison("text_to_photo", text, photo, "image", (*HITS, "median_rank")),
            Comparison("photo_to_text", photo, text, "image", (*HITS, "median_rank")),
        ),
    )


def _with_names(items: list[Item]) -> list[Item]:
    """The items and, as texts, what a person would type for each of their classes."""
    found = []
    for label in sorted({label for item in items for label in labels_of(item, "class")}):
        for language, texts in phrases(label.removeprefix("class:")).items():
            labels = frozenset({label})
            found += [Item(f"{label}#{language}{n}", TEXT, t, labels, language) for n, t in enumerate(texts)]
    return items + found


SKETCH_COMPARISONS = (
    Comparison("sketch_to_photo/category", (SKETCH, None), (PHOTO, None), "class", CATEGORY),
    Comparison("sketch_to_photo/instance", (SKETCH, None), (PHOTO, None), "instance", (*HITS, "median_rank")),
)
TEXT_COMPARISONS = tuple(
    Comparison(f"text_{language}_to_photo/category", (TEXT, language), (PHOTO, None), "class", CATEGORY)
    for language in ("en", "de")
)

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "world-test",
            "Rendered photos, drawings and captions of instances never trained on; text queries are whole captions.",
            world.items,
            (
                *SKETCH_COMPARISONS,
                *TEXT_COMPARISONS,
                *(
                    Comparison(f"text_{language}_to_photo/image", (TEXT, language), (PHOTO, None), "image", HITS)
                    for language in ("en", "de")
                ),
                Comparison("photo_to_photo/category", (PHOTO, None), (PHOTO, None), "class", CATEGORY),
            ),
        ),
        _flickr("en"),
        _flickr("de"),
        Protocol(
            "sketchy25-heldout",
            "Photos of all 125 Sketchy classes held out by photo id, with all sketches of them; text queries are class "
            "names in five phrasings.",
            lambda split: _with_names(sketchy25.items(split)),
            (*SKETCH_COMPARISONS, *TEXT_COMPARISONS),
        ),
        Protocol(
            "chairv2-test",
            "QMUL ChairV2: human sketches against the photos of the same part; instance.",
            chairv2.items,
            SKETCH_COMPARISONS[1:],
        ),
    )
}


def measure(protocol: Protocol, items: list[Item], vectors: Vectors) -> dict:
    """One protocol's entry of metrics.json.

    `spread` is the standard error of the mean over queries; `dropped` counts the first comparison's queries that match
    nothing in the gallery. A photo held against photos never meets itself.
    """
    groups: dict[tuple, list[Item]] = {}
    for item in items:
        groups.setdefault((item.modality, item.language), []).append(item)
    emb = {kind: vectors(found) for kind, found in groups.items()}
    entry: dict = {"about": protocol.about, "queries": 0, "gallery": 0, "dropped": 0, "seeds": 1}
    entry |= {"metrics": {}, "spread": {}, "chance": {}}
    for n, comparison in enumerate(protocol.comparisons):
        queries, gallery = groups.get(comparison.query, []), groups.get(comparison.gallery, [])
        if not queries or not gallery:
            continue
        relevant = relevance(queries, gallery, comparison.kind)
        scores = emb[comparison.query] @ emb[comparison.gallery].T  # (Q, G)
        if comparison.query == comparison.gallery:
            off = ~np.eye(len(queries), dtype=bool)
            relevant, scores = (a[off].reshape(len(queries), -1) for a in (relevant, scores))
        if n == 0:
            dropped = int((~relevant.any(axis=1)).sum())
            entry |= {"queries": len(queries), "gallery": len(gallery), "dropped": dropped}
        for name in comparison.metrics:
            values, key = metrics.measure(name, scores, relevant), f"{comparison.key}/{name}"
            middle = np.nanmedian if name == "median_rank" else np.nanmean
            entry["metrics"][key] = round(float(middle(values)), 4)
            entry["chance"][key] = round(float(middle(metrics.chance(name, relevant))), 4)
            if name != "median_rank":
                entry["spread"][key] = round(float(np.nanstd(values) / np.sqrt((~np.isnan(values)).sum())), 4)
    return entry


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


def evaluate(name: str, root: Path, wanted: list[str] | None = None, progress: Callable[[str], None] = print) -> dict:
    """Run the protocols (all, or those wanted) on a checkpoint, and write its metrics.json; those whose data is not
    there are left as they were, unless the weights have changed since."""
    system = checkpoint.load(name, root)
    path = root / name / "metrics.json"
    held: Mapping = json.loads(path.read_text()) if path.is_file() else {}
    protocols = dict(held.get("protocols", {})) if held.get("weights") == system.weights else {}
    for protocol in PROTOCOLS.values():
        if wanted and protocol.name not in wanted:
            continue
        try:
            items = protocol.items("test")
        except MissingData as error:
            progress(f"{protocol.name}: skipped. {error}")
            continue
        protocols[protocol.name] = measure(protocol, items, encoder_vectors(system))
        progress(f"{protocol.name}: {json.dumps(protocols[protocol.name]['metrics'])}")
    report = {"system": system.name, "weights": system.weights, "protocols": protocols}
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report
