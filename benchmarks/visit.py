"""The latency that a visitor sees in a browser, from words or a stroke to the painted answer; and the server's memory
after a visit that uses every system.

    python -m benchmarks.visit     (needs Chromium and tests/requirements.txt)
"""

import os
import re
import statistics

import numpy as np
import psutil
from playwright.sync_api import Page, TimeoutError, expect

from benchmarks.report import write
from tests.browser import draw_example, idle, open_browser, serve, stroke

ROUNDS = 20
WORDS = (
    "a red car",
    "a cat",
    "ein Hund",
    "a green tree",
    "eine Banane",
    "a blue cup",
    "ein Pferd",
    "an umbrella",
    "a guitar",
    "ein Schloss",
    "a penguin",
    "eine Kirche",
    "a pizza",
    "ein Fahrrad",
    "a rabbit",
    "a spoon",
    "ein Elefant",
    "a trumpet",
    "eine Tür",
    "a snail",
)
# Measures the time from the event that starts a search until different photos are painted.
WATCH = """kind => {
    const shown = () => [...document.querySelectorAll('.xmr-photos img')];
    const before = shown().map(image => image.src).join();
    window.answered = undefined;
    window.addEventListener(kind, () => {
        const start = performance.now();
        const look = () => {
            const now = shown();
            const other = now.map(image => image.src).join() !== before;
            if (other && now.length >= 10 && now.every(image => image.complete && image.naturalWidth))
                window.answered = performance.now() - start;
            else requestAnimationFrame(look);
        };
        look();
    }, {once: true, capture: true});
}"""


def waited(page: Page, seconds: float = 3) -> float | None:
    """Milliseconds from the event to the answer; None if the answer has the same photos as the one before, or takes
    longer than those seconds."""
    try:
        page.wait_for_function("window.answered !== undefined", timeout=1000 * seconds)
    except TimeoutError:
        return None
    return page.evaluate("window.answered")


def words(page: Page, entered: bool, rounds: int = ROUNDS) -> list[float | None]:
    """The latency of each text query: from Enter on, or else from the last letter on, after which the field waits a
    moment for more."""
    field, times = page.get_by_label("Words, in English or German"), []
    for text in WORDS[:rounds]:
        field.click()
        field.press("Control+a")
        page.evaluate(WATCH, "keydown" if entered else "input")
        page.keyboard.insert_text(text)
        if entered:
            page.keyboard.press("Enter")
        times.append(waited(page))
        idle(page)
    return times


def strokes(page: Page, rounds: int = ROUNDS) -> list[float | None]:
    """The latency of each stroke that is added to a drawing, from the release of the mouse on."""
    rng, times = np.random.default_rng(0), []
    for _ in range(rounds):
        page.evaluate(WATCH, "mouseup")
        stroke(page, rng.uniform(0.1, 0.9, (4, 2)).tolist())
        times.append(waited(page))
        idle(page)
    return times


def every_system(page: Page, url: str) -> list[str]:
    """Use every system that takes text, then every one that takes drawings; returns their names."""
    used: list[str] = []
    for ask in (
        lambda: page.get_by_label("Words, in English or German").fill("a red car"),
        lambda: draw_example(page, "cup"),
    ):
        page.goto(url)
        expect(page.get_by_text("photos to find")).to_be_visible()
        ask()
        idle(page)
        for name in page.get_by_test_id("stButtonGroup").filter(has_text="tri").get_by_role("radio").all_inner_texts():
            page.get_by_role("radio", name=re.compile(f"^{re.escape(name)}$")).click()
            idle(page)
            used += [name] if name not in used else []
    return used


def summary(times: list[float | None]) -> dict[str, int | None]:
    """The median in milliseconds, how many were asked, and how many tell no time, since within `waited`'s seconds the
    photos were those before; the median is None where none tells one."""
    told = [one for one in times if one is not None]
    same = times.count(None)
    return {
        "ms": round(statistics.median(told)) if told else None,
        "asked": len(times),
        "same_photos_as_before": same,
    }


def main() -> None:
    load = os.getloadavg()[0]
    with serve() as server, open_browser() as browser:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.goto(server.url)
        expect(page.get_by_text("photos to find")).to_be_visible()
        page.get_by_label("Words, in English or German").fill("a dog")
        idle(page)
        entered, typed = words(page, True), words(page, False)
        page.goto(server.url)  # loaded anew, the page would have the query still
        expect(page.get_by_text("photos to find")).to_be_visible()
        stroke(page, [(0.2, 0.2), (0.8, 0.8)])
        idle(page)
        drawn = strokes(page)
        used = every_system(page, server.url)
        memory = round(psutil.Process(server.pid).memory_info().rss / 1e6)
    measured = {"words": entered, "words_without_enter": typed, "stroke": drawn}
    entry = {kind: summary(times) for kind, times in measured.items()}
    write(
        "visit",
        {
            "about": "In a browser with `tri` and the shipped gallery, from the event that asks to the last "
            f"photo painted; the median of {ROUNDS}. Then one visit that uses every system.",
            "load_average_before": round(load, 1),
            **entry,
            "systems": used,
            "server_mb": memory,
        },
    )


if __name__ == "__main__":
    main()
