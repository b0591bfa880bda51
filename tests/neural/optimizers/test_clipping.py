"""Gradients are shortened model by model, over all parameters at once."""

import numpy as np
import pytest
import torch

from skmtl import MultiTaskMLPRegressor
from skmtl.neural.optimizers import Clipped

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Seen:
    """Notes the gradients it is given."""

    def step(self, gradients):
        self.gradients = gradients


def clip(gradients, max_norm):
    seen = Seen()
    Clipped(seen, max_norm).step(gradients)
    return seen.gradients


def test_each_model_by_its_own_norm():
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 4, 2), (3, 1, 2), (3,), (3, 0)]
    gradients = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    scale = torch.tensor([10.0, 0.1, 0.0], dtype=torch.float64)
    gradients = [g * scale.view(-1, *[1] * (g.ndim - 1)) for g in gradients]
    gradients.insert(1, None)
    before = [g if g is None else g.clone() for g in gradients]
    found = clip(gradients, 1.5)
    assert found[1] is None
    for k in range(3):
        own = torch.cat([g[k].flatten() for g in gradients if g is not None])
        new = torch.cat([g[k].flatten() for g in found if g is not None])
        np.testing.assert_allclose(new, own * min(1, 1.5 / max(own.norm(), 1e-300)), rtol=1e-13)
    # Those that are short enough are left alone to the last bit.
    assert all(
        torch.equal(a[1:], b[1:]) for a, b in zip(found, before, strict=True) if a is not None
    )
    assert all(torch.equal(a, b) for a, b in zip(gradients, before, strict=True) if a is not None)
    alone = [g if g is None else g[:1] for g in gradients]
    for a, b in zip(clip(alone, 1.5), found, strict=True):
        assert a is None or torch.equal(a[0], b[0])


def test_it_is_that_of_torch():
    generator = torch.Generator().manual_seed(1)
    parameters = [torch.nn.Parameter(torch.zeros(1, n, dtype=torch.float64)) for n in (3, 5)]
    for p in parameters:
        p.grad = torch.randn(p.shape, generator=generator, dtype=torch.float64)
    found = clip([p.grad.clone() for p in parameters], 0.7)
    torch.nn.utils.clip_grad_norm_(parameters, 0.7)
    for a, p in zip(found, parameters, strict=True):
        # It adds 1e-6 to the norm.
        np.testing.assert_allclose(a, p.grad, rtol=1e-5)


def test_a_batch_without_gradients():
    assert clip([None, None], 1.0) == [None, None]


def test_in_a_fit():
    X = np.random.default_rng(0).normal(size=(40, 3))
    options = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "learning_rate_init": 0.5}
    options |= {"hidden_layer_sizes": (6,), "max_iter": 1, "random_state": 0}

    def fitted(max_iter=1, **more):
        model = MultiTaskMLPRegressor(**{**options, "max_iter": max_iter, **more}).fit(X, X)
        return np.concatenate([array.ravel() for array in model._fitted.parameters.values()])

    start = fitted(learning_rate_init=1e-300)
    # One step of plain descent is as long as the learning rate times the norm.
    assert np.linalg.norm(fitted(max_grad_norm=1e-3) - start) == pytest.approx(0.5e-3)
    assert (fitted(5, max_grad_norm=1e9) == fitted(5)).all()
