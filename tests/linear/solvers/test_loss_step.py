"""The step of the loss in ADMM is the minimiser that it says it is."""

import numpy as np
import pytest

from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.objective._statistics_loss import StatisticsLoss
from skmtl.linear.solvers._loss_step import LossStep
from skmtl.tasks._read_targets import read_targets


@pytest.fixture(params=[False, True], ids=["complete", "missing"])
def statistics(request, regression_data):
    X, Y = regression_data
    if request.param:
        Y[::3, 0] = Y[1::4, 2] = np.nan
    targets = read_targets(Y, declared="regression")
    return Statistics(X, targets, targets.label_weights(), centred=True)


@pytest.mark.parametrize("intercept_alpha", [None, 1e-3, 0.5, 1e3, np.inf])
@pytest.mark.parametrize("rho", [1e-2, 10.0])
def test_no_gradient_is_left(statistics, intercept_alpha, rho):
    step = LossStep(statistics, intercept_alpha)
    target = np.random.default_rng(0).normal(size=statistics.cross.shape)
    # Twice: what is kept while rho stays, and must not be when it does not.
    step.solve(2 * rho, target)
    W, b = step.solve(rho, target)
    loss = StatisticsLoss(statistics, profiled=intercept_alpha is None)
    slope, pull = loss.at(W, b).gradient
    np.testing.assert_allclose(slope + rho * (W - target), 0.0, atol=1e-10)
    if intercept_alpha == np.inf:
        assert np.ptp(b) == 0.0
        assert pull.sum() == pytest.approx(0.0, abs=1e-10)
    elif intercept_alpha is not None:
        np.testing.assert_allclose(pull + intercept_alpha * (b - b.mean()), 0.0, atol=1e-10)


@pytest.mark.parametrize("intercept_alpha", [0.5, np.inf])
def test_intercepts_are_the_best_for_given_coefficients(statistics, intercept_alpha):
    W = np.random.default_rng(0).normal(size=statistics.cross.shape)
    loss = StatisticsLoss(statistics, profiled=False)

    def objective(b):
        spread = ((b - b.mean()) ** 2).sum()
        return loss.at(W, b).value + (0.5 * intercept_alpha * spread if spread else 0.0)

    b = LossStep(statistics, intercept_alpha).intercepts(W)
    shared = np.isinf(intercept_alpha)
    for direction in [np.ones(3)] if shared else np.eye(3):
        for size in (1e-3, -1e-3):
            assert objective(b + size * direction) >= objective(b)
