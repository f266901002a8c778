"""The sketch tower: the photo tower's architecture on one channel of ink, with upper stages and a head of its own."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from training.towers.heads import unit
from training.towers.photo import PhotoTower


class SketchTower(PhotoTower):
    """sketch (N, 224, 224) uint8, 255 paper and 0 ink -> (N, dim) unit vectors; in training of any side, and float."""

    def pixels(self, photo: torch.Tensor) -> torch.Tensor:
        """(N, 224, 224) uint8 -> (N, 3, 224, 224) in -1..1, the three channels alike."""
        return paper(photo)

    @torch.no_grad()
    def begin_as(self, photo: PhotoTower) -> None:
        """Take over the head and the upper stages of a photo tower, as many as it has of its own."""
        for mine, theirs in zip(reversed(self.upper), reversed(photo.upper), strict=False):
            mine.load_state_dict(theirs.state_dict())
        self.head.load_state_dict(photo.head.state_dict())


class Mirrored(nn.Module):
    """A tower that is shown a sketch (N, S, S) with its mirror image, which of most things is as good a drawing, in
    twice the time: (N, dim), the mean of their two unit vectors brought to length 1."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, sketch: torch.Tensor) -> torch.Tensor:
        both = self.tower(torch.cat([sketch, sketch.flip(2)]))
        return unit(both.unflatten(0, (2, -1)).mean(0))


class Resized(nn.Module):
    """A tower that is shown a sketch (N, side, side) at several sizes, in pixels a side: (N, dim), the mean of its unit
    vectors brought to length 1. What a network has learned of things it has learned of their size too.

    They are shrunk as in training (training.vary.resized), but by matrices, which export to ONNX as they stand.
    """

    def __init__(self, tower: nn.Module, side: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.tower, still = tower, torch.eye(side)[None, None]
        for n, size in enumerate(sizes):
            shrink = F.interpolate(still, (side, size), mode="bilinear", antialias=True)[0, 0]
            self.register_buffer(f"shrink_{n}", shrink)

    def forward(self, sketch: torch.Tensor) -> torch.Tensor:
        turned = sketch.float().transpose(1, 2)
        found = [self.tower((turned @ shrink).transpose(1, 2) @ shrink) for shrink in self.buffers(recurse=False)]
        return unit(torch.stack(found).mean(0))


def paper(sketch: torch.Tensor) -> torch.Tensor:
    """(N, S, S), 255 paper and 0 ink -> (N, 3, S, S) in -1..1, the three channels alike."""
    return (sketch.float() / 127.5 - 1).unsqueeze(1).expand(-1, 3, -1, -1)


def plain_cnn() -> tuple[nn.Module, nn.Module, int]:
    """A CNN of six layers that knows nothing yet, as (stem, upper, number of features), like `backbone`."""
    widths = (3, 32, 64, 128, 256, 384, 512)
    layers = [
        nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
        for a, b in pairwise(widths)
    ]
    return nn.Identity(), nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), widths[-1]
