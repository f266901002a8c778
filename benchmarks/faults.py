"""Fault injection: kills while indexing, many processes at one gallery, hostile inputs, and a run with nothing to do.

    python -m benchmarks.faults [kills|crowd|hostile|idle ...]     (all of them take some ten minutes on two cores)

Each part counts the attempts and those that were survived; results of other parts are kept.
"""

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from PIL import Image

from benchmarks.hostile import hostile
from benchmarks.report import RESULTS, write
from tests.conftest import write_checkpoint
from tests.galleries import broken_items, change_photos, make_photos, orphans, state_of
from xmr import checkpoint
from xmr.gallery import Gallery, index_folder
from xmr.index import KINDS
from xmr.index import faiss as faiss_index
from xmr.modality import BadInput, Modality, Query, Term
from xmr.search import Searcher
from xmr.system import System

ROOT = Path(__file__).resolve().parents[1]
KILLS = 100
CROWD_SECONDS = 60
IDLE_FILES = 10_000
RUN = """
import sys
from xmr import checkpoint
from xmr.gallery import Gallery, index_folder
from xmr.index import KINDS, faiss
from xmr.modality import Query, Term
from xmr.search import Searcher
faiss._FEW = 20  # so that the index is built, kept and loaded for as few photos as these
systems = [checkpoint.load(folder) for folder in sys.argv[2:]]
for system in systems:
    system.encoder("photo").session
print("begin", flush=True)
index_folder(sys.argv[1], systems)
with Gallery.open(sys.argv[1]) as gallery:
    for kind in KINDS:
        Searcher(systems[0], gallery, kind).search(text="red")
"""


def kills(work: Path, count: int = KILLS) -> dict:
    """Kill indexing at random moments: a first run, and a run after files were changed, moved and deleted, each with
    one system and with three.

    A kill is survived if the gallery opens and has complete photos only (or none yet), and every kind of index, whether
    it is built anew or was kept by a run that was killed, finds of each of ten photos that photo itself. A run that
    then completes must leave the same gallery as an undisturbed run, and no unused files.
    """
    rng, tried, survived, problems = random.Random(0), {}, {}, []
    faiss_index._FEW = 20
    os.environ["XDG_CACHE_HOME"] = str(work / "cache")
    for names in (("one",), ("one", "two", "three")):
        checkpoints = [work / "checkpoints" / name for name in names]
        systems = [checkpoint.load(path) for path in checkpoints]
        folder, calm = (work / f"{kind}-{len(names)}" for kind in ("killed", "calm"))
        for photos in (folder, calm):
            make_photos(photos, 90)
        for stage in ("first", "changed"):
            if stage == "changed":
                for photos in (folder, calm):
                    change_photos(photos)
            kind = f"{stage} run, {len(names)} system{'s' if len(names) > 1 else ''}"
            start = time.perf_counter()
            index_folder(calm, systems)
            length = time.perf_counter() - start
            tried[kind] = survived[kind] = 0
            while tried[kind] < count // 4:
                if tried[kind] % 5 == 0 and tried[kind]:  # everything is indexed by now: start again
                    shutil.rmtree(folder)
                    make_photos(folder, 90)
                    if stage == "changed":
                        index_folder(folder, systems)
                        change_photos(folder)
                process = subprocess.Popen(
                    [sys.executable, "-c", RUN, str(folder), *map(str, checkpoints)],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
                process.stdout.readline()
                time.sleep(rng.random() * length * 1.2)
                process.kill()
                if process.wait() != -signal.SIGKILL:
                    process.communicate()
                    continue  # it ended before the kill
                process.communicate()
                tried[kind] += 1
                try:
                    with Gallery.open(folder) as gallery:
                        broken = broken_items(gallery, systems) + _lost(gallery, systems[0])
                except BadInput as error:
                    broken = [] if "is not indexed yet" in str(error) else [str(error)]
                problems += broken
                survived[kind] += not broken
            index_folder(folder, systems)
            if state_of(folder, systems) != state_of(calm, systems) or orphans(folder):
                problems.append(f"{kind}: not what an undisturbed run leaves")
                survived[kind] = 0
    return {"tried": sum(tried.values()), "survived": sum(survived.values()), "by_kind": tried, "problems": problems}


def _lost(gallery: Gallery, system: System) -> list[str]:
    """Photos of a gallery that a kind of index does not find by their own vectors."""
    if system.name not in gallery.systems() or not len(gallery):
        return []
    ids, vectors = gallery.vectors(system, Modality.PHOTO)
    lost = []
    for kind in KINDS:
        searcher = Searcher(system, gallery, kind)
        for id, vector in list(zip(ids, vectors, strict=True))[:: max(1, len(ids) // 10)]:
            best, *_ = searcher.search(Query((Term(Modality.PHOTO, vector),)), 1)
            if best.score < 0.999:
                lost.append(f"{kind} does not find {id}")
    return lost


def crowd(work: Path, seconds: float = CROWD_SECONDS) -> dict:
    """Three processes change and index a folder while five search it.

    A turn is survived if there is no error, and for searches an answer. At the end the gallery must be the same as
    after indexing a copy of the folder.
    """
    folder = work / "crowd"
    make_photos(folder, 60)
    system = checkpoint.load(work / "checkpoints" / "one")
    index_folder(folder, [system])
    end, queue = time.time() + seconds, multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=target, args=(folder, work / "checkpoints" / "one", number, end, queue))
        for target, many in ((_write_turns, 3), (_read_turns, 5))
        for number in range(many)
    ]
    for worker in workers:
        worker.start()
    found = [queue.get(timeout=seconds + 120) for _ in workers]
    for worker in workers:
        worker.join()
    problems = [problem for _, problems in found for problem in problems]
    index_folder(folder, [system])
    shutil.copytree(folder, work / "afresh", ignore=shutil.ignore_patterns(".xmr"))
    index_folder(work / "afresh", [system])
    if state_of(folder, [system]) != state_of(work / "afresh", [system]) or orphans(folder):
        problems.append("not what indexing afresh leaves")
    turns = sum(turns for turns, _ in found)
    return {"tried": turns, "survived": turns - len(problems), "seconds": seconds, "problems": problems[:20]}


def _write_turns(folder: Path, path: Path, number: int, end: float, queue) -> None:
    system, turns, problems = checkpoint.load(path), 0, []
    mine = folder / f"writer-{number}"
    while time.time() < end:
        try:
            if turns % 2:
                shutil.rmtree(mine)
            else:
                make_photos(mine, 12, seed=100 * number + turns)
            index_folder(folder, [system])
        except Exception:
            problems.append(traceback.format_exc(limit=-2))
        turns += 1
    queue.put((turns, problems))


def _read_turns(folder: Path, path: Path, number: int, end: float, queue) -> None:
    turns, problems = 0, []
    with Gallery.open(folder) as gallery:
        searcher = Searcher(checkpoint.load(path), gallery)
        while time.time() < end:
            try:
                query = Query((Term(Modality.TEXT, ("red", "blaues", "green")[turns % 3]),))
                if len(searcher.search(query)) < 5:
                    problems.append("fewer than five answers")
            except Exception:
                problems.append(traceback.format_exc(limit=-2))
            turns += 1
    queue.put((turns, problems))


def idle(work: Path, count: int = IDLE_FILES) -> dict:
    """Measure the time of indexing a folder that is up to date."""
    folder, system = work / "idle", checkpoint.load(work / "checkpoints" / "one")
    folder.mkdir()
    for number in range(count):
        Image.new("RGB", (8, 8), (number % 256, number // 256, 0)).save(folder / f"{number:05}.png")
    index_folder(folder, [system])
    start = time.perf_counter()
    report = index_folder(folder, [system])
    seconds = time.perf_counter() - start
    return {"tried": 1, "survived": int(report.kept == count), "files": count, "seconds": round(seconds, 2)}


PARTS = {"kills": kills, "crowd": crowd, "hostile": hostile, "idle": idle}


def main(arguments: list[str]) -> None:
    held = json.loads((RESULTS / "faults.json").read_text())["parts"] if (RESULTS / "faults.json").is_file() else {}
    for part in arguments or PARTS:
        with tempfile.TemporaryDirectory() as work:
            for number, name in enumerate(("one", "two", "three")):
                write_checkpoint(Path(work) / "checkpoints" / name, tilt=number / 100)
            held[part] = PARTS[part](Path(work))
    write("faults", {"parts": {part: held[part] for part in PARTS if part in held}})


if __name__ == "__main__":
    main(sys.argv[1:])
