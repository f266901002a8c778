"""The evaluator: protocol + vectors -> scores -> relevance -> metrics. It serves training, exported encoders and
galleries alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xmr import metrics
from xmr.modality import Item, Modality

Kind = tuple[Modality, str | None]  # a modality, with the language of texts or the style of drawings
Figures = dict[str, np.ndarray]  # metric -> (Q,) values
Vectors = Callable[[list[Item]], np.ndarray]  # items of one modality -> (N, dim) float32
# modalities of query and gallery, the queries' vectors (Q, dim), their answers' (Q, K, dim), the queries' numbers of
# words (Q,), None for what is no text -> probabilities (Q, K)
Stated = Callable[[Modality, Modality, np.ndarray, np.ndarray, Sequence[str | None]], np.ndarray | None]
QUERIES = 1024  # queries whose scores are in memory at a time
ANSWERS = 10  # answers per query whose probabilities are evaluated
SAYS_MORE = "says_more"  # a fact of texts that name a class and more: not all of its photos are what they ask for
WORST = 20  # queries of a comparison that are told apart


@dataclass(frozen=True)
class Comparison:
    """Queries of one kind against a gallery of another.

    Attributes:
        key: prefix of the metrics' names in metrics.json, as in key/metric.
        query: modality, and language or style, of the queries.
        gallery: modality, and language or style, of the gallery.
        kind: kind of the labels that make a match, as labels_of takes it.
        metrics: names that metrics.measure knows; or only "auroc", which measures how well the best score tells queries
            with a match from queries without one.
        without_own: leave out the gallery item with the query's id, which every query must have.
        averaged: texts with the same label count as one, whose vector is the mean of theirs, at unit length.
    """

    key: str
    query: Kind
    gallery: Kind
    kind: str
    metrics: tuple[str, ...]
    without_own: bool = False
    averaged: bool = False


@dataclass(frozen=True)
class Protocol:
    """A named evaluation. The items of a split search each other, or the items of `gallery`.

    Attributes:
        name: its name in metrics.json.
        about: one sentence about it.
        items: split -> queries.
        comparisons: what is measured; the sizes of the first one are "queries" and "gallery" in metrics.json.
        gallery: split -> items to search; None if the queries search each other.
    """

    name: str
    about: str
    items: Callable[[str], list[Item]]
    comparisons: tuple[Comparison, ...]
    gallery: Callable[[str], list[Item]] | None = None


def measure(
    protocol: Protocol,
    items: list[Item],
    vectors: Vectors,
    gallery: list[Item] | None = None,
    stated: Stated | None = None,
    worst: dict[str, list[dict]] | None = None,
) -> dict:
    """Evaluate a protocol.

    Args:
        protocol: the comparisons to make.
        items: the queries, of any modalities and languages.
        vectors: N items of one modality and language -> (N, dim).
        gallery: the items to search; None if the queries search each other, except themselves.
        stated: a system's probabilities of a match; compose.stated_match gives them.
        worst: takes the worst queries of each comparison, by its key, as worst_queries gives them.

    Returns:
        The entry of metrics.json. "stderr" is the standard error of the mean over queries; "curves" has the mean
        precision at recalls of 0, 0.1 .. 1; "gallery" is the number of items that a query searches and "dropped" the
        number of queries without a match, both of the first comparison. A comparison in which no query has a match has
        no metrics. "reliability" has the expected calibration error ("ece") of the probabilities of the first ten
        answers, and the bins of metrics.reliability, for the first comparison by class or image of each pair of kinds.
    """
    queries_of, gallery_of = by_kind(items), by_kind(items if gallery is None else gallery)
    compared = [c for c in protocol.comparisons if c.query in queries_of and c.gallery in gallery_of]
    query_emb = {kind: vectors(queries_of[kind]) for kind in dict.fromkeys(c.query for c in compared)}
    gallery_emb = dict(query_emb) if gallery is None else {}
    entry: dict = {"about": protocol.about, "queries": 0, "gallery": 0, "dropped": 0, "seeds": 1}
    entry |= {"metrics": {}, "stderr": {}, "chance": {}, "curves": {}}
    checked = set()
    for n, comparison in enumerate(compared):
        queries, found = queries_of[comparison.query], gallery_of[comparison.gallery]
        if comparison.gallery not in gallery_emb:
            gallery_emb[comparison.gallery] = vectors(found)
        without = None
        if gallery is None and comparison.query == comparison.gallery:
            without = np.arange(len(queries))
        elif comparison.without_own:
            row_of = {item.id: row for row, item in enumerate(found)}
            without = np.array([row_of[item.id] for item in queries])
        pair = query_emb[comparison.query], gallery_emb[comparison.gallery]
        if comparison.averaged:
            queries, query = _averaged(comparison.kind, queries, pair[0])
            found, answers = _averaged(comparison.kind, found, pair[1])
            pair = query, answers
        if comparison.metrics == ("auroc",):
            value, error = _answerable(comparison.kind, queries, found, *pair)
            entry |= {"queries": len(queries), "gallery": len(found)} if n == 0 else {}
            for kind, figure in (("metrics", value), ("stderr", error), ("chance", 0.5)):
                entry[kind][f"{comparison.key}/auroc"] = round(float(figure), 4)
            continue
        values, chance, curve = values_of(
            comparison.metrics,
            comparison.kind,
            queries,
            found,
            *pair,
            without,
        )
        dropped = np.isnan(curve[:, 0])
        if n == 0:
            searched = len(found) - (without is not None)
            entry |= {"queries": len(queries), "gallery": searched, "dropped": int(dropped.sum())}
        if dropped.all():
            continue
        entry["curves"][comparison.key] = np.nanmean(curve, axis=0).round(4).tolist()
        if worst is not None:
            worst[comparison.key] = worst_queries(comparison.kind, queries, found, *pair, without)
        for kind, figures in summary(values, chance).items():
            entry[kind] |= {f"{comparison.key}/{name}": figure for name, figure in figures.items()}
        kinds = comparison.query, comparison.gallery
        if stated and comparison.kind in ("class", "image") and kinds not in checked:
            checked.add(kinds)
            told, right = _first_answers(stated, comparison, queries, found, *pair, without)
            if told is not None:
                entry.setdefault("reliability", {})[comparison.key] = _reliability(told, right)
    return entry


@dataclass(frozen=True)
class Question:
    """A query of several terms, and which photos of a gallery answer it.

    Attributes:
        key: key/figure is what its figures are called in metrics.json.
        terms: the items that ask, each with its weight.
        marks: "<name>@<K>" -> (G,) bool; the share of the first K answers that have the mark is the figure.
        narrowed: (G,) bool, the photos that meet all terms but the first exactly: "ceiling@1" is whether the first
            term's best answer among them has the first mark; None: that isn't asked.
        as_many: the marks of which no more answers count than photos have them.
    """

    key: str
    terms: tuple[tuple[Item, float], ...]
    marks: Mapping[str, np.ndarray]
    narrowed: np.ndarray | None = None
    as_many: frozenset[str] = frozenset()

    @property
    def right(self) -> np.ndarray | None:
        """(G,) bool, the photos that show what is wanted and not what is unwanted; None if nothing is wanted."""
        wanted = self.marks.get("both@1", self.marks.get("wanted@10"))
        return None if wanted is None else wanted & ~self.marks.get("unwanted@10", np.zeros_like(wanted))


def measure_questions(
    about: str,
    questions: Sequence[Question],
    scores: Callable[[Question], np.ndarray],
    stated: Callable[[Question, np.ndarray], np.ndarray | None] | None = None,
) -> dict:
    """A protocol's entry of metrics.json from questions; chance: answers drawn at random.

    Args:
        about: what is asked, in some sentences.
        questions: all against one gallery.
        scores: a question -> (G,) how its photos rank, higher is better.
        stated: a question and the row numbers (K,) of photos -> (K,) a system's probability that each is right; None
            where it has none. With it the entry has the "reliability" of each key, as `measure` says.
    """
    values: dict[str, list[float]] = {}
    chance: dict[str, list[float]] = {}
    told: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for question in questions:
        order = np.argsort(-scores(question), kind="stable")
        first, right = order[:ANSWERS], question.right
        if stated and right is not None and (match := stated(question, first)) is not None:
            told.setdefault(question.key, []).append((match, right[first]))
        for mark, photos in question.marks.items():
            depth = int(mark.rpartition("@")[2])
            depth = min(depth, int(photos.sum())) if mark in question.as_many else depth
            values.setdefault(f"{question.key}/{mark}", []).append(float(photos[order[:depth]].mean()))
            chance.setdefault(f"{question.key}/{mark}", []).append(float(photos.mean()))
        if question.narrowed is not None:
            alone = scores(replace(question, terms=question.terms[:1]))
            best = np.where(question.narrowed, alone, -np.inf).argmax()
            photos = next(iter(question.marks.values()))
            values.setdefault(f"{question.key}/ceiling@1", []).append(float(photos[best]))
            chance.setdefault(f"{question.key}/ceiling@1", []).append(float(photos[question.narrowed].mean()))
    entry = {"about": about, "queries": len(questions), "gallery": len(photos), "dropped": 0, "seeds": 1, "curves": {}}
    entry |= summary(*({key: np.array(of) for key, of in found.items()} for found in (values, chance)))
    if told:
        both = {key: [np.concatenate(part) for part in zip(*of, strict=True)] for key, of in told.items()}
        entry["reliability"] = {key: _reliability(*part) for key, part in both.items()}
    return entry


def _reliability(stated: np.ndarray, right: np.ndarray) -> dict:
    error, bins = metrics.reliability(stated.ravel(), right.ravel())
    return {"ece": round(error, 4), "bins": [[round(mean, 4), round(share, 4), count] for mean, share, count in bins]}


def _answerable(
    kind: str, queries: list[Item], gallery: list[Item], query_emb: np.ndarray, gallery_emb: np.ndarray
) -> tuple[float, float]:
    """AUROC, and its standard error, of the best score as a detector of queries that have a match."""
    matched, best = [], []
    for part in _parts(queries):
        matched.append(relevance(queries[part], gallery, kind).any(axis=1))
        best.append((query_emb[part] @ gallery_emb.T).max(axis=1))
    known, score = np.concatenate(matched), np.concatenate(best)
    return metrics.auroc(score[known], score[~known])


def _first_answers(
    stated: Stated,
    comparison: Comparison,
    queries: list[Item],
    gallery: list[Item],
    query_emb: np.ndarray,
    gallery_emb: np.ndarray,
    without: np.ndarray | None,
) -> tuple[np.ndarray | None, np.ndarray]:
    """Of the first answers of the queries that have a match what is stated, (Q, K) float or None, and whether each is a
    match, (Q, K) bool. Texts that say more than their class count only for what is matched otherwise. Other arguments
    as in values_of."""
    told, right = [], []
    count = min(ANSWERS, len(gallery) - (without is not None))
    for part, relevant, scores in _compared(comparison.kind, queries, gallery, query_emb, gallery_emb, without):
        matched = relevant.any(axis=1)
        if comparison.kind == "class":
            matched &= ~np.array([SAYS_MORE in query.facts for query in queries[part]])
        if not matched.any():
            continue
        first = np.argsort(-scores[matched], axis=1, kind="stable")[:, :count]
        some = [queries[part][row] for row in np.flatnonzero(matched)]
        texts = [str(one.content) if one.modality is Modality.TEXT else None for one in some]
        vectors = query_emb[part][matched]
        told.append(stated(comparison.query[0], comparison.gallery[0], vectors, gallery_emb[first], texts))
        right.append(np.take_along_axis(relevant[matched], first, axis=1))
    known = [one for one in told if one is not None]
    if not known or len(known) < len(told):
        return None, np.zeros((0, count), bool)
    return np.concatenate(known), np.concatenate(right)


def _compared(
    kind: str,
    queries: list[Item],
    gallery: list[Item],
    query_emb: np.ndarray,
    gallery_emb: np.ndarray,
    without: np.ndarray | None,
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """For each part of the queries that part, what is relevant and all scores, (Q, G) each; the items to leave out are
    not relevant and score -inf. Arguments as in values_of."""
    for part in _parts(queries):
        relevant, scores = relevance(queries[part], gallery, kind), query_emb[part] @ gallery_emb.T
        if without is not None:
            scores[np.arange(len(scores)), without[part]] = -np.inf
            relevant[np.arange(len(scores)), without[part]] = False
        yield part, relevant, scores


def _averaged(kind: str, items: list[Item], emb: np.ndarray) -> tuple[list[Item], np.ndarray]:
    """Of texts one for each label of a kind, and the mean of its texts' vectors, at unit length; others as they are."""
    if items[0].modality is not Modality.TEXT:
        return items, emb
    rows: dict[str, list[int]] = {}
    for row, item in enumerate(items):
        for label in labels_of(item, kind):
            rows.setdefault(label, []).append(row)
    means = np.stack([emb[of].mean(axis=0) for of in rows.values()])
    whole = [replace(items[of[0]], id=label, labels=frozenset({label})) for label, of in rows.items()]
    return whole, means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)


def _parts(queries: Sequence[Item]) -> list[slice]:
    return [slice(start, start + QUERIES) for start in range(0, len(queries), QUERIES)]


def summary(values: Figures, chance: Figures) -> dict[str, dict[str, float]]:
    """Summarise the values of values_of as "metrics", "stderr" and "chance" of metrics.json."""
    found: dict[str, dict[str, float]] = {"metrics": {}, "stderr": {}, "chance": {}}
    for name, of_query in values.items():
        middle = np.nanmedian if name == "median_rank" else np.nanmean
        found["metrics"][name] = round(float(middle(of_query)), 4)
        found["chance"][name] = round(float(middle(chance[name])), 4)
        if name != "median_rank":
            count = (~np.isnan(of_query)).sum()
            found["stderr"][name] = round(float(np.nanstd(of_query) / np.sqrt(count)), 4)
    return found


def values_of(
    names: Sequence[str],
    kind: str,
    queries: list[Item],
    gallery: list[Item],
    query_emb: np.ndarray,
    gallery_emb: np.ndarray,
    without: np.ndarray | None = None,
) -> tuple[Figures, Figures, np.ndarray]:
    """Evaluate metrics query by query.

    Args:
        names: metrics that metrics.measure knows.
        kind: kind of the labels that make a match.
        queries: Q items.
        gallery: G items.
        query_emb: (Q, dim) vectors; the scores are their dot products with the gallery's.
        gallery_emb: (G, dim) vectors.
        without: (Q,) gallery row to leave out for each query; None for none.

    Returns:
        Each metric's values, (Q,); its chance levels, (Q,); and precision-recall curves (Q, 11). NaN for queries
        without a match.
    """
    values: dict[str, list[np.ndarray]] = {name: [] for name in names}
    chance: dict[str, list[np.ndarray]] = {name: [] for name in names}
    curves = []
    for part in _parts(queries):
        relevant = relevance(queries[part], gallery, kind)
        scores = query_emb[part] @ gallery_emb.T  # (Q, G)
        if without is not None:
            others = np.arange(len(gallery)) != without[part, None]
            relevant, scores = (array[others].reshape(len(array), -1) for array in (relevant, scores))
        curves.append(metrics.precision_recall_curve(scores, relevant))
        for name in names:
            values[name].append(metrics.measure(name, scores, relevant))
            chance[name].append(metrics.chance(name, relevant))
    of_all, by_chance = ({name: np.concatenate(parts) for name, parts in found.items()} for found in (values, chance))
    return of_all, by_chance, np.concatenate(curves)


def worst_queries(
    kind: str,
    queries: list[Item],
    gallery: list[Item],
    query_emb: np.ndarray,
    gallery_emb: np.ndarray,
    without: np.ndarray | None = None,
) -> list[dict]:
    """The queries whose first match comes last, the worst first. Arguments as in values_of.

    Returns:
        Of each "query" the "rank" of its first match, from 1, and "found": what came first. Names of classes, and
        other texts that have one, are told as they are; all else by its id, since a data set's captions are its own.
    """
    told: list[dict] = []
    for part, relevant, scores in _compared(kind, queries, gallery, query_emb, gallery_emb, without):
        best = np.where(relevant, scores, -np.inf).max(axis=1)  # (Q,)
        ranks, first = (scores > best[:, None]).sum(axis=1) + 1, scores.argmax(axis=1)
        told += [
            {"query": _said(queries[part][row]), "rank": int(ranks[row]), "found": _said(gallery[first[row]])}
            for row in np.flatnonzero(relevant.any(axis=1))
        ]
    return sorted(told, key=lambda query: -query["rank"])[:WORST]


def _said(item: Item) -> str:
    named = item.modality is Modality.TEXT and labels_of(item, "class")
    return str(item.content) if named else item.id


def relevance(queries: Sequence[Item], gallery: Sequence[Item], kind: str) -> np.ndarray:
    """(Q, G) bool: whether a query and a gallery item share a label of this kind."""
    columns: dict[str, list[int]] = {}
    for column, item in enumerate(gallery):
        for label in labels_of(item, kind):
            columns.setdefault(label, []).append(column)
    relevant = np.zeros((len(queries), len(gallery)), bool)
    for row, item in enumerate(queries):
        for label in labels_of(item, kind):
            relevant[row, columns.get(label, [])] = True
    return relevant


def labels_of(item: Item, kind: str) -> frozenset[str]:
    """The item's labels of one kind: "class", "instance", "image" or "tag" (one of several things in it). Labels start
    with their kind, as in "class:horse"."""
    return frozenset(label for label in item.labels if label.startswith(kind + ":"))


def by_kind(items: Iterable[Item]) -> dict[Kind, list[Item]]:
    """Group items by modality and language or style."""
    found: dict[Kind, list[Item]] = {}
    for item in items:
        found.setdefault((item.modality, item.language or item.facts.get("style")), []).append(item)
    return found
