"""Searching: the right photos and captions in the right order, mixed, excluded, and from many threads."""

from __future__ import annotations

import copy
import pickle
import shutil
import threading
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests import odd
from tests.conftest import DIM, FLOORS, INTERCEPTS, MIXING, SLOPES, add_composer, add_words, pictures, write_checkpoint
from xmr import checkpoint, search
from xmr.compose import compose, encode_terms, ranking
from xmr.encoder import Encoder
from xmr.gallery import DEMO, Entry, Gallery, GalleryMismatch, index_folder
from xmr.index.faiss import FaissIndex
from xmr.modality import BadInput, Drawing, Modality, Query, Term
from xmr.preprocess import Vocabulary
from xmr.search import Searcher
from xmr.where import parse


@pytest.fixture
def searcher(system, gallery) -> Searcher:
    return Searcher(system, gallery)


def text(words: str, weight: float = 1.0) -> Term:
    return Term(Modality.TEXT, words, weight)


def ids(hits) -> list[str]:
    return [hit.item.id for hit in hits]


LEFT = Drawing((np.array([[0, 0], [0, 80], [70, 80], [70, 0], [0, 0.0]]), np.array([[224, 39], [224, 40.0]])))


@pytest.mark.parametrize(
    ("words", "colour"), [("a red photo", "red"), ("ein blaues Bild", "blue"), ("GREEN!", "green")]
)
def test_words_find_photos_in_english_and_german(searcher, words, colour):
    hits = searcher.search(Query((text(words),)), k=3)
    assert {hit.item.facts["category"] for hit in hits[:2]} == {colour}
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert hits[0].score >= hits[1].score > hits[2].score
    assert hits[0].item.labels == {colour} and Path(hits[0].item.content).is_file()


def test_scores_and_order_equal_a_loop_over_the_gallery(searcher, system, gallery):
    query = Query((text("red"), text("blue", -0.4)))
    vector = compose(system, query)
    rows, vectors = gallery.vectors(system, Modality.PHOTO)
    slow = {id: float(vector @ row / np.linalg.norm(row)) for id, row in zip(rows, vectors, strict=True)}
    hits = searcher.search(query, k=6)
    assert sorted(ids(hits)) == sorted(rows)
    for hit in hits:
        assert hit.score == pytest.approx(slow[hit.item.id], abs=1e-5)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_photo_finds_itself_first(searcher):
    for id, image, _ in pictures():
        assert ids(searcher.search(Query((Term(Modality.PHOTO, image),)), k=1)) == [id]


def test_a_drawing_and_words_together_find_what_both_ask_for(searcher):
    for colour in ("red", "green", "blue"):
        hits = searcher.search(Query((Term(Modality.SKETCH, LEFT), text(colour, 2))), k=1)
        assert ids(hits) == [f"{colour}-left"]


def test_a_minus_term_pushes_away(searcher):
    hits = searcher.search(Query((text("red"), text("blue", -1))), k=6)
    assert hits[0].item.labels == {"red"} and hits[-1].item.labels == {"blue"}


def test_more_like_this_leaves_the_photo_itself_out(searcher):
    like = searcher.like("red-left")
    assert like.modality is Modality.PHOTO
    assert ids(searcher.search(Query((like,)), k=1)) == ["red-left"]
    others = searcher.search(Query((like,)), k=6, exclude=["red-left", "not there"])
    assert len(others) == 5 and "red-left" not in ids(others) and [hit.rank for hit in others] == [1, 2, 3, 4, 5]
    assert searcher.search(Query((like,)), exclude=[id for id, _, _ in pictures()]) == []
    with pytest.raises(BadInput, match="There is no photo 'gone'"):
        searcher.like("gone")


def test_a_photo_finds_its_captions_each_once_and_in_the_language_asked_for(searcher):
    query = Query((searcher.like("green-right"),))
    hits = searcher.captions(query, k=10)
    assert {hit.item.content for hit in hits[:2]} == {"a green photo", "ein grünes bild"} and len(hits) == 6
    assert hits[0].item.modality is Modality.TEXT
    assert sorted(hits[0].item.facts["photos"]) == ["green-left", "green-right"] and hits[0].item.labels == {"green"}
    german = searcher.captions(query, k=10, language="de")
    assert german[0].item.content == "ein grünes bild" and {hit.item.language for hit in german} == {"de"}


def test_a_match_is_explained_by_that_of_its_captions_that_comes_closest(system, tmp_path):
    id, image, _ = next(pictures())
    with Gallery.create(tmp_path) as gallery:
        gallery.add([Entry(id, image, {}, [("en", "a red photo"), ("en", "a blue photo")])])
        index_folder(tmp_path, [system])
        assert {item.content for item in gallery.texts_of(id)} == {"a red photo", "a blue photo"}
        searcher = Searcher(system, gallery)
        for colour in ("red", "blue"):
            assert searcher.explain(Query((text(colour),)), id) == f"a {colour} photo"


def test_a_match_is_explained_in_the_language_of_the_words_or_the_one_asked_for(system, tmp_path, monkeypatch):
    id, image, _ = next(pictures())
    words = Vocabulary({"en": {"a": 9, "red": 9, "photo": 9}, "de": {"ein": 9, "rotes": 9, "bild": 9}})
    monkeypatch.setattr(Encoder, "vocabulary", property(lambda _: words))
    with Gallery.create(tmp_path) as gallery:
        gallery.add([Entry(id, image, {}, [("en", "a red photo"), ("de", "ein rotes bild")])])
        index_folder(tmp_path, [system])
        searcher = Searcher(system, gallery)
        english, german = Query((text("a red photo"),)), Query((text("ein rotes bild"),))
        assert (searcher.language(english), searcher.language(german)) == ("en", "de")
        assert searcher.explain(english, id) == "a red photo" and searcher.explain(german, id) == "ein rotes bild"
        assert searcher.explain(english, id, language="de") == "ein rotes bild"
        assert searcher.explain(english, id, language="fr") in ("a red photo", "ein rotes bild")
        assert searcher.language(Query((Term(Modality.PHOTO, image), text("ein bild", -1.0)))) is None


def test_a_gallery_without_captions_has_none_to_give(system, photo_folder):
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        assert Searcher(system, gallery).captions(Query((text("red"),))) == []


def test_an_encoded_term_finds_the_same(searcher):
    for term in (text("red", 0.5), Term(Modality.SKETCH, LEFT)):
        encoded = searcher.encode(term)
        assert (encoded.modality, encoded.weight) == (term.modality, term.weight)
        assert searcher.encode(encoded) is encoded
        assert searcher.search(Query((encoded,))) == searcher.search(Query((term,)))
    with pytest.raises(BadInput, match="caption is empty"):
        searcher.encode(text(""))


def test_the_match_of_a_text_counts_its_words_encoded_or_not(system, gallery):
    curve = system.calibration["text_to_photo"] | {"per_length": -2.0, "usual_length": 1.0}
    searcher = Searcher(replace(system, calibration={**system.calibration, "text_to_photo": curve}), gallery)
    asked = text("red, red and red")
    (best, *_), encoded = searcher.search(Query((asked,))), searcher.encode(asked)
    assert encoded.words == "red, red and red" and searcher.encode(Term(Modality.SKETCH, LEFT)).words is None
    odds = curve["slope"] * best.score + curve["intercept"] - 2 * (np.log(4) - 1)
    assert best.match == pytest.approx(1 / (1 + np.exp(-odds)), rel=1e-5)
    for known in (encoded, replace(encoded, words=4)):
        assert searcher.search(Query((known,)))[0].match == best.match
    unknown = searcher.search(Query((replace(encoded, words=None),)))[0].match
    assert unknown == pytest.approx(1 / (1 + np.exp(-odds - 2 * (np.log(4) - 1))), rel=1e-5)


def test_of_several_terms_no_later_answer_is_stated_surer(searcher):
    for second in (text("blue"), text("blue", -0.9), Term(Modality.SKETCH, LEFT, 0.3)):
        query = Query((text("red"), second))
        hits, ranked = (
            searcher.search(query, k=6),
            ranking(searcher.system, query, encode_terms(searcher.system, query)),
        )
        likely = ranked.match(np.stack([searcher.like(hit.id).content for hit in hits]))
        lowest = [min(likely[: rank + 1]) for rank in range(len(hits))]
        assert [hit.match for hit in hits] == pytest.approx(lowest, abs=1e-5)


def test_probability_rises_with_score_and_is_none_without_a_calibration(searcher, system, gallery):
    hits = searcher.search(Query((text("red"),)))
    for hit in hits:
        assert hit.match == pytest.approx(1 / (1 + np.exp(-(8 * hit.score - 4))), abs=1e-3)
    bare = Searcher(replace(system, calibration={}), gallery)
    assert all(hit.match is None for hit in bare.search(Query((text("red"),))))
    assert all(hit.match is None for hit in searcher.captions(Query((text("red"),))))  # no text_to_text curve


def test_more_than_there_is_gives_all_and_less_than_one_is_refused(searcher):
    assert len(searcher.search(Query((text("red"),)), k=1000)) == 6
    with pytest.raises(BadInput, match="at least 1 and at most 10,000; 0 came"):
        searcher.search(Query((text("red"),)), k=0)


@pytest.mark.parametrize("k", [-1, 10_001, 10**400, 1.0, "3", None, np.nan])
def test_a_number_of_answers_that_is_none_or_costs_memory_is_refused(searcher, k):
    for ask in (searcher.search, searcher.captions):
        with pytest.raises(BadInput, match="at least 1 and at most 10,000; .* came"):
            ask(Query((text("red"),)), k)


@pytest.mark.parametrize("exclude", ["red-left", None, 7, [7], [["red-left"]], b"red-left"])
def test_what_to_leave_out_must_be_a_list_of_ids(searcher, exclude):
    with pytest.raises(BadInput, match="What to leave out must be a list of ids; .* came"):
        searcher.search(Query((text("red"),)), exclude=exclude)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_query_of_no_numbers_gets_no_answers_but_a_sentence(searcher, system, value):
    vector = np.full(system.dim, value, np.float32)
    for query in (Query((Term(Modality.PHOTO, vector),)), Query((text("red"), Term(Modality.PHOTO, vector, -1)))):
        with pytest.raises(BadInput, match="must be finite numbers"):
            searcher.search(query)
    with pytest.raises(BadInput, match="A weight must be a number"):
        searcher.search(Query((text("red", value),)))


@odd.FIXED
@given(
    st.builds(Term, st.just(Modality.PHOTO), odd.arrays(DIM) | st.just("no photo"), st.floats(-2, 2) | odd.anything),
    st.integers(1, 9) | odd.anything,
    st.just(()) | st.sets(st.sampled_from(["red-left", "blue-left", "gone"])) | odd.anything,
)
def test_whatever_is_asked_gives_each_photo_at_most_once_or_bad_input(searcher, term, k, exclude):
    try:
        hits = searcher.search(Query((term, text("red"))), k, exclude)
    except BadInput as error:
        assert len(str(error)) < 400
    else:
        assert len(hits) == len(set(ids(hits))) <= k and not set(ids(hits)) & set(exclude)
        assert all(np.isfinite(hit.score) and 0 <= hit.match <= 1 for hit in hits)


def test_other_weights_are_refused_with_the_command_that_mends_it(gallery, tmp_path):
    other = checkpoint.load(write_checkpoint(tmp_path / "tiny", tilt=0.01))
    with pytest.raises(GalleryMismatch, match=r"holds vectors of .{8}, but tiny is .{8}. Rebuild them: python -m xmr"):
        Searcher(other, gallery).search(Query((text("red"),)))


def test_an_empty_gallery_is_refused(system, tmp_path):
    with Gallery.create(tmp_path / "empty") as gallery:
        gallery.put_vectors(system, Modality.PHOTO, [], np.zeros((0, system.dim)))
        with pytest.raises(BadInput, match="holds no photos to search"):
            Searcher(system, gallery).search(Query((text("red"),)))


def test_many_threads_get_the_answers_that_one_gets(searcher):
    queries = [Query((text(colour),)) for colour in ("red", "green", "blue", "rotes")]
    wanted = [ids(searcher.search(query)) for query in queries]
    fresh, failures = Searcher(searcher.system, searcher.gallery), []

    def ask(start: int) -> None:
        for turn in range(20):
            which = (start + turn) % len(queries)
            if ids(fresh.search(queries[which])) != wanted[which] or not fresh.captions(queries[which]):
                failures.append(which)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_gallery_on_a_read_only_disk_can_be_searched(gallery_folder, system, tmp_path):
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "copy"))
    for path in (copy / "gallery.sqlite", copy / "thumbs", copy):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with Gallery.open(copy) as gallery:
            assert len(Searcher(system, gallery).search(Query((text("red"),)))) == 6
    finally:
        for path in (copy, copy / "thumbs"):
            path.chmod(0o755)


def test_a_searcher_notices_what_others_add_and_remove(gallery_folder, system, tmp_path):
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "copy"))
    query = Query((text("red"),))
    with Gallery.open(copy) as gallery, Gallery.open(copy) as other:
        searcher = Searcher(system, gallery)
        assert sorted(ids(searcher.search(query, k=2))) == ["red-left", "red-right"]
        other.remove(["red-left"])
        assert ids(searcher.search(query, k=1)) == ["red-right"] and len(searcher.search(query)) == 5
        with other.batch():
            other.add([Entry("new", Image.new("RGB", (256, 256), (230, 40, 40)))])
            other.put_vectors(system, Modality.PHOTO, ["new"], system.encode(Modality.TEXT, ["red"]))
        assert ids(searcher.search(query, k=1)) == ["new"]


def test_photos_removed_after_the_search_and_before_the_look_up_are_passed_over(gallery_folder, system, tmp_path):
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "copy"))
    with Gallery.open(copy) as gallery, Gallery.open(copy) as other:
        searcher = Searcher(system, gallery)
        searcher.prepare()
        find = gallery.find_rows
        gallery.find_rows = lambda found: other.remove(["red-left"]) or find(found)
        hits = searcher.search(Query((text("red"),)), k=3)
        assert [hit.rank for hit in hits] == [1, 2, 3] and ids(hits)[0] == "red-right"  # searched again
        everything = [item.id for item in gallery]
        gallery.find_rows = lambda found: other.remove(everything) or find(found)
        other.remove(["red-right"])
        with pytest.raises(BadInput, match="holds no photos"):
            searcher.search(Query((text("red"),)), k=3)


def test_the_parts_of_a_query_may_be_keywords_each_one_or_a_list(searcher, tmp_path):
    image = {id: image for id, image, _ in pictures()}["red-right"]
    image.save(tmp_path / "red.png")
    wanted = text("blue"), text("a blue photo"), Term(Modality.SKETCH, LEFT)
    terms = (*wanted, Term(Modality.PHOTO, image, -1), text("red", -1))
    found = searcher.search(
        text=["blue", "a blue photo"], sketch=LEFT, minus_photo=tmp_path / "red.png", minus_text=("red",), k=4
    )
    assert found == searcher.search(Query(terms), k=4) and ids(found)[0] == "blue-left"
    with pytest.raises(BadInput, match="a whole Query, or its parts"):
        searcher.search(Query(terms), text="red")
    with pytest.raises(BadInput, match="A query has no caption. Its parts are text, sketch"):
        searcher.search(caption="red")
    with pytest.raises(BadInput, match="Say what to find"):
        searcher.search()


@pytest.mark.parametrize(
    ("space", "kind"),
    [(space, kind) for space in ("cosine", "euclidean", "hamming") for kind in (None, "hnsw", "ivfpq")][:-1],
)
def test_where_gives_what_searching_all_and_leaving_the_others_out_gives(system, tmp_path, space, kind, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("xmr.index.faiss._FEW", 10)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, DIM)).astype(np.float32)
    vectors = np.sign(vectors) if space == "hamming" else vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    system = replace(system, space=space)
    facts = [{"colour": str(rng.choice(["red", "blue", "green"])), "size": int(rng.integers(3))} for _ in range(40)]
    facts[7] = {"size": 1}
    with Gallery.create(tmp_path) as gallery:
        image = Image.new("RGB", (8, 8))
        names = gallery.add([Entry(f"p{n}", image, fact) for n, fact in enumerate(facts)])
        gallery.put_vectors(system, Modality.PHOTO, names, vectors)
        searcher = Searcher(system, gallery, kind)
        query = Query((Term(Modality.PHOTO, vectors[3]),))
        whole = searcher.search(query, k=40)
        for where in (
            {},
            {"colour": "red"},
            {"colour": ["red", "blue"], "size": 1},
            {"size": (0, 2)},
            {"colour": None},
            {"colour": "pink"},
            {"colour": []},
        ):
            wanted = [
                hit
                for hit in whole
                if all(
                    hit.item.facts.get(name) in (value if isinstance(value, (list, tuple)) else [value])
                    for name, value in where.items()
                )
            ]
            for k in (40, 3):
                found = searcher.search(query, k=k, where=where)
                assert ids(found) == ids(wanted)[:k]
                assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted[:k]], abs=1e-6)
        assert "p3" not in ids(searcher.search(query, exclude=["p3"], where={"size": facts[3]["size"]}))


def test_a_folder_may_have_the_signs_of_a_pattern_in_its_name(photo_folder, system):
    for name in ("[2024] trip", "what?", "a..b"):
        (photo_folder / name).mkdir()
        Image.new("RGB", (40, 40), "red").save(photo_folder / name / "1.png")
    (photo_folder / "2 trip").mkdir()
    Image.new("RGB", (40, 40), "blue").save(photo_folder / "2 trip" / "2.png")
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        searcher = Searcher(system, gallery)

        def found(given: str) -> list[str]:
            return sorted(hit.path.parent.name for hit in searcher.search(text="red", where=parse([given])))

        assert found("folder=[2024] trip") == ["[2024] trip"] and found("folder=what?") == ["what?"]
        assert found("folder=a..b") == ["a..b"] and found("file==a..b/1.png") == ["a..b"]
        assert found("folder=[2024] trip/*") == ["2 trip"]  # a pattern, as before


@pytest.mark.parametrize("asked", ["NFC", "NFD"])
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_names_with_umlauts_are_found_however_a_disk_writes_them(system, tmp_path, stored, asked):
    place = tmp_path / unicodedata.normalize(stored, "Käfer") / unicodedata.normalize(stored, "grün.png")
    place.parent.mkdir()
    Image.new("RGB", (64, 64), "red").save(place)
    searcher = Searcher.open(tmp_path, system, index=True)
    for condition in ("file=Käfer/grün.png", "folder=Käfer", "folder=K*/grün.png"):
        where = parse([unicodedata.normalize(asked, condition)])
        assert len(searcher.search(text="red", where=where)) == 1, condition


def test_where_follows_a_gallery_that_changes(gallery_folder, system, tmp_path):
    copy = Path(shutil.copytree(gallery_folder, tmp_path / "copy"))
    with Gallery.open(copy) as gallery, Gallery.open(copy) as other:
        searcher = Searcher(system, gallery)
        assert sorted(ids(searcher.search(text="blue", where={"category": "red"}))) == ["red-left", "red-right"]
        other.remove(["red-left"])
        assert ids(searcher.search(text="blue", where={"category": "red"})) == ["red-right"]


@odd.FIXED
@given(
    st.dictionaries(
        st.sampled_from(["category", "place", "folder", "language", "taken", "file"]) | st.text(max_size=5),
        odd.anything | st.text() | st.lists(st.text() | st.integers() | st.floats() | st.none()),
        max_size=3,
    )
    | odd.anything
)
def test_whatever_photos_must_be_gives_answers_or_bad_input_that_blames_no_gallery(searcher, where):
    try:
        hits = searcher.search(text="red", where=where)
        searcher.facets(where)
    except BadInput as error:
        assert "damaged" not in str(error) and len(str(error)) < 500
    else:
        assert len(hits) <= 6


def test_an_approximate_index_follows_a_gallery_and_is_built_only_once(system, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("xmr.index.faiss._FEW", 10)
    built, new = [], FaissIndex._new
    monkeypatch.setattr(FaissIndex, "_new", lambda self: built.append(1) or new(self))
    vectors = np.random.default_rng(0).normal(size=(200, DIM)).astype(np.float32)
    image = Image.new("RGB", (8, 8))
    with Gallery.create(tmp_path / "gallery") as gallery:

        def add(numbers: range) -> None:
            with gallery.batch():
                names = gallery.add([Entry(f"p{n}", image) for n in numbers])
                gallery.put_vectors(system, Modality.PHOTO, names, vectors[numbers.start : numbers.stop])

        def nearest(searcher: Searcher, number: int) -> str:
            return ids(searcher.search(Query((Term(Modality.PHOTO, vectors[number]),)), k=1))[0]

        add(range(150))
        searcher = Searcher(system, gallery, "hnsw")
        assert nearest(searcher, 7) == "p7" and len(built) == 1
        add(range(150, 200))
        assert nearest(searcher, 180) == "p180" and nearest(searcher, 7) == "p7" and len(built) == 1
        gallery.remove(["p7"])
        assert (
            nearest(searcher, 7) != "p7" and nearest(Searcher(system, gallery, "hnsw"), 8) == "p8" and len(built) == 1
        )
        gallery.remove([f"p{n}" for n in range(120)])
        gallery.sweep()  # the vectors are written anew, and so is the index
        assert nearest(searcher, 180) == nearest(Searcher(system, gallery, "hnsw"), 180) == "p180" and len(built) == 2


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"shape": "round"}, "No photo here has the fact 'shape'. Known are: category, file, folder, language, place."),
        ({"category": {"red"}}, "'category' must be a text or a number"),
        ({"category": [["red"]]}, "a text or a number"),
        ("red", "said as facts"),
        ({7: "red"}, "said as facts"),
        (["category"], "said as facts"),
        ({"category": ["x"] * 1001}, "may have 1000 values"),
        ({"folder": ["x"] * 51}, "50 of them ranges and folders"),
        ({"folder": "*a" * 9}, "may have 8 stars"),
        ({"category": "\ud800"}, "cannot be a fact"),
        ({"taken": {"from": 1, "to": "x"}}, "needs two texts or two numbers"),
    ],
)
def test_a_where_that_means_nothing_is_refused(searcher, where, message):
    with pytest.raises(BadInput, match=message):
        searcher.search(text="red", where=where)


@pytest.fixture
def composing(checkpoint_folder, gallery, tmp_path) -> Searcher:
    """The tiny system with a composer and a list of words, over the six photos."""
    folder = add_composer(add_words(shutil.copytree(checkpoint_folder, tmp_path / "tiny")))
    return Searcher(checkpoint.load(folder), gallery)


def test_a_system_goes_to_another_process_without_what_it_has_open(composing):
    system = composing.system
    before = composing.search(MIXED), system.read("a yelow photo")  # everything is open now
    for again in (pickle.loads(pickle.dumps(system)), copy.deepcopy(system)):
        assert not again.loaded and system.loaded
        searcher = Searcher(again, composing.gallery)
        assert (searcher.search(MIXED), again.read("a yelow photo")) == before


MIXED = Query((text("red", 0.5), Term(Modality.SKETCH, LEFT), text("blue", -2)))


def slow_ranking(searcher: Searcher, query: Query) -> dict[str, float]:
    """Each photo's score, by the composer's own rule with numpy."""
    rows, vectors = searcher.gallery.vectors(searcher.system, Modality.PHOTO)
    found = {}
    for id, photo in zip(rows, vectors, strict=True):
        photo, found[id] = photo / np.linalg.norm(photo), 0.0
        for term in query.terms:
            number = ["photo", "sketch", "text"].index(term.modality)
            vector = searcher.system.encode(term.modality, [term.content])[0]
            odds = SLOPES[number] * (vector @ MIXING) @ photo + INTERCEPTS[number]
            met, floor = 1 / (1 + np.exp(-odds)), FLOORS[number]
            chance = floor + (1 - floor) * met if term.weight > 0 else (1 - met) ** 3
            found[id] += abs(term.weight) / max(abs(t.weight) for t in query.terms) * float(np.log(chance))
    return found


def test_a_composed_ranking_equals_a_loop_over_the_gallery(composing):
    slow = slow_ranking(composing, MIXED)
    hits = composing.search(MIXED, k=6)
    assert ids(hits) == sorted(slow, key=slow.__getitem__, reverse=True)
    assert [hit.score for hit in hits] == pytest.approx([slow[id] for id in ids(hits)], abs=1e-4)
    assert all(hit.match is None for hit in hits)  # no curve of mixed queries
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("candidates", [1, 2, 3])
def test_in_a_gallery_of_more_than_the_candidates_the_best_of_those_of_each_wanted_term_are_found(
    composing, monkeypatch, candidates
):
    monkeypatch.setattr(search, "_CANDIDATES", candidates)
    slow, near = slow_ranking(composing, MIXED), set()
    rows, vectors = composing.gallery.vectors(composing.system, Modality.PHOTO)
    for term in MIXED.terms[:2]:
        reader = composing.system.encode(term.modality, [term.content])[0] @ MIXING
        scores = {id: float(reader @ row / np.linalg.norm(row)) for id, row in zip(rows, vectors, strict=True)}
        near |= set(sorted(scores, key=scores.__getitem__, reverse=True)[:candidates])
    hits = composing.search(MIXED, k=1)
    assert ids(hits) == [max(near, key=slow.__getitem__)]
    assert len(composing.search(MIXED, k=6)) == 6  # asked for more, it looks at more


def test_what_is_left_out_of_a_composed_ranking_makes_room_for_others(composing, monkeypatch):
    whole = ids(composing.search(MIXED, k=6))
    monkeypatch.setattr(search, "_CANDIDATES", 1)
    assert ids(composing.search(MIXED, k=4, exclude=[whole[0], whole[2]])) == [whole[n] for n in (1, 3, 4, 5)]
    assert composing.search(MIXED, exclude=whole) == []


def test_a_composer_changes_no_query_of_one_term_nor_the_captions(composing, searcher):
    for query in (Query((text("red"),)), Query((Term(Modality.SKETCH, LEFT, 0.2),))):
        assert composing.search(query) == searcher.search(query)
    query = Query((text("red"), text("blue", -0.5)))
    assert composing.captions(query) == searcher.captions(query)


def test_a_vector_of_no_known_modality_is_refused_in_a_mix(composing, system):
    odd_one = Term("sound", system.encode(Modality.TEXT, ["red"])[0])
    with pytest.raises(BadInput, match="'sound' came"):
        composing.search(Query((odd_one, text("red"))))


def test_texts_are_read_as_terms_and_all_else_stays(composing):
    vector = Term(Modality.TEXT, np.ones(DIM, np.float32))
    query = Query((text("a redd photo, no zzzzz or grene", 0.5), text("no blaues photo", -0.7), text(" "), vector))
    found, readings = composing.read(query)
    assert found.terms == (
        text("a red photo", 0.5),
        text("zzzzz", -0.5),
        text("green", -0.5),
        text("no blaues photo", -0.7),
        text(" "),
        vector,
    )
    assert [reading.typed for reading in readings] == [term.content for term in query.terms[:2]]
    assert readings[0].corrected == (("redd", "red"), ("grene", "green")) and readings[0].unknown == ("zzzzz",)


@pytest.mark.parametrize(
    "other", [Term(Modality.SKETCH, LEFT), Term(Modality.PHOTO, np.ones(DIM, np.float32)), text("red")]
)
def test_words_that_only_take_away_ask_for_nothing_beside_what_is_asked_for(composing, other):
    for asked in ((other, text("no blue")), (text("no blue"), other)):
        found, readings = composing.read(Query(asked))
        assert set(map(repr, found.terms)) == {repr(other), repr(text("blue", -1.0))} and readings[0].typed
    alone, _ = composing.read(Query((text("no blue"), replace(other, weight=-1.0))))
    assert [term.weight for term in alone.terms] == [1, -1, -1]  # something has to be asked for


def test_parts_are_read_and_a_whole_query_is_taken_as_it_is(composing):
    assert composing.search(text="redd, no blue") == composing.search(Query((text("red"), text("blue", -1))))
    assert {hit.item.labels for hit in composing.search(text="rde", k=2)} == {frozenset({"red"})}
    with pytest.raises(BadInput, match="No word of “rde” is known"):
        composing.search(Query((text("rde"),)))


@pytest.mark.parametrize(
    "asked", [None, "red", Query(None), Query(("red",)), Query((text("red", "1"),)), Query((text("red", np.nan),))]
)
def test_what_is_no_query_is_not_read(searcher, asked):
    with pytest.raises(BadInput, match="Expected a Query|must be Terms|A weight must be"):
        searcher.read(asked)


def test_words_to_avoid_alone_are_read_for_whoever_adds_what_to_find(composing):
    assert composing.read(Query((text("rde", -1),)))[0].terms == (text("red", -1),)


def test_copies_of_a_gallery_keep_indexes_of_their_own(gallery_folder, system, tmp_path, monkeypatch):
    names = []

    class Named(search.KeptIndex):
        def __init__(self, name, token) -> None:
            names.append(name)
            super().__init__(name, token, tmp_path / "kept")

    monkeypatch.setattr(search, "KeptIndex", Named)
    for place in ("one", "two", "one"):
        folder = tmp_path / place
        if not folder.is_dir():
            shutil.copytree(gallery_folder, folder)
        with Gallery.open(folder) as gallery:
            Searcher(system, gallery, "hnsw").search(text="red")
    assert names[0] == names[2] != names[1]


@pytest.mark.parametrize("bits", [16, 32, 48, 64])
def test_short_codes_are_the_first_bits_of_the_long_ones_and_search_what_was_indexed_with_these(bits):
    whole, short = (checkpoint.load(name) for name in ("iaprtc12-hashing", f"iaprtc12-hashing@{bits}"))
    text = "two dogs run on the beach"
    assert (short.dim, short.called) == (bits, f"{whole.name}@{bits}" if bits < whole.dim else whole.name)
    np.testing.assert_array_equal(short.encode_text(text), whole.encode_text(text)[:, :bits])
    with Gallery.open(DEMO) as gallery:
        ids, codes = gallery.vectors(whole, Modality.PHOTO)
        distances = (np.sign(codes[:, :bits]) != whole.encode_text(text)[:, :bits]).sum(1)
        hits = Searcher(short, gallery).search(text=text, k=20)
        assert [-hit.score for hit in hits] == np.sort(distances)[:20].tolist()
        assert "-0.0" not in [str(hit.score) for hit in hits]
        place = {id: row for row, id in enumerate(ids)}
        assert all(-hit.score == distances[place[hit.id]] for hit in hits)
        assert gallery.lacking(short, Modality.PHOTO) == []  # nothing has to be indexed again


def test_short_codes_are_for_searching_alone(gallery, photo_folder, tmp_path, system):
    short = checkpoint.load("iaprtc12-hashing@16")
    with pytest.raises(BadInput, match="is shortened to 16 bits"):
        gallery.put_vectors(short, Modality.PHOTO, [], np.zeros((0, 16), np.float32))
    with pytest.raises(BadInput, match="Milvus holds whole codes"):
        Searcher(short, gallery, engine=str(tmp_path / "m.db")).search(text="a dog")
    assert index_folder(photo_folder, [short]).indexed == 6
    with Gallery.open(photo_folder) as made:
        ids, codes = made.vectors(short.whole, Modality.PHOTO)
        assert codes.shape == (6, 64) and made.vectors(short, Modality.PHOTO)[1].shape == (6, 16)
        assert len(Searcher(short, made).search(photo=photo_folder / "red-left.png", k=3)) == 3
    for name, told in (
        ("iaprtc12-hashing@20", "Choose one of 16, 32, 48, 64"),
        ("tri@16", "Take its vectors as they are"),
    ):
        with pytest.raises(BadInput, match=f"has no codes of .*{told}"):
            checkpoint.load(name)
