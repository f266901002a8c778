"""The time to render a photo and its two drawings, at 160 px on two cores, and the share of the drawings.

python -m benchmarks.render [IMAGES [cuda]]     with a GPU, all cores
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.report import write
from training.world import command
from training.world.families import families

SIZE, CORES = 160, 2  # px, processes on a CPU
BARS = {"cpu": 0.6, "cuda": 1 / 50}  # target, in seconds per photo


def jobs(count: int, device: str) -> list[command.Job]:
    """Jobs for `count` images of the train split, spread over the classes."""
    names = list(families())
    picked = [names[i] for i in np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int)]
    return [command.Job("train", picked[n % len(picked)], n // len(picked), 0, 0, SIZE, device) for n in range(count)]


def timed(job: command.Job, out: Path) -> tuple[float, float, bool]:
    """CPU seconds of the whole image and of its drawings, and whether it shows several things."""
    drawing, inner = [0.0], command._drawings

    def watched(shot: command.RenderedView) -> list[dict]:
        start = time.process_time()
        try:
            return inner(shot)
        finally:
            drawing[0] += time.process_time() - start

    command._drawings = watched
    try:
        start = time.process_time()
        row = command.make(job, out)
        return time.process_time() - start, drawing[0], "objects" in row
    finally:
        command._drawings = inner


def warm_up() -> None:
    """Initialise a worker process."""
    command.use_one_thread()
    families()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    device = sys.argv[2] if len(sys.argv) > 2 else "cpu"
    workers, load = CORES if device == "cpu" else os.cpu_count(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        (out / "train" / "photos").mkdir(parents=True)
        with ProcessPoolExecutor(workers, get_context("spawn"), initializer=warm_up) as pool:
            list(pool.map(timed, jobs(2 * workers, device), [out] * 2 * workers))  # imports and first calls
            start = time.perf_counter()
            found = list(pool.map(timed, jobs(count, device), [out] * count))
            wall = (time.perf_counter() - start) / count

    def seconds(pick: Callable[[tuple], bool], part: int = 0) -> float:
        return round(float(np.mean([f[part] for f in found if pick(f)] or [np.nan])), 3)

    write(
        "render" if device == "cpu" else f"render-{device}",
        {
            "about": f"A photo, its two drawings and its captions at {SIZE} px, {workers} one-thread processes.",
            "device": device,
            "photos": count,
            "load_average_before": round(load, 1),
            "wall_s_a_photo": round(wall, 4),
            "bar_s": BARS[device],
            "processor_s_a_photo": seconds(lambda f: True),
            "of_which_drawings": seconds(lambda f: True, 1),
            "processor_s_one_thing": seconds(lambda f: not f[2]),
            "processor_s_several_things": seconds(lambda f: f[2]),
            "several_things": round(float(np.mean([f[2] for f in found])), 2),
        },
    )


if __name__ == "__main__":
    main()
