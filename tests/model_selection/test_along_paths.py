"""A stacked search of linear models finds what one fit after the other finds."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import loguniform
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearCV,
    MultiTaskLinearRegressor,
    ReducedRankRegressor,
    make_multitask_scorer,
)
from skmtl.linear import MultiTaskElasticNet, MultiTaskLasso
from skmtl.model_selection import StackedGridSearchCV, StackedRandomizedSearchCV
from skmtl.tasks import Quantile

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:All coefficients are 0"),
]

ALPHAS = {"alpha": [1.0, 0.1, 0.01, 0.0, 1e-3]}
TOL = 1e-8
CLOSE = 1e-4
"""Scores are as far apart as fits within a gap of tol: by the root of it."""


def numbers(n=61, missing=0.3, n_features=4):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_features))
    Y = X[:, :3] @ rng.normal(size=(3, 3)) + 0.3 * rng.normal(size=(n, 3))
    return X, np.where(rng.random(Y.shape) < missing, np.nan, Y)


def complete():
    return numbers(missing=0.0)


def wide():
    return numbers(n=30, missing=0.0, n_features=60)


def one_task():
    X, Y = complete()
    return X, Y[:, 0]


def classes():
    X, Y = numbers()
    return X, np.where(np.isnan(Y), np.nan, Y > 0)


def mixed():
    X, Y = complete()
    y = np.array([["yes" if a > 0 else "no", b] for a, b, _ in Y], dtype=object)
    return X, y


def counts():
    X, Y = complete()
    return X, np.round(np.exp(Y / 3))


def long():
    X, Y = complete()
    task = np.arange(len(X)) % 3
    return np.column_stack([X[:, :3], task]), Y[np.arange(len(X)), task]


def long_classes():
    X, y = long()
    return X, y > 0


def classes_in_a_fold():
    """Labels that only one of the folds shows to be numbers."""
    X, Y = complete()
    y = (Y[:, 1] > 0).astype(float)
    y[-1] = 2.5
    return X, np.column_stack([Y[:, 0], y])


def without_a_task_in_a_fold():
    X, Y = numbers()
    Y[22:, 2] = np.nan
    return X, Y


def in_sparse_rows():
    X, Y = numbers()
    return sparse.csr_array(np.where(np.abs(X) < 0.5, 0.0, X)), Y


LINEAR, L2 = MultiTaskLinear(tol=TOL), MultiTaskLinear("l2", tol=TOL)
PENALTIES = ["l2", "l21", "trace_norm", "mean_deviation", "dirty"]
CASES = {
    "lasso": (MultiTaskLasso(tol=TOL), {}, numbers),
    "lasso-complete": (MultiTaskLasso(tol=TOL), {}, complete),
    "elastic-net": (MultiTaskElasticNet(tol=TOL), {"l1_ratio": [0.0, 0.2, 1.0]}, complete),
    "elastic-net-gaps": (MultiTaskElasticNet(tol=TOL), {"fit_intercept": [True, False]}, numbers),
    "penalties": (LINEAR, {"penalty": PENALTIES}, numbers),
    "centred": (L2, {"center": [True, False], "fit_intercept": [True, False]}, numbers),
    "scaled": (L2, {"scale_targets": [True, False, "auto"]}, numbers),
    "weighed-tasks": (LINEAR, {"task_weight": [[1, 0, 2], "labels"]}, numbers),
    "wide": (LINEAR, {}, wide),
    "one-task": (LINEAR, {}, one_task),
    "sparse": (LINEAR, {}, in_sparse_rows),
    "regressor": (MultiTaskLinearRegressor(tol=TOL), {}, classes),
    "classes": (LINEAR, {"penalty": ["l2", "l21"]}, classes),
    "classifier": (MultiTaskLinearClassifier(tol=TOL), {"penalty": ["l2", "l21"]}, classes),
    "mixed": (LINEAR, {"penalty": ["l2", "l21"]}, mixed),
    "counts": (MultiTaskLinear(tasks="count", tol=TOL), {}, counts),
    "quantile": (MultiTaskLinear("l2", tasks=Quantile(), tol=TOL), {}, complete),
    "long": (
        MultiTaskLinear(task_feature=3, tol=TOL),
        {"penalty": ["auto", "l2", "l21", "mean_deviation"]},
        long,
    ),
    "long-classes": (MultiTaskLinear("l2", task_feature=3, tol=TOL), {}, long_classes),
    "ranks": (ReducedRankRegressor(), {"rank": [1, 2, None]}, complete),
    "ranks-gaps": (ReducedRankRegressor(tol=1e-12), {"rank": [1, None]}, numbers),
    "ranks-wide": (ReducedRankRegressor(2), {"fit_intercept": [True, False]}, wide),
    "classes-in-a-fold": (LINEAR, {}, classes_in_a_fold),
    "no-labels-in-a-fold": (LINEAR, {}, without_a_task_in_a_fold),
    "lasso-no-labels-in-a-fold": (MultiTaskLasso(tol=TOL), {}, without_a_task_in_a_fold),
}


def assert_close(stacked, plain, atol=CLOSE):
    assert stacked.cv_results_.keys() == plain.cv_results_.keys()
    for key, expected in plain.cv_results_.items():
        found = stacked.cv_results_[key]
        if "time" in key or key.startswith("rank_"):
            # What is the same but for rounding has another rank.
            continue
        if key.startswith(("split", "mean_", "std_")):
            np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=key)
        else:
            np.testing.assert_array_equal(found, expected)
    assert stacked.best_params_ == plain.best_params_


def fit_both(estimator, grid, X, y, options=None, fit=None):
    options = {"cv": KFold(3), "return_train_score": True, **(options or {})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = GridSearchCV(estimator, grid, **options).fit(X, y, **(fit or {}))
        stacked = StackedGridSearchCV(estimator, grid, **options).fit(X, y, **(fit or {}))
    return stacked, plain


@pytest.mark.parametrize("is_piped", [False, True], ids=["alone", "piped"])
@pytest.mark.parametrize("name", CASES)
def test_the_same_scores(name, is_piped):
    model, others, data = CASES[name]
    X, y = data()
    grid = {**ALPHAS, **others}
    if is_piped:
        if data in (long, long_classes):
            pytest.skip("the scaler would scale the tasks")
        # In place of the mean, which sparse rows do not keep.
        scaler = StandardScaler(with_mean=not sparse.issparse(X))
        model = Pipeline([("scale", scaler), ("model", model)])
        grid = {f"model__{key}": values for key, values in grid.items()}
    stacked, plain = fit_both(model, grid, X, y)
    assert_close(stacked, plain)
    # The estimator of all rows is fitted as ever.
    np.testing.assert_array_equal(stacked.predict(X), plain.predict(X))
    assert type(stacked.best_estimator_) is type(model)


@pytest.mark.parametrize("name", [n for n in CASES if n not in ("mixed", "counts", "quantile")])
def test_any_scorer(name):
    """Scorers are given fitted estimators."""
    model, others, data = CASES[name]
    is_classes = data in (classes, long_classes) and name != "regressor"
    seen = []

    def own(fitted, X, y):
        # What a fit alone has, and its parameters.
        seen.append(
            (type(fitted).__name__, fitted.alpha, fitted.n_features_in_, fitted.coef_.shape)
        )
        return float(np.abs(fitted.coef_).sum() + np.abs(fitted.intercept_).sum())

    metric = "accuracy" if is_classes else "neg_mean_absolute_error"
    scoring = {"own": own, "metric": make_multitask_scorer(metric)}
    options = {"scoring": scoring, "refit": "metric", "return_train_score": False}
    stacked, plain = fit_both(model, {**ALPHAS, **others}, *data(), options)
    # Coefficients are as far apart as the root of the gap.
    assert_close(stacked, plain, atol=5e-3)
    half = len(seen) // 2
    assert seen[:half] == seen[half:]


def test_at_the_default_tolerance():
    stacked, plain = fit_both(MultiTaskLinear(), ALPHAS, *numbers())
    assert_close(stacked, plain, atol=1e-3)
    assert_close(*fit_both(MultiTaskLasso(), ALPHAS, *numbers()), atol=1e-3)


@pytest.mark.parametrize("scoring", [None, make_multitask_scorer("r2")], ids=["own", "r2"])
@pytest.mark.parametrize("model", [LINEAR, MultiTaskLasso(tol=TOL), ReducedRankRegressor()])
def test_weights(model, scoring):
    """They count in fits and in scores, where scikit-learn lets them."""
    X, Y = numbers()
    weights = np.random.default_rng(1).uniform(size=Y.shape)
    weights[:9] = 0.0
    fit = {"sample_weight": weights}
    stacked, plain = fit_both(model, ALPHAS, X, Y, {"scoring": scoring}, fit)
    assert_close(stacked, plain)
    without, _ = fit_both(model, ALPHAS, X, Y, {"scoring": scoring})
    assert (
        np.abs(without.cv_results_["mean_test_score"] - plain.cv_results_["mean_test_score"])[2]
        > 1e-3
    )
    piped = make_pipeline(StandardScaler(), model)
    name = piped.steps[-1][0]
    grid = {f"{name}__alpha": ALPHAS["alpha"]}
    fit = {f"{name}__sample_weight": weights}
    assert_close(*fit_both(piped, grid, X, Y, {"scoring": scoring}, fit))


def test_what_chooses_itself_does_so_in_every_fold():
    stacked, plain = fit_both(LINEAR, {"alpha": ["auto", 0.1, 0.01]}, *numbers())
    assert_close(stacked, plain)
    model = MultiTaskLinear("mean_deviation", task_feature=3, center=True, tol=TOL)
    assert_close(*fit_both(model, ALPHAS, *long()))


def test_rows_are_read_once(monkeypatch):
    """Whatever the number of folds, penalties and alphas: the rest is sums."""
    X, Y = numbers()
    read = []
    begin = MultiTaskLinear._begin
    monkeypatch.setattr(
        MultiTaskLinear,
        "_begin",
        lambda self, *data: read.append(len(data[0])) or begin(self, *data),
    )
    grid = {**ALPHAS, "penalty": ["l2", "l21"], "fit_intercept": [True, False]}
    StackedGridSearchCV(LINEAR, grid, cv=4, refit=False).fit(X, Y)
    assert read == [len(X)]
    # Rows of each fold, for other losses.
    read.clear()
    StackedGridSearchCV(LINEAR, grid, cv=KFold(4), refit=False).fit(X, Y > 0)
    assert len(read) == 1 + 4


def test_tables_of_names_and_processes():
    X, Y = numbers()
    X = pd.DataFrame(X, columns=list("abcd"))
    Y = pd.DataFrame(Y, columns=["x", "y", "z"])
    for y in (Y, Y > 0):
        one, plain = fit_both(LINEAR, ALPHAS, X, y)
        several = StackedGridSearchCV(
            LINEAR, ALPHAS, cv=KFold(3), return_train_score=True, n_jobs=2
        ).fit(X, y)
        assert_close(one, plain)
        for key in ("mean_test_score", "mean_train_score"):
            np.testing.assert_array_equal(several.cv_results_[key], one.cv_results_[key])
        assert several.best_estimator_.feature_names_in_.tolist() == list("abcd")


def test_random_search():
    given = LINEAR, {"alpha": loguniform(1e-4, 1.0), "penalty": ["l2", "l21"]}
    options = {"n_iter": 9, "cv": 3, "random_state": 3}
    X, Y = numbers()
    stacked = StackedRandomizedSearchCV(*given, **options).fit(X, Y)
    assert_close(stacked, RandomizedSearchCV(*given, **options).fit(X, Y))


def test_what_fails_alone_fails_alone():
    X, Y = numbers()
    grid = {"alpha": [0.1, -1.0, 0.2]}
    with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 6"):
        search = StackedGridSearchCV(LINEAR, grid, cv=2, error_score=-7.0).fit(X, Y)
    assert search.cv_results_["mean_test_score"][1] == -7.0
    assert (search.cv_results_["mean_test_score"][[0, 2]] > 0).all()
    with pytest.raises(ValueError, match="alpha"):
        StackedGridSearchCV(LINEAR, grid, cv=2, error_score="raise").fit(X, Y)
    X[0, 0] = np.nan
    with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 4"):
        search = StackedGridSearchCV(LINEAR, {"alpha": [0.1, 0.2]}, cv=2, refit=False).fit(X, Y)
    # The fold that trains without this row is scored with it, which fails as well.
    assert np.isnan(search.cv_results_["mean_test_score"]).all()


def test_a_class_that_training_did_not_see():
    X, Y = numbers(missing=0.0)
    y = np.where(Y > 0, "a", "b").astype(object)
    y[0, 0] = "c"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"cv": KFold(3), "refit": False, "error_score": np.nan}
        plain = GridSearchCV(LINEAR, ALPHAS, **options).fit(X, y).cv_results_
        stacked = StackedGridSearchCV(LINEAR, ALPHAS, **options).fit(X, y).cv_results_
    assert np.isnan(plain["split0_test_score"]).all()
    assert np.isfinite(plain["split1_test_score"]).all()
    for k in range(3):
        key = f"split{k}_test_score"
        np.testing.assert_allclose(stacked[key], plain[key], atol=CLOSE)


def test_a_step_that_is_another_estimator():
    X, Y = complete()
    model = Pipeline([("scale", StandardScaler()), ("model", LINEAR)])
    grid = [
        {"model": [Ridge()], "model__alpha": [0.1, 1.0]},
        {"model__alpha": [0.1, 0.01], "scale__with_std": [True, False]},
        {"model": [MultiTaskLasso(tol=TOL)], "model__alpha": [0.1, 0.01]},
    ]
    stacked, plain = fit_both(model, grid, X, Y)
    for key in ("mean_test_score", "mean_train_score"):
        np.testing.assert_allclose(stacked.cv_results_[key], plain.cv_results_[key], atol=CLOSE)


def test_others_are_searched_as_ever():
    X, Y = numbers()
    given = MultiTaskLinearCV(alphas=5, cv=3), {"penalty": ["l2", "l21"]}
    stacked, plain = fit_both(*given, X, Y)
    for key in ("mean_test_score", "mean_train_score"):
        np.testing.assert_array_equal(stacked.cv_results_[key], plain.cv_results_[key])
