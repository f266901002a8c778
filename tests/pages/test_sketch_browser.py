"""Drawing in a real Chromium: a canvas as wide as there is room, undo and redo, a finger, and pictures of drawings."""

from base64 import b64encode

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, TimeoutError, expect

from tests.browser import CHROMIUM, idle, open_browser, stroke, unfold
from tests.pages.test_pictures import paper, png
from xmr.gallery import DEMO, Gallery
from xmr.preprocess import is_drawing

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")]

WIDTHS = (320, 360, 420, 600, 641, 768, 1024, 1275, 1440)


@pytest.fixture(scope="module")
def browser():
    with open_browser("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as running:
        yield running


@pytest.fixture(params=["mouse", "touch"])
def page(request, server, browser):
    """The Search page, on a wide screen in light or on a phone in the dark; its console stays free of errors."""
    wide = request.param == "mouse"
    context = browser.new_context(
        viewport={"width": 1440, "height": 900} if wide else {"width": 390, "height": 700},
        color_scheme="light" if wide else "dark",
        has_touch=not wide,
        permissions=["camera"],
    )
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server.url)
    expect(page.get_by_text("photos to find")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_be_hidden()  # a file that comes while it is drawn would be lost
    unfold(page)
    expect(page.get_by_role("toolbar")).to_be_visible()
    expect(page.get_by_role("button", name="Skip to the photos")).to_be_attached()  # pictures are listened for, even
    # before the inbox is there
    yield page
    context.close()
    assert not errors


def draw(page: Page, *points: tuple[float, float]) -> None:
    """One line, with the mouse or a finger; points in 0..1 of the canvas."""
    if not page.evaluate("navigator.maxTouchPoints"):
        return stroke(page, points)
    canvas = page.locator("canvas.upper-canvas")
    canvas.scroll_into_view_if_needed()
    box, finger = canvas.bounding_box(), page.context.new_cdp_session(page)
    at = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points]
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at[:1]})
    for start, end in zip(at, at[1:], strict=False):
        for step in range(1, 7):
            between = {axis: start[axis] + (end[axis] - start[axis]) * step / 6 for axis in "xy"}
            finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [between]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


INK = """() => {
  const canvas = document.querySelector("[data-testid=stBidiComponentIsolated]")?.shadowRoot?.querySelector(
    ".canvas-container .lower-canvas");
  if (!canvas) return [];
  const {width, height} = canvas, {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
  const box = [1, 1, 0, 0];
  for (let at = 0; at < width * height; at++) if (data[4 * at + 3] > 128 && data[4 * at] < 128) {
    const x = (at % width + .5) / width, y = (Math.floor(at / width) + .5) / height;
    box.splice(0, 4, Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y));
  }
  return box[2] ? box.map((side) => Math.round(10 * side)) : [];
}"""


def expect_ink(page: Page, *box: int) -> None:
    """Wait until what is drawn reaches so far: left, top, right and bottom in tenths of the canvas; or nothing is."""
    try:
        page.wait_for_function(f"wanted => JSON.stringify(({INK})()) === JSON.stringify(wanted)", arg=list(box))
    except TimeoutError:
        assert page.evaluate(INK) == list(box)
        raise


def tool(page: Page, name: str) -> Locator:
    return page.get_by_role("toolbar").get_by_role("button", name=name)


def give(page: Page, content: bytes) -> None:
    page.locator(".st-key-pictures input[type=file]").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": content}
    )


PASTE = """bytes => {
  const clipboardData = new DataTransfer();
  const content = Uint8Array.from(atob(bytes), (one) => one.charCodeAt());
  clipboardData.items.add(new File([content], "image.png", {type: "image/png"}));
  document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
}"""


def test_the_canvas_fits_every_width_and_the_drawing_survives_them_all(page):
    draw(page, (0.2, 0.2), (0.8, 0.2))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(150)
        box = page.locator("canvas.upper-canvas").bounding_box()
        assert 280 <= box["width"] <= 420 and abs(box["width"] - box["height"]) < 0.1, width
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, width
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width, width
    draw(page, (0.8, 0.2), (0.8, 0.6))
    page.set_viewport_size({"width": 844, "height": 390})  # a phone on its side
    expect_ink(page, 2, 2, 8, 6)
    idle(page)


def test_strokes_are_undone_and_redone_by_keys_and_by_buttons(page):
    expect(page.get_by_role("button", name="Clear all")).to_be_disabled()
    draw(page, (0.2, 0.2), (0.8, 0.2))
    expect(page.get_by_role("button", name="Clear all")).to_be_enabled()
    draw(page, (0.2, 0.8), (0.8, 0.8))
    page.keyboard.press("Control+z")  # before the stroke was sent
    expect_ink(page, 2, 2, 8, 2)
    expect(tool(page, "Redo")).to_be_enabled()  # a moment after the drawing; a key would not wait for it
    tool(page, "Redo").press("Enter")
    expect_ink(page, 2, 2, 8, 8)
    tool(page, "Clear").click()
    expect_ink(page)
    expect(page.get_by_text("photos to find")).to_be_visible()
    tool(page, "Undo").click()
    expect_ink(page, 2, 2, 8, 8)
    page.keyboard.press("Meta+z")
    page.keyboard.press("Meta+z")
    expect_ink(page)
    page.keyboard.press("Control+Shift+z")
    expect_ink(page, 2, 2, 8, 2)
    idle(page)


@pytest.mark.parametrize("page", ["mouse"], indirect=True)
def test_undo_reaches_back_over_an_example_and_another_page(page):
    page.set_viewport_size({"width": 1024, "height": 900})
    draw(page, (0.2, 0.2), (0.8, 0.2))
    page.get_by_text("cup", exact=True).first.click()
    idle(page)
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("combobox", name="Which photos are right?")).to_be_visible()
    page.keyboard.press("Control+z")
    expect_ink(page, 2, 2, 8, 2)
    page.get_by_label("Words, in English or German").fill("a cup")
    page.keyboard.press("Control+z")  # what was typed
    expect(page.get_by_label("Words, in English or German")).to_have_value("")
    expect_ink(page, 2, 2, 8, 2)


@pytest.mark.parametrize("page", ["mouse"], indirect=True)
def test_who_moved_lines_draws_again_after_one_click(page):
    draw(page, (0.2, 0.2), (0.8, 0.2))
    idle(page)  # its answer may move the page by some pixels, and a thin line is missed then
    tool(page, "Move").click()
    expect(tool(page, "Move")).to_have_attribute("aria-pressed", "true")
    draw(page, (0.5, 0.2), (0.5, 0.6))
    expect_ink(page, 2, 6, 8, 6)
    page.get_by_text("Bold", exact=True).click()
    expect(tool(page, "Move")).to_have_attribute("aria-pressed", "false")
    draw(page, (0.2, 0.1), (0.8, 0.1))
    expect_ink(page, 2, 1, 8, 6)
    idle(page)


@pytest.mark.parametrize("page", ["touch"], indirect=True)
def test_a_finger_that_draws_does_not_scroll_the_page(page):
    page.set_viewport_size({"width": 390, "height": 600})
    page.locator("canvas.upper-canvas").scroll_into_view_if_needed()
    before = page.locator("canvas.upper-canvas").bounding_box()
    draw(page, (0.5, 0.9), (0.5, 0.1))
    idle(page)
    assert page.locator("canvas.upper-canvas").bounding_box() == before
    expect_ink(page, 5, 1, 5, 9)


def test_a_picture_of_a_drawing_is_pasted_corrected_and_removed(page):
    page.get_by_label("Words, in English or German").focus()
    page.evaluate(PASTE, b64encode(png(paper())).decode())
    expect(page.get_by_text("This is what I see as your drawing")).to_be_visible()
    idle(page)
    page.get_by_text("A photo", exact=True).first.click()
    expect(page.get_by_text("Searched as a photo")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("photos to find")).to_be_visible()


@pytest.mark.parametrize("page", ["mouse"], indirect=True)
def test_a_photo_is_taken_for_one_and_asked_with_beside_a_drawing(page):
    draw(page, (0.2, 0.2), (0.8, 0.2), (0.8, 0.8))
    idle(page)  # nobody is quicker with a file
    with Gallery.open(DEMO) as gallery:
        photos = (Image.open(gallery.thumb(item.id)) for item in gallery)
        give(page, png(next(photo for photo in photos if not is_drawing(photo))))
    expect(page.get_by_text("Searched as a photo.")).to_be_visible()
    expect(page.get_by_text("for the drawing and the photo")).to_be_visible()
    idle(page)


@pytest.mark.parametrize("page", ["touch"], indirect=True)
def test_the_camera_opens_on_a_click_and_closes_with_the_picture(page):
    assert not page.locator("video").count()
    page.get_by_role("button", name="Camera").click()
    page.wait_for_function("document.querySelector('video')?.readyState >= 2")
    page.get_by_role("button", name="Take Photo").click()
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    expect(page.locator("video")).to_have_count(0)
    idle(page)
