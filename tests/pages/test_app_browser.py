"""The app in a real Chromium: a person draws with the mouse, types in two languages, uploads, and sees what fits."""

import io
import shutil
import time
from collections import Counter
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser import CHROMIUM, ROOT, draw_example, idle, serve, stroke, unfold
from training.datasets.mixed import things
from xmr import checkpoint
from xmr.gallery import DEMO, Gallery, index_folder
from xmr.modality import Drawing

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")]

WORDED = [name for name in checkpoint.available() if "text" in checkpoint.describe(name)["encoders"]]
SIZES = {"desktop": (1440, 900), "phone": (420, 860)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(XMR_FOLDERS=str(tmp_path_factory.getbasetemp())) as running:
        yield running


@pytest.fixture(params=[(size, theme) for size in SIZES for theme in ("light", "dark")], ids="-".join)
def page(request, server, browser):
    """The Search page, open and idle, whose console has to stay free of errors."""
    size, theme = request.param
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = context.new_page()
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    arrive(page, server.url)
    yield page
    context.close()
    assert not errors


def arrive(page: Page, url: str) -> None:
    """Open the Search page and wait until it is idle."""
    page.goto(url)
    expect(page.get_by_text("photos to find")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_be_hidden()


def categories(page: Page) -> Counter:
    """How often each category is among the ten photos shown. The alternative text of a photo is one of its captions."""
    of_caption = {}
    with Gallery.open(DEMO) as gallery:
        for item in gallery:
            for _, text in gallery.captions(item.id):
                of_caption.setdefault(text, set()).add(item.facts["category"])
    idle(page)
    shown = [image.get_attribute("alt") for image in page.locator(".xmr-photos img").all()]
    return Counter(category for alt in shown for category in of_caption.get(alt, ()))


def upload(page: Page, name: str, content: bytes) -> None:
    page.locator(".st-key-pictures input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/jpeg", "buffer": content}
    )


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG")
    return out.getvalue()


def test_a_phones_menu_makes_way_for_the_page_chosen(server, browser):
    page = browser.new_context(viewport=dict(zip(("width", "height"), SIZES["phone"], strict=True))).new_page()
    arrive(page, server.url)
    for title in ("Systems", "Search"):
        page.get_by_test_id("stExpandSidebarButton").click()
        expect(page.get_by_role("link", name=title)).to_be_in_viewport()
        page.get_by_role("link", name=title).click()
        expect(page.get_by_role("link", name=title)).not_to_be_in_viewport()
    page.context.close()


def test_a_drawing_finds_its_category(page):
    draw_example(page, "cup")
    assert categories(page)["cup"] >= 5


@pytest.mark.parametrize(
    ("words", "category"), [("a red car", "car_(sedan)"), ("ein roter Apfel", "apple"), ("eine Katze", "cat")]
)
def test_words_in_two_languages_find_their_category(page, words, category):
    page.get_by_label("Words, in English or German").fill(words)
    assert categories(page)[category] >= 5


def test_an_uploaded_photo_finds_its_kind_and_captions(page):
    with Gallery.open(DEMO) as gallery:
        item = next(item for item in gallery if item.facts["category"] == "guitar")
        picture = Image.open(gallery.thumb(item.id)).convert("RGB")
    upload(page, "mine.jpg", jpeg(picture))
    expect(page.get_by_text("What the photo might show")).to_be_visible()
    assert categories(page)["guitar"] >= 5


def test_drawing_and_words_together_find_the_colour_of_the_shape(page):
    draw_example(page, "cup")
    page.get_by_label("Words, in English or German").fill("blue, blau")
    expect(page.get_by_text("the drawing and the words")).to_be_visible()
    with Gallery.open(DEMO) as gallery:
        blue_cups = [
            {text for _, text in gallery.captions(item.id)}
            for item in gallery
            if any((thing["category"], thing["colour"]) == ("cup", "blue") for thing in things(item))
        ]
    idle(page)
    shown = {image.get_attribute("alt") for image in page.locator(".xmr-photos img").all()}
    assert blue_cups and all(shown & captions for captions in blue_cups)  # all that there are, among the ten


def test_more_like_this_keeps_the_query(page):
    page.get_by_label("Words, in English or German").fill("a pineapple")
    categories(page)
    page.get_by_role("button", name="More like this").first.press("Enter")
    expect(page.get_by_text("Photos like this one", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="More like this").first).to_be_focused()
    assert categories(page)["pineapple"] >= 5
    page.get_by_role("button", name="Back to my query").click()
    expect(page.get_by_text("Photos like this one", exact=True)).to_be_hidden()
    expect(page.get_by_label("Words, in English or German")).to_have_value("a pineapple")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.jpg", b"these are only words, not a picture", "is not a picture"),
        ("cut.jpg", jpeg(Image.linear_gradient("L").resize((400, 400)))[:2500], "is damaged"),
        ("empty.jpg", b"", "is empty"),
    ],
)
def test_a_bad_upload_is_named_and_loses_nothing(page, name, content, message):
    page.get_by_label("Words, in English or German").fill("a red car")
    expect(page.get_by_text("best of")).to_be_visible()  # an upload while the page is still drawn would be lost
    upload(page, name, content)
    expect(page.get_by_text(message)).to_be_visible()
    assert categories(page)["car_(sedan)"] >= 5


HEADINGS = {
    "Compare": "The same query, asked of several systems",
    "Gallery": "The photos that are searched",
    "Results": "How well each system finds",
    "Systems": "What can search",
}


def turn_to(page: Page, name: str, sign: Locator | None = None) -> None:
    """Open another page of the app, and wait for it, by its heading or what else it shows; on a phone its name is
    behind a button, and the menu closes."""
    narrow = page.viewport_size["width"] < 768
    link = page.get_by_role("link", name=name, exact=True)
    if narrow:
        page.get_by_test_id("stExpandSidebarButton").click()
    link.click()
    if narrow:
        expect(link).not_to_be_in_viewport()
    if sign is None and name == "Search":
        sign = page.get_by_role("radiogroup", name="System", exact=True)
    expect(sign or page.get_by_role("heading", name=HEADINGS[name])).to_be_visible()
    page.wait_for_function("() => !document.querySelector('[data-stale=true]')")


def test_one_query_is_answered_by_several_systems_side_by_side(page):
    turn_to(page, "Compare")
    page.get_by_label("Words, in English or German").fill("a red car")
    expect(page.get_by_text("How far they agree")).to_be_visible()
    grids = page.locator(".xmr-photos")
    expect(grids).to_have_count(len(WORDED))
    for grid in grids.all():
        expect(grid.locator("img")).to_have_count(10)
    expect(page.get_by_text("takes no words").first).to_be_visible()


def test_the_query_goes_along_to_other_pages(page):
    draw_example(page, "cup")
    page.get_by_label("Words, in English or German").fill("blue")
    expect(page.get_by_text("the drawing and the words")).to_be_visible()
    turn_to(page, "Systems")
    turn_to(page, "Compare", page.get_by_role("combobox", name="Which photos are right?"))
    expect(page.get_by_label("Words, in English or German")).to_have_value("blue")
    turn_to(page, "Results")
    turn_to(page, "Search")
    expect(page.get_by_label("Words, in English or German")).to_have_value("blue")
    expect(page.get_by_text("the drawing and the words")).to_be_visible()


def test_results_and_systems_show_every_system(page):
    turn_to(page, "Results")
    expect(page.get_by_text("How well each system finds")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    turn_to(page, "Systems")
    for name in checkpoint.available():
        expect(page.get_by_role("heading", name=name, exact=True).first).to_be_visible()


def test_a_folder_of_ones_own_is_indexed_and_searched(page, tmp_path):
    with Gallery.open(DEMO) as gallery:
        chosen = [item for item in gallery if item.facts["category"] in ("banana", "guitar")][:12]
        for item in chosen:
            Image.open(gallery.thumb(item.id)).convert("RGB").save(tmp_path / f"{item.id}.jpg")
    (tmp_path / "notes.jpg").write_text("no picture")
    turn_to(page, "Gallery")
    field = page.get_by_label("Folder", exact=True)
    field.fill(str(tmp_path))
    field.press("Enter")
    page.get_by_role("button", name="Index them").click()
    expect(page.get_by_text(f"{len(chosen)} photos can be searched now")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Passed over: 1 file")).to_be_visible()
    turn_to(page, "Search")
    page.get_by_label("Words, in English or German").fill("a banana")
    expect(page.get_by_text(f"10 best of {len(chosen)} photos")).to_be_visible()
    first = page.locator(".xmr-photos img").first.get_attribute("alt")
    assert "banana" in first  # the file's name, since nobody described it


@pytest.fixture
def visitor(server, browser):
    """The Search page of a visitor who has a browser of his own, and who is led to no other host."""
    page, asked = browser.new_context(viewport={"width": 1440, "height": 900}).new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    arrive(page, server.url)
    yield page
    page.context.close()
    assert {urlsplit(url).hostname for url in asked if urlsplit(url).scheme not in ("data", "blob")} == {"127.0.0.1"}


EVIL = "![x](https:/evil.example/a.png) <img src=https:/evil.example/b.png> [c](https:/evil.example) www.evil.example"


def test_names_that_others_gave_lead_to_no_other_host(visitor, tmp_path, system):
    page, folder = visitor, tmp_path / EVIL
    folder.mkdir(parents=True)
    Image.new("RGB", (300, 300), "red").save(folder / "red **bold**.jpg")
    (folder / "notes.jpg").write_text("no picture")
    index_folder(tmp_path, [system])
    with Gallery.open(tmp_path) as gallery:
        gallery.put_examples({EVIL: Drawing((np.array([[0.0, 0.0], [1.0, 1.0]]),))})
    turn_to(page, "Gallery")
    for path, message in ((f"{folder}/none", "There is no folder"), (str(tmp_path), "1 photo can be searched now")):
        field = page.get_by_label("Folder", exact=True)
        field.fill(path)
        field.press("Enter")
        page.get_by_role("button", name="Index them").click()
        expect(page.get_by_text(message)).to_be_visible()
    page.get_by_text("Passed over: 1 file").click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.locator(".xmr-photos img")).to_have_attribute("alt", f"{EVIL}/red **bold**.jpg")
    turn_to(page, "Search")
    page.get_by_role("radiogroup", name="Or take an example").get_by_role("radio").click()
    expect(page.get_by_text("1 best of 1 photo of")).to_be_visible()
    assert not page.locator("a[href*=evil], img[src*=evil]").count()


def test_a_visitor_finds_exactly_what_he_uploads_and_nobody_else_does(visitor, server, browser):
    page = visitor
    turn_to(page, "Gallery")
    page.get_by_role("radio", name="Photos to upload").click()
    uploader = page.get_by_test_id("stFileUploader")
    uploader.locator("input[type=file]").set_input_files(
        [
            {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": jpeg(Image.new("RGB", (300, 300), shade))}
            for shade in ("red", "blue")
        ]
    )
    page.get_by_role("button", name="Index them").click()
    expect(page.get_by_text("2 photos can be searched now")).to_be_visible()
    photos = page.locator(".xmr-photos img")
    expect(photos).to_have_count(2)
    assert {photo.get_attribute("alt") for photo in photos.all()} == {"IMG_0001.jpg", "IMG_0001 (2).jpg"}
    other = browser.new_context().new_page()
    arrive(other, server.url)
    expect(other.get_by_text("3,000 photos to find")).to_be_visible()
    other.context.close()
    uploader.get_by_test_id("stFileChipDeleteBtn").first.click()
    expect(photos).to_have_count(1)
    turn_to(page, "Search")
    page.get_by_label("Words, in English or German").fill("blue")
    expect(page.get_by_text("1 best of 1 photo of")).to_be_visible()
    turn_to(page, "Gallery")
    expect(page.get_by_text("Still here from before: 1 photo")).to_be_visible()
    page.get_by_role("button", name="Remove them").click()
    expect(page.get_by_text("of 3,000 photos")).to_be_visible()


def test_uploads_go_with_the_visit(browser, tmp_path):
    with serve(TMPDIR=str(tmp_path), STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1") as server:
        page = browser.new_context().new_page()
        arrive(page, server.url)
        turn_to(page, "Gallery")
        page.get_by_role("radio", name="Photos to upload").click()
        page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(
            {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg(Image.new("RGB", (300, 300), "red"))}
        )
        page.get_by_role("button", name="Index them").click()
        expect(page.get_by_text("1 photo can be searched now")).to_be_visible()
        assert list(tmp_path.glob(".xmr-uploads-*/*/a.jpg"))
        page.context.close()
        for _ in range(600):
            if not list(tmp_path.glob(".xmr-uploads-*/*/*")):
                return
            time.sleep(0.1)
        raise AssertionError("they are still there")


def test_a_file_that_is_too_large_is_refused_in_words(browser):
    with serve(STREAMLIT_SERVER_MAX_UPLOAD_SIZE="1") as server:
        page = browser.new_context(locale="de-DE").new_page()
        page.goto(server.url)
        expect(page.locator(".xmr-skip")).not_to_be_empty()
        upload(page, "large.jpg", bytes(1_100_000))
        why = page.locator(".stFileChip [role=alert]")
        expect(why).to_be_visible()
        assert "höchstens 1 MB je Datei" in why.evaluate("why => getComputedStyle(why, '::after').content")
        assert why.bounding_box()["height"] > 12
        page.context.close()


def test_who_comes_by_another_name_is_offered_no_folder(browser):
    with serve() as server:
        for name, offered in (("127.0.0.1", True), ("localhost", True), ("photos.localhost", False)):
            page = browser.new_page()
            arrive(page, server.url.replace("127.0.0.1", name))
            turn_to(page, "Gallery", page.get_by_role("button", name="Index them"))
            expect(page.get_by_label("Folder", exact=True)).to_have_count(int(offered))
            page.close()


def test_five_visitors_at_once_get_their_own_answers(server, browser):
    wanted = {
        "a red car": "car_(sedan)",
        "eine Katze": "cat",
        "a banana": "banana",
        "ein Pferd": "horse",
        "a guitar": "guitar",
    }
    contexts, errors = [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in wanted], []
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(server.url, wait_until="commit")
    for page, words in zip(pages, wanted, strict=True):
        field = page.get_by_label("Words, in English or German")
        field.fill(words)
        field.press("Enter")
    for page, category in zip(pages, wanted.values(), strict=True):
        assert categories(page)[category] >= 5
    for context in contexts:
        context.close()
    assert not errors


@pytest.mark.parametrize(("words", "message"), [("寻找一只狗", "is known"), ("→ ←", "is known")])
def test_words_of_no_known_language_are_explained(page, words, message):
    page.get_by_label("Words, in English or German").fill(words)
    expect(page.get_by_text(message)).to_be_visible()


def test_ten_thousand_characters_are_answered(page):
    page.get_by_label("Words, in English or German").fill("a car " * 1700)
    assert categories(page)["car_(sedan)"] >= 5


def test_an_example_can_be_taken_and_cleared(page):
    unfold(page)
    page.get_by_text("cup", exact=True).first.click()
    assert categories(page)["cup"] >= 5


def test_the_eraser_takes_a_stroke_away(page):
    unfold(page)
    page.get_by_text("Bold", exact=True).click()
    stroke(page, [(0.2, 0.5), (0.8, 0.5)])
    expect(page.get_by_text("10 best of")).to_be_visible()
    page.get_by_text("Eraser", exact=True).click()
    page.wait_for_timeout(1000)
    stroke(page, [(0.1, 0.5), (0.9, 0.5)])
    expect(page.get_by_text("photos to find")).to_be_visible()


def test_a_missing_checkpoint_is_explained_without_a_traceback(browser, tmp_path):
    for name in ("pages", "xmr", ".streamlit"):  # copied, since a module finds the checkpoints beside its real place
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "app.py", tmp_path)
    (tmp_path / "checkpoints").mkdir()
    with serve(tmp_path, PYTHONPATH=str(tmp_path)) as server:
        page = browser.new_page()
        page.goto(server.url)
        expect(page.get_by_text("There is no checkpoint")).to_be_visible()
        assert "Traceback" not in page.content()
        page.close()
