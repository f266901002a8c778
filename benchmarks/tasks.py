"""Does what a newcomer may want from the app, in a real browser, and shows it step by step in docs/tasks.md.

    python -m benchmarks.tasks     (needs Chromium and tests/requirements.txt)

Whatever is pressed is found by its role, its link or a word of its label, so that other wording does not stop it.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from benchmarks.report import machine
from tests.browser import ROOT, open_browser, serve
from xmr.gallery import DEMO, Gallery

PICTURES = ROOT / "docs" / "tasks"
SIZE = {"width": 1366, "height": 768}
READING = 5  # seconds that a person is given for each new screen
WIDTH, QUALITY = 900, 55  # of the pictures
OTHERS, BICYCLES = 40, 5  # photos in the folder that is indexed
SHOWN = ".xmr-photos img"


@dataclass
class Told:
    """A task as it went: the steps with their pictures, the seconds that the computer took, and what came of it."""

    task: str
    number: int
    page: Page
    started: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0
    steps: list[tuple[str, str]] = field(default_factory=list)
    outcome: str = ""
    done: bool = False

    def step(self, what: str) -> None:
        """Take a picture of what is on the screen once the app rests."""
        rest(self.page)
        self.seconds += time.perf_counter() - self.started
        name = f"{self.number}-{len(self.steps) + 1}.webp"
        image = Image.open(io.BytesIO(self.page.screenshot()))
        image.resize((WIDTH, WIDTH * image.height // image.width)).convert("RGB").save(PICTURES / name, quality=QUALITY)
        self.steps.append((what, name))
        self.started = time.perf_counter()

    def end(self, done: bool, outcome: str) -> None:
        self.done, self.outcome = done, outcome

    @property
    def of_a_person(self) -> float:
        return self.seconds + READING * len(self.steps)


def rest(page: Page) -> None:
    """Wait until the app has no more to show."""
    page.wait_for_timeout(300)
    page.wait_for_function(
        """() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')
            && [...document.querySelectorAll('.xmr-photos img')].every(image => image.complete)"""
    )


def words(page: Page, text: str) -> None:
    """Type in the field for words, and wait for another answer."""
    given = page.get_by_label(re.compile("^words", re.I)).first
    expect(given).to_be_visible()
    rest(page)
    before = shown(page)
    given.fill(text)
    page.keyboard.press("Enter")
    page.wait_for_function(
        f"before => [...document.querySelectorAll({SHOWN!r})].map(image => image.alt).join('|') !== before",
        arg="|".join(before),
    )


def shown(page: Page) -> list[str]:
    """What the photos on the screen are called, best first."""
    return page.locator(SHOWN).evaluate_all("images => images.map(image => image.alt)")


def visit(page: Page, name: str) -> None:
    page.locator(f"a[href$='/{name}']").first.click()
    page.wait_for_url(f"**/{name}*")


def red_cup(told: Told, url: str) -> None:
    page = told.page
    page.goto(url)
    expect(page.locator(SHOWN).first).to_be_visible()
    told.step("The first page. There is a field for words.")
    words(page, "a red cup")
    told.step("Typed “a red cup”.")
    first = shown(page)[0]
    told.end(bool(re.search("red", first) and re.search("cup|mug", first)), f"The first photo is “{first}”.")


def in_snow(told: Told, url: str) -> None:
    page = told.page
    page.goto(f"{url}/?words=a+chair")
    expect(page.locator(SHOWN).first).to_be_visible()
    told.step("Found chairs, one of which is a good start.")
    liked = shown(page)[0]
    page.get_by_role("button", name=re.compile("like this", re.I)).first.click()
    page.wait_for_url("**like=**")
    told.step(f"Pressed the button for more photos like this one, “{liked}”.")
    words(page, "in snow")
    told.step("Typed “in snow”.")
    first = shown(page)[0]
    told.end("snow" in first and "chair" in first, f"The first photo is “{first}”.")


def own_folder(told: Told, url: str, folder: Path, bicycles: set[str]) -> None:
    page = told.page
    page.goto(url)
    expect(page.locator(SHOWN).first).to_be_visible()
    told.step("The first page.")
    visit(page, "gallery")
    field = page.get_by_label(re.compile("^folder", re.I)).first
    field.scroll_into_view_if_needed()
    told.step("Opened the page Gallery, for your own photos.")
    field.fill(str(folder))
    field.press("Enter")
    page.get_by_role("button", name=re.compile("^index", re.I)).first.click()
    photos = len(list(folder.iterdir()))
    expect(page.get_by_text(re.compile(rf"\b{photos} photos")).first).to_be_visible(timeout=120_000)
    told.step(f"Gave the folder, with {photos} photos, and had it indexed.")
    page.locator("a[href$='/'], a[href='']").first.click()
    words(page, "a bicycle")
    told.step("Typed “a bicycle” on the page Search.")
    right = [any(bicycle in name for bicycle in bicycles) for name in shown(page)]
    found = sum(right[:BICYCLES])
    told.end(right[0], f"Of the first {BICYCLES} photos, {found} are bicycles; the folder has {BICYCLES}.")


def best_with_chairs(told: Told, url: str) -> None:
    page = told.page
    page.goto(url)
    expect(page.locator(SHOWN).first).to_be_visible()
    visit(page, "results")
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    told.step("Opened the page Results.")
    page.get_by_role("combobox").first.click()
    page.keyboard.type("chair")
    page.keyboard.press("Enter")
    page.wait_for_url("**chair**")
    told.step("Chose the test about chairs.")
    sentence = page.locator(".stMain p:has(strong)").first.inner_text()
    told.end(bool(re.search(r"\d", sentence)), f"The page says: “{sentence}”")


def link(told: Told, url: str, browser: Browser) -> None:
    page = told.page
    page.goto(url)
    expect(page.locator(SHOWN).first).to_be_visible()
    words(page, "a red cup")
    told.step("An answer to show to a colleague. Its link is the address of the page.")
    other = browser.new_context(viewport=SIZE).new_page()
    mine, told.page = shown(page), other
    other.goto(page.url)
    expect(other.locator(SHOWN)).to_have_count(len(mine))
    told.step("What a colleague sees who opens the link.")
    told.end(
        shown(other) == mine, "Both see the same photos." if shown(other) == mine else "They see different photos."
    )
    other.context.close()


def own_photos(folder: Path) -> set[str]:
    """Photos as files whose names say nothing; returns the names of the bicycles."""
    with Gallery.open(DEMO) as gallery:
        items = list(gallery)
        bicycles = [item for item in items if item.facts.get("category") == "bicycle"][:BICYCLES]
        others = [item for item in items[:: len(items) // OTHERS] if item.facts.get("category") != "bicycle"][:OTHERS]
        for number, item in enumerate(others + bicycles):
            Image.open(io.BytesIO(gallery.thumbnail(item.id))).save(folder / f"IMG_{number:04}.jpg")
        return {f"IMG_{number:04}" for number in range(len(others), len(others) + len(bicycles))}


def report(tasks: list[Told]) -> str:
    """All of it as Markdown."""
    told = machine()
    lines = [
        "# Five tasks",
        "",
        "Five things that a newcomer to the app may want to do, done in a browser by `python -m benchmarks.tasks` on "
        f"{told['cores']} cores of an {told['processor']}. The seconds are the computer's; in brackets those of a "
        f"person who reads each screen for {READING} s.",
        "",
        "| task | | seconds |",
        "| --- | --- | --- |",
        *(
            f"| {one.number}. {one.task} | {'done' if one.done else 'not done'} | {one.seconds:.0f} "
            f"({one.of_a_person:.0f}) |"
            for one in tasks
        ),
    ]
    for one in tasks:
        lines += ["", f"## {one.number}. {one.task}", "", one.outcome]
        for what, picture in one.steps:
            lines += ["", what, "", f"![{what}](tasks/{picture})"]
    return "\n".join(lines) + "\n"


def main() -> None:
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as home, open_browser() as browser:
        folder = Path(home) / "my photos"
        folder.mkdir()
        bicycles = own_photos(folder)
        with serve(XMR_FOLDERS=home) as server:
            wanted: list[tuple[str, Callable[[Told], None]]] = [
                ("Find a red cup", lambda told: red_cup(told, server.url)),
                ("Find a photo like this one, but in snow", lambda told: in_snow(told, server.url)),
                (
                    "Index a folder, and find a bicycle in it",
                    lambda told: own_folder(told, server.url, folder, bicycles),
                ),
                ("Say which system finds chairs best", lambda told: best_with_chairs(told, server.url)),
                ("Send a colleague a link to the answer", lambda told: link(told, server.url, browser)),
            ]
            tasks = []
            for number, (task, do) in enumerate(wanted, 1):
                page = browser.new_context(viewport=SIZE).new_page()
                tasks.append(Told(task, number, page))
                do(tasks[-1])
                page.context.close()
    (ROOT / "docs" / "tasks.md").write_text(report(tasks), encoding="utf-8")
    print(report(tasks))


if __name__ == "__main__":
    main()
