"""Procedural noise on lattices that wrap: smooth, seeded once and for all, cheap because it is a lookup."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch.nn.functional import grid_sample

PLANE, CUBE = 256, 32  # repeats after so many units


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


def plane(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """(2, N) two independent noises in -1..1 at points (N,), one lattice cell a unit."""
    at = torch.stack([_ease(x, PLANE), _ease(y, PLANE)], dim=-1)[None, None]
    return grid_sample(_plane(x.device), at, align_corners=True)[0, :, 0]


def cube(p: torch.Tensor) -> torch.Tensor:
    """(3, N) three independent noises in -1..1 at (3, N) points, one lattice cell a unit."""
    at = _ease(p, CUBE).T.reshape(1, 1, 1, -1, 3)
    return grid_sample(_cube(p.device), at, align_corners=True)[0, :, 0, 0]


def plane_sum(x: torch.Tensor, y: torch.Tensor, octaves: int, footprint: torch.Tensor | float = 0.0) -> torch.Tensor:
    """(2, N) octaves of noise added up, about -1..1; octaves finer than the footprint (in units) fade out."""
    out, weight, f = 0.0, 0.5, 1.0
    for i in range(octaves):
        fade = 1 / (1 + (2.0 * f * torch.as_tensor(footprint, device=x.device)) ** 2)
        out = out + weight * fade * plane(x * f + 17.3 * i, y * f - 9.1 * i)
        weight, f = weight * 0.6, f * 2.03
    return out


def cube_sum(p: torch.Tensor, octaves: int) -> torch.Tensor:
    """(3, N) octaves of noise added up, about -1..1."""
    out, weight, f = 0.0, 0.55, 1.0
    for i in range(octaves):
        out = out + weight * cube(p * f + 5.7 * i)
        weight, f = weight * 0.55, f * 2.03
    return out


def cells(p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Distance (N,) from (3, N) points to the nearest of points strewn one a unit cell, and a number in 0..1 that
    is that point's own."""
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


def strew(x: torch.Tensor, seed: float) -> torch.Tensor:
    """(N,) a number in 0..1 of each whole number x (N,): the same for the same x and seed."""
    return ((x * 127.1 + seed * 311.7).sin() * 43758.5453).remainder(1.0)
