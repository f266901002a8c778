"""Checks one copy of a data set: reads every split, counts the items, and compares them with a complete copy.

print(check("flickr30k", "/data/flickr30k").line())
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from training.datasets import MissingData, catalogue, labels_of
from training.datasets.reading import Skips
from xmr.modality import BadInput, Item, Modality


@dataclass
class Check:
    """The contents of one copy of a data set.

    Attributes:
        counts:   by split, numbers of photos, sketches and captions_<language>.
        found:    the same over all splits, and the number of classes.
        expected: the counts of a complete copy.
        skips:    what was left out.
        shared:   ids that are in two splits, which an adapter must avoid.
        samples:  a few items.
    """

    name: str
    root: Path
    counts: dict[str, Counter]
    found: dict[str, int]
    expected: dict[str, int]
    skips: Skips
    shared: list[str]
    samples: list[Item] = field(default_factory=list)

    def line(self) -> str:
        """A summary in one line: the counts, compared with those of a complete copy."""
        parts = []
        for key in [*self.found, *(key for key in self.expected if key not in self.found)]:
            count, whole = self.found.get(key, 0), self.expected.get(key)
            against = "" if whole is None else " as expected" if count == whole else f" of {whole:,} expected"
            parts.append(f"{count:,} {_kind_in_words(key)}{against}")
        shared = f"; {len(self.shared):,} ids in two splits ({self.shared[0]}, ...)" if self.shared else ""
        return f"{self.name}: {', '.join(parts)}; {self.skips.line()}{shared}"


def check(name: str, root: str | Path | None = None) -> Check:
    """Read all splits of a data set, count the items, and compare with the counts of a complete copy.

    Raises:
        MissingData, BadInput: as catalogue.load, or nothing was found.
    """
    data, skips = catalogue.get(name), Skips()
    root = catalogue.root_of(data, root)
    counts: dict[str, Counter] = {}
    seen: dict[str, str] = {}
    kinds, shared, samples, missing = set(), [], [], None
    for split in data.splits:
        try:
            items = catalogue.read_split(data, root, split, skips)
        except MissingData as error:
            missing, items = error, []
            skips.add("splits that are missing", split)
        counts[split] = Counter(map(kind_of, items))
        for item in items:
            if seen.setdefault(item.id, split) != split:
                shared.append(item.id)
            kinds |= labels_of(item, "class")
        if not samples and items:
            firsts = {kind_of(item): item for item in reversed(items)}
            samples = list({item.id: item for item in (*firsts.values(), *items)}.values())[:3]
    total = sum(counts.values(), Counter())
    if not total and missing:
        raise missing
    if not total:
        raise BadInput(
            f"{root} is there, but nothing of {name} was found in it: {skips.line()}. Expected: {data.layout}."
        )
    found = dict(total) | ({"classes": len(kinds)} if kinds else {})
    return Check(name, root, counts, found, data.expected(root), skips, shared, samples)


def kind_of(item: Item) -> str:
    """The counter of an item: photos, sketches, captions_en, captions_de or captions."""
    if item.modality is Modality.TEXT:
        return f"captions_{item.language}" if item.language else "captions"
    return {"photo": "photos", "sketch": "sketches"}[item.modality]


def _kind_in_words(kind: str) -> str:
    name, _, language = kind.partition("_")
    return f"{name} ({language})" if language else name
