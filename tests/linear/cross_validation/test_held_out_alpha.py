"""One of a few alphas by held-out labels: by hand, in every form of the data."""

import numpy as np
import pytest
from scipy import sparse

from skmtl import MultiTaskLinearRegressor, stack_tasks
from skmtl.linear.cross_validation import _held_out_alpha

FORMS = ["complete", "missing", "weighted", "sparse", "long", "wide X", "no intercept"]


@pytest.fixture(params=FORMS)
def given(request):
    """X, y, weights and options, of few features that count and one task of other units."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 60 if request.param == "wide X" else 12)) + rng.normal(size=(40, 1))
    Y = 10.0 * (X[:, :2] @ rng.normal(size=(2, 3)) + 0.05 * rng.normal(size=(40, 3)))
    Y[:, 0] *= 100.0
    weights, options = None, {"fit_intercept": request.param != "no intercept"}
    if request.param == "missing":
        Y[rng.random(Y.shape) < 0.4] = np.nan
        Y[6:, 2] = np.nan
        X, Y = X[(rows := ~np.isnan(Y).all(axis=1))], Y[rows]
    elif request.param == "weighted":
        weights = rng.integers(0, 4, size=Y.shape).astype(float)
        weights[:, 0] += 1.0
    elif request.param == "sparse":
        X = sparse.csr_array(X)
    elif request.param == "long":
        return *stack_tasks([X] * 3, Y.T), None, {**options, "task_feature": 0}
    return X, Y, weights, options


@pytest.fixture
def choice(monkeypatch):
    """From data to the alphas of the choice, its folds, and what it takes."""
    found = {}
    choose, fold = _held_out_alpha.held_out_alpha, _held_out_alpha.rows_of_folds

    def spy(*data):
        found["alphas"], found["alpha"] = data[-1], choose(*data)
        return found["alpha"]

    def spy_of_folds(*data):
        found["folds"] = fold(*data)
        return found["folds"]

    def fit(X, y, weights, options):
        found.clear()
        model = MultiTaskLinearRegressor("l21", tol=1e-6, max_iter=10_000, **options)
        model.fit(X, y, sample_weight=weights)
        assert model.alpha_ == found["alpha"]
        return found["alphas"], found.get("folds"), found["alpha"]

    monkeypatch.setattr("skmtl.linear.estimators._linear_model.held_out_alpha", spy)
    monkeypatch.setattr(_held_out_alpha, "rows_of_folds", spy_of_folds)
    return fit


def test_the_least_error_of_held_out_labels(choice, given):
    X, y, weights, options = given
    alphas, folds, chosen = choice(*given)
    if "task_feature" in options:
        options["intercept_alpha"] = 0.0
    w = np.where(np.isnan(y), 0.0, 1.0 if weights is None else weights)
    values = np.nan_to_num(y)
    squares = (w * (values - (w * values).sum(axis=0) / w.sum(axis=0)) ** 2).sum(axis=0)
    errors = []
    for alpha in alphas:
        model = MultiTaskLinearRegressor("l21", alpha=alpha, tol=1e-6, max_iter=10_000, **options)
        found = np.zeros_like(values)
        for train, test in folds:
            model.fit(X[train], y[train], None if weights is None else weights[train])
            found[test] = model.predict(X[test])
        errors.append(((w * (values - found) ** 2).sum(axis=0) / squares).sum())
    assert len(alphas) > 1
    assert chosen == alphas[np.argmax(np.array(errors) <= 1.01 * min(errors))]


def test_a_row_twice_is_one_of_twice_the_weight_in_any_order(choice, given):
    X, y, _, options = given
    *_, chosen = choice(X, y, None, options)
    rng = np.random.default_rng(0)
    times = 1 + np.arange(X.shape[0]) % 2  # of the few labels of a task, too, some count once
    rows = rng.permutation(np.repeat(np.arange(X.shape[0]), times))
    weighted = choice(X, y, times.astype(float), options)
    repeated = choice(X[rows], y[rows], None, options)
    np.testing.assert_allclose(repeated[0], weighted[0], rtol=1e-6)
    assert repeated[2] == pytest.approx(weighted[2], rel=1e-6)
    order = rng.permutation(X.shape[0])
    assert choice(X[order], y[order], None, options)[2] == pytest.approx(chosen, rel=1e-6)
    for _, test in repeated[1]:
        inside = np.unique(rows[test])
        assert np.isin(rows, inside).sum() == len(test)


def test_the_order_of_tasks_does_not_matter(choice, given):
    X, y, weights, options = given
    if y.ndim == 1:
        pytest.skip("one column of labels")
    chosen = choice(X, y, weights, options)[2]
    again = choice(X, y[:, ::-1], None if weights is None else weights[:, ::-1], options)[2]
    assert again == pytest.approx(chosen, rel=1e-6)


def test_units_and_means_of_features_do_not_matter(choice, given):
    X, y, weights, options = given
    chosen = choice(X, y, weights, options)
    moved = X
    if "task_feature" in options:
        # Of each task another mean: intercepts are free where that is.
        options = {**options, "intercept_alpha": 0.0}
        chosen = choice(X, y, weights, options)
        moved = np.column_stack([X[:, 0], X[:, 1:] + 100.0 * X[:, :1]])
    elif options["fit_intercept"] and not sparse.issparse(X):
        moved = X + 100.0
    again = choice(moved, 1e-3 * y, weights, options)
    for (train, test), (train_again, test_again) in zip(chosen[1], again[1], strict=True):
        np.testing.assert_array_equal(train, train_again)
        np.testing.assert_array_equal(test, test_again)
    assert again[2] == pytest.approx(1e-3 * chosen[2], rel=1e-5)


def test_the_largest_where_rows_are_too_few(choice):
    X = np.tile(np.eye(4), (5, 1))
    alphas, folds, chosen = choice(X, np.column_stack([X[:, 0], X[:, 1]]), None, {})
    assert folds is None
    assert len(alphas) > 1
    assert chosen == alphas[0]


def test_few_features_that_count_and_fewer_rows_than_features():
    """Where the likely ridge alone would be ten times too weak."""
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(560, 200)), np.zeros((200, 5))
    W[:4] = rng.normal(size=(4, 5))
    Y = X @ W + 0.05 * rng.normal(size=(560, 5))
    model = MultiTaskLinearRegressor().fit(X[:60], Y[:60])
    assert model.score(X[60:], Y[60:]) > 0.95


def test_signals_in_small_differences_of_features(monkeypatch):
    # Descent is far from the fits of small alphas after 1,000 sweeps, and their errors look alike.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 100)).cumsum(axis=1).cumsum(axis=1)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    Y = np.diff(X, 2, axis=1)[:, [5, 50, 80]]
    Y = Y / Y.std(axis=0) + 0.1 * rng.normal(size=Y.shape)
    chosen = []

    def spy(*data):
        chosen[:] = data[-1], choose(*data)
        return chosen[1]

    choose = _held_out_alpha.held_out_alpha
    monkeypatch.setattr("skmtl.linear.estimators._linear_model.held_out_alpha", spy)
    MultiTaskLinearRegressor("l21").fit(X, Y)
    alphas, alpha = chosen
    assert alpha == alphas[-1] < 0.1 * alphas[0]
