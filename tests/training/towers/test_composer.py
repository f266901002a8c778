"""The composer's network: where it begins, and what it makes of each term."""

import pytest
import torch

from training.towers import composer
from training.towers.composer import Composer, log_chance
from xmr.composer import KINDS

FLOORS, NAMED = (0.02, 0.1, 0.01), (0.03, 0.8, 0.01)


def test_there_is_a_number_for_every_kind_of_term():
    assert len(KINDS) == composer.KINDS


def test_it_begins_as_the_calibrated_curves_of_the_terms_kinds():
    made = Composer(5, 2, 6, 0.3, FLOORS, NAMED).eval()
    with torch.no_grad():
        made.slope.copy_(torch.tensor([2.0, 3.0, 5.0]))
        made.intercept.copy_(torch.tensor([-1.0, 0.5, 7.0]))
    terms, kinds = torch.randn(4, 5), torch.tensor([2, 0, 1, 2])
    readers, biases, floors = made(terms, kinds)
    torch.testing.assert_close(readers, torch.tensor([5.0, 2.0, 3.0, 5.0])[:, None] * terms)
    torch.testing.assert_close(biases, torch.tensor([7.0, -1.0, 0.5, 7.0]))
    torch.testing.assert_close(floors, torch.tensor([0.01, 0.025, 0.45, 0.01]))  # half way: none knows yet what names


def test_the_floor_rises_where_a_term_that_is_misread_more_rarely_names_the_thing():
    torch.manual_seed(0)
    made = Composer(5, 2, 6, 0.3, FLOORS, NAMED).eval()
    with torch.no_grad():
        made.outer.weight.normal_()
        terms, kinds, query = torch.randn(6, 5), torch.tensor([1, 2, 2, 1, 0, 1]), torch.tensor([0, 0, 0, 1, 1, 2])
        names = made.gates(terms, kinds)[:, 2].sigmoid()
        floors = made(terms, kinds, query)[2]
        words, photo = max(names[1], names[2]), names[4]
        expected = [0.1 + 0.7 * words, 0.01, 0.01, 0.1 + 0.7 * photo, 0.02, 0.1]
        torch.testing.assert_close(floors, torch.tensor([float(one) for one in expected]))
        every = made(terms, kinds)[2]  # of one query
        torch.testing.assert_close(every[5], 0.1 + 0.7 * names[[1, 2, 4]].max())


def test_each_term_is_read_alone():
    torch.manual_seed(0)
    made = Composer(5, 2, 6, 0.3, FLOORS, NAMED).eval()
    with torch.no_grad():
        for value in made.parameters():
            value.normal_()
        terms, kinds = torch.randn(3, 5), [2, 0, 1]
        readers, biases, _ = made(terms, torch.tensor(kinds))
        for n, kind in enumerate(kinds):
            moved = terms[n] + terms[n] @ made.down[kind] @ made.up[kind]
            inner = 4 * (made.inner.weight @ terms[n] + made.inner.bias) + made.kind.weight[kind]
            slope, bias, _ = made.outer.weight @ torch.nn.functional.gelu(inner) + made.outer.bias
            torch.testing.assert_close(readers[n], made.slope[kind] * slope.exp() * moved)
            torch.testing.assert_close(biases[n], made.intercept[kind] + 5 * bias)


def test_a_chance_is_never_below_its_floor():
    odds, floors = torch.tensor([[-100.0, 0.0, 100.0], [-1.0, 2.0, 3.0]]), torch.tensor([0.1, 0.02])
    found = log_chance(odds, floors).exp()
    for row, floor in zip(range(2), (0.1, 0.02), strict=True):
        for column in range(3):
            met = 1 / (1 + torch.exp(-odds[row, column].double()))
            assert float(found[row, column]) == pytest.approx(float(floor + (1 - floor) * met), rel=1e-5)
