"""Surface shading inputs: a material's pattern, grain and gloss at points of a thing."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from training.world.noise import hash_01, noise_3d, octaves_3d, worley_noise
from training.world.places import mix, smooth
from training.world.sdf import Material
from training.world.trace import length

# roughness, reflectance at normal incidence, metalness, rim fuzz, wrap of diffuse light, depth of the relief
_KINDS = {
    "matte": (0.75, 0.035, 0.0, 0.0, 0.05, 0.05),
    "plastic": (0.24, 0.055, 0.0, 0.0, 0.0, 0.0),
    "metal": (0.24, 0.5, 1.0, 0.0, 0.0, 0.02),
    "wood": (0.48, 0.04, 0.0, 0.0, 0.0, 0.10),
    "fur": (0.72, 0.035, 0.0, 0.36, 0.14, 0.34),
    "feather": (0.62, 0.035, 0.0, 0.20, 0.12, 0.22),
    "coat": (0.68, 0.035, 0.0, 0.42, 0.14, 0.34),
    "ceramic": (0.09, 0.065, 0.0, 0.0, 0.0, 0.0),
    "glass": (0.05, 0.06, 0.0, 0.0, 0.0, 0.0),
    "fabric": (0.90, 0.03, 0.0, 0.30, 0.10, 0.22),
    "stone": (0.88, 0.03, 0.0, 0.0, 0.0, 0.30),
    "leaf": (0.45, 0.04, 0.0, 0.06, 0.30, 0.16),
    "skin": (0.46, 0.035, 0.0, 0.05, 0.22, 0.07),
    "scales": (0.32, 0.05, 0.0, 0.0, 0.05, 0.30),
    "glow": (0.50, 0.03, 0.0, 0.0, 0.0, 0.0),
}


@dataclass
class Surface:
    """Properties of N samples: albedo (3, N), normal (3, N), the rest (N,)."""

    albedo: torch.Tensor
    normal: torch.Tensor
    rough: torch.Tensor
    reflectance: torch.Tensor
    metal: torch.Tensor
    fuzz: torch.Tensor
    wrap: torch.Tensor
    clear: torch.Tensor
    glow: torch.Tensor


def surface(
    materials: tuple[Material, ...],
    share: torch.Tensor,
    p: torch.Tensor,
    n: torch.Tensor,
    footprint: torch.Tensor,
    seed: int,
) -> Surface:
    """Evaluate the materials at points of a thing.

    Args:
        materials: M materials.
        share:     (M, N) share of each material at each point.
        p:         (3, N) points in the thing's coordinates.
        n:         (3, N) unit normals.
        footprint: (N,) width of a pixel there; finer detail fades out.
        seed:      of the grain.
    """
    count = p.shape[1]
    albedo = torch.zeros(3, count, device=p.device)
    relief = torch.zeros(3, count, device=p.device)
    numbers = torch.zeros(7, count, device=p.device)
    clear, glow = torch.zeros(count, device=p.device), torch.zeros(count, device=p.device)
    for i, material in enumerate(materials):
        here = (share[i] > 0.01).nonzero()[:, 0]
        if not len(here):
            continue
        weight = share[i, here]
        q, m, f = p[:, here], n[:, here], footprint[here]
        colour, glassy = _pattern(material, q, m, f)
        colour, bumps, gloss = _grain(material.kind, colour, q, m, f, seed)
        albedo[:, here] += weight * colour
        traits = torch.tensor(_KINDS.get(material.kind, _KINDS["matte"]), device=p.device)[:, None].repeat(1, len(here))
        traits[0] = mix((traits[0] + gloss).clamp(0.04, 1), 0.08, glassy)
        relief[:, here] += weight * traits[5] * bumps
        numbers[:6, here] += weight * traits
        clear[here] += weight * float(material.kind == "glass")
        glow[here] += weight * float(material.kind == "glow")
    bumped = n + relief - n * (relief * n).sum(dim=0)
    bumped = bumped / length(bumped).clamp_min(1e-6)
    return Surface(albedo.clamp(0.004, 0.92), bumped, *numbers[:5], clear, glow)


def _sides(p: torch.Tensor, n: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Box mapping: horizontal and vertical texture coordinates (N,) each, and whether the surface faces up or down."""
    ax, ay, az = n.abs()
    flat = (ay > ax) & (ay > az)
    across = torch.where((ax > az) & ~flat, p[2], p[0])
    return across, torch.where(flat, p[2], p[1]), flat


def _pattern(material: Material, p, n, f) -> tuple[torch.Tensor, torch.Tensor]:
    """Colour (3, N) of the pattern, and how much of it is glass (N,)."""
    one, two = (torch.tensor(c, device=p.device)[:, None] for c in (material.rgb, material.rgb2))
    s = material.scale
    zero = torch.zeros_like(p[0])
    edge = (f / s).clamp(0.02, 0.5)  # a pixel's width in periods of the pattern
    kind = material.pattern
    if kind == "stripes":
        wobble = noise_3d(p / s * 0.55)
        wave = ((p[0] + 0.30 * s * wobble[0] + 0.25 * p[1]) / s * 6.2832).sin() + 0.25 * wobble[1]
        return mix(one, two, smooth(wave, -3.2 * edge - 0.06, 3.2 * edge + 0.06)), zero
    if kind == "spots":
        d, own = worley_noise(p / s)
        return mix(one, two, smooth(d, 0.30 + 0.10 * own + edge, 0.30 + 0.10 * own - edge)), zero
    if kind == "patches":
        field = octaves_3d(p / s * 0.8 + 3.1, 2)[0]
        return mix(one, two, smooth(field, 0.08 - 0.8 * edge, 0.10 + 0.8 * edge)), zero
    if kind == "mottle":
        field = octaves_3d(p / s, 3)
        return mix(one, two, smooth(field[0], -0.45, 0.45)), zero
    u, v, flat = _sides(p, n)
    if kind == "bricks":
        row = (v / (0.45 * s)).floor()
        x = u / s + 0.5 * (row % 2)
        joint = torch.minimum((0.5 - (x % 1 - 0.5).abs()), (0.5 - (v / (0.45 * s) % 1 - 0.5).abs()) * 0.45)
        tone = 0.78 + 0.44 * hash_01(x.floor() + 37 * row, 1.0)
        fade = (1 - edge * 1.4).clamp(0.15, 1)
        return mix(one * mix(1.0, tone, fade), two, smooth(joint, 0.05 + edge * 0.5, 0.03 - edge * 0.5) * fade), zero
    if kind == "windows":
        x, y = u / s, v / s
        pane = smooth((x % 1 - 0.5).abs(), 0.30 + edge, 0.30 - edge)
        pane = pane * smooth((y % 1 - 0.5).abs(), 0.34 + edge, 0.34 - edge) * (~flat)
        tone = 0.7 + 0.6 * hash_01(x.floor() + 41 * y.floor(), 2.0)
        return mix(one, two * tone, pane), pane
    if kind == "planks":
        x = v / s
        tone = 0.82 + 0.36 * hash_01(x.floor(), 3.0)
        seam = smooth(0.5 - (x % 1 - 0.5).abs(), 0.07 + edge * 0.5, 0.02)
        return mix(one * tone, two, seam * (1 - edge).clamp(0.3, 1)), zero
    if kind == "checks":
        wave = (u / s * 3.14159).sin() * (v / s * 3.14159).sin()
        return mix(one, two, smooth(wave, -edge * 1.5, edge * 1.5)), zero
    return one.expand(3, p.shape[1]), zero


def _grain(kind: str, colour, p, n, f, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The colour (3, N) with the material's grain, the relief (3, N) of about -1..1, and a change of roughness (N,)."""
    off = (seed % 97) * 0.37
    flat = torch.zeros_like(p[0])

    def fine(frequency):  # 1 if pixels resolve this frequency, towards 0 if not
        return 1 / (1 + (1.1 * f * frequency) ** 2)

    if kind in ("fur", "feather"):
        # Hairs follow a slightly swirling flow from head to tail and downwards.
        swirl = noise_3d(p * 3 + off)
        flow = torch.tensor([-0.75, -0.60, 0.0], device=p.device)[:, None] + 0.35 * swirl
        flow = flow - n * (flow * n).sum(dim=0)
        flow = flow / length(flow).clamp_min(0.1)
        hair = 74.0 if kind == "fur" else 44.0
        q = p - flow * (p * flow).sum(dim=0) * 0.84
        strand = noise_3d(q * hair + off)
        tuft = noise_3d((p - flow * (p * flow).sum(dim=0) * 0.6) * hair * 0.32)
        detail = fine(hair)
        loud = 1.0 if kind == "fur" else 0.6
        tone = 1 + loud * (0.24 * detail * strand[0] + 0.15 * tuft[0] + 0.10 * swirl[1])
        # Fur is darker on the back, and paler and greyer below.
        above, below = smooth(n[1], 0.1, 0.95), smooth(-n[1], -0.1, 0.8)
        grey = colour.mean(dim=0)
        worn = mix(colour, 0.75 * colour + 0.25 * grey + 0.06, 0.5 * below + 0.15 * (swirl[2] + 1)) * (1 - 0.20 * above)
        return worn * tone.clamp(0.35, 1.7), loud * (strand * 0.5 * detail + 0.5 * tuft), flat
    if kind == "coat":
        # Locks of hair, hairs of varying tone, and fine underfur visible from close by; pale coats vary less.
        swirl = noise_3d(p * 3.5 + off)
        flow = torch.tensor([-0.80, -0.55, 0.0], device=p.device)[:, None] + 0.45 * swirl
        flow = flow - n * (flow * n).sum(dim=0)
        flow = flow / length(flow).clamp_min(0.1)
        along = flow * (p * flow).sum(dim=0)
        lock, hair, fleck = (
            noise_3d((p - along * 0.72) * 26 + off),
            noise_3d((p - along * 0.88) * 110),
            noise_3d(p * 9 + off),
        )
        down = noise_3d((p - along * 0.9) * 260)
        grey = colour.mean(dim=0)
        tone = 1 + (1 - 0.75 * grey) * (
            0.16 * lock[0] + 0.50 * hair[0] * fine(110) + 0.40 * down[0] * fine(260) + 0.20 * fleck[0] + 0.10 * swirl[1]
        )
        above, below = smooth(n[1], 0.1, 0.95), smooth(-n[1], -0.1, 0.8)
        worn = mix(colour, 0.7 * colour + 0.3 * grey + 0.05, 0.6 * below + 0.25 * (fleck[1] + 0.3).clamp_min(0))
        return (
            worn * (1 - 0.25 * above) * tone.clamp(0.22, 2.0),
            0.2 * lock + 0.7 * hair * fine(110) + 0.3 * down * fine(260),
            flat,
        )
    if kind == "wood":
        warp = octaves_3d(p * 2.5 + off, 2)
        # Growth rings about the x axis, along which boards are longest; end grain differs.
        ring = noise_3d(torch.stack([p[0] * 5, p[1] * 30, p[2] * 30]) + warp * 1.5)[0]
        ring = torch.where(n[0].abs() > 0.8, noise_3d(p * 16 + warp)[0], ring)
        pore = noise_3d(torch.stack([p[0] * 12, p[1] * 95, p[2] * 95]))[0] * fine(95)
        return (
            colour * (1 + 0.30 * ring + 0.14 * pore + 0.12 * warp[1]).clamp(0.4, 1.5),
            torch.stack([flat, ring, pore]),
            0.15 * ring,
        )
    if kind == "fabric":
        k = 210.0
        weave = ((p[0] * k).sin() * (p[1] * k).sin() + (p[2] * k).sin() * (p[1] * k).cos()) * 0.7 * fine(k / 3)
        fold = octaves_3d(p * 7 + off, 2)
        lint = noise_3d(p * 60)
        return colour * (1 + 0.16 * weave + 0.10 * fold[0] + 0.05 * lint[0]), lint * 0.25 + 0.6 * fold, flat
    if kind == "stone":
        rough, pit = octaves_3d(p * 9 + off, 4), noise_3d(p * 70)
        return colour * (1 + 0.34 * rough[0] + 0.22 * pit[0] * fine(70)), rough * 0.7 + 0.5 * pit * fine(70), flat
    if kind == "leaf":
        tone, vein = octaves_3d(p * 8 + off, 3), noise_3d(p * 34)
        tint = torch.stack([1 + 0.30 * tone[1], 1 + 0.12 * tone[1], 1 - 0.1 * tone[1]])
        return colour * tint * (1 + 0.32 * tone[0] + 0.16 * vein[0]), tone + 0.5 * vein, 0.1 * vein[1]
    if kind == "skin":
        tone, pore = octaves_3d(p * 10 + off, 3), noise_3d(p * 55)
        return colour * (1 + 0.16 * tone[0] + 0.10 * pore[0] * fine(55)), tone + pore * fine(55), 0.12 * tone[1]
    if kind == "scales":
        d, own = worley_noise(torch.stack([p[0] * 22, p[1] * 30, p[2] * 30]))
        tone = 1 + (0.30 * (own - 0.5) + 0.30 * (0.45 - d)) * fine(30)
        return colour * tone, torch.stack([d - 0.4, own - 0.5, 0.4 - d]) * fine(30), 0.15 * (own - 0.5)
    if kind == "metal":
        smear, brush = octaves_3d(p * 6 + off, 3), noise_3d(torch.stack([p[0] * 8, p[1] * 90, p[2] * 8]))
        return colour * (1 + 0.08 * smear[0]), smear + brush * fine(90), 0.18 * smear[1] + 0.05
    if kind == "matte":
        tone, dust = octaves_3d(p * 6 + off, 3), noise_3d(p * 60)
        return colour * (1 + 0.12 * tone[0] + 0.08 * dust[0] * fine(60)), tone + dust, flat
    smudge = octaves_3d(p * 5 + off, 2)
    return colour * (1 + 0.05 * smudge[0]), smudge, 0.06 * smudge[1]
