"""The ground of each place: grass, sand, snow, asphalt, leaves, boards or water, as functions of a point."""

from __future__ import annotations

import numpy as np
import torch

from training.world.noise import hash_01, noise_2d, octaves_2d
from training.world.places import Place, mix, rgb, smooth
from training.world.trace import length


def ground(
    surroundings: Place, p: torch.Tensor, footprint: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The surface of the ground.

    Args:
        surroundings: the place.
        p:            (2, N) points, x and z relative to the thing, in its units.
        footprint:    (N,) width of a pixel there.

    Returns:
        albedo (3, N); relief (N,), a factor around 1 on the key light; and gloss (N,), the share of the surroundings
        that it mirrors.
    """
    place = surroundings.scene.place
    metres = float(np.clip(surroundings.scene.metres, 0.1, 14))
    pick, offset, right, forward = surroundings.pick, surroundings.offset, surroundings.right, surroundings.forward
    side = (p * right[[0, 2], None]).sum(0)
    deep = (p * forward[[0, 2], None]).sum(0)
    x, y = side * metres + offset[0], deep * metres + offset[1]
    f = footprint * metres
    base = surroundings.ground_rgb
    one = torch.ones_like(x)
    gloss = torch.zeros_like(x)
    big = octaves_2d(x * 0.8, y * 0.8, 3, f * 0.8)
    if place == "grass":
        k = float(np.clip(60 * metres**0.4, 36, 110))  # blades of grass per length of the thing
        sx, sy, g = side * k + offset[0], deep * k * 0.42 + offset[1], footprint * k * 0.5
        blade = octaves_2d(sx, sy, 4, g)
        tuft = octaves_2d(sx * 0.14 + 40, sy * 0.2, 3, g * 0.15)
        tone = blade[0] * 0.9 + tuft[0] * 0.8
        dry = smooth(tuft[1] + big[0] * 0.7, -0.15, 0.7) * 0.75
        albedo = mix(base, rgb(0.20, 0.21, 0.045).to(surroundings.device), dry)
        albedo = mix(albedo, rgb(0.34, 0.30, 0.12).to(surroundings.device), smooth(blade[1], 0.35, 0.75) * 0.45)
        return albedo * (1 + 0.75 * tone).clamp_min(0.22), one + 0.25 * blade[0], gloss
    if place in ("beach", "desert"):
        k = 9.0 / max(metres, 0.4) ** 0.7
        bend = octaves_2d(x * k * 0.22, y * k * 0.22, 3, f * k * 0.2)
        ripple = ((y * k * 1.25 + x * k * 0.2 + 2.6 * bend[0]) * 2.2).sin() / (1 + (f * k * 2.5) ** 2)
        grain = octaves_2d(x * k * 14, y * k * 14, 2, f * k * 14)
        slope = ripple * (0.20 if place == "desert" else 0.10) + 0.35 * bend[1]
        albedo = base * (1 + 0.16 * grain[0] + 0.10 * big[0])
        if place == "beach":  # wet sand, foam and the sea behind the thing
            shore = deep - 2.0 - 4.0 * pick[4] + 0.35 * big[0] * 2 + side * (pick[5] - 0.5) * 0.5
            wet = smooth(shore, -1.2, 0.0)
            sea = smooth(shore, 0.55, 0.75)
            wave = octaves_2d(x * 0.5 / metres, y * 2.2 / metres, 4, f * 2 / metres)
            water = mix(
                rgb(0.10, 0.26, 0.27).to(surroundings.device),
                rgb(0.025, 0.12, 0.18).to(surroundings.device),
                smooth(shore, 0.8, 9.0),
            )
            foam = smooth(wave[0] - shore * 0.08, 0.30, 0.5) * smooth(shore, 14.0, 1.0) + (
                smooth((shore - 0.65).abs(), 0.28, 0.05)
            )
            albedo = mix(albedo * mix(1.0, 0.52, wet), water * (1 + 0.4 * wave[1]), sea)
            albedo = mix(albedo, rgb(0.85, 0.88, 0.9).to(surroundings.device), (foam * (shore > 0.3)).clamp(0, 1))
            return albedo, one + slope * (1 - sea), 0.10 * wet * (1 - sea) + 0.45 * sea
        return albedo, one + slope, gloss
    if place == "snow":
        k = 3.0 / max(metres, 0.4) ** 0.7
        mound = octaves_2d(x * k, y * k, 4, f * k)
        spark = noise_2d(x * k * 60, y * k * 60)[0]
        return (
            base * (1 + 0.05 * mound[1]) + 0.5 * smooth(spark, 0.9, 1.0) / (1 + (f * k * 60) ** 2),
            one + 0.30 * mound[0] + 0.1 * big[0],
            gloss,
        )
    if place in ("street", "night"):
        k = 30.0 / max(metres, 0.6) ** 0.8
        grain = octaves_2d(x * k * 2, y * k * 2, 3, f * k * 2)
        stain = octaves_2d(x * 0.9 / max(metres, 1) * 2, y * 0.9 / max(metres, 1) * 2, 4, f)
        albedo = base * (1 + 0.35 * grain[0] + 0.32 * stain[0])
        crack = smooth((stain[1]).abs(), 0.03, 0.0) * smooth(stain[0], 0.0, 0.3) / (1 + (f * 8 / metres) ** 2)
        albedo = albedo * (1 - 0.45 * crack)
        lane = deep - 1.5 - 1.2 * pick[4]
        if pick[6] < 0.55:
            dash = smooth((((side / 2.6 + pick[5]) % 1) - 0.5).abs(), 0.33, 0.31)
            line = smooth(lane.abs(), 0.075, 0.055) * dash * smooth(grain[1] + stain[0] * 0.5, -0.75, -0.45)
            albedo = mix(albedo, rgb(0.62, 0.61, 0.56).to(surroundings.device), line * 0.85)
        kerb = deep - 4.6 - 1.5 * pick[5]
        slab = smooth(torch.minimum((side % 1.2 - 0.6).abs(), (kerb % 1.2 - 0.6).abs()), 0.0, 0.03)
        pave = rgb(0.30, 0.29, 0.275).to(surroundings.device) * (1 + 0.2 * grain[0]) * mix(0.7, 1.0, slab)
        albedo = mix(albedo, pave, smooth(kerb, 0.12, 0.14))
        albedo = albedo * (1 - 0.75 * smooth((kerb - 0.06).abs(), 0.09, 0.05))
        return albedo, one + 0.10 * grain[1], gloss + (0.05 if place == "night" else 0.0)
    if place == "forest":
        k = 12.0 / max(metres, 0.5) ** 0.75
        litter = octaves_2d(x * k, y * k * 0.6, 4, f * k)
        fleck = octaves_2d(x * k * 1.7 + 9, y * k * 1.1, 3, f * k)
        moss = octaves_2d(x * k * 0.12, y * k * 0.10, 3, f * k * 0.1)
        albedo = base * (1 + 0.95 * litter[0]).clamp_min(0.25)
        albedo = mix(albedo, rgb(0.30, 0.13, 0.035).to(surroundings.device), smooth(fleck[0], 0.12, 0.4) * 0.7)
        albedo = mix(albedo, rgb(0.24, 0.17, 0.07).to(surroundings.device), smooth(fleck[1], 0.2, 0.45) * 0.6)
        albedo = mix(
            albedo,
            rgb(0.05, 0.10, 0.018).to(surroundings.device) * (1 + 0.8 * litter[1]),
            smooth(moss[0], 0.02, 0.4) * 0.85,
        )
        return albedo * (0.85 + 0.3 * big[0]), one + 0.3 * litter[1], gloss
    if place in ("kitchen", "table"):
        # The boards are scaled to the thing, whatever its real size.
        plank = 0.62
        row = (deep / plank + pick[4]).floor()
        along = side + 3.7 * hash_01(row, 1.0)
        warp = octaves_2d(along * 0.7, deep * 3 + row * 5, 3)
        ring = octaves_2d(along * 2.2, deep * 34 + row * 13 + 5 * warp[0], 3, footprint * 18)
        tone = 0.82 + 0.36 * hash_01(row, 2.0)
        albedo = base * tone * (1 + 0.42 * ring[0] + 0.16 * warp[1])
        seam = smooth((deep / plank + pick[4] - row - 0.5).abs(), 0.488, 0.498) / (1 + (footprint * 40) ** 2)
        return albedo * (1 - 0.6 * seam), one, gloss + 0.10 + 0.05 * ring[1]
    if place == "water":
        swell = octaves_2d(x * 1.2 / metres, y * 2.0 / metres, 3, f / metres)
        return base * (1 + 0.35 * swell[0]), one, one
    if place == "studio":
        return base.expand(3, len(x)) * (1 + 0.012 * big[0]), one, gloss + 0.035
    return base.expand(3, len(x)), one, gloss


def waves(surroundings: Place, p: torch.Tensor, footprint: torch.Tensor) -> torch.Tensor:
    """Unit normals (3, N) of the water's surface at points (2, N); footprint: (N,) width of a pixel there."""
    offset, right, forward = surroundings.offset, surroundings.right, surroundings.forward
    side = (p * right[[0, 2], None]).sum(0)
    deep = (p * forward[[0, 2], None]).sum(0)
    out = torch.zeros(3, p.shape[1], device=surroundings.device)
    for k, height in ((1.3, 0.07), (3.7, 0.075), (9.0, 0.06), (21.0, 0.04)):
        fade = height / (1 + (1.2 * k * footprint) ** 2)
        out[[0, 2]] += fade * noise_2d(side * k * 0.7 + offset[0] + k, deep * k * 1.5 + offset[1])
    out[1] = 1
    return out / length(out)
