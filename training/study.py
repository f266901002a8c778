"""A recipe's variants from several seeds, held against each other and against features that learned nothing.

`python -m training study <system>` trains what isn't trained yet, measures each run on the test items through its
towers, and writes checkpoints/<system>/study.json: for each variant and protocol the mean over the seeds and, as
"spread", their standard deviation. Where the recipe says so, the weights of several variants' runs are also averaged,
and measured as the variant "soup", which ships. Variants called paper are a system as it was published: its data and
its hub's weights are asked for only where one is named.
"""

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from training import recipes
from training.evaluate import Vectors, on_test
from training.raw import raw_features, unit_vectors
from xmr.modality import BadInput, Modality

PAPER = "paper"  # what the names of variants begin with that are as published
SOUP = "soup"  # the variant that is the mean of others


def plan(system: str) -> recipes.VariedRecipe | None:
    """The system's recipe; None for one without variants."""
    module = recipes.module(system)
    recipe = recipes.load(module.Recipe, module.YAML)
    return recipe if isinstance(recipe, recipes.VariedRecipe) else None


def run_of(system: str, runs: Path, variant: str | None = None, seed: int | None = None) -> tuple[Path, list[str]]:
    """The folder and the overrides of a run; without a variant or a seed, of the first of what ships.

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
    return runs / system / f"{variant}-{seed}", planned.overrides(variant, seed)


def shipped(system: str, runs: Path) -> tuple[Path, str]:
    """The folder of the run that ships, and the command after `python -m training` that trains it."""
    planned = plan(system)
    if planned and planned.soup:
        return runs / system / SOUP, " ".join([f"study {system}", *(f"--variant {v}" for v in (*planned.soup, SOUP))])
    return run_of(system, runs)[0], f"fit {system}"


def cook(folders: Sequence[Path], soup: Path) -> None:
    """Write the mean of finished runs' best weights, as a finished run of its own, by the first one's recipe.

    Runs that began at the same network end in one basin of the loss, whose middle does better on what was not trained
    on than any of them, all the more if they differ in more than their seeds (Wortsman et al. 2022, Model soups).

    Raises:
        BadInput: a run is not there yet.
    """
    for folder in folders:
        if not (folder / "best.safetensors").is_file():
            raise BadInput(f"Expected trained weights in {folder}. Train first: python -m training study "
                           f"{folder.parent.name} --variant {folder.name.rpartition('-')[0]}")  # fmt: skip
    shutil.copytree(folders[0], soup, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tensorboard"))
    held = [load_file(folder / "best.safetensors") for folder in folders]
    mean_of = {name: torch.stack([one[name] for one in held]).float().mean(0) for name in held[0]}
    save_file({name: value.to(held[0][name].dtype) for name, value in mean_of.items()}, soup / "best.safetensors")


def study(system: str, runs: Path, checkpoints: Path, wanted: Collection[str] = ()) -> dict:
    """Train, measure and write; what was trained before is only measured.

    wanted: the variants that changed; the figures of the others stay as they were. Without any, all but the papers'.

    Raises:
        BadInput: the recipe has no variants, or not these.
    """
    planned, module = plan(system), recipes.module(system)
    if planned is None:
        raise BadInput(f"The recipe of {system} has no variants to study.")
    report: dict = {"system": system, "seeds": planned.seeds, "ships": SOUP if planned.soup else planned.ships,
                    "soup": planned.soup, "settings": planned.variants, "raw": {}, "variants": {}}
    path = checkpoints / system / "study.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if wanted and path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
        report |= {"raw": held["raw"], "variants": held["variants"]}
    known = [*planned.variants, *([SOUP] if planned.soup else [])]
    if strangers := [name for name in wanted if name not in known]:
        raise BadInput(f"{system} has no variant {strangers[0]!r}. Choose among: {', '.join(known)}.")
    for variant in wanted or [name for name in known if not name.startswith(PAPER)]:
        entries: dict[str, list[dict[str, dict]]] = {}
        for folder, overrides in _runs(system, planned, variant, runs):
            task = module.run(folder, runs / "cache", overrides)
            task.model.eval()
            for view, vectors in (task.views if hasattr(task, "views") else {"": task.vectors}).items():
                found = _measured(task.recipe.protocols, task.modalities, vectors, task.recipe)
                entries.setdefault(variant + view, []).append(found)
                told = json.dumps({protocol: entry["metrics"] for protocol, entry in found.items()})
                print(f"{variant}{view}, {folder.name}: {told}", flush=True)
        for name, seeds in entries.items():
            report["variants"][name] = {protocol: mean([e[protocol] for e in seeds]) for protocol in seeds[0]}
        left = [protocol for protocol in found if protocol not in report["raw"]]
        if left and Modality.TEXT not in task.modalities:
            raw = partial(unit_vectors, raw_features(runs / "cache"), centred=True)
            report["raw"] |= _measured(left, task.modalities, raw)
        # In the recipe's order; a view is called by its variant's name and its own. What the recipe dropped goes.
        report["variants"] = {name: entry for one in known for name, entry in report["variants"].items()
                              if name.split()[0] == one}  # fmt: skip
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _runs(
    system: str, planned: recipes.VariedRecipe, variant: str, runs: Path
) -> Iterator[tuple[Path, list[str]]]:
    """The folder and the overrides of each run of a variant; the soup is made when it is asked for, of what the others
    have become by then."""
    if variant != SOUP:
        yield from (run_of(system, runs, variant, seed) for seed in planned.seeds)
        return
    trained = [run_of(system, runs, one, seed) for one in planned.soup for seed in planned.seeds]
    soup, _ = shipped(system, runs)
    cook([folder for folder, _ in trained], soup)
    yield soup, trained[0][1]


def _measured(
    protocols: Iterable[str], modalities: Collection[Modality], vectors: Vectors, recipe: recipes.Recipe | None = None
) -> dict[str, dict]:
    """Each protocol's entry, of those that can be measured, in the recipe's languages if it names any."""
    languages = getattr(recipe, "languages", None)
    found = {name: on_test(name, modalities, vectors, languages=languages) for name in protocols}
    return {name: entry for name, entry in found.items() if entry}


def mean(entries: list[dict]) -> dict:
    """One entry out of several seeds': the means, of the curves too, and as "spread" the standard deviations (0 of a
    single one)."""
    first = entries[0]
    found = {"curves": {key: np.mean([entry["curves"][key] for entry in entries], axis=0).round(4).tolist()
                        for key in first["curves"]}}  # fmt: skip
    for kind in ("metrics", "spread"):
        of = np.mean if kind == "metrics" else (lambda values: np.std(values, ddof=1) if len(values) > 1 else 0.0)
        found[kind] = {
            key: round(float(of([entry["metrics"][key] for entry in entries])), 4) for key in first["metrics"]
        }
    return first | found | {"seeds": len(entries)}
