"""What hypothesis makes up to call the library with: values of every kind, most of them wrong."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

FIXED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
numbers = st.one_of(
    st.floats(),
    st.integers(),
    st.booleans(),
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 5e-324, 1e-200, 1e308, 10**400, Fraction(1, 3), Decimal("0.5")]),
    st.sampled_from([np.float32(0.5), np.float64("nan"), np.int64(3), np.array(1.0)]),
)
typed = st.lists(
    st.sampled_from(["no", "not", "ohne", "kein", "without", "but", "and", "with", "dog", "red", "Hut", "sign", "in"])
    | st.sampled_from([",", ".", "(", ")", '"', "-", "a", "the", "no-one", "5", "🚗", "ist"])
    | st.text(max_size=4),
    max_size=12,
).map(" ".join)
anything = st.one_of(numbers, st.none(), st.text(max_size=20), st.binary(max_size=20), st.lists(st.text(), max_size=3))


def plausible(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """Arrays as they should be: of numbers from -1 to 1."""
    return npst.arrays(np.float32, shape, elements=st.floats(-1, 1, width=32))


def arrays(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """Arrays of this shape and of others, of all kinds of numbers and of none."""
    shapes = st.one_of(st.just(shape), npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=19))
    kinds = st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.uint8, np.bool_, np.complex64, "U3", "O"])
    return plausible(*shape) | kinds.flatmap(lambda kind: npst.arrays(kind, shapes, elements=_elements(kind)))


def _elements(kind: object) -> st.SearchStrategy | None:
    return st.one_of(st.none(), st.integers(), st.text(max_size=2)) if kind == "O" else None
