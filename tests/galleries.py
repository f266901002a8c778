"""Folders of photos that are made, changed and indexed, and what must be so of their galleries; also for benchmarks."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from xmr.gallery import Gallery
from xmr.modality import BadInput, Modality
from xmr.system import System


def make_photos(folder: Path, count: int, seed: int = 0, size: int = 64) -> None:
    """`count` different PNG photos in three folders."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        path = folder / ("", "a", "a/b")[number % 3] / f"{seed}-{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (size // 8, size // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        Image.fromarray(pixels).save(path)


def change_photos(folder: Path) -> None:
    """Of a folder's photos, delete some, move some, change some and copy some; add some, and a file that is none."""
    files = sorted(folder.rglob("*.png"))
    for number, file in enumerate(files):
        match number % 7:
            case 0:
                file.unlink()
            case 1:
                (folder / "moved").mkdir(exist_ok=True)
                file.rename(folder / "moved" / f"m-{file.name}")
            case 2:
                Image.open(file).rotate(90).save(file)
            case 3:
                shutil.copy(file, file.with_name(f"c-{file.name}"))
    make_photos(folder, len(files) // 5, seed=len(files) + 1)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")


def broken_items(gallery: Gallery, systems: Sequence[System]) -> list[str]:
    """What is not whole: photos without a thumbnail, vectors without a photo. Of a photo that is there, the vectors of
    all systems are, if they were encoded together."""
    broken = []
    ids = {item.id for item in gallery}
    for id in ids:
        try:
            gallery.thumbnail(id)
        except BadInput as error:
            broken.append(str(error))
    for system in systems:
        if system.name in gallery.systems():
            found, vectors = gallery.vectors(system, Modality.PHOTO)
            broken += [f"{id} has a vector of {system.name}, but is not there" for id in set(found) - ids]
            broken += [] if np.isfinite(vectors).all() else [f"{system.name} has vectors that are no numbers"]
    return broken


def state_of(folder: Path, systems: Sequence[System]) -> dict[str, tuple]:
    """All that counts of a folder's gallery, by file: content, thumbnail, and each system's vector."""
    with Gallery.open(folder) as gallery:
        vectors = {}
        for system in systems:
            ids, found = gallery.vectors(system, Modality.PHOTO)
            vectors[system.name] = dict(zip(ids, found.round(4).tolist(), strict=True))
        contents = gallery.originals()
        return {
            file: (content, gallery.thumbnail(id), *(vectors[system.name].get(id) for system in systems))
            for file, (id, _, content) in contents.items()
        }


def orphans(folder: Path) -> list[str]:
    """Files of a folder's gallery that nothing names."""
    with Gallery.open(folder) as gallery:
        named = {f"{item.id}.webp" for item in gallery} | {"gallery.sqlite"}
        named |= {file for (file,) in gallery._db.rows("SELECT file FROM vectors")}
        return sorted(path.name for path in gallery.path.rglob("*") if path.is_file() and path.name not in named)
