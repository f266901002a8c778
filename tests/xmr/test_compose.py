"""Composing a query: one vector out of a mixed query, probabilities, and queries that mean nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests import odd
from tests.conftest import DIM
from xmr.compose import certainty, compose, encode_terms, probability, ranking, stated_match
from xmr.encoder import Encoder
from xmr.modality import BadInput, Drawing, Modality, Query, Term
from xmr.preprocess import Vocabulary
from xmr.system import System

SQUARE = Drawing((np.array([[0, 0], [0, 9], [9, 9], [9, 0], [0, 0.0]]),))
RED, SKETCH = Term(Modality.TEXT, "a red photo"), Term(Modality.SKETCH, SQUARE)


def query(*terms: Term) -> Query:
    return Query(terms)


def scored(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of terms and of answers that have these scores, (T, K)."""
    answers = np.zeros((scores.shape[1], DIM), np.float32)
    answers[:, : len(scores)] = scores.T
    return np.eye(len(scores), DIM, dtype=np.float32), answers


def test_one_term_is_its_own_vector(system):
    assert (compose(system, query(RED)) == system.encode(Modality.TEXT, ["a red photo"])[0]).all()
    assert (compose(system, query(replace(RED, weight=0.3))) == compose(system, query(RED))).all()


def test_a_mix_is_the_sum_by_weight_over_spread_at_unit_length(system):
    spreads = {"text_to_photo": {"std": 0.5}, "sketch_to_photo": {"std": 0.1}}
    uneven = replace(system, calibration=spreads)
    text, sketch = system.encode(Modality.TEXT, [RED.content])[0], system.encode(Modality.SKETCH, [SQUARE])[0]
    wanted = 2 * text / 0.5 - 1 * sketch / 0.1
    found = compose(uneven, query(replace(RED, weight=2), replace(SKETCH, weight=-1)))
    np.testing.assert_allclose(found, wanted / np.linalg.norm(wanted), atol=1e-6)


def test_without_a_calibration_a_mix_still_works_and_has_no_probability(system):
    bare = replace(system, calibration={})
    text, sketch = system.encode(Modality.TEXT, [RED.content])[0], system.encode(Modality.SKETCH, [SQUARE])[0]
    wanted = text + sketch
    np.testing.assert_allclose(compose(bare, query(RED, SKETCH)), wanted / np.linalg.norm(wanted), atol=1e-6)
    assert probability(bare, query(RED, SKETCH), *scored(np.zeros((2, 3)))) is None


def test_a_vector_of_the_space_may_stand_for_a_photo(system):
    vector = system.encode(Modality.TEXT, ["red"])[0]
    assert (compose(system, query(Term(Modality.PHOTO, vector))) == vector).all()
    with pytest.raises(BadInput, match=r"vectors must be numbers of shape \(19,\), but .* \(3,\) came"):
        compose(system, query(Term(Modality.PHOTO, np.zeros(3))))


def test_the_probability_of_one_term_is_its_logistic_curve(system):
    scores = np.array([[-1.0, 0.0, 0.5, 1.0]])
    wanted = 1 / (1 + np.exp(-(8 * scores[0] - 4)))
    np.testing.assert_allclose(probability(system, query(RED), *scored(scores)), wanted)


def test_the_probability_of_a_mix_is_that_of_the_mean_log_odds_of_what_is_asked_for(system):
    curves = {"text_to_photo": {"slope": 4, "intercept": -1}, "sketch_to_photo": {"slope": 10, "intercept": -5}}
    system = replace(system, calibration=curves)
    scores = np.array([[0.5], [0.2], [0.9]])
    mixed = query(replace(RED, weight=3), SKETCH, replace(RED, weight=-1))
    odds, unwanted = (3 * (4 * 0.5 - 1) + 1 * (10 * 0.2 - 5)) / 4, 1 / (1 + np.exp(-(4 * 0.9 - 1)))
    wanted = [(1 - unwanted) ** (1 / 3) / (1 + np.exp(-odds))]
    np.testing.assert_allclose(probability(system, mixed, *scored(scores)), wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ((), "Say what to find: draw"),
        ((replace(RED, weight=-1),), "as well as what to avoid"),
        ((RED, replace(RED, weight=-1)), "cancel each other out"),
    ],
)
def test_a_query_that_asks_for_nothing_is_refused(system, terms, message):
    with pytest.raises(BadInput, match=message):
        compose(system, query(*terms))


def test_a_modality_without_an_encoder_is_refused_and_the_others_are_named(system):
    blind = replace(system, encoders={Modality.TEXT: system.encoders[Modality.TEXT]})
    with pytest.raises(BadInput, match="tiny cannot search by sketch. Ask it by text"):
        compose(blind, query(SKETCH))


def test_only_a_cosine_space_mixes(system):
    with pytest.raises(BadInput, match="compares by euclidean and cannot mix"):
        compose(replace(system, space="euclidean"), query(RED, SKETCH))


def vector_of(value: float, at: int = 0) -> Term:
    vector = np.eye(DIM, dtype=np.float32)[at]
    vector[at] = value
    return Term(Modality.PHOTO, vector)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e10, 3e38])
def test_a_vector_that_is_not_finite_or_too_large_is_refused(system, value):
    for asked in (query(vector_of(value)), query(RED, vector_of(value))):
        with pytest.raises(BadInput, match="tiny's vectors must be finite numbers below 1e\\+09"):
            compose(system, asked)
    with pytest.raises(BadInput, match="The terms' vectors must be finite"):
        compose(system, query(RED), vector_of(value).content[None])


def test_a_vector_without_a_direction_is_refused(system):
    with pytest.raises(BadInput, match="tiny compares directions, but a vector of zeros came"):
        compose(system, query(vector_of(0)))


def test_a_code_of_other_numbers_than_one_and_minus_one_is_refused(system):
    codes = replace(system, space="hamming")
    code = np.where(np.arange(DIM) % 2, 1.0, -1.0)
    assert (compose(codes, query(Term(Modality.PHOTO, code))) == code).all()
    with pytest.raises(BadInput, match="codes of \\+1 and -1, but other numbers came"):
        compose(codes, query(Term(Modality.PHOTO, code * 0.5)))


@pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf, 1001, 10**5000, "1", None, 1j, np.ones(1)], ids=type)
def test_a_weight_that_is_no_number_or_too_large_is_refused(system, weight):
    asked = query(RED, replace(SKETCH, weight=weight))
    for use in (encode_terms, compose, partial(probability, terms=np.eye(2, DIM), answers=np.eye(2, DIM))):
        with pytest.raises(BadInput, match="A weight must be a number from -1000 to 1000; .* came. Give 1"):
            use(system, asked)


def test_only_the_ratio_of_the_weights_counts_however_small_they_are(system):
    wanted = compose(system, query(RED, replace(SKETCH, weight=0.5)))
    scores = np.array([[0.1, 0.7], [0.4, -0.2]])
    odds = probability(system, query(RED, replace(SKETCH, weight=0.5)), *scored(scores))
    for least in (1e-310, 1e-30, 300):
        small = query(replace(RED, weight=2 * least), replace(SKETCH, weight=least))
        np.testing.assert_allclose(compose(system, small), wanted, atol=1e-6)
        np.testing.assert_allclose(probability(system, small, *scored(scores)), odds, rtol=1e-6)


def test_a_query_of_too_many_parts_is_refused(system):
    assert encode_terms(system, query(*[RED] * 64)).shape == (64, DIM)
    with pytest.raises(BadInput, match="may have 64 parts; 65 came"):
        encode_terms(system, query(*[RED] * 65))


@pytest.mark.parametrize(
    "asked", [None, RED, "red", Query(RED), Query(None), Query(("red",)), Query((Term([], "red"),))]
)
def test_what_is_no_query_is_refused(system, asked):
    with pytest.raises(BadInput, match="Expected a Query|must be Terms"):
        compose(system, asked)


@pytest.mark.parametrize("vectors", [np.zeros(3), np.zeros((2, 3)), np.full((1, DIM), np.nan), None, [[0.5]], 7])
def test_vectors_of_another_space_are_refused(system, vectors):
    fine = np.eye(1, DIM)
    with pytest.raises(BadInput, match="The terms' vectors must be"):
        probability(system, query(RED), vectors, fine)
    with pytest.raises(BadInput, match="The answers' vectors must be"):
        probability(system, query(RED), fine, vectors)


wild = st.builds(
    Term,
    st.sampled_from(list(Modality)) | odd.anything,
    odd.arrays(DIM) | odd.anything | st.sampled_from([SQUARE, Image.new("RGB", (9, 5), "red"), Image.new("L", (1, 1))]),
    st.just(1.0) | odd.anything,
)
tame = st.builds(Term, st.sampled_from(list(Modality)), odd.plausible(DIM), st.floats(-2, 2)) | st.just(RED)


@odd.FIXED
@given(
    st.lists(tame | wild, max_size=4),
    odd.arrays(2, DIM),
    odd.arrays(3, DIM),
    st.sampled_from(["cosine", "euclidean", "hamming"]),
)
def test_whatever_is_asked_gives_finite_numbers_or_bad_input(system, asked, terms, answers, space):
    system, asked = replace(system, space=space), Query(tuple(asked))
    for use, shape in (
        (lambda: encode_terms(system, asked), (len(asked.terms), DIM)),
        (lambda: compose(system, asked), (DIM,)),
        (lambda: probability(system, asked, terms, answers), answers.shape[:1]),
    ):
        try:
            found = use()
        except BadInput as error:
            assert len(str(error)) < 400
        else:
            assert found is None or found.shape == shape and np.isfinite(found).all()


def slow_rank(answers: np.ndarray, terms, readers, biases, floors) -> list[float]:
    """Photo by photo and term by term."""
    most, found = max(abs(term.weight) for term in terms), []
    for photo in answers.astype(float):
        total = 0.0
        for term, reader, bias, floor in zip(terms, readers.astype(float), biases, floors, strict=True):
            met = 1 / (1 + math.exp(-(float(reader @ photo) + float(bias))))
            if term.weight > 0:
                total += term.weight / most * math.log(floor + (1 - floor) * met)
            else:  # what is unwanted counts three times
                total += 3 * abs(term.weight) / most * math.log(1 - met)
        found.append(total)
    return found


@pytest.fixture
def composed(system) -> System:
    """The tiny system with a composer whose readers are three times the terms, and a curve for mixed queries."""
    curve = {"slope": 2.0, "intercept": 1.5, "mean": 0.0, "std": 1.0}
    return replace(
        system,
        composer=lambda terms, kinds: (
            3 * terms,
            np.array([-1.0 - (kind == "text") for kind in kinds]),
            np.array([0.0 if kind == "text" else 0.1 for kind in kinds]),
        ),
        calibration=system.calibration | {"mixed_to_photo": curve},
    )


PHOTOS = np.random.default_rng(0).normal(size=(9, DIM)).astype(np.float32)


@pytest.mark.parametrize("weights", [(1, 1), (2, 1), (1e-9, 3e-9)])
def test_several_terms_rank_by_the_weighted_log_chances_that_each_is_met(composed, weights):
    asked = query(replace(RED, weight=weights[0]), replace(SKETCH, weight=weights[1]))
    terms = encode_terms(composed, asked)
    found = ranking(composed, asked, terms)
    wanted = np.array(slow_rank(PHOTOS, asked.terms, 3 * terms, [-2.0, -1.0], [0.0, 0.1]))
    np.testing.assert_allclose(found.scores(PHOTOS), wanted, rtol=1e-6)
    odds = np.log(np.exp(wanted) / (1 - np.exp(wanted)))
    np.testing.assert_allclose(found.match(PHOTOS), 1 / (1 + np.exp(-(2 * odds + 1.5))), rtol=1e-6)
    assert found.exact
    np.testing.assert_array_equal(found.candidates, 3 * terms)


@pytest.mark.parametrize(("weights", "floor"), [((1, 1), 0.5), ((1, 4), 0.2), ((4, 1), 0.5), ((1, 1, -1), 0.5)])
def test_words_that_name_the_thing_raise_a_drawings_floor_by_their_weight_beside_it(composed, weights, floor):
    """A composer that reads a drawing with a floor of 0.1, and with one of 0.5 beside words."""

    def read(terms, kinds):
        drawn = 0.5 if "text" in kinds else 0.1
        return 3 * terms, np.full(len(terms), -1.0), np.array([drawn if kind == "sketch" else 0.0 for kind in kinds])

    parts = (RED, SKETCH, RED)
    asked = query(*(replace(part, weight=weight) for part, weight in zip(parts, weights, strict=False)))
    terms = encode_terms(composed, asked)
    found = ranking(replace(composed, composer=read), asked, terms)
    wanted = slow_rank(PHOTOS, asked.terms, 3 * terms, [-1.0] * len(terms), [0.0, floor, 0.0][: len(terms)])
    np.testing.assert_allclose(found.scores(PHOTOS), wanted, rtol=1e-5)


def test_how_sure_a_mix_is_depends_on_the_term_that_is_read_most_surely(composed):
    curve = composed.calibration["mixed_to_photo"] | {"usual_length": -3.0, "surest": 0.2, "surest_per_length": -0.1}
    composed = replace(composed, calibration=composed.calibration | {"mixed_to_photo": curve})
    asked = query(SKETCH, RED)
    terms = encode_terms(composed, asked)
    found = ranking(composed, asked, terms)
    sure, rarely, surest = found.evidence(PHOTOS)
    np.testing.assert_allclose(
        surest, np.clip(3 * PHOTOS @ terms[1] - 2, -15, 15), rtol=1e-5
    )  # the words have no floor
    assert rarely == -2
    odds = 2 * sure + 1.5 + (0.2 - 0.1 * (-2 + 3)) * surest
    np.testing.assert_allclose(found.match(PHOTOS), 1 / (1 + np.exp(-odds)), rtol=1e-6)
    alone = query(SKETCH, replace(RED, weight=-1))
    assert ranking(composed, alone, terms).evidence is None


def test_a_mix_of_two_kinds_is_stated_by_their_own_curve_where_there_is_one(composed):
    own = composed.calibration["mixed_to_photo"] | {"slope": 0.5}
    one = replace(composed, calibration=composed.calibration | {"mixed_sketch_text_to_photo": own})
    photo = Term(Modality.PHOTO, PHOTOS[0])
    for asked, curve in (
        (query(SKETCH, RED), own),
        (query(RED, SKETCH, RED), own),
        (query(RED, SKETCH, replace(photo, weight=-1)), own),  # what is unwanted doesn't count
        (query(RED, photo), one.calibration["mixed_to_photo"]),
        (query(RED, RED), one.calibration["mixed_to_photo"]),
    ):
        found = ranking(one, asked, encode_terms(one, asked))
        odds = curve["slope"] * found.evidence(PHOTOS)[0] + curve["intercept"]
        np.testing.assert_allclose(found.match(PHOTOS), 1 / (1 + np.exp(-odds)), rtol=1e-5, atol=1e-20)


@pytest.mark.parametrize("weights", [(1, -1), (0.25, -1), (1, 0), (900, -300)])
def test_what_is_not_wanted_takes_away_from_the_answers_to_the_one_term_that_is(composed, weights):
    asked = query(replace(RED, weight=weights[0]), replace(SKETCH, weight=weights[1]))
    terms = encode_terms(composed, asked)
    found, alone = ranking(composed, asked, terms), ranking(composed, query(RED), terms[:1])
    wanted = slow_rank(PHOTOS, asked.terms, np.stack([8 * terms[0], 3 * terms[1]]), [-4.0, -1.0], [0.0, 0.1])
    np.testing.assert_allclose(found.scores(PHOTOS), wanted, rtol=1e-5)
    without = 1 - 1 / (1 + np.exp(-(3 * PHOTOS @ terms[1] - 1))) if weights[1] else 1.0
    np.testing.assert_allclose(found.match(PHOTOS), alone.match(PHOTOS) * without, rtol=1e-4)


def test_a_text_that_alone_is_wanted_is_read_once_beside_what_is_not(composed):
    read: list[Modality] = []
    curve = composed.calibration["text_to_photo"] | {"surest": 0.4}  # takes what the composer reads
    counted = replace(
        composed,
        composer=lambda terms, kinds: (read.extend(kinds), composed.composer(terms, kinds))[1],
        calibration=composed.calibration | {"text_to_photo": curve},
    )
    asked = query(RED, replace(SKETCH, weight=-1))
    ranking(counted, asked, encode_terms(composed, asked))
    assert read == [Modality.TEXT, Modality.SKETCH]


def test_chances_near_1_are_still_told_apart():
    np.testing.assert_allclose(certainty(np.log([0.2, 0.5, 0.9])), np.log([0.25, 1, 9]))
    nearly, surely = certainty(np.array([-1e-3, -1e-7]))
    assert nearly == pytest.approx(np.log(1e3), rel=1e-3) and surely == pytest.approx(np.log(1e7), rel=1e-3)
    assert np.isfinite(certainty(np.zeros(1))).all()


def test_a_photo_far_from_meeting_a_term_has_a_finite_score(composed):
    asked = query(RED, replace(SKETCH, weight=-1))
    terms = encode_terms(composed, asked)
    far = ranking(composed, asked, terms).scores(np.stack([1e4 * terms[1], -1e4 * terms[0]]))
    assert np.isfinite(far).all() and (far < -1e4).all()


def test_no_term_makes_up_for_another(composed):
    asked = query(RED, SKETCH)
    terms = np.eye(2, DIM, dtype=np.float32)
    one, both = np.zeros((2, DIM), np.float32)
    one[0], both[:2] = 2.2, 1.0  # the first has more in sum
    lone, shared = ranking(composed, asked, terms).scores(np.stack([one, both]))
    assert shared > lone
    lone, shared = ranking(replace(composed, composer=None), asked, terms).scores(np.stack([one, both]))
    assert lone > shared


def test_without_a_curve_for_mixed_queries_no_chance_is_stated(composed, system):
    asked = query(RED, SKETCH)
    bare = replace(composed, calibration=system.calibration)
    assert ranking(bare, asked, encode_terms(bare, asked)).match(PHOTOS) is None


def test_one_term_captions_and_systems_without_a_composer_are_ranked_by_one_vector(composed, system):
    for one, asked, target in (
        (composed, query(RED), Modality.PHOTO),
        (composed, query(RED, SKETCH), Modality.TEXT),
        (system, query(RED, SKETCH), Modality.PHOTO),
    ):
        terms = encode_terms(one, asked)
        found, vector = ranking(one, asked, terms, target), compose(one, asked, terms)
        assert not found.exact
        np.testing.assert_array_equal(found.candidates, vector[None])
        np.testing.assert_allclose(found.scores(PHOTOS), PHOTOS @ vector)
        told, stated = found.match(PHOTOS), probability(one, asked, terms, PHOTOS, target)
        assert (told is None) == (stated is None) and (told is None or np.allclose(told, stated))


def test_the_match_of_a_drawing_depends_on_how_finished_it_looks_wherever_it_is_stated(composed):
    vector = encode_terms(composed, query(SKETCH))[0].astype(np.float64)
    curve = composed.calibration["sketch_to_photo"] | {"usual_length": 0.5, "per_length": -2.0, "slope_per_length": 6.0}
    one = replace(
        composed,
        calibration=composed.calibration | {"sketch_to_photo": curve},
        completeness=[*(2 * vector), -1.0],
    )
    looks = 1 / (1 + np.exp(-(2 * vector @ vector - 1)))
    scores = PHOTOS @ vector
    stated = 1 / (1 + np.exp(-((8 + 6 * (looks - 0.5)) * scores - 4 - 2 * (looks - 0.5))))
    asked = query(SKETCH)
    terms = encode_terms(one, asked)
    np.testing.assert_allclose(ranking(one, asked, terms).match(PHOTOS), stated, rtol=1e-4)
    told = stated_match(one, Modality.SKETCH, Modality.PHOTO, terms, PHOTOS[None], [None])
    np.testing.assert_allclose(told, stated[None], rtol=1e-4)
    np.testing.assert_allclose(probability(one, asked, terms, PHOTOS), stated, rtol=1e-4)
    asked = query(SKETCH, replace(RED, weight=-1))  # what is unwanted only takes away
    terms = encode_terms(one, asked)
    without = 1 - 1 / (1 + np.exp(-(3 * PHOTOS @ terms[1] - 2)))
    np.testing.assert_allclose(ranking(one, asked, terms).match(PHOTOS), stated * without, rtol=1e-4)
    usual = replace(one, completeness=None)
    match = ranking(usual, query(SKETCH), terms[:1]).match(PHOTOS)
    np.testing.assert_allclose(match, 1 / (1 + np.exp(-(8 * scores - 4))), rtol=1e-4)


def test_what_the_composer_reads_in_words_counts_for_their_match_wherever_it_is_stated(composed):
    """A curve that takes it; what it reads of the words is as a query of several terms has it."""
    curve = composed.calibration["text_to_photo"] | {"surest": 0.4, "surest_per_length": -0.2, "usual_length": 1.0}
    one = replace(composed, calibration=composed.calibration | {"text_to_photo": curve})
    asked = query(RED)  # of three words
    terms = encode_terms(one, asked)
    (reader,), (bias,), _ = one.composer(terms, [Modality.TEXT])
    more = 0.4 - 0.2 * (np.log(3) - 1)
    odds = curve["slope"] * PHOTOS @ terms[0] + curve["intercept"] + more * (PHOTOS @ reader + bias)
    stated = 1 / (1 + np.exp(-odds))
    assert np.abs(more * (PHOTOS @ reader + bias)).max() > 0.1
    np.testing.assert_allclose(ranking(one, asked, terms).match(PHOTOS), stated, rtol=1e-4)
    np.testing.assert_allclose(probability(one, asked, terms, PHOTOS), stated, rtol=1e-4)
    told = stated_match(one, Modality.TEXT, Modality.PHOTO, terms, PHOTOS[None], [RED.content])
    np.testing.assert_allclose(told, stated[None], rtol=1e-4)
    np.testing.assert_array_equal(ranking(one, asked, terms).scores(PHOTOS), PHOTOS @ terms[0])  # the order stays
    asked = query(RED, replace(SKETCH, weight=-1))  # what is unwanted only takes away
    found = ranking(one, asked, encode_terms(one, asked)).match(PHOTOS)
    plain = ranking(composed, asked, encode_terms(one, asked)).match(PHOTOS)
    np.testing.assert_allclose(found / stated, plain / ranking(composed, query(RED), terms).match(PHOTOS), rtol=1e-4)


def test_that_a_text_asks_for_several_things_counts_wherever_its_match_is_stated(system):
    curve = system.calibration["text_to_photo"] | {"several": -0.5}
    one = replace(system, calibration=system.calibration | {"text_to_photo": curve})
    texts = ["a red photo", "red and blue"]
    vectors = one.encode(Modality.TEXT, texts)
    odds = curve["slope"] * vectors @ PHOTOS.T + curve["intercept"] - [[0], [0.5]]
    stated = 1 / (1 + np.exp(-odds))
    told = stated_match(one, Modality.TEXT, Modality.PHOTO, vectors, np.stack([PHOTOS] * 2), texts)
    np.testing.assert_allclose(told, stated, rtol=1e-4)
    for row, text in enumerate(texts):
        for term in (Term(Modality.TEXT, text), Term(Modality.TEXT, vectors[row], words=text)):
            match = ranking(one, query(term), vectors[[row]]).match(PHOTOS)
            np.testing.assert_allclose(match, stated[row], rtol=1e-4)


def test_a_name_of_several_words_that_the_system_knows_is_one_thing(system, monkeypatch):
    curve = system.calibration["text_to_photo"] | {"several": -0.5}
    one = replace(system, calibration=system.calibration | {"text_to_photo": curve})
    texts = ["a red bear", "red and blue"]
    vectors = one.encode(Modality.TEXT, texts)

    def stated() -> np.ndarray:
        return stated_match(one, Modality.TEXT, Modality.PHOTO, vectors, np.stack([PHOTOS] * 2), texts)

    before, words = stated(), Vocabulary({"en": {"red": 9}}, names=[["bear", "red"]])
    monkeypatch.setattr(Encoder, "vocabulary", property(lambda _: words))
    after = stated()
    assert (after[0] > before[0]).all()
    np.testing.assert_array_equal(after[1], before[1])


def test_no_answer_to_words_of_which_nothing_is_known_is_stated_as_sure(system, monkeypatch):
    texts = ["red", "of red bluish", "a photo", "bluish", "a bluish", "of", "42"]
    vectors = np.repeat(system.encode(Modality.TEXT, ["red"]), len(texts), axis=0)

    def stated() -> np.ndarray:
        return stated_match(system, Modality.TEXT, Modality.PHOTO, vectors, np.stack([PHOTOS] * len(texts)), texts)

    before, words = stated(), Vocabulary({"en": {"red": 9, "of": 9, "a": 9, "photo": 9}}, function_words={"a", "of"})
    monkeypatch.setattr(Encoder, "vocabulary", property(lambda _: words))
    after = stated()
    np.testing.assert_array_equal(after[:3], before[:3])
    np.testing.assert_allclose(after[3:] / (1 - after[3:]), np.exp(-4.3) * before[3:] / (1 - before[3:]), rtol=1e-4)


def test_a_composer_gets_the_terms_kinds_and_refuses_what_asks_for_nothing(composed):
    kinds: list = []
    system = replace(
        composed, composer=lambda terms, given: (kinds.extend(given), (terms, *np.zeros((2, len(terms)))))[1]
    )
    asked = query(SKETCH, RED, replace(RED, weight=-1))
    ranking(system, asked, encode_terms(system, asked))
    assert kinds == [Modality.SKETCH, Modality.TEXT, Modality.TEXT]
    with pytest.raises(BadInput, match="as well as what to avoid"):
        ranking(system, query(replace(RED, weight=-1), replace(SKETCH, weight=-1)), np.zeros((2, DIM), np.float32))
