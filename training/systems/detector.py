"""detector: Faster R-CNN on the frozen first stages of MobileNetV2; coco-regions uses its region proposals."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torchvision.models.detection import FasterRCNN
from tqdm import tqdm

from training.datasets import MissingData
from training.datasets.boxes import boxed, classes
from training.learn import recipe as recipes
from training.learn.features import SIDE, MapCache
from training.learn.fit import Stage
from training.learn.recipe import load_recipe, train
from training.learn.restore import load_onnx_weights
from training.learn.sampling import Cycle
from training.systems import PublishedSystem
from training.towers.photo import PhotoTower
from training.towers.regions import CUT, Detector, faster_rcnn
from xmr.files import write_json
from xmr.modality import BadInput

YAML = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Recipe(recipes.Recipe):
    """What detector.yaml sets; the comments there say what each setting changes."""

    boxes: tuple[str, ...]
    validated_on: str
    proposals: int
    batch: int
    flip: float


class Boxes:
    """One split of photos: their feature maps from the frozen stem, and boxes in pixels with labels from 1 on."""

    def __init__(self, found: list, names: list[str], tower: PhotoTower, cache: Path) -> None:
        self.maps = MapCache(tower, [item for item, _ in found], 1, cache)
        number = {name: n for n, name in enumerate(names, 1)}
        self.targets = []
        for item, things in found:
            if item.id not in self.maps.lost:
                boxes = torch.tensor([box for _, box in things]).clamp(0, 1) * SIDE
                labels = torch.tensor([number[name] for name, _ in things])
                wide = (boxes[:, 2:] - boxes[:, :2]).min(1).values > 1.0  # drops boxes thinner than a pixel
                self.targets.append({"boxes": boxes[wide], "labels": labels[wide]})

    def take(self, rows: np.ndarray) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
        """Feature maps (N, channels, side, side) of these rows, and each photo's "boxes" (B, 4) and "labels" (B,)."""
        return torch.from_numpy(self.maps[rows, np.zeros(len(rows), int)]), [self.targets[row] for row in rows]


class Task:
    """Draws batches of photos with boxes, and measures average precision on held-out photos."""

    def __init__(self, recipe: Recipe, cache: Path) -> None:
        self.recipe = recipe
        torch.manual_seed(recipe.seed)
        train, val = (
            [pair for name in names for pair in boxed(name, split)]
            for names, split in ((recipe.boxes, "train"), ((recipe.validated_on,), "val"))
        )
        self.data = {"train": [item for item, _ in train], "val": [item for item, _ in val]}
        self.names = classes(train)
        known = set(self.names)
        self.model = Detector(faster_rcnn(len(self.names), recipe.proposals, SIDE), SIDE)
        self.tower, self.cache = PhotoTower(0, 0, CUT), cache
        self.train = Boxes(train, self.names, self.tower, cache)
        self.val = Boxes([(i, t) for i, t in val if {n for n, _ in t} <= known], self.names, self.tower, cache)
        self.cycle = Cycle(len(self.train.targets), recipe.seed)

    def begin(self, stage: Stage, step: int) -> None:
        """Nothing to do."""

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """Keyword arguments of Detector.forward. Photos are mirrored by mirroring their maps, nearly the same."""
        maps, targets = self.train.take(self.cycle.take(step * self.recipe.batch, self.recipe.batch))
        for n in np.flatnonzero(rng.random(len(maps)) < self.recipe.flip):
            maps[n] = maps[n].flip(-1)
            boxes = targets[n]["boxes"]
            mirrored = torch.stack([SIDE - boxes[:, 2], boxes[:, 1], SIDE - boxes[:, 0], boxes[:, 3]], 1)
            targets[n] = targets[n] | {"boxes": mirrored}
        return {"maps": maps, "targets": targets}

    def validate(self, stage: Stage) -> dict[str, float]:
        """Average precision on the val photos, as precision_of; "score" is "ap"."""
        found = self.precision_of(self.val)
        return {"score": found["ap"]} | found

    def precision_of(self, boxes: Boxes) -> dict[str, float]:
        """COCO's metrics, averaged over classes: "ap" at IoU 0.50:0.95, "ap50" at IoU 0.50, and "recall" with 10
        detections per photo (AR@10)."""
        from torchmetrics.detection import MeanAveragePrecision

        metric, device = MeanAveragePrecision(), next(self.model.parameters()).device
        for start in tqdm(range(0, len(boxes.targets), 16), "boxes", mininterval=5, leave=False):
            maps, targets = boxes.take(np.arange(start, min(start + 16, len(boxes.targets))))
            metric.update([{k: v.cpu() for k, v in one.items()} for one in self.model.detect(maps.to(device))], targets)
        found = metric.compute()
        return {name: float(found[key]) for name, key in (("ap", "map"), ("ap50", "map_50"), ("recall", "mar_10"))}

    def measure(self) -> dict[str, dict]:
        """Average precision on the test photos of each source whose data is on this machine."""
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
    """Train in `folder`, or resume the run there, then write the test metrics to measured.json."""
    task = train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache))
    report = {"classes": task.names, "test": task.measure()}
    write_json(folder / "measured.json", report)
    return task


def trained(folder: Path) -> FasterRCNN:
    """The network of a finished run, in evaluation mode; raises BadInput if there is no such run."""
    if not (folder / "best.safetensors").is_file() or not (folder / "measured.json").is_file():
        raise BadInput(f"Expected a trained detector in {folder}. Train it first: python -m training fit detector")
    recipe, report = load_recipe(Recipe, folder), json.loads((folder / "measured.json").read_text())
    model = Detector(faster_rcnn(len(report["classes"]), recipe.proposals, SIDE), SIDE)
    model.load_state_dict(load_file(folder / "best.safetensors"))
    return model.net.eval()


def published_network(graph: Path, proposals: int) -> FasterRCNN:
    """The network in the photo graph of a published coco-regions, but for what names the boxes, which that leaves out.

    Raises BadInput: no such graph.
    """
    net = faster_rcnn(1, proposals, SIDE)
    held = nn.Module()
    held.net = nn.ModuleDict({"backbone": net.backbone, "rpn": net.rpn})
    held.net["roi_heads"] = nn.ModuleDict({"box_head": net.roi_heads.box_head})
    load_onnx_weights(held, graph)
    return net.eval()


def summary(folder: Path) -> str:
    """A finished run's average precision, as a clause for a model card."""
    found = json.loads((folder / "measured.json").read_text())["test"]
    return "; ".join(
        f"its average precision is {entry['ap']:.3f} ({entry['ap50']:.3f} at half overlap) on "
        f"{entry['photos']:,} test photos of {source}"
        for source, entry in found.items()
    )


def published(folder: Path) -> PublishedSystem:
    """Always raises BadInput: a detector answers no queries, so it is published as a part of coco-regions."""
    raise BadInput("The detector is a part of coco-regions. Publish that: python -m training publish coco-regions")
