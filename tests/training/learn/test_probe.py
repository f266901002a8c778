"""The linear probe: what it finds between two domains, and what it cannot find."""

import numpy as np
import pytest

from training.learn.probe import domain_probe


def vectors(shift: float) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """Two domains of ten classes, whose means differ by a shift that all classes share."""
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(10, 6)), 40, axis=0)
    names = [f"class:{n}" for n in range(10) for _ in range(40)]
    a, b = (centres + 0.3 * rng.normal(size=centres.shape) for _ in range(2))
    return a + shift * np.eye(6)[0], b, names, names


def test_a_probe_finds_a_shift_that_all_classes_share():
    assert domain_probe(*vectors(shift=12.0)) > 0.99


def test_a_probe_finds_nothing_where_both_domains_are_one():
    assert abs(domain_probe(*vectors(shift=0.0)) - 0.5) < 0.06


def test_a_probe_is_tested_on_classes_that_it_was_not_fitted_on():
    """Each class is shifted along an axis of its own, so that a classifier that knows the class is always right, and
    one that does not can only guess."""
    a, b = np.eye(10).repeat(20, axis=0), -np.eye(10).repeat(20, axis=0)
    names = [f"class:{n}" for n in range(10) for _ in range(20)]
    signs = np.where(np.arange(200) // 20 % 2, 1, -1)[:, None]
    assert domain_probe(a * signs, b * signs, names, names) < 0.7


def test_a_probe_needs_as_many_classes_as_folds():
    with pytest.raises(ValueError, match="Expected at least 5 classes, got 1"):
        domain_probe(np.ones((3, 2)), np.ones((3, 2)), ["a"] * 3, ["a"] * 3)
