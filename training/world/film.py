"""A camera model: linear light -> an sRGB picture with glare, white balance, vignette, tone curve and film grain."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import conv2d, pad

from training.world.places import Air, mix
from training.world.scene import Scene


def blurred(light: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur of (C, H, W) with a standard deviation of `sigma` pixels."""
    reach = min(int(np.ceil(2.5 * sigma)), light.shape[-1] - 1)
    x = torch.arange(-reach, reach + 1, device=light.device, dtype=torch.float32)
    kernel = (-0.5 * (x / sigma) ** 2).exp()
    kernel = (kernel / kernel.sum())[None, None]
    out = pad(light[:, None], (reach, reach, reach, reach), mode="replicate")
    return conv2d(conv2d(out, kernel[..., None]), kernel[..., None, :])[:, 0]


def expose(light: torch.Tensor, scene: Scene, air: Air) -> torch.Tensor:
    """Take the picture: linear light (3, S, S) -> sRGB (3, S, S) in 0..1. Grain and exposure follow from the scene."""
    size = light.shape[-1]
    rng = np.random.default_rng([10, scene.seed, scene.instance])
    glare = blurred(light.clamp_max(4), 0.035 * size)
    light = mix(light, glare, 0.05)
    if size >= 128:
        light = blurred(light, 0.0016 * size)
    key = air.key_rgb.mean() * 0.42 + (air.zenith + air.horizon).mean() * 0.5 * air.ambient * 0.6
    stops = scene.exposure + (-0.35 if scene.light == "golden hour" else 0.0)
    gain = 0.92 / float(key) * 2.0**stops
    if air.pool:
        gain = 1.05 * 2.0**stops
    tint = torch.tensor([1 + 0.07 * scene.warmth, 1.0, 1 - 0.09 * scene.warmth], device=light.device)
    # The camera's white balance removes about half of the light's colour; otherwise captions would name wrong colours.
    cast = (air.key_rgb * 0.7 + (air.horizon + air.zenith) * 0.2)[:, 0]
    tint = tint * (cast.mean() / cast) ** 0.55
    grid = torch.linspace(-1, 1, size, device=light.device)
    off = grid[:, None] ** 2 + grid[None] ** 2
    light = light * (gain * tint[:, None, None]) * (1 - 0.11 * off)
    # The tone curve is linear in the shadows and flattens in the highlights. It is applied mostly to the luminance, so
    # that colours keep their hue.
    weights = torch.tensor([0.2126, 0.7152, 0.0722], device=light.device)[:, None, None]
    luminance = (light * weights).sum(0).clamp_min(1e-5)
    scaled = light * (_curve(luminance) / luminance)
    light = mix(scaled, _curve(light), 0.38).clamp(0, 1)
    srgb = torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp_min(1e-6) ** (1 / 2.4) - 0.055)
    srgb = mix(srgb, srgb * srgb * (3 - 2 * srgb), 0.22)  # a little contrast
    grain = torch.tensor(rng.normal(0, 1, (3, size, size)), dtype=torch.float32, device=light.device)
    grain = grain[:1] * 0.8 + grain * 0.35
    strength = float(rng.uniform(0.004, 0.010)) * (1.7 if air.pool else 1.0)
    return (srgb + strength * grain * (1.1 - srgb)).clamp(0, 1)


def _curve(x: torch.Tensor) -> torch.Tensor:
    """Reinhard's tone curve, linear near 0."""
    return x * (1 + x / 9.0) / (1 + x * 0.70)
