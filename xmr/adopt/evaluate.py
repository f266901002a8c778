"""Measures an adopted model on a gallery whose photos have categories and captions, and writes its metrics.json."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from xmr import checkpoint
from xmr.compose import stated_match
from xmr.evaluation import Comparison, Protocol, measure
from xmr.gallery import Gallery
from xmr.home import models
from xmr.modality import BadInput, Item, Modality
from xmr.system import System

QUERIES = 1_000  # captions of each language
METRICS = ("hit@1", "hit@10", "p@1", "map")
_BATCH = 32


def evaluate(name: str, gallery: Gallery, sketches: Path | None, told: Callable[[str, int, int], None]) -> dict:
    """Measure an adopted model; what it writes to the model's metrics.json, beside what other protocols found.

    Args:
        name: of the model.
        gallery: photos with the fact "category".
        sketches: a folder of <category>/<file>.png; None for the gallery's own examples.
        told: is told how far it is.

    Raises:
        BadInput: no such model, or photos without categories.
    """
    folder = models() / name
    if name not in checkpoint.available(models()):
        raise BadInput(
            f"{name} was not adopted: the figures of what ships are its metrics.json. Measure it on a gallery: "
            f"python -m xmr evaluate GALLERY --system {name}"
        )
    system = checkpoint.load(name)
    photos = [replace(item, labels=_label(item.facts.get("category"))) for item in gallery]
    if not any(item.labels for item in photos):
        raise BadInput(f"The photos of {gallery.path} have no category, so nothing tells a match. Use another one.")
    vectors = partial(_vectors, system, gallery, told, {})
    protocols = {}
    for language in sorted(system.languages):
        queries: list[Item] = []
        for photo in photos[:: max(1, len(photos) // QUERIES)]:
            captions = gallery.captions(photo.id, language)
            if captions:
                text = captions[len(queries) % len(captions)][1]
                queries.append(replace(photo, modality=Modality.TEXT, content=text, language=language))
        if queries:
            about = f"{len(queries)} captions, each against all photos but its own; relevant = same category."
            protocols[f"gallery-captions-{language}"] = _measured(system, about, queries, photos, vectors, True)
    if Modality.SKETCH in system.encoders and (drawn := list(_drawings(gallery, sketches))):
        about = f"{len(drawn)} drawings against all photos; relevant = same category."
        protocols["gallery-sketches"] = _measured(system, about, drawn, photos, vectors, False)
    path = folder / "metrics.json"
    held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known = held.get("protocols", {}) if held.get("weights") == system.weights else {}
    report = {"system": name, "weights": system.weights, "protocols": known | protocols}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)
    return report


def _label(category: object) -> frozenset[str]:
    return frozenset({f"class:{category}"} if category else ())


def _drawings(gallery: Gallery, sketches: Path | None) -> Iterator[Item]:
    """Drawings with the category that they show."""
    if sketches is None:
        for name, drawing in gallery.examples().items():
            yield Item(name, Modality.SKETCH, drawing, _label(name))  # type: ignore[arg-type]
        return
    files = sorted(sketches.glob("*/*.png"))
    if not files:
        raise BadInput(f"There is no sketch {sketches}/<category>/<file>.png. Check the folder.")
    for file in files:
        yield Item(str(file), Modality.SKETCH, file, _label(file.parent.name))


def _measured(system: System, about: str, queries: list[Item], photos: list[Item], vectors, without_own: bool) -> dict:
    kind = queries[0].modality
    asked = Comparison(
        f"{kind}_to_photo", (kind, queries[0].language), (Modality.PHOTO, None), "class", METRICS, without_own
    )
    protocol = Protocol("gallery", about, lambda split: queries, (asked,))
    return measure(protocol, queries, vectors, photos, partial(stated_match, system))


def _vectors(
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
