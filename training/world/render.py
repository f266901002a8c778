"""Renders photos: the thing of a scene, lit in its place and photographed.

Light is linear up to the tone curve. The thing is traced once per pixel, and three times at edges. Ground, sky and
backdrop are closed-form functions of the ray. Shadows and ambient occlusion use the field's distance grid.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import max_pool2d

from training.world.film import blurred, expose
from training.world.ground import ground as ground_surface
from training.world.ground import waves
from training.world.group import Group
from training.world.noise import noise_3d
from training.world.places import Place, dither, mix, smooth
from training.world.scene import Scene, ground_height, set_camera
from training.world.sdf import Field
from training.world.surface import Surface, surface
from training.world.trace import Camera, DistanceGrid, GBuffer, length, march, normals, pixels, trace

FAR = 60.0  # distance at which the ground ends in haze
EDGE_SAMPLES = ((-0.33, -0.17), (0.33, -0.17), (0.0, 0.35))  # positions in a pixel with an edge


def photo(field: Field | Group, scene: Scene, size: int) -> np.ndarray:
    """Render a photo, (size, size, 3) uint8 sRGB, of a scene whose thing (or group of things) is `field`."""
    coarse = DistanceGrid(field)
    return photo_and_view(field, coarse, foot(field, coarse, scene), scene, size)[0]


@torch.no_grad()
def foot(field: Field | Group, coarse: DistanceGrid, scene: Scene) -> float:
    """Height of the ground in the field's coordinates; -inf for none."""
    return field.ground if isinstance(field, Group) else ground_height(field, coarse, scene)


def photo_and_view(
    field: Field | Group, coarse: DistanceGrid, ground: float, scene: Scene, size: int
) -> tuple[np.ndarray, GBuffer]:
    """Render a photo, (size, size, 3) uint8 sRGB, and the G-buffer of its thing at the same size."""
    with torch.no_grad():
        camera = set_camera(scene, coarse, ground)
        view = trace(field, camera, size, size, coarse)
        place = Place(scene, camera.frame(), field.device)
        light = expose(_Picture(field, coarse, scene, camera, ground, place, size).take(view), scene, place.air)
        return (light.permute(1, 2, 0) * 255 + 0.5).clamp(0, 255).byte().cpu().numpy(), _above_water(
            view, camera, ground, scene
        )


def view_of(field: Field | Group, coarse: DistanceGrid, ground: float, scene: Scene, size: int) -> GBuffer:
    """Trace the G-buffer only, for a drawing: the thing as the scene's camera sees it."""
    with torch.no_grad():
        camera = set_camera(scene, coarse, ground)
        return _above_water(trace(field, camera, size, size, coarse), camera, ground, scene)


def _above_water(view: GBuffer, camera: Camera, ground: float, scene: Scene) -> GBuffer:
    """The view without the parts of the thing that are under water."""
    if scene.stance != "water":
        return view
    size = view.depth.shape[0]
    u, v = pixels(size, size, view.depth.device)
    height = camera.eye[1] + camera.rays(u, v)[1, view.hit] * view.depth.view(-1)[view.hit]
    wet = height < ground
    depth, normal, part = view.depth.clone(), view.normal.clone(), view.part.clone()
    sunk = view.hit[wet]
    depth.view(-1)[sunk], normal.view(-1, 3)[sunk], part.view(-1)[sunk] = torch.inf, 0.0, -1
    return GBuffer(depth, normal, part, view.share[:, ~wet], view.hit[~wet])


class _Picture:
    def __init__(
        self,
        field: Field | Group,
        coarse: DistanceGrid,
        scene: Scene,
        camera: Camera,
        ground: float,
        place: Place,
        size: int,
    ):
        self.field, self.coarse, self.scene, self.camera = field, coarse, scene, camera
        self.ground, self.place, self.air, self.size = ground, place, place.air, size
        self.eye = torch.tensor(camera.eye, dtype=torch.float32, device=field.device)[:, None]
        self.pixel = 1 / (size * camera.focal)  # a pixel's width at distance 1

    def take(self, view: GBuffer) -> torch.Tensor:
        """Linear light (3, size, size) on the film."""
        size = self.size
        u, v = pixels(size, size, self.field.device)
        rays = self.camera.rays(u, v)
        behind, away = self._surroundings(rays)
        behind = self._defocus(behind.view(3, size, size), away.view(size, size), view).view(3, -1)
        colour, cover = self._thing(view, u, v, rays, behind, away)
        return (behind * (1 - cover) + colour).view(3, size, size)

    # -- light -------------------------------------------------------------------------------------------------------

    def _shadow(self, p: torch.Tensor, soft: float) -> torch.Tensor:
        """Share (N,) of the key light that reaches points (3, N)."""
        out = torch.ones(p.shape[1], device=p.device)
        key = self.air.key[:, None]
        near, far = self.coarse.span(p, key.expand_as(p), min(0.4, 0.7 / soft))
        live = (near < far).nonzero()[:, 0]
        cell = self.coarse.cell
        t = near[live].clamp_min(cell) + cell * 0.4 * dither(p[:, live])
        o, far, lit = p[:, live], far[live], torch.ones(len(live), device=p.device)
        for _ in range(40):
            if not len(live):
                break
            gap = self.coarse.wide_distance(torch.addcmul(o, key.expand_as(o), t)) - 0.12 * cell
            lit = torch.minimum(lit, 0.5 + 0.5 * soft * gap / t.clamp_min(cell))
            t = t + gap.clamp(cell * 0.6, 0.12)
            done = (lit <= 0) | (t >= far)
            out[live[done]] = lit[done].clamp_min(0)
            keep = (~done).nonzero()[:, 0]
            live, o, t, far, lit = live[keep], o[:, keep], t[keep], far[keep], lit[keep]
        out[live] = lit.clamp_min(0)
        return smooth(out, 0.0, 1.0)

    def _ambient_occlusion(self, p: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        """Ambient occlusion: the share (N,) of ambient light that reaches points (3, N) with normals n (3, N)."""
        shut = torch.zeros(p.shape[1], device=p.device)
        for h, weight in ((0.03, 0.30), (0.08, 0.32), (0.18, 0.34), (0.36, 0.26)):
            q = p + n * h
            gap = self.coarse.distance(q)
            if self.scene.stance != "air":
                gap = torch.minimum(gap, (q[1] - self.ground).clamp_min(0))
            shut = shut + weight * (1 - gap / h).clamp(0, 1)
        return (1 - 0.95 * shut).clamp(0.06, 1)

    def _key(self, p: torch.Tensor) -> torch.Tensor:
        """Unshadowed key light (3, N) at points (3, N)."""
        air = self.air
        if not air.pool:
            return air.key_rgb.expand(3, p.shape[1])
        off = (p[0] ** 2 + p[2] ** 2).sqrt()
        return air.key_rgb * (0.05 + 0.95 * smooth(off, air.pool * 1.5, air.pool * 0.35))

    # -- the surroundings --------------------------------------------------------------------------------------------

    def _surroundings(self, rays: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Light (3, N) along rays without the thing, and the distance (N,) of what they hit."""
        n = rays.shape[1]
        away = torch.full((n,), FAR, device=rays.device)
        if not np.isfinite(self.ground):
            return self.place.sky(rays), away
        drop = self.ground - self.camera.eye[1]
        t = torch.where(rays[1] < -1e-4, drop / rays[1].clamp_max(-1e-4), torch.full_like(away, 1e9))
        if self.place.indoors:  # the floor or table ends at a wall
            reach = 3.0 if self.scene.place == "studio" else 2.2
            wall = (reach + self._middle_distance()) / (rays * self.place.forward[:, None]).sum(0).clamp_min(1e-3)
            down = t < wall
            away = torch.minimum(t, wall).clamp_max(FAR)
        else:
            down = t < FAR * 4
            away = t.clamp_max(FAR)
        out = torch.zeros(3, n, device=rays.device)
        up = (~down).nonzero()[:, 0]
        if len(up):
            out[:, up] = self.place.backdrop(rays[:, up], self.place.sky(rays[:, up]))
        down = down.nonzero()[:, 0]
        if len(down):
            out[:, down] = self._ground(rays[:, down], t[down])
        if self.scene.place == "studio":  # a cyclorama: the floor curves up into the wall
            wall = self.place.backdrop(rays, torch.zeros_like(rays))
            bend = smooth(t, self._middle_distance() + 0.6, self._middle_distance() + 2.6)
            out = mix(out, wall, bend)
        return out, away

    def _middle_distance(self) -> float:
        """Horizontal distance from the camera to the thing."""
        return float(np.hypot(self.camera.eye[0], self.camera.eye[2]))

    def _ground(self, rays: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """Light (3, N) from the points at distance t (N,) where rays hit the ground."""
        air, place = self.air, self.place
        p = self.eye + rays * t
        p[1] = self.ground
        # At a grazing angle a pixel's footprint is long; use the geometric mean of its sides.
        footprint = t * self.pixel / (-rays[1]).clamp_min(0.02).sqrt()
        n = torch.zeros_like(p)
        n[1] = 1
        lit = torch.ones_like(t)
        unoccluded = torch.ones_like(t)
        near = ((p[0] ** 2 + p[2] ** 2) < 4.0).nonzero()[:, 0]
        if len(near):
            q = p[:, near].clone()
            q[1] += 0.004
            if self.scene.place != "sky":
                lit[near] = self._shadow(q, air.soft)
            unoccluded[near] = self._ground_occlusion(q)
        albedo, relief, gloss = ground_surface(place, p[[0, 2]], footprint)
        key = self._key(p)
        if self.scene.place == "water":
            colour = self._water(rays, p, t, footprint, albedo, lit, unoccluded)
        else:
            sun = key * air.key[1].clamp_min(0.12) * lit * relief.clamp(0.2, 1.8)
            colour = albedo * (sun + place.ambient(n) * unoccluded * (0.75 + 0.25 * relief))
            shiny = (gloss > 0.01).nonzero()[:, 0]
            if len(shiny):
                mirrored = rays[:, shiny] * torch.tensor([1.0, -1.0, 1.0], device=rays.device)[:, None]
                fresnel = gloss[shiny] * (0.25 + 0.75 * (1 - mirrored[1].clamp(0, 1)) ** 4)
                seen = place.environment(mirrored, torch.full_like(t[shiny], 0.25))
                seen = self._mirror(p[:, shiny], mirrored, seen, 0.03)
                colour[:, shiny] = mix(colour[:, shiny], seen, fresnel)
        if self.place.indoors:
            return colour
        haze = mix(air.horizon, air.zenith, 0.15)
        far = (t - 4).clamp_min(0) * float(np.clip(self.scene.metres, 1.5, 8)) / 260
        return mix(colour, haze, (1 - (-far).exp()) * {"forest": 0.12, "night": 0.5}.get(self.scene.place, 0.75))

    def _ground_occlusion(self, p: torch.Tensor) -> torch.Tensor:
        """Ambient occlusion (N,) at ground points (3, N): darkest where the thing touches the ground."""
        shut = torch.zeros(p.shape[1], device=p.device)
        for h, weight in ((0.015, 0.26), (0.05, 0.26), (0.12, 0.26), (0.28, 0.22)):
            q = p.clone()
            q[1] += h
            gap = self.coarse.wide_distance(q).clamp_min(0)
            shut = shut + weight * (1 - gap / (h * 1.25)).clamp(0, 1)
        return (1 - 1.05 * shut).clamp(0.05, 1)

    def _mirror(self, p: torch.Tensor, d: torch.Tensor, seen: torch.Tensor, lift: float) -> torch.Tensor:
        """Add the thing's mirror image to the reflected light `seen` (3, N) of rays from points p (3, N), directions d
        (3, N)."""
        start = p.clone()
        start[1] += lift * 0.2
        near, far = self.coarse.span(start, d)
        live = (near < far).nonzero()[:, 0]
        if not len(live):
            return seen
        seen = seen.clone()
        t = near[live]
        o, d, far, cell = start[:, live], d[:, live], far[live], self.coarse.cell
        struck = torch.zeros(len(live), dtype=torch.bool, device=p.device)
        for _ in range(32):
            gap = self.coarse.distance(o + d * t)
            struck = struck | ((gap < 0.2 * cell) & (t < far))
            t = torch.where(struck, t, t + gap.clamp_min(cell * 0.3))
        live, q = live[struck], (o + d * t)[:, struck]
        if not len(live):
            return seen
        step = self.coarse.cell
        slope = torch.stack(
            [
                self.coarse.distance(q + step * e[:, None]) - self.coarse.distance(q - step * e[:, None])
                for e in torch.eye(3, device=p.device)
            ]
        )
        n = slope / length(slope).clamp_min(1e-6)
        albedo = torch.tensor([m.rgb for m in self.field.materials], device=p.device).T @ self.field.surface(q)[1]
        key = self._key(q) * (n * self.air.key[:, None]).sum(0).clamp_min(0) * 0.8
        seen[:, live] = albedo * (key + self.place.ambient(n) * 0.8)
        return seen

    def _water(self, rays, p, t, footprint, albedo, lit, unoccluded) -> torch.Tensor:
        n = waves(self.place, p[[0, 2]], footprint)
        bounce = rays - 2 * n * (rays * n).sum(0)
        bounce[1] = bounce[1].clamp_min(0.03)
        bounce = bounce / length(bounce)
        rough = (footprint * 2.0).clamp(0.05, 0.5)
        seen = self.place.backdrop(bounce, self.place.sky(bounce))
        seen = self._mirror(p, bounce, seen, 0.01)
        cosine = (-(rays * n).sum(0)).clamp(0, 1)
        fresnel = 0.08 + 0.92 * (1 - cosine) ** 4
        glint = (bounce * self.air.key[:, None]).sum(0).clamp_min(0) ** (60 / (1 + 4 * rough))
        key = self.air.key_rgb
        deep = albedo * (key * self.air.key[1] * (0.45 + 0.55 * lit) + self.place.ambient(n) * unoccluded) * 1.3
        return mix(deep, seen, fresnel.clamp(0, 0.92)) + key * glint * lit * 0.5

    def _defocus(self, light: torch.Tensor, away: torch.Tensor, view: GBuffer) -> torch.Tensor:
        """Depth of field: blur the surroundings (3, S, S) by their distance from the thing, which is in focus."""
        there = view.depth[view.depth.isfinite()]
        focus = float(there.median()) if len(there) else 3.0
        out_of_focus = (1 - focus / away).abs()
        out_of_focus = (out_of_focus - 0.06).clamp_min(0) * (1.0 if np.isfinite(self.ground) else 0.3)
        radius = out_of_focus * self.scene.blur * self.size  # (S, S), pixels
        levels, radii = [light], [0.0]
        for sigma in (0.9, 2.2, 5.0):
            if sigma < 2.5 * float(radius.max()) + 0.5:
                levels.append(blurred(light.clamp_max(6), sigma))
                radii.append(sigma)
        out = levels[0]
        for i in range(1, len(levels)):
            out = mix(out, levels[i], ((radius - radii[i - 1]) / (radii[i] - radii[i - 1])).clamp(0, 1))
        return out

    # -- the thing ---------------------------------------------------------------------------------------------------

    def _thing(self, view: GBuffer, u, v, rays, behind, away) -> tuple[torch.Tensor, torch.Tensor]:
        """The thing's light times its coverage, (3, S * S), and its coverage (S * S,)."""
        size, device = self.size, self.field.device
        edge = _edges(view)
        whole = view.hit[~edge.view(-1)[view.hit]]
        inner = torch.isin(view.hit, whole)
        pixel = [whole]
        points = [self.eye + rays[:, whole] * view.depth.view(-1)[whole]]
        normal = [view.normal.view(-1, 3)[whole].T]
        share = [view.share[:, inner]]
        weight = [torch.ones(len(whole), device=device)]
        rim = edge.view(-1).nonzero()[:, 0]
        if len(rim):
            fine_u = torch.cat([u[rim] + dx / size for dx, _ in EDGE_SAMPLES])
            fine_v = torch.cat([v[rim] + dy / size for _, dy in EDGE_SAMPLES])
            fine = self.camera.rays(fine_u, fine_v)
            nearest = -max_pool2d(-view.depth.clamp_max(1e3)[None], 3, 1, 1).view(-1)  # over a pixel and its neighbours
            since = (nearest[rim] - 0.03).clamp(0, 1e2).repeat(len(EDGE_SAMPLES))
            depth = march(self.field, self.coarse, self.eye, fine, since)
            hit = depth.isfinite().nonzero()[:, 0]
            if len(hit):
                p = self.eye + fine[:, hit] * depth[hit]
                pixel.append(rim.repeat(len(EDGE_SAMPLES))[hit])
                points.append(p)
                normal.append(normals(self.field, p))
                share.append(self.field.surface(p)[1])
                weight.append(torch.full((len(hit),), 1 / len(EDGE_SAMPLES), device=device))
        pixel, weight = torch.cat(pixel), torch.cat(weight)
        if not len(pixel):
            return torch.zeros_like(behind), torch.zeros(size * size, device=device)
        points, normal, share = torch.cat(points, 1), torch.cat(normal, 1), torch.cat(share, 1)
        light, opaque = self._shade(points, normal, share, behind[:, pixel])
        weight = weight * opaque
        colour = torch.zeros_like(behind).index_add_(1, pixel, light.clamp_max(5) * weight)
        cover = torch.zeros(size * size, device=device).index_add_(0, pixel, weight)
        return colour, cover.clamp_max(1)

    def _shade(self, p, n, share, behind) -> tuple[torch.Tensor, torch.Tensor]:
        """Light (3, N) from the thing's points to the camera, and their opacity (N,)."""
        air, place = self.air, self.place
        to_eye = self.eye - p
        t = length(to_eye)
        to_eye = to_eye / t
        s = self._surface(p, n, share, t * self.pixel)
        smooth_n, n = n, s.normal
        facing = (n * to_eye).sum(0)
        n = n + to_eye * (0.03 - facing).clamp_min(0)  # a bump must not face away from the eye
        n = n / length(n)
        facing = (n * to_eye).sum(0).clamp(0.03, 1)
        unoccluded = self._ambient_occlusion(p, smooth_n)
        cosine = (n * air.key[:, None]).sum(0)
        lit = torch.zeros_like(t)
        sunny = ((cosine > -0.3) & ((smooth_n * air.key[:, None]).sum(0) > -0.3)).nonzero()[:, 0]
        lit[sunny] = self._shadow(p[:, sunny] + smooth_n[:, sunny] * self.coarse.cell * 0.9, air.soft)
        key = self._key(p) * lit
        diffuse = ((cosine + s.wrap) / (1 + s.wrap)).clamp_min(0)
        # ambient light
        shaded = place.ambient(n) * unoccluded
        low = (1 - (p[1] - self.ground).clamp(0, 0.6) / 0.6) if np.isfinite(self.ground) else torch.zeros_like(t)
        shaded = shaded + air.below * (0.28 * low * (0.6 - 0.4 * n[1]) * unoccluded)
        tinted = s.albedo * (1 - s.metal) * (1 - 0.85 * s.clear)
        light = tinted * (key * diffuse + shaded)

        mirrored = 2 * n * facing - to_eye
        head_on = mix(s.reflectance.expand(3, -1), s.albedo, s.metal)
        fresnel = head_on + ((1 - s.rough).expand(3, -1) - head_on).clamp_min(0) * (1 - facing) ** 5
        raised = mirrored.clone()  # real surroundings are taller than this flat model of them
        raised[1] += 0.25 * (1 - mirrored[1].abs())
        seen = place.environment(raised / length(raised), s.rough)
        hidden = (unoccluded * (0.4 + 0.6 * smooth(mirrored[1], -0.6, 0.2))).clamp(0, 1)
        light = light + fresnel * seen * hidden * mix((1 - s.rough * 0.7), 1.0, s.metal)
        light = light + key * _highlight(n, to_eye, air.key[:, None], s, fresnel)
        rim = (1 - (smooth_n * to_eye).sum(0).clamp(0, 1)) ** 2.5
        halo = key * 0.35 * (cosine + 0.6).clamp_min(0) + shaded * 0.8
        light = light + s.fuzz * rim * (s.albedo.sqrt() * 0.5 + s.albedo * 0.5) * halo
        through = place.environment(-to_eye - 0.35 * smooth_n, torch.full_like(t, 0.15))
        through = mix(through, behind, 0.6)
        light = light + s.clear * through * s.albedo.sqrt() * (1 - fresnel)
        light = light + s.glow * s.albedo * (3.0 if air.pool else 1.9)
        if self.scene.stance == "under":  # water between the camera and the thing
            light = mix(light, air.horizon, 0.12)
        return light, self._opacity(p, smooth_n, to_eye, s)

    def _surface(self, p, n, share, footprint) -> Surface:
        """The surface at the thing's points; in a group, each thing is evaluated in its own coordinates."""
        if isinstance(self.field, Group):
            return self.field.surfaces(share, p, n, footprint)
        return surface(self.field.materials, share, p, n, footprint, self.scene.instance)

    def _opacity(self, p, n, to_eye, s: Surface) -> torch.Tensor:
        """Opacity (N,) of samples: lower at the outline of fur, where feet are in grass, and under water."""
        out = torch.ones_like(p[0])
        fraying = (s.fuzz > 0.35).nonzero()[:, 0]
        if len(fraying):
            rim = (n[:, fraying] * to_eye[:, fraying]).sum(0)
            out[fraying] = 1 - 0.75 * smooth(rim, 0.30, 0.02) * smooth(dither(p[:, fraying] * 0.08), 0.42, 0.60)
        height = p[1] - self.ground
        blades = {"grass": 0.028, "forest": 0.018, "snow": 0.02, "beach": 0.010, "desert": 0.010}.get(
            self.scene.place, 0.0
        ) / float(np.clip(self.scene.metres, 0.6, 4)) ** 0.7
        if self.scene.stance == "ground" and blades > 0.004:
            side = (p * self.place.right[:, None]).sum(0)
            width = 130.0 if self.scene.place in ("grass", "forest") else 9.0
            blade = noise_3d(torch.stack([side * width + height * 20, height * 9, side * width * 0.31]))
            ragged = (0.6 + 0.8 * blade[0] + 0.4 * blade[1]).clamp_min(0)
            out = out * smooth(height - blades * ragged, -0.003, 0.006)
        if self.scene.stance == "water":
            ripple = waves(self.place, p[[0, 2]], torch.zeros_like(height))[0] * 0.05
            below = (ripple - height).clamp_min(0)
            out = out * torch.where(below > 0, 0.42 * (-below * 14).exp(), torch.ones_like(out))
        return out


def _highlight(n, to_eye, key, s: Surface, fresnel) -> torch.Tensor:
    """Share (3, N) of the key light that a rough surface reflects to the eye (Trowbridge-Reitz distribution, Schlick's
    shadowing term)."""
    half = to_eye + key
    half = half / length(half)
    a2 = (s.rough**2).clamp_min(0.012) ** 2
    nh, nl, nv = ((x * n).sum(0).clamp(1e-3, 1) for x in (half, key, to_eye))
    density = a2 / (3.14159 * ((nh * nh) * (a2 - 1) + 1) ** 2)
    k = (s.rough + 1) ** 2 / 8
    shadowing = 1 / ((nl * (1 - k) + k) * (nv * (1 - k) + k)) / 4
    return fresnel * (density * shadowing * nl).clamp_max(9.0) * 1.4


def _edges(view: GBuffer) -> torch.Tensor:
    """(S, S) bool: pixels next to a change of part, a depth step or a sharp crease."""
    depth = torch.where(view.depth.isfinite(), view.depth, torch.full_like(view.depth, 99.0))
    out = torch.zeros_like(view.part, dtype=torch.bool)
    for axis in (0, 1):
        a, b = (x.narrow(axis, i, x.shape[axis] - 1) for x in (view.part,) for i in (0, 1))
        d, e = (depth.narrow(axis, i, depth.shape[axis] - 1) for i in (0, 1))
        m, n = (view.normal.narrow(axis, i, view.normal.shape[axis] - 1) for i in (0, 1))
        jump = (a != b) | ((d - e).abs() > 0.06) | (((m * n).sum(-1) < 0.3) & (a >= 0))
        out.narrow(axis, 0, jump.shape[axis]).logical_or_(jump)
        out.narrow(axis, 1, jump.shape[axis]).logical_or_(jump)
    return out
