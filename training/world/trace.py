"""Sphere tracing of a field into a G-buffer: distance, normal, part and materials at every pixel.

The same code runs on CPU and CUDA. The field is first sampled on a coarse grid. A ray steps by the grid until it is
near the surface, and by the exact distance from there on, so a pixel needs only a few exact evaluations. Rays that have
ended are dropped from the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from training.world.sdf import Field

CELL = 1 / 42  # spacing of the coarse grid, as a share of the shape's longest side
HIT_DISTANCE = 1.2e-3  # a ray this close to the surface has hit it
NORMAL_STEP = 1.5e-3  # step of the finite differences that give the normal
MAX_STEPS = 40  # a ray that has not ended after this many steps grazes a surface ...
GRAZING_DISTANCE = 4e-3  # ... and has hit it if it is this close
MIN_SLOPE = 0.42  # lower bound of the rate at which the distance shrinks along a ray


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        eye:    position in the world.
        target: a point of the world on the optical axis.
        focal:  focal length in picture heights (1.87 gives a field of view of 30 degrees).
        roll:   degrees; the camera turns clockwise.
        shift:  offset of the target to the right of and above the picture's centre, in picture heights.
    """

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    focal: float = 2.2
    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    def frame(self) -> np.ndarray:
        """(3, 3), columns are right, up and forward."""
        forward = np.subtract(self.target, self.eye).astype(float)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.0))
        right /= max(np.linalg.norm(right), 1e-9)
        up = np.cross(right, forward)
        c, s = np.cos(np.radians(self.roll)), np.sin(np.radians(self.roll))
        return np.stack([c * right - s * up, c * up + s * right, forward], axis=1)

    def rays(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Unit directions (3, N) of the rays through picture points u, v (N,), measured from the left and the top in
        picture heights."""
        x = u - 0.5 - self.shift[0]
        y = 0.5 - v - self.shift[1]
        flat = torch.stack([x, y, torch.full_like(x, self.focal)])
        rays = torch.tensor(self.frame(), dtype=torch.float32, device=u.device) @ flat
        return rays / length(rays)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points (N, 3) of the world to u, v and the distance along the optical axis, (N, 3)."""
        x, y, z = ((np.asarray(points, float) - self.eye) @ self.frame()).T
        return np.stack([x / z * self.focal + 0.5 + self.shift[0], 0.5 - y / z * self.focal - self.shift[1], z], axis=1)


def length(v: torch.Tensor) -> torch.Tensor:
    """Lengths (N,) of vectors (3, N); several times faster than torch.linalg.norm along the first axis."""
    return (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt()


def pixels(height: int, width: int, device="cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """u and v of all pixel centres, row by row, each (height * width,)."""
    v = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) / height
    u = (torch.arange(width, device=device, dtype=torch.float32) + 0.5 - width / 2) / height + 0.5
    v, u = torch.meshgrid(v, u, indexing="ij")
    return u.reshape(-1), v.reshape(-1)


@dataclass(frozen=True)
class GBuffer:
    """A G-buffer: what a camera sees of a field, pixel by pixel.

    Attributes:
        depth:  (H, W) float32 distance from the eye along the ray, inf where nothing is hit.
        normal: (H, W, 3) float32 unit normals, 0 where nothing is hit.
        part:   (H, W) int64 number of the part, -1 where nothing is hit.
        share:  (M, n) share of each material at the n hit pixels.
        hit:    (n,) int64 flat indices of the hit pixels.
    """

    depth: torch.Tensor
    normal: torch.Tensor
    part: torch.Tensor
    share: torch.Tensor
    hit: torch.Tensor

    def box(self) -> tuple[float, float, float, float]:
        """Bounding box (left, top, right, bottom) of the hit pixels in 0..1; the whole picture if nothing is hit."""
        if not len(self.hit):
            return 0.0, 0.0, 1.0, 1.0
        height, width = self.depth.shape
        y, x = self.hit // width, self.hit % width
        return (
            float(x.min()) / width,
            float(y.min()) / height,
            (float(x.max()) + 1) / width,
            (float(y.max()) + 1) / height,
        )


class DistanceGrid:
    """A field sampled on a grid over its bounding box: cheap to evaluate, with an error of a fraction of a cell."""

    def __init__(self, field: Field, cell: float = CELL):
        self.cell = cell
        self.low, self.high = field.low - 2 * cell, field.high + 2 * cell
        counts = ((self.high - self.low) / cell).ceil().long() + 1
        axes = [
            torch.linspace(float(lo), float(hi), int(n), device=field.device)
            for lo, hi, n in zip(self.low, self.high, counts, strict=True)
        ]
        points = torch.stack(torch.meshgrid(*axes, indexing="ij")).reshape(3, -1)
        values = torch.cat([field.distance(p) for p in points.split(16384, dim=1)])
        self._grid = values.view(*(len(a) for a in axes))[None, None]  # (1, 1, X, Y, Z)

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """Distance (N,) at points (3, N), which are clamped to the box first."""
        unit = (points - self.low[:, None]) / (self.high - self.low)[:, None] * 2 - 1
        at = unit.flip(0).T.reshape(1, -1, 1, 1, 3)  # grid_sample wants the last axis first
        return torch.nn.functional.grid_sample(self._grid, at, padding_mode="border", align_corners=True).view(-1)

    def wide_distance(self, points: torch.Tensor) -> torch.Tensor:
        """Distance (N,) at points (3, N); outside the box, the distance to the box is added."""
        inner = torch.minimum(torch.maximum(points, self.low[:, None]), self.high[:, None])
        return self.distance(inner) + length(points - inner)

    def surface_points(self) -> np.ndarray:
        """The grid nodes (n, 3) near or inside the surface."""
        values = self._grid[0, 0]
        at = (values < 0.55 * self.cell).nonzero()
        at = at if len(at) else (values <= values.min()).nonzero()
        step = (self.high - self.low) / (torch.tensor(values.shape, device=at.device) - 1)
        return (self.low + at * step).cpu().numpy()

    def span(self, start: torch.Tensor, rays: torch.Tensor, margin: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        """Where (3, N) rays from `start`, (3, 1) or (3, N), enter and leave the box, widened by the margin, each (N,);
        they miss it where the first is not below the second."""
        inverse = 1 / torch.where(rays.abs() < 1e-9, torch.full_like(rays, 1e-9), rays)
        a = (self.low[:, None] - margin - start) * inverse
        b = (self.high[:, None] + margin - start) * inverse
        return torch.minimum(a, b).amax(dim=0).clamp_min(0), torch.maximum(a, b).amin(dim=0)


def march(
    field: Field, coarse: DistanceGrid, start: torch.Tensor, rays: torch.Tensor, since: torch.Tensor | float = 0.0
) -> torch.Tensor:
    """Sphere-trace rays to the surface of a field.

    Args:
        field:  the field.
        coarse: the field on a grid.
        start:  (3, 1) or (3, N) origins.
        rays:   (3, N) unit directions.
        since:  (N,) or a number; distances before which the rays hit nothing.

    Returns:
        (N,) distances; inf for rays that miss.
    """
    start = start.expand_as(rays)
    out = torch.full((rays.shape[1],), torch.inf, device=rays.device)
    near, far = coarse.span(start, rays)
    near = near.clamp_min(since) if isinstance(since, float) else torch.maximum(near, since)
    live = (near < far).nonzero()[:, 0]
    o, d, t, end = start[:, live], rays[:, live], near[live], far[live]
    last, moved = (
        torch.zeros_like(t),
        torch.zeros_like(t),
    )  # previous exact distance, and the step since; 0 for none
    for step_number in range(MAX_STEPS):
        if not len(live):
            break
        p = torch.addcmul(o, d, t)
        gap = coarse.distance(p)
        step = gap - 0.4 * coarse.cell
        close = (gap < 0.8 * coarse.cell).nonzero()[:, 0]
        hit = torch.zeros_like(gap, dtype=torch.bool)
        if len(close):
            exact = field.distance(p[:, close])
            # At a slant a ray may step further than the distance; how far follows from how fast the distance shrank.
            slope = ((last[close] - exact) / moved[close].clamp_min(1e-6)).clamp(MIN_SLOPE, 1.0)
            slope = torch.where(moved[close] > 0, slope, torch.ones_like(slope))
            struck = exact < (HIT_DISTANCE if step_number < MAX_STEPS - 1 else GRAZING_DISTANCE)
            hit[close] = struck
            step[close] = exact / slope
            out[live[close[struck]]] = (t[close] + step[close])[struck]
            moved, last = torch.zeros_like(t), torch.zeros_like(t)
            moved[close], last[close] = step[close], exact
        else:
            moved = torch.zeros_like(t)
        t = t + step
        keep = (~hit & (t < end)).nonzero()[:, 0]
        if len(keep) < len(live):
            live, o, d, t, end, last, moved = (
                live[keep],
                o[:, keep],
                d[:, keep],
                t[keep],
                end[keep],
                last[keep],
                moved[keep],
            )
    return out


def normals(field: Field, points: torch.Tensor) -> torch.Tensor:
    """Unit normals (3, N) at surface points (3, N), by finite differences over a tetrahedron."""
    corners = torch.tensor([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1.0]], device=points.device)
    total = sum(c[:, None] * field.distance(points + NORMAL_STEP * c[:, None]) for c in corners)
    return total / length(total).clamp_min(1e-9)


def trace(field: Field, camera: Camera, height: int, width: int, coarse: DistanceGrid | None = None) -> GBuffer:
    """Trace the G-buffer of a field. `coarse` is the field on a grid, if that exists already."""
    coarse = coarse or DistanceGrid(field)
    u, v = pixels(height, width, field.device)
    rays = camera.rays(u, v)
    eye = torch.tensor(camera.eye, dtype=torch.float32, device=field.device)[:, None]
    depth = march(field, coarse, eye, rays)
    hit = depth.isfinite().nonzero()[:, 0]
    points = eye + rays[:, hit] * depth[hit]
    normal = torch.zeros(height * width, 3, device=field.device)
    part = torch.full((height * width,), -1, device=field.device)
    normal[hit] = normals(field, points).T
    part[hit], share = field.surface(points)
    return GBuffer(depth.view(height, width), normal.view(height, width, 3), part.view(height, width), share, hit)
