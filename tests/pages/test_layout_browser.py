"""The pages in a real Chromium at five widths: nothing moves while answers come, and nothing is wider than the page."""

import pytest
from playwright.sync_api import expect

from tests.browser import CHROMIUM, idle, launch, stroke, unfold

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")]

WIDTHS = (1440, 1366, 1024, 768, 420)
MOST = 0.1  # what Web Vitals calls good
WATCH = """window.moved = []; new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved.push(entry.value);
}).observe({type: "layout-shift", buffered: true})"""


def moved(page) -> float:
    """How far what was there has moved since this was asked last."""
    page.wait_for_timeout(500)
    return page.evaluate("window.moved.splice(0).reduce((sum, value) => sum + value, 0)")


@pytest.mark.parametrize("width", WIDTHS)
def test_little_moves_while_the_page_opens_and_while_answers_come(server, browser, width):
    page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
    page.add_init_script(WATCH)
    page.goto(server.url)
    expect(page.get_by_text("photos to find")).to_be_visible()
    expect(page.locator(".xmr-photos img").first).to_be_visible()
    assert moved(page) <= MOST
    for words in ("a red car", "a blue cup"):
        page.get_by_label("Words, in English or German").fill(words)
        idle(page)
        assert moved(page) <= MOST, words
    page.get_by_role("button", name="More like this").first.click()
    expect(page.get_by_text("photos for the photo")).to_be_visible()
    assert moved(page) <= MOST
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_little_moves_while_a_page_opens_that_somebody_was_sent_to(server, browser, width):
    for address, last in (
        ("?words=a+red+car", ".xmr-photos img"),
        ("compare?words=a+red+car", ".stColumn:last-child .xmr-photos img"),
        ("results", ".stVegaLiteChart"),
    ):
        page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
        page.add_init_script(WATCH)
        page.goto(f"{server.url}/{address}")
        expect(page.locator(last).first).to_be_visible()
        assert moved(page) <= MOST, address
        page.context.close()


@pytest.mark.parametrize("width", [1440, 420])
def test_the_first_answer_leaves_the_canvas_in_its_place_and_size(server, browser, width):
    """In a window in which the answer needs a scrollbar, and what was there before needs none."""
    desktop = launch(browser.browser_type, scrollbars=True)
    page = desktop.new_page(viewport={"width": width, "height": 800})
    page.goto(server.url)
    expect(page.locator(".xmr-photos img").first).to_be_visible()
    unfold(page)
    canvas, main = page.locator("canvas.upper-canvas"), page.locator(".stMain")
    expect(canvas).to_be_visible()
    page.wait_for_timeout(1000)
    page.set_viewport_size({"width": width, "height": main.evaluate("main => main.scrollHeight") + 40})
    page.wait_for_timeout(1000)
    scrolls = "main => main.scrollHeight > main.clientHeight"
    assert not main.evaluate(scrolls)
    before = canvas.bounding_box()
    stroke(page, [(0.2, 0.2), (0.8, 0.3), (0.5, 0.8)])
    idle(page)
    assert main.evaluate(scrolls)
    assert canvas.bounding_box() == before
    desktop.close()


def test_compare_is_side_by_side_and_no_page_is_wider_than_the_window(server, browser):
    page = browser.new_context(viewport={"width": 1440, "height": 800}).new_page()
    page.goto(f"{server.url}/compare?words=a+red+car")
    grids = page.locator(".xmr-photos")
    expect(grids).to_have_count(4)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(300)
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width, width
        if width >= 1024:
            columns = page.locator(".stColumn .stColumn")
            tops = {round(column.bounding_box()["y"]) for column in columns.all()}
            assert columns.count() == 4 and len(tops) == 1, width
    page.set_viewport_size({"width": 1440, "height": 800})
    page.get_by_role("link", name="Gallery").first.click()
    expect(page.get_by_role("heading", name="Your own photos")).to_be_visible()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(300)
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width, width
    page.context.close()


def test_what_is_unfolded_on_a_phone_is_no_wider_than_it(server, browser):
    page = browser.new_context(viewport={"width": 420, "height": 800}, has_touch=True).new_page()
    for path in ("systems", "results"):
        page.goto(f"{server.url}/{path}")
        expect(page.locator("[data-testid=stExpander]").last).to_be_visible()
        page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')")
        for part in page.locator("[data-testid=stExpander] summary").all():
            part.click()
            expect(part.locator("xpath=..")).to_have_attribute("open", "")
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 420, path
    page.context.close()


@pytest.mark.parametrize("width", [420, 360])
def test_on_a_phone_the_photos_of_two_compared_systems_are_on_the_first_screen(server, browser, width):
    page = browser.new_context(viewport={"width": width, "height": 900}, has_touch=True).new_page()
    page.goto(f"{server.url}/compare?words=a+red+car")
    grids = page.locator(".xmr-photos")
    expect(grids).to_have_count(4)
    expect(grids.last.locator("img").first).to_be_visible()
    assert grids.first.bounding_box()["y"] <= 520 and grids.nth(1).bounding_box()["y"] < 900
    right, photos = page.locator(".st-key-category"), grids.first.locator("img")
    assert right.evaluate("one => one.scrollWidth - one.clientWidth") <= 0
    assert photos.first.bounding_box()["y"] == photos.last.bounding_box()["y"]
    photos.last.scroll_into_view_if_needed()
    assert photos.last.bounding_box()["x"] < width
    page.locator(".xmr-photos .enlarge").first.focus()
    for key in ("ArrowDown", "ArrowRight"):  # there is no row below
        page.keyboard.press(key)
    page.wait_for_function("document.activeElement === document.querySelectorAll('.xmr-photos .enlarge')[1]")
    page.context.close()
