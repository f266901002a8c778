"""The app's footprint: the size of its environment, its server's memory, and the time until the first stroke is drawn.

python -m benchmarks.footprint     (needs Chromium and tests/requirements.txt)
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.report import write
from tests.browser import open_browser, serve, stroke

ROUNDS = 20
# Whether the centre of the canvas has ink, so that the stroke is visible.
INKED = """paper => {
    const seen = paper.getContext("2d").getImageData(paper.width / 2 - 4, paper.height / 2 - 4, 8, 8).data;
    return seen.some((value, at) => at % 4 === 0 && value < 90 && seen[at + 3] > 200);
}"""


def installed() -> dict[str, float]:
    """Time (s) and size (MB) of a new environment with the app's requirements only."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "-q", "-r", "requirements.txt"], check=True)
        seconds = time.perf_counter() - start
        size = sum(f.lstat().st_size for f in Path(folder).rglob("*") if f.is_file() and not f.is_symlink())
    return {"install_s": round(seconds, 1), "environment_mb": round(size / 1e6)}


def first_stroke() -> dict[str, float]:
    """Start a server and draw a stroke in a new browser.

    Returns:
        Seconds until the server is up; seconds from then until the canvas, the stroke and the answer are visible; and
        the server's memory afterwards, in MB.
    """
    with open_browser() as browser:
        page = browser.new_page()
        launch = time.perf_counter()
        with serve() as server:
            up = time.perf_counter()
            page.goto(server.url, wait_until="commit")
            paper = page.locator("canvas.upper-canvas")
            paper.wait_for()
            there = time.perf_counter()
            stroke(page, [(0.3, 0.3), (0.7, 0.7)])
            while not page.locator("canvas.dc-canvas.lower-canvas").evaluate(INKED):
                time.sleep(0.01)
            drawn = time.perf_counter()
            page.get_by_text("best of").wait_for()
            answered = time.perf_counter()
            return {
                "server_up_s": up - launch,
                "canvas_s": there - up,
                "first_stroke_s": drawn - up,
                "first_answer_s": answered - up,
                "server_mb": psutil.Process(server.pid).memory_info().rss / 1e6,
            }


def main() -> None:
    if not shutil.which("chromium"):
        sys.exit("Chromium is needed: install it with your system's package manager.")
    load = os.getloadavg()[0]
    rounds = [first_stroke() for _ in range(ROUNDS)]
    medians = {key: round(statistics.median(one[key] for one in rounds), 2) for key in rounds[0]}
    write(
        "footprint",
        {
            "about": f"The app with `tri` loaded and one drawing answered; the median of {ROUNDS} servers.",
            "load_average_before": round(load, 1),
            **medians,
            "server_mb": round(medians["server_mb"]),
            **installed(),
        },
    )


if __name__ == "__main__":
    main()
