"""Ablation: a recipe's variants from several seeds, compared with each other and with pretrained features.

`python -m training ablation <system>` trains what isn't trained yet, evaluates each run's towers on the test items, and
writes checkpoints/<system>/study.json: for each variant and protocol the mean over the seeds and their standard
deviation, the same on the val items, how often each variant was held against test, and of sketches and photos the
accuracy of a linear probe that tells their vectors apart. Where the recipe says so, the weights of several variants'
runs are averaged too, and evaluated as the variant "average", which ships. The variant "as-published" is the system as
it was first described, with what can be had here; paper* are the same with its own data and its hub's weights, and are
trained only if named. --data trains the others on that data too; a study of other data or settings is kept apart.
"""

import argparse
import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from training import systems
from training.datasets import from_anywhere
from training.learn import device
from training.learn.baseline import pretrained_features, unit_vectors
from training.learn.evaluation import evaluate_on_test
from training.learn.recipe import Recipe, VariedRecipe
from training.learn.run_record import accept_code, remove_run, trained_on
from training.options import add_data, add_device, add_folders, add_system, add_ways_on
from training.systems.runs import AVERAGE, WORLD, published_run, run_of, varied_recipe
from xmr.evaluation import Vectors
from xmr.files import write_json
from xmr.modality import BadInput, Item, Modality

PAPER = "paper"  # prefix of the variants whose data and weights only their users have
PUBLISHED = "as-published"


def average_checkpoints(folders: Sequence[Path], average: Path) -> None:
    """Write the mean of finished runs' best weights, as a finished run of its own, by the first one's recipe.

    Fine-tuned from one pretrained network, runs end in one basin of the loss, whose middle generalises better than any
    of them, all the more if they differ in more than their seeds (Wortsman et al. 2022, Model soups).

    Raises:
        BadInput: a run is not there yet.
    """
    for folder in folders:
        if not (folder / "best.safetensors").is_file():
            raise BadInput(
                f"Expected trained weights in {folder}. Train first: python -m training ablation "
                f"{folder.parent.name} --variant {folder.name.rpartition('-')[0]}"
            )
    shutil.copytree(folders[0], average, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tensorboard"))
    weights = [load_file(folder / "best.safetensors") for folder in folders]
    means = {name: torch.stack([one[name] for one in weights]).float().mean(0) for name in weights[0]}
    save_file({name: value.to(weights[0][name].dtype) for name, value in means.items()}, average / "best.safetensors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_system(parser)
    add_data(parser)
    add_folders(parser, "--runs", "--checkpoints")
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        help="only this one, beside what is known of the others; may be repeated",
    )
    parser.add_argument("--seeds", type=int, help="only the first so many of the recipe's seeds (default: all)")
    add_device(parser)
    add_ways_on(parser)


def run(args: argparse.Namespace) -> None:
    """Run the command; raises BadInput."""
    device.use(args.device)
    compare(
        args.system,
        args.runs,
        args.checkpoints,
        args.variant,
        args.restart,
        args.accept_code,
        args.seeds,
        args.data,
        args.overrides,
    )


def compare(
    system: str,
    runs: Path,
    checkpoints: Path,
    wanted: Collection[str] = (),
    restart: bool = False,
    accept: bool = False,
    seeds: int | None = None,
    data: str | None = None,
    changed: Sequence[str] = (),
) -> dict:
    """Train, evaluate and write study.json; finished runs are only evaluated.

    Args:
        wanted:  the variants to evaluate; the figures of the others stay. Empty: all but the papers'.
        restart: whether each run starts over.
        accept:  whether runs of older code are used as they are.
        seeds:   how many of the recipe's seeds are trained, the first ones; None: all.
        data:    where the data of the published system is, as run_of takes it; None: the recipe's own.
        changed: overrides of all variants' settings.

    Raises:
        BadInput: the recipe has no variants, or not these; or the study that is there is of other data or settings.
    """
    recipe, module = varied_recipe(system), systems.module(system)
    if recipe is None:
        raise BadInput(f"The recipe of {system} has no variants to compare.")
    report: dict = {
        "system": system,
        "seeds": recipe.seeds,
        "ships": recipe.ships,
        "average_of": recipe.average_of,
        "rows": {"as-published": PUBLISHED, "repaired": recipe.ships},
        "settings": recipe.variants,
        "baseline_of": getattr(recipe, "backbone", ""),
        "baseline": {},
        "variants": {},
        "val": {},
        "probe": {},
        "test_evaluations": {},
    }
    if data or changed:
        report["trained_on"] = {"data": data and from_anywhere(data), "set": list(changed)}
    path = checkpoints / system / "study.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    if before and before.get("trained_on") != report.get("trained_on"):
        raise BadInput(
            f"{path} holds figures of {_said(before.get('trained_on'))}, these would be of "
            f"{_said(report.get('trained_on'))}: one table must not mix them. Write these elsewhere: --checkpoints DIR"
        )
    if wanted and before:
        kept = ("variants", "val", "probe", "test_evaluations")
        if before.get("baseline_of") == report["baseline_of"]:
            kept = ("baseline", *kept)
        report |= {key: before.get(key, {}) for key in kept}
    known = [*recipe.variants, *([AVERAGE] if recipe.average_of else [])]
    if unknown := [name for name in wanted if name not in known]:
        raise BadInput(f"{system} has no variant {unknown[0]!r}. Choose among: {', '.join(known)}.")
    for variant in wanted or [name for name in known if _by_default(recipe, name, data)]:
        entries: dict[str, list[dict[str, dict]]] = {}
        validated: list[dict[str, float]] = []
        probed: list[dict[str, float]] = []
        for folder, overrides in _runs(system, recipe, variant, runs, seeds, data, changed):
            if restart and variant != AVERAGE:
                remove_run(folder)
            if accept:
                accept_code(folder)
            task = module.run(folder, runs / "cache", overrides)
            task.model.eval()
            seen = remembered(task.vectors)
            with trained_on(folder):
                if hasattr(task, "probe"):
                    probed.append({"accuracy": task.probe(seen)})
                for view, vectors in (task.views if hasattr(task, "views") else {"": seen}).items():
                    found = _evaluated(task.recipe.protocols, task.modalities, vectors, task.recipe)
                    entries.setdefault(variant + view, []).append(found)
                    figures = json.dumps({protocol: entry["metrics"] for protocol, entry in found.items()})
                    print(f"{variant}{view}, {folder.name}: {figures}", flush=True)
                validated.append(task.validate(task.recipe.stages[-1]))  # last, since it may fit what is no weight anew
        for name, of_seeds in entries.items():
            report["variants"][name] = {protocol: mean([e[protocol] for e in of_seeds]) for protocol in of_seeds[0]}
        report["val"][variant] = mean_of(validated)
        if probed:
            report["probe"][variant] = mean_of(probed)
        report["test_evaluations"][variant] = report["test_evaluations"].get(variant, 0) + 1
        left = [protocol for protocol in found if protocol not in report["baseline"]]
        if left and Modality.TEXT not in task.modalities:
            vectors = partial(unit_vectors, pretrained_features(runs / "cache", recipe.backbone), centred=True)
            with trained_on(folder):
                report["baseline"] |= _evaluated(left, task.modalities, vectors)
        # In the recipe's order; variants that it no longer has are dropped. A view is named "<variant> <view>".
        report["variants"] = {
            name: entry for one in known for name, entry in report["variants"].items() if name.split()[0] == one
        }
        for part in ("val", "probe", "test_evaluations"):
            report[part] = {name: report[part][name] for name in known if name in report[part]}
        write_json(path, report)
    return report


def _by_default(recipe: VariedRecipe, variant: str, data: str | None) -> bool:
    """Whether a study has a variant without its name being given: those of papers not, and on other data none that
    trains on the rendered world."""
    on_world = recipe.variants.get(variant, {}).get("data") == WORLD
    return not variant.startswith(PAPER) and not (data and on_world)


def _said(trained_on: dict | None) -> str:
    """What a study's figures are of, in words."""
    if trained_on is None:
        return "this project's data and recipes"
    return f"the data in {trained_on['data']}" * bool(trained_on["data"]) + "".join(
        f" --set {setting}" for setting in trained_on["set"]
    )


def _runs(
    system: str,
    recipe: VariedRecipe,
    variant: str,
    runs: Path,
    seeds: int | None = None,
    data: str | None = None,
    changed: Sequence[str] = (),
) -> Iterator[tuple[Path, list[str]]]:
    """The folder and the overrides of each run of a variant, from its first `seeds` seeds; the average is made when it
    is asked for, of what the others have become by then, always from all seeds."""
    if variant != AVERAGE:
        yield from (run_of(system, runs, variant, seed, data, changed) for seed in recipe.seeds[:seeds])
        return
    trained = [run_of(system, runs, one, seed, data, changed) for one in recipe.average_of for seed in recipe.seeds]
    average, _ = published_run(system, runs, AVERAGE)
    average_checkpoints([folder for folder, _ in trained], average)
    yield average, trained[0][1]


def remembered(vectors: Vectors) -> Vectors:
    """The same vectors, each item's computed once."""
    known: dict[tuple[Modality, str, str], np.ndarray] = {}

    def found(items: list[Item]) -> np.ndarray:
        keys = [(item.modality, item.id, str(item.content)) for item in items]
        new = {key: item for key, item in zip(keys, items, strict=True) if key not in known}
        if new:
            known.update(zip(new, vectors(list(new.values())), strict=True))
        return np.stack([known[key] for key in keys])

    return found


def _evaluated(
    protocols: Iterable[str], modalities: Collection[Modality], vectors: Vectors, recipe: Recipe | None = None
) -> dict[str, dict]:
    """The protocols' entries of metrics.json, in the recipe's languages if it names any."""
    languages = getattr(recipe, "languages", None)
    found = {name: evaluate_on_test(name, modalities, vectors, languages=languages) for name in protocols}
    return {name: entry for name, entry in found.items() if entry}


def mean(entries: list[dict]) -> dict:
    """One entry from those of several seeds: `mean_of` their metrics, and the means of their curves."""
    first = entries[0]
    curves = {key: [entry["curves"][key] for entry in entries] for key in first["curves"]}
    return {
        **{key: first[key] for key in ("about", "queries", "gallery", "dropped", "items") if key in first},
        **mean_of([entry["metrics"] for entry in entries]),
        "chance": first["chance"],
        "curves": {key: np.mean(values, axis=0).round(4).tolist() for key, values in curves.items()},
    }


def mean_of(metrics: list[dict[str, float]]) -> dict:
    """The means over several "seeds", and as "seed_std" the standard deviations over them (0 of a single one)."""
    values = {key: [one[key] for one in metrics] for key in metrics[0]}
    return {
        "seeds": len(metrics),
        "metrics": {key: round(float(np.mean(some)), 4) for key, some in values.items()},
        "seed_std": {
            key: round(float(np.std(some, ddof=1)) if len(some) > 1 else 0.0, 4) for key, some in values.items()
        },
    }
