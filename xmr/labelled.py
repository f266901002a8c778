"""Measures a system on a gallery whose photos have categories: its captions and drawings are the queries."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath

import numpy as np

from xmr import checkpoint
from xmr.compose import stated_match
from xmr.evaluation import Comparison, Protocol, Stated, Vectors, measure
from xmr.files import write_json
from xmr.gallery import Gallery
from xmr.home import models
from xmr.modality import BadInput, Item, Modality
from xmr.preprocess import PICTURE_SUFFIXES
from xmr.system import System

QUERIES = 1_000  # captions of each language, where they have to be encoded first
METRICS = ("hit@1", "hit@10", "p@1", "map")
_BATCH = 32


def evaluate_indexed(system: System, gallery: Gallery, sketches: Path | None) -> dict:
    """Measure a system on a gallery that holds its vectors: all captions, each as often as there are photos with it.

    Args:
        system: the system.
        gallery: photos with categories, as `_photos` reads them.
        sketches: a folder of <category>/<drawing>; None for none.

    Returns:
        {"system", "weights", "protocols"}, as in metrics.json.

    Raises:
        BadInput: no vectors of the system, or of fewer than two photos, photos without categories, or nothing to ask.
    """
    items = {item.id: item for item in _photos(gallery)}
    held = {modality: gallery.vectors(system, modality) for modality in (Modality.PHOTO, Modality.TEXT)}
    of_photo, of_text = (dict(zip(*held[modality], strict=True)) for modality in (Modality.PHOTO, Modality.TEXT))
    photos = [items[id] for id in of_photo if id in items]
    if len(photos) < 2:  # indexing was stopped
        raise BadInput(
            f"{gallery.path} holds vectors of {system.name} of {len(photos)} of its {len(items)} photos. Make the "
            f"others: {gallery.command()} --system {shlex.quote(system.name)}"
        )
    of_words: dict[tuple[str | None, object], np.ndarray] = {}
    captions: dict[str, list[Item]] = {}
    for text in gallery.texts():
        if text.id not in of_text:
            continue
        of_words[text.language, text.content] = of_text[text.id]
        for id in text.facts["photos"]:
            if id in of_photo and id in items:
                query = replace(items[id], modality=Modality.TEXT, content=text.content, language=text.language)
                captions.setdefault(str(text.language), []).append(query)

    def vectors(some: list[Item]) -> np.ndarray:
        match some[0].modality:
            case Modality.SKETCH:
                return system.encode_sketch([item.content for item in some])
            case Modality.TEXT:
                return np.stack([of_words[item.language, item.content] for item in some])
        return np.stack([of_photo[item.id] for item in some])

    protocols = {
        f"gallery-captions-{language}": _captions_measured(queries, photos, vectors)
        for language, queries in captions.items()
    }
    if sketches:
        protocols["gallery-sketches"] = _drawings_measured(list(_drawings(gallery, sketches)), photos, vectors)
    if not protocols:
        raise BadInput(
            f"The photos of {gallery.path} have no captions that {system.name} takes, so there is nothing to ask. Give "
            "drawings: --sketches DIR, which has DIR/<category>/<drawing>."
        )
    return {"system": system.name, "weights": system.weights, "protocols": protocols}


def evaluate_named(name: str, gallery: Gallery, sketches: Path | None, told: Callable[[str, int, int], None]) -> dict:
    """Measure a system on a gallery that need not hold its vectors. Of an adopted model, the figures go into its
    metrics.json, beside what other protocols found; of what ships, that file stays as it was published.

    Args:
        name: of a system that ships or was adopted.
        gallery: photos with categories, as `_photos` reads them.
        sketches: a folder of <category>/<drawing>; None for the gallery's own examples.
        told: is told how far it is.

    Returns:
        {"system", "weights", "protocols"}, as in metrics.json.

    Raises:
        BadInput: no such system, or photos without categories.
    """
    system, photos = checkpoint.load(name), _photos(gallery)
    vectors, stated = partial(_encoded, system, gallery, told, {}), partial(stated_match, system)
    protocols = {}
    for language in sorted(system.languages):
        queries: list[Item] = []
        for photo in photos[:: max(1, len(photos) // QUERIES)]:
            captions = gallery.captions(photo.id, language)
            if captions:
                text = captions[len(queries) % len(captions)][1]
                queries.append(replace(photo, modality=Modality.TEXT, content=text, language=language))
        if queries:
            protocols[f"gallery-captions-{language}"] = _captions_measured(queries, photos, vectors, stated)
    if Modality.SKETCH in system.encoders and (drawn := list(_drawings(gallery, sketches))):
        protocols["gallery-sketches"] = _drawings_measured(drawn, photos, vectors, stated)
    if name not in checkpoint.available(models()):
        return {"system": name, "weights": system.weights, "protocols": protocols}
    path = models() / name / "metrics.json"
    held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known = held.get("protocols", {}) if held.get("weights") == system.weights else {}
    report = {"system": name, "weights": system.weights, "protocols": known | protocols}
    write_json(path, report)
    return report


def _photos(gallery: Gallery) -> list[Item]:
    """The photos with their category as label: the fact, or where no photo has it, the name of the folder it lies in;
    BadInput if these are not two at least."""
    for category in (lambda facts: facts.get("category"), lambda facts: PurePath(facts.get("file", "")).parent.name):
        photos = [replace(item, labels=_label(category(item.facts))) for item in gallery]
        if len(frozenset[str]().union(*(item.labels for item in photos))) > 1:
            return photos
    raise BadInput(
        f"The photos of {gallery.path} have no categories, so nothing tells a match. Put those of each category into a "
        "folder of its name, or say it in a table captions.csv with the columns file and category; then index again."
    )


def _label(category: object) -> frozenset[str]:
    return frozenset({f"class:{category}"} if category else ())


def _drawings(gallery: Gallery, sketches: Path | None) -> Iterator[Item]:
    """Drawings with the category that they show."""
    if sketches is None:
        for name, drawing in gallery.examples().items():
            yield Item(name, Modality.SKETCH, drawing, _label(name))  # type: ignore[arg-type]
        return
    files = [file for file in sorted(sketches.glob("*/*")) if file.suffix.lower() in PICTURE_SUFFIXES]
    if not files:
        raise BadInput(f"There is no sketch {sketches}/<category>/<drawing>. Check the folder.")
    for file in files:
        yield Item(str(file), Modality.SKETCH, file, _label(file.parent.name))


def _captions_measured(queries: list[Item], photos: list[Item], vectors: Vectors, stated: Stated | None = None) -> dict:
    about = f"{len(queries)} captions, each against all photos but its own; relevant = same category."
    return _measured(about, queries, photos, vectors, stated, without_own=True)


def _drawings_measured(queries: list[Item], photos: list[Item], vectors: Vectors, stated: Stated | None = None) -> dict:
    known = frozenset[str]().union(*(photo.labels for photo in photos))
    if not any(query.labels & known for query in queries):
        drawn, shown = (
            sorted(label.removeprefix("class:") for label in some)[:5] for some in (queries[0].labels, known)
        )
        raise BadInput(
            f"No photo is of a category of the drawings, such as {drawn[0]}. Call their folders as the photos' "
            f"categories are called: {', '.join(shown)}."
        )
    about = f"{len(queries)} drawings against all photos; relevant = same category."
    return _measured(about, queries, photos, vectors, stated, without_own=False)


def _measured(
    about: str,
    queries: list[Item],
    photos: list[Item],
    vectors: Vectors,
    stated: Stated | None,
    without_own: bool,
) -> dict:
    """The entry of metrics.json of queries of one modality against the photos, by category."""
    kind = queries[0].modality
    asked = Comparison(
        f"{kind}_to_photo", (kind, queries[0].language), (Modality.PHOTO, None), "class", METRICS, without_own
    )
    return measure(Protocol("gallery", about, lambda split: queries, (asked,)), queries, vectors, photos, stated)


def _encoded(
    system: System,
    gallery: Gallery,
    told: Callable[[str, int, int], None],
    known: dict[str, np.ndarray],
    items: list[Item],
) -> np.ndarray:
    """(N, dim) vectors of items of one modality; those of photos are kept in `known`."""
    modality = items[0].modality
    if modality is Modality.PHOTO and len(known) == len(items):
        return np.stack([known[item.id] for item in items])
    rows = []
    for start in range(0, len(items), _BATCH):
        batch = items[start : start + _BATCH]
        contents = [gallery.thumb(item.id) if modality is Modality.PHOTO else item.content for item in batch]
        rows.append(system.encode(modality, contents))
        told(f"measuring {system.name}: {modality}", start + len(batch), len(items))
    found = np.concatenate(rows)
    if modality is Modality.PHOTO:
        known.update(zip([item.id for item in items], found, strict=True))
    return found
