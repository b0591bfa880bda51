"""Proximal gradient: its steps fit the curvature where they are."""

import numpy as np
import pytest

from skmtl import MultiTaskLinear
from skmtl.linear.solvers import proximal_gradient
from skmtl.tasks import Regression


class Growing:
    """Sum of exp(x) - x: the curvature is exp(x), and the optimum 0."""

    size = 3

    def at(self, x):
        return x

    def smooth_value(self, x, point):
        return float(np.sum(np.exp(x) - x))

    def smooth_gradient(self, x, point):
        return np.exp(x) - 1.0

    def hessian(self, d, point):
        return np.exp(point) * d

    def prox(self, x, step):
        return x

    def gap(self, x, point=None):
        return self.smooth_value(x, x), 3.0


@pytest.mark.parametrize("start", [0.5, 5.0, 10.0])
def test_steps_get_longer_where_the_loss_gets_flatter(start):
    # At 10 the curvature is 22,000 times that at the optimum.
    x = np.array([start, 0.5 * start, -0.1 * start])
    found = proximal_gradient(Growing(), x, max_gap=1e-10, max_iter=200)
    assert found.gap <= 1e-10
    np.testing.assert_allclose(found.x, 0.0, atol=1e-4)


def test_a_step_that_is_too_long_is_shortened():
    found = proximal_gradient(
        Growing(), np.full(3, -5.0), max_gap=1e-10, max_iter=1000, lipschitz=1e-3
    )
    np.testing.assert_allclose(found.x, 0.0, atol=1e-4)


@pytest.mark.parametrize("penalty", ["l2", "l21", "trace_norm", "dirty"])
@pytest.mark.parametrize("solver", ["proximal_gradient", "auto"])
def test_outliers_are_straight_lines(penalty, solver, regression_data):
    # The mean is where Huber's loss has no curvature at all.
    X, Y = regression_data
    options = {"alpha": 0.05, "solver": solver, "tol": 1e-10, "tasks": Regression("huber")}
    models = []
    for size in (1e3, 1e6):
        Y[3, 0], Y[5, 1] = size, -size
        models.append(MultiTaskLinear(penalty, **options).fit(X, Y))
    # How far away they are does not matter.
    np.testing.assert_allclose(models[0].coef_, models[1].coef_, atol=1e-3)
    assert models[1].n_iter_ <= 2 * models[0].n_iter_ + 10
