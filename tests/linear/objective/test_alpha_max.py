"""The dual norm of a sum of norms, which alpha_max is."""

import numpy as np
import pytest

from skmtl.linear.objective import _alpha_max
from skmtl.linear.objective._penalty_part import PenaltyPart
from tests.linear.conftest import PIECES

SUMS = ["l1+trace", "l21+linf", "l21+trace", "fused+trace", "l1+outliers"]
SHAPE = (5, 3)


def part_and_gradient(name, seed):
    part = PenaltyPart(PIECES[name], 1.0, SHAPE, 3)
    N = np.random.default_rng(seed).normal(size=SHAPE)
    return part, N


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_dual_norm(name, seed):
    part, N = part_and_gradient(name, seed)
    alpha = _alpha_max._gauge(part, N)
    rng = np.random.default_rng(seed)
    near = part.prox(N, 0.9 * alpha)
    for V in (near, *(rng.normal(size=SHAPE) for _ in range(50))):
        assert np.vdot(V, N) <= alpha * part.prox_value(V) * (1 + 1e-12)


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("n_iter", [1, 2, 3])
def test_it_is_a_bound_from_above_however_early_it_ends(name, n_iter, monkeypatch):
    # The iteration comes from below: what is returned is scaled until it is feasible.
    for seed in range(5):
        exact = _alpha_max._gauge(*part_and_gradient(name, seed))
        with monkeypatch.context() as patch:
            patch.setattr(_alpha_max, "BISECTIONS", n_iter)
            early = _alpha_max._gauge(*part_and_gradient(name, seed))
        assert early >= exact * (1 - 1e-3)


@pytest.mark.parametrize("unit", [1e-200, 1e-3, 1e150])
def test_it_has_the_units_of_the_gradient(unit):
    part, N = part_and_gradient("l1+trace", 0)
    alpha = _alpha_max._gauge(part, N)
    again = _alpha_max._gauge(*part_and_gradient("l1+trace", 0)[:1], unit * N)
    assert again == pytest.approx(unit * alpha, rel=1e-9)
