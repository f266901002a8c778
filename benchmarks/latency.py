"""How long one warm query takes, encode and search together, beside the bare network that it cannot beat.

    python -m benchmarks.latency
"""

import statistics
import time

import numpy as np
from PIL import Image

from benchmarks.report import write
from xmr.checkpoint import available, load
from xmr.gallery import Gallery
from xmr.modality import Modality, Query, Term
from xmr.search import Searcher

ROUNDS = 100


def median_ms(run, rounds: int = ROUNDS) -> float:
    """Median of `rounds` runs, in milliseconds, after ten to warm up."""
    for _ in range(10):
        run()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(times), 2)


def main() -> None:
    gallery = Gallery.open("galleries/demo")
    picture = Image.open(gallery.thumb(next(iter(gallery)).id)).convert("RGB").resize((1024, 768))
    drawing = next(iter(gallery.examples().values()))
    contents = {Modality.TEXT: "a red car on the beach", Modality.SKETCH: drawing, Modality.PHOTO: picture}
    systems: dict[str, dict] = {}
    for name in available():
        searcher = Searcher(load(name), gallery)
        for modality, encoder in searcher.system.encoders.items():
            query, ready = Query((Term(modality, contents[modality]),)), encoder.prepare([contents[modality]])
            whole = median_ms(lambda searcher=searcher, query=query: searcher.search(query, k=10))
            floor = median_ms(lambda encoder=encoder, ready=ready: encoder.run(ready))
            told = {"query_ms": whole, "network_alone_ms": floor, "ratio": round(whole / floor, 2)}
            systems.setdefault(name, {})[modality] = told
    vectors = np.random.default_rng(0).standard_normal((len(gallery), load("tri").dim)).astype(np.float32)
    one = vectors[:1].T.copy()
    write("latency", {"about": "One warm query, from the decoded input to ten hits, by system and modality; the median "
                               f"of {ROUNDS}.", "photos": len(gallery), "systems": systems,
                      "matrix_product_over_the_gallery_ms": median_ms(lambda: vectors @ one)})


if __name__ == "__main__":
    main()
