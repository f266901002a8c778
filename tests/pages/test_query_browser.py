"""The query in a real Chromium: its address goes back and forward, it is asked by keys, pictures are dropped and cut,
and every width and theme shows it whole."""

import json
from base64 import b64encode
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser import CHROMIUM, idle, stroke, unfold
from tests.pages.test_pictures import photo, png

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")]

WIDTHS = (1440, 1366, 1024, 768, 420)


@pytest.fixture
def arrive(server, browser):
    """A page of a visitor of its own; no page's console may have an error."""
    contexts, errors = [], []

    def arrive(path: str = "", width: int = 1366, height: int = 657, **how) -> Page:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **how))
        page = contexts[-1].new_page()
        page.on("console", lambda message: errors.append(message.text) if is_ours(message) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{server.url}/{path}")
        quiet(page)
        expect(words(page)).to_be_visible()  # what is loaded last: the fields and the inbox
        expect(page.locator(".st-key-pictures input[type=file]")).to_be_attached()
        return page

    yield arrive
    for context in contexts:
        context.close()
    assert not errors


def is_ours(message) -> bool:
    """Whether a message is an error; but Streamlit looks for its server where a page's own address does not have it."""
    return message.type == "error" and "/_stcore/" not in message.location.get("url", "")


def quiet(page: Page) -> None:
    """Wait until the photos are there, keys are listened to, and nothing runs any more."""
    expect(page.locator(".xmr-skip")).not_to_be_empty()
    expect(page.locator(".xmr-photos img").first).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_be_hidden()


def words(page: Page):
    return page.locator(".st-key-words input")


def expect_answer(page: Page, kind: str) -> list[str]:
    """Wait for the answer for some parts of a query, and return the photos."""
    expect(page.get_by_text(f"photos for {kind}, in")).to_be_visible()
    expect(page.locator(".xmr-photos img")).to_have_count(10)
    page.wait_for_function("() => !document.querySelector('[data-stale=true]')")
    return [image.get_attribute("src") for image in page.locator(".xmr-photos img").all()]


def test_back_forward_a_reload_and_a_second_tab_ask_the_same_query(arrive):
    page = arrive(height=900)
    words(page).press_sequentially("a blue cup", delay=60)
    page.wait_for_url("**/?words=a+blue+cup")
    cups = expect_answer(page, "the words")
    steps = page.evaluate("history.length")
    page.get_by_role("button", name="More like this").first.click()
    page.wait_for_url("**like=*")
    alike = expect_answer(page, "the photo")
    assert page.evaluate("history.length") == steps + 1
    words(page).fill("in snow")
    page.wait_for_url("**mix=1*")
    page.go_back()
    assert expect_answer(page, "the photo") == alike
    page.go_back()
    assert expect_answer(page, "the words") == cups
    expect(words(page)).to_have_value("a blue cup")
    page.go_back()  # what was typed in one go is one step
    expect(page.get_by_text("photos to find")).to_be_visible()
    expect(words(page)).to_have_value("")
    page.go_forward()
    expect(words(page)).to_have_value("a blue cup")
    assert expect_answer(page, "the words") == cups
    stroke(page, [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8)])
    page.wait_for_url("**drawing=*")
    both, address = expect_answer(page, "the drawing and the words"), page.url
    page.reload()
    quiet(page)
    assert expect_answer(page, "the drawing and the words") == both and page.url == address
    other = page.context.new_page()
    other.goto(address)
    quiet(other)
    assert expect_answer(other, "the drawing and the words") == both
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare?*")
    expect(page.locator(".xmr-photos").first).to_be_visible()
    page.go_back()
    page.wait_for_url(address)
    assert expect_answer(page, "the drawing and the words") == both


def test_who_opens_another_page_in_the_middle_of_typing_comes_there_with_all_words(arrive):
    page = arrive()
    for title, path, typed in (("Compare", "compare", "a red house"), ("Search", "", " on the beach")):
        words(page).press("End")
        words(page).press_sequentially(typed, delay=20)
        page.get_by_role("link", name=title, exact=True).click()
        page.wait_for_url(f"**/{path}?words=*")
        page.wait_for_timeout(1500)  # it stays there
        assert urlsplit(page.url).path == f"/{path}"
        expect(words(page)).to_have_value("a red house" if path else "a red house on the beach")


@pytest.mark.parametrize("width", [1366, 420])
def test_back_closes_the_large_photo_and_leaves_the_answers_forward_and_a_reload_open_it_again(arrive, width):
    page = arrive("", width, 800, has_touch=width == 420)
    words(page).fill("a blue cup")
    page.wait_for_url("**/?words=a+blue+cup")
    found, steps, address = expect_answer(page, "the words"), page.evaluate("history.length"), page.url
    large, first = page.locator("dialog.xmr-large"), page.locator(".xmr-photos .enlarge").first
    page.evaluate("addEventListener('popstate', () => { window.asked = true; })")  # as Streamlit listens
    for close in ("Back", "Escape", "button", "Back"):
        first.click()
        expect(large).to_be_visible()
        assert page.url == address  # a link to what is asked
        if close == "Back":
            page.go_back()
        elif close == "Escape":
            page.keyboard.press("Escape")
        else:
            large.locator("[data-act=close]").click()
        expect(large).to_be_hidden()
        expect(first).to_be_focused()
        page.wait_for_function("() => !history.state?.large")
        assert page.url == address and page.evaluate("history.length") == steps + 1
    page.go_forward()
    expect(large).to_be_visible()
    assert not page.evaluate("window.asked")
    page.keyboard.press("ArrowRight")
    title = large.locator(".title")
    expect(title).to_contain_text("2 · ")
    page.reload()
    expect(title).to_contain_text("2 · ")
    page.go_back()
    expect(large).to_be_hidden()
    assert expect_answer(page, "the words") == found and page.url == address
    page.go_back()
    expect(page.get_by_text("photos to find")).to_be_visible()


ENDS = """all => all.map(label => {
    const text = document.createRange();
    text.selectNodeContents(label);
    const seen = getComputedStyle(label).overflowX === "visible" ? text : label;
    return [label.getBoundingClientRect().left, seen.getBoundingClientRect().right];
})"""


def test_on_a_narrow_phone_no_label_of_the_query_runs_into_the_next(arrive):
    page = arrive("", 360, 740, has_touch=True, locale="de-DE")
    (_, end), (begin, _) = page.locator(".st-key-query [data-testid=stWidgetLabel] p").evaluate_all(ENDS)
    assert end <= begin


def test_a_photo_that_is_opened_before_the_step_back_from_another_was_taken_is_one_step(arrive):
    page = arrive("?words=a+blue+cup")
    expect_answer(page, "the words")
    large, steps = page.locator("dialog.xmr-large"), page.evaluate("history.length")
    page.locator(".xmr-photos .enlarge").first.click()
    page.evaluate("""() => {
        document.querySelector(".xmr-large [data-act=close]").click();
        document.querySelectorAll(".xmr-photos .enlarge")[1].click();
    }""")
    expect(large.locator(".title")).to_contain_text("2 · ")
    expect(large).to_be_visible()
    assert page.evaluate("history.length") == steps + 1
    page.go_back()
    expect(large).to_be_hidden()
    assert page.evaluate("history.state?.large ?? null") is None


def test_back_from_what_was_asked_in_the_large_photo_is_the_query_before_and_one_step(arrive):
    page = arrive("?words=a+blue+cup")
    found, address, steps = expect_answer(page, "the words"), page.url, page.evaluate("history.length")
    large = page.locator("dialog.xmr-large")
    page.locator(".xmr-photos .enlarge").first.click()
    large.get_by_role("button", name="More like this").click()
    page.wait_for_url("**like=*")
    expect(large).to_be_hidden()
    expect_answer(page, "the photo")
    assert page.evaluate("history.length") == steps + 1
    page.go_back()
    assert expect_answer(page, "the words") == found and page.url == address
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare?*")
    second = page.locator(".xmr-photos").nth(1)
    second.locator(".enlarge").first.click()
    page.reload()
    expect(large.and_(page.locator("[open]"))).to_have_count(1)
    page.locator("dialog[open]").get_by_role("button", name="More like this").click()
    page.wait_for_url(lambda to: "/compare" not in to and "like=" in to)
    expect_answer(page, "the photo")
    assert page.evaluate("history.length") == steps + 2
    page.go_back()
    page.wait_for_url("**/compare?words=a+blue+cup")
    page.go_back()
    assert expect_answer(page, "the words") == found and page.url == address
    words(page).fill("blue cup")
    page.locator(".xmr-photos .enlarge").first.click()  # quicker than the answer
    page.wait_for_url("**/?words=blue+cup")
    expect_answer(page, "the words")
    if large.is_visible():  # if the photo is an answer still
        page.go_back()
    expect(large).to_be_hidden()
    expect(page).to_have_url(address.replace("a+blue", "blue"))
    page.go_back()
    page.wait_for_url(address)
    expect(large).to_be_hidden()
    page.wait_for_function(
        """found => {
        const photos = [...document.querySelectorAll(".xmr-photos img")];
        return photos.length === found.length && photos.every((photo, at) => photo.src === found[at]);
    }""",
        arg=found,
    )


def test_the_keyboard_alone_types_draws_clears_and_skips_to_the_photos(arrive):
    page = arrive()
    page.keyboard.press("/")
    expect(words(page)).to_be_focused()
    page.keyboard.type("a d/og")  # a key like any other while one types
    expect(words(page)).to_have_value("a d/og")
    page.keyboard.press("Escape")
    expect(words(page)).to_have_value("")
    page.keyboard.type("a dog")
    expect_answer(page, "the words")
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("d")
    expect(page.locator(".st-key-sketchpad")).to_be_focused()
    assert page.locator(".st-key-sketchpad").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    page.keyboard.press("Escape")
    expect(page.get_by_text("photos to find")).to_be_visible()
    expect(words(page)).to_have_value("")
    skip = page.get_by_role("button", name="Skip to the photos")
    skip.focus()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator(".xmr-photos button").first).to_be_focused()


@pytest.mark.parametrize("width", [1366, 420])
def test_whatever_has_the_focus_is_in_sight_and_a_link_has_a_ring(arrive, width):
    page, seen = arrive("?words=a+blue+cup", width, has_touch=width == 420), []
    expect_answer(page, "the words")
    while not seen or seen[-1]["tag"] != "BODY":
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("""() => {
            const at = document.activeElement, box = at.getBoundingClientRect();
            return {tag: at.tagName, name: at.ariaLabel ?? at.innerText, ring: getComputedStyle(at).outlineStyle,
                sight: box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight};
        }""")
        )
    assert len(seen) > 40 and [one for one in seen[:-1] if not one["sight"]] == []
    links = [one for one in seen if one["tag"] == "A" and one["name"] != "Skip to main content"]
    assert len(links) == (5 if width > 768 else 0) and {one["ring"] for one in links} <= {"solid"}


DROP = """([bytes, name]) => {
  const dataTransfer = new DataTransfer();
  const content = Uint8Array.from(atob(bytes), (one) => one.charCodeAt());
  dataTransfer.items.add(new File([content], name));
  const drop = new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true});
  document.querySelector(".stMain").dispatchEvent(drop);
  return drop.defaultPrevented;
}"""


def drop(page: Page, content: bytes, name: str = "dropped.png") -> None:
    assert page.evaluate(DROP, [b64encode(content).decode(), name])  # the browser does not leave the page for it


def test_a_photo_is_dropped_anywhere_and_a_part_of_it_asked_with(arrive):
    page = arrive(height=1200)
    half = Image.new("RGB", (800, 400), "blue")
    half.paste(photo((400, 400)), (0, 0))
    drop(page, png(half))
    expect(page.get_by_text("Searched as a photo.")).to_be_visible()
    whole = expect_answer(page, "the photo")
    page.get_by_role("button", name="Choose a part").click()
    stage = page.locator(".xmr-crop .stage")
    expect(stage.locator("img")).to_be_visible()
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + box["height"] * 0.9, steps=5)
    page.mouse.up()
    expect(page.get_by_text("A part of it is searched as a photo.")).to_be_visible()
    page.wait_for_url("**.photo.*")
    left, _, right, _ = map(int, page.url.rpartition(".")[2].partition("&")[0].split("-"))
    assert abs(left - 550) < 15 and abs(right - 950) < 15
    assert expect_answer(page, "the photo") != whole
    part = page.get_by_role("group", name="The part that is searched with.")
    part.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(lambda address: f".photo.{left - 20}-" in address)
    page.get_by_role("button", name="The whole picture").click()
    expect(page.get_by_text("Searched as a photo.")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("photos to find")).to_be_visible()


def test_a_file_that_is_dropped_where_there_is_no_query_is_asked_with_on_search_and_what_is_no_picture_is_told(arrive):
    page = arrive()
    page.get_by_role("link", name="Systems").click()
    expect(page.locator(".st-key-pictures")).to_have_count(0)
    expect(page.get_by_test_id("stStatusWidget")).to_be_hidden()
    drop(page, png(photo((300, 200))))
    expect(page.get_by_text("Searched as a photo.")).to_be_visible()
    expect_answer(page, "the photo")
    drop(page, b"only words", "notes.txt")
    expect(page.get_by_text("notes.txt is not a picture")).to_be_visible()


def test_a_file_that_is_dropped_on_a_large_photo_leads_to_its_answer(arrive):
    page = arrive("?words=a+blue+cup")
    found = expect_answer(page, "the words")
    page.locator(".xmr-photos .enlarge").first.click()
    expect(page.locator("dialog.xmr-large")).to_be_visible()
    drop(page, png(photo((300, 200))))
    expect_answer(page, "the words and the photo")
    expect(page.locator("dialog.xmr-large")).to_be_hidden()
    page.go_back()
    assert expect_answer(page, "the words") == found


def test_a_name_that_is_typed_into_a_filter_and_entered_is_that_one(arrive):
    page = arrive("?words=red")
    field = page.locator(".st-key-where-category input")
    for typed, chosen in (("cup", ["cup"]), ("dog", ["cup", "dog"])):
        idle(page)  # else the answer to the first choice may come while the second is typed
        field.fill(typed)
        expect(page.get_by_role("option").first).to_have_text(f"{typed} (24)")
        page.wait_for_timeout(150)  # until it is the one that Enter takes
        field.press("Enter")
        where = json.dumps({"category": chosen}, separators=(",", ":"))
        page.wait_for_url(lambda address, where=where: parse_qs(urlsplit(address).query).get("where") == [where])


def test_words_are_above_the_fold_and_stay_there_and_on_a_phone_the_answers_follow_them(arrive):
    page = arrive("?words=a+red+car&without=snow")
    top = words(page).bounding_box()["y"]
    assert top < page.locator("canvas.upper-canvas").bounding_box()["y"] and top < 200
    expect(page.get_by_label("Without", exact=True)).to_have_value("snow")
    page.mouse.move(900, 500)
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(300)
    expect(words(page)).to_be_in_viewport(ratio=1)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(150)
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width, width
    phone = arrive("?words=a+red+car", 420, 860, has_touch=True)
    assert phone.locator(".xmr-photos img").first.bounding_box()["y"] < 480
    expect(phone.locator("canvas.upper-canvas")).to_be_hidden()
    assert phone.get_by_label("Without", exact=True).bounding_box()["y"] == words(phone).bounding_box()["y"]
    unfold(phone)
    expect(phone.locator("canvas.upper-canvas")).to_be_visible()
    phone.get_by_label("Without", exact=True).fill("snow")
    phone.wait_for_url("**without=snow*")


def test_on_a_phone_the_first_photos_are_in_sight_while_one_draws_and_one_tap_leads_to_them(arrive):
    phone = arrive("", 420, 800, has_touch=True)
    strip, first = phone.locator(".xmr-peek"), phone.locator(".xmr-photos img").first
    expect(strip).to_be_hidden()
    unfold(phone)
    expect(strip).to_be_visible()
    before = strip.locator("img").first.get_attribute("src")
    stroke(phone, [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8)])
    expect(strip.locator("img").first).not_to_have_attribute("src", before)
    expect_answer(phone, "the drawing")
    expect(strip.locator("img").first).to_have_attribute("src", first.get_attribute("src"))
    strip.click()
    expect(first).to_be_in_viewport(ratio=0.9)
    expect(strip).to_be_hidden()
    phone.goto(phone.url.partition("?")[0] + "?words=a+red+car&like=gallery-cup-0001-0")
    quiet(phone)
    expect(phone.get_by_text("Photos like this one", exact=True)).to_be_visible()
    assert first.bounding_box()["y"] < 560


@pytest.mark.parametrize(("theme", "width", "locale"), [("light", 1366, "en-US"), ("dark", 420, "de-DE")])
def test_axe_finds_no_serious_fault_and_the_browsers_language_is_spoken_until_another_is_chosen(
    arrive, theme, width, locale
):
    page = arrive("?words=ein+rotes+Auto&without=Schnee", width, 900, color_scheme=theme, locale=locale)
    unfold(page)
    other = {"en-US": "Deutsch", "de-DE": "English"}[locale]
    pages = {
        "en-US": ("Words, in English or German", "Gallery", "Photos to upload", "Index them"),
        "de-DE": ("Worte, auf Deutsch oder Englisch", "Fotos", "Fotos hochladen", "Einlesen"),
    }
    field, gallery, upload, index = pages[locale]
    expect(page.get_by_label(field)).to_be_visible()
    assert serious(page) == []
    page.goto(page.url.partition("?")[0] + "gallery")
    quiet(page)
    assert serious(page) == [] and page.evaluate("document.documentElement.lang") == locale[:2]
    page.get_by_role("radio", name=upload).click()  # and the pointer stays on it
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": png(photo((300, 200)))}
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(file)
    expect(page.get_by_role("button", name=index)).to_be_enabled()
    assert serious(page) == []
    page.get_by_role("button", name=other).click()
    expect(page.get_by_role("button", name=other)).to_be_hidden()
    page.reload()
    quiet(page)
    expect(page.get_by_role("button", name=other)).to_be_hidden()  # the browser remembers


def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical on a page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]
