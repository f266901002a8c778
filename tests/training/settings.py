"""Settings with which the two sketch systems train in seconds on five classes of Sketchy."""

from pathlib import Path

SEEN, UNSEEN = ("ant", "apple", "bear"), ("bat", "cow")
SMALL = [
    "backbone=tiny",
    "photo_cut=0",
    "hidden=8",
    "sketch_size=40",
    "query_size=48",
    "batch=6",
    "world=0",
    "precision=32-true",
    "stages.0.steps=4",
    "stages.0.every=2",
]


def dann(pictures: Path, *overrides: str) -> list[str]:
    return [f"folder={pictures}", "dim=8", "head_init=random", "reversal.hidden=4", *SMALL, *overrides]


def gan(pictures: Path, *overrides: str) -> list[str]:
    return [
        f"folder={pictures}",
        "data=sketchy",
        "protocols=[sketchy25-heldout]",
        "sizes=[40, 48]",
        "outlines=0",
        "code=8",
        "generator=8",
        "discriminator=8",
        *(one for one in SMALL if not one.startswith("hidden")),
        *overrides,
    ]
