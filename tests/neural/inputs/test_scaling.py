"""Columns on one scale, whatever their unit, and however odd their numbers."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import norm

from skmtl.neural.inputs._scaling import fit_scaling, smooth_clip

KINDS = ["robust", "standard"]


def scaled(kind, X, new=None):
    new = X if new is None else new
    out = np.empty(new.shape)
    fit_scaling(kind, X).apply(new, out)
    return out


def test_standard_is_that_of_scikit_learn():
    X = np.random.default_rng(0).normal(3.0, 2.0, size=(50, 4))
    np.testing.assert_allclose(scaled("standard", X), (X - X.mean(0)) / X.std(0), rtol=1e-12)


def test_robust_by_hand():
    X = np.zeros((9, 3))
    X[:, 0] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
    X[:, 1] = [0, 1, 2, 3, 4, 5, 6, 7, 8000]
    X[8, 2] = 6
    # Medians 4, 4 and 0; quartiles 2 and 6, but 0 and 0 in the end.
    by_quartiles = 3 * (6 - 2) / (2 * norm.ppf(0.75))
    z = (X - [4, 4, 0]) / [X[:, 0].std(), by_quartiles, 3]
    np.testing.assert_allclose(scaled("robust", X), z / np.sqrt(1 + (z / 5) ** 2), rtol=1e-7)


def test_rounding_errors_do_not_hide_what_a_column_says():
    x = np.full(40, 0.1)
    x[::2] *= 1 + 2 * np.finfo(float).eps
    x[:4] = 5.0
    assert scaled("robust", x[:, None])[0, 0] > 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_clip_is_smooth_odd_rising_and_bounded(dtype):
    Z = np.array([0.0, 1e-3, 1.0, 3.0, 1e3, 1e19, 1e38, np.inf], dtype=dtype)
    found, back = Z.copy(), -Z
    smooth_clip(found)
    smooth_clip(back)
    np.testing.assert_array_equal(back, -found)
    assert (np.diff(found) >= 0).all()
    np.testing.assert_allclose(found[[1, 3, -1]], [1e-3, 3 / np.sqrt(1 + 0.6**2), 5], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_do_not_matter(kind, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)).astype(dtype)
    units, origin = dtype([1e-6, 1e6, -3.0]), dtype([1e-6, -2e6, 5.0])
    # A column that is turned around is turned around.
    expected = scaled(kind, X) * [1, 1, -1]
    np.testing.assert_allclose(
        scaled(kind, X * units + origin), expected, atol=1e3 * np.finfo(dtype).eps
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 0.1, -1e300])
def test_constant_columns_are_zero_also_where_they_no_longer_are(kind, value):
    X = np.full((30, 2), value)
    # A rounding error is no spread.
    X[::2, 1] *= 1 + 2 * np.finfo(float).eps
    np.testing.assert_array_equal(scaled(kind, X), 0.0)
    np.testing.assert_array_equal(scaled(kind, X, np.array([[1e300, 5.0]])), 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_huge_is_finite(kind):
    X = np.random.default_rng(0).normal(size=(30, 3))
    X[:, 1] *= 1e305
    X[0, 2] = 1e308
    assert np.isfinite(scaled(kind, X)).all()
    if kind == "robust":
        np.testing.assert_allclose(scaled(kind, X[1:], np.full((1, 3), 1e308)), 5.0, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_few_rows(kind, n_rows):
    found = scaled(kind, np.random.default_rng(0).normal(size=(n_rows, 4)))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 5.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("density", [0.05, 0.3, 0.9, 1.0])
def test_sparse_is_dense_without_a_center(kind, density):
    rng = np.random.default_rng(0)
    X = np.abs(rng.normal(1.0, 1.0, size=(80, 5))) * (rng.random((80, 5)) < density)
    X[:, 4] = 0
    dense, ours = fit_scaling(kind, X), fit_scaling(kind, sparse.csr_array(X))
    np.testing.assert_allclose(ours.factor, dense.factor, rtol=1e-9)
    np.testing.assert_array_equal(ours.center, 0.0)
    rows = sparse.csr_array(X)
    ours.apply_sparse(rows)
    expected = np.empty(X.shape)
    ours.apply(X, expected)
    np.testing.assert_allclose(rows.toarray(), expected, rtol=1e-12)
