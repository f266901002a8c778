"""A group of distance fields, each moved, turned and scaled, with the interface of a single field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from training.world.sdf import Field
from training.world.surface import Surface, surface
from training.world.trace import GBuffer, length

NEAR = 0.2  # points farther from a thing's box than this get the distance to the box


class Group:
    """Several fields as one. A point p of a thing is at shift + scale * (turn @ p) in the group.

    Args:
        fields: one for each thing.
        turns:  degrees about the vertical axis, from x to z.
        scales: one for each thing.
        shifts: (3,) for each thing.
        seeds:  seeds of the things' surface grain, as in `surface`.
        ground: height of the ground or water that they stand on; -inf for none.
    """

    def __init__(
        self,
        fields: list[Field],
        turns: list[float],
        scales: list[float],
        shifts: list[np.ndarray],
        seeds: list[int],
        ground: float,
    ):
        self.fields, self.scales, self.seeds, self.ground = fields, scales, seeds, ground
        self.device = fields[0].device
        self.materials = tuple(m for field in fields for m in field.materials)
        self.names = tuple(name for field in fields for name in field.names)
        self.first_part = np.cumsum([0, *(len(field.names) for field in fields)]).tolist()
        self.first_material = np.cumsum([0, *(len(field.materials) for field in fields)]).tolist()
        self.turns = [torch.tensor(turned(t), dtype=torch.float32, device=self.device) for t in turns]
        self.shifts = [torch.tensor(s, dtype=torch.float32, device=self.device)[:, None] for s in shifts]
        corners = []
        for field, turn, scale, shift in zip(fields, self.turns, scales, self.shifts, strict=True):
            box = torch.cartesian_prod(*torch.stack([field.low, field.high], 1)).T  # (3, 8)
            corners.append(shift + scale * (turn @ box))
        corners = torch.cat(corners, 1)
        self.low, self.high = corners.amin(1), corners.amax(1)

    def local(self, k: int, points: torch.Tensor) -> torch.Tensor:
        """Points (3, N) of the group in the coordinates of thing k."""
        return self.turns[k].T @ ((points - self.shifts[k]) / self.scales[k])

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """Signed distance (N,) at points (3, N); far from a thing it is a lower bound."""
        return self._distances(points).amin(0)

    def _distances(self, points: torch.Tensor) -> torch.Tensor:
        out = []
        for k, (field, scale) in enumerate(zip(self.fields, self.scales, strict=True)):
            q = self.local(k, points)
            gap = length(q - torch.minimum(torch.maximum(q, field.low[:, None]), field.high[:, None]))
            near = (gap * scale < NEAR).nonzero()[:, 0]
            gap[near] = field.distance(q[:, near]) if len(near) else gap[near]
            out.append(gap * scale)
        return torch.stack(out)

    def surface(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The number of the part (N,), int64, and the share of each material (M, N), at surface points (3, N)."""
        owner = self._distances(points).argmin(0)
        part = torch.zeros(points.shape[1], dtype=torch.long, device=self.device)
        share = torch.zeros(len(self.materials), points.shape[1], device=self.device)
        for k, field in enumerate(self.fields):
            here = (owner == k).nonzero()[:, 0]
            if len(here):
                number, own = field.surface(self.local(k, points[:, here]))
                part[here] = number + self.first_part[k]
                share[self.first_material[k] : self.first_material[k + 1], here] = own
        return part, share

    def surfaces(
        self, share: torch.Tensor, points: torch.Tensor, normals: torch.Tensor, footprint: torch.Tensor
    ) -> Surface:
        """Surface properties at points of the group, as `training.world.surface.surface` returns them.

        Args:
            share:     (M, N) share of each material.
            points:    (3, N).
            normals:   (3, N).
            footprint: (N,) width of a pixel there.
        """
        blocks = [share[a:b] for a, b in zip(self.first_material, self.first_material[1:], strict=False)]
        owner = torch.stack([block.sum(0) for block in blocks]).argmax(0)
        out = None
        for k, (field, turn) in enumerate(zip(self.fields, self.turns, strict=True)):
            here = (owner == k).nonzero()[:, 0]
            if not len(here):
                continue
            own = surface(
                field.materials,
                blocks[k][:, here],
                self.local(k, points[:, here]),
                turn.T @ normals[:, here],
                footprint[here] / self.scales[k],
                self.seeds[k],
            )
            own.normal = turn @ own.normal
            if out is None:
                out = Surface(*(torch.zeros(*x.shape[:-1], len(owner), device=self.device) for x in vars(own).values()))
            for name, values in vars(own).items():
                getattr(out, name)[..., here] = values
        return out

    def seen(self, view: GBuffer) -> list[GBuffer]:
        """Split a view of the group into the pixels of each thing; depth, normal and part stay whole."""
        part = view.part.view(-1)[view.hit]
        out = []
        for low, high in zip(self.first_part, self.first_part[1:], strict=False):
            mine = (part >= low) & (part < high)
            out.append(replace(view, share=view.share[:, mine], hit=view.hit[mine]))
        return out


def turned(degrees: float) -> np.ndarray:
    """(3, 3) rotation about the vertical axis that takes x towards z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
