"""A recipe's variants from several seeds, held against each other and against features that learned nothing.

`python -m training study <system>` trains what isn't trained yet, measures each run on the test items through its
towers, and writes checkpoints/<system>/study.json: for each variant and protocol the mean over the seeds and, as
"spread", their standard deviation.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import yaml

from training import recipes
from training.datasets import MissingData
from training.datasets.protocols import find
from training.evaluate import Vectors, measure
from training.features import SIDE, pixels
from training.towers.heads import unit
from training.towers.photo import PhotoTower
from xmr.modality import BadInput, Item, Modality


@dataclass(frozen=True)
class Plan:
    """What a recipe's YAML says of its variants: name -> overrides; the seeds; and which variant ships."""

    variants: dict[str, list[str]]
    seeds: list[int]
    ships: str


def plan(system: str) -> Plan | None:
    """None for a recipe without variants."""
    tree = yaml.safe_load(Path(recipes.module(system).__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return Plan(tree["variants"], tree["seeds"], tree["ships"]) if "variants" in tree else None


def run_of(system: str, runs: Path, variant: str | None = None, seed: int | None = None) -> tuple[Path, list[str]]:
    """The folder and the overrides of a run; without a variant or a seed, of what ships.

    Raises:
        BadInput: the recipe has no such variant.
    """
    planned = plan(system)
    if planned is None:
        if variant:
            raise BadInput(f"The recipe of {system} has no variants. Leave --variant out.")
        return (runs / system, []) if seed is None else (runs / system / str(seed), [f"seed={seed}"])
    variant, seed = variant or planned.ships, planned.seeds[0] if seed is None else seed
    if variant not in planned.variants:
        raise BadInput(f"{system} has no variant {variant!r}. Choose one of: {', '.join(planned.variants)}.")
    return runs / system / f"{variant}-{seed}", [*planned.variants[variant], f"seed={seed}"]


def study(system: str, runs: Path, checkpoints: Path) -> dict:
    """Train, measure and write; what was trained before is only measured.

    Raises:
        BadInput: the recipe has no variants.
    """
    planned, module = plan(system), recipes.module(system)
    if planned is None:
        raise BadInput(f"The recipe of {system} has no variants to study.")
    report: dict = {"system": system, "seeds": planned.seeds, "ships": planned.ships, "raw": {}, "variants": {}}
    path = checkpoints / system / "study.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    for variant in planned.variants:
        entries: dict[str, list[dict[str, dict]]] = {}
        for seed in planned.seeds:
            folder, overrides = run_of(system, runs, variant, seed)
            task = module.run(folder, runs / "cache", overrides)
            task.model.eval()
            for view, vectors in getattr(task, "views", {"": task.vectors}).items():
                found = dict(_measured(task.recipe.protocols, task.modalities, vectors))
                entries.setdefault(variant + view, []).append(found)
                print(f"{variant}{view}, seed {seed}: " + json.dumps({name: e["metrics"] for name, e in found.items()}))
        for name, seeds in entries.items():
            report["variants"][name] = {protocol: mean([e[protocol] for e in seeds]) for protocol in seeds[0]}
        if Modality.TEXT not in task.modalities:
            left = [protocol for protocol in entries[variant][0] if protocol not in report["raw"]]
            report["raw"] |= _measured(left, task.modalities, raw_vectors())
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _measured(
    protocols: Iterable[str], modalities: Collection[Modality], vectors: Vectors
) -> Iterator[tuple[str, dict]]:
    """Each protocol's entry, as far as its data is there and the modalities allow."""
    for name in protocols:
        protocol = find(name)
        able = tuple(c for c in protocol.comparisons if {c.query[0], c.gallery[0]} <= set(modalities))
        try:
            items = protocol.items("test")
            gallery = protocol.gallery("test") if protocol.gallery else None
        except MissingData as error:
            print(f"{name}: skipped. {error}")
            continue
        yield name, measure(replace(protocol, comparisons=able), items, vectors, gallery)


def mean(entries: list[dict]) -> dict:
    """One entry out of several seeds': the means, and as "spread" the standard deviations (0 of a single one)."""
    first, found = entries[0], {}
    for kind in ("metrics", "spread"):
        of = np.mean if kind == "metrics" else (lambda values: np.std(values, ddof=1) if len(values) > 1 else 0.0)
        found[kind] = {
            key: round(float(of([entry["metrics"][key] for entry in entries])), 4) for key in first["metrics"]
        }
    return first | found | {"seeds": len(entries)}


def raw_vectors() -> Vectors:
    """Vectors that nothing was learned for: the pooled features of MobileNetV2 as ImageNet left it."""
    tower = PhotoTower(0, 0, 0).eval()

    @torch.inference_mode()
    def vectors(items: list[Item]) -> np.ndarray:
        found = []
        for start in range(0, len(items), 64):
            batch = torch.from_numpy(np.stack([pixels(item, 0, SIDE) for item in items[start : start + 64]]))
            if batch.ndim == 3:  # a sketch, as a photo of paper
                batch = batch[..., None].expand(-1, -1, -1, 3)
            found.append(unit(tower.upper(tower.maps(batch))).numpy())
        return np.concatenate(found)

    return vectors
