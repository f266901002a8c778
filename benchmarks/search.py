"""Searching 3,000, 100,000 and a million vectors with each kind of index, beside a bare call of FAISS.

    python -m benchmarks.search [3000|100000|1000000 ...]     (a million takes some twenty minutes on two cores)

The vectors are the shipped gallery's own, spread: each is a real one plus half the difference of two other real ones,
so that they keep their directions; codes have one bit in ten flipped. The queries are captions. Every figure comes from
a fresh process with one thread; parts that were not run again are kept.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.report import RESULTS, write
from xmr import checkpoint
from xmr.gallery import Gallery
from xmr.modality import Modality, Query, Term
from xmr.search import Searcher
from xmr.system import System

SIZES = (3_000, 100_000, 1_000_000)
SYSTEMS = {"cosine": "tri", "hamming": "iaprtc12-hashing"}
KINDS = {"cosine": ("flat", "ivfpq", "hnsw"), "hamming": ("flat", "hnsw")}
QUERIES = 200
CHUNK = 20_000
ROOT = Path(__file__).resolve().parents[1]


def spread(real: np.ndarray, count: int, rng: np.random.Generator, codes: bool) -> np.ndarray:
    """(count, dim) vectors like the real ones; the first are the real ones themselves."""
    one, two, three = rng.integers(0, len(real), (3, count))
    if codes:
        return real[one] * np.where(rng.random((count, real.shape[1])) < 0.1, -1, 1)
    found = real[one] + 0.5 * (real[two] - real[three])
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def make(folder: Path, system: System, count: int) -> None:
    """A gallery of so many photos without pictures."""
    with Gallery.open("galleries/demo") as demo:
        _, real = demo.vectors(system, Modality.PHOTO)
    rng, colours = np.random.default_rng(0), ("red", "blue", "green", "grey")
    with Gallery.create(folder) as gallery:
        for start in range(0, count, CHUNK):
            many = min(CHUNK, count - start)
            rows = [[f"p{start + n}", json.dumps({"colour": colours[n % 4], "size": n % 100})] for n in range(many)]
            insert = "INSERT INTO items (id, facts) SELECT value ->> 0, value ->> 1 FROM json_each(?) ORDER BY key"
            with gallery.batch():
                gallery._db.run(insert, (json.dumps(rows),))
                vectors = spread(real, many, rng, system.space == "hamming") if count > len(real) else real[:many]
                gallery.put_vectors(system, Modality.PHOTO, [id for id, _ in rows], vectors)


def queries(system: System) -> np.ndarray:
    """(QUERIES, dim) vectors of captions of the shipped gallery."""
    with Gallery.open("galleries/demo") as demo:
        _, vectors = demo.vectors(system, Modality.TEXT)
    return vectors[np.random.default_rng(1).choice(len(vectors), QUERIES, replace=False)]


def memory() -> dict[str, int]:
    """MB of this process: what it holds itself, and pages of files that are mapped."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: round(int(told[key].split()[0]) / 1024) for name, key in (("own", "RssAnon"), ("mapped", "RssFile"))}


def p50(run, given) -> float:
    """Median of one call for each of `given`, in milliseconds."""
    times = []
    for one in given:
        start = time.perf_counter()
        run(one)
        times.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(times), 3)


def opened(folder: str, name: str, kind: str) -> dict:
    """Open a gallery in this process and search it with one thread."""
    import faiss

    faiss.omp_set_num_threads(1)
    system = checkpoint.load(name)
    asked = queries(system)
    before = memory()
    start = time.perf_counter()
    searcher = Searcher(system, Gallery.open(folder), kind)
    index = searcher._table(Modality.PHOTO).index
    open_s, at_open = time.perf_counter() - start, memory()
    terms = [Query((Term(Modality.TEXT, one),)) for one in asked]
    found = [[hit.score for hit in searcher.search(term, 10)] for term in terms]
    held = memory()
    bare = index.prepare()
    forms = [index._form(one[None]) for one in asked]
    settings = {}
    if kind == "ivfpq":  # FAISS's own refinement of as many candidates, which holds all vectors in memory
        inner = faiss.SearchParametersIVF(nprobe=int(min(index._effort, bare.nlist)))
        settings["params"] = faiss.IndexRefineSearchParameters(k_factor=24, base_index_params=inner)
        every = faiss.IndexFlatL2(bare.d)
        for start in range(0, len(index._rows), CHUNK):
            every.add(index._form(index._rows.take(slice(start, start + CHUNK))))
        bare = faiss.IndexRefine(bare, every)
    elif kind == "hnsw":
        settings["params"] = faiss.SearchParametersHNSW(efSearch=max(32, index._effort))
    rounds = []
    for _ in range(5):
        ours = p50(lambda term: searcher.search(term, 10), terms)
        alone = p50(lambda form: bare.search(form, 10, **settings), forms)
        filtered = p50(lambda term: searcher.search(term, 10, where={"colour": "red", "size": 8}), terms[:20])
        rounds.append((ours, alone, filtered))
    ours, alone, filtered = (min(column) for column in zip(*rounds, strict=True))
    return {
        "open_s": round(open_s, 2),
        "memory_mb": {"before": before, "open": at_open, "searched": held},
        "search_p50_ms": ours,
        "bare_faiss_p50_ms": alone,
        "on_top_ms": round(ours - alone, 3),
        "times_bare": round(ours / alone, 2),
        "filtered_to_one_in_100_p50_ms": filtered,
        "effort": None if kind == "flat" else index._effort,
        "found": found,
    }


def measure(count: int) -> dict:
    """Each kind in a space of floats and one of codes."""
    result: dict[str, dict] = {}
    for space, name in SYSTEMS.items():
        system = checkpoint.load(name)
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work) / "gallery"
            make(folder, system, count)
            size = sum(file.stat().st_size for file in (folder / "vectors").iterdir())
            exact: list[list[float]] = []
            for kind in KINDS[space]:
                told = os.environ | {"XDG_CACHE_HOME": str(Path(work) / "cache")}
                build = time.perf_counter()
                _fresh(folder, name, kind, told, "build")
                build = time.perf_counter() - build
                figures = _fresh(folder, name, kind, told, "open")
                found = figures.pop("found")
                exact = exact or found
                same = [
                    sum(score >= best[-1] - 1e-5 for score in some) / 10
                    for best, some in zip(exact, found, strict=True)
                ]
                kept = sum(file.stat().st_size for file in (Path(work) / "cache").rglob(f"*{kind}*.faiss"))
                result[f"{space} {kind}"] = {
                    "recall@10": round(statistics.mean(same), 4),
                    "build_s": round(build, 1),
                    "vectors_mb": round(size / 1e6, 1),
                    "index_mb": round(kept / 1e6, 1),
                    **figures,
                }
                print(space, kind, json.dumps(result[f"{space} {kind}"]), flush=True)
    return result


def _fresh(folder: Path, name: str, kind: str, told: dict, step: str) -> dict:
    command = [sys.executable, "-m", "benchmarks.search", step, str(folder), name, kind]
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def main(arguments: list[str]) -> None:
    if arguments[:1] in (["open"], ["build"]):
        step, folder, name, kind = arguments
        if step == "open":
            print(json.dumps(opened(folder, name, kind)))
        else:  # with all threads; what takes long is kept for the process that is measured
            Searcher(checkpoint.load(name), Gallery.open(folder), kind)._table(Modality.PHOTO)
            print("{}")
        return
    path = RESULTS / "search.json"
    held = json.loads(path.read_text())["photos"] if path.is_file() else {}
    for count in map(int, arguments or SIZES):
        held[str(count)] = measure(count)
        about = " ".join(__doc__.split("\n\n")[2].split())
        load = round(os.getloadavg()[0], 1)
        held = dict(sorted(held.items(), key=_size))
        told = {"about": about, "load_of_the_machine": load, "photos": held, "on_paper": on_paper(held)}
        write("search", told)


def on_paper(held: dict) -> dict:
    """What 10 million and a billion vectors would take, by the growth from 100,000 to a million: files by a straight
    line, times by the power of the number that goes through both."""
    if not {"100000", "1000000"} <= held.keys():
        return {}
    found: dict[str, dict] = {}
    for kind, large in held["1000000"].items():
        small = held["100000"][kind]
        for count in (10_000_000, 1_000_000_000):
            figures = {}
            for name in ("vectors_mb", "index_mb"):
                each = (large[name] - small[name]) / 900_000
                figures[name] = round(large[name] + each * (count - 1_000_000))
            for name in ("search_p50_ms", "build_s"):
                power = max(0.0, np.log10(large[name] / small[name]))
                figures[name] = round(large[name] * (count / 1_000_000) ** power, 1)
            found.setdefault(str(count), {})[kind] = figures
    return found


def _size(part: tuple[str, dict]) -> int:
    return int(part[0])


if __name__ == "__main__":
    main(sys.argv[1:])
