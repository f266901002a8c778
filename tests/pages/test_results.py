"""Results and Systems show what the files hold, and what a slow look at the shipped photos finds."""

from __future__ import annotations

import json

import numpy as np
import pytest

import xmr
from pages import charts, shared, votes, weak_spots
from tests.apptest import cards, ids, said
from tests.browser import ROOT
from xmr import checkpoint
from xmr.gallery import DEMO, Gallery
from xmr.modality import Modality, Query, Term
from xmr.search import Searcher

SYSTEMS = checkpoint.available()


def held(system: str, file: str) -> dict:
    path = ROOT / "checkpoints" / system / f"{file}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


@pytest.fixture
def results(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(votes, "user_state_path", lambda _: tmp_path)
    return opened("results")


def test_a_system_has_one_colour_whatever_is_shown_beside_it():
    own = {name: charts.colour_of(name) for name in SYSTEMS}
    assert len(set(own.values())) == len(own)
    for shown in (SYSTEMS, SYSTEMS[::2], SYSTEMS[::-1]):
        scale = charts.colours(shown).to_dict()["scale"]
        assert dict(zip(scale["domain"], scale["range"], strict=True)) == {name: own[name] for name in shown}


def bright(colour: str) -> float:
    """Relative luminance (WCAG 2)."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return float(np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_the_colours_are_seen_on_white_and_on_black():
    for colour in charts._COLOURS:
        light = bright(colour)
        assert min(1.05 / (light + 0.05), (light + 0.05) / 0.055) >= 3, colour  # for graphics, WCAG 1.4.11


def test_no_title_is_inside_a_chart_where_a_phone_cuts_it_off_and_chance_is_as_wide_as_its_bar(results):
    specs = [json.loads(chart.proto.spec) for chart in results.get("vega_lite_chart")]
    assert len(specs) > 4 and not any("title" in spec for spec in specs)
    bars, chance = specs[0]["layer"][0], specs[0]["layer"][-1]
    assert bars["mark"]["type"] == chance["mark"]["type"] == "bar"
    assert bars["encoding"]["xOffset"] == chance["encoding"]["xOffset"]


def test_charts_and_figures_are_written_as_the_language_writes_them(results):
    def decimals(page) -> set[str]:
        specs = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
        return {spec.get("config", {}).get("locale", {}).get("number", {}).get("decimal", ".") for spec in specs}

    assert decimals(results) == {"."} and "calibration error): tri 0." in said(results)
    results.session_state["language"] = "de"
    assert decimals(results.run()) == {","} and "calibration error): tri 0," in said(results)


@pytest.mark.slow
def test_every_test_shows_its_figures_and_a_curve_only_where_several_photos_are_right(results):
    tests = {}
    for name in sorted(SYSTEMS, key=lambda name: name != "tri"):  # the default first
        for protocol, entry in held(name, "metrics")["protocols"].items():
            tests.setdefault(protocol, []).append(entry)
    page = results
    assert page.selectbox[0].options == [charts.protocol_name(protocol) for protocol in tests]
    for protocol, entries in tests.items():
        page.selectbox[0].set_value(protocol).run()
        assert not page.exception and entries[0]["about"] in said(page)
        question = page.segmented_control(key="question").value
        several = [
            entry
            for entry in entries
            if f"{question}/hit@1" not in entry["metrics"]
            or entry["metrics"].get(f"{question}/recall@1", 1) < entry["metrics"][f"{question}/hit@1"]
        ]
        drawn = any(question in entry.get("curves", {}) for entry in several)
        title = "**Precision and recall: how much is right, the further you look**"  # no chart has it inside, cut off
        assert (title in said(page).splitlines()) == drawn, protocol


@pytest.mark.slow
def test_a_legend_below_a_chart_has_the_columns_that_there_is_room_for_and_takes_nothing_from_the_plot(results):
    specs = [json.loads(chart.proto.spec) for chart in results.get("vega_lite_chart")]
    below = 0
    for spec in specs:
        legend = spec.get("encoding", {}).get("color", {}).get("legend") or {}
        if legend.get("orient") == "bottom":
            below += 1
            assert "floor(width / " in legend["columns"]["expr"] and spec["autosize"]["type"] == "fit-x"
    assert below


@pytest.mark.slow
def test_how_each_system_was_trained_is_shown_whole(results):
    page = results
    before = len(page.get("vega_lite_chart"))
    for name in SYSTEMS:
        page.segmented_control(key="trained").set_value(name).run()
        study, space = held(name, "study"), held(name, "space")
        charts_shown = len(page.get("vega_lite_chart"))
        had = held("tri", "study"), held("tri", "space")
        extra = [3 * bool(space), any(" bits" in variant for variant in study.get("variants", {}))]
        was = [3 * bool(had[1]), any(" bits" in variant for variant in had[0].get("variants", {}))]
        assert not page.exception and charts_shown - sum(extra) == before - sum(was), name
        for variant in {measured.split()[0] for measured in study.get("variants", {})}:
            assert f"- **{variant}**: " in said(page), (name, variant)
        both = any(variant.startswith("as-published") for variant in study.get("variants", {}))
        assert ("##### As published, and repaired" in said(page)) == both, name
        kept = [frame.value for frame in page.dataframe if "times on test" in frame.value]
        assert len(kept) == bool(study.get("val")), name
        for row in kept[0].itertuples() if kept else ():
            score = study["val"].get(row.variant, {"metrics": {"score": None}})["metrics"]["score"]
            assert row[2] == "–" if score is None else row[2].startswith(f"{score:.3f}")
        if study:
            further = checkpoint.describe(name)["card"]["command"].split()[1] != name
            assert ("What ships was trained further from" in said(page)) == further, name


@pytest.mark.slow
def test_votes_are_shown_with_the_range_of_the_true_share(results):
    assert "Nobody has voted yet" in said(results)
    for better in ("first", "first", "second", "neither"):
        votes.add("sketch+text", "tri", "sketchy-gan", better)
    results.run()
    (row,) = next(f.value for f in results.dataframe if "first better" in f.value).to_dict("records")
    assert (row["first"], row["second"], row["asked with"]) == ("sketchy-gan", "tri", "drawings + words")
    assert (row["first better"], row["second better"], row["both alike"]) == (1, 2, 1)
    assert row["first better, of those that chose"] == "33% (6% – 79%)"  # by hand


@pytest.mark.slow
def test_the_worst_queries_are_shown_with_what_they_found(results):
    page = results
    assert not cards(page)
    page.toggle(key="look").set_value(True).run()
    with Gallery.open(DEMO) as gallery:
        found = weak_spots.look(Searcher(xmr.load("tri"), gallery), Modality.PHOTO)
        kinds = weak_spots.by_kind(found)
        assert not page.exception and page.selectbox(key="look_kind").value == kinds.kind[0]
        worst = found[found.kind == kinds.kind[0]].sort_values("right", kind="stable").iloc[0]
        assert ids(page)[:11] == [worst["query"], *worst.found]
        framed = [card["framed"] for card in cards(page)[1:11]]
        assert framed == [kinds.kind[0] in gallery.get(id).labels for id in worst.found]
        assert worst.right == pytest.approx(np.mean(framed))


@pytest.mark.parametrize("name", ["tri", "iaprtc12-hashing"])
def test_a_look_finds_what_a_search_finds(name):
    with Gallery.open(DEMO) as gallery:
        searcher = Searcher(xmr.load(name), gallery)
        rows, vectors = gallery.vectors(searcher.system, Modality.TEXT, "en")
        texts, at = gallery.find_texts(rows), {}
        for row, vector in zip(rows, vectors, strict=True):
            at.setdefault(texts[row].content, (vector, texts[row].labels))
        found = weak_spots.look(searcher, Modality.TEXT, "en")
        for query in found.iloc[:: len(found) // 8].itertuples():
            vector, labels = at[query.query]
            vector = np.sign(vector).astype(np.float32) if searcher.system.space == "hamming" else vector
            hits = searcher.search(Query((Term(Modality.TEXT, vector),)))
            right = np.mean([bool(hit.item.labels & labels) for hit in hits])
            if searcher.system.space == "cosine":  # codes are often as near as one another
                assert list(query.found) == [hit.id for hit in hits]
                assert query.right == pytest.approx(right)
            assert len(query.found) == 10 and query.kind == ", ".join(sorted(labels))


def test_a_photo_is_no_answer_to_itself_and_kinds_are_means(gallery, system):
    found = weak_spots.look(Searcher(system, gallery), Modality.PHOTO)
    assert all(query.query not in query.found and len(query.found) == 5 for query in found.itertuples())
    for row in weak_spots.by_kind(found).itertuples():
        own = found[found.kind == row.kind]
        assert row.queries == len(own) and row.right == pytest.approx(sum(own.right) / len(own))
    assert list(weak_spots.by_kind(found).right) == sorted(weak_spots.by_kind(found).right)
    assert not len(weak_spots.look(Searcher(system, gallery), Modality.SKETCH))  # no examples here


@pytest.mark.slow
def test_the_worst_queries_of_a_test_are_shown_where_they_are_of_the_same_weights(opened, monkeypatch):
    worst = {"chairv2-test": {"sketch_to_photo/instance": [{"query": "one", "rank": 87, "found": "two"}]}}
    found = {name: {**files, "worst": {}} for name, files in shared.reports().items()}
    found["tri"]["worst"] = {"weights": found["tri"]["metrics"]["weights"], "protocols": worst}
    found["sketchy-gan"]["worst"] = {"weights": "others", "protocols": worst}
    monkeypatch.setattr(shared, "reports", lambda: found)
    page = opened("results")
    column = "rank of the first right answer"
    assert not any(column in frame.value for frame in page.dataframe)
    page.selectbox(key="test").set_value("chairv2-test").run()
    (lines,) = (frame.value for frame in page.dataframe if column in frame.value)
    assert lines.to_dict("records") == [{"system": "tri", "query": "one", column: 87, "came first": "two"}]


@pytest.mark.slow
def test_every_system_has_a_card(opened):
    page = opened("systems")
    for name in SYSTEMS:
        config = checkpoint.describe(name)
        assert config["about"] in said(page) and config["card"]["limits"] in said(page)
        assert config["card"].get("differs", "") in said(page) and ("differs" in config["card"]) == (name != "tri")
