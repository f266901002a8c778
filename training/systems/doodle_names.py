"""Pretraining for a sketch network that starts from nothing: it learns to name Quick, Draw!'s doodles.

Sketchy has 75,471 sketches, the subset that can be had here some 2,000; Quick, Draw!'s doodles make up for the rest.
"""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from training.datasets import catalogue, labels_of
from training.learn.augment import augment_sketches, resized
from training.learn.features import MapCache
from training.learn.fit import Stage, fit
from training.learn.run_record import identity_of
from training.learn.sampling import Cycle

BATCH = 128
SEED = 1


class DoodleNamer(nn.Module):
    """A sketch network and a linear classifier on its code; forward gives the cross-entropy as "loss"."""

    def __init__(self, network: nn.Module, code: int, classes: int, size: int) -> None:
        super().__init__()
        self.network, self.names, self.size = network, nn.Linear(code, classes), size

    def forward(self, input: torch.Tensor, cls: torch.Tensor) -> dict[str, torch.Tensor]:
        """input: (N, S, S) uint8 doodles, of which every other one is augmented. cls: (N,) their classes."""
        shown = resized(input, self.size)  # as they will be seen: batch norm's statistics are those of both
        shown[::2] = augment_sketches(input[::2], self.size)
        return {"loss": F.cross_entropy(self.names(self.network(shown)).float(), cls)}


class Task:
    """Batches of doodles with their classes; validation is the accuracy on held-out ones."""

    def __init__(self, network: nn.Module, code: int, size: int, cache: Path) -> None:
        self.data = {split: catalogue.get("quickdraw").items(split) for split in ("train", "val")}
        self.maps = {split: MapCache(None, items, 1, cache, size) for split, items in self.data.items()}
        classes = sorted({label for item in self.data["train"] for label in labels_of(item, "class")})
        number = {name: n for n, name in enumerate(classes)}
        self.cls = {
            split: np.array([number[min(labels_of(item, "class"))] for item in maps.items])
            for split, maps in self.maps.items()
        }
        self.model, self.size = DoodleNamer(network, code, len(classes), size), size
        self.cycle = Cycle(len(self.cls["train"]), SEED)

    @property
    def epoch_steps(self) -> int:
        """Steps in which each doodle is drawn once."""
        return math.ceil(self.cycle.n / BATCH)

    def begin(self, stage: Stage, step: int) -> None:
        """Nothing to do."""

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        return self.part("train", self.cycle.take(step * BATCH, BATCH))

    def part(self, split: str, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """The arguments of the model's forward: some rows of a split."""
        return {"input": torch.from_numpy(self.maps[split][rows, 0]), "cls": torch.from_numpy(self.cls[split][rows])}

    @torch.inference_mode()
    def validate(self, stage: Stage) -> dict[str, float]:
        """ "score": the share of held-out doodles that are named right."""
        device, right = next(self.model.parameters()).device, []
        for rows in np.array_split(np.arange(len(self.cls["val"])), math.ceil(len(self.cls["val"]) / BATCH)):
            part = self.part("val", rows)
            logits = self.model.names(self.model.network(resized(part["input"].to(device), self.size)))
            right.append(logits.argmax(1).cpu() == part["cls"])
        return {"score": torch.cat(right).float().mean().item()}


def pretrain(network: nn.Module, code: int, size: int, epochs: int, rate: float, cache: Path) -> None:
    """Train a sketch network, (N, S, S) -> (N, code), on Quick, Draw!'s doodles, in place.

    The run lies below `cache` by its settings and data, so that it is done once for all variants and seeds, and resumes
    after a kill. Raises MissingData without the doodles.

    size: side of the doodles in pixels. rate: the peak learning rate, of a warm-up and a cosine decay.
    """
    task = Task(network, code, size, cache)
    settings = [repr(network), size, epochs, rate, identity_of(task.data)]
    folder = cache / f"doodle-names-{hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:12]}"
    stage = Stage("doodles", every=1, rates={"": rate}, settings={}, epochs=epochs, warm_up=100, weight_decay=0.0)
    fit(task, (stage.in_steps(task.epoch_steps),), folder, SEED)
