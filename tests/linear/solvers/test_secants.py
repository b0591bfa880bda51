"""Quasi-Newton directions agree with what the last steps said."""

import numpy as np
import pytest

from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.solvers._secants import Secants
from skmtl.linear.solvers._task_sums import TaskSums
from skmtl.tasks._read_targets import read_targets


def sums(coupled, n_tasks=3):
    rng = np.random.default_rng(0)
    X, targets = rng.normal(size=(20, 4)), read_targets(rng.integers(2, size=(20, n_tasks)))
    loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
    return TaskSums(loss, n_tasks, coupled)


@pytest.mark.parametrize("coupled", [False, True])
def test_the_last_step_is_met_and_a_quadratic_is_solved(coupled):
    rng = np.random.default_rng(0)
    groups = sums(coupled)
    roots = rng.normal(size=(3, 6, 4))
    H = roots.swapaxes(1, 2) @ roots + 0.1 * np.eye(4)
    if coupled:
        H[:] = H[0]
    secants, x = Secants(groups), rng.normal(size=(4, 3))

    def gradient(x):
        return np.einsum("tij,jt->it", H, x)

    for _ in range(14):
        g = gradient(x)
        d = -secants.apply(g, lambda r: 0.3 * r)
        along = groups.of_coefficients(d, gradient(d))
        t = np.divide(
            -groups.of_coefficients(g, d), along, out=np.zeros_like(along), where=along > 0
        )
        step = groups.to_coefficients(t, d)
        x = x + step
        secants.add(step, gradient(x), g)
        if np.abs(step).max() > 1e-9:
            change = gradient(x) - g
            np.testing.assert_allclose(
                secants.apply(change, lambda r: 0.3 * r), step, atol=1e-7 * np.abs(step).max()
            )
    # Exact searches on a quadratic are conjugate directions: as many steps as unknowns.
    assert np.abs(x).max() < (1e-8 if not coupled else 1e-3)
