"""Trained towers -> what the app loads: graphs, calibration, figures, a card, and the demo gallery."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from training.datasets import MissingData, flickr8k, sketchy25, world
from training.datasets.names import spoken
from training.datasets.protocols import PROTOCOLS
from training.evaluate import encoder_vectors, evaluate, relevance
from training.export import check_parity, export, state
from training.features import SIDE, pixels
from training.recipes import load
from xmr import checkpoint
from xmr.gallery import Entry, Gallery
from xmr.modality import BadInput, Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
PARITY_ITEMS, PARITY_GALLERY = 48, 200
EXAMPLES = (
    "airplane", "bicycle", "car_(sedan)", "cat", "chair", "cup", "elephant", "guitar", "sailboat", "tree",
)  # fmt: skip
CALIBRATION_TOP = 20  # how many of each query's first answers the curve is fitted to


def publish(recipe_module, runs: Path, checkpoints: Path, galleries: Path) -> None:
    """Export the best weights of runs/<system> to checkpoints/<system>, evaluate them there, and fill galleries/demo.

    Raises:
        BadInput: nothing was trained yet.
        ExportRefused: a graph doesn't answer as its tower does.
    """
    recipe = load(recipe_module.Recipe, Path(recipe_module.__file__).with_suffix(".yaml"))
    run, folder = runs / recipe.name, checkpoints / recipe.name
    if not (run / "best.safetensors").is_file():
        raise BadInput(f"Expected trained weights in {run}. Train first: python -m training fit {recipe.name}")
    model = recipe_module.Tri(recipe)
    model.load_state_dict(load_file(run / "best.safetensors"))
    towers = {"photo": model.photo, "sketch": model.sketch, "text": model.text}
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "history.json"):
        shutil.copyfile(run / name, folder / name)
    save_file(state(towers), folder / "weights.safetensors")
    worst = _export(towers, folder, recipe.text.max_tokens, recipe.sketch_size)
    config = {
        "name": recipe.name, "about": recipe.about, "space": "cosine", "dim": recipe.dim,
        "weights": checkpoint.weights_hash(folder), "protocols": list(recipe.protocols),
        "encoders": {
            "photo": {"file": "photo.onnx", "size": SIDE},
            "sketch": {"file": "sketch.onnx", "size": recipe.sketch_size},
            "text": {
                "file": "text.onnx", "tokenizer": "tokenizer.json", "max_tokens": recipe.text.max_tokens,
                "languages": ["en", "de"],
            },
        },
        "parity": {name: float(f"{value:.2g}") for name, value in worst.items()},
        "calibration": {},
    }  # fmt: skip
    _write(folder / "config.json", config)
    config["calibration"] = calibrate(encoder_vectors(checkpoint.load(recipe.name, checkpoints)))
    _write(folder / "config.json", config)
    evaluate(recipe.name, checkpoints)
    write_card(folder)
    try:
        demo_gallery(checkpoint.load(recipe.name, checkpoints), galleries / "demo")
    except MissingData as error:
        print(f"No demo gallery. {error}")


def _export(towers: dict, folder: Path, max_tokens: int, sketch_size: int) -> dict[str, float]:
    """Write the graphs and give each one's largest difference from its tower, on real val items."""
    drawn, told = sketchy25.items("val"), flickr8k.items("val")
    some = {
        "photo": _inputs([i for i in drawn if i.modality is PHOTO][:PARITY_GALLERY], SIDE),
        "sketch": _inputs([i for i in drawn if i.modality is SKETCH][:PARITY_ITEMS], sketch_size),
        "text": Tokenizer(folder / "tokenizer.json").encode(
            [i.content for i in told if i.modality is TEXT][:PARITY_ITEMS], max_tokens
        ),
    }
    for name, tower in towers.items():
        export(tower, "ids" if name == "text" else name, some[name][:2], folder / f"{name}.onnx")
    with torch.inference_mode():
        photos = [towers["photo"](torch.from_numpy(part)) for part in np.array_split(some["photo"], 10)]
    gallery = torch.cat(photos).numpy()
    return {
        name: check_parity(tower, folder / f"{name}.onnx", some[name][:PARITY_ITEMS], gallery)
        for name, tower in towers.items()
    }


def _inputs(items: list[Item], size: int) -> np.ndarray:
    return np.stack([pixels(item, 0, size) for item in items])


def calibrate(vectors: Callable[[list[Item]], np.ndarray]) -> dict[str, dict[str, float]]:
    """From a score to the chance of a match, for each kind of query, on val items.

    "mean" and "std" are of the scores of random pairs; "slope" and "intercept" of the logistic curve (Platt 1999)
    fitted to the first 20 answers of every query, which is what a person sees. A match is one of the same class where
    items have classes, of the same image in Flickr8k.
    """
    curves: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for name, kind in (("flickr8k-test-en", "image"), ("flickr8k-test-de", "image"), ("sketchy25-heldout", "class"),
                       ("world-test", "class")):  # fmt: skip
        try:
            items = PROTOCOLS[name].items("val")
        except MissingData:
            continue
        groups = {m: [i for i in items if i.modality is m] for m in (PHOTO, SKETCH, TEXT)}
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


def demo_gallery(system, folder: Path) -> None:
    """Make galleries/demo anew from the rendered world's gallery split: photos, captions, vectors, example drawings."""
    items = world.items("gallery")
    shutil.rmtree(folder, ignore_errors=True)
    vectors = encoder_vectors(system)
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
        for start in range(0, len(photos), 64):
            batch = photos[start : start + 64]
            with gallery.batch():
                gallery.add(Entry(i.id, i.content, _shown(i.facts), captions[i.id]) for i in batch)
                gallery.put_vectors(system.name, system.weights, PHOTO, [i.id for i in batch], vectors(batch))
        texts = gallery.texts()
        gallery.put_vectors(system.name, system.weights, TEXT, [t.id for t in texts], vectors(texts))
        gallery.put_examples(examples)


def _shown(facts: dict) -> dict:
    """What the app shows and filters by; captions have their own table, and drawings stay behind."""
    return {key: value for key, value in facts.items() if key not in ("captions", "sketches", "id", "split", "seed")}


DATA = """\
| data | used for | terms |
| --- | --- | --- |
| rendered world (this project) | training, val, test, the demo gallery | MIT, as this project |
| Flickr8k (Hodosh et al. 2013), German captions of Multi30k (Elliott et al. 2016) | training, val, test | photos \
belong to their Flickr authors; research and education |
| Multi30k text (Elliott et al. 2016) | training of the text tower | research, see its page |
| Sketchy (Sangkloy et al. 2016), a subset of 125 x 25 photos and sketches | training, val, test | research; the \
photos are ImageNet's |
| QMUL ChairV2 (Yu et al. 2016) | training, val, test | research |
| Caltech-101 (Fei-Fei et al. 2004), 10 photos a class | training | CC BY 4.0 |
| ImageNet-1k (Deng et al. 2009), one photo a class; weights of timm mobilenetv2_100 | training; the backbone | \
photos: non-commercial research; weights: Apache-2.0 |
| all-MiniLM-L6-v2 | teacher of the text tower | Apache-2.0 |

None of these photos, captions or drawings is part of the checkpoint, only weights that were trained on them."""


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
    lines = [
        f"# {config['name']}", "", config["about"], "",
        f"A photo, a sketch and a text tower give unit vectors of {config['dim']} numbers, compared by cosine. "
        f"Photo and sketch: MobileNetV2 (ImageNet-1k), trained further: its last stages for photos, all but the first "
        f"layer for sketches, "
        f"{config['encoders']['photo']['size']} and {config['encoders']['sketch']['size']} px. Text: a transformer "
        f"over subwords, English and German, at most {config['encoders']['text']['max_tokens']} tokens. "
        f"Graphs: {sizes}; weights sha256 `{config['weights'][:16]}`.", "",
        f"Chosen by validation at step {best['step']} of stage \"{best['stage']}\" (score {best['score']:.3f}). "
        f"Trained by `python -m training fit {config['name']}`; figures below are of the exported graphs, by "
        f"`python -m training evaluate {config['name']}`.", "", "## Data", "", DATA, "", "## Figures", "",
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
    lines += [
        "", "## Limits", "",
        "It knows the words, things and views of this data: everyday scenes, 125 kinds of things, rendered objects. "
        "Words outside them are guessed from their parts; counts, text in pictures and relations are mostly lost. "
        "Photos of people come with the biases of Flickr's photos and captions.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
