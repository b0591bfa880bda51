"""Compiled passes do what numpy does in several, for every dtype and any number of models."""

import numpy as np
import pytest

from skmtl.neural.gradients._compiled import (
    add_bias,
    by_task,
    rectify,
    rectify_back,
    squared,
    sum_rows,
)


@pytest.fixture(params=[np.float32, np.float64])
def arrays(request):
    """Z and values (2, 7, 5), a bias (2, 1, 5), of one dtype."""
    rng = np.random.default_rng(0)
    shapes = (2, 7, 5), (2, 7, 5), (2, 1, 5)
    return [rng.normal(size=shape).astype(request.param) for shape in shapes]


def test_bias_and_rectifier(arrays):
    Z, _, bias = arrays
    sums, units = Z.copy(), Z.copy()
    add_bias(sums, bias)
    rectify(units, bias)
    np.testing.assert_array_equal(sums, Z + bias)
    np.testing.assert_array_equal(units, np.maximum(Z + bias, 0))


@pytest.mark.parametrize("copies", [1, 3])
def test_back_through_a_rectifier(copies, arrays):
    Z, _, _ = arrays
    units = np.maximum(Z, 0)
    G = np.random.default_rng(1).normal(size=(copies, 2, 7, 5)).astype(Z.dtype)
    expected = np.where(units > 0, G, 0)
    rectify_back(G, units)
    np.testing.assert_array_equal(G, expected)


def test_gradients_of_single_tasks(arrays):
    D, V, _ = arrays
    starts = np.array([0, 2, 2, 7])
    found = np.empty((2, 2, 7, 5), D.dtype)
    D = D.swapaxes(1, 2)[:, :, :7].repeat(2, axis=1)[:, :7].copy()
    by_task(D, V, starts, 1, found)
    assert not found[0].any()
    np.testing.assert_allclose(found[1], D[:, :, 2:7] @ V[:, 2:7], rtol=1e-5)


def test_sums_of_rows(arrays):
    Z, _, bias = arrays
    total = bias.copy()
    sum_rows(Z, total)
    np.testing.assert_allclose(total, Z.sum(axis=1, keepdims=True), rtol=1e-5)


def test_squared_losses_and_their_slopes(arrays):
    raw, values, _ = arrays
    residual, losses = raw - values, np.empty((2, 5), raw.dtype)
    share = raw.dtype.type(1 / 7)
    squared(raw, values, share, losses)
    np.testing.assert_allclose(losses, 0.5 * np.mean(residual**2, axis=1), rtol=1e-5)
    np.testing.assert_allclose(raw, residual / 7, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stays_so(bad, arrays):
    Z, values, bias = arrays
    Z[1, 2, 3] = bad
    units, G = Z.copy(), np.ones_like(Z)[None]
    rectify(units, bias)
    assert not np.isfinite(units[1, 2, 3])
    rectify_back(G, units)
    assert G[0, 1, 2, 3] == 1.0
    losses = np.empty((2, 5), Z.dtype)
    squared(Z, values, Z.dtype.type(1), losses)
    assert np.isfinite(losses).sum() == 9
    assert not np.isfinite(losses[1, 3])
