"""Solids as signed distance fields: classes to model them, and batched evaluation on any device.

A `Shape` is a hard union of parts. A part is a smooth union of primitives, minus the primitives carved out of it; a
line drawing finds its inner edges between parts. Axes are right-handed: x is forward, y is up, z is to the shape's
right. A model may use any unit of length; `Shape.field` scales the result to unit size.

Distances of the primitives follow Quilez, "Distance functions" (https://iquilezles.org/articles/distfunctions/); the
smooth union is the soft minimum -k log sum exp(-d/k), which is symmetric in its arguments and whose softmax weights
blend the materials along the seam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

GRID = 96  # cells along each side of the baked distance of an outline
SHARP = 1e-3  # k of the soft minimum in a part without blending, as a share of the shape's size


@dataclass(frozen=True)
class Material:
    """The look of a surface.

    Attributes:
        rgb:     linear colour in 0..1.
        kind:    matte, plastic, metal, wood, fur, coat (fur in locks), feather, ceramic, glass, fabric, stone, leaf,
                 skin, scales or glow.
        pattern: plain, stripes, spots, patches, bricks, windows, planks, checks or mottle; evaluated in the shape's
                 coordinates, so that it is the same in every view.
        rgb2:    second colour of the pattern.
        scale:   period of the pattern, as a share of the shape's size.
    """

    rgb: tuple[float, float, float]
    kind: str = "matte"
    pattern: str = "plain"
    rgb2: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 0.1


def turn(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """(3, 3) rotation by degrees about x, then y, then z."""
    out = np.eye(3)
    for axis, degrees in enumerate((x, y, z)):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[i, i], step[i, j], step[j, i], step[j, j] = c, -s, s, c
        out = step @ out
    return out


def toward(direction) -> np.ndarray:
    """(3, 3) rotation that takes the y axis to `direction`."""
    y = np.asarray(direction, float)
    y = y / max(np.linalg.norm(y), 1e-9)
    x = np.cross(y, (0.0, 0.0, 1.0) if abs(y[2]) < 0.9 else (1.0, 0.0, 0.0))
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)], axis=1)


def smooth_outline(points, closed: bool = True, steps: int = 6) -> np.ndarray:
    """A Catmull-Rom curve through (n, 2) points, as (n * steps, 2) points (open curves keep both ends)."""
    p = np.asarray(points, float)
    q = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(q[:-3], q[1:-2], q[2:-1], q[3:], strict=True):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate(pieces if closed else [*pieces, p[-1:]])


@dataclass(frozen=True)
class _Primitive:
    kind: str
    centre: np.ndarray  # (3,)
    frame: np.ndarray  # (3, 3), columns are the local axes
    sizes: tuple[float, ...]
    reach: np.ndarray  # (3,) half extents of the local bounding box about the centre
    material: int | None
    outline: np.ndarray | None = None


class Part:
    """A smooth union of primitives.

    Every method adds a primitive of the material number `m`. With `mirror` it also adds the mirror image at the plane
    z = 0; with `carve` it subtracts the primitive instead. Points are (3,), rotations (3, 3), lengths in model units.
    """

    def __init__(self, name: str, blend: float):
        self.name, self.blend = name, blend
        self.solid: list[_Primitive] = []
        self.carved: list[_Primitive] = []

    def _add(self, primitive: _Primitive, mirror: bool, carve: bool) -> None:
        into = self.carved if carve else self.solid
        into.append(primitive)
        if mirror:
            flip = np.diag([1.0, 1.0, -1.0])
            into.append(
                _Primitive(
                    **{**primitive.__dict__, "centre": flip @ primitive.centre, "frame": flip @ primitive.frame @ flip}
                )
            )

    def ball(self, centre, radius, m=0, mirror=False, carve=False):
        """A sphere."""
        self.ellipsoid(centre, (radius,) * 3, m, mirror=mirror, carve=carve)

    def ellipsoid(self, centre, radii, m=0, turned=None, mirror=False, carve=False):
        """An ellipsoid with three radii along its (turned) axes."""
        frame = np.eye(3) if turned is None else turned
        self._add(
            _Primitive("ellipsoid", np.asarray(centre, float), frame, tuple(radii), np.asarray(radii, float), m),
            mirror,
            carve,
        )

    def limb(self, a, b, ra, rb=None, m=0, mirror=False, carve=False):
        """A round cone from point a (radius ra) to point b (radius rb): limbs, necks, tails, rods."""
        a, b = np.asarray(a, float), np.asarray(b, float)
        rb = ra if rb is None else rb
        height = max(np.linalg.norm(b - a), abs(ra - rb) * 1.02 + 1e-6)
        big = max(ra, rb)
        self._add(
            _Primitive("limb", a, toward(b - a), (ra, rb, height), np.array([big, height + big, big]), m), mirror, carve
        )

    def chain(self, points, radii, m=0, mirror=False, carve=False):
        """Limbs through a list of points; radii is one number, or one a point: tails, trunks, snakes, handles."""
        radii = np.broadcast_to(np.asarray(radii, float), (len(points),))
        for i in range(len(points) - 1):
            self.limb(points[i], points[i + 1], radii[i], radii[i + 1], m, mirror, carve)

    def box(self, centre, half, m=0, turned=None, round=0.0, mirror=False, carve=False):
        """A box with three half sizes; `round` is the radius of its edges."""
        frame = np.eye(3) if turned is None else turned
        self._add(
            _Primitive("box", np.asarray(centre, float), frame, (*half, round), np.asarray(half, float), m),
            mirror,
            carve,
        )

    def cone(self, a, b, ra, rb=None, m=0, round=0.0, mirror=False, carve=False):
        """A flat-ended cone or cylinder from point a (radius ra) to point b (radius rb)."""
        a, b = np.asarray(a, float), np.asarray(b, float)
        rb = ra if rb is None else rb
        half = np.linalg.norm(b - a) / 2
        self._add(
            _Primitive(
                "cone", (a + b) / 2, toward(b - a), (ra, rb, half, round), np.array([max(ra, rb), half, max(ra, rb)]), m
            ),
            mirror,
            carve,
        )

    def ring(self, centre, radius, thickness, m=0, turned=None, arc=360.0, mirror=False, carve=False):
        """A torus in the local xy plane; `arc` degrees of it, centred on local +y: tyres, handles, arches, brims."""
        frame = np.eye(3) if turned is None else turned
        reach = np.array([radius + thickness, radius + thickness, thickness])
        self._add(
            _Primitive("ring", np.asarray(centre, float), frame, (radius, thickness, arc / 2), reach, m), mirror, carve
        )

    def plate(self, centre, outline, half, m=0, turned=None, round=0.0, mirror=False, carve=False):
        """A closed outline, (n, 2) in the local xy plane, extruded by `half` to both sides along local z:
        wings, fins, blades, leaves, bodies of violins."""
        frame = np.eye(3) if turned is None else turned
        outline = np.asarray(outline, float)
        reach = np.array([*(np.abs(outline).max(axis=0) + round), half + round])
        self._add(
            _Primitive("plate", np.asarray(centre, float), frame, (half, round), reach, m, outline), mirror, carve
        )

    def lathe(self, centre, profile, m=0, turned=None, mirror=False, carve=False):
        """A profile, (n, 2) of radius >= 0 and height, turned about the local y axis; the profile runs from the axis
        to the axis. A profile that doubles back gives a hollow vessel: cups, bottles, bells, hats, pears."""
        frame = np.eye(3) if turned is None else turned
        profile = np.asarray(profile, float)
        outline = np.concatenate([profile, profile[::-1] * (-1.0, 1.0)])
        r, h = np.abs(profile).max(axis=0)
        self._add(
            _Primitive("lathe", np.asarray(centre, float), frame, (), np.array([r, h, r]), m, outline), mirror, carve
        )


class Shape:
    """A solid under construction: add materials, then parts, then primitives to the parts."""

    def __init__(self):
        self.materials: list[Material] = []
        self.parts: list[Part] = []

    def material(self, rgb, kind="matte", pattern="plain", rgb2=(0.0, 0.0, 0.0), scale=0.1) -> int:
        """Register a material; returns the number that primitives take as `m`."""
        rgb, rgb2 = (tuple(float(c) for c in colour) for colour in (rgb, rgb2))
        self.materials.append(Material(rgb, kind, pattern, rgb2, scale))
        return len(self.materials) - 1

    def part(self, name: str, blend: float = 0.0) -> Part:
        """A new part; `blend` is the radius of the smooth union inside it."""
        self.parts.append(Part(name, blend))
        return self.parts[-1]

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner, (3,) each, of a box around all primitives."""
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for p in (p for part in self.parts for p in part.solid):
            if p.kind == "ellipsoid":
                reach, centre = np.sqrt(((p.frame * p.reach) ** 2).sum(axis=1)), p.centre
                low, high = np.minimum(low, centre - reach), np.maximum(high, centre + reach)
            elif p.kind == "limb":
                ra, rb, height = p.sizes
                for end, r in ((p.centre, ra), (p.centre + p.frame[:, 1] * height, rb)):
                    low, high = np.minimum(low, end - r), np.maximum(high, end + r)
            elif p.kind == "plate":
                points, out = p.centre + p.outline @ p.frame[:, :2].T, sum(p.sizes) * np.abs(p.frame[:, 2])
                out = out + p.sizes[1] * np.abs(p.frame[:, :2]).sum(axis=1)
                low, high = np.minimum(low, points.min(axis=0) - out), np.maximum(high, points.max(axis=0) + out)
            elif p.kind == "lathe":  # every point of the profile sweeps a circle about the axis
                axis = p.frame[:, 1]
                middle = p.centre + p.outline[:, 1:] * axis
                out = np.abs(p.outline[:, :1]) * np.sqrt(np.clip(1 - axis**2, 0, 1))
                low, high = np.minimum(low, (middle - out).min(axis=0)), np.maximum(high, (middle + out).max(axis=0))
            else:
                reach = np.abs(p.frame) @ p.reach
                low, high = np.minimum(low, p.centre - reach), np.maximum(high, p.centre + reach)
        return low, high

    def field(self, device: str | torch.device = "cpu", normalise: bool = True) -> Field:
        """Compile to tensors.

        Args:
            device:    of the tensors.
            normalise: scale the shape so that its longest side is 1, centre it in x and z, and put it on y = 0.

        Raises:
            ValueError: a part has no solid primitive.
        """
        for part in self.parts:
            if not part.solid:
                raise ValueError(f"the part {part.name!r} holds no solid primitive: add one, or do not make the part")
        low, high = self.bounds()
        scale = 1.0 / (high - low).max() if normalise else 1.0
        shift = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2]) if normalise else np.zeros(3)
        return Field(self, scale, shift, torch.device(device))


class Field:
    """A compiled shape: distances and surface properties of many points at once.

    Attributes:
        low, high: (3,) corners of the bounding box.
        materials: the shape's materials, in order.
        names:     the parts' names, in order.
    """

    def __init__(self, shape: Shape, scale: float, shift: np.ndarray, device: torch.device):
        self.device = device
        self.materials = tuple(shape.materials)
        self.names = tuple(part.name for part in shape.parts)
        low, high = shape.bounds()
        self.low, self.high = (
            (torch.tensor((c - shift) * scale, dtype=torch.float32, device=device)) for c in (low, high)
        )
        self._scale = scale

        # Primitives are numbered part by part, the solid ones first, but evaluated kind by kind.
        every = [p for part in shape.parts for p in (*part.solid, *part.carved)]
        order = {k: i for i, k in enumerate(("ellipsoid", "limb", "box", "cone", "ring", "plate", "lathe"))}
        rows = sorted(range(len(every)), key=lambda row: order[every[row].kind])
        primitives = [every[row] for row in rows]
        frames = np.stack([p.frame.T for p in primitives])  # (P, 3, 3), world -> local
        origins = np.stack([(p.centre - shift) * scale for p in primitives])
        self._turn = self._tensor(frames.reshape(-1, 3))  # (3P, 3)
        self._origin = self._tensor(np.einsum("pij,pj->pi", frames, origins).reshape(-1, 1))  # (3P, 1)
        self._spans, self._rows, self._sizes = {}, {}, {}
        for kind in order:
            members = [i for i, p in enumerate(primitives) if p.kind == kind]
            if members:
                self._spans[kind] = slice(members[0], members[-1] + 1)
                self._rows[kind] = torch.tensor(rows[members[0] : members[-1] + 1], device=device)
                sizes = np.array([primitives[i].sizes for i in members], float).reshape(len(members), -1)
                angle = kind == "ring"  # the last size of a ring is an angle, all others are lengths
                sizes *= np.array([scale, scale, 1.0]) if angle else scale
                self._sizes[kind] = [self._tensor(c)[:, None] for c in sizes.T]  # each (n, 1)
        self._grids = {
            kind: self._bake([primitives[i].outline * scale for i in range(span.start, span.stop)])
            for kind, span in self._spans.items()
            if kind in ("plate", "lathe")
        }
        self._parts, end = [], 0  # (rows of solid primitives, rows of carved ones or None, blend radius)
        for part in shape.parts:
            solid = slice(end, end + len(part.solid))
            end = solid.stop + len(part.carved)
            carved = slice(solid.stop, end) if part.carved else None
            self._parts.append((solid, carved, max(part.blend * scale, SHARP)))
        self._material = torch.tensor([-1 if p.material is None else p.material for p in every], device=device)

    def _tensor(self, array) -> torch.Tensor:
        return torch.tensor(np.asarray(array), dtype=torch.float32, device=self.device)

    def _bake(self, outlines) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Signed distances of n outlines on grids (n, 1, GRID, GRID), and their centres and half sizes (n, 2, 1)."""
        baked: dict[bytes, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}  # mirror images share a grid
        for outline in outlines:
            if outline.tobytes() in baked:
                continue
            low, high = outline.min(axis=0), outline.max(axis=0)
            half = (high - low) / 2 * 1.02 + 0.02 * (high - low).max()
            centre = (low + high) / 2
            x, y = (np.linspace(c - h, c + h, GRID) for c, h in zip(centre, half, strict=True))
            grid = polygon_distance(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2), outline).reshape(GRID, GRID)
            baked[outline.tobytes()] = grid, centre, half
        grids, centres, halves = zip(*(baked[outline.tobytes()] for outline in outlines), strict=True)
        return (
            self._tensor(np.stack(grids))[:, None],
            self._tensor(np.stack(centres))[:, :, None],
            self._tensor(np.stack(halves))[:, :, None],
        )

    def _outline_distance(self, kind: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Distance to each baked outline at (n, N) local coordinates."""
        grid, centre, half = self._grids[kind]
        u, v = (x - centre[:, 0]) / half[:, 0], (y - centre[:, 1]) / half[:, 1]
        cu, cv = u.clamp(-1, 1), v.clamp(-1, 1)
        inside = torch.nn.functional.grid_sample(grid, torch.stack([cu, cv], -1)[:, None], align_corners=True)[:, 0, 0]
        # Outside the grid's box the nearest point of the box sees the outline under an obtuse angle, which makes the
        # hypotenuse a lower bound of the distance.
        ex, ey = (u - cu) * half[:, 0], (v - cv) * half[:, 1]
        beyond = (ex * ex + ey * ey).sqrt()
        return torch.where(beyond > 0, torch.hypot(beyond, inside.clamp_min(0)), inside)

    def _primitive_distances(self, p: torch.Tensor) -> torch.Tensor:
        """(P, N) distances of (3, N) points to every primitive."""
        q = torch.addmm(-self._origin, self._turn, p).view(-1, 3, p.shape[1])
        out = torch.empty(q.shape[0], p.shape[1], device=self.device)
        for kind, span in self._spans.items():  # in place where possible: this is limited by memory bandwidth
            x, y, z = q[span].unbind(1)  # each (n, N)
            size = self._sizes[kind]
            if kind == "ellipsoid":
                a, b, c = (x / size[0]), (y / size[1]), (z / size[2])
                k0 = (a * a).add_(b * b).add_(c * c).sqrt_()
                a, b, c = a.div_(size[0]), b.div_(size[1]), c.div_(size[2])
                k1 = a.square_().add_(b.square_()).add_(c.square_()).sqrt_().clamp_min_(1e-6)
                distance = k0.sub(1).mul_(k0).div_(k1)
            elif kind == "limb":
                ra, rb, height = size
                slope = ((ra - rb) / height).clamp(-0.999, 0.999)
                flank = (1 - slope * slope).sqrt()
                r = (x * x).add_(z * z).sqrt_()
                k, off = (flank * y).sub_(slope * r), r * r
                low = (y * y).add_(off).sqrt_().sub_(ra)
                high = (y - height).square_().add_(off).sqrt_().sub_(rb)
                side = r.mul_(flank).add_(y * slope).sub_(ra)
                distance = torch.where(k < 0, low, torch.where(k > flank * height, high, side))
            elif kind == "box":
                r = size[3]
                a, b, c = x.abs() - size[0] + r, y.abs() - size[1] + r, z.abs() - size[2] + r
                outer = (a.clamp_min(0) ** 2 + b.clamp_min(0) ** 2 + c.clamp_min(0) ** 2).sqrt()
                distance = outer + torch.maximum(torch.maximum(a, b), c).clamp_max(0) - r
            elif kind == "cone":
                r = size[3]
                ra, rb, half = size[0] - r, size[1] - r, size[2] - r
                u = (x * x + z * z).sqrt()
                cap_u = u - torch.minimum(u, torch.where(y < 0, ra, rb))
                cap_y = y.abs() - half
                du, dy = rb - ra, 2 * half
                t = (((rb - u) * du + (half - y) * dy) / (du * du + dy * dy)).clamp(0, 1)
                side_u, side_y = u - rb + du * t, y - half + dy * t
                gap = torch.minimum(cap_u**2 + cap_y**2, side_u**2 + side_y**2).sqrt()
                distance = torch.where((side_u < 0) & (cap_y < 0), -gap, gap) - r
            elif kind == "ring":
                radius, thickness, arc = size
                s, c = torch.sin(torch.deg2rad(arc)), torch.cos(torch.deg2rad(arc))
                ax = x.abs()
                k = torch.where((c * ax > s * y) & (arc < 180), ax * s + y * c, (ax * ax + y * y).sqrt())
                distance = (x * x + y * y + z * z + radius**2 - 2 * radius * k).clamp_min(0).sqrt() - thickness
            elif kind == "plate":
                half, r = size
                flat = self._outline_distance(kind, x, y)
                deep = z.abs() - half
                outer = (flat.clamp_min(0) ** 2 + deep.clamp_min(0) ** 2).sqrt()
                distance = outer + torch.maximum(flat, deep).clamp_max(0) - r
            else:
                distance = self._outline_distance(kind, (x * x + z * z).sqrt(), y)
            out[self._rows[kind]] = distance
        return out

    def _part_distances(self, each: torch.Tensor) -> torch.Tensor:
        """(K, N) distances of the parts from (P, N) distances of the primitives."""
        out = []
        for solid, carved, k in self._parts:
            d = each[solid.start] if solid.stop == solid.start + 1 else soft_minimum(each[solid], k)
            if carved:
                d = torch.maximum(d, -each[carved].amin(dim=0))
            out.append(d)
        return torch.stack(out)

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """Signed distance (N,) at points (3, N); negative inside. It is only approximate where primitives blend and for
        ellipsoids, so a ray should step a little less than it."""
        return self._part_distances(self._primitive_distances(points)).amin(dim=0)

    def surface(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The number of the part (N,), int64, and the share of each material (M, N), at surface points (3, N)."""
        each = self._primitive_distances(points)
        part = self._part_distances(each).argmin(dim=0)
        share = torch.zeros(len(self.materials), points.shape[1], device=self.device)
        for i, (solid, carved, k) in enumerate(self._parts):
            here = (part == i).nonzero()[:, 0]
            if not len(here):
                continue
            near = each[solid, here]
            weight = torch.softmax(near / -k, dim=0)
            owner = self._material[solid]
            if carved:  # a carved primitive with a material lines its hole
                depth, which = each[carved, here].min(dim=0)
                lining = self._material[carved][which]
                lined = (depth.abs() < 2e-3) & (lining >= 0)
                weight = weight * ~lined
                share.index_put_((lining.clamp_min(0), here), lined.float(), accumulate=True)
            share[:, here] = share[:, here].index_add(0, owner, weight)
        return part, share


def soft_minimum(d: torch.Tensor, k: float) -> torch.Tensor:
    """-k log sum exp(-d/k) over the first axis of distances (n, N) -> (N,). torch.logsumexp also handles infinities,
    which takes twice as long."""
    d = d / -k
    most = d.amax(dim=0)
    return d.sub_(most).exp_().sum(dim=0).log_().add_(most).mul_(-k)


def polygon_distance(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Signed distance (N,) of points (N, 2) to a closed outline (K, 2); negative inside."""
    x, y = points.T
    nearest, inside = np.full(len(points), np.inf), np.zeros(len(points), bool)
    # Edge by edge: (N,) arrays stay in the processor's cache, which (N, K) ones would not.
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        ex, ey = bx - ax, by - ay
        if ex * ex + ey * ey <= 1e-12:
            continue
        px, py = x - ax, y - ay
        t = np.clip((px * ex + py * ey) / (ex * ex + ey * ey), 0, 1)
        np.minimum(nearest, (px - ex * t) ** 2 + (py - ey * t) ** 2, out=nearest)
        if ey:  # a ray to the right crosses this edge
            inside ^= ((ay > y) != (by > y)) & (x < ax + py * ex / ey)
    return np.where(inside, -1, 1) * np.sqrt(nearest)
