"""The query is the address: what is asked is in it, who comes by it is asked the same, and it is not trusted."""

import json
import sys

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import xmr
from pages import filters, kept
from pages.shared import BENCHMARKS
from pages.widgets.strokes import from_text
from tests.apptest import ids, press, said
from tests.browser import ROOT
from tests.pages.test_pictures import give, paper, photo, png
from xmr import checkpoint
from xmr.gallery import DEMO, Gallery, index_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def comes_by(monkeypatch):
    """The app as somebody finds it who comes by an address."""
    monkeypatch.chdir(ROOT)

    def comes_by(address: dict[str, str], to: str = "search") -> AppTest:
        page = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=60)
        page.switch_page(f"{to}.py")
        for name, text in address.items():
            page.query_params[name] = text
        page.run()
        assert not page.exception
        return page

    return comes_by


def address(page: AppTest) -> dict[str, str]:
    return {name: text if isinstance(text, str) else text[-1] for name, text in page.query_params.items()}


def go_back(page: AppTest, to: dict[str, str]) -> AppTest:
    """What Streamlit does when the browser goes back: a run with another address, marked as such."""
    visit = sys.modules["pages.visit"]
    page.query_params.clear()
    for name, text in to.items():
        page.query_params[name] = text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visit, "went_through_history", lambda: True)
        page.run()
    assert not page.exception
    return page


def test_who_comes_by_an_address_is_asked_the_same_query(opened, comes_by):
    page = opened("frame")
    page.text_input(key="words").set_value("a cup").run()
    page.text_input(key="without").set_value("snow").run()
    page.pills(key="example").set_value("cup").run()
    page.slider(key="weight-drawing").set_value(0.3).run()
    give(page, png(photo()))
    page.slider(key="weight-picture-1").set_value(0.1).run()
    there = address(page)
    assert there.keys() == {"words", "without", "drawing", "weights", "pictures"} and len(str(there)) < 8_000
    other = comes_by(there)
    assert ids(other) == ids(page) and len(ids(page)) == 10
    assert address(other) == there and other.text_input(key="without").value == "snow"
    assert len(other.session_state["history"].strokes) == len(from_text(there["drawing"]).strokes)


def test_back_gives_the_query_before_and_a_field_is_filled_only_then(opened):
    page = opened("frame")
    page.pills(key="example").set_value("cup").run()
    first, answer = address(page), ids(page)
    page.text_input(key="words").set_value("red").run()
    second = address(page)
    assert ids(page) != answer and not any(field.proto.set_value for field in page.text_input)
    canvas = page.session_state["canvas"]
    go_back(page, first)
    assert ids(page) == answer and page.text_input(key="words").value == "" and address(page) == first
    assert page.session_state["canvas"] == canvas  # what was not changed stays as it is
    go_back(page, {})
    assert "photos to find" in said(page) and address(page) == {}
    go_back(page, second)
    assert address(page) == second and page.text_input(key="words").value == "red" and len(ids(page)) == 10
    page.run()
    assert address(page) == second


def test_typing_after_more_like_this_counts_together_with_it(opened):
    page = opened("frame")
    page.session_state["like"] = "gallery-cup-0001-0"
    alone = ids(page.run())
    page.text_input(key="words").set_value("in snow").run()
    assert ids(page) != alone and "Photos like this one" in said(page)
    assert address(page) == {"words": "in snow", "like": "gallery-cup-0001-0", "mix": "1"}
    press(page, "Back to my query")
    assert address(page) == {"words": "in snow"}


def test_a_picture_after_more_like_this_counts_together_with_it_and_the_next_photo_counts_alone(opened):
    page = opened("frame")
    page.text_input(key="words").set_value("in snow").run()
    page.session_state["like"] = "gallery-cup-0001-0"
    alone = ids(page.run())
    assert "Does not count with" in said(page) and "takes no words" not in said(page)
    give(page, png(paper()))
    assert address(page)["mix"] == "1" and "Does not count with" not in said(page) and ids(page) != alone
    press(page, "Remove")
    assert address(page) == {"words": "in snow", "like": "gallery-cup-0001-0", "mix": "1"}
    press(page, "Back to my query")
    page.session_state["like"] = "gallery-cup-0001-0"
    assert ids(page.run()) == alone and "mix" not in address(page)


def test_clear_all_empties_the_query_and_the_strip_leads_back(opened):
    page = opened("frame")
    page.text_input(key="words").set_value("a red car").run()
    page.pills(key="example").set_value("cup").run()
    there, answer = address(page), ids(page)
    press(page, "Clear all")
    assert address(page) == {} and "photos to find" in said(page)
    assert next(button for button in page.button if button.label == "Clear all").disabled
    both, alone = (button.label for button in page.button if button.label.endswith("a red car"))
    assert both.startswith("![a drawing](data:image/webp;base64,") and alone == "a red car"
    press(page, both)
    assert address(page) == there and ids(page) == answer


def test_what_is_typed_in_one_go_is_one_earlier_query(opened):
    page = opened("frame")
    for words in ("a", "a r", "a red car"):
        page.text_input(key="words").set_value(words).run()
    assert [params for _, params, _ in page.session_state["past"]] == [{"words": "a red car"}]


def test_earlier_queries_are_told_apart_by_what_is_seen_of_them_and_by_their_filters(opened, monkeypatch):
    monkeypatch.setattr("pages.address._TOGETHER", 0)
    page = opened("frame")
    for example in ("cup", "bicycle"):
        page.pills(key="example").set_value(example).run()
    give(page, png(paper()))
    press(page, "Clear all")
    for colour in ("red", "blue"):
        page.text_input(key="words").set_value("a cup").run()
        page.multiselect(key="where-colour").set_value([colour]).run()
        press(page, "Clear all")
    labels = [button.label for button in page.button if button.key and button.key.startswith("past-")]
    assert len(set(labels)) == len(labels) == 6
    assert {"a cup \\+ only blue", "a cup \\+ only red"} <= set(labels)
    assert sum(label.count("![a picture](") for label in labels) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"drawing": "no drawing"}, "The drawing in this address is damaged"),
        ({"drawing": "A" * 500_000}, "The drawing in this address is damaged"),
        ({"pictures": "../../etc/passwd.photo"}, "The pictures in this address cannot be read"),
        ({"pictures": ",".join(["a" * 16 + ".photo"] * 500)}, "The pictures in this address cannot be read"),
        ({"pictures": "aaaaaaaaaaaaaaaa.photo"}, "no longer kept by the server"),
        ({"weights": "drawing:1e9"}, "The weights in this address cannot be read"),
        ({"weights": "<script>:1"}, "The weights in this address cannot be read"),
        ({"where": "[" * 11_999}, "The filters in this address cannot be read"),
        ({"where": '{"category": {"a": 1}}'}, "The filters in this address cannot be read"),
        ({"where": json.dumps({"category": ["cup"] * 25})}, "The filters in this address cannot be read"),
        ({"where": '{"category": ["\\ud800"]}'}, "The filters in this address cannot be read"),
        ({"where": '{"\\udc80": ["cup"]}'}, "The filters in this address cannot be read"),
        ({"gallery": "/etc"}, "is not among the folders that may be used here"),
        ({"gallery": "![x](https://evil.example/a.png)"}, "is not an absolute path"),
        ({"gallery": "uploads"}, "on the page Gallery. Searched instead: The shipped photos."),
        ({"show": "-1"}, "asks for a number of photos that cannot be shown"),
        ({"system": "evil"}, "names a system that is not here"),
        ({"like": "../evil"}, "is not in this gallery"),
    ],
)
def test_what_cannot_be_used_of_an_address_is_told_in_a_sentence_and_the_words_still_count(
    comes_by, monkeypatch, given, told
):
    monkeypatch.setenv("XMR_FOLDERS", "/nowhere")
    page = comes_by({"words": "a red car", **given})
    warnings = "\n".join(warning.value for warning in page.warning).replace("\\", "")
    assert told in warnings and len(page.warning) == 1 and len(ids(page)) == 10
    assert address(page.run()) == {"words": "a red car"} and not page.exception
    page.text_input(key="words").set_value("a red cup").run()
    assert not page.warning  # of another query


def test_whom_one_compares_and_whether_without_names_is_in_the_address_of_compare(comes_by):
    page = comes_by({"words": "a red car"}, "compare")
    page.pills(key="compared").set_value(["tri", "flickr30k-clip"]).run()
    there = address(page)
    assert there == {"words": "a red car", "systems": "text:tri,flickr30k-clip"}
    assert comes_by(there, "compare").session_state["compared"] == ["tri", "flickr30k-clip"]
    page.toggle(key="blind").set_value(True).run()
    there = address(page)
    assert there["blind"] == "1" and len(page.session_state["past"]) == 1  # the same query
    assert comes_by(there, "compare").toggle(key="blind").value is True
    page.toggle(key="blind").set_value(False).run()
    assert "blind" not in address(page)
    assert address(comes_by(there)) == {"words": "a red car"}  # on Search it means nothing


@pytest.mark.parametrize(
    ("systems", "told"),
    [
        ("text:evil", "names a system that is not here"),
        ("<b>:tri", "The systems in this address cannot be read"),
        ("text+sketch:tri", "The systems in this address cannot be read"),  # not as it is written
    ],
)
def test_whom_a_hostile_address_wants_compared_is_told_and_all_are_compared(comes_by, systems, told):
    page = comes_by({"words": "a red car", "systems": systems}, "compare")
    (warning,) = page.warning
    assert told in warning.value and "tri" in page.session_state["compared"] and not page.exception


def test_endless_words_are_cut_and_unknown_parts_dropped(comes_by):
    page = comes_by({"words": "a red car on the beach " * 10_000, "evil": "1"})
    assert address(page).keys() == {"words"} and len(address(page)["words"]) == 2_000 and len(ids(page)) == 10


def test_as_many_photos_as_were_shown_are_shown_again(opened, comes_by):
    page = opened("frame")
    page.text_input(key="words").set_value("a cup").run()
    few = address(page)
    press(page, "Show more")
    there = address(page)
    assert there == few | {"show": "20"} and ids(comes_by(there)) == ids(page) and len(ids(page)) == 20
    page.text_input(key="words").set_value("a dog").run()
    assert len(ids(page)) == 10 and address(page) == {"words": "a dog"}
    assert len(ids(go_back(page, there))) == 20 and len(ids(go_back(page, few))) == 10
    assert len([button for button in page.button if button.label == "a cup"]) == 0


def test_as_many_filters_as_can_be_chosen_are_taken_from_the_address(opened, comes_by):
    page = opened("frame")
    page.text_input(key="words").set_value("a cup").run()
    field = page.multiselect(key="where-category")
    assert field.proto.max_selections == filters.MOST_VALUES
    with Gallery.open(DEMO) as gallery:
        names = gallery.categories()
    field.set_value(names[: filters.MOST_VALUES]).run()
    other = comes_by(address(page))
    assert ids(other) == ids(page) and address(other) == address(page) and not other.warning
    long = {"folder": ["ü" * 200 + str(number) for number in range(filters.MOST_VALUES)]}
    assert not comes_by({"where": json.dumps(long, ensure_ascii=False)}).warning


def test_a_folder_is_opened_by_an_address_only_where_the_visitor_may_name_it(comes_by, monkeypatch, photo_folder):
    index_folder(photo_folder, [checkpoint.load("tri")])
    monkeypatch.setenv("XMR_FOLDERS", str(photo_folder.parent))
    page = comes_by({"gallery": str(photo_folder), "system": "tri"})
    assert "6 photos of “my photos” to find" in said(page) and address(page)["gallery"] == str(photo_folder)
    monkeypatch.setenv("XMR_FOLDERS", "")
    page = comes_by({"gallery": str(photo_folder)})
    assert "3,000 photos to find" in said(page) and "cannot be searched from here" in said(page)


def test_a_photo_is_asked_with_as_the_address_leads_to_it(opened, comes_by):
    page = opened("frame")
    give(page, png(photo((1200, 800))))
    (there,), (later,) = page.session_state["pictures"], comes_by(address(page)).session_state["pictures"]
    assert there is not later and (np.asarray(there.content) == np.asarray(later.content)).all()
    assert (there.vectors["tri"].content == later.vectors["tri"].content).all()


def test_a_picture_is_found_by_its_name_with_its_part_until_it_is_no_longer_kept(opened, comes_by, monkeypatch):
    page = opened("frame")
    give(page, png(paper()))
    name = page.session_state["pictures"][0].name
    page.segmented_control(key=f"use-{name}").set_value("photo").run()
    there = {"pictures": f"{name}.photo.100-200-900-800"}
    other = comes_by(there)
    (picture,) = other.session_state["pictures"]
    assert picture.box == (0.1, 0.2, 0.9, 0.8) and abs(picture.part.width - 0.8 * picture.content.width) <= 1
    assert address(other) == there and len(ids(other)) == 10
    monkeypatch.setattr(kept, "MAX_AGE", -1)
    assert "no longer kept by the server" in said(comes_by(there))


def test_what_is_chosen_on_results_is_in_the_address_and_a_link_and_back_show_it(opened, comes_by):
    def shown(page: AppTest) -> tuple:
        return page.selectbox(key="test").value, *(
            page.segmented_control(key=name).value for name in ("question", "trained", "mapped")
        )

    page = opened("frame").switch_page("results.py").run()
    page.selectbox(key="test").set_value("chairv2-test").run()
    assert address(page) == {"test": "chairv2-test"}
    page.selectbox(key="test").set_value("flickr8k-test-en").run()
    before, first = shown(page), address(page)
    page.segmented_control(key="question").set_value("photo_to_text").run()
    page.segmented_control(key="mapped").set_value("place").run()
    there = address(page)
    assert there == {"test": "flickr8k-test-en", "question": "photo_to_text", "mapped": "place"}
    other = comes_by(there | {"words": "a red car"}, "results")
    assert shown(other) == shown(page) and address(other) == there | {"words": "a red car"}
    assert shown(go_back(page, first)) == before and address(page) == first
    other.switch_page("search.py").run()
    assert address(other) == {"words": "a red car"}
    other.switch_page("results.py").run()
    assert shown(other) == shown(comes_by(there, "results"))


def test_a_choice_that_results_does_not_offer_is_told_and_another_test_has_its_own_questions(comes_by):
    page = comes_by({"test": "none", "trained": "<script>"}, "results")
    assert len(page.warning) == 2 and "names something that is not here" in said(page)
    assert address(page.run()) == {} and not page.warning
    page = comes_by({"test": "flickr8k-test-en", "question": "photo_to_text"}, "results")
    page.selectbox(key="test").set_value("chairv2-test").run()
    assert address(page) == {"test": "chairv2-test"} and not page.warning


def test_the_length_of_nested_codes_is_chosen_on_search_with_what_each_finds_beside_it(opened, comes_by):
    page = opened("frame")
    page.text_input(key="words").set_value("two dogs on the beach").run()
    assert "code" not in {one.key for one in page.segmented_control}  # of tri there is one length
    page.segmented_control(key="system").set_value("iaprtc12-hashing").run()
    code = page.segmented_control(key="code")
    assert not page.exception and (list(code.options), code.value) == (["16", "32", "48", "64"], 64)
    whole = ids(page)
    (told,) = [one.value for one in page.caption if "Mean average precision by bits" in one.value]
    study = json.loads((checkpoint.ROOT / "iaprtc12-hashing" / "study.json").read_text())["variants"]
    maps = [v for k, v in study["nested 16 bits"]["flickr8k-tags"]["metrics"].items() if k.endswith("/map")]
    assert f"16: {np.mean(maps):.3f}" in told
    speed = json.loads((BENCHMARKS / "codes.json").read_text())
    assert f"A search among {speed['photos']:,} photos" in told
    assert f"16: {speed['bits']['16']['times_whole']:.2f}, 32:" in told and "64: 1.00." in told
    page.segmented_control(key="code").set_value(16).run()
    assert not page.exception and address(page)["bits"] == "16" and ids(page) != whole
    short = xmr.open(system="iaprtc12-hashing@16").search(text="two dogs on the beach")
    assert ids(page)[:10] == [hit.id for hit in short]
    assert ids(comes_by(address(page)))[:10] == [hit.id for hit in short]
    wrong = comes_by(address(page) | {"bits": "17"})
    assert "asks for a code length that does not exist" in said(wrong) and ids(wrong)[:10] == whole[:10]
