"""Searching: the right photos and captions in the right order, mixed, excluded, and from many threads."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import pictures, write_checkpoint
from xmr import checkpoint
from xmr.folder import index_folder
from xmr.gallery import Entry, Gallery, GalleryMismatch
from xmr.modality import BadInput, Drawing, Modality, Query, Term
from xmr.search import Searcher


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
    vector = system.compose(query)
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
        index_folder(tmp_path, system)
        assert {item.content for item in gallery.texts_of(id)} == {"a red photo", "a blue photo"}
        searcher = Searcher(system, gallery)
        for colour in ("red", "blue"):
            assert searcher.explain(Query((text(colour),)), id) == f"a {colour} photo"


def test_a_gallery_without_captions_has_none_to_give(system, photo_folder):
    index_folder(photo_folder, system)
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


def test_probability_rises_with_score_and_is_none_without_a_calibration(searcher, system, gallery):
    hits = searcher.search(Query((text("red"),)))
    for hit in hits:
        assert hit.probability == pytest.approx(1 / (1 + np.exp(-(8 * hit.score - 4))), abs=1e-3)
    bare = Searcher(replace(system, calibration={}), gallery)
    assert all(hit.probability is None for hit in bare.search(Query((text("red"),))))
    assert all(hit.probability is None for hit in searcher.captions(Query((text("red"),))))  # no text_to_text curve


def test_more_than_there_is_gives_all_and_less_than_one_is_refused(searcher):
    assert len(searcher.search(Query((text("red"),)), k=1000)) == 6
    with pytest.raises(BadInput, match="at least 1; 0 came"):
        searcher.search(Query((text("red"),)), k=0)


def test_other_weights_are_refused_with_the_command_that_mends_it(gallery, tmp_path):
    other = checkpoint.load(write_checkpoint(tmp_path / "tiny", tilt=0.01))
    with pytest.raises(GalleryMismatch, match=r"holds vectors of .{8}, but tiny is .{8}. Rebuild them: python -m xmr"):
        Searcher(other, gallery).search(Query((text("red"),)))


def test_an_empty_gallery_is_refused(system, tmp_path):
    with Gallery.create(tmp_path / "empty") as gallery:
        gallery.put_vectors(system.name, system.weights, Modality.PHOTO, [], np.zeros((0, system.dim)))
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
