"""Answers are narrowed down, extended, pushed away, folded and sorted as a slow look at the whole gallery says."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import xmr
from pages import answers, filters
from tests.apptest import cards, grids, ids, press, said
from xmr import Query, Searcher
from xmr.gallery import DEMO, Gallery, index_folder
from xmr.modality import Hit, Item, Modality


@pytest.fixture(scope="module")
def demo():
    with Gallery.open(DEMO) as gallery:
        yield gallery


@pytest.fixture(scope="module")
def searcher(demo):
    return Searcher(xmr.load("tri"), demo)


def ask(page, words: str):
    page.text_input(key="words").set_value(words).run()
    assert not page.exception
    return page


@pytest.mark.parametrize("where", [{}, {"colour": ["red", "blue"]}, {"colour": ["red"], "place": ["snow", "kitchen"]}])
def test_a_filter_counts_what_meets_all_other_conditions(demo, where):
    items = list(demo)
    for fact, number in filters.counts(demo, where).items():
        others = {name: values for name, values in where.items() if name != fact}
        for value, count in number.items():
            met = [i for i in items if all(i.facts.get(name) in values for name, values in others.items())]
            assert count == sum(i.facts.get(fact) == value for i in met), (fact, value)


def test_facts_of_another_gallery_are_no_condition_here(demo, monkeypatch):
    monkeypatch.setattr(filters, "state", SimpleNamespace(where={"colour": ["red", "mauve"], "smell": ["rose"]}))
    assert filters.chosen(demo) == {"colour": ["red"]}


def test_a_range_of_dates_is_a_condition_where_dates_are_known(demo, dated, monkeypatch):
    given = ["2024-03-01..2024-01-15", "2024", "1999", "2024-13-01..2024-14-01"]
    monkeypatch.setattr(filters, "state", SimpleNamespace(where={"taken": given, "language": ["de", "fr"]}))
    assert filters.chosen(demo) == {}
    with Gallery.open(dated) as gallery:
        where = filters.chosen(gallery)
        assert where == {"taken": ["2024", {"from": "2024-01-15", "to": "2024-03-01"}], "language": ["de"]}
        assert filters.counts(gallery, where)["language"] == {"de": 1}


@pytest.fixture
def dated(tmp_path):
    """An indexed folder of three photos of three months and two years, one with a caption."""
    for month, colour in (("2023-06", "blue"), ("2024-01", "red"), ("2024-02", "green")):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"{month.replace('-', ':')}:20 10:00:00"
        Image.new("RGB", (64, 48), colour).save(tmp_path / f"{colour}.jpg", exif=exif)
    (tmp_path / "red.txt").write_text("ein rotes Bild")
    index_folder(tmp_path, [xmr.load("tri")])
    return tmp_path


@pytest.mark.slow
def test_photos_of_a_range_of_dates_or_of_a_language_are_shown(page, dated):
    page.session_state["folder"] = dated / ".xmr"
    ask(page, "red")
    assert len(ids(page)) == 3
    page.date_input(key="where-dates").set_value((date(2023, 6, 20), date(2024, 1, 31))).run()
    assert not page.exception and len(ids(page)) == 2
    page.multiselect(key="where-taken").set_value(["2024"]).run()
    assert not page.exception and len(ids(page)) == 2 and page.date_input(key="where-dates").value == ()
    page.multiselect(key="where-language").set_value(["de"]).run()
    assert not page.exception and len(ids(page)) == 1
    press(page, "Clear filters")
    assert len(ids(page)) == 3


@pytest.mark.slow
def test_filters_leave_the_best_that_meet_them_and_go_again(page, demo, searcher):
    ask(page, "a cup")
    free = ids(page)
    page.multiselect(key="where-colour").set_value(["blue"]).run()
    page.multiselect(key="where-place").set_value(["kitchen", "studio"]).run()
    found = [demo.get(id).facts for id in ids(page)]
    assert len(found) == 10 and all(f["colour"] == "blue" and f["place"] in ("kitchen", "studio") for f in found)
    wanted = searcher.search(text="a cup", where={"colour": "blue", "place": ["kitchen", "studio"]})
    assert ids(page) == [hit.id for hit in wanted]
    press(page, "Clear filters")
    assert ids(page) == free and page.multiselect(key="where-colour").value == []


@pytest.mark.slow
def test_filters_without_a_query_choose_among_the_photos_shown_and_go_again(page, demo):
    free = ids(page)
    ask(page, "a cup").multiselect(key="where-colour").set_value(["blue"]).run()
    ask(page, "")
    blue = [demo.get(id).facts["colour"] for id in ids(page)]
    assert blue == ["blue"] * 10 and page.multiselect(key="where-colour").value == ["blue"]
    press(page, "Clear filters")
    assert ids(page) == free


@pytest.mark.slow
def test_ten_more_are_shown_on_demand_and_another_query_begins_with_ten(page):
    ask(page, "a cup")
    first = ids(page)
    press(page, "Show more")
    assert len(ids(page)) == 20 and ids(page)[:10] == first and "20 best of" in said(page)
    assert page.query_params["show"] == "20"
    assert len(ids(ask(page, "a red cup"))) == 10 and "show" not in page.query_params


@pytest.mark.slow
def test_less_like_a_photo_takes_it_and_its_kind_away_until_it_is_taken_back(page, demo):
    ask(page, "red")
    before = ids(page)
    unwanted = before[0]
    page.session_state["less"] = (unwanted, "a photo of another gallery")
    page.run()
    assert not page.exception and unwanted not in ids(page) and "Less like" in said(page)
    kind = demo.get(unwanted).facts["category"]
    count = [sum(demo.get(id).facts["category"] == kind for id in found) for found in (before, ids(page))]
    assert count[1] < count[0] and page.session_state["less"] == (unwanted,)
    press(page, "Not any more")
    assert ids(page) == before


@pytest.mark.slow
def test_nearly_the_same_is_folded_under_the_better_one(page, searcher, monkeypatch):
    ask(page, "a cup")
    assert not page.toggle and not any(card["alike"] for card in cards(page))  # the shipped ten differ
    monkeypatch.setattr(answers, "ALIKE", 0.8)
    page.run()
    vectors = {id: searcher.like(id).content for id in ids(page)}
    ranked = [hit.id for hit in searcher.search(text="a cup", k=200)]
    shown = []
    for card in cards(page):
        near = [other for other in shown if float(vectors[card["id"]] @ vectors[other]) >= answers.ALIKE]
        assert card["alike"] == (near[0] if near else None)
        shown += [] if near else [card["id"]]
    assert len(shown) == 10 < len(cards(page)) and ids(page) == sorted(ids(page), key=ranked.index)
    assert "The 10 best of" in said(page)
    assert sum(int(card["copies"].split()[1]) for card in cards(page) if card["copies"]) == len(cards(page)) - 10
    page.toggle(key="fold").set_value(False).run()
    assert ids(page) == ranked[:10] and not any(card["alike"] for card in cards(page))


def test_answers_are_folded_under_the_first_that_stands():
    vectors = {"a": [1, 0], "b": [0, 1], "c": [1, 0.01], "d": [0.01, 1], "e": [1, 1]}
    vectors = {id: np.float32(v) / np.linalg.norm(v) for id, v in vectors.items()}
    searcher = SimpleNamespace(like=lambda id: SimpleNamespace(content=vectors[id]))
    hits = [Hit(Item(id, Modality.PHOTO, ""), 1.0, rank) for rank, id in enumerate(vectors, 1)]
    assert answers._folded(searcher, hits) == {"c": "a", "d": "b"}


@pytest.mark.parametrize(("order", "wanted"), [("match", "abcd"), ("newest", "cabd"), ("oldest", "bacd")])
def test_answers_are_sorted_by_match_or_by_date(order, wanted):
    dates = {"a": "2024-05-01", "b": "2023-01-01", "c": "2025-12-31", "d": None}
    hits = [Hit(Item(id, Modality.PHOTO, "", facts={"taken": date}), 1.0, 1) for id, date in dates.items()]
    place = SimpleNamespace(selectbox=lambda *_, **__: order)
    found = "".join(hit.id for hit in answers._sorted(hits, place))
    assert found == wanted
    assert answers._sorted(hits[3:], None) == hits[3:]  # no date, no choice


@pytest.mark.slow
def test_what_a_photo_might_show_is_told_only_where_the_system_is_sure(page, searcher, monkeypatch):
    page.session_state["like"] = "gallery-cup-0001-0"
    page.run()
    (fold,) = [one for one in page.expander if one.label == "What the photo might show"]
    assert not fold.proto.expanded
    query = Query((searcher.like("gallery-cup-0001-0"),))
    sure = [hit for hit in searcher.captions(query, 10, "en") if hit.match >= answers.SURE]
    assert fold.text[0].value.split("\n") == [hit.item.content for hit in sure]
    monkeypatch.setattr(answers, "SURE", 1.01)
    assert not page.run().expander


@pytest.mark.slow
def test_what_counted_in_a_photo_is_told_on_demand_and_why_it_cannot_be(page, searcher, monkeypatch):
    first = ids(ask(page, "a cup"))[0]
    assert grids(page)[0]["why"] and grids(page)[0]["heat"] is None
    page.session_state["why"] = first
    page.run()
    (grid,) = grids(page)
    wanted = searcher.explain_map(Query.of(text="a cup"), first)
    assert grid["heat"]["id"] == first and np.allclose(grid["heat"]["cells"], wanted, atol=1e-5)

    def failing(*_):
        raise xmr.BadInput("It cannot be told.")

    monkeypatch.setattr(Searcher, "explain_map", failing)
    assert grids(page.run())[0]["said"] == "It cannot be told." and grids(page)[0]["heat"]["cells"] is None
    page.session_state["why"] = None
    assert grids(page.run())[0]["said"] == "" and not page.exception


@pytest.mark.slow
def test_what_a_photo_is_and_how_sure_the_system_is_goes_with_it(page, demo):
    card = cards(ask(page, "a cup"))[0]
    facts, told = demo.get(card["id"]).facts, dict(card["facts"])
    assert (told["Thing"], told["Colour"], told["Place"]) == ("cup", facts["colour"], facts["place"])
    assert told["How sure"].startswith(card["note"].partition(" · ")[2]) and card["path"] is None
    assert set(card["captions"]) == {text for _, text in demo.captions(card["id"])}
    spoken = [{text: language for language, text in demo.captions(card["id"])}[text] for text in card["captions"]]
    assert spoken == sorted(spoken, reverse=True)  # English before German


@pytest.mark.parametrize(
    ("matches", "alone", "said"),
    [
        ((0.24, 0.1), True, "Nothing here seems to fit the drawing. These come nearest."),
        ((0.24, 0.1), False, "Nothing here seems to fit the drawing. These come nearest."),
        ((0.1, 0.37), True, "Perhaps nothing here fits: the best of these is 37% sure."),
        ((0.1, 0.37), False, None),
        ((0.5, 0.1), True, None),
        ((None, None), True, None),  # a system that states no match
    ],
)
def test_doubt_is_said_where_no_answer_is_likely(monkeypatch, matches, alone, said):
    told = []
    monkeypatch.setattr(answers.st, "info", lambda text, icon: told.append(text))
    hits = [Hit(Item(str(n), Modality.PHOTO, ""), 1.0, n, match) for n, match in enumerate(matches, 1)]
    answers._doubt(hits, "the drawing", alone)
    assert told == ([said] if said else [])
