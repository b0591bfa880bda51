"""A search that trains side by side finds what one fit after the other finds."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl import (
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    make_multitask_scorer,
)
from skmtl.model_selection import StackedGridSearchCV, StackedRandomizedSearchCV
from skmtl.model_selection._side_by_side import steps_before
from skmtl.neural.training._side_by_side import groups_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FAST = {"hidden_layer_sizes": (6,), "max_iter": 8, "batch_size": 16, "random_state": 0}
RTOL = 1e-6
RATES = {"learning_rate_init": [1e-3, 1e-2, 0.1]}


def data(n=61, missing=0.3):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    Y = X[:, :3] @ rng.normal(size=(3, 3)) + 0.3 * rng.normal(size=(n, 3))
    return X, np.where(rng.random(Y.shape) < missing, np.nan, Y)


def times(results):
    return {key for key in results if "time" in key}


def assert_same(stacked, plain):
    """Every score and the estimator found are equal, to rounding in sums over several models."""
    assert stacked.cv_results_.keys() == plain.cv_results_.keys()
    for key in plain.cv_results_.keys() - times(plain.cv_results_):
        found, expected = stacked.cv_results_[key], plain.cv_results_[key]
        if np.asarray(expected).dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=RTOL, atol=RTOL)
        else:
            np.testing.assert_array_equal(found, expected)
    assert stacked.best_params_ == plain.best_params_
    assert stacked.best_index_ == plain.best_index_
    for key in times(plain.cv_results_):
        assert stacked.cv_results_[key].shape == plain.cv_results_[key].shape
    assert (stacked.cv_results_["mean_fit_time"] > 0).all()


SETTINGS = {
    "rates": ({}, RATES),
    "alphas": ({}, {"alpha": [0.0, 0.1], "learning_rate_init": [1e-2]}),
    "alpha-by-the-rows": ({"max_iter": 5}, {"alpha": ["auto", 0.1], **RATES}),
    "dropout": ({}, {"dropout": [0.0, 0.3], **RATES}),
    "seeds": ({}, {"random_state": [0, 1, 2]}),
    # Gates have a dropout of their own, which is 0.
    "experts-with-dropout": ({"architecture": "mmoe", "dropout": 0.2}, RATES),
    "structures": ({}, {"hidden_layer_sizes": [(4,), (5, 3)], **RATES}),
    "early-stopping-folds": (
        {
            "early_stopping": True,
            "n_iter_no_change": 1,
            "max_iter": 20,
            "learning_rate": "constant",
        },
        RATES,
    ),
    "early-stopping-split": (
        {"early_stopping": True, "validation_fraction": 0.9, "n_iter_no_change": 2},
        {**RATES, "learning_rate": ["constant"]},
    ),
    "sgd-adaptive": ({"solver": "sgd", "learning_rate": "plateau", "tol": 0.5}, RATES),
    "clipped": ({"max_grad_norm": 0.1}, RATES),
    "balancing": ({"balancing": "uncertainty"}, RATES),
    "gradients-balanced": ({"balancing": "upgrad"}, RATES),
    "cross-stitch": ({"architecture": "cross_stitch", "dropout": 0.2}, RATES),
    "batch-normalization": ({"normalization": "batch"}, RATES),
    "float32": ({"precision": "float32"}, RATES),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_search(name):
    settings, grid = SETTINGS[name]
    X, Y = data(241 if name == "early-stopping-split" else 61)
    network = MultiTaskMLPRegressor(**{**FAST, **settings})
    stacked = StackedGridSearchCV(network, grid, cv=3).fit(X, Y)
    plain = GridSearchCV(network, grid, cv=3).fit(X, Y)
    assert_same(stacked, plain)
    assert type(stacked.best_estimator_) is MultiTaskMLPRegressor
    # The estimator of all rows is fitted alone.
    np.testing.assert_array_equal(stacked.predict(X), plain.predict(X))


@pytest.mark.parametrize("name", SETTINGS)
def test_fitted_attributes_are_those_of_a_fit_alone(name):
    from skmtl.neural.training._side_by_side import fit_all

    settings, _ = SETTINGS[name]
    X, Y = data()
    kinds = [
        MultiTaskMLPRegressor(**{**FAST, **settings, **RATES, "learning_rate_init": rate})
        for rate in (1e-3, 0.1)
    ]
    assert groups_of(kinds) == [[0, 1]]
    found = fit_all([([clone(kind) for kind in kinds], X, Y, None)])[0]
    for together, alone in zip(found, kinds, strict=True):
        alone.fit(X, Y)
        assert vars(together).keys() == vars(alone).keys()
        assert together.n_iter_ == alone.n_iter_
        np.testing.assert_allclose(together.loss_curve_, alone.loss_curve_, rtol=RTOL)
        for key, curve in alone.history_.items():
            np.testing.assert_allclose(together.history_[key], curve, rtol=RTOL, atol=RTOL)
        expected = alone.best_validation_score_
        assert together.best_validation_score_ == (expected and pytest.approx(expected, rel=RTOL))
        assert together.diverged_ == alone.diverged_


def test_mixed_labels_in_a_pipeline_with_weights_and_processes():
    X, Y = data()
    y = [["yes" if v > 0 else "no" for v in Y[:, 0]], list(Y[:, 1])]
    y = np.array(y, dtype=object).T
    weights = np.random.default_rng(1).uniform(size=len(X))
    pipeline = make_pipeline(StandardScaler(), MultiTaskMLP(**FAST))
    grid = {f"multitaskmlp__{key}": values for key, values in RATES.items()}
    options = {"cv": KFold(3, shuffle=True, random_state=np.random.RandomState(0))}
    fit = {"multitaskmlp__sample_weight": weights}
    stacked = StackedGridSearchCV(pipeline, grid, n_jobs=2, **options).fit(X, y, **fit)
    options = {"cv": KFold(3, shuffle=True, random_state=np.random.RandomState(0))}
    plain = GridSearchCV(pipeline, grid, **options).fit(X, y, **fit)
    assert_same(stacked, plain)
    assert stacked.n_jobs == 2
    assert type(stacked.best_estimator_) is type(pipeline)


def test_a_table_is_prepared_by_the_steps_before():
    X, Y = data()
    # The dtype of an encoder is a class of numpy, and its copies are to be seen to be alike.
    table = pd.DataFrame({"age": np.where(X[:, 0] > 1, np.nan, X[:, 0]), "dose": X[:, 1]})
    table["ward"] = np.where(X[:, 2] > 0, "north", "south")
    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector("age|dose")),
        (OneHotEncoder(handle_unknown="ignore"), ["ward"]),
    )
    pipeline = Pipeline([("prepare", prepare), ("network", MultiTaskMLPRegressor(**FAST))])
    grid = {f"network__{key}": values for key, values in RATES.items()}
    stacked = StackedGridSearchCV(pipeline, grid, cv=3).fit(table, Y)
    assert_same(stacked, GridSearchCV(pipeline, grid, cv=3).fit(table, Y))


def test_labels_count_by_their_weights():
    X, Y = data()
    weights = np.random.default_rng(1).uniform(size=len(X))
    network = MultiTaskMLPRegressor(**FAST)
    stacked = StackedGridSearchCV(network, RATES, cv=3).fit(X, Y, sample_weight=weights)
    assert_same(stacked, GridSearchCV(network, RATES, cv=3).fit(X, Y, sample_weight=weights))


def test_processes_that_joblib_is_configured_for():
    """What is trained in some is asked for in this one."""
    X, Y = data()
    network = MultiTaskMLPRegressor(**FAST)
    stacked = StackedGridSearchCV(network, RATES, cv=3)
    with parallel_config("loky", n_jobs=2):
        stacked.fit(X, Y)
    assert_same(stacked, GridSearchCV(network, RATES, cv=3).fit(X, Y))


def test_steps_are_fitted_once_in_each_fold():
    X, Y = data()
    fits = []

    class Counted(StandardScaler):
        def fit(self, X, y=None, sample_weight=None):
            fits.append(len(X))
            return super().fit(X, y)

    pipeline = make_pipeline(Counted(), MultiTaskMLPRegressor(**FAST))
    grid = {"multitaskmlpregressor__alpha": [0.0, 0.1, 1.0]}
    StackedGridSearchCV(pipeline, grid, cv=2, refit=False).fit(X, Y)
    assert len(fits) == 2
    grid["counted__with_mean"] = [True, False]
    StackedGridSearchCV(pipeline, grid, cv=2, refit=False).fit(X, Y)
    assert len(fits) == 2 + 4


def test_long_form_classes_and_scorers():
    X, Y = data(90, missing=0.0)
    X[:, 3] = np.arange(90) % 3
    y = Y[np.arange(90), np.arange(90) % 3] > 0
    network = MultiTaskMLPClassifier(**FAST, task_feature=3)
    scoring = {
        "auc": make_multitask_scorer("roc_auc"),
        "accuracy": make_multitask_scorer("accuracy"),
    }
    options = {"cv": 3, "scoring": scoring, "refit": "auc", "return_train_score": True}
    stacked = StackedGridSearchCV(network, RATES, **options).fit(X, y)
    assert_same(stacked, GridSearchCV(network, RATES, **options).fit(X, y))


def test_random_search():
    X, Y = data()
    network = MultiTaskMLPRegressor(**FAST)
    given = (network, {"alpha": loguniform(1e-4, 1.0)})
    options = {"n_iter": 4, "cv": 2, "random_state": 3}
    stacked = StackedRandomizedSearchCV(*given, **options).fit(X, Y)
    assert_same(stacked, RandomizedSearchCV(*given, **options).fit(X, Y))


def test_what_fails_alone_fails_alone():
    X, Y = data()
    network = MultiTaskMLPRegressor(**FAST)
    grid = {"alpha": [0.1, -1.0, 0.2]}
    with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 6"):
        search = StackedGridSearchCV(network, grid, cv=2, error_score=-7.0).fit(X, Y)
    assert search.cv_results_["mean_test_score"][1] == -7.0
    with pytest.raises(ValueError, match="alpha"):
        StackedGridSearchCV(network, grid, cv=2, error_score="raise").fit(X, Y)
    assert search.estimator is network
    assert not hasattr(network, "tasks_")


class Particular(StandardScaler):
    """A step that takes no copy, and no row with a number above 100."""

    def fit(self, X, y=None, sample_weight=None):
        if not self.copy:
            raise ValueError("Nothing goes on here.")
        return super().fit(X, y)

    def transform(self, X, copy=None):
        if np.max(X) > 100.0:
            raise ValueError("What a number.")
        return super().transform(X, copy)


def test_a_step_that_fails_is_a_fit_that_fails():
    X, Y = data()
    pipeline = make_pipeline(Particular(), MultiTaskMLPRegressor(**FAST))
    grid = {"particular__copy": [True, False], "multitaskmlpregressor__alpha": [0.0, 0.1]}
    options = {"cv": 2, "error_score": -7.0}
    with pytest.warns(FitFailedWarning, match="(?s)4 fits failed out of .*Nothing goes on here"):
        stacked = StackedGridSearchCV(pipeline, grid, **options).fit(X, Y)
    with pytest.warns(FitFailedWarning):
        plain = GridSearchCV(pipeline, grid, **options).fit(X, Y)
    assert_same(stacked, plain)


def test_rows_that_a_step_refuses_have_no_score():
    X, Y = data()
    X[0, 0] = 101.0
    pipeline = make_pipeline(Particular(), MultiTaskMLPRegressor(**FAST))
    grid = {"multitaskmlpregressor__alpha": [0.0, 0.1]}
    # In the first fold the row is one of those to score, in the second one to learn from.
    options = {"cv": KFold(2), "error_score": -7.0, "refit": False}
    with pytest.warns(UserWarning, match="What a number"):
        stacked = StackedGridSearchCV(pipeline, grid, **options).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = GridSearchCV(pipeline, grid, **options).fit(X, Y)
    for fold in range(2):
        key = f"split{fold}_test_score"
        np.testing.assert_array_equal(plain.cv_results_[key], -7.0)
        np.testing.assert_array_equal(stacked.cv_results_[key], -7.0)


def test_networks_beside_what_trains_alone():
    X, Y = data(missing=0.0)
    pipeline = Pipeline([("scale", StandardScaler()), ("last", MultiTaskMLPRegressor(**FAST))])
    network = MultiTaskMLPRegressor(**FAST)
    grid = {"last": [Ridge(), network, Ridge(alpha="no number"), clone(network)]}
    options = {"cv": 2, "error_score": -7.0}
    with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 8"):
        stacked = StackedGridSearchCV(pipeline, grid, **options).fit(X, Y)
    with pytest.warns(FitFailedWarning):
        plain = GridSearchCV(pipeline, grid, **options).fit(X, Y)
    for key in ("mean_test_score", "rank_test_score"):
        np.testing.assert_allclose(stacked.cv_results_[key], plain.cv_results_[key], rtol=RTOL)


def test_a_candidate_that_diverges_at_once():
    X, Y = data()
    network = MultiTaskMLPRegressor(**FAST, solver="sgd", learning_rate="constant")
    grid = {"learning_rate_init": [1e-3, 1e30]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stacked = StackedGridSearchCV(network, grid, cv=2, error_score=np.nan).fit(X, Y)
        plain = GridSearchCV(network, grid, cv=2, error_score=np.nan).fit(X, Y)
    assert_same(stacked, plain)


def test_a_search_is_cloned_pickled_and_searched_again():
    X, Y = data()
    search = StackedGridSearchCV(MultiTaskMLPRegressor(**FAST), RATES, cv=2)
    search.fit(X, Y)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    first = search.cv_results_["mean_test_score"].copy()
    np.testing.assert_array_equal(clone(search).fit(X, Y).cv_results_["mean_test_score"], first)
    np.testing.assert_array_equal(search.fit(X, Y).cv_results_["mean_test_score"], first)


def test_who_may_train_side_by_side():
    base = MultiTaskMLPRegressor(**FAST, alpha=0.1)
    other = [{"alpha": 1.0}, {"random_state": 5}, {"alpha": "auto"}, {"verbose": 1}, {"tol": 0.1}]
    models = [base, *(clone(base).set_params(**params) for params in other)]
    assert groups_of(models) == [[0, 1, 2], [3], [4], [5]]


def test_warnings_of_a_fit_are_given(recwarn):
    X, Y = data()
    network = MultiTaskMLPRegressor(**{**FAST, "learning_rate": "constant", "max_iter": 2})
    with pytest.warns(ConvergenceWarning, match="Maximum number of epochs"):
        StackedGridSearchCV(network, RATES, cv=2).fit(X, Y)


def test_parameters_of_a_step_are_told_by_its_whole_name():
    X, y, weight = np.arange(6.0).reshape(3, 2), np.arange(3.0), np.array([1.0, 1.0, 2.0])
    model = Pipeline([("scaler", StandardScaler()), ("scale", MultiTaskMLP())])
    params = {"scale__sample_weight": weight, "scaler__sample_weight": weight}
    before, (models, found, _, own) = steps_before([model, model], X, y, params)
    assert list(own) == ["sample_weight"]
    assert [type(last) for last in models] == [MultiTaskMLP, MultiTaskMLP]
    expected = StandardScaler().fit(X, sample_weight=weight)
    np.testing.assert_array_equal(before[0].mean_, expected.mean_)
    np.testing.assert_array_equal(found, expected.transform(X))


@pytest.mark.parametrize("scoring", ["r2", ["r2", "neg_mean_absolute_error"]])
@pytest.mark.parametrize(
    "estimator", [MultiTaskMLPRegressor(**FAST), Ridge()], ids=["plan", "none"]
)
def test_without_a_score_no_candidate_is_the_best(estimator, scoring):
    X, Y = data()
    scored = scoring
    if isinstance(estimator, Ridge):
        Y, scored = X[:, :2], {name: lambda *args: np.nan for name in np.atleast_1d(scoring)}
    refit = True if scored == "r2" else "r2"
    grid = {"alpha": [0.1, 1.0]}
    search = StackedGridSearchCV(estimator, grid, cv=3, scoring=scored, refit=refit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"No candidate has a score: .*make_multitask_scorer"):
            search.fit(X, Y)
    assert not hasattr(search, "best_index_")
    mixed = {"good": make_multitask_scorer("r2"), "bad": lambda *args: np.nan}
    search.set_params(scoring=mixed, refit="good")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert np.isfinite(search.fit(X, Y).best_score_)


def test_a_score_of_minus_infinity_is_one():
    X, _ = data()
    search = StackedGridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, scoring=lambda *args: -np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert search.fit(X, X[:, :2]).best_score_ == -np.inf
