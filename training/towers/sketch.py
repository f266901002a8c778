"""The sketch tower: the architecture of the photo tower for grey sketches, with its own weights above the stem."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from training.towers.heads import Classifier, unit
from training.towers.photo import PhotoTower


class SketchTower(PhotoTower):
    """Maps sketches (N, 224, 224) uint8, 255 paper and 0 ink, to unit vectors (N, dim).

    In training, sketches may have any side and may be float.
    """

    def pixels(self, photo: torch.Tensor) -> torch.Tensor:
        """(N, 224, 224) uint8 -> (N, 3, 224, 224) in -1..1, with three equal channels."""
        return paper(photo)

    @torch.no_grad()
    def copy_from(self, photo: PhotoTower) -> None:
        """Copy the weights of a photo tower's head, and of the upper stages that both towers have."""
        for target, source in zip(reversed(self.upper), reversed(photo.upper), strict=False):
            target.load_state_dict(source.state_dict())
        self.head.load_state_dict(photo.head.state_dict())


class Mirrored(nn.Module):
    """Test-time augmentation: sketches (N, S, S) -> (N, dim), the normalised mean of a tower's unit vectors of a sketch
    and of its mirror image."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, sketch: torch.Tensor) -> torch.Tensor:
        both = self.tower(torch.cat([sketch, sketch.flip(2)]))
        return unit(both.unflatten(0, (2, -1)).mean(0))


class Seen(nn.Module):
    """What a tower has of sketches and of their mirror images: sketches (N, S, S) -> (N, features + dim), the mean of
    its pooled features and, behind it, the normalised mean of its unit vectors."""

    def __init__(self, tower: PhotoTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, sketch: torch.Tensor) -> torch.Tensor:
        features = self.tower.upper(self.tower.maps(torch.cat([sketch, sketch.flip(2)])))
        vectors = self.tower.head(features)
        return torch.cat([features.unflatten(0, (2, -1)).mean(0), unit(vectors.unflatten(0, (2, -1)).mean(0))], dim=1)


class Named(Seen):
    """Moves a tower's vectors of sketches towards the names of what they show: sketches (N, S, S) -> (N, dim).

    classes: a classifier over the tower's pooled features. names: (C, dim) unit vectors of its classes. pull, near: as
    `towards` takes them.
    """

    def __init__(self, tower: PhotoTower, classes: Classifier, names: torch.Tensor, pull: float, near: float) -> None:
        super().__init__(tower)
        self.classes, self.pull, self.near = classes, pull, near
        self.register_buffer("names", names)

    def forward(self, sketch: torch.Tensor) -> torch.Tensor:
        seen, features = super().forward(sketch), self.tower.features
        return towards(seen[:, features:], self.classes(seen[:, :features]), self.names, self.pull, self.near)


def towards(vectors: torch.Tensor, logits: torch.Tensor, names: torch.Tensor, pull: float, near: float) -> torch.Tensor:
    """Unit vectors (N, dim), moved towards the names of their classes where they are not near these yet.

    A vector that is near the name of its class stays, and with it what it knows of the very thing that was drawn.

    Args:
        vectors: (N, dim) unit vectors.
        logits: (N, C) of the classes.
        names: (C, dim) a unit vector for each class.
        pull: how much of the expected name is added for each unit of cosine that is missing.
        near: the cosine between a vector and the expected name at which nothing is missing.
    """
    expected = logits.softmax(1) @ names
    cosine = (vectors * expected).sum(1, keepdim=True) / expected.norm(dim=1, keepdim=True).clamp_min(1e-6)
    return unit(vectors + pull * (near - cosine).clamp_min(0) * expected)


class MultiScale(nn.Module):
    """Test-time augmentation: sketches (N, side, side) -> (N, dim), the normalised mean of a tower's unit vectors at
    several sizes in pixels, because networks are sensitive to the size of objects.

    It resizes as in training (learn.augment.resized), but by matrix products, which ONNX can express.
    """

    def __init__(self, tower: nn.Module, side: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.tower, identity = tower, torch.eye(side)[None, None]
        for n, size in enumerate(sizes):
            matrix = F.interpolate(identity, (side, size), mode="bilinear", antialias=True)[0, 0]  # (side, size)
            self.register_buffer(f"shrink_{n}", matrix)

    def forward(self, sketch: torch.Tensor) -> torch.Tensor:
        transposed = sketch.float().transpose(1, 2)
        vectors = [self.tower((transposed @ shrink).transpose(1, 2) @ shrink) for shrink in self.buffers(recurse=False)]
        return unit(torch.stack(vectors).mean(0))


def paper(sketch: torch.Tensor) -> torch.Tensor:
    """Normalise sketches (N, S, S), 255 paper and 0 ink, to (N, 3, S, S) in -1..1, with three equal channels."""
    return (sketch.float() / 127.5 - 1).unsqueeze(1).expand(-1, 3, -1, -1)


def plain_cnn() -> tuple[nn.Module, nn.Module, int]:
    """An untrained CNN of six layers, in the form of `backbone`: stem, upper, number of features."""
    widths = (3, 32, 64, 128, 256, 384, 512)
    layers = [
        nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
        for a, b in pairwise(widths)
    ]
    return nn.Identity(), nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), widths[-1]
