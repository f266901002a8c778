"""The latency of one warm query (encoding and search), compared with that of the network alone.

python -m benchmarks.latency
"""

import io
import statistics
import time

import numpy as np
from PIL import Image

from benchmarks.report import write
from xmr.checkpoint import available, load
from xmr.gallery import Gallery
from xmr.modality import Drawing, Modality, Query, Term
from xmr.preprocess import open_sketch, read_drawing, sketch_input
from xmr.search import Searcher

ROUNDS = 100


def median_ms(run, rounds: int = ROUNDS) -> float:
    """Median time of `rounds` calls in milliseconds, after ten warm-up calls."""
    for _ in range(10):
        run()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(times), 2)


def page_photo(drawing: Drawing) -> bytes:
    """A JPEG of 12 megapixels that shows the drawing on paper in uneven light."""
    lines = Image.fromarray(sketch_input(drawing, 1500))
    sheet = Image.new("L", (4000, 3000), 255)
    sheet.paste(lines, (1200, 700))
    levels = np.asarray(sheet, np.float32) * 0.7 * np.linspace(0.6, 1.1, 4000, dtype=np.float32) + 20
    levels += np.random.default_rng(0).standard_normal(levels.shape, dtype=np.float32) * 2
    file = io.BytesIO()
    Image.fromarray(levels.clip(0, 255).astype(np.uint8)).convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


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
            entry = {"query_ms": whole, "network_alone_ms": floor, "ratio": round(whole / floor, 2)}
            systems.setdefault(name, {})[modality] = entry
    vectors = np.random.default_rng(0).standard_normal((len(gallery), load("tri").dim)).astype(np.float32)
    one = vectors[:1].T.copy()
    sheet = page_photo(drawing)
    searcher = Searcher(load("tri"), gallery)
    sketches = {
        "strokes": lambda: searcher.search(Query((Term(Modality.SKETCH, drawing),)), k=10),
        "photo_of_paper": lambda: searcher.search(Query((Term(Modality.SKETCH, sheet),)), k=10),
        "photo_of_paper_opened_and_read_alone": lambda: read_drawing(open_sketch(sheet)),
    }
    write(
        "latency",
        {
            "about": "One warm query, from the decoded input to ten hits, by system and modality; the median "
            f"of {ROUNDS}.",
            "photos": len(gallery),
            "systems": systems,
            "sketch_query_ms": {name: median_ms(run, rounds=30) for name, run in sketches.items()},
            "matrix_product_over_the_gallery_ms": median_ms(lambda: vectors @ one),
        },
    )


if __name__ == "__main__":
    main()
