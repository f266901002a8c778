"""detector: Faster R-CNN on the frozen first stages of MobileNetV2, trained on boxes; coco-regions looks through it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torchvision.models.detection import FasterRCNN
from tqdm import tqdm

from training import recipes
from training.datasets import MissingData
from training.datasets.boxes import boxed, classes
from training.features import SIDE, MapCache
from training.fit import Stage
from training.recipes import Published, kept, train
from training.sampling import Cycle
from training.towers.photo import PhotoTower
from training.towers.regions import CUT, Detector, faster_rcnn
from xmr.modality import BadInput

YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Recipe(recipes.Recipe):
    """What detector.yaml sets; the comments there say what each setting changes."""

    boxes: tuple[str, ...]
    watched: str
    proposals: int
    batch: int
    flip: float


class Boxes:
    """Photos of one split as the frozen stem's maps, and their boxes in pixels with labels from 1."""

    def __init__(self, found: list, names: list[str], tower: PhotoTower, cache: Path) -> None:
        self.maps = MapCache(tower, [item for item, _ in found], 1, cache)
        number = {name: n for n, name in enumerate(names, 1)}
        self.targets = []
        for item, things in found:
            if item.id not in self.maps.lost:
                boxes = torch.tensor([box for _, box in things]).clamp(0, 1) * SIDE
                labels = torch.tensor([number[name] for name, _ in things])
                real = (boxes[:, 2:] - boxes[:, :2]).min(1).values > 1.0  # what is thinner than a pixel can't be found
                self.targets.append({"boxes": boxes[real], "labels": labels[real]})

    def take(self, rows: np.ndarray) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
        return torch.from_numpy(self.maps[rows, np.zeros(len(rows), int)]), [self.targets[row] for row in rows]


class Task:
    """Batches of photos with their boxes, and average precision on held-out ones."""

    def __init__(self, recipe: Recipe, cache: Path) -> None:
        self.recipe = recipe
        torch.manual_seed(recipe.seed)
        train, val = ([pair for name in names for pair in boxed(name, split)]
                      for names, split in ((recipe.boxes, "train"), ((recipe.watched,), "val")))  # fmt: skip
        self.names = classes(train)
        known = set(self.names)
        self.model = Detector(faster_rcnn(len(self.names), recipe.proposals, SIDE), SIDE)
        self.tower, self.cache = PhotoTower(0, 0, CUT), cache
        self.train = Boxes(train, self.names, self.tower, cache)
        self.val = Boxes([(i, t) for i, t in val if {n for n, _ in t} <= known], self.names, self.tower,
                         cache)  # fmt: skip
        self.cycle = Cycle(len(self.train.targets), recipe.seed)

    def begin(self, stage: Stage, step: int) -> None:
        """Nothing to do."""

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The keywords of Detector.forward. Mirrored photos are mirrored maps, which is nearly the same."""
        maps, targets = self.train.take(self.cycle.take(step * self.recipe.batch, self.recipe.batch))
        for n in np.flatnonzero(rng.random(len(maps)) < self.recipe.flip):
            maps[n] = maps[n].flip(-1)
            boxes = targets[n]["boxes"]
            mirrored = torch.stack([SIDE - boxes[:, 2], boxes[:, 1],
                                    SIDE - boxes[:, 0], boxes[:, 3]], 1)  # fmt: skip
            targets[n] = targets[n] | {"boxes": mirrored}
        return {"maps": maps, "targets": targets}

    def validate(self, stage: Stage) -> dict[str, float]:
        found = self.precision_of(self.val)
        return {"score": found["ap"]} | found

    def precision_of(self, boxes: Boxes) -> dict[str, float]:
        """COCO's average precision: "ap" over overlaps of 0.50 to 0.95, "ap50" at 0.50, and "recall" of 10 boxes a
        photo, means over the classes that are there."""
        from torchmetrics.detection import MeanAveragePrecision

        metric, device = MeanAveragePrecision(), next(self.model.parameters()).device
        for start in tqdm(range(0, len(boxes.targets), 16), "boxes", mininterval=5, leave=False):
            maps, targets = boxes.take(np.arange(start, min(start + 16, len(boxes.targets))))
            metric.update([{k: v.cpu() for k, v in one.items()} for one in self.model.detect(maps.to(device))], targets)
        found = metric.compute()
        return {name: float(found[key]) for name, key in (("ap", "map"), ("ap50", "map_50"), ("recall", "mar_10"))}

    def measure(self) -> dict[str, dict]:
        """Average precision on the test photos of each source that is there."""
        report = {}
        for source in self.recipe.boxes:
            try:
                found = boxed(source, "test")
            except MissingData as error:
                print(f"{source}: skipped. {error}")
                continue
            known = set(self.names)
            found = [(item, [thing for thing in things if thing[0] in known]) for item, things in found]
            boxes = Boxes([pair for pair in found if pair[1]], self.names, self.tower, self.cache)
            count = sum(len(one["labels"]) for one in boxes.targets)
            report[source] = {"photos": len(boxes.targets), "boxes": count} | self.precision_of(boxes)
        return report


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there; then measure on the test photos: measured.json."""
    task = train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache))
    report = {"classes": task.names, "test": task.measure()}
    (folder / "measured.json").write_text(json.dumps(report, indent=1) + "\n")
    return task


def trained(folder: Path) -> FasterRCNN:
    """The network of a finished run; BadInput if there is none."""
    if not (folder / "best.safetensors").is_file() or not (folder / "measured.json").is_file():
        raise BadInput(f"Expected a trained detector in {folder}. Train it first: python -m training fit detector")
    recipe, told = kept(Recipe, folder), json.loads((folder / "measured.json").read_text())
    model = Detector(faster_rcnn(len(told["classes"]), recipe.proposals, SIDE), SIDE)
    model.load_state_dict(load_file(folder / "best.safetensors"))
    return model.net.eval()


def told(folder: Path) -> str:
    """How well a finished run's detector finds boxes, in words."""
    found = json.loads((folder / "measured.json").read_text())["test"]
    return "; ".join(f"its average precision is {entry['ap']:.3f} ({entry['ap50']:.3f} at half overlap) on "
                     f"{entry['photos']:,} test photos of {source}" for source, entry in found.items())  # fmt: skip


def published(folder: Path) -> Published:
    """A detector answers no queries: raises BadInput that names the system it is a part of."""
    raise BadInput("The detector is a part of coco-regions. Publish that: python -m training publish coco-regions")
