"""Our lassos find what scikit-learn's classes of the same names find, and take missing labels."""

import inspect
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.linear_model
from scipy import linalg, sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.fixes import parse_version

from skmtl import MultiTaskLinearRegressor
from skmtl.linear.estimators._lasso import MultiTaskElasticNet, MultiTaskLasso
from skmtl.linear.estimators._lasso_cv import MultiTaskElasticNetCV, MultiTaskLassoCV
from skmtl.linear.penalties import L21, ElasticNet
from skmtl.tasks import LabelWarning

SINGLE = [MultiTaskLasso, MultiTaskElasticNet]
SEARCHING = [MultiTaskLassoCV, MultiTaskElasticNetCV]
LASSOS = SINGLE + SEARCHING
TIGHT = {"tol": 1e-12, "max_iter": 100_000}
# Before, its classes took no weights, and the number of alphas was another parameter.
SAME_VERSION = parse_version(sklearn.__version__) >= parse_version("1.9")

every_lasso = pytest.mark.parametrize("lasso", LASSOS)
every_single = pytest.mark.parametrize("lasso", SINGLE)
every_search = pytest.mark.parametrize("lasso", SEARCHING)
needs_same_version = pytest.mark.skipif(not SAME_VERSION, reason="scikit-learn < 1.9")


def theirs(lasso):
    return getattr(sklearn.linear_model, lasso.__name__)


@pytest.fixture(params=["tall", "wide"])
def data(request):
    """More samples than features (Gram matrix), and fewer (rows)."""
    n_samples, n_features = (60, 8) if request.param == "tall" else (15, 30)
    rng = np.random.default_rng(0)
    X = rng.normal(rng.normal(size=n_features), size=(n_samples, n_features))
    W = np.zeros((n_features, 3))
    W[:4] = rng.normal(size=(4, 3))
    return X, X @ W + [1.0, -2.0, 5.0] + 0.3 * rng.normal(size=(n_samples, 3))


@pytest.fixture
def gaps(data):
    X, Y = data
    Y = Y.copy()
    Y[np.random.default_rng(1).random(Y.shape) < 0.3] = np.nan
    return X, Y


def assert_same_fit(ours, other, atol=1e-6):
    np.testing.assert_allclose(ours.coef_, other.coef_, atol=atol)
    np.testing.assert_allclose(ours.intercept_, other.intercept_, atol=atol)


def untyped(function):
    """Signature without types: theirs has none."""
    signature, none = inspect.signature(function), inspect.Signature.empty
    names = [p.replace(annotation=none) for p in signature.parameters.values()]
    return signature.replace(parameters=names, return_annotation=none)


@needs_same_version
@every_lasso
def test_signature_is_theirs(lasso):
    assert untyped(lasso) == untyped(theirs(lasso))
    # A source has the labels in it: y may be left out.
    fit = untyped(theirs(lasso).fit)
    names = [p.replace(default=None) if p.name == "y" else p for p in fit.parameters.values()]
    assert untyped(lasso.fit) == fit.replace(parameters=names)
    assert lasso().get_params() == theirs(lasso)().get_params()
    assert set(lasso._parameter_constraints) == set(theirs(lasso)._parameter_constraints)


@every_lasso
def test_fitted_attributes_are_theirs(lasso, data):
    ours, other = lasso().fit(*data), theirs(lasso)().fit(*data)
    published = {name for name in vars(other) if name.endswith("_") and not name.startswith("_")}
    for name in published:
        value, expected = getattr(ours, name), getattr(other, name)
        assert np.shape(value) == np.shape(expected), name
        assert isinstance(value, float) == isinstance(expected, float), name
    assert callable(ours.path)


@every_single
@pytest.mark.parametrize("alpha", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_array])
def test_same_fit(lasso, alpha, fit_intercept, container, data):
    X, Y = data
    options = {"alpha": alpha, "fit_intercept": fit_intercept, **TIGHT}
    # Theirs takes no sparse X before 1.9; what is sparse must not matter.
    ours, other = lasso(**options).fit(container(X), Y), theirs(lasso)(**options).fit(X, Y)
    assert_same_fit(ours, other)
    np.testing.assert_allclose(ours.eps_, other.eps_)
    np.testing.assert_allclose(ours.predict(container(X)), other.predict(X), atol=1e-5)
    np.testing.assert_allclose(ours.score(X, Y), other.score(X, Y), atol=1e-6)
    np.testing.assert_allclose(ours.sparse_coef_.toarray(), ours.coef_)


@every_single
@pytest.mark.parametrize("tol", [1e-2, 1e-4])
@pytest.mark.parametrize("data", ["tall"], indirect=True)
def test_steps_on_the_gram_matrix_are_theirs(lasso, tol, data):
    X, Y = data
    ours, other = (kind(alpha=0.03, tol=tol).fit(X, Y) for kind in (lasso, theirs(lasso)))
    assert ours.n_iter_ == other.n_iter_
    assert_same_fit(ours, other, atol=1e-11)
    np.testing.assert_allclose(ours.dual_gap_, other.dual_gap_, atol=1e-11)


@every_single
def test_gap_keeps_the_promise_of_tol(lasso, data):
    X, Y = data
    model = lasso(alpha=0.01, tol=1e-3).fit(X, Y)
    assert 0 <= len(X) * model.dual_gap_ <= model.eps_


@needs_same_version
@every_single
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_same_fit_with_weights(lasso, container, data):
    X, Y = data
    weight = np.random.default_rng(2).integers(0, 4, len(X)).astype(float)
    ours, other = (
        kind(alpha=0.1, **TIGHT).fit(container(X), Y, sample_weight=weight)
        for kind in (lasso, theirs(lasso))
    )
    assert_same_fit(ours, other)
    np.testing.assert_allclose(ours.eps_, other.eps_)


@every_lasso
def test_dtype_is_theirs(lasso, data):
    X, Y = (array.astype(np.float32) for array in data)
    ours, other = lasso(tol=1e-6).fit(X, Y), theirs(lasso)(tol=1e-6).fit(X, Y)
    assert ours.coef_.dtype == other.coef_.dtype == np.float32
    assert ours.predict(X).dtype == other.predict(X).dtype
    np.testing.assert_allclose(ours.coef_, lasso(tol=1e-6).fit(*data).coef_, atol=1e-4)


@every_single
def test_ridge_and_least_squares(lasso, data):
    X, Y = data
    if lasso is MultiTaskElasticNet:
        ridge = sklearn.linear_model.Ridge(alpha=0.3 * len(X)).fit(X, Y)
        assert_same_fit(lasso(alpha=0.3, l1_ratio=0).fit(X, Y), ridge, atol=1e-9)
    if len(X) < X.shape[1]:
        with pytest.warns(linalg.LinAlgWarning, match="not unique"):
            least_squares = lasso(alpha=0).fit(X, Y)
    else:
        least_squares = lasso(alpha=0).fit(X, Y)
    assert_same_fit(least_squares, sklearn.linear_model.LinearRegression().fit(X, Y), atol=1e-8)


@every_single
def test_warm_start(lasso, data):
    X, Y = data
    model = lasso(alpha=0.05, warm_start=True, tol=1e-8, max_iter=10_000).fit(X, Y)
    first = model.coef_.copy()
    assert model.fit(X, Y).n_iter_ == 0
    np.testing.assert_array_equal(model.coef_, first)
    cold = clone(model).set_params(alpha=0.04, tol=1e-12).fit(X, Y)
    assert_same_fit(model.set_params(alpha=0.04, tol=1e-12).fit(X, Y), cold)
    # Where the previous fit had another shape, it does not help.
    assert model.fit(X, Y[:, :2]).coef_.shape == (2, X.shape[1])


@every_search
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_same_search(lasso, fit_intercept, container, data):
    X, Y = data
    options = {"cv": 3, "eps": 0.01, "alphas": [1.0, 0.3, 0.1, 0.03], **TIGHT}
    if lasso is MultiTaskElasticNetCV:
        options["l1_ratio"] = [0.5, 0.9]
    options["fit_intercept"] = fit_intercept
    ours, other = lasso(**options).fit(container(X), Y), theirs(lasso)(**options).fit(X, Y)
    assert ours.alpha_ == other.alpha_
    assert getattr(ours, "l1_ratio_", 1.0) == getattr(other, "l1_ratio_", 1.0)
    np.testing.assert_array_equal(ours.alphas_, other.alphas_)
    np.testing.assert_allclose(ours.mse_path_, other.mse_path_, rtol=1e-6)
    assert_same_fit(ours, other)


@needs_same_version
@every_search
@pytest.mark.parametrize("is_weighted", [False, True])
def test_same_grid_of_alphas(lasso, is_weighted, data):
    X, Y = data
    weight = np.random.default_rng(2).uniform(1, 2, len(X)) if is_weighted else None
    options = {"alphas": 7, "cv": 3, "tol": 1e-10, "max_iter": 100_000}
    if lasso is MultiTaskElasticNetCV:
        options["l1_ratio"] = [0.5, 0.9]
    ours, other = (kind(**options).fit(X, Y, weight) for kind in (lasso, theirs(lasso)))
    np.testing.assert_allclose(ours.alphas_, other.alphas_)
    np.testing.assert_allclose(ours.mse_path_, other.mse_path_, rtol=1e-5)
    np.testing.assert_allclose(ours.alpha_, other.alpha_)
    assert ours.mse_path_.shape == other.mse_path_.shape


@every_single
def test_incomplete_y_is_the_linear_regressor(lasso, gaps):
    X, Y = gaps
    penalty = L21() if lasso is MultiTaskLasso else ElasticNet(0.5)
    model = lasso(alpha=0.1, tol=1e-10, max_iter=100_000).fit(X, Y)
    linear = MultiTaskLinearRegressor(penalty, alpha=0.1, tol=1e-10, max_iter=100_000).fit(X, Y)
    assert_same_fit(model, linear, atol=1e-4)
    np.testing.assert_allclose(model.score(X, Y), linear.score(X, Y), atol=1e-4)
    assert len(X) * model.dual_gap_ <= model.eps_


@every_lasso
def test_unobserved_is_weight_zero(lasso, gaps):
    X, Y = gaps
    weight = np.where(np.isnan(Y), 0.0, 1.0)
    left_out = lasso().fit(X, Y)
    weighted = lasso().fit(X, np.where(np.isnan(Y), 1e6, Y), sample_weight=weight)
    np.testing.assert_array_equal(weighted.coef_, left_out.coef_)
    np.testing.assert_array_equal(weighted.intercept_, left_out.intercept_)


@every_single
def test_weights_of_entries_are_repeated_rows(lasso, data):
    X, Y = data
    weight = np.random.default_rng(3).integers(0, 3, Y.shape)
    model = lasso(alpha=0.1, tol=1e-12, max_iter=100_000).fit(X, Y, sample_weight=weight)
    repeats = np.vstack([np.where(weight > k, Y, np.nan) for k in range(2)])
    repeated = lasso(alpha=0.1, tol=1e-12, max_iter=100_000).fit(np.vstack([X, X]), repeats)
    assert_same_fit(model, repeated, atol=1e-5)


@every_single
def test_rows_missing_for_all_tasks_have_no_effect(lasso, data):
    X, Y = data
    kept = np.arange(len(X)) % 4 > 0
    missing = np.where(kept[:, None], Y, np.nan)
    model = lasso(alpha=0.1).fit(X, missing)
    np.testing.assert_array_equal(model.coef_, lasso(alpha=0.1).fit(X[kept], Y[kept]).coef_)
    one_by_one = lasso(alpha=0.1, **TIGHT).fit(X, Y, sample_weight=kept.astype(float))
    assert_same_fit(lasso(alpha=0.1, **TIGHT).fit(X, missing), one_by_one)


@every_lasso
def test_a_task_without_labels_leaves_the_others_alone(lasso, data):
    X, Y = data
    extra = np.column_stack([Y[:, 0], np.full(len(Y), np.nan), Y[:, 1:]])
    with pytest.warns(LabelWarning, match="Task 1: no observed label"):
        model = lasso().fit(X, extra)
    alone = lasso().fit(X, Y)
    np.testing.assert_array_equal(model.coef_[[0, 2, 3]], alone.coef_)
    predicted = model.predict(X)
    assert np.isnan(predicted[:, 1]).all()
    np.testing.assert_allclose(predicted[:, [0, 2, 3]], alone.predict(X), rtol=1e-12)


@every_search
def test_a_task_that_a_fold_cannot_learn_is_left_out_there(lasso, data):
    X, Y = data
    last = np.arange(len(X)) >= 2 * len(X) // 3
    late = np.column_stack([Y, np.where(last, Y[:, 0], np.nan)])
    options = {"alphas": [0.3, 0.1], "cv": KFold(3), "tol": 1e-8}
    model, without = lasso(**options).fit(X, late), lasso(**options).fit(X, Y)
    np.testing.assert_allclose(model.mse_path_[:, 2], without.mse_path_[:, 2], rtol=1e-5)
    only_last = np.where(last[:, None], Y, np.nan)
    with pytest.raises(ValueError, match="No fold has labels"):
        lasso(**options).fit(X, only_last)


@every_search
def test_search_is_the_grid_search(lasso, gaps):
    X, Y = gaps
    single = MultiTaskLasso if lasso is MultiTaskLassoCV else MultiTaskElasticNet
    alphas = [1.0, 0.2, 0.05]
    model = lasso(alphas=alphas, cv=3, tol=1e-8).fit(X, Y)

    def negative_error(fitted, X, Y):
        return -np.nanmean((fitted.predict(X) - Y) ** 2, axis=0).mean()

    search = GridSearchCV(single(tol=1e-8), {"alpha": alphas}, cv=3, scoring=negative_error)
    search.fit(X, Y)
    assert model.alpha_ == search.best_params_["alpha"]
    errors = -search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(model.mse_path_.mean(axis=1), errors, rtol=1e-3)


@every_search
def test_jobs_change_nothing(lasso, gaps):
    one, two = (lasso(alphas=5, cv=3, n_jobs=n).fit(*gaps) for n in (1, 2))
    np.testing.assert_array_equal(one.mse_path_, two.mse_path_)
    np.testing.assert_array_equal(one.coef_, two.coef_)


@every_search
def test_scores_of_few_held_out_labels_warn(lasso, data):
    X, Y = data
    # In the order of the rows, most labels of a task are in one fold.
    Y = np.where(
        np.arange(len(Y))[:, None] * Y.shape[1] // len(Y) == np.arange(Y.shape[1]), Y, np.nan
    )
    Y[::9] = data[1][::9]
    blocks = KFold(Y.shape[1])
    folds = [
        (np.setdiff1d(train, np.arange(0, len(Y), 9)), test) for train, test in blocks.split(X)
    ]
    with pytest.warns(UserWarning, match=r"Scores rest on \d+ of \d+ held-out labels"):
        lasso(alphas=3, cv=folds).fit(X, Y)


@every_search
def test_errors_from_rows_are_those_from_what_they_add_up_to(lasso, gaps, monkeypatch):
    X, Y = gaps
    # The last fold has no label of this task to compare with, nor the first one of that.
    Y[2 * len(Y) // 3 :, 0] = Y[: len(Y) // 3, 1] = np.nan
    options = {**TIGHT, "alphas": [0.5, 0.1], "cv": KFold(3)}
    expected = lasso(**options).fit(X, Y).mse_path_
    place = "skmtl.linear.cross_validation._elastic_net_errors.folds_fit"
    monkeypatch.setattr(place, lambda *_: False)
    np.testing.assert_allclose(lasso(**options).fit(X, Y).mse_path_, expected, rtol=1e-6)
    Y[len(Y) // 3 :] = np.nan
    Y[0] = 1.0
    with pytest.raises(ValueError, match="No fold has labels of the same task to learn from and"):
        lasso(**options).fit(X, Y)


@every_search
def test_splitter_sees_what_is_missing(lasso, gaps):
    X, Y = gaps
    seen = []

    class Splitter(KFold):
        def split(self, X, y=None, groups=None):
            seen.append(y)
            return super().split(X)

    lasso(alphas=3, cv=Splitter(3)).fit(X, Y)
    np.testing.assert_array_equal(seen[0], Y)


@every_lasso
def test_one_dimensional_y_is_refused(lasso, data):
    X, Y = data
    alone = lasso.__name__.removeprefix("MultiTask")
    with pytest.raises(ValueError, match=rf"For mono-task outputs, use {alone}: y is 1-D"):
        lasso().fit(X, Y[:, 0])
    assert lasso().fit(X, Y[:, :1]).coef_.shape == (1, X.shape[1])


@every_lasso
def test_too_few_iterations_warn(lasso, data):
    with pytest.warns(ConvergenceWarning, match="Objective did not converge"):
        lasso(max_iter=1, tol=0).fit(*data)


@every_single
def test_enough_iterations_do_not_warn(lasso, gaps):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lasso(alpha=0.1).fit(*gaps)


def test_grid_without_an_end_is_refused(data):
    with pytest.raises(ValueError, match="not supported for l1_ratio=0"):
        MultiTaskElasticNetCV(l1_ratio=0).fit(*data)
    model = MultiTaskElasticNetCV(l1_ratio=0, alphas=[0.1, 1.0]).fit(*data)
    assert model.l1_ratio_ == 0


@every_search
def test_alphas_are_checked(lasso, data):
    with pytest.raises(ValueError, match=r"alphas has -1; expected finite numbers, all >= 0"):
        lasso(alphas=[1.0, -1.0]).fit(*data)
    with pytest.raises(InvalidParameterError, match="'alphas' parameter"):
        lasso(alphas=0).fit(*data)


@every_lasso
def test_a_failed_fit_leaves_the_model(lasso, data):
    X, Y = data
    model = lasso().fit(X, Y)
    before = model.coef_
    with pytest.raises(ValueError, match="no observed label"):
        model.fit(X, np.full(Y.shape, np.nan))
    assert model.coef_ is before


@every_lasso
def test_inputs_stay_and_a_pickle_predicts_alike(lasso, data):
    X, Y = (np.asfortranarray(array) for array in data)
    copies = X.copy(), Y.copy()
    model = lasso(copy_X=False).fit(X, Y)
    np.testing.assert_array_equal(X, copies[0])
    np.testing.assert_array_equal(Y, copies[1])
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    fresh = clone(model).fit(X, Y)
    np.testing.assert_array_equal(fresh.coef_, model.coef_)


@every_lasso
def test_names_of_tasks(lasso, data):
    X, Y = data
    frame = pd.DataFrame(Y, columns=["a", "b", "c"])
    model = lasso().fit(X, frame)
    assert model.task_names_in_.tolist() == ["a", "b", "c"]
    assert model.score(X, frame[["c", "a", "b"]]) == pytest.approx(model.score(X, Y))


# -- errors along a path are those of exact fits --------------------------------------------------


def exact_errors(X, Y, weight, alphas, l1_ratio, folds):
    """Mean squared errors (n_alphas, n_folds) of fits to a gap of nothing."""
    errors = np.empty((len(alphas), len(folds)))
    for k, (train, test) in enumerate(folds):
        for j, alpha in enumerate(alphas):
            exact = MultiTaskElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-13, max_iter=100_000)
            exact.fit(X[train], Y[train], sample_weight=None if weight is None else weight[train])
            squares = (exact.predict(X[test]) - Y[test]) ** 2
            w = (np.ones(len(X)) if weight is None else weight)[test, None] * ~np.isnan(squares)
            errors[j, k] = ((np.nan_to_num(squares) * w).sum(axis=0) / w.sum(axis=0)).mean()
    return errors


@pytest.mark.parametrize("shape", [(60, 10), (30, 40)])
@pytest.mark.parametrize("labels", ["complete", "weighted", "missing", "rows missing"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.filterwarnings("ignore::skmtl.linear.ZeroCoefficientsWarning")
def test_errors_on_a_path_are_those_of_exact_fits(shape, labels, l1_ratio):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape)
    Y = X[:, :3] @ rng.normal(size=(3, 4)) + 2.0 * rng.normal(size=(len(X), 4))
    weight = rng.uniform(0.5, 2.0, len(X)) if labels == "weighted" else None
    if labels == "missing":
        Y[rng.random(Y.shape) < 0.2] = np.nan
    elif labels == "rows missing":
        Y[::6] = np.nan
    folds = list(KFold(3).split(X))
    # The default gap moves predictions by about the root of it; less is asked for by who compares.
    model = MultiTaskElasticNetCV(l1_ratio=l1_ratio, alphas=8, eps=0.01, cv=folds, max_iter=100_000)
    alphas = model.fit(X, Y, sample_weight=weight).alphas_
    expected = exact_errors(X, Y, weight, alphas, l1_ratio, folds)
    for tol, close in ((1e-4, 2e-2), (1e-8, 1e-6), (1e-10, 3e-7)):
        model.set_params(tol=tol).fit(X, Y, sample_weight=weight)
        np.testing.assert_allclose(model.mse_path_, expected, rtol=close)


@pytest.mark.parametrize("shape", [(60, 10), (30, 40)])
@pytest.mark.parametrize("tol", [1e-6, 1e-8, 1e-10])
def test_paths_are_as_close_to_scikit_learn_as_tol_says(shape, tol):
    rng = np.random.default_rng(1)
    X = rng.normal(size=shape)
    Y = X[:, :3] @ rng.normal(size=(3, 4)) + 2.0 * rng.normal(size=(len(X), 4))
    options = {"max_iter": 100_000, "cv": 3, "alphas": np.geomspace(2.0, 0.01, 10)}
    for lasso in SEARCHING:
        a, b = lasso(tol=tol, **options).fit(X, Y), theirs(lasso)(tol=1e-12, **options).fit(X, Y)
        np.testing.assert_allclose(a.mse_path_, b.mse_path_, rtol=max(30 * tol, 1e-7))
        assert a.alpha_ == pytest.approx(b.alpha_, rel=1e-12)
