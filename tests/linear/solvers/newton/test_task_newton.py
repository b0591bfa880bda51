"""Newton's method for one task with little data, and its compiled step, against numpy."""

import numpy as np
import pytest

from skmtl.linear.solvers.compiled._walk import GRADIENT, HERE, MEMORY, N_VECTORS
from skmtl.linear.solvers.newton import _task_newton as task_newton
from skmtl.linear.solvers.newton._task_newton import TaskNewton
from tests.linear.solvers.newton.test_label_steps import TASKS, Data


@pytest.fixture(params=TASKS)
def data(request):
    return Data(request.param)


def at_start(data, theta):
    steps = TaskNewton(data.given)
    steps.vectors[HERE] = theta
    return steps, steps._walk(0.0)


@pytest.mark.parametrize("n", [1, 3, 300])
@pytest.mark.parametrize("has_intercept", [True, False])
@pytest.mark.parametrize("name", TASKS)
def test_the_first_step_is_that_of_newton(name, has_intercept, n):
    data = Data(name, n=n, has_intercept=has_intercept)
    data.c[0] += 1.0 / n
    steps, (_, _, expected, bent) = at_start(data, data.theta)
    f = (data.rows @ data.theta)[:, None]
    slope = data.c * data.task.loss_and_grad(f, data.y)[1][:, 0]
    bend = data.c * data.task.curvature(f, data.y, np.ones((n, 1)))[:, 0]
    g = data.rows.T @ slope + data.ridge * data.theta
    np.testing.assert_allclose(steps.vectors[GRADIENT], g, atol=1e-14)
    np.testing.assert_allclose(steps.scores, [f[:, 0], slope, bend], atol=1e-13)
    diagonal = np.where(data.ridge > 0.0, data.ridge, bend.sum())
    assert (expected, bent) == pytest.approx((0.5 * (g**2 / diagonal).sum(), bend.sum()))
    steps._form()
    start, along, _, _ = steps._walk(1.0)
    H = (data.rows.T * bend) @ data.rows + np.diag(data.ridge)
    way = -np.linalg.solve(H, g)
    ahead = data.rows @ (data.theta + way)
    np.testing.assert_allclose(steps.scores[0], ahead, rtol=1e-7, atol=1e-9)
    slope = data.c * data.task.loss_and_grad(ahead[:, None], data.y)[1][:, 0]
    after = data.rows.T @ slope + data.ridge * (data.theta + way)
    assert (start, along) == pytest.approx((g @ way, after @ way), rel=1e-6, abs=1e-9)


def test_corrected_matrices_know_the_last_step(data):
    steps, _ = at_start(data, data.theta)
    steps._form()
    # With the right matrix a squared loss is done after one step.
    steps.inverse = np.diag(np.diag(steps.inverse))
    for _ in range(3):
        assert steps._step() is not None
    last = steps.n_past - 1
    steps.vectors[GRADIENT] = steps.vectors[N_VECTORS + MEMORY + last]
    step = steps.vectors[N_VECTORS + last].copy()
    steps._walk(1.0)
    np.testing.assert_allclose(steps.vectors[4], -step, atol=1e-12)


def test_the_optimum_is_certified(data):
    theta = data.theta.copy()
    gap, n_iter = TaskNewton(data.given).run(theta, 1e-12, 100)
    assert gap <= 1e-12 and 1 <= n_iter < 30
    best = data.value(theta)
    rng = np.random.default_rng(0)
    for size in (1e-1, 1e-3):
        assert data.value(theta + size * rng.normal(size=theta.shape)) > best


@pytest.mark.parametrize("far", [5.0, 50.0])
def test_steps_that_are_too_long_are_shortened(far, data):
    near, theta = data.theta.copy(), far * data.theta
    with np.errstate(over="ignore", invalid="ignore"):
        assert TaskNewton(data.given).run(theta, 1e-12, 500) is not None
    TaskNewton(data.given).run(near, 1e-12, 100)
    np.testing.assert_allclose(theta, near, atol=1e-4)


def test_more_steps_than_are_remembered(data, monkeypatch):
    monkeypatch.setattr(task_newton, "STEPS_PER_UNKNOWN", np.inf)
    data.ridge[data.ridge > 0.0] = 1e-5
    theta, best = np.zeros_like(data.theta), np.zeros_like(data.theta)
    found = TaskNewton(data.given).run(theta, 1e-14, 500)
    monkeypatch.setattr(task_newton, "STEPS_PER_UNKNOWN", 0.0)
    assert TaskNewton(data.given).run(best, 1e-14, 500) is not None
    assert found is not None and found[0] <= 1e-14
    np.testing.assert_allclose(theta, best, atol=1e-4)


def test_what_fails_is_said(data):
    assert TaskNewton(data.given).run(data.theta.copy(), 1e-12, 0) is None
    data.y[0], data.c[0] = np.inf, 1.0
    assert TaskNewton(data.given).run(data.theta.copy(), 1e-6, 100) is None
