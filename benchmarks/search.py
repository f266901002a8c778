"""Searching 3,000, 100,000 and a million vectors with each kind of index, beside a bare call of FAISS.

    python -m benchmarks.search [3000|100000|1000000 ...]     (a million takes some twenty minutes on two cores)

The vectors are the shipped gallery's own, spread: each is a real one plus half the difference of two other real ones,
so that they keep their directions; codes have one bit in ten flipped. The queries are captions. "first" is the time of
a query that a new Searcher answers for the first time, whose photos it has to look up; "search" the same queries again.
A random selection is one colour in four, given by turns; a correlated one leaves out the categories that are asked for.
Every figure comes from a fresh process with one thread; a ratio is the median of those of five rounds. Parts that were
not run again are kept.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import RESULTS, write
from xmr import checkpoint
from xmr.gallery import Gallery
from xmr.index.faiss import FaissIndex
from xmr.modality import Modality, Query, Term
from xmr.search import Searcher
from xmr.system import System

SIZES = (3_000, 100_000, 1_000_000)
SYSTEMS = {"cosine": "tri", "hamming": "iaprtc12-hashing"}
KINDS = {"cosine": ("flat", "ivfpq", "hnsw"), "hamming": ("flat", "hnsw")}
QUERIES = 200
FILTERED = 50  # queries with a selection, at most
ROUNDS = 5
COLOURS = ("red", "blue", "green", "grey")
CHUNK = 20_000
ROOT = Path(__file__).resolve().parents[1]


def spread(real: np.ndarray, count: int, rng: np.random.Generator, codes: bool) -> tuple[np.ndarray, np.ndarray]:
    """(count, dim) vectors that lie about the real ones, none of which is among them, and the (count,) position of the
    real one that each was made from."""
    one, two, three = rng.integers(0, len(real), (3, count))
    if codes:
        return real[one] * np.where(rng.random((count, real.shape[1])) < 0.1, -1, 1), one
    found = real[one] + 0.5 * (real[two] - real[three])
    return found / np.linalg.norm(found, axis=1, keepdims=True), one


def make(folder: Path, system: System, count: int) -> None:
    """A gallery of so many photos without pictures."""
    with Gallery.open("galleries/demo") as demo:
        ids, real = demo.vectors(system, Modality.PHOTO)
        categories = [demo.get(id).facts["category"] for id in ids]
    rng = np.random.default_rng(0)
    with Gallery.create(folder) as gallery:
        for start in range(0, count, CHUNK):
            many = min(CHUNK, count - start)
            if count > len(real):
                vectors, one = spread(real, many, rng, system.space == "hamming")
            else:
                vectors, one = real[:many], np.arange(many)
            told = [
                {"colour": COLOURS[n % len(COLOURS)], "size": n % 100, "category": categories[one[n]]}
                for n in range(many)
            ]
            rows = [[f"p{start + n}", json.dumps(facts)] for n, facts in enumerate(told)]
            insert = "INSERT INTO items (id, facts) SELECT value ->> 0, value ->> 1 FROM json_each(?) ORDER BY key"
            with gallery.batch():
                gallery._db.run(insert, (json.dumps(rows),))
                gallery.put_vectors(system, Modality.PHOTO, [id for id, _ in rows], vectors)


def queries(system: System) -> tuple[np.ndarray, list[str]]:
    """(QUERIES, dim) vectors of captions of the shipped gallery, and the category of a photo of each."""
    with Gallery.open("galleries/demo") as demo:
        ids, vectors = demo.vectors(system, Modality.TEXT)
        chosen = np.random.default_rng(1).choice(len(vectors), QUERIES, replace=False)
        texts = demo.find_texts([ids[n] for n in chosen])
    return vectors[chosen], [min(texts[ids[n]].labels) for n in chosen]


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
    """Open a gallery in this process and search it with one thread. "found" has the scores of the answers, of each
    search that is held against the exact one."""
    system = checkpoint.load(name)
    asked, wanted = queries(system)
    before = memory()
    start = time.perf_counter()
    searcher = Searcher(system, Gallery.open(folder), kind)
    index = searcher._table(Modality.PHOTO).index
    open_s, at_open = time.perf_counter() - start, memory()
    terms = [Query((Term(Modality.TEXT, one),)) for one in asked]
    first = p50(lambda term: searcher.search(term, 10), terms)
    held = memory()
    found = {"all": [[hit.score for hit in searcher.search(term, 10)] for term in terms]}
    bare, settings = bare_faiss(index)
    forms = [index._form(one[None]) for one in asked]
    rounds = []
    for _ in range(ROUNDS):
        ours = p50(lambda term: searcher.search(term, 10), terms)
        rounds.append((ours, p50(lambda form: bare.search(form, 10, **settings), forms)))
    found["bare"] = []
    for one, form in zip(asked, forms, strict=True):
        _, positions = bare.search(form, 10, **settings)
        found["bare"].append(sorted(index._scores(one[None], positions[0])[0].tolist(), reverse=True))
    left_out = sorted(set(wanted))[: len(set(wanted)) // 2]
    rest = sorted(set(searcher.facets()["category"]) - set(left_out))
    those = [n for n, category in enumerate(wanted) if category in left_out]
    selections = {
        "one_in_4": (terms, {"colour": "red"}),
        "one_in_100": (terms, {"colour": "red", "size": 8}),
        "correlated": ([terms[n] for n in those], {"category": rest}),
    }
    times = {}
    for selection, (some, where) in selections.items():
        some = some[:FILTERED]
        found[selection] = [[hit.score for hit in searcher.search(term, 10, where=where)] for term in some]
        times[f"{selection}_p50_ms"] = p50(lambda term, where=where: searcher.search(term, 10, where=where), some)
    return {
        "open_s": round(open_s, 2),
        "memory_mb": {"before": before, "open": at_open, "searched": held},
        "first_p50_ms": first,
        "search_p50_ms": round(statistics.median(ours for ours, _ in rounds), 3),
        "bare_faiss_p50_ms": round(statistics.median(alone for _, alone in rounds), 3),
        "on_top_ms": round(statistics.median(ours - alone for ours, alone in rounds), 3),
        "times_bare": round(statistics.median(ours / alone for ours, alone in rounds), 2),
        **times,
        "effort": None if kind == "flat" else index._effort,
        "found": found,
    }


def bare_faiss(index: FaissIndex) -> tuple[Any, dict]:
    """FAISS's own index for the same search, and the settings of a call. Inverted lists have FAISS's refinement of as
    many candidates, which holds all vectors in memory; a graph has none, and its ten answers are taken as they come."""
    import faiss

    bare = index.prepare()
    if index.kind == "hnsw" and bare is not None:
        return bare, {"params": faiss.SearchParametersHNSW(efSearch=max(32, index._effort))}
    if index.kind == "ivfpq" and bare is not None:
        inner = faiss.SearchParametersIVF(nprobe=int(min(index._effort, bare.nlist)))
        every = faiss.IndexFlatL2(bare.d)
        for start in range(0, len(index._rows), CHUNK):
            every.add(index._form(index._rows.take(slice(start, start + CHUNK))))
        settings = {"params": faiss.IndexRefineSearchParameters(k_factor=24, base_index_params=inner)}
        return faiss.IndexRefine(bare, every), settings
    return bare, {}


def measure(count: int) -> dict:
    """Each kind in a space of floats and one of codes."""
    result: dict[str, dict] = {}
    for space, name in SYSTEMS.items():
        system = checkpoint.load(name)
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work) / "gallery"
            make(folder, system, count)
            size = sum(file.stat().st_size for file in (folder / "vectors").iterdir())
            exact: dict[str, list[list[float]]] = {}
            for kind in KINDS[space]:
                told = os.environ | {"XDG_CACHE_HOME": str(Path(work) / "cache")}
                built = _fresh(folder, name, kind, told, "build")
                figures = _fresh(folder, name, kind, told | {"OMP_NUM_THREADS": "1"}, "open")
                found = figures.pop("found")
                exact = exact or found
                kept = sum(file.stat().st_size for file in (Path(work) / "cache").rglob(f"*{kind}*.faiss"))
                result[f"{space} {kind}"] = {
                    "recall@10": {
                        name: recall(exact["all" if name == "bare" else name], found[name]) for name in found
                    },
                    **built,
                    "vectors_mb": round(size / 1e6, 1),
                    "index_mb": round(kept / 1e6, 1),
                    **figures,
                }
                print(space, kind, json.dumps(result[f"{space} {kind}"]), flush=True)
    return result


def recall(exact: list[list[float]], found: list[list[float]]) -> float:
    """The share of the exact answers' number that is as good as the last of them."""
    good = sum(score >= best[-1] - 1e-5 for best, some in zip(exact, found, strict=True) for score in some)
    return round(good / sum(map(len, exact)), 4)


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
            index = Searcher(checkpoint.load(name), Gallery.open(folder), kind)._open_index(Modality.PHOTO)
            start = time.perf_counter()
            index.prepare()
            print(json.dumps({"build_s": round(time.perf_counter() - start, 1)}))
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
    """What 10 million and a billion vectors would take. It is extrapolated from two points, 100,000 and a million, and
    nothing of it was measured: files by a straight line, times by the power of the number that goes through both, and
    building at least in proportion to the number, since small galleries only train."""
    if not {"100000", "1000000"} <= held.keys():
        return {}
    found: dict[str, Any] = {"about": " ".join((on_paper.__doc__ or "").split())}
    for kind, large in held["1000000"].items():
        small = held["100000"][kind]
        for count in (10_000_000, 1_000_000_000):
            figures = {}
            for name in ("vectors_mb", "index_mb"):
                each = (large[name] - small[name]) / 900_000
                figures[name] = round(large[name] + each * (count - 1_000_000))
            for name, least in (("search_p50_ms", 0.0), ("build_s", 1.0)):
                power = max(least, np.log10(large[name] / max(small[name], 0.05)))  # 0.0 s is less than 0.05
                figures[name] = round(large[name] * (count / 1_000_000) ** power, 1)
            found.setdefault(str(count), {})[kind] = figures
    return found


def _size(part: tuple[str, dict]) -> int:
    return int(part[0])


if __name__ == "__main__":
    main(sys.argv[1:])
