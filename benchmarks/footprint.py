"""What the app costs before anyone has searched: its environment, its server's memory, and the wait for a first stroke.

    python -m benchmarks.footprint [--install]     (needs Chromium and tests/requirements.txt)
"""

import argparse
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

ROUNDS = 5


def installed() -> dict[str, float]:
    """Seconds and megabytes of a fresh environment with the app's requirements alone."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "-q", "-r", "requirements.txt"], check=True)
        seconds = time.perf_counter() - start
        size = sum(f.lstat().st_size for f in Path(folder).rglob("*") if f.is_file() and not f.is_symlink())
    return {"install_s": round(seconds, 1), "environment_mb": round(size / 1e6)}


def first_stroke() -> tuple[float, float]:
    """Seconds from the server being up until a stroke is drawn on the first page, and the server's MB afterwards."""
    with serve() as server, open_browser() as browser:
        page = browser.new_page()
        start = time.perf_counter()
        page.goto(server.url)
        canvas = page.locator("canvas.upper-canvas")
        canvas.wait_for()
        stroke(page, [(0.3, 0.3), (0.7, 0.7)])
        seconds = time.perf_counter() - start
        page.get_by_text("best of").wait_for()
        return seconds, psutil.Process(server.pid).memory_info().rss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true", help="also install a fresh environment and measure it")
    install = parser.parse_args().install
    if not shutil.which("chromium"):
        sys.exit("Chromium is needed: install it with your system's package manager.")
    seconds, memory = zip(*(first_stroke() for _ in range(ROUNDS)), strict=True)
    write("footprint", {"about": f"The app with `tri` loaded and one drawing answered; the median of {ROUNDS} servers.",
                        "first_stroke_s": round(statistics.median(seconds), 2),
                        "server_mb": round(statistics.median(memory)), **(installed() if install else {})})


if __name__ == "__main__":
    main()
