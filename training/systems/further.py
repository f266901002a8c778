"""Training one tower of a published system further, while the others stay: what such systems have in common."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training.learn import recipe as recipes
from training.learn.evaluation import encoder_vectors
from training.systems import PublishedSystem, PublishedTower, tri
from xmr import checkpoint
from xmr.composer import KINDS
from xmr.evaluation import Protocol, Vectors, measure
from xmr.files import replacing
from xmr.modality import Item, Modality
from xmr.system import System

STAYING = PublishedTower(None, np.zeros((0, 0)), {})


@dataclass(frozen=True)
class Recipe(recipes.Recipe):
    """What goes on from a published system says, beside what all recipes do.

    Attributes:
        system: its name.
        checkpoints: the folder in which it lies.
        score: the val metrics whose weighted mean selects the best weights.
    """

    system: str
    checkpoints: str
    score: dict[str, float]


@dataclass(frozen=True)
class TowerRecipe(Recipe):
    """What trains towers further, and not only something beside them, says too.

    Attributes:
        share: how far the published weights lie between the initial ones and the best (WiSE-FT, Wortsman et al. 2022).
    """

    unbound = Recipe.unbound | {"share"}

    share: float


def form() -> tri.Recipe:
    """What the towers are like: as tri's recipe says."""
    return recipes.load(tri.Recipe, tri.YAML)


def initial(folder: Path, recipe: Recipe, file: str) -> Path:
    """A published file that a run began with. It is kept in the run's folder: publishing replaces the other one."""
    path = folder / file
    if not path.is_file():
        with replacing(path) as part:
            shutil.copyfile(Path(recipe.checkpoints) / recipe.system / file, part)
    return path


def encoded(system: System, items: list[Item], cache: Path) -> np.ndarray:
    """(N, dim) what the published encoders make of items of one modality, kept on disk."""
    key = repr((system.fingerprint(items[0].modality), [(item.id, str(item.content)) for item in items]))
    path = cache / f"vectors-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if not path.is_file():
        with replacing(path) as part, part.open("wb") as file:
            np.save(file, encoder_vectors(system)(items))
    return np.load(path)


def interpolate(initial: nn.Module, trained: Mapping[str, torch.Tensor], share: float) -> None:
    """Move a tower's weights, in place, that share of the way to the trained ones."""
    for name, value in initial.state_dict().items():
        if value.is_floating_point():  # not a batch norm's count
            value.lerp_(trained[name], share)


def loss_weights(settings: Mapping[str, float]) -> dict[str, float]:
    """The weights of a stage's losses, by their names: its settings that begin with "loss_".

    >>> loss_weights({"names": 64, "loss_photos": 2.0})
    {'photos': 2.0}
    """
    return {name.removeprefix("loss_"): weight for name, weight in settings.items() if name.startswith("loss_")}


def figures_of(
    watched: Mapping[str, tuple[Protocol, list[Item], list[Item] | None]], vectors: Vectors
) -> dict[str, float]:
    """The figures of protocols, by "<protocol>/<metric>".

    Args:
        watched: by a protocol's name, it, its val items and its gallery, None where the items search each other.
        vectors: items of one modality -> (N, dim).
    """
    return {
        f"{name}/{key}": value
        for name, (protocol, items, gallery) in watched.items()
        for key, value in measure(protocol, items, vectors, gallery)["metrics"].items()
    }


def score(figures: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """The figures that weights name, and "score": their weighted mean."""
    total = sum(weight * figures[key] for key, weight in weights.items())
    return {"score": total / sum(weights.values())} | {key: figures[key] for key in weights}


def card_with(recipe: Recipe, said: str) -> dict[str, Any]:
    """The published card with one more sentence on how the system was built, which it may have already."""
    card = checkpoint.describe(recipe.system, recipe.checkpoints)["card"]
    return {"data": card["data"], "limits": card["limits"], "built": card["built"].replace(said, "") + said}


def published(
    like: tri.Recipe,
    towers: Mapping[Modality, PublishedTower],
    card: Mapping[str, Any],
    composer: nn.Module | None = None,
) -> PublishedSystem:
    """The system with these towers; the graphs of the others, and the composer if none is given, stay."""
    every = {modality: towers.get(modality, STAYING) for modality in Modality}
    return PublishedSystem(like.name, like.about, like.protocols, "cosine", like.dim, every, card, composer, True)


def composed(system: System, composer: nn.Module) -> System:
    """A system with this composer, as it is now, in the place of an exported one."""

    def read(terms: np.ndarray, modalities: Sequence[Modality]) -> tuple[np.ndarray, ...]:
        kinds = torch.tensor([KINDS.index(modality) for modality in modalities])
        composer.eval()
        with torch.inference_mode():
            return tuple(part.numpy() for part in composer(torch.from_numpy(terms), kinds))

    return replace(system, composer=read)
