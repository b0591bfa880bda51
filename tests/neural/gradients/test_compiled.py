"""Compiled passes do what numpy does in several, for every dtype and any number of models."""

import numpy as np
import pytest

from skmtl.neural.gradients._compiled import (
    add_bias,
    by_task,
    squared,
    sum_rows,
)


@pytest.fixture(params=[np.float32, np.float64])
def arrays(request):
    """Z and values (2, 7, 5), a bias (2, 1, 5), of one dtype."""
    rng = np.random.default_rng(0)
    shapes = (2, 7, 5), (2, 7, 5), (2, 1, 5)
    return [rng.normal(size=shape).astype(request.param) for shape in shapes]


def test_bias(arrays):
    Z, _, bias = arrays
    sums = Z.copy()
    add_bias(sums, bias)
    np.testing.assert_array_equal(sums, Z + bias)


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
    Z, values, _ = arrays
    Z[1, 2, 3] = bad
    losses = np.empty((2, 5), Z.dtype)
    squared(Z, values, Z.dtype.type(1), losses)
    assert np.isfinite(losses).sum() == 9
    assert not np.isfinite(losses[1, 3])
