"""Searching among a million photos by the first 16, 32 and 48 bits of a hashing system's codes, beside all 64.

    python -m benchmarks.codes [1000000]

The codes and the queries are made as for benchmarks.search. All lengths are searched in one process with one thread, by
turns; a ratio, to the search by whole codes, is the median of those of five rounds. What each length finds is in the
system's study.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before FAISS is loaded

from benchmarks.report import write
from benchmarks.search import ROUNDS, make, p50, queries
from xmr import checkpoint
from xmr.gallery import Gallery
from xmr.modality import Modality, Query, Term
from xmr.search import Searcher

SYSTEM = "iaprtc12-hashing"


def measure(folder: Path, count: int) -> dict[str, dict]:
    """By the number of bits: a query's time, in parts of that by whole codes, and the size of the index."""
    whole = checkpoint.load(SYSTEM)
    make(folder, whole, count)
    asked, _ = queries(whole)
    lengths = {bits: whole.shortened(bits) for bits in whole.codes}
    with Gallery.open(folder) as gallery:
        searchers = {bits: Searcher(system, gallery, "flat") for bits, system in lengths.items()}
        terms = {bits: [Query((Term(Modality.TEXT, one[:bits]),)) for one in asked] for bits in lengths}

        def once(bits: int) -> float:
            return p50(lambda query: searchers[bits].search(query, 10), terms[bits])

        for bits in lengths:
            once(bits)  # builds its index, and looks photos up
        sizes = {bits: _size(searchers[bits]) for bits in lengths}
        rounds = [{bits: once(bits) for bits in lengths} for _ in range(ROUNDS)]
    return {
        str(bits): {
            "search_p50_ms": round(statistics.median(one[bits] for one in rounds), 3),
            "times_whole": round(statistics.median(one[bits] / one[whole.dim] for one in rounds), 3),
            "index_mb": round(sizes[bits] / 1e6, 1),
        }
        for bits in lengths
    }


def _size(searcher: Searcher) -> int:
    """Of FAISS's index, in bytes."""
    index = searcher._table(Modality.PHOTO).index.prepare()
    return index.ntotal * index.code_size


def main(arguments: list[str]) -> None:
    (count,) = map(int, arguments or ["1000000"])
    with tempfile.TemporaryDirectory() as work:
        found = measure(Path(work) / "gallery", count)
    about = " ".join(__doc__.split("\n\n")[2].split())
    write("codes", {"about": about, "system": SYSTEM, "photos": count, "bits": found})


if __name__ == "__main__":
    main(sys.argv[1:])
