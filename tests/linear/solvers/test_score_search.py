"""Line searches along raw scores, each task by itself or all together."""

import numpy as np
import pytest

from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.solvers._score_search import FLAT_ENOUGH, search
from skmtl.linear.solvers._task_sums import TaskSums
from skmtl.tasks._read_targets import read_targets


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("form", ["wide", "long"])
@pytest.mark.parametrize("first", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("kind", ["binary", "count"])
def test_derivatives_end_small_from_any_first_step(coupled, form, first, kind):
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(60, 4)), np.arange(60) % 3
    F = X @ rng.normal(size=(4, 3))
    Y = (F + rng.logistic(size=F.shape) > 0) if kind == "binary" else rng.poisson(np.exp(0.3 * F))
    if form == "wide":
        targets = read_targets(Y * 1.0, declared=kind)
    else:
        targets = read_targets(Y[range(60), task] * 1.0, declared=kind, task_column=task)
    loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
    sums = TaskSums(loss, 3, coupled)
    point = loss.at(np.zeros((4, 3)), np.zeros(3))
    gW, gb = point.gradient
    d = -np.vstack([gW, gb])
    E = loss.design.forward(d[:-1], d[-1])
    start = sums.of_coefficients(np.vstack([gW, gb]), d)
    n_groups = 1 if coupled else 3
    assert start.shape == (n_groups,)
    np.testing.assert_allclose(sums.of_scores(point.slope, E), start)
    a, b = np.zeros(n_groups), 0.1 * sums.of_coefficients(d, d)
    t, found = search(sums, point, E, start, np.full(n_groups, first), a, b)
    assert (t > 0).all()
    np.testing.assert_allclose(found.raw, point.raw + sums.to_scores(t, E))
    slope = sums.of_scores(found.slope, E) + a + b * t
    assert (np.abs(slope) <= FLAT_ENOUGH * np.abs(start)).all()
    W = sums.to_coefficients(t, d)
    np.testing.assert_allclose(loss.design.forward(W[:-1], W[-1]), found.raw, atol=1e-9)
