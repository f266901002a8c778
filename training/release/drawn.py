"""`python -m training drawn`: fits and measures what tells drawings from photographs, xmr.preprocess.is_drawing."""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from training.datasets import MissingData, catalogue, paper, picture, sketchy25, unit_hash, world
from training.datasets.sheets import smooth_noise
from xmr.files import write_json
from xmr.modality import Item, Modality
from xmr.preprocess.drawn import FITTED, features

SKETCHES, PHOTOS = 24, 400  # of a split: each sketch comes clean and in every style; photos of each set
PATTERNS = 100  # pictures without anything in them, which are no drawings
PHOTO_SETS = ("flickr8k", "sketchy25", "caltech101", "world")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options."""


def run(args: argparse.Namespace) -> None:
    """Fit on train items, choose the bias on val items, measure on test items, and write all of it; raises MissingData
    without sketchy25."""
    kinds = {split: dict(_kinds(split)) for split in ("train", "val", "test")}
    x, drawn = _stacked(kinds["train"])
    scaler = StandardScaler().fit(x)
    balance = np.where(drawn, 0.5 / drawn.mean(), 0.5 / (~drawn).mean())
    fitted = LogisticRegression(C=1.0, max_iter=5000).fit(scaler.transform(x), drawn, balance)
    weights = fitted.coef_[0] / scaler.scale_
    x, drawn = _stacked(kinds["val"])
    bias = _bias(x @ weights, drawn)
    errors = {
        name: {"wrong": round(float(((x @ weights + bias > 0) != _is_drawn(name)).mean()), 4)} | {"pictures": len(x)}
        for name, x in kinds["test"].items()
    }
    x, drawn = _stacked(kinds["test"])
    told = x @ weights + bias > 0
    report = {
        "about": "Whether a picture is a drawing: a logistic regression on xmr.preprocess.drawn.features, fitted to "
        "train items, its bias chosen on val items, measured on test items. Drawings: sketchy25's sketches, clean and "
        f"as people bring them. Photos: {', '.join(PHOTO_SETS)}; and pictures of nothing, noise on one colour.",
        "weights": weights.round(4).tolist(),
        "bias": round(bias, 4),
        "photos_taken_for_drawings": round(float(told[~drawn].mean()), 4),
        "drawings_taken_for_photos": round(float((~told[drawn]).mean()), 4),
        "test": errors,
    }
    write_json(FITTED, report)
    print(f"{FITTED}: {report['photos_taken_for_drawings']:.1%} of photos are taken for drawings, ", end="")
    print(f"{report['drawings_taken_for_photos']:.1%} of drawings for photos.")


def _bias(scores: np.ndarray, drawn: np.ndarray) -> float:
    """The bias at which both kinds of error are most alike."""
    places = np.sort(scores)
    wrong = [abs((scores[~drawn] > at).mean() - (scores[drawn] <= at).mean()) for at in places]
    return -float(places[int(np.argmin(wrong))])


def _is_drawn(kind: str) -> bool:
    return kind == "clean" or kind in paper.STYLES


def _stacked(kinds: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The features (N, 44) of all kinds, and which are of drawings, (N,) bool."""
    drawn = np.concatenate([np.full(len(x), _is_drawn(name)) for name, x in kinds.items()])
    return np.concatenate(list(kinds.values())), drawn


def _kinds(split: str) -> Iterator[tuple[str, np.ndarray]]:
    """The features (N, 44) of each kind of picture: the styles of drawings, and the sets of photos that are here."""
    by_style: dict[str, list[Item]] = {}
    for item in paper.items(_some(sketchy25.items(split), Modality.SKETCH, SKETCHES)):
        by_style.setdefault(item.facts["style"], []).append(item)
    for style, items in by_style.items():
        yield style, _features(f"{split}, {style}", items)
    rng = np.random.default_rng(("train", "val", "test").index(split))
    yield "nothing", _features(f"{split}, nothing", [_pattern(rng) for _ in range(PATTERNS)])
    for name in PHOTO_SETS:
        try:
            rendered = (name, split) == ("world", "train")  # the photos that a training renders
            items = world.items("photos") if rendered else catalogue.get(name).items(split)
        except MissingData as error:
            print(f"{name} is left out. {error}")
            continue
        if photos := _some(items, Modality.PHOTO, PHOTOS):
            yield name, _features(f"{split}, {name}", photos)


def _pattern(rng: np.random.Generator) -> Image.Image:
    """A picture of nothing: noise of some grain, strong or none at all, on one colour."""
    shape, grain = tuple(rng.integers(200, 900, 2).tolist()), float(rng.choice((1, 2, 8, 60)))
    noise = np.stack([smooth_noise(rng, shape, grain) for _ in range(3)], axis=2)
    strength = rng.choice((0, 0.05, 0.15, 0.4))
    return Image.fromarray(((rng.uniform(0, 1, 3) + strength * noise).clip(0, 1) * 255).astype(np.uint8))


def _some(items: list[Item], modality: Modality, count: int) -> list[Item]:
    """That many of the items of a modality, always the same."""
    return sorted((item for item in items if item.modality is modality), key=_order)[:count]


def _order(item: Item) -> float:
    return unit_hash(item.id, "drawn")


def _features(label: str, items: Sequence[Item | Image.Image]) -> np.ndarray:
    pictures = (item if isinstance(item, Image.Image) else picture(item) for item in items)
    return np.stack([features(one) for one in tqdm(pictures, label, len(items), leave=False)])
