"""Units and derivatives of one pass are those of torch and of its autograd."""

import numpy as np
import pytest
import torch

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
