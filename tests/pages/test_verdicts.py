"""Results says in words which system answers best, why others are missing, and what else its charts show."""

import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df

from pages import verdicts
from pages.shared import systems
from pages.verdicts import Figure
from tests.apptest import said

FIGURES = [
    Figure("one", "hit@10", 0.9, 0.01, 0.1),
    Figure("one", "hit@1", 0.17, 0.01, 0.004),
    Figure("two", "hit@1", 0.732, 0.02, 0.004),
    Figure("three", "hit@1", 0.7, 0.02, 0.004),
]


def test_the_best_comes_first_with_chance_the_others_and_those_as_good():
    assert verdicts.best(FIGURES, "sketch_to_photo/instance") == (
        "Of 100 queries, **two** finds a right photo first in 73. Guessing: fewer than 1. Then three (70), one (17). "
        "Not clearly worse, with so few queries: three."
    )
    assert "**two** finds a right text first for 73" in verdicts.best(FIGURES, "photo_to_text")
    assert verdicts.best([FIGURES[0]], "sketch_to_photo") == ""


def test_of_what_is_not_wanted_the_least_is_best():
    few, many = Figure("few", "unwanted@10", 0.05, 0.01, None), Figure("many", "unwanted@10", 0.4, 0.01, None)
    assert verdicts.best([many, few], "minus") == (
        "Of 100 photos that **few** shows first, 5 have what is not wanted. Then many (40)."
    )


def test_curves_errors_and_pairs_are_told():
    assert "80 of 100 photos that **b** shows" in verdicts.half_found({"a": [1, 0.5, 0.4], "b": [0.9, 0.8, 0.1]})
    assert "**b** says it is, is off by 2.2 points" in verdicts.nearest_to_the_truth({"a": 0.08, "b": 0.022})
    assert verdicts.own_nearest([[0.9, 0.1], [0.8, 0.2]]).startswith("Of 2 queries, 1 score")


def test_every_system_without_figures_has_a_reason():
    told = verdicts.absent("chairv2-test", "sketch_to_photo/instance", ["tri", "sketchy-gan", "zero-shot-dann"])
    assert told == "Not in this test: coco-regions, flickr30k-clip, iaprtc12-hashing (takes no drawings)."
    german = verdicts.absent("flickr8k-test-de", "text_to_photo", ["tri"])
    assert (
        "coco-regions, flickr30k-clip (takes no German words)" in german and "iaprtc12-hashing (not measured" in german
    )
    assert verdicts.absent("any", "text_to_photo", list(systems())) == ""


@pytest.mark.slow
def test_results_says_who_finds_chairs_best_and_lists_hits_in_order(opened):
    page = opened("results")
    page.selectbox(key="test").set_value("chairv2-test").run()
    assert "**zero-shot-dann** finds a right photo first in" in said(page) and "(takes no drawings)" in said(page)
    figures = next(frame.value for frame in page.dataframe if "guessing" in frame.value)
    assert [name for name in figures["figure"] if name.startswith("hit")] == ["hit@1", "hit@5", "hit@10"]


@pytest.mark.slow
def test_what_training_checked_is_shown_a_test_at_a_time(opened):
    page = opened("results")
    chosen = page.selectbox(key="validated")
    assert chosen.value == "flickr8k-test-en" and len(chosen.options) > 5
    charts = [chart.proto.datasets for chart in page.get("vega_lite_chart") if len(chart.proto.datasets) == 1]
    held = [convert_arrow_bytes_to_pandas_df(data[0].data.data) for data in charts]
    shown = [{*table.figure} for table in held if "figure" in table]
    assert {f"{way}, hit@{k}" for way in ("words → photo", "photo → words") for k in (1, 10)} in shown
    chosen.set_value("chairv2-test").run()
    assert not page.exception and page.selectbox(key="validated").value == "chairv2-test"
