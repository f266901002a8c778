"""Photos a second of indexing, beside each of its stages alone and CLIP ViT-B/32 in torch on the same files.

    python -m benchmarks.indexing        (some four minutes on two cores)

Both sides are measured in turns in one run, and the best round of each counts. The photos are made: noise of several
scales, as JPEGs of 12 megapixels and of 0.3.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from PIL import Image

from benchmarks.report import write
from xmr import checkpoint
from xmr.gallery import index_folder, indexing
from xmr.gallery.reading import Outcome, Work, read_photo
from xmr.modality import Modality
from xmr.preprocess import open_picture
from xmr.system import System

SETS = {"12 megapixels": ((4000, 3000), 48), "0.3 megapixels": ((640, 480), 256)}
ROUNDS = 3
MANY = (4, 8, 16, 32)
CORES = len(os.sched_getaffinity(0))


def make(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    """`count` JPEGs: four pictures, each cropped by another row and column a file."""
    folder.mkdir(parents=True)
    paths = []
    for number in range(count):
        if number % max(1, count // 4) == 0:
            picture = noise(size, number)
        cut = number % max(1, count // 4)
        paths.append(folder / f"{number:04}.jpg")
        picture.crop((cut, cut, *size)).save(paths[-1], quality=88)
    return paths


def noise(size: tuple[int, int], seed: int) -> Image.Image:
    """Noise whose strength falls with its frequency, as in photos."""
    rng, levels = np.random.default_rng(seed), np.full((size[1], size[0], 3), 128, np.float32)
    for cells, strength in ((3, 60), (12, 40), (60, 30), (300, 18), (1500, 8)):
        small = rng.normal(0, strength, (-(-cells * 3 // 4), cells, 3)).astype(np.float32)
        for channel in range(3):
            levels[..., channel] += np.asarray(Image.fromarray(small[..., channel]).resize(size, Image.BICUBIC))
    return Image.fromarray((levels + rng.normal(0, 3, levels.shape[:2])[..., None]).clip(0, 255).astype(np.uint8))


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of all cores, that a call takes."""
    start, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - start, time.process_time() - cpu


def read_all(paths: list[Path], workers: int) -> list[Outcome]:
    """Reading alone: content hash, metadata, decoding and thumbnail."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(partial(read_photo, systems={}), [Work(path, (), None, path.name) for path in paths]))


def encode_all(images: list[Image.Image], system: System, workers: int) -> list[np.ndarray]:
    """The network alone, with its preparation."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda image: system.encode(Modality.PHOTO, [image])[0], images))


def commit_all(outcomes: list[Outcome], system: System, folder: Path) -> None:
    """Writing alone."""
    shutil.rmtree(folder, ignore_errors=True)
    with indexing.Gallery.create(folder) as gallery:
        for start in range(0, len(outcomes), indexing.BATCH):
            indexing.commit(gallery, {system.name: system}, outcomes[start : start + indexing.BATCH])


def index_all(folder: Path, system: System, workers: int) -> None:
    shutil.rmtree(folder / ".xmr", ignore_errors=True)
    index_folder(folder, [system], workers=workers)


def clip() -> Callable[[list[Path]], object]:
    """CLIP ViT-B/32 in torch with random weights, and its own preprocessing, in batches of 32."""
    import open_clip
    import torch

    torch.set_num_threads(CORES)
    torch.manual_seed(0)
    model, _, preprocess = open_clip.create_model_and_transforms("ViT-B-32", pretrained=None)
    model.eval()

    def run(paths: list[Path]) -> None:
        with torch.inference_mode():
            for start in range(0, len(paths), 32):
                pictures = [preprocess(Image.open(path)) for path in paths[start : start + 32]]
                model.encode_image(torch.stack(pictures))

    return run


def simulated(read: float, encode: float, workers: int) -> float:
    """Photos a second of the pipeline where each worker has a core of its own: reading and encoding only sleep for as
    long as they took, seconds a photo."""

    def sleep(work: Work, systems: object) -> Outcome:
        time.sleep(read)
        time.sleep(encode)
        return Outcome(work)

    work = [Work(Path("none"), ())] * max(256, int(4 * workers / (read + encode)))
    with patch.object(indexing, "read_photo", sleep):
        seconds, _ = timed(lambda: list(indexing.read_and_encode(work, {}, workers)))
    return len(work) / seconds


def measure(folder: Path, system: System, size: tuple[int, int], count: int) -> dict:
    paths = make(folder / "photos", size, count)
    images = [open_picture(path, at_least=256) for path in paths]
    found, clip_run = read_all(paths, CORES), clip()
    outcomes = [
        replace(outcome, vectors={system.name: vector})
        for outcome, vector in zip(found, encode_all(images, system, CORES), strict=True)
    ]
    clip_run(paths[:2])
    runs: dict[str, Callable[[], object]] = {"write": partial(commit_all, outcomes, system, folder / "written")}
    for n in range(1, CORES + 1):
        runs |= {
            f"read, {n}": partial(read_all, paths, n),
            f"encode, {n}": partial(encode_all, images, system, n),
            f"index, {n}": partial(index_all, folder / "photos", system, n),
        }
    runs["clip"] = partial(clip_run, paths)
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            rounds[name].append(timed(run))
    best = {name: min(seconds for seconds, _ in found) for name, found in rounds.items()}
    core_ms = {name: round(1000 * min(cpu for _, cpu in found) / count, 1) for name, found in rounds.items()}
    rate = {name: round(count / seconds, 1) for name, seconds in best.items()}
    workers = {}
    for n in range(1, CORES + 1):
        alone = {"read": rate[f"read, {n}"], "encode": rate[f"encode, {n}"], "write": rate["write"]}
        work = core_ms[f"read, {n}"] + core_ms[f"encode, {n}"] + core_ms["write"]
        workers[n] = {
            "stages_alone": alone,
            "pipeline": rate[f"index, {n}"],
            "of_slowest_stage": round(rate[f"index, {n}"] / min(alone.values()), 3),
            "stages_core_ms": round(work, 1),
            "pipeline_core_ms": core_ms[f"index, {n}"],
            "work_that_is_not_a_stage": round(core_ms[f"index, {n}"] / work - 1, 3),
        }
    index = max(rate[f"index, {n}"] for n in workers)
    read, encode = (core_ms[f"{stage}, 1"] / 1000 for stage in ("read", "encode"))
    return {
        "photos": count,
        "bytes_of_a_photo": sum(path.stat().st_size for path in paths) // count,
        "by_workers": workers,
        "clip_vit_b_32": rate["clip"],
        "times_clip": round(index / rate["clip"], 2),
        "core_ms": {"clip": core_ms["clip"], "pipeline": min(core_ms[f"index, {n}"] for n in workers)},
        "times_clip_by_core_ms": round(core_ms["clip"] / min(core_ms[f"index, {n}"] for n in workers), 2),
        "simulated_workers": {n: _simulated(read, encode, n) for n in MANY},
    }


def _simulated(read: float, encode: float, workers: int) -> dict[str, float]:
    rate = simulated(read, encode, workers)
    return {"pipeline": round(rate, 1), "of_the_workers": round(rate * (read + encode) / workers, 3)}


def main() -> None:
    system = checkpoint.load("tri")
    found = {}
    for name, (size, count) in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = measure(Path(folder), system, size, count)
    about = (
        f"Photos a second, the best of {ROUNDS} rounds in turns, encoded by {system.name}. A stage alone has all cores "
        "to itself, but the pipeline shares them among its stages: two stages that each keep all cores busy can't both "
        "run at their full rate. core_ms is processor time a photo, which other programs on the machine hardly change; "
        "work_that_is_not_a_stage is what the pipeline adds. In simulated_workers, each worker has a core of its own."
    )
    write("indexing", {"about": about, "load_of_the_machine": round(os.getloadavg()[0], 1), "sets": found})


if __name__ == "__main__":
    main()
