"""Takes the README's screenshots: a search with a drawing and words, light and dark, wide and narrow; and the other
pages.

    python -m benchmarks.screenshots     (needs Chromium and tests/requirements.txt)
"""

from playwright.sync_api import Page, expect

from tests.browser import ROOT, draw_example, idle, open_browser, serve

SHOTS = {"search": (1440, 900, "light"), "search-dark": (1440, 900, "dark"), "search-phone": (420, 1500, "light")}
TOUR = {
    "compare": 1000,
    "results": 900,
    "gallery": 800,
    "systems": 900,
}  # page -> height in px


def searched(page: Page, width: int, height: int) -> None:
    """Search with a drawing and words, and wait for the answer."""
    draw_example(page, "car")
    page.get_by_label("Words, in English or German").fill("ein rotes Auto")
    expect(page.get_by_text("the drawing and the words")).to_be_visible()
    idle(page)
    page.mouse.move(width - 2, height - 2)  # away from the canvas, whose toolbar appears on hover


def main() -> None:
    with serve() as server, open_browser() as browser:
        for name, (width, height, theme) in SHOTS.items():
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
            page = context.new_page()
            page.goto(server.url)
            searched(page, width, height)
            page.screenshot(path=ROOT / "docs" / f"{name}.png")
            context.close()
        for name, height in TOUR.items():
            page = browser.new_page(viewport={"width": 1440, "height": height})
            page.goto(server.url)
            page.get_by_role("link", name=name.capitalize()).click()
            if name == "compare":
                page.get_by_label("Words, in English or German").fill("a red car")
                expect(page.locator(".xmr-photos").first).to_be_visible()
            page.wait_for_timeout(3000)  # charts and pictures are loaded after the page
            page.screenshot(path=ROOT / "docs" / f"{name}.png")
            page.close()


if __name__ == "__main__":
    main()
