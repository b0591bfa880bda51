"""Groups of atoms with one prox: the largest factor that keeps a subgradient feasible."""

import numpy as np
import pytest

from skmtl.linear.objective._layout import Layout
from skmtl.linear.objective._prox_group import prox_groups
from skmtl.linear.penalties import L1, L21, Fused, L1Inf, TraceNorm

SHAPE = (5, 3)
TOGETHER = {
    "l1+l21": [L21(), 0.5 * L1()],
    "fused+l1": [Fused(), 0.5 * L1()],
    "fused+l1+l21": [0.3 * L21(), Fused(), 0.5 * L1()],
}


def one_group(atoms, positive=False):
    (group,) = prox_groups(atoms, 0.7, Layout(SHAPE, 3), positive)
    return group


every_group = pytest.mark.parametrize("name", sorted(TOGETHER))
positive_too = pytest.mark.parametrize("positive", [False, True])


@every_group
@pytest.mark.parametrize("seed", range(20))
def test_a_subgradient_is_feasible_as_it_is(name, seed):
    # It lies on the boundary, from where rounding moves it to either side.
    group = one_group(TOGETHER[name])
    V = 3 * np.random.default_rng(seed).normal(size=SHAPE)
    assert group.dual_scale(V - group.prox(V, 1.0)) == 1.0


@every_group
@pytest.mark.parametrize("seed", range(5))
def test_the_scale_is_the_largest_that_is_feasible(name, seed):
    group = one_group(TOGETHER[name])
    N = 5 * np.random.default_rng(seed).normal(size=SHAPE)
    scale = group.dual_scale(N)
    assert 0 < scale < 1
    assert not group.prox(scale * N, 1.0).any()
    assert group.prox((1 + 1e-12) * scale * N, 1.0).any()
    # Feasible: no V has a product with it that is larger than the penalty.
    for _ in range(20):
        V = np.random.default_rng(seed).normal(size=SHAPE)
        assert scale * np.vdot(V, N) <= group.value(V)


def test_positive_parts_alone_count_where_coefficients_are_positive():
    group = one_group([L21(), 0.5 * L1()], positive=True)
    N = np.full(SHAPE, -10.0)
    assert group.dual_scale(N) == 1.0
    N[0, 0] = 10.0
    assert group.dual_scale(N) == pytest.approx(0.7 * 1.5 / 10)


def test_as_few_groups_as_there_can_be():
    atoms = [L1(), TraceNorm(), L21(), Fused(), L1Inf()]
    groups = [
        [type(atom).__name__ for atom in group.atoms]
        for group in prox_groups(atoms, 1.0, Layout(SHAPE, 3), False)
    ]
    assert ["TraceNorm"] in groups
    assert ["Fused", "L1", "L21"] in groups
