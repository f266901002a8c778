"""Trained towers -> what the app loads: graphs, calibration, figures, a card, and their vectors of the demo gallery."""

import argparse
import hashlib
import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training import systems
from training.datasets import MissingData
from training.learn.export import TOLERANCE, ExportRefused, check_parity, export, export_cells, session
from training.learn.recipe import load_recipe
from training.learn.run_record import FILE as RUN
from training.learn.run_record import read_recipe
from training.options import add_folders, add_graphs_device, add_system, use_graphs_device
from training.release import embedding_map, exposure
from training.release.calibration import sign_calibrated
from training.release.card import write_card
from training.release.demo_gallery import fill
from training.release.evaluate import evaluate
from training.systems import PublishedTower
from training.systems.runs import AVERAGE, WORLD, own_settings, published_run, run_of, varied_recipe
from training.towers.rounding import round_weights
from xmr import checkpoint
from xmr.composer import KINDS
from xmr.encoder import Encoder
from xmr.files import write_json
from xmr.modality import BadInput, Modality

PHOTO, TEXT = Modality.PHOTO, Modality.TEXT
PARITY_ITEMS, PARITY_GALLERY = 48, 200
COMPOSER = "composer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_system(parser)
    parser.add_argument("--variant", help="one of the recipe's variants, or average (default: the one that ships)")
    add_folders(parser, "--runs", "--checkpoints", "--galleries")
    add_graphs_device(parser)


def run(args: argparse.Namespace) -> None:
    """Run the command; raises BadInput or ExportRefused."""
    use_graphs_device(args.device)
    publish(args.system, args.runs, args.checkpoints, args.galleries, args.variant)


def publish(name: str, runs: Path, checkpoints: Path, galleries: Path, variant: str | None = None) -> None:
    """Export a run, calibrate and evaluate it in checkpoints/<name>, and write its card, its embedding map and, if
    galleries/demo is there, its vectors of that.

    A run on other data than the recipe's becomes checkpoints/<name>-<variant>, a system beside the one that ships, and
    is calibrated and measured on the data that it was trained on.

    variant: the run's; "average" for the mean of several; None for the one that ships.

    Raises:
        BadInput: nothing was trained yet.
        ExportRefused: a graph's vectors differ from its tower's.
    """
    run, command = published_run(name, runs, variant)
    if not (run / "best.safetensors").is_file():
        alone = run_of(name, runs)[0]  # what `fit` trains where a mean of several runs ships
        there = variant is None and (alone / "best.safetensors").is_file()
        or_that = f" Or publish that in {alone}: --variant {alone.name.rpartition('-')[0]}" if there else ""
        raise BadInput(f"Expected trained weights in {run}. Train first: python -m training {command}.{or_that}")
    made = systems.module(name).published(run)
    folder = checkpoints / made.name
    if (data := _other_data(name, run)) is not None:
        folder = checkpoints / f"{made.name}-{run.name.rpartition('-')[0] or run.name}"
    if (run / RUN).is_file():
        trained = varied_recipe(name).average_of[0] if variant == AVERAGE else variant
        changed = own_settings(name, runs, trained, data or None, load_recipe(systems.module(name).Recipe, run))
        options = ([f"--data {shlex.quote(data)}"] if data else []) + [f"--set {shlex.quote(one)}" for one in changed]
        command = " ".join([*command.split(" ")[:2], *options, *command.split(" ")[2:]])
    folder.mkdir(parents=True, exist_ok=True)
    staying = [modality for modality, part in made.towers.items() if part.tower is None]
    before = checkpoint.describe(made.name, checkpoints) if made.further else {}
    history = json.loads((run / "history.json").read_text())
    if made.further:  # what led to the graphs that it goes on from, and then to these
        stages = {entry["stage"] for entry in history}
        earlier = json.loads((checkpoints / made.name / "history.json").read_text())
        history = [entry for entry in earlier if entry["stage"] not in stages] + history
    write_json(folder / "history.json", history)
    encoders = {
        modality: before["encoders"][modality] if part.tower is None else _export(modality, part, run, folder)
        for modality, part in made.towers.items()
    }
    parity = {part: value for part, value in before.get("parity", {}).items() if part in (*staying, COMPOSER)}
    parity |= _parity(made.towers, encoders, folder)
    composer = before.get("composer")
    if made.composer is not None:
        composer = {"file": f"{COMPOSER}.onnx"}
        parity[COMPOSER] = _export_composer(made.composer, made.dim, folder / composer["file"])
    config = {
        "name": folder.name,
        "about": made.about,
        "space": made.space,
        "dim": made.dim,
        **({"codes": sorted(made.codes)} if made.codes else {}),
        "protocols": made.protocols,
        "encoders": encoders,
        **({"composer": composer} if composer else {}),
        "parity": parity,
        "calibration": before.get("calibration", {}),
        **({"completeness": before["completeness"]} if "completeness" in before else {}),
        "card": {"command": command, **made.card},
    }
    if (run / RUN).is_file():  # the record of what they were trained by goes with the weights
        record = json.loads((run / RUN).read_text(encoding="utf-8"))
        before_it = checkpoints / made.name / RUN
        if made.further and before_it.is_file():
            record["before"] = json.loads(before_it.read_text(encoding="utf-8"))
        write_json(folder / RUN, record)
        config["run"] = hashlib.sha256((folder / RUN).read_bytes()).hexdigest()
    if run.name == AVERAGE:
        recipe = varied_recipe(name)
        runs_averaged, seeds = len(recipe.average_of) * len(recipe.seeds), ", ".join(map(str, recipe.seeds))
        config["card"]["built"] += (
            f" The weights are the mean of {runs_averaged} runs': "
            f"{', '.join(recipe.average_of)}, each from the seeds {seeds}."
        )
    read = {Modality.TEXT} if made.composer is not None else set()  # what is made of texts counts for their curve
    sign_calibrated(folder, config, (frozenset(made.towers) - set(staying)) | read)
    evaluate(folder.name, checkpoints)
    exposure.write(folder)
    write_card(folder)
    try:
        embedding_map.write(checkpoint.load(folder.name, checkpoints), folder)
    except MissingData as error:
        print(f"space.json is not written. {error}")
    if (galleries / "demo" / "gallery.sqlite").is_file():
        fill(checkpoint.load(folder.name, checkpoints), galleries / "demo")


def _other_data(name: str, run: Path) -> str | None:
    """The folder of the data that a run was trained on, empty of the rendered world, which is no --data; None if the
    data is that of the recipe."""
    recipe, held = varied_recipe(name), read_recipe(run) if (run / RUN).is_file() else None
    if recipe is None or held is None or (held["data"], held["folder"]) == (recipe.data, recipe.folder):
        return None
    return "" if held["data"] == WORLD else held["folder"]


def _export(modality: Modality, part: PublishedTower, run: Path, folder: Path) -> dict:
    """Write a tower's graph, and return its encoder's entry of config.json, with paths relative to the checkpoint.

    A shared trunk that is already there isn't written again; if it isn't this tower's, the parity check fails.
    """
    config = {"file": f"{modality}.onnx", **part.config}
    name, example = "ids" if modality is TEXT else str(modality), part.inputs[: config.get("batch", 2)]
    if not part.shared:
        export(part.tower, {name: example}, folder / config["file"])
        if modality is PHOTO:
            config |= cells_of(folder, config["file"])
        for key in {"tokenizer", "words"} & config.keys():
            shutil.copyfile(run / f"{key}.json", folder / config[key])
        return config
    shared = folder.parent / "shared"
    trunk, tokenizer = shared / f"{part.shared}.onnx", shared / f"{part.shared}.json"
    round_weights(part.tower.trunk)
    if not trunk.is_file():
        export(part.tower.trunk, {name: example}, trunk, output="states")
        if modality is TEXT:
            shutil.copyfile(run / "tokenizer.json", tokenizer)
    with torch.inference_mode():
        states = part.tower.trunk(torch.from_numpy(example)).numpy()
    config["trunk"], inputs = f"../shared/{trunk.name}", {"states": states}
    if modality is TEXT:
        config["tokenizer"] = f"../shared/{tokenizer.name}"
        inputs["ids"] = example
    export(part.tower.rest, inputs, folder / config["file"])
    return config


def cells_of(folder: Path, photo: str) -> dict[str, dict[str, str]]:
    """Write what explains a photo graph (export_cells) beside it, and return its entry of config.json; none where the
    graph's form allows no explanation."""
    file = f"{Path(photo).stem}-cells.onnx"
    if not export_cells(folder / photo, folder / file):
        return {}
    return {"cells": {"file": file, "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest()}}


def _export_composer(composer: nn.Module, dim: int, path: Path) -> float:
    """Write a composer's graph; the largest difference of what it gives from what the module gives.

    Raises:
        ExportRefused: that is too large.
    """
    rng = np.random.default_rng(0)
    terms = rng.normal(size=(8, dim)).astype(np.float32)
    terms /= np.linalg.norm(terms, axis=1, keepdims=True)
    kinds = np.arange(8) % len(KINDS)
    composer.eval()
    torch.onnx.export(
        composer,
        (torch.from_numpy(terms), torch.from_numpy(kinds)),
        str(path),
        input_names=["terms", "kinds"],
        output_names=["readers", "biases", "floors"],
        dynamic_axes={name: {0: "terms"} for name in ("terms", "kinds", "readers", "biases", "floors")},
        opset_version=17,
        dynamo=False,
    )
    found = session(path).run(None, {"terms": terms, "kinds": kinds})
    with torch.inference_mode():
        wanted = composer(torch.from_numpy(terms), torch.from_numpy(kinds))
    worst = max(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, wanted, strict=True))
    if not worst <= TOLERANCE:
        raise ExportRefused(f"The composer's graph differs by {worst:.2g}; at most {TOLERANCE} is accepted.")
    return float(f"{worst:.2g}")


def _parity(
    towers: Mapping[Modality, PublishedTower], encoders: Mapping[Modality, dict], folder: Path
) -> dict[Modality, float]:
    """The largest difference of each encoder that has a tower from that, in a vector's components."""
    if all(part.tower is None for part in towers.values()):
        return {}
    photo = Encoder.from_config(folder, PHOTO, encoders[PHOTO])
    shown, at_a_time, found = towers[PHOTO].inputs[:PARITY_GALLERY], min(photo.batch, 16), {}
    gallery = np.concatenate([photo.run(shown[n : n + at_a_time]) for n in range(0, len(shown), at_a_time)])
    for modality, part in towers.items():
        if part.tower is None:
            continue
        encoder = Encoder.from_config(folder, modality, encoders[modality])
        worst = check_parity(part.tower, encoder.run, part.inputs[:PARITY_ITEMS], gallery, min(encoder.batch, 16))
        found[modality] = float(f"{worst:.2g}")
    return found
