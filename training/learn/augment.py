"""Augmentation. Photos are augmented once, before their feature maps are cached; sketches in every batch."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageEnhance

CONTROL_POINTS = 5  # per side of the grid that deforms a sketch elastically


def augment_photo(image: Image.Image, rng: np.random.Generator, flip: bool) -> Image.Image:
    """A random crop of 55 to 100 % of the area, mirrored if `flip`, with brightness, contrast and colour jitter."""
    share = math.sqrt(rng.uniform(0.55, 1.0))
    width, height = round(image.width * share), round(image.height * share)
    left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
    image = image.crop((left, top, left + width, top + height))
    if flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(0.75, 1.25))
    return image


def augment_sketches(sketches: torch.Tensor, size: int) -> torch.Tensor:
    """Random affine and elastic deformation of sketches: (N, S, S) uint8 -> (N, size, size) float, 255 paper and 0 ink.

    Each sketch is rotated by up to 22 degrees, stretched, sheared, translated, scaled and elastically deformed. It is
    mirrored with probability 0.5, and a square of it is erased with probability 0.5. Uses torch's global generator.
    """
    n, device = len(sketches), sketches.device

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.rand(n, *shape, device=device) * (high - low) + low

    ink = 255 - resized(sketches, size)[:, None]
    turn, mirror = uniform(-0.39, 0.39), (uniform(0, 1) < 0.5).float() * 2 - 1
    aspect, scale, shear = uniform(-0.28, 0.28).exp(), uniform(-0.08, 0.28).exp(), uniform(-0.26, 0.26)
    cos, sin, none = turn.cos(), turn.sin(), torch.zeros(n, device=device)
    turned = torch.stack([torch.stack([cos * mirror, -sin], 1), torch.stack([sin * mirror, cos], 1)], 1)
    sheared = torch.stack([torch.stack([aspect * scale, shear], 1), torch.stack([none, scale / aspect], 1)], 1)
    linear = torch.cat([turned @ sheared, uniform(-0.1, 0.1, 2, 1)], 2)  # (N, 2, 3)
    grid = F.affine_grid(linear, [n, 1, size, size], align_corners=False)
    bend = torch.randn(n, 2, CONTROL_POINTS, CONTROL_POINTS, device=device) * 0.058
    grid = grid + F.interpolate(bend, (size, size), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    ink = F.grid_sample(ink, grid, padding_mode="zeros", align_corners=False)[:, 0]
    at = torch.arange(size, device=device) / size
    (left, top), side = uniform(0, 0.9, 2).T, uniform(0.1, 0.3) * (uniform(0, 1) < 0.5)
    across = (at > left[:, None]) & (at < (left + side)[:, None])
    down = (at > top[:, None]) & (at < (top + side)[:, None])
    return 255 - ink.masked_fill(down[:, :, None] & across[:, None, :], 0)


def resized(sketches: torch.Tensor, size: int) -> torch.Tensor:
    """(N, S, S) uint8 -> (N, size, size) float, bilinear with antialiasing."""
    return F.interpolate(sketches.float()[:, None], (size, size), mode="bilinear", antialias=True)[:, 0]


def maybe_mixup(sketches: torch.Tensor, alpha: float) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Apply `mixup` with probability 0.5, drawn from torch's global generator; never if alpha is 0.

    Returns:
        As `mixup`; without it the unchanged sketches, each sketch's own row, and a weight of 1.
    """
    if alpha and torch.rand(()) < 0.5:
        return mixup(sketches, alpha)
    return sketches, torch.arange(len(sketches), device=sketches.device), 1.0


def mixup(sketches: torch.Tensor, alpha: float) -> tuple[torch.Tensor, torch.Tensor, float]:
    """mixup (Zhang et al. 2018): the weighted mean of each sketch (N, S, S) and another of the batch.

    Returns:
        The mixtures, the row (N,) of the other sketch, and the weight of the first, from Beta(alpha, alpha).
    """
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    other = torch.randperm(len(sketches), device=sketches.device)
    return share * sketches + (1 - share) * sketches[other], other, share
