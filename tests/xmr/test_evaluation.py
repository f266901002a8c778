"""The evaluator: who is asked, what is a match, which rows count, and figures equal to a slow loop over queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from xmr import evaluation, metrics
from xmr.evaluation import (
    SAYS_MORE,
    Comparison,
    Protocol,
    Question,
    by_kind,
    labels_of,
    measure,
    measure_questions,
    relevance,
    summary,
    values_of,
)
from xmr.modality import Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
TO_PHOTO = Comparison("sketch_to_photo", (SKETCH, None), (PHOTO, None), "class", ("p@1", "map@3", "median_rank"))
AMONG = Comparison("photo_to_photo", (PHOTO, None), (PHOTO, None), "class", ("hit@1", "map"))


@pytest.fixture
def pool() -> tuple[list[Item], dict[str, np.ndarray]]:
    """20 photos and 17 sketches of 4 classes, one of them without a photo; and a vector for each."""
    rng = np.random.default_rng(0)
    photos = [Item(f"p{n}", PHOTO, "", frozenset({f"class:{n % 3}"})) for n in range(20)]
    sketches = [Item(f"s{n}", SKETCH, "", frozenset({f"class:{n % 4}"})) for n in range(17)]
    return photos + sketches, {item.id: rng.normal(size=5) for item in photos + sketches}


@pytest.fixture
def vectors(pool) -> Callable[[list[Item]], np.ndarray]:
    """The pool's vectors, as measure asks for them."""
    return lambda items: np.stack([pool[1][item.id] for item in items])


def protocol(*comparisons: Comparison) -> Protocol:
    return Protocol("x", "about", lambda split: [], comparisons)


def slowly(name: str, queries: list[Item], gallery: list[Item], emb: dict, itself: bool) -> list[float]:
    """Query by query."""
    found = []
    for query in queries:
        others = [item for item in gallery if not (itself and item.id == query.id)]
        scores = np.array([[emb[query.id] @ emb[item.id] for item in others]])
        relevant = np.array([[bool(query.labels & item.labels) for item in others]])
        found += metrics.measure(name, scores, relevant).tolist()
    return found


@pytest.mark.parametrize("at_a_time", [3, 1000])
def test_figures_are_those_of_each_query_alone(pool, vectors, monkeypatch, at_a_time):
    monkeypatch.setattr(evaluation, "QUERIES", at_a_time)
    items, emb = pool
    photos, sketches = items[:20], items[20:]
    entry = measure(protocol(TO_PHOTO, AMONG), items, vectors)
    for comparison, queries in ((TO_PHOTO, sketches), (AMONG, photos)):
        for name in comparison.metrics:
            values = slowly(name, queries, photos, emb, itself=comparison is AMONG)
            middle = np.nanmedian if name == "median_rank" else np.nanmean
            assert entry["metrics"][f"{comparison.key}/{name}"] == pytest.approx(middle(values), abs=1e-4)
    assert (entry["queries"], entry["gallery"], entry["dropped"]) == (17, 20, 4)


def test_queries_of_a_gallery_apart_are_searched_in_all_of_it(pool, vectors):
    items, emb = pool
    queries, gallery = items[:6], items[6:]
    entry = measure(protocol(AMONG), queries, vectors, gallery)
    assert (entry["queries"], entry["gallery"], entry["dropped"]) == (6, 14, 0)
    values = slowly("map", queries, gallery[:14], emb, itself=False)
    assert entry["metrics"]["photo_to_photo/map"] == pytest.approx(np.mean(values), abs=1e-4)


def test_the_standard_error_and_what_chance_gives_are_over_the_queries_that_match_something(pool, vectors):
    items, emb = pool
    entry = measure(protocol(TO_PHOTO), items, vectors)
    hits = np.array(slowly("p@1", items[20:], items[:20], emb, itself=False))
    hits = hits[~np.isnan(hits)]
    assert len(hits) == 13 and 0 < hits.mean() < 1
    assert entry["stderr"]["sketch_to_photo/p@1"] == pytest.approx(hits.std() / np.sqrt(13), abs=1e-4)
    assert "sketch_to_photo/median_rank" not in entry["stderr"]  # a mean's error says nothing of a median
    classes = [int(item.id[1:]) % 4 for item in items[20:]]
    shares = [np.mean([n % 3 == c for n in range(20)]) for c in classes if c < 3]
    assert entry["chance"]["sketch_to_photo/p@1"] == pytest.approx(np.mean(shares), abs=1e-4)
    assert entry["about"] == "about" and entry["seeds"] == 1


def test_a_photo_of_the_query_itself_is_no_answer_to_it(pool, vectors):
    items, emb = pool
    photos = items[:20]
    captions = [Item(photo.id, TEXT, "", photo.labels, "en") for photo in photos for _ in range(2)]  # two a photo
    own = Comparison("text_to_photo", (TEXT, "en"), (PHOTO, None), "class", ("hit@1", "map"), without_own=True)
    entry = measure(protocol(own), captions, vectors, photos)
    assert (entry["queries"], entry["gallery"], entry["dropped"]) == (40, 19, 0)
    values = slowly("map", captions, photos, emb, itself=True)
    assert entry["metrics"]["text_to_photo/map"] == pytest.approx(np.mean(values), abs=1e-4)
    assert entry["metrics"]["text_to_photo/map"] < 1


def test_what_nothing_matches_has_no_figure_and_is_counted_as_dropped(pool, vectors):
    items, _ = pool
    entry = measure(protocol(Comparison("k", (SKETCH, None), (PHOTO, None), "tag", ("map",)), AMONG), items, vectors)
    assert (entry["queries"], entry["dropped"]) == (17, 17)  # the first comparison's
    assert (
        set(entry["metrics"])
        == set(entry["stderr"])
        == set(entry["chance"])
        == {
            "photo_to_photo/hit@1",
            "photo_to_photo/map",
        }
    )
    assert set(entry["curves"]) == {"photo_to_photo"} and len(entry["curves"]["photo_to_photo"]) == 11


def test_a_comparison_without_items_is_left_out_and_each_kind_is_encoded_once(pool):
    items, emb = pool
    asked = []

    def vectors(some: list[Item]) -> np.ndarray:
        asked.append({(item.modality, item.language) for item in some})
        return np.stack([emb[item.id] for item in some])

    english = Comparison("text_to_photo", (TEXT, "en"), (PHOTO, None), "class", ("map",))
    entry = measure(protocol(english, TO_PHOTO, AMONG), items, vectors)
    assert {key.partition("/")[0] for key in entry["metrics"]} == {"sketch_to_photo", "photo_to_photo"}
    assert sorted(asked, key=str) == [{(PHOTO, None)}, {(SKETCH, None)}]
    assert measure(protocol(english), items, vectors)["metrics"] == {}


def test_languages_are_compared_apart(vectors, pool):
    items, emb = pool
    photos = items[:6]
    captions = []
    for language in ("en", "de"):
        for photo in photos:
            item = Item(f"{language}-{photo.id}", TEXT, "", frozenset({f"image:{photo.id}"}), language)
            emb[item.id] = emb[photo.id] * 9 if language == "en" else -emb[photo.id]  # all right, all wrong
            captions.append(item)
    photos = [Item(photo.id, PHOTO, "", frozenset({f"image:{photo.id}"})) for photo in photos]
    for photo in photos:
        emb[photo.id] /= np.linalg.norm(emb[photo.id])
    compared = [
        Comparison(f"text_{language}_to_photo", (TEXT, language), (PHOTO, None), "image", ("hit@1",))
        for language in ("en", "de")
    ]
    entry = measure(protocol(*compared), captions, vectors, photos)
    assert entry["metrics"] == {"text_en_to_photo/hit@1": 1.0, "text_de_to_photo/hit@1": 0.0}


def test_relevance_is_that_labels_of_the_kind_intersect():
    rng = np.random.default_rng(1)
    names = ["class:a", "class:b", "tag:a", "tag:b", "tag:c", "classes:a"]
    queries, gallery = (
        [Item(f"{n}", PHOTO, "", frozenset(rng.choice(names, rng.integers(0, 4), replace=False))) for n in range(count)]
        for count in (30, 40)
    )
    for kind in ("class", "tag", "instance"):
        slow = [
            [any(a == b and a.split(":")[0] == kind for a in query.labels for b in item.labels) for item in gallery]
            for query in queries
        ]
        np.testing.assert_array_equal(relevance(queries, gallery, kind), slow)
    assert labels_of(Item("x", PHOTO, "", frozenset(names)), "class") == {"class:a", "class:b"}


def test_items_come_by_modality_and_language_in_their_order():
    items = [Item("1", TEXT, "", language="en"), Item("2", PHOTO, ""), Item("3", TEXT, "", language="en")]
    items += [Item("4", TEXT, "", language="de")]
    found = {kind: [item.id for item in some] for kind, some in by_kind(items).items()}
    assert found == {(TEXT, "en"): ["1", "3"], (PHOTO, None): ["2"], (TEXT, "de"): ["4"]}


def test_the_summary_takes_the_median_of_ranks_and_the_mean_of_all_else():
    values = {"p@1": np.array([1.0, 0, 0, np.nan]), "median_rank": np.array([1.0, 2, 30, np.nan])}
    found = summary(values, {"p@1": np.array([0.5, 0.25, 0.25, np.nan]), "median_rank": np.array([5.0, 6, 7, np.nan])})
    assert found == {
        "metrics": {"p@1": 0.3333, "median_rank": 2.0},
        "stderr": {"p@1": round(float(np.std([1, 0, 0]) / np.sqrt(3)), 4)},
        "chance": {"p@1": 0.3333, "median_rank": 6.0},
    }


def test_curves_fall_from_the_precision_of_the_first_and_are_nan_where_nothing_matches(pool):
    items, emb = pool
    photos, sketches = items[:20], items[20:]
    photo_emb, sketch_emb = (np.stack([emb[item.id] for item in some]) for some in (photos, sketches))
    values, chance, curves = values_of(["p@1"], "class", sketches, photos, sketch_emb, photo_emb)
    unmatched = [int(item.id[1:]) % 4 == 3 for item in sketches]
    assert curves.shape == (17, 11) and values["p@1"].shape == chance["p@1"].shape == (17,)
    assert np.isnan(curves).all(1).tolist() == np.isnan(values["p@1"]).tolist() == unmatched
    assert (np.diff(curves[~np.array(unmatched)]) <= 1e-9).all()  # interpolated: the best precision from there on


def test_the_best_score_tells_what_something_matches_from_what_nothing_does(pool, vectors):
    items, emb = pool
    photos, sketches = items[:20], items[20:]
    known = Comparison("sketch", (SKETCH, None), (PHOTO, None), "class", ("auroc",))
    entry = measure(protocol(known), sketches, vectors, photos)
    best = {item.id: max(emb[item.id] @ emb[photo.id] for photo in photos) for item in sketches}
    inside, outside = [], []
    for item in sketches:
        (inside if any(item.labels & photo.labels for photo in photos) else outside).append(best[item.id])
    slow = np.mean([[(a > b) + 0.5 * (a == b) for b in outside] for a in inside])
    assert entry["metrics"] == {"sketch/auroc": pytest.approx(slow, abs=1e-4)} and entry["chance"] == {
        "sketch/auroc": 0.5
    }
    assert "sketch/auroc" in entry["stderr"] and (entry["queries"], entry["gallery"]) == (17, 20)


def test_stated_probabilities_are_held_against_the_first_ten_answers(pool, vectors):
    items, emb = pool
    photos = items[:20]
    asked = []

    def stated(query, gallery, vectors, answers, words):
        asked.append((query, gallery, answers.shape[:2]))
        assert words == [None] * len(vectors)
        scores = vectors @ np.stack([emb[photo.id] for photo in photos]).T
        np.fill_diagonal(scores, -np.inf) if query is PHOTO else None
        best = np.sort(scores)[:, : -answers.shape[1] - 1 : -1]
        np.testing.assert_allclose(np.einsum("qkd,qd->qk", answers, vectors), best, rtol=1e-5)
        return np.full(best.shape, 0.5)

    entry = measure(protocol(TO_PHOTO, AMONG), items, vectors, stated=stated)
    assert asked == [(SKETCH, PHOTO, (13, 10)), (PHOTO, PHOTO, (20, 10))]  # 4 sketches match nothing
    right = []
    for photo in photos:
        others = sorted((other for other in photos if other is not photo), key=lambda o: -(emb[photo.id] @ emb[o.id]))
        right += [bool(photo.labels & other.labels) for other in others[:10]]
    found = entry["reliability"]["photo_to_photo"]
    assert found["bins"] == [[0.5, pytest.approx(np.mean(right), abs=1e-4), 200]]
    assert found["ece"] == pytest.approx(abs(0.5 - np.mean(right)), abs=1e-4)
    assert "reliability" not in measure(protocol(TO_PHOTO), items, vectors, stated=lambda *_: None)


def test_texts_that_say_more_than_their_class_are_not_held_to_it():
    photos = [Item(f"p{n}", PHOTO, f"{n}.jpg", frozenset({f"class:{n % 3}", f"image:{n}"})) for n in range(12)]
    texts = [
        Item(
            f"t{n}",
            TEXT,
            f"text {n}",
            frozenset({f"class:{n % 3}", f"image:{n}"}),
            facts={SAYS_MORE: True} if n else {},
        )
        for n in range(4)
    ]
    rng = np.random.default_rng(0)
    emb = {item.id: rng.normal(size=5) for item in (*photos, *texts)}
    by_class, by_image = (
        Comparison(f"text/{kind}", (TEXT, None), (PHOTO, None), kind, ("p@1",)) for kind in ("class", "image")
    )

    def asked(comparison: Comparison, some: list[Item]) -> list[list[str]]:
        told: list[list[str]] = []

        def stated(query, gallery, vectors, answers, given):
            told.append(given)
            return np.full(answers.shape[:2], 0.5)

        entry = measure(protocol(comparison), some, lambda items: np.stack([emb[i.id] for i in items]), photos, stated)
        assert ("reliability" in entry) == bool(told)
        return told

    assert asked(by_class, texts) == [["text 0"]]
    assert asked(by_image, texts) == [[f"text {n}" for n in range(4)]]
    assert asked(by_class, texts[1:]) == []


@pytest.fixture
def questions() -> tuple[list[Question], dict[str, np.ndarray]]:
    """Five questions of two keys against twelve photos, and what each term scores with them."""
    rng = np.random.default_rng(0)
    items = [Item(f"q{n}", SKETCH, "") for n in range(3)] + [Item("red", TEXT, "red")]
    scores = {item.id: rng.normal(size=12) for item in items}
    found = []
    for n in range(5):
        terms = ((items[n % 3], 1.0), (items[3], -1.0 if n % 2 else 1.0))
        marks = {"both@1": rng.random(12) < 0.5, "share@4": rng.random(12) < 0.3, "wrong@3": rng.random(12) < 0.4}
        narrowed = rng.random(12) < 0.5 if n < 3 else None
        found.append(Question(("colour", "minus")[n % 2], terms, marks, narrowed, frozenset({"share@4"})))
    return found, scores


def test_questions_figures_are_those_of_each_question_alone(questions):
    asked, scores = questions
    entry = measure_questions("about", asked, lambda q: sum(weight * scores[item.id] for item, weight in q.terms))
    slow: dict[str, list[tuple[float, float]]] = {}
    for question in asked:
        total = [sum(weight * scores[item.id][photo] for item, weight in question.terms) for photo in range(12)]
        ranked = sorted(range(12), key=lambda photo, total=total: -total[photo])
        for mark, depth in (("both@1", 1), ("share@4", 4), ("wrong@3", 3)):
            has = question.marks[mark]
            depth = min(depth, has.sum()) if mark == "share@4" else depth
            value = sum(has[photo] for photo in ranked[:depth]) / depth
            slow.setdefault(f"{question.key}/{mark}", []).append((value, sum(has) / 12))
        if question.narrowed is not None:
            first = scores[question.terms[0][0].id]
            passing = [photo for photo in range(12) if question.narrowed[photo]]
            right = question.marks["both@1"]
            best = max((first[photo], photo) for photo in passing)[1]
            share = sum(right[photo] for photo in passing) / len(passing)
            slow.setdefault(f"{question.key}/ceiling@1", []).append((right[best], share))
    assert entry["metrics"].keys() == slow.keys() == entry["chance"].keys()
    for key, pairs in slow.items():
        values, chances = np.array(pairs, float).T
        assert entry["metrics"][key] == pytest.approx(values.mean(), abs=1e-4), key
        assert entry["chance"][key] == pytest.approx(chances.mean(), abs=1e-4), key
    assert (entry["queries"], entry["gallery"], entry["about"]) == (5, 12, "about")


def test_what_is_stated_of_questions_is_held_against_their_first_ten_answers(questions):
    asked, scores = questions
    unwanted = np.arange(12) % 4 == 0
    asked[1] = replace(asked[1], marks={"wanted@10": asked[1].marks["both@1"], "unwanted@10": unwanted})
    asked[3] = replace(asked[3], marks={"unwanted@10": unwanted})  # nothing is wanted
    chances = np.linspace(0.05, 0.95, 12)

    def stated(question, rows):
        return None if question is asked[4] else chances[rows]

    entry = measure_questions("", asked, lambda q: scores[q.terms[0][0].id], stated)
    assert "reliability" not in measure_questions("", asked, lambda q: scores[q.terms[0][0].id])
    told = {}
    for question in (asked[0], asked[1], asked[2]):
        right = question.marks["both@1"] if question.key == "colour" else question.marks["wanted@10"] & ~unwanted
        for photo in np.argsort(-scores[question.terms[0][0].id])[:10]:
            told.setdefault(question.key, []).append((chances[photo], right[photo]))
    assert entry["reliability"].keys() == {"colour", "minus"}
    for key, pairs in told.items():
        error, _ = metrics.reliability(*(np.array(part) for part in zip(*pairs, strict=True)))
        assert entry["reliability"][key]["ece"] == pytest.approx(error, abs=1e-4)
        assert sum(count for *_, count in entry["reliability"][key]["bins"]) == len(pairs)


def test_no_more_answers_count_than_photos_have_the_mark():
    has = np.array([True, False, False])
    for as_many, share in ((frozenset({"share@3"}), 1.0), (frozenset(), 1 / 3)):
        asked = Question("x", ((Item("a", TEXT, "a"), 1.0),), {"share@3": has}, None, as_many)
        entry = measure_questions("", [asked], lambda question: np.array([3.0, 2.0, 1.0]))
        assert entry["metrics"]["x/share@3"] == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize("at_a_time", [3, 1000])
def test_the_worst_queries_are_those_whose_first_match_comes_last(pool, vectors, monkeypatch, at_a_time):
    monkeypatch.setattr(evaluation, "QUERIES", at_a_time)
    monkeypatch.setattr(evaluation, "WORST", 9)
    (items, emb), worst = pool, {}
    measure(protocol(TO_PHOTO, AMONG), items, vectors, worst=worst)
    for key, queries in (("sketch_to_photo", items[20:]), ("photo_to_photo", items[:20])):
        told = []
        for query in queries:
            others = [item for item in items[:20] if item.id != query.id]
            ranked = sorted(others, key=lambda item, query=query: -float(emb[query.id] @ emb[item.id]))
            right = [at for at, item in enumerate(ranked, 1) if item.labels & query.labels]
            told += [{"query": query.id, "rank": right[0], "found": ranked[0].id}] if right else []
        assert worst[key] == sorted(told, key=lambda one: -one["rank"])[:9]


def test_averaged_captions_are_one_with_the_mean_of_their_vectors():
    rng = np.random.default_rng(1)
    photos = [Item(f"p{n}", PHOTO, "", frozenset({f"image:{n}"})) for n in range(6)]
    captions = [Item(f"p{n % 6}#{n}", TEXT, "", frozenset({f"image:{n % 6}"}), "en") for n in range(20)]
    emb = {item.id: rng.normal(size=4) for item in photos + captions}
    emb = {id: vector / np.linalg.norm(vector) for id, vector in emb.items()}
    text, photo = (TEXT, "en"), (PHOTO, None)
    both = (
        Comparison("text_to_photo", text, photo, "image", ("hit@1",), averaged=True),
        Comparison("photo_to_text", photo, text, "image", ("hit@1", "median_rank"), averaged=True),
    )
    entry = measure(protocol(*both), photos + captions, lambda items: np.stack([emb[item.id] for item in items]))
    assert (entry["queries"], entry["gallery"]) == (6, 6)
    means = [np.mean([emb[c.id] for c in captions if c.labels == photo.labels], axis=0) for photo in photos]
    means = [mean / np.linalg.norm(mean) for mean in means]
    found = [max(range(6), key=lambda m, n=n: means[n] @ emb[f"p{m}"]) == n for n in range(6)]
    assert entry["metrics"]["text_to_photo/hit@1"] == pytest.approx(np.mean(found), abs=1e-4)
    ranks = [1 + sum(mean @ emb[f"p{n}"] > means[n] @ emb[f"p{n}"] for mean in means) for n in range(6)]
    assert entry["metrics"]["photo_to_text/median_rank"] == np.median(ranks)
    assert entry["chance"]["photo_to_text/hit@1"] == pytest.approx(1 / 6, abs=1e-4)


def test_a_worst_query_is_told_in_words_only_where_these_name_a_class():
    photos = [Item(f"p{n}", PHOTO, "", frozenset({f"image:{n}", f"class:{n}"})) for n in range(2)]
    named, caption = Item("c", TEXT, "a cup", frozenset({"class:0"})), Item("t", TEXT, "secret", frozenset({"image:0"}))
    for item, told in ((named, "a cup"), (caption, "t")):
        kind, worst = min(item.labels).partition(":")[0], {}
        asked = Comparison("text_to_photo", (TEXT, None), (PHOTO, None), kind, ("hit@1",))
        measure(protocol(asked), [*photos, item], lambda items: np.eye(2)[: len(items)], worst=worst)
        assert [one["query"] for one in worst["text_to_photo"]] == [told]
