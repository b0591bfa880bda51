"""Weights, labels and features of any magnitude."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from skmtl import (
    MultiTaskKernelRidge,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    ReducedRankRegressor,
)
from skmtl.linear import (
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
)
from skmtl.tasks import Regression

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5))
Y = X @ rng.normal(size=(5, 3)) + 0.5 * rng.normal(size=(60, 3))
Y_MISSING = np.where(rng.random(Y.shape) < 0.3, np.nan, Y)
WEIGHTS = 0.1 + rng.random(Y.shape)
X_WIDE = rng.normal(size=(30, 510))
Y_WIDE = X_WIDE[:, :3] @ rng.normal(size=(3, 3)) + 0.1 * rng.normal(size=(30, 3))

MODELS = {
    "l2": MultiTaskLinearRegressor("l2", alpha=0.1),
    "l21": MultiTaskLinearRegressor("l21", alpha=0.1, tol=1e-8),
    "block descent": MultiTaskLinearRegressor("l21", alpha=0.1, solver="block_descent", tol=1e-8),
    "proximal": MultiTaskLinearRegressor("l21", alpha=0.1, solver="proximal_gradient", tol=1e-8),
    "by labels": MultiTaskLinearRegressor("l21", alpha=0.1, task_weight="labels", tol=1e-8),
    "lasso": MultiTaskLasso(0.1, tol=1e-8),
    "elastic net": MultiTaskElasticNet(0.1, tol=1e-8),
    "reduced rank": ReducedRankRegressor(2, tol=1e-12),
    "kernel ridge": MultiTaskKernelRidge(),
    "learned kernel": MultiTaskKernelRidge(task_kernel="learned", tol=1e-6),
    "cv": MultiTaskLinearRegressorCV("l21", cv=3, alphas=[1.0, 0.1], tol=1e-8),
    "lasso cv": MultiTaskLassoCV(cv=3, alphas=5, tol=1e-8),
    "elastic net cv": MultiTaskElasticNetCV(cv=3, alphas=5, tol=1e-8),
}
DATA = {
    "complete": (X, Y),
    "missing": (X, Y_MISSING),
    "sparse": (sparse.csr_array(X), Y),
    "more features": (X_WIDE, Y_WIDE),
}


@pytest.mark.parametrize("by_row", [True, False], ids=["rows", "labels"])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", MODELS)
def test_all_weights_times_a_factor_are_the_same_weights(name, data, by_row):
    if name.endswith("cv") and data == "more features":
        pytest.skip("one fit of each kind is enough")
    features, labels = DATA[data]
    weights = WEIGHTS[: len(labels), 0] if by_row else WEIGHTS[: len(labels)]
    expected = MODELS[name].fit(features, labels, sample_weight=weights).predict(features)
    for scale in (1e-305, 1e-155, 1e200):
        found = MODELS[name].fit(features, labels, sample_weight=scale * weights).predict(features)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4, err_msg=f"{scale:g}")


@pytest.mark.parametrize("magnitude", [1e155, 1e300, 1e-155])
@pytest.mark.parametrize("name", MODELS)
def test_labels_without_squares_are_refused(name, magnitude):
    y = magnitude * Y / np.abs(Y).max(axis=0) * [0.5, 1.0, 0.25]
    with pytest.raises(ValueError, match=r"label of task 1 is 1e[+-]\d+ in magnitude.*Scale y"):
        MODELS[name].fit(X, y)


@pytest.mark.parametrize("magnitude", [1e155, 1e-155])
@pytest.mark.parametrize("name", [name for name in MODELS if hasattr(MODELS[name], "task_weight")])
def test_labels_in_long_form_too(name, magnitude):
    model = clone(MODELS[name]).set_params(task_feature=5)
    task = np.arange(60) % 2
    with pytest.raises(ValueError, match=r"label of task 1 is 1e[+-]\d+ in magnitude.*Scale y"):
        model.fit(np.column_stack([X, task]), magnitude * np.where(task, 1.0, 0.5 * Y[:, 0] / 9))


@pytest.mark.parametrize("magnitude", [1e155, 1e-155])
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_features_without_squares_are_refused(container, name, magnitude):
    with pytest.raises(ValueError, match=r"largest number in X is [\d.]+e[+-]\d+.*Scale X"):
        MODELS[name].fit(container(X * magnitude), Y)


@pytest.mark.parametrize("magnitude", [1e-155, 1e155, 1e300])
def test_labels_of_any_magnitude_are_learned_where_they_are_scaled(magnitude):
    model = MultiTaskLinearRegressor("l21", alpha=0.1, scale_targets=True)
    expected = model.fit(X, Y).coef_
    np.testing.assert_allclose(model.fit(X, Y * magnitude).coef_ / magnitude, expected, rtol=1e-9)


CLASSES = (Y > 0).astype(int)
ORDERS = {
    "l2": 2,
    "mean_deviation": 2,
    "l21": 1,
    "trace_norm": 1,
    "dirty": 1,
    "squared_trace_norm": 2,
    "fused": 1,
}
"""Powers of W in the penalties: X times s with alpha times s to that power is the same problem."""


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("penalty", ORDERS)
@pytest.mark.parametrize("kind", ["regression", "missing", "classes", "huber"])
def test_features_of_any_scale_are_the_same_problem(kind, penalty, center):
    model = {
        "classes": MultiTaskLinearClassifier(penalty),
        "huber": MultiTaskLinear(penalty, tasks=Regression("huber")),
    }.get(kind, MultiTaskLinearRegressor(penalty))
    model.set_params(center=center, tol=1e-7, max_iter=5000)
    labels = {"classes": CLASSES, "missing": Y_MISSING}.get(kind, Y)

    def fitted(scale):
        model.set_params(alpha=0.03 * scale ** ORDERS[penalty]).fit(X * scale, labels)
        assert model.dual_gap_ <= 1e-6
        return model.coef_ * scale

    expected = fitted(1.0)
    for scale in (1e-9, 1e9):
        np.testing.assert_allclose(fitted(scale), expected, atol=3e-3 * np.abs(expected).max())


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_penalised_intercepts_beside_features_of_any_scale(scale):
    model = MultiTaskLinearRegressor("l2", intercept_alpha=0.1)
    expected = model.set_params(alpha=0.1).fit(X, Y).coef_
    found = model.set_params(alpha=0.1 * scale**2).fit(X * scale, Y).coef_
    np.testing.assert_allclose(found * scale, expected, rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
@pytest.mark.parametrize("name", ["cv", "lasso cv", "elastic net cv"])
def test_alphas_are_chosen_in_the_units_of_the_data(name, scale):
    model = clone(MODELS[name]).set_params(alphas=5)
    expected = model.fit(X, Y).predict(X)
    found = model.fit(X * scale, Y * scale).predict(X * scale)
    np.testing.assert_allclose(found, expected * scale, rtol=0, atol=1e-4 * scale)
