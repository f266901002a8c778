"""Trained towers -> what the app loads: graphs, calibration, figures, a card, and their vectors of the demo gallery."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training import space
from training.datasets import MissingData, world
from training.datasets.names import spoken
from training.datasets.protocols import PROTOCOLS
from training.evaluate import encoder_vectors, evaluate, relevance
from training.export import check_parity, export, round_weights
from training.recipes import Part, Published, module
from training.study import SOUP, plan, shipped
from xmr import checkpoint
from xmr.encoder import Encoder
from xmr.folder import index_folder
from xmr.gallery import Entry, Gallery
from xmr.modality import BadInput, Item, Modality
from xmr.system import System

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
PARITY_ITEMS, PARITY_GALLERY = 48, 200
EXAMPLES = (
    "airplane", "bicycle", "car_(sedan)", "cat", "chair", "cup", "elephant", "guitar", "sailboat", "tree",
)  # fmt: skip
CALIBRATED = {  # protocols whose val items tell a match, and by which labels
    "flickr8k-test-en": "image", "flickr8k-test-de": "image", "sketchy25-heldout": "class", "world-test": "class",
    "sketchy-1-unseen": "class", "sketchy-2-unseen": "class",
}  # fmt: skip
CALIBRATION_TOP = 20  # how many of each query's first answers the curve is fitted to


def publish(name: str, runs: Path, checkpoints: Path, galleries: Path) -> None:
    """Export what `python -m training fit` left in runs/<system> to checkpoints/<system>, evaluate it there, and give
    galleries/demo, if it is there, the new vectors.

    Raises:
        BadInput: nothing was trained yet.
        ExportRefused: a graph doesn't answer as its tower does.
    """
    (run, command), folder = shipped(name, runs), checkpoints / name
    if not (run / "best.safetensors").is_file():
        raise BadInput(f"Expected trained weights in {run}. Train first: python -m training {command}")
    made = module(name).published(run)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run / "history.json", folder / "history.json")
    encoders = {modality: _export(modality, part, run, folder) for modality, part in made.parts.items()}
    config = {
        "name": made.name, "about": made.about, "space": made.space, "dim": made.dim,
        "weights": checkpoint.weights_hash(folder, encoders), "protocols": list(made.protocols), "encoders": encoders,
        "parity": _parity(made.parts, encoders, folder),
        "calibration": {}, "card": {"command": command, **made.card},
    }  # fmt: skip
    if run.name == SOUP:
        mixed = plan(name)
        seeds = ", ".join(map(str, mixed.seeds))
        config["card"]["built"] += (f" The weights are the mean of {len(mixed.soup) * len(mixed.seeds)} runs': "
                                    f"{', '.join(mixed.soup)}, each from the seeds {seeds}.")
    _write(folder / "config.json", config)
    config["calibration"] = calibrate(encoder_vectors(checkpoint.load(name, checkpoints)), made)
    _write(folder / "config.json", config)
    evaluate(name, checkpoints)
    write_card(folder)
    try:
        space.write(checkpoint.load(name, checkpoints), folder)
    except MissingData as error:
        print(f"space.json is not written. {error}")
    if (galleries / "demo" / "gallery.sqlite").is_file():
        fill(checkpoint.load(name, checkpoints), galleries / "demo")


def _export(modality: Modality, part: Part, run: Path, folder: Path) -> dict:
    """Write a tower's graph, and give its encoder's entry of config.json, whose files are paths from the checkpoint.

    A trunk that others share already is left as it is: if it isn't this tower's, the parity check says so.
    """
    told = {"file": f"{modality}.onnx", **part.config}
    name, few = "ids" if modality is TEXT else str(modality), part.inputs[: told.get("batch", 2)]
    if not part.shared:
        export(part.tower, {name: few}, folder / told["file"])
        if "tokenizer" in told:
            shutil.copyfile(run / "tokenizer.json", folder / told["tokenizer"])
        return told
    shared = folder.parent / "shared"
    trunk, tokenizer = shared / f"{part.shared}.onnx", shared / f"{part.shared}.json"
    round_weights(part.tower.trunk)
    if not trunk.is_file():
        export(part.tower.trunk, {name: few}, trunk, output="states")
        if modality is TEXT:
            shutil.copyfile(run / "tokenizer.json", tokenizer)
    with torch.inference_mode():
        states = part.tower.trunk(torch.from_numpy(few)).numpy()
    told["trunk"], given = f"../shared/{trunk.name}", {"states": states}
    if modality is TEXT:
        told["tokenizer"] = f"../shared/{tokenizer.name}"
        given["ids"] = few
    export(part.tower.rest, given, folder / told["file"])
    return told


def _parity(parts: Mapping[Modality, Part], encoders: Mapping[Modality, dict], folder: Path) -> dict[Modality, float]:
    """Each encoder's largest difference from its tower."""
    photo = parts[PHOTO]
    with torch.inference_mode():
        batches = np.array_split(photo.inputs[:PARITY_GALLERY], 10)
        gallery = torch.cat([photo.tower(torch.from_numpy(batch)) for batch in batches]).numpy()
    found = {}
    for modality, part in parts.items():
        encoder = Encoder.from_config(folder, modality, encoders[modality])
        worst = check_parity(part.tower, encoder.run, part.inputs[:PARITY_ITEMS], gallery, min(encoder.batch, 16))
        found[modality] = float(f"{worst:.2g}")
    return found


def calibrate(vectors: Callable[[list[Item]], np.ndarray], made: Published) -> dict[str, dict[str, float]]:
    """From a score to the chance of a match, for each kind of query, on the val items of the system's protocols.

    "mean" and "std" are of the scores of random pairs; "slope" and "intercept" of the logistic curve (Platt 1999)
    fitted to the first 20 answers of every query, which is what a person sees. A match is one of the same class where
    items have classes, of the same image in Flickr8k.
    """
    curves: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for name in filter(CALIBRATED.get, made.protocols):
        kind = CALIBRATED[name]
        try:
            items = PROTOCOLS[name].items("val")
        except MissingData:
            continue
        groups = {m: [i for i in items if i.modality is m] for m in made.parts}
        emb = {m: vectors(found) for m, found in groups.items() if found}
        for query, gallery in ((SKETCH, PHOTO), (TEXT, PHOTO), (PHOTO, PHOTO), (PHOTO, TEXT)):
            if query not in emb or gallery not in emb or (query is gallery and kind == "image"):
                continue
            relevant = relevance(groups[query], groups[gallery], kind)
            scores = emb[query] @ emb[gallery].T
            if query is gallery:
                np.fill_diagonal(scores, -1.0)  # a photo is not its own answer
            curves.setdefault(f"{query}_to_{gallery}", []).append((scores, relevant))
    return {key: _curve(found) for key, found in curves.items()}


def _curve(found: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    tops, matches, weights = [], [], []
    for scores, relevant in found:
        top = np.argpartition(-scores, CALIBRATION_TOP, axis=1)[:, :CALIBRATION_TOP]
        tops.append(np.take_along_axis(scores, top, axis=1).ravel())
        matches.append(np.take_along_axis(relevant, top, axis=1).ravel())
        weights.append(np.full(tops[-1].size, 1 / tops[-1].size))  # every data set counts the same
    slope, intercept = platt(np.concatenate(tops), np.concatenate(matches), np.concatenate(weights))
    mean = float(np.mean([scores.mean() for scores, _ in found]))
    std = float(np.mean([scores.std() for scores, _ in found]))
    return {key: round(value, 5) for key, value in
            {"mean": mean, "std": std, "slope": slope, "intercept": intercept}.items()}  # fmt: skip


def platt(scores: np.ndarray, matches: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the logistic curve of greatest weighted likelihood, by Newton's method: (N,) each.

    A little ridge on the slope keeps it finite where the scores tell all apart.
    """
    x = np.stack([scores, np.ones_like(scores)], axis=1).astype(np.float64)
    weights, beta = weights / weights.sum(), np.zeros(2)
    ridge = np.diag([1e-5, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        gradient = x.T @ (weights * (p - matches)) + ridge @ beta
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x + ridge + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        beta -= step * min(1.0, 20 / max(np.abs(step).max(), 1e-9))
        if np.abs(step).max() < 1e-8:
            break
    return float(beta[0]), float(beta[1])


def demo_gallery(folder: Path, checkpoints: Path) -> None:
    """Make galleries/demo anew from the rendered world's gallery split: photos, captions and example drawings, and the
    vectors of every published system."""
    items = world.items("gallery")
    shutil.rmtree(folder, ignore_errors=True)
    captions: dict[str, list[tuple[str, str]]] = {}
    for item in items:
        if item.modality is TEXT:
            captions.setdefault(item.id.partition("#")[0], []).append((item.language, item.content))
    photos = [item for item in items if item.modality is PHOTO]
    views = {item.id: item.facts["view"] for item in photos if "objects" not in item.facts}  # of one thing alone
    examples = {
        spoken(category, "en"): next(
            item.facts["drawing"] for item in items
            if item.modality is SKETCH and item.facts["hand"] == "careful" and f"class:{category}" in item.labels
            and views.get(item.id.rpartition("-")[0]) in ("side", "three-quarter")
        )
        for category in EXAMPLES
    }  # fmt: skip
    with Gallery.create(folder) as gallery:
        gallery.add(Entry(i.id, i.content, _shown(i.facts), captions[i.id]) for i in photos)
        gallery.put_examples(examples)
    for name in checkpoint.available(checkpoints):
        fill(checkpoint.load(name, checkpoints), folder)


def fill(system: System, folder: Path) -> None:
    """Give a gallery the vectors of a system that it lacks."""
    with tqdm(desc=f"{system.name}'s vectors of {folder}", mininterval=5) as bar:
        index_folder(folder, system, lambda done, total: (setattr(bar, "total", total), bar.update(done - bar.n)))


def _shown(facts: dict) -> dict:
    """What the app shows and filters by; captions have their own table, and drawings stay behind."""
    return {key: value for key, value in facts.items() if key not in ("captions", "sketches", "id", "split", "seed")}


DATA = {  # what a recipe trains on -> what for, and its terms
    "world": ("rendered world (this project)", "training, val, test, the demo gallery", "MIT, as this project"),
    "flickr8k": (
        "Flickr8k (Hodosh et al. 2013), German captions of Multi30k (Elliott et al. 2016)", "training, val, test",
        "photos belong to their Flickr authors; research and education",
    ),
    "multi30k": ("Multi30k text (Elliott et al. 2016)", "training of the text tower", "research, see its page"),
    "sketchy25": (
        "Sketchy (Sangkloy et al. 2016), a subset of 125 x 25 photos and sketches", "training, val, test",
        "research; the photos are ImageNet's",
    ),
    "chairv2": ("QMUL ChairV2 (Yu et al. 2016)", "training, val, test", "research"),
    "caltech101": ("Caltech-101 (Fei-Fei et al. 2004), 10 photos a class", "training", "CC BY 4.0"),
    "imagenet": (
        "weights of timm mobilenetv2_100, of ImageNet-1k (Deng et al. 2009)", "the backbone", "weights: Apache-2.0",
    ),
    "imagenet-lite0": (
        "weights of EfficientNet-Lite0 (Liu 2020), of ImageNet-1k (Deng et al. 2009)", "the backbone",
        "weights: Apache-2.0",
    ),
    "imagenet-lite2": (
        "weights of EfficientNet-Lite2 (Liu 2020), of ImageNet-1k (Deng et al. 2009)", "the backbone",
        "weights: Apache-2.0",
    ),
    "imagenet1000": (
        "ImageNet-1k (Deng et al. 2009), one photo a class", "training", "non-commercial research",
    ),
    "coco_mini": (
        "COCO 2017 (Lin et al. 2014), 80 of its photos with boxes", "the detector's training and test",
        "annotations: CC BY 4.0; photos: their Flickr owners'",
    ),
    "minilm": ("all-MiniLM-L6-v2 (Wang et al. 2020)", "the text tower, or its teacher", "Apache-2.0"),
}  # fmt: skip


def write_card(folder: Path) -> None:
    """Write the checkpoint's card.md from its config, history and metrics."""
    (folder / "card.md").write_text(card(folder), encoding="utf-8")


def card(folder: Path) -> str:
    """The checkpoint's card in Markdown."""
    config, history, metrics = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("config", "history", "metrics")
    )
    best = max(history, key=lambda entry: entry["score"])
    sizes = ", ".join(f"{name} {(folder / f'{name}.onnx').stat().st_size / 1e6:.1f} MB" for name in config["encoders"])
    told = config["card"]
    lines = [
        f"# {config['name']}", "", config["about"], "", f"{told['built']} Graphs: {sizes}; weights sha256 "
        f"`{config['weights'][:16]}`.", "",
        f"Chosen by validation at step {best['step']} of stage \"{best['stage']}\" (score {best['score']:.3f}). "
        f"Trained by `python -m training {told['command']}`; figures below are of the exported graphs, by "
        f"`python -m training evaluate {config['name']}`.", "", "## Data", "",
        "| data | used for | terms |", "| --- | --- | --- |",
        *(f"| {' | '.join(DATA.get(key) or _weights(key))} |" for key in told["data"]), "",
        "None of these photos, captions or drawings is part of the checkpoint, only weights that were trained on them.",
        "", "## Figures", "",
        "On items never trained on, beside what a random ranking would reach; ± is the standard error over queries.",
    ]  # fmt: skip
    for name, entry in metrics["protocols"].items():
        dropped = f", {entry['dropped']} without a match" if entry["dropped"] else ""
        counts = f"{entry['queries']} queries, {entry['gallery']} in the gallery{dropped}."
        lines += ["", f"### {name}", "", f"{entry['about']} {counts}", ""]
        lines += ["| metric | value | chance |", "| --- | --- | --- |"]
        for key, value in entry["metrics"].items():
            spread = f" ± {entry['spread'][key]:.3f}" if key in entry["spread"] else ""
            lines.append(f"| {key} | {value:.3f}{spread} | {entry['chance'][key]:.3f} |")
    lines += ["", "## Limits", "", told["limits"], ""]
    return "\n".join(lines)


def _weights(name: str) -> tuple[str, str, str]:
    """DATA's entry of a network that only a hub has."""
    return f"weights of {name}, from its hub", "the backbone", "see its page"


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
