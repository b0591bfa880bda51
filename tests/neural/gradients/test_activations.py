"""Units and derivatives of one pass are those of torch and of its autograd."""

import numpy as np
import pytest
import torch
from scipy.special import ndtr

from skmtl.neural.architectures._units import ACTIVATIONS
from skmtl.neural.gradients._activations import ACTIVATE

TOLERANCE = {np.float32: 2e-7, np.float64: 1e-14}


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("alias", ACTIVATIONS)
def test_units_and_derivatives(alias, dtype):
    around, beyond = (
        np.linspace(-9, 9, 4001),
        np.array([-700.0, -60.0, -0.0, 0.0, 1e-9, 60.0, 700.0]),
    )
    Z = np.concatenate([around, beyond]).astype(dtype).reshape(2, -1, 2)
    bias = np.array([[[0.5, -0.25]], [[0.0, 0.0]]], dtype=dtype)
    z = torch.tensor((Z + bias).astype(np.float64), requires_grad=True)
    expected = ACTIVATIONS[alias](z)
    [slopes] = torch.autograd.grad(expected.sum(), z)
    units = np.empty_like(Z)
    ACTIVATE[ACTIVATIONS[alias]](Z, bias, units)
    found, atol = (units, Z), TOLERANCE[dtype]
    for one, other in zip(found, (expected.detach().numpy(), slopes.numpy()), strict=True):
        np.testing.assert_allclose(one, other, rtol=atol, atol=atol)


@pytest.mark.parametrize("alias", ACTIVATIONS)
def test_what_is_not_finite_is_seen(alias):
    Z, units = np.full((1, 1, 1), np.nan), np.empty((1, 1, 1))
    ACTIVATE[ACTIVATIONS[alias]](Z, np.zeros((1, 1, 1)), units)
    assert np.isnan(units).all()


def test_gelu_of_float32_is_exact_to_its_last_digits():
    z = np.linspace(-12.5, 12.5, 200_000, dtype=np.float32)
    slopes, units = z.reshape(1, -1, 8).copy(), np.empty((1, len(z) // 8, 8), np.float32)
    ACTIVATE[ACTIVATIONS["gelu"]](slopes, np.zeros((1, 1, 8), np.float32), units)
    exact = z.astype(np.float64)
    density = np.exp(-(exact**2) / 2) / np.sqrt(2 * np.pi)
    few = 6 * float(np.finfo(np.float32).eps)
    # Far below 0 too, where units are as small as 1e-34.
    np.testing.assert_allclose(units.ravel(), exact * ndtr(exact), rtol=few)
    np.testing.assert_allclose(slopes.ravel(), ndtr(exact) + exact * density, rtol=1e-9, atol=few)


@pytest.mark.parametrize("z", [-1e30, -1000.0, -14.0])
def test_gelu_of_float32_is_0_far_below(z):
    slopes, units = np.full((1, 1, 1), z, np.float32), np.empty((1, 1, 1), np.float32)
    ACTIVATE[ACTIVATIONS["gelu"]](slopes, np.zeros((1, 1, 1), np.float32), units)
    assert units.item() == 0.0
    assert slopes.item() == 0.0
