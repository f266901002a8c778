"""The latency that a visitor sees in a browser with an adopted model of CLIP ViT-B/32's size: of its own answers, and
of those of `tri` before it is in memory and while it is.

    python -m benchmarks.visit_adopted     (needs Chromium and tests/requirements.txt)

The model's weights are random, so that its answers mean nothing; time and memory are those of the real one. It indexes
the shipped photos first, which takes minutes; with --photos N only the first N of them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
from playwright.sync_api import Page, expect

from benchmarks.adopt import write_model
from benchmarks.report import write
from benchmarks.visit import ROUNDS, WATCH, strokes, summary, waited, words
from tests.browser import ROOT, Server, idle, open_browser, serve, stroke
from xmr.gallery import DEMO, Gallery

NAME = "clip-size"
PATIENCE = 300  # seconds for an answer, whatever else the machine does


def prepare(place: Path, photos: int | None) -> dict[str, str]:
    """Adopt a model, and index a copy of the shipped photos with it, or of the first few; the environment in which the
    app has both."""
    home = place / "home"
    home.mkdir()
    (home / "checkpoints").symlink_to(ROOT / "checkpoints")
    copy = shutil.copytree(DEMO, home / "galleries" / "demo")
    if photos is not None:
        with Gallery.open(copy) as gallery:
            gallery.remove([item.id for item in list(gallery)[photos:]])
    write_model(place / NAME)
    environment = {"XMR_HOME": str(home), "XMR_MODELS": str(place / "models")}
    for command in (["adopt", str(place / NAME)], ["index", str(copy), "--system", "tri", "--system", NAME]):
        subprocess.run([sys.executable, "-m", "xmr", *command], env=os.environ | environment, check=True)
    return environment


def ask_with(page: Page, server: Server, name: str, ask: Callable[[], None]) -> float | None:
    """Ask something on a new page, and choose a system; the milliseconds from that choice to its answer, its graphs
    read. None for `tri`, which is chosen already."""
    page.goto(server.url)
    expect(page.get_by_text("photos to find")).to_be_visible()
    ask()
    idle(page)
    if name == "tri":
        return None
    page.evaluate(WATCH, "click")
    page.get_by_role("radio", name=name).click()
    spent = waited(page, PATIENCE)
    idle(page)
    return spent


def visit(page: Page, server: Server, name: str, rounds: int) -> dict:
    """The latency of a system's answers to words and to strokes, and the server's memory afterwards."""
    first = ask_with(page, server, name, lambda: page.get_by_label("Words, in English or German").fill("a dog"))
    told = {} if first is None else {"chosen_to_answer_ms": round(first)}
    told["words"] = summary(words(page, True, rounds))
    ask_with(page, server, name, lambda: stroke(page, [(0.2, 0.2), (0.8, 0.8)]))
    told["stroke"] = summary(strokes(page, rounds))
    return told | {"server_mb": round(psutil.Process(server.pid).memory_info().rss / 1e6)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="queries of each kind")
    parser.add_argument("--photos", type=int, help="of the shipped ones (default: all)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        environment = prepare(Path(place), options.photos)
        with Gallery.open(Path(environment["XMR_HOME"]) / "galleries" / "demo") as gallery:
            photos = len(gallery)
        load = os.getloadavg()[0]
        with serve(**environment) as server, open_browser() as browser:
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.set_default_timeout(1000 * PATIENCE)
            sides = {
                side: visit(page, server, name, options.rounds)
                for side, name in (("tri_before", "tri"), ("adopted", NAME), ("tri_beside_it", "tri"))
            }
    write(
        "visit_adopted",
        {
            "about": "In a browser, from the event that asks to the last photo painted: `tri` before an adopted model "
            "of CLIP ViT-B/32's size is in memory, that model, and `tri` beside it; medians. chosen_to_answer_ms: "
            "from the choice of the system to its first answer, its graphs read. same_photos_as_before: so many had no "
            "other photos within 3 s, and tell no time.",
            "photos": photos,
            "load_average_before": round(load, 1),
            **sides,
        },
    )


if __name__ == "__main__":
    main()
