"""Leave-one-out errors without fits are those of the fits."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import LeaveOneOut

from skmtl import MultiTaskLinearRegressor, MultiTaskLinearRegressorCV
from skmtl.linear.cross_validation import _search
from skmtl.linear.penalties import L2, Graph

ALPHAS = [1.0, 0.1, 0.01]
# What a search chooses from all rows, and a fit from its own.
GIVEN = {"shared_alpha": 0.05, "intercept_alpha": 0.0}
ONE_OUT = {"cv": LeaveOneOut(), "scoring": "neg_mean_squared_error"}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(1.0, size=(20, 4))
    return X, X @ rng.normal(size=(4, 3)) + 0.5 * rng.normal(size=(20, 3)) + 2.0


@pytest.fixture
def n_shortcuts(monkeypatch):
    """Count of the searches that did without fits."""
    found = []

    def count(*arguments):
        path = leave_one_out(*arguments)
        found.append(path is not None)
        return path

    leave_one_out = _search.leave_one_out
    monkeypatch.setattr(_search, "leave_one_out", count)
    return lambda: sum(found)


def errors_of_fits(penalty, X, Y, weight, **options):
    """Squared errors (n_alphas, n_samples) of rows predicted by fits to the others."""
    found = np.empty((len(ALPHAS), len(Y)))
    for k, alpha in enumerate(ALPHAS):
        for i in range(len(Y)):
            rest = np.arange(len(Y)) != i
            model = MultiTaskLinearRegressor(penalty, alpha=alpha, **{**GIVEN, **options})
            model.fit(X[rest], Y[rest], None if weight is None else weight[rest])
            found[k, i] = np.nanmean((model.predict(X[[i]]) - Y[i]) ** 2)
    return found


@pytest.mark.parametrize(
    "penalty",
    ["l2", "mean_deviation", "temporal", L2(weight=0.1) + Graph([[0, 2, 0], [2, 0, 1], [0, 1, 0]])],
)
@pytest.mark.parametrize("options", [{}, {"fit_intercept": False}, {"center": True}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_errors_are_those_of_fits(penalty, options, weighted, data, n_shortcuts):
    X, Y = data
    weight = np.random.default_rng(1).uniform(0.5, 3.0, len(Y)) if weighted else None
    given = {**ONE_OUT, **GIVEN, **options}
    search = MultiTaskLinearRegressorCV(penalty, alphas=ALPHAS, **given)
    search.fit(X, Y, weight)
    expected = errors_of_fits(penalty, X, Y, weight, **options)
    np.testing.assert_allclose(search.mse_path_, expected, rtol=1e-9)
    np.testing.assert_allclose(search.score_path_[0], -expected, rtol=1e-9)
    assert search.task_score_path_.shape == (1, len(ALPHAS), len(Y), 3)
    assert search.alpha_ == ALPHAS[np.argmin(expected.mean(axis=1))]
    assert n_shortcuts() == 1


@pytest.mark.parametrize(
    ("penalty", "options"),
    [("l21", {}), ("mean_deviation", {"intercept_alpha": 1.0}), ("l2", {"scale_targets": True})],
)
def test_what_needs_fits_gets_them(penalty, options, data, n_shortcuts):
    X, Y = data
    options = {**GIVEN, **options, "tol": 1e-12}
    search = MultiTaskLinearRegressorCV(penalty, alphas=ALPHAS, **ONE_OUT, **options).fit(X, Y)
    expected = errors_of_fits(penalty, X, Y, None, **options)
    np.testing.assert_allclose(search.mse_path_, expected, rtol=1e-5)
    assert not n_shortcuts()


def test_missing_labels_get_fits(data, n_shortcuts):
    X, Y = data
    Y[::4, 1] = np.nan
    given = {**ONE_OUT, **GIVEN}
    search = MultiTaskLinearRegressorCV("mean_deviation", alphas=ALPHAS, **given).fit(X, Y)
    np.testing.assert_allclose(
        search.mse_path_, errors_of_fits("mean_deviation", X, Y, None), rtol=1e-9
    )
    assert not n_shortcuts()


def test_more_features_than_rows(data, n_shortcuts):
    Y = data[1]
    X = np.random.default_rng(2).normal(size=(20, 40))
    search = MultiTaskLinearRegressorCV("l2", alphas=ALPHAS, **ONE_OUT).fit(X, Y)
    np.testing.assert_allclose(search.mse_path_, errors_of_fits("l2", X, Y, None), rtol=1e-8)
    assert n_shortcuts() == 1


def test_equals_scikit_learns_ridge(data):
    X, Y = data
    # Its loss is a sum: alpha times the rows of a training fold.
    theirs = RidgeCV(np.array(ALPHAS) * (len(Y) - 1)).fit(X, Y)
    ours = MultiTaskLinearRegressorCV("l2", alphas=ALPHAS, **ONE_OUT).fit(sparse.csr_array(X), Y)
    assert ours.alpha_ * (len(Y) - 1) == pytest.approx(theirs.alpha_)
    assert ours.score_path_.mean(axis=2).max() == pytest.approx(theirs.best_score_)


def test_r2_of_one_label_is_refused(data):
    with pytest.raises(ValueError, match="set scoring='neg_mean_squared_error'"):
        MultiTaskLinearRegressorCV("l2", cv=LeaveOneOut()).fit(*data)
