"""Answers in a real Chromium: a photo opened large, keys alone, what is kept, columns that belong together, and pages
that everyone can read."""

from __future__ import annotations

import io
import zipfile

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

import xmr
from tests.browser import CHROMIUM, idle, serve
from xmr.gallery import DEMO, Gallery, index_folder

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")]

WORDS = "Words, in English or German"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve photos of 2,400 x 1,800 px, with the day on which they were taken."""
    folder = tmp_path_factory.mktemp("large") / "mine"
    folder.mkdir()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:20 10:00:00"
    with Gallery.open(DEMO) as gallery:
        for item in [item for item in gallery if item.facts["category"] == "cup"][:12]:
            with Image.open(gallery.thumb(item.id)) as photo:
                photo.convert("RGB").resize((2400, 1800)).save(folder / f"{item.id}.jpg", exif=exif)
    index_folder(folder, [xmr.load("tri")])
    return folder


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    with serve(XMR_FOLDERS=str(folder.parent), XDG_STATE_HOME=str(tmp_path_factory.mktemp("state"))) as running:
        yield running


@pytest.fixture(params=["light", "dark"])
def page(request, server, browser):
    """The answers to "a red cup", in a window of a laptop; the console has to stay free of errors."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme=request.param).new_page()
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server.url)
    expect(page.get_by_text("photos to find")).to_be_visible()
    page.get_by_label(WORDS).first.fill("a red cup")
    idle(page)
    yield page
    page.context.close()
    assert not errors


def expect_focus(page, caption: str) -> None:
    """Wait until the photo with this caption has the focus."""
    page.wait_for_function("label => document.activeElement.ariaLabel === label", arg=f"Show large: {caption}")


def faults(page) -> list[str]:
    """What axe-core calls serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:120]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def test_with_keys_alone_a_photo_is_found_opened_left_and_kept(page):
    captions = page.locator(".xmr-photos img").evaluate_all("all => all.map(photo => photo.alt)")
    page.locator(".xmr-photos .enlarge").first.focus()
    page.keyboard.press("ArrowRight")
    expect_focus(page, captions[1])
    wide = page.locator(".xmr-photos").evaluate("grid => getComputedStyle(grid).gridTemplateColumns.split(' ').length")
    page.keyboard.press("ArrowDown")
    expect_focus(page, captions[1 + wide])
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    large = page.locator("dialog.xmr-large")
    expect(large).to_be_visible()
    title = large.locator(".title")
    expect(title).to_contain_text("2 · ")
    expect(large.get_by_text("Colour")).to_be_visible()
    assert not faults(page)
    page.keyboard.press("ArrowRight")
    expect(title).to_contain_text("3 · ")
    width = large.locator(".picture").bounding_box()["width"]
    page.keyboard.press("+")
    assert large.locator(".picture").bounding_box()["width"] > 1.5 * width
    page.keyboard.press("-")
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    expect_focus(page, captions[2])
    for key in ("x", "ArrowRight", "x"):
        page.keyboard.press(key)
    expect(page.get_by_text("2 marked")).to_be_visible()
    idle(page)  # a button that is just drawn anew does not count
    with page.expect_download() as kept:
        page.get_by_role("button", name="ZIP").click()
    with zipfile.ZipFile(kept.value.path()) as archive:
        assert len(archive.namelist()) == 2
        assert all(Image.open(io.BytesIO(archive.read(name))).format == "WEBP" for name in archive.namelist())
    page.get_by_role("button", name="Unmark all").click()
    expect(page.get_by_text("2 marked")).to_be_hidden()
    expect(page.locator(".xmr-photos input:checked")).to_have_count(0)
    assert not faults(page)


SWIPE = """(stage, by) => {
  const at = (x) => new Touch({identifier: 1, target: stage, clientX: x, clientY: 300});
  stage.dispatchEvent(new TouchEvent("touchstart", {touches: [at(200)], changedTouches: [at(200)], bubbles: true}));
  stage.dispatchEvent(new TouchEvent("touchend", {touches: [], changedTouches: [at(200 + by)], bubbles: true}));
}"""


def test_a_finger_goes_to_the_next_photo_and_why_says_what_is_seen(server, browser):
    page = browser.new_page(viewport={"width": 420, "height": 800}, has_touch=True)
    page.goto(f"{server.url}/?words=a+cup")
    page.locator(".xmr-photos .enlarge").first.click()
    title, stage = page.locator(".xmr-large .title"), page.locator(".xmr-large .stage")
    stage.evaluate(SWIPE, -120)
    expect(title).to_contain_text("2 · ")
    stage.evaluate(SWIPE, 20)  # a tap that slipped
    expect(title).to_contain_text("2 · ")
    stage.evaluate(SWIPE, 120)
    expect(title).to_contain_text("1 · ")
    page.locator(".xmr-large [data-act=why]").click()
    expect(page.get_by_text("What counted for the answer stays bright")).to_be_visible()
    page.keyboard.press("+")
    stage.evaluate(SWIPE, -120)
    expect(title).to_contain_text("1 · ")
    page.close()


def test_a_photo_of_ones_own_is_shown_as_it_is_and_downloaded(server, browser, folder):
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    page.goto(server.url)
    page.get_by_role("link", name="Gallery", exact=True).click()
    field = page.get_by_label("Folder").first
    field.fill(str(folder))
    field.press("Enter")
    page.get_by_role("button", name="Index them").click()
    expect(page.get_by_text("12 photos can be searched now").first).to_be_visible()
    page.locator(".xmr-photos .enlarge").first.click()
    photo = page.locator(".xmr-large img")
    page.wait_for_function("() => document.querySelector('.xmr-large img').naturalWidth === 2048")
    page.keyboard.press("+")
    page.wait_for_function("() => document.querySelector('.xmr-large img').naturalWidth === 2400")
    assert "/photos/" in photo.get_attribute("src")
    with page.expect_download() as kept:
        page.locator(".xmr-large [data-act=download]").click()
    assert kept.value.path().read_bytes() == (folder / kept.value.suggested_filename).read_bytes()
    other = browser.new_context().request.get(photo.get_attribute("src"))  # another visitor, who learnt the address
    assert other.status == 404
    page.context.close()


def test_what_was_chosen_stays_chosen_in_another_language(server, browser, folder):
    page = browser.new_context(
        locale="en-US", viewport={"width": 1366, "height": 1400}
    ).new_page()  # scrolling closes lists

    def rest() -> None:  # a list that opens while the page still changes is closed by that
        page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')")

    def switch(to: str) -> None:
        page.get_by_role("button", name=to).click()
        expect(page.locator("html")).to_have_attribute("lang", to[:2].lower())
        rest()

    page.goto(f"{server.url}/?words=a+cup&gallery={folder}")
    order = page.locator(".st-key-order input")
    expect(page.locator(".xmr-photos img")).to_have_count(10)
    rest()
    order.click()
    page.get_by_role("option", name="Newest first").click()
    expect(order).to_have_value("Newest first")
    switch("Deutsch")
    expect(order).to_have_value("Neueste zuerst")
    page.get_by_role("link", name="Fotos", exact=True).click()
    page.get_by_text("Die mitgelieferten Fotos").click()
    expect(page.get_by_text("3.000 von 3.000 Fotos")).to_be_visible()
    rest()
    shipped, things = page.get_by_role("radio").first, page.locator(".st-key-filter-category")
    things.locator("input").click()
    page.get_by_role("option", name="Flugzeug (24)").click()
    page.keyboard.press("Escape")  # the list stays open for more
    for language, number, thing in (
        ("English", "24 of 3,000", "airplane (24)"),
        ("Deutsch", "24 von 3.000", "Flugzeug (24)"),
    ):
        switch(language)
        expect(page.get_by_text(number)).to_be_visible()
        expect(things.get_by_text(thing)).to_be_visible()
        expect(shipped).to_be_checked()
    page.get_by_role("link", name="Vergleich", exact=True).click()
    framed = page.locator(".st-key-category input")
    expect(page.get_by_text("Wie weit sie übereinstimmen")).to_be_visible()
    rest()
    framed.click()
    page.get_by_role("option", name="Flugzeug").click()
    switch("English")
    expect(framed).to_have_value("airplane")
    page.context.close()


def test_compare_results_and_systems_are_read_by_everyone_and_columns_belong_together(page):
    page.get_by_role("link", name="Compare", exact=True).click()
    grids = page.locator(".xmr-photos")
    expect(grids).to_have_count(4)
    expect(page.get_by_text("How far they agree")).to_be_visible()
    page.wait_for_function("() => !document.querySelector('[data-stale=true]')")
    ids = [grid.locator("li").evaluate_all("all => all.map(item => item.dataset.id)") for grid in grids.all()]
    shared = next(id for id in ids[0] if any(id in other for other in ids[1:]))
    grids.nth(0).locator(f"li[data-id='{shared}'] .enlarge").focus()
    assert page.locator(".xmr-photos .same").count() == sum(shared in other for other in ids[1:])
    assert not faults(page)
    for name, heading in (("Results", "How well each system finds"), ("Systems", "What can search")):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        page.wait_for_function("() => !document.querySelector('[data-stale=true]')")
        if name == "Results":
            expect(page.get_by_test_id("stVegaLiteChart").last).to_be_visible()
            label = page.locator(".stVegaLiteChart .role-axis-label text").first
            assert label.evaluate("label => getComputedStyle(label).fill === getComputedStyle(label).color")
        assert not faults(page)
        for width in (1366, 1024, 768, 420):
            page.set_viewport_size({"width": width, "height": 768})
            page.wait_for_timeout(200)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.set_viewport_size({"width": 1366, "height": 768})
