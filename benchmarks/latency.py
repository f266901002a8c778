"""How long one warm query takes, encode and search together, beside the bare network that it cannot beat.

    python -m benchmarks.latency
"""

import statistics
import time

import numpy as np
from PIL import Image

from benchmarks.report import write
from xmr.checkpoint import load
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
    searcher = Searcher(load("tri"), Gallery.open("galleries/demo"))
    gallery = searcher.gallery
    picture = Image.open(gallery.thumb(next(iter(gallery)).id)).convert("RGB").resize((1024, 768))
    drawing = next(iter(gallery.examples().values()))
    contents = {Modality.TEXT: "a red car on the beach", Modality.SKETCH: drawing, Modality.PHOTO: picture}
    figures = {}
    for modality, content in contents.items():
        query = Query((Term(modality, content),))
        encoder = searcher.system.encoder(modality)
        ready = encoder.prepare([content])
        whole = median_ms(lambda query=query: searcher.search(query, k=10))
        floor = median_ms(lambda encoder=encoder, ready=ready: encoder.run(ready))
        figures[modality] = {"query_ms": whole, "network_alone_ms": floor, "ratio": round(whole / floor, 2)}
    vectors = np.random.default_rng(0).standard_normal((len(gallery), searcher.system.dim)).astype(np.float32)
    one = vectors[:1].T.copy()
    write("latency", {"about": "One warm query of `tri`, from the decoded input to ten hits; the median of "
                               f"{ROUNDS}.", "photos": len(gallery), "queries": figures,
                      "matrix_product_over_the_gallery_ms": median_ms(lambda: vectors @ one)})


if __name__ == "__main__":
    main()
