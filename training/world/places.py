"""The places of the rendered world: their light, their sky and what is visible at the horizon.

Colours are linear RGB. A place is a few numbers and closed-form functions of a direction, evaluated once per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from training.world.noise import hash_01, noise_2d, noise_3d, octaves_2d
from training.world.scene import INDOORS, Scene, brightness


@dataclass(frozen=True)
class Air:
    """The light of a scene.

    Attributes:
        key:     (3,) unit vector to the key light.
        key_rgb: (3, 1) its irradiance on a surface that faces it.
        soft:    sharpness of its shadows: the larger, the sharper.
        zenith:  (3, 1) radiance of the sky overhead.
        horizon: (3, 1) radiance of the sky at the horizon.
        below:   (3, 1) radiance of the ground as seen from the thing.
        ambient: share of the sky's radiance that lights the shadows.
        clouds:  amount of clouds, 0..1.
        pool:    radius of a lamp's pool of light on the ground; 0 if the key light is everywhere.
        indoors: whether the place is a room.
    """

    key: torch.Tensor
    key_rgb: torch.Tensor
    soft: float
    zenith: torch.Tensor
    horizon: torch.Tensor
    below: torch.Tensor
    ambient: float
    clouds: float
    pool: float
    indoors: bool


_LIGHT = {  # key, softness, zenith, horizon, ambient, clouds
    "sun": ((2.35, 2.2, 1.95), 14.0, (0.17, 0.34, 0.74), (0.78, 0.90, 1.02), 0.55, 0.5),
    "overcast": ((0.62, 0.62, 0.62), 1.8, (0.72, 0.78, 0.88), (1.0, 1.02, 1.05), 0.95, 1.0),
    "golden hour": ((2.5, 1.75, 0.98), 11.0, (0.24, 0.36, 0.68), (1.50, 0.92, 0.50), 0.48, 0.65),
    "lamp": ((2.5, 2.0, 1.35), 8.0, (0.012, 0.018, 0.045), (0.05, 0.055, 0.10), 2.2, 0.3),
}
_LIGHT_INDOORS = {
    "sun": ((1.75, 1.7, 1.6), 7.0, (0.75, 0.77, 0.8), (0.62, 0.62, 0.63), 0.62, 0.0),
    "overcast": ((0.85, 0.86, 0.88), 2.4, (0.95, 0.96, 1.0), (0.72, 0.73, 0.75), 0.8, 0.0),
    "golden hour": ((2.0, 1.5, 0.98), 6.0, (0.66, 0.56, 0.46), (0.58, 0.46, 0.36), 0.66, 0.0),
}
_UNDER = ((0.22, 0.62, 0.70), (0.045, 0.26, 0.34), (0.008, 0.06, 0.095))  # under water: above, ahead, below
POND = 0.3  # metres; swimming things smaller than this are also shown in ponds and dark tanks
_TANKS = (
    _UNDER,
    ((0.42, 0.50, 0.22), (0.20, 0.25, 0.09), (0.05, 0.06, 0.02)),
    ((0.05, 0.07, 0.08), (0.012, 0.018, 0.02), (0.004, 0.006, 0.007)),
)
_GROUND = {  # mean albedo of the ground
    "studio": (0.55, 0.55, 0.55),
    "table": (0.36, 0.20, 0.10),
    "kitchen": (0.40, 0.26, 0.15),
    "grass": (0.075, 0.15, 0.028),
    "beach": (0.55, 0.43, 0.28),
    "street": (0.13, 0.13, 0.135),
    "snow": (0.80, 0.83, 0.88),
    "desert": (0.55, 0.32, 0.15),
    "water": (0.03, 0.13, 0.15),
    "forest": (0.10, 0.075, 0.035),
    "night": (0.10, 0.10, 0.11),
    "sky": (0.30, 0.36, 0.40),
}


def rgb(*c) -> torch.Tensor:
    """A linear RGB colour as a (3, 1) tensor."""
    return torch.tensor(c, dtype=torch.float32)[:, None]


def mix(a, b, t):
    """Linear interpolation from a (t = 0) to b (t = 1), with broadcasting; t is not clamped."""
    return a + (b - a) * t


def smooth(x: torch.Tensor, low, high) -> torch.Tensor:
    """Smoothstep: 0 at or below `low`, 1 at or above `high`. It falls if `low` > `high`."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


class Place:
    """A scene's surroundings.

    Args:
        scene:  the scene.
        frame:  (3, 3), whose columns are the camera's right, up and forward.
        device: of all tensors.
    """

    def __init__(self, scene: Scene, frame: np.ndarray, device):
        self.scene, self.device = scene, device
        rng = np.random.default_rng([9, scene.seed, scene.instance])
        self.offset = rng.uniform(0, 200, 2)
        self.pick = rng.uniform(0, 1, 8)
        flat = np.array([frame[0, 2], 0.0, frame[2, 2]])
        self.forward = torch.tensor(flat / max(np.linalg.norm(flat), 1e-6), dtype=torch.float32, device=device)
        self.right = torch.linalg.cross(self.forward, torch.tensor([0.0, 1.0, 0.0], device=device))
        self.indoors = scene.place in INDOORS
        self.ground_rgb = self._ground_rgb()
        self.air = self._air()

    def _ground_rgb(self) -> torch.Tensor:
        c = np.array(_GROUND[self.scene.place])
        if self.scene.place == "studio":  # dark for bright things and bright for dark ones, so that they stand out
            value = {True: 0.16 + 0.14 * self.pick[0], False: 0.45 + 0.30 * self.pick[0]}[
                brightness(self.scene.colour) > 0.38
            ]
            hues = [
                (1, 1, 1.02),
                (0.75, 0.95, 1.25),
                (1.15, 0.98, 0.78),
                (0.78, 1.05, 0.92),
                (1.2, 0.88, 0.88),
                (0.95, 0.97, 1.05),
                (1.0, 0.9, 1.15),
                (1.05, 1.0, 0.95),
            ]
            c = value * np.array(hues[int(self.pick[1] * len(hues))])
        return torch.tensor(c * (0.9 + 0.2 * self.pick[2]), dtype=torch.float32, device=self.device)[:, None]

    def _air(self) -> Air:
        scene = self.scene
        key_rgb, soft, zenith, horizon, ambient, clouds = (_LIGHT_INDOORS if self.indoors else _LIGHT)[scene.light]
        side, height = np.radians(scene.sun)
        if scene.light == "overcast":
            side *= 0.6
        # The light comes from behind the camera and from one side, as photographers prefer.
        across = float(np.sin(side)) * self.right - float(np.cos(side)) * self.forward
        key = across * float(np.cos(height)) + torch.tensor([0, float(np.sin(height)), 0], device=self.device)
        key_rgb, zenith, horizon = (rgb(*c).to(self.device) for c in (key_rgb, zenith, horizon))
        if scene.stance == "under":
            water = _TANKS[int(self.pick[5] * len(_TANKS))] if scene.metres < POND else _UNDER
            zenith, horizon, below = (rgb(*c).to(self.device) for c in water)
            return Air(
                key / key.norm(),
                key_rgb * horizon.clamp_min(0.04) ** 0.3 * 1.15,
                soft * 0.4,
                zenith,
                horizon,
                below,
                1.6,
                0.0,
                0.0,
                False,
            )
        pool = 1.7 if scene.light == "lamp" else 0.0
        lit = key_rgb * (0.5 if pool else float(np.sin(height))) + mix(horizon, zenith, 0.5) * ambient
        if scene.place == "sky":
            lit = lit * 0.8
        return Air(
            key / key.norm(), key_rgb, soft, zenith, horizon, self.ground_rgb * lit, ambient, clouds, pool, self.indoors
        )

    def environment(self, d: torch.Tensor, rough: torch.Tensor) -> torch.Tensor:
        """Radiance (3, N) from directions (3, N), blurred by roughness (N,), for mirror reflections."""
        air = self.air
        up = d[1]
        width = rough * 0.7 + 0.06
        sky = mix(air.horizon, air.zenith, up.clamp(0, 1).sqrt())
        if self.indoors:
            # A tall window or softbox on the key light's side and a weaker one opposite make glossy surfaces shine.
            around = torch.atan2(d[2], d[0]) - torch.atan2(air.key[2], air.key[0])
            pane = torch.zeros_like(up)
            for turn, half, strength in ((0.0, 0.34, 1.0), (2.5, 0.22, 0.4)):
                x = torch.atan2((around - turn).sin(), (around - turn).cos())
                frame = smooth(x.abs(), half + width * 0.5, half - width * 0.5) * smooth(up, -0.05 - width * 0.3, 0.08)
                if self.scene.place != "studio":
                    cross = torch.minimum(x.abs(), (up - 0.42).abs())
                    frame = frame * mix(0.25, 1.0, smooth(cross, 0.015, 0.03 + width * 0.5))
                pane = pane + strength * frame * smooth(up, 0.95 + width * 0.2, 0.85)
            room = mix(air.horizon * 0.55, air.zenith * 0.75, smooth(up, -0.2, 0.9))
            sky = room + air.key_rgb * 2.6 * pane * (1 - rough).clamp(0.15, 1)
        elif not air.pool:
            wall = smooth(up, 0.16 + width, 0.10 - width) * 0.6  # trees and houses all around
            sky = mix(sky, air.below * 0.5 + 0.06, wall * float(self.scene.place not in ("sky", "water", "desert")))
        else:
            sky = sky + air.key_rgb * 0.02 * smooth(up, 0.0, 0.5)
        return mix(air.below * 0.9, sky, smooth(up, -width, width))

    def ambient(self, n: torch.Tensor) -> torch.Tensor:
        """Ambient light (3, N) from sky and ground on surfaces with normals (3, N)."""
        air = self.air
        up = 0.5 + 0.5 * n[1]
        return mix(air.below * 0.75, mix(air.horizon, air.zenith, 0.45) * air.ambient, up)

    # -- sky and horizon ---------------------------------------------------------------------------------------------

    def _angles(self, d: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Azimuth relative to the picture's centre, and elevation, of directions (3, N): radians, (N,) each."""
        x, z = (d * self.right[:, None]).sum(0), (d * self.forward[:, None]).sum(0)
        return torch.atan2(x, z), torch.atan2(d[1], (x * x + z * z).sqrt())

    def sky(self, d: torch.Tensor) -> torch.Tensor:
        """Radiance (3, N) of the sky, or of the water around, in directions (3, N)."""
        air = self.air
        az, el = self._angles(d)
        if self.scene.stance == "under":  # brighter towards the surface, with shafts of light
            base = mix(mix(air.below, air.horizon, smooth(el, -0.7, 0.15)), air.zenith, smooth(el, 0.0, 1.1))
            shaft = octaves_2d(az * 7 + el * 2 + self.offset[0], el * 0.6 + self.offset[1], 3)[0]
            base = base * (1 + 0.45 * shaft * smooth(el, -0.4, 0.6))
            return self._weeds(base, az, el) if self.scene.metres < POND else base
        up = el.clamp_min(0) / 1.3
        base = mix(air.horizon, air.zenith, (1 - (-4.0 * up).exp()).clamp(0, 1))
        if self.scene.place == "sky":  # there is no ground: haze continues below the horizon
            base = mix(base, mix(air.zenith, air.horizon, 0.75), smooth(-el, 0.0, 0.6))
        if air.pool:
            stars = smooth(noise_2d(az * 90, el * 90)[0], 0.93, 0.99) * smooth(el, 0.05, 0.3)
            return base + stars * 0.5
        glow = (d * air.key[:, None]).sum(0).clamp(0, 1)
        base = base + air.key_rgb * 0.10 * glow**6
        lift = el.abs() + 0.16 if self.scene.place == "sky" else el.clamp_min(0.02) + 0.10
        x, y = az.sin() / lift + self.offset[0], az.cos() / lift + self.offset[1]
        scale = 0.9 if self.scene.place != "sky" else 1.3
        puff, shade = octaves_2d(x * scale, y * scale, 5)
        if self.scene.light == "overcast":
            return base * (0.86 + 0.22 * puff + 0.06 * shade)
        cover = smooth(puff, 0.12 - 0.4 * air.clouds * self.pick[3], 0.42) * 0.9
        white = air.key_rgb * 0.42 + air.zenith * 0.35
        return mix(
            base,
            white * (0.95 + 0.35 * shade),
            cover * smooth(el.abs(), 0.0, 0.12).clamp_min(0.35 if self.scene.place == "sky" else 0.0),
        )

    def _weeds(self, colour, az, el):
        """Add water plants and a bed of gravel to the colour (3, N) of the water."""
        lit = self.air.horizon.mean() ** 0.5
        for row, (width, rise) in enumerate(((0.05, 0.25), (0.10, 0.12))):
            x = az / width + 0.8 * (el * 9 + 4 * self.pick[6] + 2 * row).sin() + self.offset[0]
            number = x.floor()
            top = rise * (2 * hash_01(number, 1.0 + row) - 0.9) - 0.05
            half = 0.22 + 0.2 * hash_01(number, 2.0 + row)
            leaf = smooth((x - number - 0.5).abs(), half + 0.1, half - 0.1) * smooth(el, top + 0.05, top - 0.05)
            tint = mix(
                rgb(0.05, 0.10, 0.015).to(self.device),
                rgb(0.20, 0.24, 0.04).to(self.device),
                hash_01(number, 3.0 + row),
            )
            colour = mix(colour, tint * lit, leaf * (0.55 + 0.35 * row) * (hash_01(number, 4.0 + row) > 0.35))
        grain = octaves_2d(az * 60, el * 120, 3)[0]
        bed = rgb(0.20, 0.16, 0.10).to(self.device) * lit * (1 + 0.9 * grain).clamp_min(0.2)
        return mix(colour, bed, smooth(el, -0.13, -0.19 - 0.04 * self.pick[4]))

    def _ridge(self, az: torch.Tensor, frequency: float, seed: float, octaves: int = 4) -> torch.Tensor:
        return octaves_2d(az * frequency + seed + self.offset[0], torch.full_like(az, seed), octaves)[0]

    def backdrop(self, d: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
        """Add what is visible at the horizon (hills, trees, houses, a wall) to the sky's radiance.

        Args:
            d:      (3, N) directions.
            colour: (3, N) radiance of the sky there.

        Returns:
            (3, N) radiance.
        """
        place, air = self.scene.place, self.air
        az, el = self._angles(d)
        haze = mix(air.horizon, air.zenith, 0.15)
        lit = air.key_rgb * 0.38 + mix(air.horizon, air.zenith, 0.5) * air.ambient * 0.75
        if air.pool:
            lit = air.horizon * 2.2
        soft = 0.004

        def layer(colour, height, tint, distance):
            return mix(colour, mix(tint, haze, distance), smooth(el, height + soft, height - soft))

        if place in ("grass", "street", "snow", "beach", "desert", "night", "water"):
            far = {"desert": (0.30, 0.17, 0.09), "snow": (0.55, 0.60, 0.70), "water": (0.06, 0.12, 0.10)}.get(
                place, (0.05, 0.09, 0.05)
            )
            height = 0.045 + 0.05 * self.pick[4] + 0.07 * self._ridge(az, 3.0, 3.3)
            if place in ("beach", "water"):
                height = (height - 0.075) * (self.pick[5] > 0.4)
            colour = layer(colour, height, rgb(*far).to(self.device) * lit, 0.62)
        if place in ("grass", "snow") or (place == "night" and self.pick[5] > 0.5):
            leaf = octaves_2d(az * 38 + self.offset[1], el * 38, 3)
            height = 0.05 + 0.05 * self.pick[6] + 0.045 * self._ridge(az, 9.0, 8.1, 5)
            tint = rgb(0.045, 0.085, 0.025) if place != "snow" else rgb(0.06, 0.075, 0.07)
            tint = tint.to(self.device) * lit * (1.0 + 0.8 * leaf[0]).clamp_min(0.2)
            if place == "snow":
                tint = mix(tint, rgb(0.8, 0.83, 0.9).to(self.device) * lit, smooth(leaf[1], -0.1, 0.7) * 0.6)
            colour = layer(colour, height, tint, 0.2)
        if place == "street" or (place == "night" and self.pick[5] <= 0.5):
            colour = self._houses(colour, az, el, lit, haze)
        if place == "forest":
            colour = self._trunks(az, el, lit)
        if self.indoors:
            colour = self._wall(az, el)
        return colour

    def _houses(self, colour, az, el, lit, haze):
        for row, (width, tall, distance) in enumerate(((0.16, 0.16, 0.45), (0.26, 0.24, 0.12))):
            x = az / width + self.offset[0] + 7.7 * row
            number = x.floor()
            inside = x - number
            height = tall * (0.55 + 0.75 * hash_01(number, 1.0 + row))
            palette = torch.stack([hash_01(number, s) for s in (2.0, 3.0, 4.0)])
            tint = mix(rgb(0.36, 0.31, 0.27).to(self.device), rgb(0.42, 0.20, 0.13).to(self.device), palette[0])
            tint = mix(tint, rgb(0.50, 0.48, 0.42).to(self.device), palette[1] * 0.7) * (0.55 + 0.5 * palette[2])
            wx, wy = (inside * 5) % 1, (el / (0.034 * (1 + row))) % 1
            pane = smooth((wx - 0.5).abs(), 0.27, 0.21) * smooth((wy - 0.5).abs(), 0.33, 0.26)
            pane = pane * (inside > 0.06) * (inside < 0.94) * (el < height - 0.02)
            glass = 0.10 * haze + 0.02
            if self.air.pool:
                lamp = hash_01((inside * 5).floor() + 9 * (el / (0.034 * (1 + row))).floor() + 31 * number, 5.0) > 0.62
                glass = rgb(0.9, 0.55, 0.2).to(self.device) * lamp + 0.004
            wall = mix(tint * lit, glass, pane)
            colour = mix(colour, mix(wall, haze, distance), smooth(el, height + 0.004, height - 0.004))
        return colour

    def _trunks(self, az, el, lit):
        leaf = octaves_2d(az * 9 + self.offset[0], el * 9 + self.offset[1], 4)
        colour = (
            mix(
                rgb(0.035, 0.075, 0.015).to(self.device),
                rgb(0.16, 0.26, 0.05).to(self.device),
                smooth(leaf[0] + el * 0.7, -0.45, 0.6),
            )
            * lit
        )
        gap = smooth(leaf[1] + 0.5 * el, 0.28, 0.6)  # sky through the leaves
        colour = mix(colour, self.air.horizon * 1.1, gap * 0.75)
        for row, (width, distance) in enumerate(((0.07, 0.5), (0.14, 0.25), (0.33, 0.05))):
            x = az / width + 3.1 * row + self.offset[1] + 0.06 * noise_2d(el * 4, az * 0 + row)[0]
            number = x.floor()
            middle = 0.3 + 0.4 * hash_01(number, 1.5 + row)
            half = 0.09 + 0.10 * hash_01(number, 2.5 + row)
            side = (x - number - middle) / half  # -1..1 across the trunk
            bark = 1 + 0.7 * octaves_2d(az * 120, el * 14, 2)[0]
            round_ = (1 - side.clamp(-1, 1) ** 2).sqrt() * 0.7 + 0.3 + 0.25 * side.clamp(-1, 1)
            tint = rgb(0.085, 0.06, 0.04).to(self.device) * lit * bark.clamp_min(0.3) * round_
            tint = mix(tint, colour, distance)
            there = smooth(side.abs(), 1.05, 0.92) * (hash_01(number, 3.5 + row) > 0.35)
            colour = mix(colour, tint, there)
        under = 0.03 + 0.04 * self._ridge(az, 14, 2.2, 4)
        return mix(
            rgb(0.03, 0.05, 0.015).to(self.device) * lit * (1 + 0.6 * leaf[0]),
            colour,
            smooth(el, under - 0.015, under + 0.015),
        )

    def _wall(self, az, el):
        air = self.air
        lit = air.key_rgb * 0.28 + air.zenith * air.ambient * 0.55
        if self.scene.place == "studio":
            falloff = 0.98 - 0.30 * (az**2) * 3 - 0.25 * (el - 0.1).clamp(-1, 1)
            return self.ground_rgb * lit * 1.05 * falloff.clamp_min(0.35)
        x, y = az.tan().clamp(-3, 3) * 1.0, el.tan().clamp(-3, 3)
        if self.scene.place == "kitchen":
            u, v = x * 9 + self.offset[0], y * 9
            grout = torch.maximum(((u % 1) - 0.5).abs(), ((v % 1) - 0.5).abs())
            hues = [(0.62, 0.60, 0.55), (0.40, 0.52, 0.55), (0.62, 0.56, 0.42), (0.48, 0.55, 0.48)]
            hue = hues[int(self.pick[4] * len(hues))]
            tile = 0.9 + 0.16 * hash_01(u.floor() + 57 * v.floor(), 1.0)
            wall = mix(
                rgb(*hue).to(self.device) * tile, rgb(0.35, 0.34, 0.32).to(self.device), smooth(grout, 0.46, 0.49)
            )
            shelf = ((y - 0.42) / 0.03).abs()
            wall = mix(wall, rgb(0.24, 0.13, 0.06).to(self.device), smooth(shelf, 1.1, 0.9))
            for base, tall, count, seed in ((0.45, 0.24, 4.5, 11.0), (-0.05, 0.26, 2.6, 12.0)):  # crocks and jars
                number = (x * count + self.offset[1]).floor()
                inside = x * count + self.offset[1] - number
                half = 0.18 + 0.18 * hash_01(number, seed)
                height = base + tall * (0.4 + 0.6 * hash_01(number, seed + 1))
                pot = torch.stack([hash_01(number, seed + s) for s in (2, 3, 4)]) * 0.55 + 0.05
                shade = 0.75 + 0.4 * ((inside - 0.5) / half).clamp(-1, 1) * np.sign(self.scene.sun[0])
                there = smooth((inside - 0.5).abs(), half + 0.02, half - 0.02) * smooth(y, height + 0.01, height - 0.01)
                there = there * smooth(y, base - 0.01, base + 0.01) * (hash_01(number, seed + 5) > 0.4)
                wall = mix(wall, pot * shade, there)
        else:
            hues = [(0.50, 0.47, 0.42), (0.30, 0.38, 0.42), (0.46, 0.36, 0.30), (0.34, 0.40, 0.32)]
            hue = hues[int(self.pick[4] * len(hues))]
            wall = rgb(*hue).to(self.device) * (1 + 0.05 * octaves_2d(x * 12, y * 12, 3)[0])
        return wall * lit * (1.0 - 0.25 * x * np.sign(self.scene.sun[0]) * -1).clamp(0.4, 1.4)


def dither(p: torch.Tensor) -> torch.Tensor:
    """A high-frequency noise (N,) in 0..1 at points (3, N), which hides banding."""
    return noise_3d(p * 977.0)[0] * 0.5 + 0.5
