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


def read_all(paths: list[Path], system: System, workers: int) -> list[Outcome]:
    with ThreadPoolExecutor(workers) as pool:
        work = [Work(path, (system.name,), None, path.name) for path in paths]
        return list(pool.map(partial(read_photo, systems={system.name: system}), work))


def encode_all(outcomes: list[Outcome], system: System) -> list[indexing.Encoded]:
    found = []
    for start in range(0, len(outcomes), 32):
        batch = outcomes[start : start + 32]
        inputs = np.concatenate([outcome.inputs[system.name] for outcome in batch])
        vectors = system.encode_prepared(Modality.PHOTO, inputs)
        found.append((batch, {system.name: (list(range(len(batch))), vectors)}))
    return found


def commit_all(batches: list[indexing.Encoded], system: System, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with indexing.Gallery.create(folder) as gallery:
        for batch in batches:
            indexing._commit(gallery, {system.name: system}, batch)


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
    """Photos a second of the pipeline where each worker has a core of its own, and the network two: reading and
    encoding only sleep for as long as they took, seconds a photo."""

    def slow_read(work: Work, systems: object) -> Outcome:
        time.sleep(read)
        return Outcome(work)

    def slow_encode(batch: list, systems: object) -> indexing.Encoded:
        outcomes = [one.result() for one in batch]
        time.sleep(encode * len(outcomes))
        return outcomes, {}

    work = [Work(Path("none"), ())] * max(256, int(4 / max(read / workers, encode)))
    with patch.object(indexing, "read_photo", slow_read), patch.object(indexing, "_encode", slow_encode):
        seconds, _ = timed(lambda: list(indexing._encoded(work, {}, workers)))
    return len(work) / seconds


def measure(folder: Path, system: System, size: tuple[int, int], count: int) -> dict:
    paths = make(folder / "photos", size, count)
    outcomes = read_all(paths, system, CORES)
    batches, clip_run = encode_all(outcomes, system), clip()
    clip_run(paths[:2])
    runs: dict[str, Callable[[], object]] = {
        **{f"read, {n} workers": partial(read_all, paths, system, n) for n in range(1, CORES + 1)},
        "encode": partial(encode_all, outcomes, system),
        "write": partial(commit_all, batches, system, folder / "written"),
        **{f"index, {n} workers": partial(index_all, folder / "photos", system, n) for n in range(1, CORES + 1)},
        "clip": partial(clip_run, paths),
    }
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            rounds[name].append(timed(run))
    best = {name: min(found) for name, found in rounds.items()}
    rate = {name: round(count / seconds, 1) for name, (seconds, _) in best.items()}
    core_ms = {name: round(1000 * cpu / count, 1) for name, (_, cpu) in best.items()}
    workers = {}
    for n in range(1, CORES + 1):
        alone = {stage: rate[stage] for stage in (f"read, {n} workers", "encode", "write")}
        slowest = min(alone, key=alone.__getitem__)
        work = core_ms[f"read, {n} workers"] + core_ms["encode"] + core_ms["write"]
        index = rate[f"index, {n} workers"]
        workers[n] = {
            "stages_alone": alone,
            "slowest_stage": slowest,
            "pipeline": index,
            "of_slowest_stage": round(index / alone[slowest], 3),
            "cores_allow": round(1000 * CORES / work, 1),
            "of_what_the_cores_allow": round(index * work / 1000 / CORES, 3),
        }
    index = max(one["pipeline"] for one in workers.values())
    read, encode = best["read, 1 workers"][0] / count, best["encode"][0] / count
    return {
        "photos": count,
        "bytes_of_a_photo": sum(path.stat().st_size for path in paths) // count,
        "core_ms_a_photo": core_ms,
        "by_workers": workers,
        "clip_vit_b_32": rate["clip"],
        "times_clip": round(index / rate["clip"], 2),
        "simulated_workers": {n: round(simulated(read, encode, n), 1) for n in MANY},
    }


def main() -> None:
    system = checkpoint.load("tri")
    found = {}
    for name, (size, count) in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = measure(Path(folder), system, size, count)
    about = (
        f"Photos a second, the best of {ROUNDS} rounds in turns, encoded by {system.name}. A stage alone has all cores "
        "to itself; the pipeline shares them among its stages, so cores_allow is what it could reach at most. "
        "core_ms_a_photo is processor time. In simulated_workers each worker has a core, and the network its own."
    )
    write("indexing", {"about": about, "load_of_the_machine": round(os.getloadavg()[0], 1), "sets": found})


if __name__ == "__main__":
    main()
