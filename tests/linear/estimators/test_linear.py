"""The linear estimators equal known models, and are invariant where they should be."""

import inspect
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    PoissonRegressor,
    Ridge,
)
from sklearn.utils._param_validation import InvalidParameterError

from skmtl import (
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
    stack_tasks,
)
from skmtl.linear.estimators import _linear_model
from skmtl.linear.penalties import PENALTIES
from skmtl.linear.solvers._fit import fit_linear
from skmtl.tasks import Binary
from tests.linear.conftest import MIXED, PLAIN

every_penalty = pytest.mark.parametrize("penalty", sorted(PENALTIES))
TIGHT = {"tol": 1e-15, "max_iter": 5000}


def close(ours, theirs, atol=1e-6):
    np.testing.assert_allclose(np.squeeze(ours), np.squeeze(theirs), atol=atol)


def same_model(a, b, atol=1e-9):
    close(a.coef_, b.coef_, atol)
    close(a.intercept_, b.intercept_, atol)


# -- T = 1 and complete y: scikit-learn's models ------------------------------------------


@pytest.mark.parametrize("alpha", [0.01, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("solver", ["closed_form", "proximal_gradient"])
def test_one_task_is_ridge(alpha, fit_intercept, solver, regression_data):
    X, Y = regression_data
    theirs = Ridge(alpha=alpha * len(X), fit_intercept=fit_intercept).fit(X, Y[:, 0])
    ours = MultiTaskLinear(
        "l2", alpha=alpha, fit_intercept=fit_intercept, solver=solver, tol=1e-14, max_iter=20_000
    ).fit(X, Y[:, 0])
    close(ours.coef_, theirs.coef_)
    close(ours.intercept_, theirs.intercept_)
    assert ours.predict(X).shape == (len(X),)


@pytest.mark.parametrize("penalty", ["l1", "l21"])
@pytest.mark.parametrize("alpha", [0.01, 0.3])
def test_one_task_is_lasso(penalty, alpha, regression_data):
    # With one task a row of W is one number, so l21 is l1.
    X, Y = regression_data
    theirs = Lasso(alpha=alpha, tol=1e-12).fit(X, Y[:, 0])
    ours = MultiTaskLinear(penalty, alpha=alpha, **TIGHT).fit(X, Y[:, 0])
    close(ours.coef_, theirs.coef_)
    close(ours.intercept_, theirs.intercept_)


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("alpha", [0.01, 0.3])
def test_one_task_is_logistic_regression(labels, alpha, regression_data):
    X, Y = regression_data
    y = np.digitize(Y[:, 0], np.quantile(Y[:, 0], np.arange(1, labels) / labels))
    theirs = LogisticRegression(C=1 / (alpha * len(X)), tol=1e-12, max_iter=10_000).fit(X, y)
    ours = MultiTaskLinearClassifier("l2", alpha=alpha, **TIGHT).fit(X, y)
    close(ours.coef_, theirs.coef_)
    close(ours.predict_proba(X), theirs.predict_proba(X))
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y))


def test_one_task_is_poisson_regression(mixed_data):
    X, Y = mixed_data
    used = ~np.isnan(Y[:, 3])
    theirs = PoissonRegressor(alpha=0.1, tol=1e-12, max_iter=10_000).fit(X[used], Y[used, 3])
    ours = MultiTaskLinear("l2", alpha=0.1, tasks="count", **TIGHT).fit(X, Y[:, 3])
    close(ours.coef_, theirs.coef_)
    assert ours.score(X, Y[:, 3]) == pytest.approx(theirs.score(X[used], Y[used, 3]), abs=1e-8)


@pytest.mark.parametrize("alpha", [0.01, 0.3])
def test_l21_on_complete_y_is_multi_task_lasso(alpha, regression_data):
    X, Y = regression_data
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    theirs = MultiTaskLasso(alpha=alpha, tol=1e-12).fit(X, Y)
    ours = MultiTaskLinear("l21", alpha=alpha, **TIGHT).fit(X, Y)
    close(ours.coef_, theirs.coef_)
    close(ours.intercept_, theirs.intercept_)
    # scikit-learn 1.9 and later
    if "sample_weight" in inspect.signature(theirs.fit).parameters:
        theirs.fit(X, Y, sample_weight=weight)
        close(ours.fit(X, Y, sample_weight=weight).coef_, theirs.coef_)


# -- limits and identities ------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_separable_penalties_fit_each_task_on_its_own(penalty, mixed_data):
    X, Y = mixed_data
    options = {"alpha": 0.05, "scale_targets": False, **TIGHT}
    together = MultiTaskLinear(penalty, tasks=MIXED, **options).fit(X, Y)
    for t, rows in enumerate(together._task_set.slices):
        alone = MultiTaskLinear(penalty, tasks=MIXED[t], **options).fit(X, Y[:, t])
        close(together.coef_[rows], alone.coef_)


def test_mean_limits(regression_data):
    X, Y = regression_data
    free = MultiTaskLinear("mean_deviation", alpha=1e-9).fit(X, Y)
    close(free.coef_, LinearRegression().fit(X, Y).coef_, 1e-6)
    for shared_alpha in (0.0, 0.2):
        one = MultiTaskLinear(
            "mean_deviation", alpha=1e9, shared_alpha=shared_alpha, intercept_alpha=np.inf
        ).fit(X, Y)
        pooled = Ridge(shared_alpha * 3 * len(X)).fit(np.tile(X, (3, 1)), Y.T.ravel())
        close(one.coef_, np.tile(pooled.coef_, (3, 1)))
        close(one.intercept_, np.full(3, pooled.intercept_))
        close(one.shared_coef_, pooled.coef_)
    # The shared part shrinks to nothing: a ridge.
    alone = MultiTaskLinear("mean_deviation", alpha=0.3, shared_alpha=1e9).fit(X, Y)
    same_model(alone, MultiTaskLinear("l2", alpha=0.3).fit(X, Y))
    close(alone.shared_coef_, np.zeros(X.shape[1]))


@pytest.mark.parametrize("intercept_alpha", [0.0, 0.3, np.inf])
@pytest.mark.parametrize("penalty", ["mean_deviation", "l2"])
def test_solvers_agree(penalty, intercept_alpha, regression_data):
    X, Y = regression_data
    Y[::3, 0] = np.nan
    options = {"alpha": 0.2, "intercept_alpha": intercept_alpha}
    exact = MultiTaskLinear(penalty, **options).fit(X, Y)
    steps = MultiTaskLinear(
        penalty, solver="proximal_gradient", tol=1e-13, max_iter=30_000, **options
    ).fit(X, Y)
    assert exact.n_iter_ == 1 < steps.n_iter_
    same_model(exact, steps, 1e-5)


def test_intercept_alpha_interpolates(regression_data):
    X, Y = regression_data
    spread = [
        np.ptp(MultiTaskLinear("l2", alpha=0.1, intercept_alpha=a).fit(X, Y).intercept_)
        for a in (0.0, 0.1, 10.0, np.inf)
    ]
    assert spread[0] > spread[1] > spread[2] > spread[3] == pytest.approx(0.0, abs=1e-12)


def test_center_with_l2_is_mean(regression_data):
    X, Y = regression_data
    same_model(
        MultiTaskLinear("l2", center=True, alpha=0.3).fit(X, Y),
        MultiTaskLinear("mean_deviation", alpha=0.3).fit(X, Y),
    )


@pytest.mark.parametrize("form", ["wide", "long"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_center_with_l2_is_mean_for_classes(n_classes, fit_intercept, form):
    # Coefficients of a class are centred over the tasks, not over classes.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.integers(n_classes, size=(40, 4))
    options = {"tasks": "multiclass", "fit_intercept": fit_intercept, "alpha": 0.07, "tol": 1e-10}
    if form == "long":
        X, y = np.column_stack([X, np.arange(40) % 4]), y[:, 0]
        options["task_feature"] = 3
    centred = MultiTaskLinear("l2", center=True, max_iter=100_000, **options).fit(X, y)
    mean = MultiTaskLinear("mean_deviation", max_iter=100_000, **options).fit(X, y)
    np.testing.assert_allclose(centred.coef_, mean.coef_, atol=1e-4)


@pytest.mark.parametrize("penalty", ["l1", "l21", "trace_norm"])
def test_center_with_a_huge_alpha_is_one_model(penalty, regression_data):
    X, Y = regression_data
    model = MultiTaskLinear(penalty, center=True, alpha=1e4, **TIGHT).fit(X, Y)
    mean = MultiTaskLinear("mean_deviation", alpha=1e9).fit(X, Y)
    close(model.coef_, mean.coef_, 1e-5)
    assert (model.coef_ == model.coef_[0]).all()


@pytest.mark.parametrize("alpha", [1e4, 1e300])
def test_huge_alpha_gives_exact_zeros(alpha, regression_data):
    X, Y = regression_data
    model = MultiTaskLinear("l21", alpha=alpha).fit(X, Y)
    assert (model.coef_ == 0).all()
    close(model.predict(X[:1]), Y.mean(axis=0), 1e-9)


# -- invariances ----------------------------------------------------------------------------


@every_penalty
@pytest.mark.parametrize("intercept_alpha", [0.0, 0.5])
def test_wide_is_long(penalty, intercept_alpha, regression_data):
    X, Y = regression_data
    Y[::3, 0] = Y[1::4, 2] = np.nan
    options = {"alpha": 0.1, "shared_alpha": 0.05, "intercept_alpha": intercept_alpha}
    options["max_iter"] = 5000
    wide = MultiTaskLinear(penalty, **options).fit(X, Y)
    X_long, y_long = stack_tasks([X] * 3, Y.T)
    long = MultiTaskLinear(penalty, task_feature=0, **options).fit(X_long, y_long)
    same_model(wide, long, 1e-6)
    close(long.predict(X_long), wide.predict(X).T.ravel(), 1e-6)
    assert long.coef_.shape == wide.coef_.shape


@pytest.mark.parametrize("tasks", ["binary", "multiclass"])
def test_long_classes_are_wide_classes(tasks, regression_data):
    X, Y = regression_data
    cuts = [0.5] if tasks == "binary" else [0.3, 0.7]
    labels = np.column_stack([np.digitize(y, np.quantile(y, cuts)) for y in Y.T])
    options = {"alpha": 0.1, "tasks": tasks, "tol": 1e-10}
    wide = MultiTaskLinear("trace_norm", **options).fit(X, labels)
    X_long, y_long = stack_tasks([X] * 3, labels.T)
    long = MultiTaskLinear("trace_norm", task_feature=0, **options).fit(X_long, y_long)
    same_model(wide, long, 1e-5)
    close(long.predict_proba(X_long)[: len(X)], wide.predict_proba(X)[0], 1e-5)


@pytest.mark.parametrize("penalty", PLAIN)
def test_containers_of_x(penalty, mixed_data):
    X, Y = mixed_data
    X = X.astype(np.float32).astype(np.float64)
    # Sparse X takes another way to the same optimum.
    reference = MultiTaskLinear(penalty, alpha=0.05, tasks=MIXED, tol=1e-13).fit(X, Y)
    containers = {
        "csr": sparse.csr_array(X),
        "csc": sparse.csc_matrix(X),
        "float32": X.astype(np.float32),
        "fortran": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=0)[::-2][::-1],
        "frame": pd.DataFrame(X),
    }
    for converted in containers.values():
        model = MultiTaskLinear(penalty, alpha=0.05, tasks=MIXED, tol=1e-13).fit(converted, Y)
        # Of several classes, all intercepts may be larger by the same number.
        close(model.coef_, reference.coef_, 1e-7)
        close(model.predict(converted), reference.predict(X), 1e-7)


@every_penalty
def test_integers_and_booleans(penalty):
    rng = np.random.default_rng(0)
    X, Y = rng.integers(0, 2, (30, 4)), rng.normal(size=(30, 3))
    reference = MultiTaskLinear(penalty, alpha=0.05).fit(X.astype(float), Y)
    for dtype in (bool, np.int8, np.float16, np.uint64):
        same_model(MultiTaskLinear(penalty, alpha=0.05).fit(X.astype(dtype), Y), reference)


@every_penalty
def test_weights_are_repeated_rows(penalty, regression_data):
    X, Y = regression_data
    Y[::5, 1] = np.nan
    repeats = np.random.default_rng(0).integers(0, 3, len(X))
    weighted = MultiTaskLinear(penalty, alpha=0.1).fit(X, Y, sample_weight=repeats)
    repeated = MultiTaskLinear(penalty, alpha=0.1).fit(
        np.repeat(X, repeats, axis=0), np.repeat(Y, repeats, axis=0)
    )
    same_model(weighted, repeated)


@pytest.mark.parametrize("penalty", PLAIN)
def test_unobserved_is_weight_zero_bit_for_bit(penalty, mixed_data):
    X, Y = mixed_data
    missing = np.isnan(Y)
    filled, other = Y.copy(), Y.copy()
    filled[missing] = 1.0
    other[missing] = np.broadcast_to(np.nanmax(Y, axis=0), Y.shape)[missing]
    options = {"alpha": 0.05, "tasks": MIXED}
    a = MultiTaskLinear(penalty, **options).fit(X, Y)
    for values in (filled, other):
        b = MultiTaskLinear(penalty, **options).fit(X, values, sample_weight=~missing * 1.0)
        assert (a.coef_ == b.coef_).all()
        assert (a.intercept_ == b.intercept_).all()


@pytest.mark.parametrize("penalty", PLAIN)
def test_permuting_tasks_and_rows(penalty, mixed_data):
    X, Y = mixed_data
    order, rows = [2, 0, 3, 1], np.random.default_rng(0).permutation(len(X))
    options = {"alpha": 0.05, "tol": 1e-12, "max_iter": 20_000}
    a = MultiTaskLinear(penalty, tasks=MIXED, **options).fit(X, Y)
    b = MultiTaskLinear(penalty, tasks=[MIXED[t] for t in order], **options)
    b.fit(X[rows], Y[rows][:, order])
    close(b.predict(X), a.predict(X)[:, order], 1e-5)


@every_penalty
def test_a_task_without_labels_changes_no_other(penalty, regression_data):
    X, Y = regression_data
    alone = MultiTaskLinear(penalty, alpha=0.1).fit(X, Y)
    with pytest.warns(UserWarning, match=r"Task 1: no observed label"):
        more = MultiTaskLinear(penalty, alpha=0.1).fit(
            X, np.insert(Y, 1, np.nan, axis=1), sample_weight=None
        )
    assert (more.coef_[[0, 2, 3]] == alone.coef_).all()
    assert np.isnan(more.predict(X)[:, 1]).all()
    assert more.score(X, np.insert(Y, 1, 0.0, axis=1)) == pytest.approx(alone.score(X, Y))


@every_penalty
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_target_scale(penalty, scale, regression_data):
    X, Y = regression_data
    options = {"scale_targets": True, "alpha": 0.05}
    a = MultiTaskLinear(penalty, **options).fit(X, Y)
    b = MultiTaskLinear(penalty, **options).fit(X, Y * scale + 3 * scale)
    close(b.predict(X) / scale, a.predict(X) + 3, 1e-7)


def test_task_weight_is_weight_in_the_loss(regression_data):
    X, Y = regression_data
    # Twice the loss under l1 is half the penalty.
    a = MultiTaskLinear("l1", alpha=0.2, task_weight=[1, 2, 1], **TIGHT).fit(X, Y)
    b = MultiTaskLinear("l1", alpha=0.1, **TIGHT).fit(X, Y)
    close(a.coef_[1], b.coef_[1])
    by_name = MultiTaskLinear("l1", alpha=0.2, task_weight={1: 2}, **TIGHT).fit(X, Y)
    same_model(a, by_name)


def test_task_weight_labels_is_a_sum_over_labels(regression_data):
    X, Y = regression_data
    Y[::2, 0] = Y[::5, 1] = np.nan
    n_labels = (~np.isnan(Y)).sum(axis=0)
    a = MultiTaskLinear("l21", alpha=0.1, task_weight="labels", **TIGHT).fit(X, Y)
    b = MultiTaskLinear("l21", alpha=0.1 * n_labels.mean(), task_weight=n_labels, **TIGHT)
    same_model(a, b.fit(X, Y))


# For the others a task in between counts, whether it has labels or not.
@pytest.mark.parametrize(
    "penalty",
    sorted({*PLAIN, "mean_deviation", "robust", "robust_low_rank"}),
)
def test_task_weight_zero_leaves_the_others_alone(penalty, regression_data):
    X, Y = regression_data
    ignored = MultiTaskLinear(penalty, alpha=0.1, task_weight=[1, 0, 1], **TIGHT).fit(X, Y)
    without = MultiTaskLinear(penalty, alpha=0.1, **TIGHT).fit(X, Y[:, [0, 2]])
    close(ignored.coef_[[0, 2]], without.coef_, 1e-5)
    assert np.isfinite(ignored.predict(X)).all()


def test_class_weight_is_sample_weight(regression_data):
    X, Y = regression_data
    y = (Y[:, 0] > np.quantile(Y[:, 0], 0.7)).astype(int)
    a = MultiTaskLinear("l2", alpha=0.1, tasks=Binary({0: 1, 1: 3}), **TIGHT).fit(X, y)
    b = MultiTaskLinear("l2", alpha=0.1, tasks="binary", **TIGHT)
    b.fit(X, y, sample_weight=np.where(y, 3, 1))
    same_model(a, b)


# -- behaviour ------------------------------------------------------------------------------


def test_warm_start_continues(regression_data):
    X, Y = regression_data
    model = MultiTaskLinear("trace_norm", alpha=0.02, warm_start=True, tol=1e-10).fit(X, Y)
    first, iterations = model.coef_, model.n_iter_
    model.fit(X, Y)
    assert model.n_iter_ <= 10 < iterations  # the first evaluation of the gap
    close(model.coef_, first, 1e-4)


def test_max_iter_is_a_warning_with_gap_and_tolerance(mixed_data):
    X, Y = mixed_data
    model = MultiTaskLinear("l21", alpha=0.01, tasks=MIXED, max_iter=2, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match=r"duality gap of \S+; tol=1e-09 asks for at most"):
        model.fit(X, Y)
    assert model.n_iter_ == 2


def test_more_features_than_rows(regression_data):
    X, Y = regression_data
    X, Y = np.hstack([X, X[:, :1], np.ones((len(X), 1))])[:6], Y[:6]
    with pytest.warns(match="minimum norm"):
        model = MultiTaskLinear("l2", alpha=0.0).fit(X, Y)
    close(model.predict(X), Y, 1e-8)
    theirs = np.linalg.pinv(X - X.mean(axis=0)) @ (Y - Y.mean(axis=0))
    close(model.coef_, theirs.T, 1e-8)
    for penalty in PENALTIES:
        assert np.isfinite(MultiTaskLinear(penalty, alpha=0.1).fit(X, Y).coef_).all()


def test_constant_target(regression_data):
    X, Y = regression_data
    Y[:, 1] = 4.0
    model = MultiTaskLinear("l21", alpha=0.1, scale_targets=True).fit(X, Y)
    close(model.predict(X)[:, 1], np.full(len(X), 4.0), 1e-9)
    assert model.score(X, Y) > 0.5


@pytest.mark.parametrize(("name", "value"), [("alpha", -1.0), ("alpha", np.nan), ("tol", -1)])
def test_invalid_numbers(name, value, regression_data):
    with pytest.raises(InvalidParameterError, match=name):
        MultiTaskLinear(**{name: value}).fit(*regression_data)


def test_pairs_that_do_not_fit(regression_data, mixed_data):
    X, Y = regression_data
    with pytest.raises(ValueError, match=r"closed_form.*quadratic.*L1\(\).*proximal_gradient"):
        MultiTaskLinear("l1", solver="closed_form").fit(X, Y)
    with pytest.raises(ValueError, match=r"closed_form.*squared loss.*binary.*proximal_gradient"):
        MultiTaskLinear("l2", solver="closed_form", tasks=MIXED).fit(*mixed_data)
    with pytest.raises(ValueError, match=r"MeanDeviation\(\) compares tasks.*2: 3"):
        MultiTaskLinear("mean_deviation", tasks=MIXED).fit(*mixed_data)
    with pytest.raises(ValueError, match=r"center=True compares"):
        MultiTaskLinear("l1", center=True, tasks=MIXED).fit(*mixed_data)
    with pytest.raises(ValueError, match=r"intercept_alpha compares"):
        MultiTaskLinear("l1", intercept_alpha=1, tasks=MIXED, scale_targets=False).fit(*mixed_data)


def test_unknown_task_at_predict():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"school": list("aabbb"), "x": rng.normal(size=5)})
    y = rng.normal(size=5)
    new = pd.DataFrame({"school": ["a", "c"], "x": [0.0, 0.0]})
    model = MultiTaskLinearRegressor("mean_deviation", task_feature="school").fit(X, y)
    with pytest.raises(ValueError, match=r"Unknown task c in 1 rows"):
        model.predict(new)
    shared = model.set_params(unknown_task="shared").predict(new)
    assert shared[0] == pytest.approx(model.intercept_[0])
    assert shared[1] == pytest.approx(model.intercept_.mean())
    with pytest.raises(ValueError, match="no column names"):
        model.fit(X.to_numpy(), y)
    with pytest.raises(ValueError, match="not a column of X"):
        MultiTaskLinear(task_feature="x1").fit(X, y)


def test_long_form_task_without_labels():
    rng = np.random.default_rng(0)
    X = np.column_stack([[0, 0, 1, 1, 2, 2], rng.normal(size=6)])
    y = np.array([1.0, 2.0, np.nan, np.nan, 3.0, 4.0])
    with pytest.warns(UserWarning, match="Task 1: no observed label"):
        model = MultiTaskLinear("mean_deviation", task_feature=0).fit(X, y)
    used = ~np.isnan(y)
    without = MultiTaskLinear("mean_deviation", task_feature=0).fit(X[used], y[used])
    assert (model.coef_[[0, 2]] == without.coef_).all()
    assert np.isnan(model.predict(X)).tolist() == [False, False, True, True, False, False]
    assert np.isfinite(model.score(X, np.arange(6.0)))


def test_large_counts_converge():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    Y = rng.poisson(np.exp(3.0 + 0.3 * X[:, :2]))
    model = MultiTaskLinear("l2", alpha=0.1, tasks="count", tol=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y)
    for t in range(2):
        alone = PoissonRegressor(alpha=0.1, tol=1e-10).fit(X, Y[:, t])
        np.testing.assert_allclose(model.coef_[t], alone.coef_, atol=1e-5)


def test_positive_coefficients_are_not_below_0_by_rounding(monkeypatch):
    def rounded(*args, **kwargs):
        found = fit_linear(*args, **kwargs)
        return replace(found, W=found.W - 1e-30)

    monkeypatch.setattr(_linear_model, "fit_linear", rounded)
    X = np.random.default_rng(0).normal(size=(30, 4))
    model = MultiTaskLinear("l1", alpha=10.0, positive=True).fit(X, X[:, :2])
    np.testing.assert_array_equal(model.coef_, 0.0)
    assert (MultiTaskLinear("l1", alpha=10.0).fit(X, X[:, :2]).coef_ < 0).all()


@pytest.mark.parametrize("intercept_alpha", [0.0, 1.0, np.inf])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_levels_of_quantiles_are_compared_with_as_many_classes(fit_intercept, intercept_alpha):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    Y = X @ rng.normal(size=(4, 3)) + 0.5 * rng.normal(size=(60, 3))
    Y[:, 1:] = np.digitize(Y[:, 1:], [-0.5, 0.5])
    given = {"alpha": 0.1, "tol": 1e-7, "max_iter": 10_000, "scale_targets": False}
    given |= {"fit_intercept": fit_intercept, "intercept_alpha": intercept_alpha}
    newton, slow = (
        MultiTaskLinear("mean", solver=solver, **given, tasks=["quantile"] + 2 * ["multiclass"])
        for solver in ("newton", "proximal_gradient")
    )
    expected = slow.fit(X, Y).coef_
    np.testing.assert_allclose(newton.fit(X, Y).coef_, expected, atol=5e-3)
