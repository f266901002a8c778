"""The card of a checkpoint: how it was built, on what data, its figures and its limits, in Markdown.

`python -m training card` writes it anew, with the words that its recipe has today, without touching the weights.
"""

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training import systems
from training.datasets.catalogue import DATASETS
from training.learn.run_record import FILE as RUN
from training.options import add_folders, add_system
from training.release import exposure
from training.systems.runs import AVERAGE
from xmr import checkpoint
from xmr.files import replacing

DATA = {  # by key: the data or weights, what they are used for, and their terms
    "world": ("rendered world (this project)", "training, val, test, the demo gallery", "MIT, as this project"),
    "flickr8k": (
        "Flickr8k (Hodosh et al. 2013), German captions of Multi30k (Elliott et al. 2016)",
        "training, val, test",
        "photos belong to their Flickr authors; research and education",
    ),
    "multi30k": ("Multi30k text (Elliott et al. 2016)", "training of the text tower", "research, see its page"),
    "sketchy25": (
        "Sketchy (Sangkloy et al. 2016), a subset of 125 x 25 photos and sketches",
        "training, val, test",
        "research; the photos are ImageNet's",
    ),
    "quickdraw": ("Quick, Draw! (Ha and Eck 2017), some 221 doodles a class", "training, val, test", "CC BY 4.0"),
    "chairv2": ("QMUL ChairV2 (Yu et al. 2016)", "training, val, test", "research"),
    "wordfreq": (
        "wordfreq's most frequent words (Speer 2022)",
        "telling misspelt words from right ones",
        "CC BY-SA 4.0",
    ),
    "caltech101": ("Caltech-101 (Fei-Fei et al. 2004), 10 photos a class", "training", "CC BY 4.0"),
    "imagenet": (
        "weights of timm mobilenetv2_100, of ImageNet-1k (Deng et al. 2009)",
        "the backbone",
        "weights: Apache-2.0",
    ),
    "imagenet-lite0": (
        "weights of EfficientNet-Lite0 (Liu 2020), of ImageNet-1k (Deng et al. 2009)",
        "the backbone",
        "weights: Apache-2.0",
    ),
    "imagenet-lite2": (
        "weights of EfficientNet-Lite2 (Liu 2020), of ImageNet-1k (Deng et al. 2009)",
        "the backbone",
        "weights: Apache-2.0",
    ),
    "imagenet1000": (
        "ImageNet-1k (Deng et al. 2009), one photo a class",
        "training",
        "non-commercial research",
    ),
    "coco_mini": (
        "COCO 2017 (Lin et al. 2014), 80 of its photos with boxes",
        "the detector's training and test",
        "annotations: CC BY 4.0; photos: their Flickr owners'",
    ),
    "minilm": ("all-MiniLM-L6-v2 (Wang et al. 2020)", "the text tower, or its teacher", "Apache-2.0"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_system(parser)
    add_folders(parser, "--checkpoints")


def run(args: argparse.Namespace) -> None:
    """Run the command; raises BadInput."""
    reword(args.system, args.checkpoints)
    write_card(args.checkpoints / args.system)


def reword(name: str, checkpoints: Path) -> None:
    """Bring the sentences of a checkpoint's config.json that follow from its recipe alone to what they are today, and
    sign it; those of a recipe that only trains a part further, and has no words of its own, stay. Raises BadInput."""
    config = checkpoint.describe(name, checkpoints)
    module = systems.module(exposure.trained_by(config))
    if hasattr(module, "words"):
        words = module.words(exposure.recipe_of(checkpoints / name))
        checkpoint.sign(checkpoints / name, config | {"card": config["card"] | words})


def write_card(folder: Path) -> None:
    """Write the checkpoint's card.md from its config, history and metrics."""
    with replacing(folder / "card.md") as part:
        part.write_text(card(folder), encoding="utf-8")


def card(folder: Path) -> str:
    """The checkpoint's card in Markdown, from its config.json, history.json and metrics.json, and from study.json and
    exposure.json where they are there."""
    config, history, metrics = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("config", "history", "metrics")
    )
    sizes = ", ".join(f"{name} {(folder / f'{name}.onnx').stat().st_size / 1e6:.1f} MB" for name in config["encoders"])
    about = config["card"]
    made = [
        *re.split(r"(?<=[.]) (?=[A-Z])", about["built"]),
        f"Graphs: {sizes}; weights sha256 `{config['weights'][:16]}`.",
        _chosen(folder, config, history),
        f"Trained by `python -m training {about['command']}`; figures are of the exported graphs, by "
        f"`python -m training evaluate {config['name']}`.",
    ]
    lines = [f"# {config['name']}", "", config["about"], "", *([about["differs"], ""] if "differs" in about else [])]
    lines += ["## At a glance", "", "One figure of each protocol, on test items; all of them are below.", ""]
    lines += _header("protocol", "metric", "value", "chance")
    for name, entry in metrics["protocols"].items():
        key = next(iter(entry["metrics"]))
        lines.append(f"| {name} | {' | '.join(_row(entry, key))} |")
    lines += ["", "## Limits", "", about["limits"], ""]
    lines += ["## How it was built", "", *(f"- {step}" for step in made), ""]
    lines += ["## Data", "", *_header("data", "used for", "terms")]
    lines += [f"| {' | '.join(DATA.get(key) or _others(key))} |" for key in about["data"]]
    lines += [
        "",
        "None of these photos, captions or drawings is part of the checkpoint, only weights that were trained on them.",
        "",
        "## What training had seen of the test items",
        "",
        *_exposed(folder, config),
        "",
        "## Figures",
        "",
        "On test items, beside what a random ranking would reach; ± is the standard error over queries.",
    ]
    for name, entry in metrics["protocols"].items():
        dropped = f", {entry['dropped']} without a match" if entry["dropped"] else ""
        counts = f"{entry['queries']} queries, {entry['gallery']} in the gallery{dropped}."
        if times := entry.get("evaluations"):
            counts += f" Versions of the weights that were held against these items: at least {times}."
        lines += ["", f"### {name}", "", f"{entry['about']} {counts}", "", *_header("metric", "value", "chance")]
        lines += [f"| {' | '.join(_row(entry, key))} |" for key in entry["metrics"]]
    if study := _study(folder):
        lines += _variants(study, exposure.trained_by(config))
    return "\n".join([*lines, ""])


def _row(entry: Mapping[str, Any], key: str) -> tuple[str, str, str]:
    """A metric of a protocol: its name, its value with its standard error, and what chance would reach."""
    error = f" ± {entry['stderr'][key]:.3f}" if key in entry["stderr"] else ""
    return key, f"{entry['metrics'][key]:.3f}{error}", f"{entry['chance'][key]:.3f}"


def _chosen(folder: Path, config: Mapping[str, Any], history: list[dict]) -> str:
    """How the weights were chosen: by validation, or, where several runs' weights were averaged, only each of these."""
    best = max(_of_last_run(folder, history), key=lambda entry: entry["score"])
    where = f'at step {best["step"]} of stage "{best["stage"]}" (score {best["score"]:.3f})'
    if config["card"]["command"].split()[-1] != AVERAGE:
        return f"Chosen by validation {where}."
    val = _study(folder).get("val", {}).get(AVERAGE)
    validated = f"scores {val['metrics']['score']:.3f} on val" if val else "was not validated"
    return f"Each run was chosen by validation, the first one {where}; the mean of their weights {validated}."


def _exposed(folder: Path, config: Mapping[str, Any]) -> list[str]:
    """The lines of the section on the test items; one that says so where these weights were not measured."""
    report = exposure.read(folder)
    if report is None or report["weights"] != config["weights"]:
        return [f"Not measured for these weights: `python -m training audit {config['name']} --write`."]
    return exposure.sentences(report)


def _study(folder: Path) -> dict:
    """The content of a checkpoint's study.json; empty if there is none."""
    path = folder / "study.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _variants(study: dict, trained_by: str) -> list[str]:
    """What each variant of a study finds: a table for each protocol, and one of what selected it, how far it mixes
    sketches with photos, and how often it was held against the test items.

    trained_by: the recipe of the weights that ship.
    """
    about = f"The mean over the seeds ± their standard deviation. {ships(study, trained_by)}"
    if AVERAGE in study["variants"] and AVERAGE not in study.get("val", {}):
        about += f" Of the {AVERAGE} each run was chosen by validation, the mean of their weights was not validated."
    lines = ["", "## Variants", "", about]
    protocols = {name: entry for held in study["variants"].values() for name, entry in held.items()}
    for protocol, entry in protocols.items():
        keys = _ranking_metrics(entry)
        lines += ["", f"### Variants on {protocol}", "", *_header("variant", "trained from", *keys)]
        for name, held in study["variants"].items():
            if protocol in held:
                seeds = _seeds(study, name, held[protocol]["seeds"])
                lines.append(f"| {' | '.join([name, seeds, *(_with_std(held[protocol], key) for key in keys)])} |")
    columns = {
        "score on val": {name: _with_std(entry, "score") for name, entry in study.get("val", {}).items()},
        "probe": {name: _with_std(entry, "accuracy") for name, entry in study.get("probe", {}).items()},
        "times on test": {name: str(times) for name, times in study.get("test_evaluations", {}).items()},
    }
    columns = {title: held for title, held in columns.items() if held}
    if not columns:
        return lines
    told = {
        "score on val": "The score on val selects a run's weights.",
        "probe": "The probe: how often a fresh linear classifier tells a sketch's vector from a photo's, of classes "
        "that it was not fitted on; 0.5 is chance.",
        "times on test": "Times on test: how often the variant was held against the test items.",
    }
    about = " ".join([*(told[title] for title in columns), "A dash: not kept."])
    lines += ["", "### Variants on val", "", about, "", *_header("variant", *columns)]
    for name in dict.fromkeys(name.split()[0] for name in study["variants"]):
        lines.append(f"| {' | '.join([name, *(held.get(name, '–') for held in columns.values())])} |")
    return lines


def _header(*titles: str) -> list[str]:
    return [f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}"]


def ships(study: dict, trained_by: str) -> str:
    """Which variant of a study ships, in a sentence. What a system's own recipe trained may have been trained further
    by another recipe, `trained_by`; the figures of a study are of before that."""
    if trained_by == study["system"]:
        return f"What ships is {study['ships']}."
    return (
        f"What ships was trained further from {study['ships']}, by `python -m training fit {trained_by}`: its own "
        "figures are above."
    )


def _seeds(study: dict, variant: str, count: int) -> str:
    """What a variant was trained from; the average, from all runs whose mean it is."""
    if variant == AVERAGE:
        return f"the mean of {len(study['average_of']) * len(study['seeds'])} runs"
    return f"{count} seed{'s' if count > 1 else ''}"


def _ranking_metrics(entry: dict) -> list[str]:
    """One metric of each of a protocol's comparisons: mAP where it has that, else its first."""
    found: dict[str, str] = {}
    for key in entry["metrics"]:
        comparison, _, metric = key.rpartition("/")
        if metric == "map" or comparison not in found:
            found[comparison] = key
    return list(found.values())


def _with_std(entry: dict, key: str) -> str:
    std = f" ± {entry['seed_std'][key]:.3f}" if entry["seeds"] > 1 else ""
    return f"{entry['metrics'][key]:.3f}{std}"


def _others(name: str) -> tuple[str, str, str]:
    """DATA's entry of a data set that only its users have, or of a network that only a hub has."""
    if name in DATASETS:
        return f"{name}: {DATASETS[name].about}", "training, val, test", DATASETS[name].licence
    return f"weights of {name}, from its hub", "the backbone", "see its page"


def _of_last_run(folder: Path, history: list[dict]) -> list[dict]:
    """The validations of the run that was published last: what it went on from was chosen by other scores. Without a
    record of that run, those with the last one's metrics."""
    if (folder / RUN).is_file():
        recipe = json.loads((folder / RUN).read_text(encoding="utf-8"))["recipe"]
        stages = {stage["name"] for stage in recipe["stages"]}
        return [entry for entry in history if entry["stage"] in stages]
    scored = {key for key in history[-1] if not key.startswith("train/")}
    return [entry for entry in history if scored == {key for key in entry if not key.startswith("train/")}]
