"""Take the README's pictures of the app: a drawing made with the mouse and two words, light and dark, wide and narrow.

    python -m benchmarks.screenshots     (needs Chromium and tests/requirements.txt)
"""

from playwright.sync_api import expect

from tests.browser import ROOT, draw_example, idle, open_browser, serve

SHOTS = {"search": (1440, 900, "light"), "search-dark": (1440, 900, "dark"), "search-phone": (420, 1500, "light")}


def main() -> None:
    with serve() as server, open_browser() as browser:
        for name, (width, height, theme) in SHOTS.items():
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
            page = context.new_page()
            page.goto(server.url)
            draw_example(page, "car")
            page.get_by_label("Words, in English or German").fill("ein rotes Auto")
            expect(page.get_by_text("the drawing and the words")).to_be_visible()
            idle(page)
            page.mouse.move(width - 2, height - 2)  # off the canvas, whose toolbar shows while it is hovered
            page.screenshot(path=ROOT / "docs" / f"{name}.png")
            context.close()


if __name__ == "__main__":
    main()
