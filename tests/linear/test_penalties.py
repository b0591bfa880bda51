"""Properties of every registered penalty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone

from skmtl import MultiTaskLinear
from skmtl.linear.penalties import PENALTIES
from skmtl.linear.penalties._base import NormPenalty

every_penalty = pytest.mark.parametrize("alias", sorted(PENALTIES))
matrices = arrays(np.float64, (4, 3), elements=st.floats(-10, 10, width=32))
steps = st.floats(0.01, 5.0)


@every_penalty
@given(W=matrices, direction=matrices, step=steps)
def test_prox_minimises(alias, W, direction, step):
    penalty = PENALTIES[alias](weight=0.7)

    def objective(V):
        return 0.5 * ((V - W) ** 2).sum() + step * penalty.value(V)

    best = penalty.prox(W, step)
    for size in (1e-3, 0.1, 1.0):
        # The prox objective is 1-strongly convex: moving costs at least half the square.
        moved = objective(best + size * direction) - objective(best)
        assert moved >= 0.5 * size**2 * (direction**2).sum() * (1 - 1e-6) - 1e-9


@every_penalty
@given(W=matrices, Z=matrices, alpha=st.floats(0.01, 5.0))
def test_fenchel_young(alias, W, Z, alpha):
    penalty = PENALTIES[alias](weight=0.7)
    Z = penalty.dual_scale(Z, alpha) * Z
    bound = alpha * penalty.value(W) + penalty.conjugate(Z, alpha)
    assert (W * Z).sum() <= bound + 1e-9 * (1 + abs(bound))


@every_penalty
@given(W=matrices, step=steps)
def test_conjugate_is_tight(alias, W, step):
    # V = prox(W) makes Z = (W - V) / step a subgradient at V: Fenchel-Young with equality.
    penalty = PENALTIES[alias](weight=0.7)
    V = penalty.prox(W, step)
    Z = (W - V) / step
    assert penalty.dual_scale(Z, 1.0) == pytest.approx(1.0, abs=1e-6)
    assert (V * Z).sum() == pytest.approx(penalty.value(V) + penalty.conjugate(Z, 1.0), abs=1e-5)


@every_penalty
@given(W=matrices, factor=st.floats(0.1, 10.0))
def test_weight_is_a_factor(alias, W, factor):
    penalty = PENALTIES[alias]()
    scaled = factor * penalty
    assert scaled.get_params() == {"weight": factor}
    assert (penalty * factor).get_params() == scaled.get_params()
    assert scaled.value(W) == pytest.approx(factor * penalty.value(W))
    np.testing.assert_allclose(scaled.prox(W, 0.5), penalty.prox(W, 0.5 * factor), atol=1e-12)


@every_penalty
def test_alpha_max(alias, regression_data):
    X, Y = regression_data
    residual = Y - Y.mean(axis=0)
    gradient = -(X - X.mean(axis=0)).T @ residual / len(X)
    penalty = PENALTIES[alias]()
    alpha_max = penalty.alpha_max(gradient)
    if not isinstance(penalty, NormPenalty):
        assert alpha_max == np.inf
        return
    above = MultiTaskLinear(alias, alpha=1.001 * alpha_max, tol=1e-12).fit(X, Y)
    below = MultiTaskLinear(alias, alpha=0.98 * alpha_max, tol=1e-12).fit(X, Y)
    assert (above.coef_ == 0).all()
    assert np.abs(below.coef_).max() > 0


@every_penalty
def test_searchable_and_cloned(alias, regression_data):
    X, Y = regression_data
    penalty = PENALTIES[alias](weight=0.3)
    model = MultiTaskLinear(penalty, alpha=0.1)
    assert clone(model).get_params()["penalty__weight"] == 0.3
    model.set_params(penalty__weight=0.6).fit(X, Y)
    twin = MultiTaskLinear(alias, alpha=0.06).fit(X, Y)
    np.testing.assert_allclose(model.coef_, twin.coef_, atol=1e-10)
