"""The places of the rendered world: their air and light, what lies on the ground, and what stands at the horizon.

Colours are linear RGB. A place is a handful of numbers and three functions of directions or ground points, so that it
costs one evaluation a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from training.world.noise import cube, plane, plane_sum, strew
from training.world.scene import INDOORS, Scene, brightness
from training.world.trace import length


@dataclass(frozen=True)
class Air:
    """The light of a scene.

    key:     (3,) direction to the key light; key_rgb its strength on a surface that faces it.
    soft:    how sharp its shadows are: the distance at which they are one unit wide.
    zenith, horizon: (3,) radiance of the sky; below: (3,) radiance of the ground as the thing sees it.
    ambient: share of the sky's radiance that lights the shadows.
    pool:    radius of the lamp's pool of light on the ground, 0 where the key light is everywhere.
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
POND = 0.3  # what measures less, in metres, also swims in ponds and dark tanks
_TANKS = (_UNDER, ((0.42, 0.50, 0.22), (0.20, 0.25, 0.09), (0.05, 0.06, 0.02)),
          ((0.05, 0.07, 0.08), (0.012, 0.018, 0.02), (0.004, 0.006, 0.007)))
_GROUND = {  # the ground's mean albedo: what it throws back
    "studio": (0.55, 0.55, 0.55), "table": (0.36, 0.20, 0.10), "kitchen": (0.40, 0.26, 0.15),
    "grass": (0.075, 0.15, 0.028), "beach": (0.55, 0.43, 0.28), "street": (0.13, 0.13, 0.135),
    "snow": (0.80, 0.83, 0.88), "desert": (0.55, 0.32, 0.15), "water": (0.03, 0.13, 0.15),
    "forest": (0.10, 0.075, 0.035), "night": (0.10, 0.10, 0.11), "sky": (0.30, 0.36, 0.40),
}


def rgb(*c) -> torch.Tensor:
    return torch.tensor(c, dtype=torch.float32)[:, None]


def mix(a, b, t):
    return a + (b - a) * t


def smooth(x: torch.Tensor, low, high) -> torch.Tensor:
    """0 below `low`, 1 above `high`, an S between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


class Place:
    """A scene's surroundings, seen from a camera with the (3, 3) frame right, up, forward."""

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
        if self.scene.place == "studio":  # a backdrop that the thing stands out from
            value = {True: 0.16 + 0.14 * self.pick[0], False: 0.45 + 0.30 * self.pick[0]}[
                brightness(self.scene.colour) > 0.38]
            hues = [(1, 1, 1.02), (0.75, 0.95, 1.25), (1.15, 0.98, 0.78), (0.78, 1.05, 0.92), (1.2, 0.88, 0.88),
                    (0.95, 0.97, 1.05), (1.0, 0.9, 1.15), (1.05, 1.0, 0.95)]
            c = value * np.array(hues[int(self.pick[1] * len(hues))])
        return torch.tensor(c * (0.9 + 0.2 * self.pick[2]), dtype=torch.float32, device=self.device)[:, None]

    def _air(self) -> Air:
        scene = self.scene
        key_rgb, soft, zenith, horizon, ambient, clouds = (_LIGHT_INDOORS if self.indoors else _LIGHT)[scene.light]
        side, height = np.radians(scene.sun)
        if scene.light == "overcast":
            side *= 0.6
        # From behind the photographer and to a side: the light that photographers wait for.
        across = float(np.sin(side)) * self.right - float(np.cos(side)) * self.forward
        key = across * float(np.cos(height)) + torch.tensor([0, float(np.sin(height)), 0], device=self.device)
        key_rgb, zenith, horizon = (rgb(*c).to(self.device) for c in (key_rgb, zenith, horizon))
        if scene.stance == "under":
            water = _TANKS[int(self.pick[5] * len(_TANKS))] if scene.metres < POND else _UNDER
            zenith, horizon, below = (rgb(*c).to(self.device) for c in water)
            return Air(key / key.norm(), key_rgb * horizon.clamp_min(0.04) ** 0.3 * 1.15, soft * 0.4, zenith, horizon,
                       below, 1.6, 0.0, 0.0, False)
        pool = 1.7 if scene.light == "lamp" else 0.0
        lit = key_rgb * (0.5 if pool else float(np.sin(height))) + mix(horizon, zenith, 0.5) * ambient
        if scene.place == "sky":
            lit = lit * 0.8
        return Air(key / key.norm(), key_rgb, soft, zenith, horizon, self.ground_rgb * lit, ambient,
                   clouds, pool, self.indoors)

    def environment(self, d: torch.Tensor, rough: torch.Tensor) -> torch.Tensor:
        """(3, N) radiance that comes from directions (3, N), blurred by roughness (N,): what surfaces mirror."""
        air = self.air
        up = d[1]
        width = rough * 0.7 + 0.06
        sky = mix(air.horizon, air.zenith, up.clamp(0, 1).sqrt())
        if self.indoors:
            # A tall window or softbox on the key's side and a weaker one across: what makes glaze shine in a room.
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
        """(3, N) light of sky and ground that surfaces with normals (3, N) gather."""
        air = self.air
        up = 0.5 + 0.5 * n[1]
        return mix(air.below * 0.75, mix(air.horizon, air.zenith, 0.45) * air.ambient, up)

    # -- what the camera sees ----------------------------------------------------------------------------------------

    def _angles(self, d: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Azimuth from the middle of the picture and elevation, radians, (N,) each."""
        x, z = (d * self.right[:, None]).sum(0), (d * self.forward[:, None]).sum(0)
        return torch.atan2(x, z), torch.atan2(d[1], (x * x + z * z).sqrt())

    def sky(self, d: torch.Tensor) -> torch.Tensor:
        """(3, N) radiance of the sky in directions (3, N)."""
        air = self.air
        az, el = self._angles(d)
        if self.scene.stance == "under":  # lighter towards the surface, from where shafts of light come down
            base = mix(mix(air.below, air.horizon, smooth(el, -0.7, 0.15)), air.zenith, smooth(el, 0.0, 1.1))
            shaft = plane_sum(az * 7 + el * 2 + self.offset[0], el * 0.6 + self.offset[1], 3)[0]
            base = base * (1 + 0.45 * shaft * smooth(el, -0.4, 0.6))
            return self._weeds(base, az, el) if self.scene.metres < POND else base
        up = el.clamp_min(0) / 1.3
        base = mix(air.horizon, air.zenith, (1 - (-4.0 * up).exp()).clamp(0, 1))
        if self.scene.place == "sky":  # no ground below: the haze goes down with a slow gradient
            base = mix(base, mix(air.zenith, air.horizon, 0.75), smooth(-el, 0.0, 0.6))
        if air.pool:
            stars = smooth(plane(az * 90, el * 90)[0], 0.93, 0.99) * smooth(el, 0.05, 0.3)
            return base + stars * 0.5
        glow = (d * air.key[:, None]).sum(0).clamp(0, 1)
        base = base + air.key_rgb * 0.10 * glow**6
        lift = el.abs() + 0.16 if self.scene.place == "sky" else el.clamp_min(0.02) + 0.10
        x, y = az.sin() / lift + self.offset[0], az.cos() / lift + self.offset[1]
        scale = 0.9 if self.scene.place != "sky" else 1.3
        puff, shade = plane_sum(x * scale, y * scale, 5)
        if self.scene.light == "overcast":
            return base * (0.86 + 0.22 * puff + 0.06 * shade)
        cover = smooth(puff, 0.12 - 0.4 * air.clouds * self.pick[3], 0.42) * 0.9
        white = air.key_rgb * 0.42 + air.zenith * 0.35
        return mix(base, white * (0.95 + 0.35 * shade), cover * smooth(el.abs(), 0.0, 0.12).clamp_min(
            0.35 if self.scene.place == "sky" else 0.0))

    def _weeds(self, colour, az, el):
        """Water plants before the (3, N) colour of the water, over a bed of gravel."""
        lit = self.air.horizon.mean() ** 0.5
        for row, (width, rise) in enumerate(((0.05, 0.25), (0.10, 0.12))):
            x = az / width + 0.8 * (el * 9 + 4 * self.pick[6] + 2 * row).sin() + self.offset[0]
            number = x.floor()
            top = rise * (2 * strew(number, 1.0 + row) - 0.9) - 0.05
            half = 0.22 + 0.2 * strew(number, 2.0 + row)
            leaf = smooth((x - number - 0.5).abs(), half + 0.1, half - 0.1) * smooth(el, top + 0.05, top - 0.05)
            tint = mix(rgb(0.05, 0.10, 0.015).to(self.device), rgb(0.20, 0.24, 0.04).to(self.device),
                       strew(number, 3.0 + row))
            colour = mix(colour, tint * lit, leaf * (0.55 + 0.35 * row) * (strew(number, 4.0 + row) > 0.35))
        grain = plane_sum(az * 60, el * 120, 3)[0]
        bed = rgb(0.20, 0.16, 0.10).to(self.device) * lit * (1 + 0.9 * grain).clamp_min(0.2)
        return mix(colour, bed, smooth(el, -0.13, -0.19 - 0.04 * self.pick[4]))

    def _ridge(self, az: torch.Tensor, frequency: float, seed: float, octaves: int = 4) -> torch.Tensor:
        return plane_sum(az * frequency + seed + self.offset[0], torch.full_like(az, seed), octaves)[0]

    def backdrop(self, d: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
        """The (3, N) sky in directions (3, N) with what stands at the horizon put before it."""
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
                place, (0.05, 0.09, 0.05))
            height = 0.045 + 0.05 * self.pick[4] + 0.07 * self._ridge(az, 3.0, 3.3)
            if place in ("beach", "water"):
                height = (height - 0.075) * (self.pick[5] > 0.4)
            colour = layer(colour, height, rgb(*far).to(self.device) * lit, 0.62)
        if place in ("grass", "snow") or (place == "night" and self.pick[5] > 0.5):
            leaf = plane_sum(az * 38 + self.offset[1], el * 38, 3)
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
            height = tall * (0.55 + 0.75 * strew(number, 1.0 + row))
            palette = torch.stack([strew(number, s) for s in (2.0, 3.0, 4.0)])
            tint = mix(rgb(0.36, 0.31, 0.27).to(self.device), rgb(0.42, 0.20, 0.13).to(self.device), palette[0])
            tint = mix(tint, rgb(0.50, 0.48, 0.42).to(self.device), palette[1] * 0.7) * (0.55 + 0.5 * palette[2])
            wx, wy = (inside * 5) % 1, (el / (0.034 * (1 + row))) % 1
            pane = smooth((wx - 0.5).abs(), 0.27, 0.21) * smooth((wy - 0.5).abs(), 0.33, 0.26)
            pane = pane * (inside > 0.06) * (inside < 0.94) * (el < height - 0.02)
            glass = 0.10 * haze + 0.02
            if self.air.pool:
                lamp = strew((inside * 5).floor() + 9 * (el / (0.034 * (1 + row))).floor() + 31 * number, 5.0) > 0.62
                glass = rgb(0.9, 0.55, 0.2).to(self.device) * lamp + 0.004
            wall = mix(tint * lit, glass, pane)
            colour = mix(colour, mix(wall, haze, distance), smooth(el, height + 0.004, height - 0.004))
        return colour

    def _trunks(self, az, el, lit):
        leaf = plane_sum(az * 9 + self.offset[0], el * 9 + self.offset[1], 4)
        colour = mix(rgb(0.035, 0.075, 0.015).to(self.device), rgb(0.16, 0.26, 0.05).to(self.device),
                     smooth(leaf[0] + el * 0.7, -0.45, 0.6)) * lit
        gap = smooth(leaf[1] + 0.5 * el, 0.28, 0.6)  # sky through the leaves
        colour = mix(colour, self.air.horizon * 1.1, gap * 0.75)
        for row, (width, distance) in enumerate(((0.07, 0.5), (0.14, 0.25), (0.33, 0.05))):
            x = az / width + 3.1 * row + self.offset[1] + 0.06 * plane(el * 4, az * 0 + row)[0]
            number = x.floor()
            middle = 0.3 + 0.4 * strew(number, 1.5 + row)
            half = 0.09 + 0.10 * strew(number, 2.5 + row)
            side = (x - number - middle) / half  # -1..1 across the trunk
            bark = 1 + 0.7 * plane_sum(az * 120, el * 14, 2)[0]
            round_ = (1 - side.clamp(-1, 1) ** 2).sqrt() * 0.7 + 0.3 + 0.25 * side.clamp(-1, 1)
            tint = rgb(0.085, 0.06, 0.04).to(self.device) * lit * bark.clamp_min(0.3) * round_
            tint = mix(tint, colour, distance)
            there = smooth(side.abs(), 1.05, 0.92) * (strew(number, 3.5 + row) > 0.35)
            colour = mix(colour, tint, there)
        under = 0.03 + 0.04 * self._ridge(az, 14, 2.2, 4)
        return mix(rgb(0.03, 0.05, 0.015).to(self.device) * lit * (1 + 0.6 * leaf[0]), colour,
                   smooth(el, under - 0.015, under + 0.015))

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
            tile = 0.9 + 0.16 * strew(u.floor() + 57 * v.floor(), 1.0)
            wall = mix(rgb(*hue).to(self.device) * tile, rgb(0.35, 0.34, 0.32).to(self.device),
                       smooth(grout, 0.46, 0.49))
            shelf = ((y - 0.42) / 0.03).abs()
            wall = mix(wall, rgb(0.24, 0.13, 0.06).to(self.device), smooth(shelf, 1.1, 0.9))
            for base, tall, count, seed in ((0.45, 0.24, 4.5, 11.0), (-0.05, 0.26, 2.6, 12.0)):  # crocks and jars
                number = (x * count + self.offset[1]).floor()
                inside = x * count + self.offset[1] - number
                half = 0.18 + 0.18 * strew(number, seed)
                height = base + tall * (0.4 + 0.6 * strew(number, seed + 1))
                pot = torch.stack([strew(number, seed + s) for s in (2, 3, 4)]) * 0.55 + 0.05
                shade = 0.75 + 0.4 * ((inside - 0.5) / half).clamp(-1, 1) * np.sign(self.scene.sun[0])
                there = smooth((inside - 0.5).abs(), half + 0.02, half - 0.02) * smooth(y, height + 0.01, height - 0.01)
                there = there * smooth(y, base - 0.01, base + 0.01) * (strew(number, seed + 5) > 0.4)
                wall = mix(wall, pot * shade, there)
        else:
            hues = [(0.50, 0.47, 0.42), (0.30, 0.38, 0.42), (0.46, 0.36, 0.30), (0.34, 0.40, 0.32)]
            hue = hues[int(self.pick[4] * len(hues))]
            wall = rgb(*hue).to(self.device) * (1 + 0.05 * plane_sum(x * 12, y * 12, 3)[0])
        return wall * lit * (1.0 - 0.25 * x * np.sign(self.scene.sun[0]) * -1).clamp(0.4, 1.4)

    # -- the ground --------------------------------------------------------------------------------------------------

    def ground(self, p: torch.Tensor, footprint: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What lies at ground points (2, N), x and z about the thing, in its units.

        footprint: (N,) width of a pixel there. Returns albedo (3, N), relief (N,), a factor about 1 on the key light,
        and gloss (N,), how much of the surroundings it mirrors.
        """
        place = self.scene.place
        metres = float(np.clip(self.scene.metres, 0.1, 14))
        side = (p * self.right[[0, 2], None]).sum(0)
        deep = (p * self.forward[[0, 2], None]).sum(0)
        x, y = side * metres + self.offset[0], deep * metres + self.offset[1]
        f = footprint * metres
        base = self.ground_rgb
        one = torch.ones_like(x)
        gloss = torch.zeros_like(x)
        big = plane_sum(x * 0.8, y * 0.8, 3, f * 0.8)
        if place == "grass":
            k = float(np.clip(60 * metres**0.4, 36, 110))  # blades an object's length
            sx, sy, g = side * k + self.offset[0], deep * k * 0.42 + self.offset[1], footprint * k * 0.5
            blade = plane_sum(sx, sy, 4, g)
            tuft = plane_sum(sx * 0.14 + 40, sy * 0.2, 3, g * 0.15)
            tone = blade[0] * 0.9 + tuft[0] * 0.8
            dry = smooth(tuft[1] + big[0] * 0.7, -0.15, 0.7) * 0.75
            albedo = mix(base, rgb(0.20, 0.21, 0.045).to(self.device), dry)
            albedo = mix(albedo, rgb(0.34, 0.30, 0.12).to(self.device), smooth(blade[1], 0.35, 0.75) * 0.45)
            return albedo * (1 + 0.75 * tone).clamp_min(0.22), one + 0.25 * blade[0], gloss
        if place in ("beach", "desert"):
            k = 9.0 / max(metres, 0.4) ** 0.7
            bend = plane_sum(x * k * 0.22, y * k * 0.22, 3, f * k * 0.2)
            ripple = ((y * k * 1.25 + x * k * 0.2 + 2.6 * bend[0]) * 2.2).sin() / (1 + (f * k * 2.5) ** 2)
            grain = plane_sum(x * k * 14, y * k * 14, 2, f * k * 14)
            slope = ripple * (0.20 if place == "desert" else 0.10) + 0.35 * bend[1]
            albedo = base * (1 + 0.16 * grain[0] + 0.10 * big[0])
            if place == "beach":  # wet sand, foam and the sea, some way behind the thing
                shore = deep - 2.0 - 4.0 * self.pick[4] + 0.35 * big[0] * 2 + side * (self.pick[5] - 0.5) * 0.5
                wet = smooth(shore, -1.2, 0.0)
                sea = smooth(shore, 0.55, 0.75)
                wave = plane_sum(x * 0.5 / metres, y * 2.2 / metres, 4, f * 2 / metres)
                water = mix(rgb(0.10, 0.26, 0.27).to(self.device), rgb(0.025, 0.12, 0.18).to(self.device),
                            smooth(shore, 0.8, 9.0))
                foam = smooth(wave[0] - shore * 0.08, 0.30, 0.5) * smooth(shore, 14.0, 1.0) + (
                    smooth((shore - 0.65).abs(), 0.28, 0.05))
                albedo = mix(albedo * mix(1.0, 0.52, wet), water * (1 + 0.4 * wave[1]), sea)
                albedo = mix(albedo, rgb(0.85, 0.88, 0.9).to(self.device), (foam * (shore > 0.3)).clamp(0, 1))
                return albedo, one + slope * (1 - sea) , 0.10 * wet * (1 - sea) + 0.45 * sea
            return albedo, one + slope, gloss
        if place == "snow":
            k = 3.0 / max(metres, 0.4) ** 0.7
            mound = plane_sum(x * k, y * k, 4, f * k)
            spark = plane(x * k * 60, y * k * 60)[0]
            return (base * (1 + 0.05 * mound[1]) + 0.5 * smooth(spark, 0.9, 1.0) / (1 + (f * k * 60) ** 2),
                    one + 0.30 * mound[0] + 0.1 * big[0], gloss)
        if place in ("street", "night"):
            k = 30.0 / max(metres, 0.6) ** 0.8
            grain = plane_sum(x * k * 2, y * k * 2, 3, f * k * 2)
            stain = plane_sum(x * 0.9 / max(metres, 1) * 2, y * 0.9 / max(metres, 1) * 2, 4, f)
            albedo = base * (1 + 0.35 * grain[0] + 0.32 * stain[0])
            crack = smooth((stain[1]).abs(), 0.03, 0.0) * smooth(stain[0], 0.0, 0.3) / (1 + (f * 8 / metres) ** 2)
            albedo = albedo * (1 - 0.45 * crack)
            lane = deep - 1.5 - 1.2 * self.pick[4]
            if self.pick[6] < 0.55:
                dash = smooth((((side / 2.6 + self.pick[5]) % 1) - 0.5).abs(), 0.33, 0.31)
                line = smooth(lane.abs(), 0.075, 0.055) * dash * smooth(grain[1] + stain[0] * 0.5, -0.75, -0.45)
                albedo = mix(albedo, rgb(0.62, 0.61, 0.56).to(self.device), line * 0.85)
            kerb = deep - 4.6 - 1.5 * self.pick[5]
            slab = smooth(torch.minimum((side % 1.2 - 0.6).abs(), (kerb % 1.2 - 0.6).abs()), 0.0, 0.03)
            pave = rgb(0.30, 0.29, 0.275).to(self.device) * (1 + 0.2 * grain[0]) * mix(0.7, 1.0, slab)
            albedo = mix(albedo, pave, smooth(kerb, 0.12, 0.14))
            albedo = albedo * (1 - 0.75 * smooth((kerb - 0.06).abs(), 0.09, 0.05))
            return albedo, one + 0.10 * grain[1], gloss + (0.05 if place == "night" else 0.0)
        if place == "forest":
            k = 12.0 / max(metres, 0.5) ** 0.75
            litter = plane_sum(x * k, y * k * 0.6, 4, f * k)
            fleck = plane_sum(x * k * 1.7 + 9, y * k * 1.1, 3, f * k)
            moss = plane_sum(x * k * 0.12, y * k * 0.10, 3, f * k * 0.1)
            albedo = base * (1 + 0.95 * litter[0]).clamp_min(0.25)
            albedo = mix(albedo, rgb(0.30, 0.13, 0.035).to(self.device), smooth(fleck[0], 0.12, 0.4) * 0.7)
            albedo = mix(albedo, rgb(0.24, 0.17, 0.07).to(self.device), smooth(fleck[1], 0.2, 0.45) * 0.6)
            albedo = mix(albedo, rgb(0.05, 0.10, 0.018).to(self.device) * (1 + 0.8 * litter[1]),
                         smooth(moss[0], 0.02, 0.4) * 0.85)
            return albedo * (0.85 + 0.3 * big[0]), one + 0.3 * litter[1], gloss
        if place in ("kitchen", "table"):
            # The table or worktop is as wide as the picture: its scale goes by the thing, whatever it measures.
            plank = 0.62
            row = (deep / plank + self.pick[4]).floor()
            along = side + 3.7 * strew(row, 1.0)
            warp = plane_sum(along * 0.7, deep * 3 + row * 5, 3)
            ring = plane_sum(along * 2.2, deep * 34 + row * 13 + 5 * warp[0], 3, footprint * 18)
            tone = 0.82 + 0.36 * strew(row, 2.0)
            albedo = base * tone * (1 + 0.42 * ring[0] + 0.16 * warp[1])
            seam = smooth((deep / plank + self.pick[4] - row - 0.5).abs(), 0.488, 0.498) / (1 + (footprint * 40) ** 2)
            return albedo * (1 - 0.6 * seam), one, gloss + 0.10 + 0.05 * ring[1]
        if place == "water":
            swell = plane_sum(x * 1.2 / metres, y * 2.0 / metres, 3, f / metres)
            return base * (1 + 0.35 * swell[0]), one, one
        if place == "studio":
            return base.expand(3, len(x)) * (1 + 0.012 * big[0]), one, gloss + 0.035
        return base.expand(3, len(x)), one, gloss

    def waves(self, p: torch.Tensor, footprint: torch.Tensor) -> torch.Tensor:
        """(3, N) normals of the water at (2, N) points."""
        side = (p * self.right[[0, 2], None]).sum(0)
        deep = (p * self.forward[[0, 2], None]).sum(0)
        out = torch.zeros(3, p.shape[1], device=self.device)
        for k, height in ((1.3, 0.07), (3.7, 0.075), (9.0, 0.06), (21.0, 0.04)):
            fade = height / (1 + (1.2 * k * footprint) ** 2)
            out[[0, 2]] += fade * plane(side * k * 0.7 + self.offset[0] + k, deep * k * 1.5 + self.offset[1])
        out[1] = 1
        return out / length(out)


def motes(p: torch.Tensor) -> torch.Tensor:
    """(N,) a noise in 0..1 that tells neighbouring samples apart: it breaks bands up."""
    return cube(p * 977.0)[0] * 0.5 + 0.5
