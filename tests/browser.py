"""A running app and a real Chromium to look at it with, for the browser tests, the benchmarks and the screenshots."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, Page, expect, sync_playwright

from xmr.gallery import DEMO, Gallery

expect.set_options(timeout=30_000)  # the machine may be busy with more than this test

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass(frozen=True)
class Server:
    """A running app."""

    url: str
    pid: int


@contextmanager
def serve(folder: Path = ROOT, **environment: str) -> Iterator[Server]:
    """The app of `folder` on a free port, up and healthy, with no galleries remembered; stopped afterwards."""
    with tempfile.TemporaryDirectory() as data, _served(folder, {"XDG_DATA_HOME": data, **environment}) as server:
        yield server


@contextmanager
def _served(folder: Path, environment: dict[str, str]) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "app.py",
            "--server.port",
            str(port),
            "--server.headless",
            "true",
            "--server.address",
            "127.0.0.1",
        ],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("the app ended before it was up") from None
                time.sleep(0.05)
        else:
            raise RuntimeError("the app was not up within a minute")
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def open_browser(*more: str) -> Iterator[Browser]:
    """A headless Chromium, with more arguments."""
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium, *more)
        yield browser
        browser.close()


def launch(chromium: BrowserType, *more: str, scrollbars: bool = False) -> Browser:
    """A headless Chromium, with more arguments. With `scrollbars`, these take their place, as on most desktops."""
    return chromium.launch(
        executable_path=CHROMIUM,
        args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", *more],
        ignore_default_args=["--hide-scrollbars"] if scrollbars else None,
    )


def unfold(page: Page) -> None:
    """Show the canvas and what is beside it, which a phone folds away."""
    if page.viewport_size["width"] > 640:
        return
    fold = page.locator(".xmr-fold")
    expect(fold).not_to_be_empty()  # it listens from then on
    if fold.get_attribute("aria-expanded") == "false":
        fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")


def stroke(page: Page, points: Sequence[tuple[float, float]]) -> None:
    """Draw one line on the canvas with the mouse; points in 0..1 of the canvas, y down."""
    unfold(page)
    canvas = page.locator("canvas.upper-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for x, y in at[1:]:
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


def draw_example(page: Page, name: str) -> None:
    """Draw the gallery's example of that name with the mouse, stroke by stroke."""
    with Gallery.open(DEMO) as gallery:
        drawing = gallery.examples()[name]
    left, top, right, bottom = drawing.bounds()
    scale = 0.8 / max(right - left, bottom - top)
    for points in drawing.strokes:
        stroke(page, [(0.1 + (x - left) * scale, 0.1 + (y - top) * scale) for x, y in points])


def idle(page: Page) -> None:
    """Wait until the answer to what was just asked is on the screen, with all its photos."""
    expect(page.get_by_text("10 best of")).to_be_visible()
    page.wait_for_timeout(400)  # a text field waits a quarter of a second for the next key before it asks
    page.wait_for_function("""() => !document.querySelector('[data-testid=stStatusWidget]')
        && !document.querySelector('[data-stale=true]')
        && [...document.querySelectorAll('.xmr-photos img')].every(image => image.complete && image.naturalWidth)""")
