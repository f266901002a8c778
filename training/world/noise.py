"""Procedural noise on periodic lattices: value noise in 2D and 3D, octave sums and Worley noise, by table lookup."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch.nn.functional import grid_sample

PLANE, CUBE = 256, 32  # periods of the 2D and 3D lattices, in cells


@lru_cache
def _plane(device: torch.device) -> torch.Tensor:
    values = np.random.default_rng(11).uniform(-1, 1, (1, 2, PLANE, PLANE)).astype(np.float32)
    return torch.tensor(np.pad(values, ((0, 0), (0, 0), (0, 1), (0, 1)), mode="wrap"), device=device)


@lru_cache
def _cube(device: torch.device) -> torch.Tensor:
    values = np.random.default_rng(12).uniform(-1, 1, (1, 3, CUBE, CUBE, CUBE)).astype(np.float32)
    return torch.tensor(np.pad(values, ((0, 0), (0, 0), (0, 1), (0, 1), (0, 1)), mode="wrap"), device=device)


def _ease(x: torch.Tensor, period: int) -> torch.Tensor:
    whole = x.floor()
    f = x - whole
    return (whole.remainder(period) + f * f * (3 - 2 * f)) / period * 2 - 1


def noise_2d(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Two independent 2D value noises (2, N) in -1..1 at points x, y (N,); a lattice cell is 1 wide."""
    at = torch.stack([_ease(x, PLANE), _ease(y, PLANE)], dim=-1)[None, None]
    return grid_sample(_plane(x.device), at, align_corners=True)[0, :, 0]


def noise_3d(p: torch.Tensor) -> torch.Tensor:
    """Three independent 3D value noises (3, N) in -1..1 at points (3, N); a lattice cell is 1 wide."""
    at = _ease(p, CUBE).T.reshape(1, 1, 1, -1, 3)
    return grid_sample(_cube(p.device), at, align_corners=True)[0, :, 0, 0]


def octaves_2d(x: torch.Tensor, y: torch.Tensor, octaves: int, footprint: torch.Tensor | float = 0.0) -> torch.Tensor:
    """A sum of octaves of `noise_2d`: (2, N), about -1..1. Octaves finer than a pixel's footprint fade out."""
    out, weight, f = 0.0, 0.5, 1.0
    for i in range(octaves):
        fade = 1 / (1 + (2.0 * f * torch.as_tensor(footprint, device=x.device)) ** 2)
        out = out + weight * fade * noise_2d(x * f + 17.3 * i, y * f - 9.1 * i)
        weight, f = weight * 0.6, f * 2.03
    return out


def octaves_3d(p: torch.Tensor, octaves: int) -> torch.Tensor:
    """A sum of octaves of `noise_3d`: (3, N), about -1..1."""
    out, weight, f = 0.0, 0.55, 1.0
    for i in range(octaves):
        out = out + weight * noise_3d(p * f + 5.7 * i)
        weight, f = weight * 0.55, f * 2.03
    return out


def worley_noise(p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Worley noise with one random point per unit cell, at points (3, N).

    Returns:
        The distance (N,) to the nearest random point, and a number (N,) in 0..1 that identifies that point.
    """
    table = _cube(p.device)[0]
    base = p.floor()
    best = torch.full_like(p[0], 9.0)
    own = torch.zeros_like(best)
    for i in range(27):
        cell = base + torch.tensor([i % 3 - 1, i // 3 % 3 - 1, i // 9 - 1.0], device=p.device)[:, None]
        x, y, z = cell.remainder(CUBE).long()
        jitter = table[:, x, y, z]  # (3, N)
        x, y, z = cell + 0.5 + 0.42 * jitter - p
        d = (x * x + y * y + z * z).sqrt()
        own = torch.where(d < best, jitter[0] * 0.5 + 0.5, own)
        best = torch.minimum(best, d)
    return best, own


def hash_01(x: torch.Tensor, seed: float) -> torch.Tensor:
    """Hash integers x (N,) to numbers in 0..1 (N,), deterministic in x and the seed."""
    return ((x * 127.1 + seed * 311.7).sin() * 43758.5453).remainder(1.0)
