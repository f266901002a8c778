"""The latency that a visitor sees of what is done with answers: a filter that is set, and a photo that is opened large,
its file decoded for the first time.

    python -m benchmarks.answers     (needs Chromium and tests/requirements.txt)
"""

import os
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from benchmarks.indexing import make
from benchmarks.report import write
from benchmarks.visit import ROUNDS, WATCH, waited
from tests.browser import idle, open_browser, serve
from xmr.checkpoint import load
from xmr.gallery import index_folder

COLOURS = ("beige", "black", "blue", "brown", "green", "grey", "orange", "pink", "red", "white")
SIZE = (4000, 3000)  # px
# Milliseconds from the click on the n-th photo until the file itself is on the screen, and until anything of it is.
OPEN = """async number => {
    const box = document.querySelector('.xmr-large'), photo = box.querySelector('img'), start = performance.now();
    document.querySelectorAll('.xmr-photos .enlarge')[number].click();
    const painted = () => new Promise(requestAnimationFrame);
    await painted();
    const first = performance.now() - start;
    while (photo.dataset.large !== box.dataset.id || !photo.complete) await painted();
    await painted();
    const whole = performance.now() - start;
    box.close();
    return [first, whole];
}"""


def filters(page: Page) -> list[float | None]:
    """The latency of each colour that answers are narrowed down to, from Enter on; between them there is none."""
    field, times = page.get_by_role("combobox", name="Colour"), []
    for number in range(ROUNDS):
        field.click()
        page.keyboard.type(COLOURS[number % len(COLOURS)])
        page.wait_for_timeout(200)
        page.evaluate(WATCH, "keydown")
        page.keyboard.press("Enter")
        times.append(waited(page))
        page.keyboard.press("Escape")
        idle(page)
        page.get_by_role("button", name="Clear filters").click()
        expect(page.get_by_role("button", name="Clear filters")).to_be_hidden()
        idle(page)
    return times


def photos(page: Page, folder: Path) -> list[list[float]]:
    """The latency of every second photo of a folder: the neighbours of an open one are fetched beforehand."""
    page.get_by_role("link", name="Gallery", exact=True).click()
    field = page.get_by_label("Folder").first
    field.fill(str(folder))
    field.press("Enter")
    page.get_by_role("button", name="Index them").click()
    expect(page.get_by_text("photos can be searched now").first).to_be_visible(timeout=120_000)
    page.get_by_role("link", name="Search", exact=True).click()
    page.get_by_label("Words, in English or German").first.fill("a dog")
    idle(page)
    for shown in range(20, 2 * ROUNDS + 10, 10):
        page.get_by_role("button", name="Show more").click()
        expect(page.locator(".xmr-photos > li")).to_have_count(shown)
    page.mouse.move(0, 0)  # a photo that the pointer rests on is fetched too
    times = []
    for number in range(ROUNDS):
        times.append(page.evaluate(OPEN, 2 * number))
        page.wait_for_timeout(700)  # for the neighbours
    return times


def main() -> None:
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "photos"
        make(folder, SIZE, 2 * ROUNDS)
        index_folder(folder, [load("tri")])
        with serve(XMR_FOLDERS=made) as server, open_browser() as browser:
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(server.url)
            expect(page.get_by_text("photos to find")).to_be_visible()
            page.get_by_label("Words, in English or German").first.fill("a cup")
            idle(page)
            filtered = filters(page)
            opened = photos(page, folder)
    write(
        "answers",
        {
            "about": f"In a browser with `tri`, the medians of {ROUNDS}: a filter on the answers from the shipped "
            f"gallery, until the last photo is painted; and a JPEG of {SIZE[0]} x {SIZE[1]} px, opened large for "
            "the first time, until its thumbnail is painted large, and until the file itself is.",
            "load_average_before": round(before, 1),
            "filter_ms": round(statistics.median(t for t in filtered if t is not None)),
            "filters_without_another_answer": filtered.count(None),
            "large_at_once_ms": round(statistics.median(first for first, _ in opened)),
            "large_ms": round(statistics.median(whole for _, whole in opened)),
        },
    )


if __name__ == "__main__":
    main()
