"""Varied copies of pictures: photos before the stem's maps of them are kept, sketches anew for every batch."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageEnhance

WAVES = 5  # points a side between which a sketch is bent


def vary_photo(image: Image.Image, rng: np.random.Generator, flip: bool) -> Image.Image:
    """A crop of 55 to 100 % of the area, mirrored if `flip`, with a little more or less light and colour."""
    share = math.sqrt(rng.uniform(0.55, 1.0))
    width, height = round(image.width * share), round(image.height * share)
    left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
    image = image.crop((left, top, left + width, top + height))
    if flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(0.75, 1.25))
    return image


def vary_sketches(sketches: torch.Tensor, size: int) -> torch.Tensor:
    """Every sketch as another hand might have drawn it: (N, S, S) uint8 -> (N, size, size) float, 255 paper and 0 ink.

    Turned by up to 22 degrees, stretched, sheared, half of them mirrored, bent, moved and scaled a little, and half of
    them with a square piece missing. Draws from torch's global generator.
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
    bend = torch.randn(n, 2, WAVES, WAVES, device=device) * 0.058
    grid = grid + F.interpolate(bend, (size, size), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    ink = F.grid_sample(ink, grid, padding_mode="zeros", align_corners=False)[:, 0]
    at = torch.arange(size, device=device) / size
    (left, top), side = uniform(0, 0.9, 2).T, uniform(0.1, 0.3) * (uniform(0, 1) < 0.5)
    across = (at > left[:, None]) & (at < (left + side)[:, None])
    down = (at > top[:, None]) & (at < (top + side)[:, None])
    return 255 - ink.masked_fill(down[:, :, None] & across[:, None, :], 0)


def resized(sketches: torch.Tensor, size: int) -> torch.Tensor:
    """(N, S, S) uint8 -> (N, size, size) float."""
    return F.interpolate(sketches.float()[:, None], (size, size), mode="bilinear", antialias=True)[:, 0]


def half_mixed(sketches: torch.Tensor, strength: float) -> tuple[torch.Tensor, torch.Tensor, float]:
    """`mixed` every other time, by torch's global generator; else, and with a strength of 0, the sketches as they are,
    each with itself and a share of 1."""
    if strength and torch.rand(()) < 0.5:
        return mixed(sketches, strength)
    return sketches, torch.arange(len(sketches), device=sketches.device), 1.0


def mixed(sketches: torch.Tensor, strength: float) -> tuple[torch.Tensor, torch.Tensor, float]:
    """mixup (Zhang et al. 2018): each sketch (N, S, S) laid over another of the batch.

    Returns:
        The mixtures, the row (N,) of the other sketch, and the share in 0..1 of the first: Beta(strength, strength).
    """
    share = float(torch.distributions.Beta(strength, strength).sample())
    other = torch.randperm(len(sketches), device=sketches.device)
    return share * sketches + (1 - share) * sketches[other], other, share
