"""Positions in bins: golden values, and what a linear layer can make of them."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from skmtl.neural.inputs import PiecewiseLinear


def test_golden_values():
    Z = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 6.0], [4.0, 6.0], [8.0, 5.0]])
    embedding = PiecewiseLinear(n_bins=4).fit(Z)
    # Limits 0, 1, 2, 4, 8; the second column has one bin, and is left out.
    np.testing.assert_array_equal(embedding.column_, [0, 0, 0, 0])
    found = embedding.transform(np.array([[-1.0, 9], [0, 9], [1.5, 9], [3, 9], [6, 9], [12, 9]]))
    expected = [
        [-1, 0, 0, 0],
        [0, 0, 0, 0],
        [1, 0.5, 0, 0],
        [1, 1, 0.5, 0],
        [1, 1, 1, 0.5],
        [1, 1, 1, 2],
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_few_values_are_levels():
    rng = np.random.default_rng(0)
    Z = np.column_stack([rng.integers(3, size=50) ** 2, rng.integers(2, size=50), rng.random(50)])
    embedding = PiecewiseLinear(splits="values").fit(Z)
    np.testing.assert_array_equal(embedding.column_, [0, 0])
    np.testing.assert_array_equal(embedding.transform(np.full((1, 3), 4.0)), [[1, 1]])
    np.testing.assert_allclose(embedding.transform(np.full((1, 3), 2.5)), [[1, 0.5]])
    # Too few rows to tell levels.
    assert not len(PiecewiseLinear(splits="values").fit(Z[:14]).column_)


def test_a_linear_model_on_it_is_piecewise_linear():
    z = np.linspace(-1, 1, 401)[:, None]
    y = np.abs(z[:, 0] + 0.5) + 2 * np.maximum(z[:, 0], 0)
    embedding = PiecewiseLinear(n_bins=4).fit(z)
    found = LinearRegression().fit(embedding.transform(z), y).predict(embedding.transform(z))
    np.testing.assert_allclose(found, y, atol=1e-9)


def test_a_tree_puts_its_splits_where_labels_jump():
    rng = np.random.default_rng(0)
    Z = rng.uniform(size=(500, 2))
    Y = np.column_stack([Z[:, 0] > 0.2, Z[:, 0] > 0.83]).astype(float)
    embedding = PiecewiseLinear(n_bins=3, splits="tree").fit(Z, Y)
    np.testing.assert_allclose(embedding.lower_[:3], [0.0, 0.2, 0.83], atol=0.01)


def test_a_tree_needs_labels():
    with pytest.raises(ValueError, match=r"splits='tree'\) needs labels"):
        PiecewiseLinear(splits="tree").fit(np.eye(3))


@pytest.mark.parametrize(
    "column",
    [[1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 1e-9, 1.0], np.r_[np.zeros(90), np.arange(10)]],
    ids=["constant", "binary", "close", "mostly zero"],
)
@pytest.mark.parametrize("splits", ["quantile", "tree"])
def test_bins_are_never_empty_or_narrow(column, splits):
    z = np.asarray(column, dtype=float)[:, None]
    embedding = PiecewiseLinear(splits=splits).fit(z, np.arange(len(z)) % 3)
    assert (embedding.width_ > 0).all()
    found = embedding.transform(z)
    assert found.min(initial=0) >= 0
    assert found.max(initial=0) <= 1
