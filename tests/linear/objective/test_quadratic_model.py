"""The quadratic model of a loss has its gradient and its curvature."""

import numpy as np
import pytest
from scipy import sparse

from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._quadratic_model import QuadraticModel
from skmtl.linear.objective._setup import state_loss
from skmtl.linear.objective._statistics_loss import StatisticsLoss
from skmtl.tasks import Binary, Count, Regression
from skmtl.tasks._read_targets import read_targets

TASKS = [Regression("huber", delta=100.0), Binary(), Count()]


@pytest.fixture(params=["complete", "missing", "sparse", "weighted"])
def stated(request, regression_data):
    """A loss of several kinds, and whether there are intercepts."""
    X, Y = regression_data
    rng = np.random.default_rng(0)
    Y = np.column_stack([Y[:, 0], Y[:, 1] > np.median(Y[:, 1]), rng.poisson(2.0, len(Y))])
    if request.param == "missing":
        Y[rng.random(Y.shape) < 0.3] = np.nan
    weights = rng.integers(0, 3, Y.shape) if request.param == "weighted" else None
    targets = read_targets(Y, declared=TASKS, sample_weight=weights)
    X = sparse.csr_array(X) if request.param == "sparse" else X
    return X, targets, targets.label_weights()


@pytest.mark.parametrize(
    "options", [{}, {"intercept_alpha": 0.5}, {"fit_intercept": False}], ids=str
)
def test_gradient_and_curvature_are_those_of_the_loss(options, stated):
    options = FitOptions(**options)
    X, targets, label_weights = stated
    loss = state_loss(X, targets, label_weights, options, on_grams=False).loss
    rng = np.random.default_rng(1)
    W, b = 0.1 * rng.normal(size=(5, 3)), 0.1 * rng.normal(size=3) * options.fit_intercept
    point = loss.at(W, b)
    model = QuadraticModel(point, centred=options.fit_intercept)
    at = StatisticsLoss(model, profiled=not options.fit_intercept).at(W, b)
    d, db = rng.normal(size=W.shape), rng.normal(size=3) * options.fit_intercept
    used = slice(None) if options.fit_intercept else slice(0, 1)
    for found, expected in (
        (at.gradient, point.gradient),
        (at.hessian(d, db), point.hessian(d, db)),
    ):
        for a, e in zip(found[used], expected[used], strict=True):
            np.testing.assert_allclose(a, e, atol=1e-12 * np.abs(e).max())


def test_intercepts_that_are_free_are_at_their_best(stated):
    X, targets, label_weights = stated
    loss = state_loss(X, targets, label_weights, FitOptions(), on_grams=False).loss
    W = np.full((5, 3), 0.1)
    model = QuadraticModel(loss.at(W, np.zeros(3)), centred=True)
    at = StatisticsLoss(model, profiled=False).at(W, model.y_mean - model.mean_product(W))
    np.testing.assert_allclose(at.gradient[1], 0.0, atol=1e-12)
    profiled = StatisticsLoss(model, profiled=True).at(W, np.zeros(3))
    np.testing.assert_allclose(profiled.gradient[0], at.gradient[0], atol=1e-12)


def test_a_label_without_curvature_gets_little(regression_data):
    X, Y = regression_data
    Y[0, 0] = 1e6
    targets = read_targets(Y[:, :1], declared=Regression("huber"))
    options = FitOptions(fit_intercept=False)
    loss = state_loss(X, targets, targets.label_weights(), options, on_grams=False).loss
    point = loss.at(np.zeros((5, 1)), np.zeros(1))
    model = QuadraticModel(point, centred=False)
    others = QuadraticModel(point.without(np.array([False])), centred=False)
    assert np.isfinite(others.squares).all()
    exact = point.hessian(np.ones((5, 1)), np.zeros(1))[0]
    np.testing.assert_allclose(model.gram_product(np.ones((5, 1))), exact, rtol=0.05)
    np.testing.assert_allclose(-model.cross, point.gradient[0], rtol=1e-12)
