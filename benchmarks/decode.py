"""How many photos a second come off the disk as arrays for a tower, beside a bare Pillow loop that does the same.

    python -m benchmarks.decode [FOLDER of JPEGs]
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.report import machine, write
from training.datasets.decode import Pack, stream
from training.datasets.reading import STRICT, pictures_under
from xmr.modality import Item, Modality

SIZE, ROUNDS, BATCH = 224, 2, 32
WEB, CAMERAS = 1280, 800  # photos: enough for the start of the workers, about a second, not to be what is measured
CAMERA = 2048  # px, the longer side of the photos as a camera gives them


def bare(items: list[Item]) -> None:
    for item in items:
        with Image.open(item.content) as image:
            np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def consume(items: list[Item], **how) -> None:
    for _ in stream(items, SIZE, batch=BATCH, skips=STRICT, **how):  # a worker that dies is an error here
        pass


def again(items: list[Item], count: int) -> list[Item]:
    """The items over and over, to about `count`."""
    return items * max(1, count // len(items))


def per_second(count: int, run: Callable[[], None]) -> float:
    """Photos a second in the best of some rounds, the files warm in memory."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return round(count / best, 1)


def measure(items: list[Item], folder: Path) -> dict:
    pack, workers = folder / f"{len(items)}-{items[0].id}.pack", int(machine()["cores"])
    Pack.make(items, pack, SIZE)
    n = len(items)
    rates = {
        "bare_pillow_loop": per_second(n, lambda: bare(items)),
        "one_process": per_second(n, lambda: consume(items)),
        "workers": per_second(n, lambda: consume(items, workers=workers)),
        "packed_one_process": per_second(n, lambda: consume(items, pack=pack)),
        "packed_workers": per_second(n, lambda: consume(items, workers=workers, pack=pack)),
    }
    whole = sum(Path(item.content).stat().st_size for item in items)
    ratios = {name: round(rate / rates["bare_pillow_loop"], 2) for name, rate in rates.items() if name[0] != "b"}
    return {"photos": n, "worker_processes": workers, "photos_per_second": rates, "times_the_bare_loop": ratios,
            "kilobytes_a_photo": round(whole / n / 1000), "packed_kilobytes_a_photo":
            round(pack.stat().st_size / n / 1000)}  # fmt: skip


def main() -> None:
    load = os.getloadavg()[0]
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/coco_mini/train2017")
    found = pictures_under(source) if source.is_dir() else {}
    web = [Item(name, Modality.PHOTO, path) for name, path in found.items()]
    if not web:
        sys.exit(f"Expected JPEGs in {source}, but there are none. Name another folder.")
    web = again(web, WEB)
    with tempfile.TemporaryDirectory() as folder:
        camera = []
        for number, item in enumerate(web[:40]):
            path = Path(folder, f"{number}.jpg")
            with Image.open(item.content) as image:
                scale = CAMERA / max(image.size)
                image.convert("RGB").resize([round(s * scale) for s in image.size]).save(path, quality=90)
            camera.append(Item(f"{number}.jpg", Modality.PHOTO, path))
        camera = again(camera, CAMERAS)
        figures = {"web_640px": measure(web, Path(folder)), "camera_2048px": measure(camera, Path(folder))}
    write("decode", {"about": f"JPEG files to ({SIZE}, {SIZE}, 3) uint8; best of {ROUNDS} rounds, files in the page "
                              "cache, worker processes started anew in each round.",
                     "load_average_before": round(load, 1), **figures})  # fmt: skip


if __name__ == "__main__":
    main()
