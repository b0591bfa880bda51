"""Compiled losses against the functions of the task types."""

import numpy as np
import pytest

from skmtl.linear.solvers.compiled._losses import (
    loss_conjugate,
    loss_slope_and_curvature,
    loss_value,
    softmax_conjugate,
    softmax_curvature,
    softmax_shares,
    softmax_slope,
    softmax_value,
)
from skmtl.tasks import Binary, Count, Multiclass, Regression

N = 400
TASKS = {
    "squared": Regression(),
    "huber": Regression(loss="huber", delta=0.7),
    "binary": Binary(),
    "count": Count(),
}


def draw(task, scale, seed=0):
    """Raw scores, labels and weights, some of which are 0, (N,) each."""
    rng = np.random.default_rng(seed)
    f = np.minimum(scale * rng.normal(size=N), 700.0)
    y = {"binary": rng.integers(2, size=N), "count": rng.poisson(2.0, size=N)}.get(task.alias)
    y = rng.normal(size=N) if y is None else y.astype(float)
    c = rng.random(N) * (rng.random(N) < 0.8)
    return f, np.where(c > 0.0, y, 0.0), c


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("scale", [1e-9, 1.0, 30.0, 300.0])
def test_of_one_output(name, scale):
    task = TASKS[name]
    f, y, c = draw(task, scale)
    loss, grad = task.loss_and_grad(f[:, None], y)
    bent = task.curvature(f[:, None], y, np.ones((N, 1)))
    code, seen = task.compiled_loss, c > 0.0
    slope, curvature = np.empty((2, N))
    loss_slope_and_curvature(*code, f, y, c, slope, curvature)
    np.testing.assert_allclose(slope, c * grad[:, 0], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(curvature, c * bent[:, 0], rtol=1e-14, atol=1e-300)
    assert loss_value(*code, f, y, c) == pytest.approx(c @ loss, rel=1e-13)
    dual = 0.9 * slope
    conjugate = task.conjugate((dual[seen] / c[seen])[:, None], y[seen])
    assert loss_conjugate(*code, dual, y, c) == pytest.approx(c[seen] @ conjugate, rel=1e-12)


@pytest.mark.parametrize("name", TASKS)
def test_what_has_no_weight_does_not_count(name):
    task, (f, y, c) = TASKS[name], draw(TASKS[name], 1.0)
    other, code = np.where(c > 0.0, f, 1e5), task.compiled_loss
    slope, curvature = np.empty(N), np.empty(N)
    loss_slope_and_curvature(*code, other, y, c, slope, curvature)
    assert (slope[c == 0.0] == 0.0).all()
    assert (curvature[c == 0.0] == 0.0).all()
    assert loss_value(*code, other, y, c) == loss_value(*code, f, y, c)


@pytest.mark.parametrize("name, u", [("huber", 0.71), ("binary", -0.1), ("count", -0.1)])
@pytest.mark.parametrize("nan", [False, True])
def test_outside_of_the_domain(name, u, nan):
    dual, ones = np.zeros(3), np.ones(3)
    dual[1] = np.nan if nan else u
    assert loss_conjugate(*TASKS[name].compiled_loss, dual, np.zeros(3), ones) == np.inf


@pytest.mark.parametrize("scale", [1e-9, 1.0, 30.0, 3000.0])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_softmax(scale, n_classes):
    task, rng = Multiclass(), np.random.default_rng(0)
    task.n_outputs_, task.classes_ = n_classes, np.arange(n_classes)
    F = scale * rng.normal(size=(N, n_classes))
    c = rng.random(N) * (rng.random(N) < 0.8)
    y = rng.integers(n_classes, size=N) * (c > 0.0) * 1.0
    loss, grad = task.loss_and_grad(F, y)
    bent = c[:, None, None] * task.curvature_matrix(F, y)
    first, second = np.triu_indices(n_classes, 1)
    shares, slope = np.empty_like(F), np.empty_like(F)
    curvature = np.empty((N, n_classes + len(first)))
    softmax_shares(F, shares)
    softmax_slope(shares, y, c, slope)
    softmax_curvature(shares, c, first, second, curvature)
    np.testing.assert_allclose(slope, c[:, None] * grad, rtol=1e-13, atol=1e-15)
    diagonal = np.arange(n_classes)
    expected = np.hstack([bent[:, diagonal, diagonal], bent[:, first, second]])
    np.testing.assert_allclose(curvature, expected, rtol=1e-13, atol=1e-15)
    assert softmax_value(F, shares, y, c) == pytest.approx(c @ loss, rel=1e-13)
    seen, dual = c > 0.0, 0.9 * slope
    conjugate = task.conjugate(dual[seen] / c[seen, None], y[seen])
    assert softmax_conjugate(dual, y, c) == pytest.approx(c[seen] @ conjugate, rel=1e-12)
    outside = dual.copy()
    outside[np.flatnonzero(seen)[0], 0] += 2.0
    assert softmax_conjugate(outside, y, c) == np.inf


def test_who_has_a_number():
    class Other(Count):
        """A loss of its own."""

        def conjugate(self, dual, values):
            return 2.0 * super().conjugate(dual, values)

    assert Other().compiled_loss is None
    assert Regression(loss="absolute").compiled_loss is None
    numbers = [task.compiled_loss[0] for task in (*TASKS.values(), Multiclass())]
    assert len(set(numbers)) == 5
