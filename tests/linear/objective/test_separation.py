"""Fits without a finite optimum, and without a unique one."""

import warnings

import numpy as np
import pytest
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning

from skmtl import MultiTaskLinear, MultiTaskLinearClassifier, MultiTaskLinearRegressor
from skmtl.linear.objective._separation import margins
from skmtl.linear.penalties import L1, L2, Split, TraceNorm

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 4))
APART = X @ [1.0, -1.0, 0.5, 2.0] > 0
NOISE = rng.random(40) < 0.5
THREE = np.argmax(X @ rng.normal(size=(4, 3)), axis=1)
SEPARABLE = r"separable, so that with alpha=0 the log loss has no finite minimum.*Set alpha > 0"


@pytest.mark.parametrize("penalty", ["l2", "l21", "dirty", "mean_deviation", "trace_norm"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_separable_classes_are_named(penalty, fit_intercept):
    Y = np.column_stack([NOISE, APART * 1.0, np.where(np.arange(40) < 30, APART, np.nan)])
    model = MultiTaskLinearClassifier(penalty, alpha=0.0, fit_intercept=fit_intercept)
    with pytest.warns(ConvergenceWarning, match=r"2 tasks \(1, 2\): the classes are " + SEPARABLE):
        model.fit(X, Y)
    np.testing.assert_array_equal(model.predict(X)[:, 1], APART)
    # What the losses of the separable tasks are above 0, and the other task has converged.
    losses = -np.log([p[range(40), APART.astype(int)] for p in model.predict_proba(X)[1:]])
    expected = losses[0].mean() + losses[1, :30].mean()
    assert model.dual_gap_ == pytest.approx(expected, abs=1.1e-4)
    alone = MultiTaskLinearClassifier("l2", alpha=0.0, fit_intercept=fit_intercept, tol=1e-6)
    alone.fit(X, NOISE)
    np.testing.assert_allclose(model.coef_[0], alone.coef_[0], atol=0.02)


def test_several_classes_and_other_types():
    y = np.column_stack([THREE.astype(float), X[:, 0] + rng.normal(size=40)])
    model = MultiTaskLinear("l2", alpha=0.0, tasks=["multiclass", "regression"])
    with pytest.warns(ConvergenceWarning, match="Task 0: the classes are " + SEPARABLE):
        model.fit(X, y)
    assert np.isfinite(model.dual_gap_)


def test_long_form():
    task = np.arange(40) % 2
    y = np.where(task, APART, NOISE)
    model = MultiTaskLinearClassifier("l21", alpha=0.0, task_feature=4, max_iter=3000)
    with pytest.warns(ConvergenceWarning, match="Task 1: the classes are " + SEPARABLE):
        model.fit(np.column_stack([X, task]), y)


def test_more_features_than_rows_always_are():
    model = MultiTaskLinearClassifier("l2", alpha=0.0)
    with pytest.warns(ConvergenceWarning, match="Task 0: the classes are " + SEPARABLE):
        model.fit(rng.normal(size=(20, 50)), NOISE[:20])


@pytest.mark.parametrize("model", [("l21", True), ("mean_deviation", False)])
def test_what_is_shared_and_not_penalised_grows_too(model):
    penalty, center = model
    model = MultiTaskLinearClassifier(
        penalty, alpha=0.1, center=center, shared_alpha=0.0, intercept_alpha=0.0
    )
    Y = np.column_stack([APART, APART])
    with pytest.warns(ConvergenceWarning, match=r"separable.*with a part that no penalty acts on"):
        model.fit(X, Y)
    Y = np.column_stack([APART, NOISE])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.set_params(max_iter=5000).fit(X, Y)


def test_classes_that_mix_get_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MultiTaskLinearClassifier("l2", alpha=0.0).fit(X, np.column_stack([NOISE, ~NOISE]))
        MultiTaskLinearClassifier("l2", alpha=0.1).fit(X, np.column_stack([APART, ~APART]))


def test_margins():
    scores = np.array([[[1.0, 3.0, 2.0]], [[0.0, 0.0, 5.0]]])
    np.testing.assert_array_equal(margins(scores, np.array([[1.0], [0.0]])), [[1.0], [-5.0]])
    np.testing.assert_array_equal(
        margins(np.array([[[2.0]], [[3.0]]]), np.array([[1.0], [0.0]])), [[2.0], [-3.0]]
    )


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize(
    "penalty",
    ["dirty", "robust", "sparse_low_rank", Split(L1(), Split(L2(), TraceNorm()))],
    ids=str,
)
def test_least_squares_in_parts_say_where_they_are_not_unique(penalty, center):
    collinear = np.column_stack([X, X[:, 0]])
    Y = X @ rng.normal(size=(4, 2)) + rng.normal(size=(40, 2))
    model = MultiTaskLinearRegressor(penalty, alpha=0.0, center=center)
    with pytest.warns(linalg.LinAlgWarning, match="not unique"):
        model.fit(collinear, Y)
    least = np.linalg.lstsq(collinear - collinear.mean(axis=0), Y - Y.mean(axis=0))[0].T
    np.testing.assert_allclose(model.coef_, least, atol=1e-10)
    whole = model.coef_components_.sum(axis=0)
    shared = model.shared_coef_ if center else 0.0
    np.testing.assert_allclose(whole + shared, least, atol=1e-10)
    np.testing.assert_array_equal(model.coef_components_[0], model.coef_components_[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y)
