"""Systems: one vector out of a mixed query, probabilities, and queries that mean nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xmr.modality import BadInput, Drawing, Modality, Query, Term

SQUARE = Drawing((np.array([[0, 0], [0, 9], [9, 9], [9, 0], [0, 0.0]]),))
RED, SKETCH = Term(Modality.TEXT, "a red photo"), Term(Modality.SKETCH, SQUARE)


def query(*terms: Term) -> Query:
    return Query(terms)


def test_one_term_is_its_own_vector(system):
    assert (system.compose(query(RED)) == system.encode(Modality.TEXT, ["a red photo"])[0]).all()
    assert (system.compose(query(replace(RED, weight=0.3))) == system.compose(query(RED))).all()


def test_a_mix_is_the_sum_by_weight_over_spread_at_unit_length(system):
    spreads = {"text_to_photo": {"std": 0.5}, "sketch_to_photo": {"std": 0.1}}
    uneven = replace(system, calibration=spreads)
    text, sketch = system.encode(Modality.TEXT, [RED.content])[0], system.encode(Modality.SKETCH, [SQUARE])[0]
    wanted = 2 * text / 0.5 - 1 * sketch / 0.1
    found = uneven.compose(query(replace(RED, weight=2), replace(SKETCH, weight=-1)))
    np.testing.assert_allclose(found, wanted / np.linalg.norm(wanted), atol=1e-6)


def test_without_a_calibration_a_mix_still_works_and_has_no_probability(system):
    bare = replace(system, calibration={})
    text, sketch = system.encode(Modality.TEXT, [RED.content])[0], system.encode(Modality.SKETCH, [SQUARE])[0]
    wanted = text + sketch
    np.testing.assert_allclose(bare.compose(query(RED, SKETCH)), wanted / np.linalg.norm(wanted), atol=1e-6)
    assert bare.probability(query(RED, SKETCH), np.zeros((2, 3))) is None


def test_a_vector_of_the_space_may_stand_for_a_photo(system):
    vector = system.encode(Modality.TEXT, ["red"])[0]
    assert (system.compose(query(Term(Modality.PHOTO, vector))) == vector).all()
    with pytest.raises(BadInput, match=r"vectors of 19 numbers, but one of shape \(3,\)"):
        system.compose(query(Term(Modality.PHOTO, np.zeros(3))))


def test_the_probability_of_one_term_is_its_logistic_curve(system):
    scores = np.array([[-1.0, 0.0, 0.5, 1.0]])
    wanted = 1 / (1 + np.exp(-(8 * scores[0] - 4)))
    np.testing.assert_allclose(system.probability(query(RED), scores), wanted)


def test_the_probability_of_a_mix_is_that_of_the_mean_log_odds_of_what_is_asked_for(system):
    curves = {"text_to_photo": {"slope": 4, "intercept": -1}, "sketch_to_photo": {"slope": 10, "intercept": -5}}
    system = replace(system, calibration=curves)
    scores = np.array([[0.5], [0.2], [0.9]])
    mixed = query(replace(RED, weight=3), SKETCH, replace(RED, weight=-1))
    odds = (3 * (4 * 0.5 - 1) + 1 * (10 * 0.2 - 5)) / 4
    np.testing.assert_allclose(system.probability(mixed, scores), [1 / (1 + np.exp(-odds))])


@pytest.mark.parametrize(
    ("terms", "message"),
    [((), "Say what to find: draw"), ((replace(RED, weight=-1),), "as well as what to avoid"),
     ((RED, replace(RED, weight=-1)), "cancel each other out")],
)  # fmt: skip
def test_a_query_that_asks_for_nothing_is_refused(system, terms, message):
    with pytest.raises(BadInput, match=message):
        system.compose(query(*terms))


def test_a_modality_without_an_encoder_is_refused_and_the_others_are_named(system):
    blind = replace(system, encoders={Modality.TEXT: system.encoders[Modality.TEXT]})
    with pytest.raises(BadInput, match="tiny cannot search by sketch. Ask it by text"):
        blind.compose(query(SKETCH))


def test_only_a_cosine_space_mixes(system):
    with pytest.raises(BadInput, match="compares by euclidean and cannot mix"):
        replace(system, space="euclidean").compose(query(RED, SKETCH))
