"""Exponential function and logarithm against numpy's, over the whole range of float64."""

import numpy as np
import pytest

from skmtl import _exponentials
from skmtl._exponentials import compiled


@compiled
def each(code, x, found):
    for i in range(len(x)):
        if code == 0:
            found[i] = _exponentials.exp(x[i])
        elif code == 1:
            found[i] = _exponentials.log(x[i])
        elif code == 2:
            found[i] = _exponentials.log1p(x[i])
        else:
            found[i] = _exponentials.times_log(x[i])


@compiled
def each_bell(x, found):
    for i in range(len(x)):
        found[i] = _exponentials.bell_single(x[i])


def apply(code, x):
    found = np.empty_like(x)
    each(code, x, found)
    return found


TWO_DIGITS = 4e-16
POSITIVE = np.concatenate([np.geomspace(1e-307, 1e308, 9999), 1.0 + np.linspace(-0.5, 1.5, 9999)])


def test_exp():
    x = np.concatenate([np.linspace(-708.0, 709.78, 19999), np.linspace(-1e-3, 1e-3, 999)])
    np.testing.assert_allclose(apply(0, x), np.exp(x), rtol=TWO_DIGITS)


def test_exp_beyond_float64():
    x = np.array([-np.inf, -1e300, -746.0, 0.0, 709.79, 1e300, np.inf, np.nan])
    expected = [0.0, 0.0, 0.0, 1.0, np.inf, np.inf, np.inf, np.nan]
    np.testing.assert_array_equal(apply(0, x), expected)


def test_log():
    np.testing.assert_allclose(apply(1, POSITIVE), np.log(POSITIVE), rtol=TWO_DIGITS, atol=1e-300)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e-8, 1e-3, 1.0, 1e5])
def test_log1p(scale):
    x = scale * np.linspace(0.0, 1.0, 999)
    np.testing.assert_allclose(apply(2, x), np.log1p(x), rtol=TWO_DIGITS, atol=1e-320)


def test_times_log():
    x = np.concatenate([[0.0, 5e-324, 1.0], POSITIVE[POSITIVE < 1e300]])
    expected = x * np.log(np.maximum(x, np.finfo(float).tiny))
    np.testing.assert_allclose(apply(3, x), expected, rtol=TWO_DIGITS)


def test_bell_of_float32():
    z = np.linspace(0.0, 13.1, 99_991, dtype=np.float32)
    expected = np.exp(-(z.astype(np.float64) ** 2) / 2)
    found = np.empty_like(z)
    each_bell(z, found)
    np.testing.assert_allclose(found, expected, rtol=3e-7)


def test_bell_of_float32_beyond_its_end():
    z = np.array([13.2, 100.0, 1e30, np.inf], dtype=np.float32)
    found = np.empty_like(z)
    each_bell(z, found)
    np.testing.assert_array_equal(found, np.zeros(4))
