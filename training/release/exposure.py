"""What a checkpoint's training had seen of its test items: measured on the data, written beside it, said on its card.

checkpoints/<system>/exposure.json: for each protocol the items, and how many of them are among the training items of
each data set, by id, by content (bytes or strokes), by look (photos) and by sentence (captions); how many were
open to what the networks were pretrained on; and, of a system with a gradient reversal, the steps at which it was on.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training import systems
from training.datasets import MissingData, catalogue, folder, imagenet1000, labels_of, located, multi30k
from training.datasets.outlines import photos_excluding
from training.datasets.overlaps import equal_contents, equal_sentences, photos_alike
from training.datasets.protocols import find
from training.datasets.sketchy import ZERO_SHOT, unseen
from training.learn.recipe import Recipe, VariedRecipe, load, load_recipe
from training.learn.run_record import FILE as RUN
from training.learn.run_record import trained_on
from training.systems.runs import run_of
from xmr.files import write_json
from xmr.modality import Item, Modality

FILE = "exposure.json"
DERIVED = ("paper-demo", "typed-demo", "world-mixed")  # queries of others, redrawn, retyped and put together
PICTURES = {Modality.PHOTO: "photos", Modality.SKETCH: "sketches"}
WAYS = {"ids": "by id", "contents": "by content", "alike": "by look", "sentences": "by sentence"}


def recipe_of(folder: Path) -> Recipe:
    """The recipe of a checkpoint's weights: the one in its run.json, or, if it was published before that was kept,
    today's of the variant that ships."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    name = trained_by(config)
    module = systems.module(name)
    if (folder / RUN).is_file():
        return load_recipe(module.Recipe, folder)
    return load(module.Recipe, module.YAML, run_of(name, Path("runs"))[1])


def trained_by(config: Mapping[str, Any]) -> str:
    """The recipe that the weights of a config.json were trained by, such as "doodles" for tri's."""
    return config["card"]["command"].split()[1]


def training_items(folder_of: Path) -> tuple[dict[str, list[Item]], list[str]]:
    """The training items of each data set on a checkpoint's card, and the names of those that are not here."""
    config, recipe = json.loads((folder_of / "config.json").read_text(encoding="utf-8")), recipe_of(folder_of)
    found: dict[str, list[Item]] = {}
    missing = []
    for name in config["card"]["data"]:
        try:
            if isinstance(recipe, VariedRecipe) and name == recipe.data_on_card:
                with trained_on(folder_of):
                    found[name] = catalogue.get(recipe.data).items("train")
            elif name == "imagenet1000" and getattr(recipe, "data", "") in ZERO_SHOT:
                found[name] = photos_excluding(unseen(recipe.data, located(recipe.folder)))
            elif name == "multi30k":
                found[name] = _read_of_multi30k(folder_of)
            elif name == "coco_mini":
                found[name] = catalogue.get("coco2017").items("train", folder(name))
            elif name in catalogue.DATASETS:
                found[name] = catalogue.get(name).items("train")
        except MissingData:
            missing.append(name)
    return {name: items for name, items in found.items() if items}, missing


def _read_of_multi30k(folder_of: Path) -> list[Item]:
    """What the weights were trained on: what training reads today, if a record of their runs says that it was as much;
    else all of it, which is what was read before."""
    filtered, path = multi30k.for_training(), folder_of / RUN
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    while record:
        if (record["data"] or {}).get("multi30k train", {}).get("items") == len(filtered):
            return filtered
        record = record.get("before")
    return multi30k.items("train")


def measure(folder: Path) -> dict:
    """The content of a checkpoint's exposure.json, as far as its data is on this machine."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    sources, missing = training_items(folder)
    report: dict[str, Any] = {
        "system": config["name"],
        "weights": config["weights"],
        "compared": {name: len(items) for name, items in sources.items()},
        "missing": missing,
    }
    tested: dict[str, list[Item]] = {}
    for name in config["protocols"]:
        try:
            if name not in DERIVED:
                with trained_on(folder):
                    items = find(name).items("test")
                tested[name] = [item for item in items if item.modality in config["encoders"]]
        except MissingData:
            continue
    found = overlaps(tested, sources)
    report["protocols"] = {name: found[name] | pretraining(tested[name], config["card"]["data"]) for name in tested}
    recipe = recipe_of(folder)
    if getattr(recipe, "reversal", None) and recipe.losses.domain:
        sketches = sum(item.modality is Modality.SKETCH for item in sources.get(recipe.data_on_card, ()))
        history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
        if (found := reversal(recipe, history, sketches)) is not None:
            report["reversal"] = found
    return report


def overlaps(tested: Mapping[str, Sequence[Item]], sources: Mapping[str, Sequence[Item]]) -> dict[str, dict[str, Any]]:
    """By protocol, how many of its test items are photos, sketches and captions, and for each of WAYS how many of them
    are among the training items of which data set; those of which none is are left out."""
    every = list({_key(item): item for items in tested.values() for item in items}.values())
    found: dict[str, dict[str, Any]] = {}
    for name, items in tested.items():
        counts = {kind: sum(item.modality is m for item in items) for m, kind in PICTURES.items()}
        counts["captions"] = sum(item.modality is Modality.TEXT and bool(labels_of(item, "image")) for item in items)
        found[name] = {kind: count for kind, count in counts.items() if count}
    for source, others in sources.items():
        ids = {_key(item) for item in others}
        same = {
            "ids": {_key(item) for item in every} & ids,
            "contents": {_key(item) for item in equal_contents(every, others)},
            "alike": {_key(photo) for photo, _ in photos_alike(every, others)},
            "sentences": {_key(item) for item in equal_sentences(every, others)},
        }
        for name, items in tested.items():
            for way, keys in same.items():
                if count := sum(_key(item) in keys for item in items):
                    found[name].setdefault(way, {})[source] = count
    return found


def _key(item: Item) -> tuple[str, str]:
    return str(item.modality), item.id


def pretraining(items: Sequence[Item], data: Iterable[str]) -> dict[str, int]:
    """How many of the test photos bear the id of a class of ImageNet-1k, on which photo networks are pretrained
    ("imagenet"), and how many are Flickr30k's, as those with German captions of Multi30k are, whose English captions
    all-MiniLM-L6-v2 is trained on by its own account ("flickr30k")."""
    photos, found = [item for item in items if item.modality is Modality.PHOTO], {}
    if any(name.startswith("imagenet") for name in data):
        try:
            classes = {item.id.partition("_")[0] for item in imagenet1000.items("train")}
        except MissingData:
            classes = set()
        ids = [re.match(r"n\d{8}", Path(str(item.content)).stem) for item in photos]
        found["imagenet"] = sum(bool(id and id[0] in classes) for id in ids)
    if "minilm" in data:
        named = {label for item in german_captions(photos) for label in item.labels}
        found["flickr30k"] = sum(bool(item.labels & named) for item in photos)
    return {key: count for key, count in found.items() if count}


def german_captions(photos: Sequence[Item]) -> list[Item]:
    """The German captions of Flickr8k's photos among these."""
    if not any(labels_of(photo, "image") for photo in photos):
        return []
    try:
        held = [item for split in ("val", "test") for item in catalogue.get("flickr8k").items(split)]
    except MissingData:
        return []
    return [item for item in held if item.language == "de"]


def reversal(recipe: Recipe, history: Sequence[Mapping[str, Any]], sketches: int) -> dict[str, float] | None:
    """At how many "steps" of a run its gradient reversal was "on", and its "strongest" factor; None where neither its
    history nor the data says.

    Both follow from the recipe and the number of training sketches. Without the data (no sketches), history has the
    share of steps and the mean factor since the validation before, as "train/reversal_on" and "train/reversal".
    """
    if sketches:
        epoch = math.ceil(sketches / recipe.batch)
        strengths = [
            recipe.reversal.at(step * recipe.batch / sketches)
            for stage in recipe.stages
            for step in range(stage.in_steps(epoch).steps)
        ]
        on = sum(strength > 0 for strength in strengths)
        return {"steps": len(strengths), "on": on, "strongest": round(max(strengths, default=0.0), 4)}
    entries = [entry for entry in history if "train/reversal_on" in entry]
    if not entries:
        return None
    on, last = 0.0, {}
    for entry in entries:
        on += entry["train/reversal_on"] * (entry["step"] - last.get(entry["stage"], 0))
        last[entry["stage"]] = entry["step"]
    strongest = max(entry["train/reversal"] for entry in entries)
    return {"steps": sum(last.values()), "on": round(on), "strongest": round(strongest, 4)}


def write(folder: Path) -> dict:
    """Measure a checkpoint's exposure and write it to its exposure.json."""
    report = measure(folder)
    write_json(folder / FILE, report)
    return report


def read(folder: Path) -> dict | None:
    """A checkpoint's exposure.json; None if there is none."""
    path = folder / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def sentences(report: Mapping[str, Any]) -> list[str]:
    """What a card says of an exposure.json: a line a protocol, and one of the gradient reversal."""
    lines = []
    for name, found in report["protocols"].items():
        counts = ", ".join(f"{found[kind]:,} {kind}" for kind in ("photos", "sketches", "captions") if kind in found)
        told = [
            f"{', '.join(f'{count:,} ({source})' for source, count in found[way].items())} {how}"
            for way, how in WAYS.items()
            if way in found
        ]
        line = f"- `{name}`: {counts}. Of these, in training too: {'; '.join(told) or 'none'}."
        if "imagenet" in found:
            line += (
                f" {found['imagenet']:,} photos are of classes of ImageNet-1k and bear its ids: the networks were "
                "pretrained on that set, most likely on these very photos."
            )
        if "flickr30k" in found:
            line += (
                f" {found['flickr30k']:,} photos are in Flickr30k, on whose English captions all-MiniLM-L6-v2 was "
                "trained, by its own account."
            )
        lines.append(line)
    if on := report.get("reversal"):
        lines.append(
            f"- The gradient reversal was on in {on['on']:,} of {on['steps']:,} training steps, at a factor of "
            f"{on['strongest']:.3f} at most."
        )
    compared = ", ".join(f"{name} ({count:,})" for name, count in report["compared"].items())
    missing = f"; not, since they were not at hand, with those of {', '.join(report['missing'])}" * bool(
        report["missing"]
    )
    return [*lines, f"- Compared with the training items of {compared}{missing}."]
