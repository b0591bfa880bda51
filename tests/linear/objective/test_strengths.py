"""Strengths that choose themselves: likelihoods, mixed models, invariances, never nothing."""

import warnings

import numpy as np
import pytest
from scipy import optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV

from skmtl import (
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    ReducedRankRegressor,
    stack_tasks,
)
from skmtl.linear.objective._marginal_likelihood import likely_ridge
from skmtl.linear.penalties import PENALTIES
from skmtl.linear.solvers import SOLVERS
from tests.linear.conftest import BY_ROWS, QUADRATIC

every_penalty = pytest.mark.parametrize("penalty", sorted(PENALTIES))


@pytest.fixture
def data():
    """X (40, 5), standardised, and Y (40, 3) of signal and as much noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    W = rng.normal(size=(5, 1)) + 0.3 * rng.normal(size=(5, 3))
    Y = X @ W + np.linalg.norm(W, axis=0) * rng.normal(size=(40, 3))
    return X, (Y - Y.mean(axis=0)) / Y.std(axis=0)


@pytest.fixture
def schools():
    """Long form: 30 tasks of 2 to 9 rows with one slope, and intercepts of their own."""
    rng = np.random.default_rng(1)
    task = np.repeat(np.arange(30), rng.integers(2, 10, 30))
    X = rng.normal(size=(len(task), 2))
    y = X @ [1.0, -1.0] + rng.normal(size=30)[task] + rng.normal(size=len(task))
    return np.column_stack([task, X]), y


@pytest.mark.parametrize("penalty", ["l2", "l21", "mean_deviation", "trace_norm"])
@pytest.mark.parametrize("chunked", [False, True])
def test_too_many_gram_matrices_have_a_common_one(chunked, penalty, data, monkeypatch):
    X, Y = data

    def coef():
        model = MultiTaskLinearRegressor(penalty)
        if chunked:
            for rows in np.array_split(np.arange(len(X)), 4):
                model.partial_fit(X[rows], Y[rows])
        else:
            model.fit(X, Y)
        return model.coef_

    expected = coef()
    monkeypatch.setattr(
        "skmtl.linear.objective._label_moments._are_cheap", lambda p, n_bytes: False
    )
    # What is known of all rows together is nearly what is known of each task.
    np.testing.assert_allclose(coef(), expected, atol=0.06 * np.abs(expected).max())


# -- likelihoods ----------------------------------------------------------------------------


def test_the_ridge_of_largest_likelihood_is_that_of_the_normal_distribution(data):
    X, Y = data
    n = len(X)

    def cost(log_a):
        # -2 log N(y | 0, s2 (I + X X' / (n a))) with the best s2, of every task.
        V = np.eye(n) + X @ X.T / (n * np.exp(log_a))
        s2 = np.einsum("it,it->t", Y, np.linalg.solve(V, Y)) / n
        return 3 * np.linalg.slogdet(V)[1] + n * np.log(s2).sum()

    best = np.exp(optimize.minimize_scalar(cost, bounds=(-10, 10), method="bounded").x)
    found = likely_ridge(
        (X.T @ X / n)[None],
        np.zeros(3, dtype=int),
        X.T @ Y / n,
        (Y**2).mean(axis=0),
        np.full(3, float(n)),
    )
    # The next ridge of the grid is 1.5 times as large.
    assert 0.6 <= found.strength / best <= 1.6
    np.testing.assert_allclose(
        found.W, Ridge(n * found.strength, fit_intercept=False).fit(X, Y).coef_.T
    )


def test_moments_know_the_noise_of_classes(monkeypatch):
    """Rows at right angles say of no variance that it is noise; that of classes is known."""
    rng = np.random.default_rng(0)
    n, p = 150, 600
    X = rng.normal(size=(n, p)) / np.sqrt(p)
    y = np.where(X @ rng.normal(size=p) > 0, 0.5, -0.5)
    X, y = X - X.mean(axis=0), y - y.mean()
    gram, cross, squares = X.T @ X / n, X.T @ y / n, np.mean(y**2)
    given = gram[None], np.array([0]), cross[:, None], np.array([squares]), np.array([n - 1.0])
    exact = likely_ridge(*given, known=True)
    monkeypatch.setattr("skmtl.linear.objective._marginal_likelihood.MOST_OPERATIONS", 0.0)
    found = likely_ridge(*given, known=True)
    assert 1 / 10 < found.strength / exact.strength < 10
    # Even where all seems to be signal.
    clearer = likely_ridge(gram[None], given[1], 9 * given[2], *given[3:], known=True)
    assert clearer.strength >= np.trace(gram) / n
    np.testing.assert_allclose(clearer.noise, squares / 4)


@pytest.mark.parametrize("signal", [0.1, 0.3])
def test_moments_find_the_noise_of_classes_around_what_features_explain(signal, monkeypatch):
    """Chances of classes are linear; the variance of the labels around them is known."""
    rng = np.random.default_rng(0)
    n, p = 4_000, 40
    X = rng.uniform(-1, 1, size=(n, p))
    w = rng.choice([-1.0, 1.0], size=p)
    # X w has variance p / 3, the labels 1/4; hardly a chance is cut off.
    chances = np.clip(0.5 + X @ w * np.sqrt(signal / 4 * 3 / p), 0, 1)
    y = (rng.random(n) < chances).astype(float)
    X, y = X - X.mean(axis=0), y - y.mean()
    monkeypatch.setattr("skmtl.linear.objective._marginal_likelihood.MOST_OPERATIONS", 0.0)
    given = (X.T @ X / n)[None], np.array([0]), (X.T @ y / n)[:, None], np.array([np.mean(y**2)])
    found = likely_ridge(*given, np.array([n - 1.0]), known=True)
    np.testing.assert_allclose(found.noise, np.mean(chances * (1 - chances)), rtol=0.05)


@pytest.mark.parametrize("n_labels", [4, 9])
def test_intercepts_are_the_best_linear_prediction_of_a_mixed_model(n_labels):
    # y = b_t + noise with b_t ~ N(mean, between): brute force, by the joint normal distribution.
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(25), n_labels)
    y = 3.0 + 0.7 * rng.normal(size=25)[task] + rng.normal(size=len(task))
    X = np.column_stack([task, np.zeros(len(task))])
    model = MultiTaskLinearRegressor("mean_deviation", alpha=1.0, task_feature=0).fit(X, y)
    means = y.reshape(25, n_labels).mean(axis=1)
    within = ((y - means[task]) ** 2).sum() / (25 * (n_labels - 1))
    between = means.var(ddof=1) - within / n_labels
    same = task[:, None] == task
    V = between * same + within * np.eye(len(task))
    ones = np.ones(len(task))
    mean = ones @ np.linalg.solve(V, y) / (ones @ np.linalg.solve(V, ones))
    b = mean + between * (same[::n_labels] @ np.linalg.solve(V, y - mean))
    np.testing.assert_allclose(model.intercept_, b, rtol=1e-6)
    np.testing.assert_allclose(model.intercept_alpha_, within / between / n_labels, rtol=1e-6)


@pytest.mark.parametrize("penalty", ["mean", "l2", "l21", "trace_norm"])
def test_intercepts_that_say_it_all_are_free(penalty, schools):
    X, _ = schools
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = MultiTaskLinearRegressor(penalty, task_feature=0).fit(X, X[:, 0])
    assert model.intercept_alpha_ == 0.0
    np.testing.assert_allclose(model.predict(X), X[:, 0], atol=1e-9)


def test_intercepts_that_do_not_differ_are_one(schools):
    X, _ = schools
    y = X[:, 1] + np.random.default_rng(0).normal(size=len(X))
    y -= np.bincount(X[:, 0].astype(int), y)[X[:, 0].astype(int)] / len(X)
    model = MultiTaskLinearRegressor("mean", task_feature=0).fit(X, X[:, 1] * 2.0 + 1.0)
    np.testing.assert_allclose(model.intercept_, 1.0, atol=0.05)


@pytest.fixture(params=[1.0, 0.0, -1.0], ids=["as within", "not", "reversed"])
def means(request):
    """30 tasks whose labels rise with the means of their features as within tasks, or do not."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(30), 8)
    of_tasks, X = rng.normal(size=(30, 2)), rng.normal(size=(240, 2))
    slopes = np.array([1.0, -1.0])
    y = X @ slopes + request.param * (of_tasks @ slopes)[task] + rng.normal(size=30)[task]
    X = np.column_stack([task, X + of_tasks[task]])
    return X, y + 0.5 * rng.normal(size=240), request.param > 0


@pytest.mark.parametrize("penalty", ["l2", "mean", "l21", "trace_norm"])
def test_intercepts_are_compared_where_the_labels_say(penalty, means):
    """At one point where slopes explain how tasks differ; else as if means were no features."""
    X, y, at_one_point = means
    of_tasks = np.array([X[X[:, 0] == t, 1:].mean(axis=0) for t in range(30)])
    within = np.column_stack([X[:, 0], X[:, 1:] - of_tasks[X[:, 0].astype(int)]])
    model = MultiTaskLinearRegressor(penalty, task_feature=0, tol=1e-9)
    found, apart = model.fit(X, y).predict(X), model.fit(within, y).predict(within)
    assert (np.abs(found - apart).max() > 1e-2) == at_one_point
    if not at_one_point:
        np.testing.assert_allclose(found, apart, atol=1e-4)


def test_what_describes_tasks_explains_how_they_differ():
    rng = np.random.default_rng(0)
    task, of_tasks = np.repeat(np.arange(60), 3), rng.normal(size=60)
    X = np.column_stack([task, rng.normal(size=180), of_tasks[task]])
    y = X[:, 1] + 2.0 * X[:, 2] + 0.2 * rng.normal(size=180)
    model = MultiTaskLinearRegressor("mean", task_feature=0).fit(X, y)
    np.testing.assert_allclose(model.shared_coef_.ravel(), [1.0, 2.0], atol=0.1)


@pytest.mark.parametrize("kind", ["regression", "binary"])
@every_penalty
def test_every_solver_has_the_same_problem_or_says_what_to_set(penalty, kind, schools):
    X, y = (part[schools[0][:, 0] < 6] for part in schools)
    noise = np.random.default_rng(0).normal(size=len(y))
    y = y if kind == "regression" else y + 2.0 * noise > 0.0
    read = "predict" if kind == "regression" else "predict_proba"
    options = {"alpha": 0.1, "tasks": kind, "task_feature": 0, "tol": 1e-6, "max_iter": 50_000}
    expected = MultiTaskLinear(penalty, **options).fit(X, y)
    for solver in SOLVERS:
        try:
            found = MultiTaskLinear(penalty, solver=solver.name, **options).fit(X, y)
        except ValueError as error:
            assert f"solver='{solver.name}' needs" in str(error)
            if kind == "regression" and solver.name == "block_descent" and penalty in BY_ROWS:
                assert "intercept_alpha=0" in str(error)
        else:
            assert found.intercept_alpha_ == expected.intercept_alpha_
            a, b = (getattr(model, read)(X) for model in (found, expected))
            np.testing.assert_allclose(a, b, atol=0.01)


# -- ends -----------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["mean", "l2", "l21"])
def test_grids_reach_the_model_of_each_task(penalty, data):
    X, Y = data
    search = MultiTaskLinearRegressorCV(penalty, cv=3).fit(X, Y)
    end = MultiTaskLinearRegressor(penalty, alpha=search.alphas_[-1]).fit(X, Y)
    apart = LinearRegression().fit(X, Y)
    np.testing.assert_allclose(end.predict(X), apart.predict(X), atol=0.02)


@pytest.mark.parametrize("is_long", [False, True])
def test_grids_reach_the_pooled_model(is_long, data):
    X, Y = data
    options = {"task_feature": 0} if is_long else {}
    given = stack_tasks([X] * 3, Y.T) if is_long else (X, Y)
    search = MultiTaskLinearRegressorCV("mean", cv=3, **options).fit(*given)
    end = MultiTaskLinearRegressor(
        "mean", alpha=search.alphas_[0], shared_alpha=search.shared_alpha_, **options
    ).fit(*given)
    pooled = Ridge(120 * search.shared_alpha_).fit(np.tile(X, (3, 1)), Y.T.ravel())
    np.testing.assert_allclose(end.coef_, np.tile(pooled.coef_, (3, 1)), atol=0.01)


@every_penalty
def test_the_default_is_never_the_zero_model(penalty, data):
    X, Y = data
    model = MultiTaskLinear(penalty).fit(X, Y)
    assert model.coef_.any()
    assert model.score(X, Y) > 0.2
    assert model.dual_gap_ <= 1e-4 * 0.5 * 3


def test_noise_alone_is_hardly_worse_than_a_constant():
    rng = np.random.default_rng(0)
    X, Y, X_new, Y_new = (rng.normal(size=shape) for shape in [(30, 25), (30, 3)] * 2)
    constant = ((Y_new - Y.mean(axis=0)) ** 2).mean()
    for penalty in ("l21", "l2", "mean", "trace_norm"):
        model = MultiTaskLinear(penalty).fit(X, Y)
        assert ((model.predict(X_new) - Y_new) ** 2).mean() <= 1.1 * constant


@pytest.mark.parametrize("penalty", ["l1", "l21", "trace_norm", "dirty"])
def test_small_differences_of_features_that_are_alike_are_learned(penalty):
    # Smooth random curves, and labels in their second derivative.
    at = np.linspace(0.0, 1.0, 60)
    waves = np.cos(np.pi * np.arange(12) * at[:, None]) * 0.7 ** np.arange(12)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 12)) @ waves.T
    Y = np.diff(X, 2, axis=1)[:, [10, 25, 40]]
    Y = Y / Y.std(axis=0) + 0.3 * rng.normal(size=Y.shape)
    X /= X.std(axis=0)
    found, ridge = (
        ((model.fit(X[:100], Y[:100]).predict(X[100:]) - Y[100:]) ** 2).mean()
        for model in (MultiTaskLinear(penalty), RidgeCV(np.logspace(-6, 2, 17)))
    )
    assert found <= 1.2 * ridge


# -- invariances ----------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", sorted({*QUADRATIC, "l21", "trace_norm", "fused"}))
@pytest.mark.parametrize("is_long", [False, True])
def test_the_scales_of_x_and_y_change_nothing(penalty, is_long, data):
    X, Y = data
    options = {"tol": 1e-9, "max_iter": 20_000}
    if is_long:
        stacked, y = stack_tasks([X] * 3, Y.T)
        task, X, Y, options["task_feature"] = stacked[:, :1], stacked[:, 1:], y, 0

    def fitted(X, Y):
        X = np.column_stack([task, X]) if is_long else X
        return MultiTaskLinearRegressor(penalty, **options).fit(X, Y).predict(X)

    reference = fitted(X, Y)
    for of_x, of_y, at in ((1e3, 1.0, 0.0), (1.0, 1e-3, 0.0), (1e-3, 1e3, 0.0), (1.0, 1.0, 50.0)):
        found = fitted(of_x * X + at, of_y * Y) / of_y
        np.testing.assert_allclose(found, reference, atol=2e-3)


def test_a_task_of_weight_0_and_unobserved_labels_choose_nothing(data):
    X, Y = data
    more = np.column_stack([Y, 100.0 * X[:, 0]])
    a = MultiTaskLinear("mean", task_weight=[1, 1, 1, 0]).fit(X, more)
    b = MultiTaskLinear("mean").fit(X, Y)
    np.testing.assert_allclose(a.coef_[:3], b.coef_, rtol=1e-6)
    hidden = np.where(np.arange(40)[:, None] < 5, 1e6, Y)
    weight = np.where(np.arange(40)[:, None] < 5, 0.0, np.ones(3))
    a = MultiTaskLinear("mean").fit(X, hidden, sample_weight=weight)
    b = MultiTaskLinear("mean").fit(X[5:], Y[5:])
    np.testing.assert_allclose(a.coef_, b.coef_, rtol=1e-9)


@pytest.mark.parametrize("estimator", [MultiTaskLinear, ReducedRankRegressor])
def test_weights_are_repeated_rows_and_their_size_is_nothing(estimator, data):
    X, Y = data
    times = np.random.default_rng(0).integers(1, 4, 40)
    weighted = estimator().fit(X, Y, sample_weight=times)
    repeated = estimator().fit(np.repeat(X, times, axis=0), np.repeat(Y, times, axis=0))
    scaled = estimator().fit(X, Y, sample_weight=times * 1e-3)
    assert repeated.alpha_ == pytest.approx(weighted.alpha_, rel=1e-9)
    assert scaled.alpha_ == pytest.approx(weighted.alpha_, rel=1e-9)


def test_rows_sorted_by_task_are_rows_shuffled(schools):
    X, y = schools
    order = np.random.default_rng(0).permutation(len(y))
    a, b = (
        MultiTaskLinearRegressorCV("mean", task_feature=0).fit(X[rows], y[rows])
        for rows in (np.arange(len(y)), order)
    )
    assert a.shared_alpha_ == pytest.approx(b.shared_alpha_)
    assert a.intercept_alpha_ == pytest.approx(b.intercept_alpha_)
    assert abs(a.score(X, y) - b.score(X, y)) <= 0.02


# -- wide, small, degenerate ----------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["l21", "l2", "mean", "temporal", "trace_norm"])
@pytest.mark.parametrize("shape", [(3, 2), (10, 40), (2, 1)])
def test_few_rows_and_many_features(penalty, shape):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=shape), np.ones(shape[0])])
    Y = rng.normal(size=(shape[0], 2))
    model = MultiTaskLinear(penalty).fit(X, Y)
    assert np.isfinite(model.coef_).all() and np.isfinite(model.alpha_)
    long = MultiTaskLinear(penalty, task_feature=0).fit(*stack_tasks([X] * 2, Y.T))
    assert np.isfinite(long.coef_).all()


def test_wide_data_with_gaps_know_of_each_other():
    # A fifth of the labels, from one common model: better together than apart.
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(150, 20)), rng.normal(size=20)
    F = X @ (w[:, None] + 0.2 * rng.normal(size=(20, 8)))
    Y = np.where(rng.random(F.shape) < 0.2, F + rng.normal(size=F.shape), np.nan)
    errors = {
        penalty: ((MultiTaskLinear(penalty).fit(X, Y).predict(X) - F) ** 2).mean()
        for penalty in ("mean", "l2")
    }
    assert errors["mean"] <= 0.5 * errors["l2"]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "count"])
@pytest.mark.parametrize("penalty", ["l21", "l2", "mean"])
def test_other_losses_choose_too(kind, penalty, data):
    X, Y = data
    labels = {
        "binary": (Y > 0.5) * 1.0,
        "multiclass": np.digitize(Y, [-0.5, 0.5]) * 1.0,
        "count": np.round(np.exp(0.5 * Y)),
    }[kind]
    model = MultiTaskLinear(penalty, tasks=kind).fit(X, labels)
    assert model.coef_.any() and model.score(X, labels) > 0.05
    X_long, y = stack_tasks([X] * 3, labels.T)
    long = MultiTaskLinear(penalty, tasks=kind, task_feature=0).fit(X_long, y)
    assert np.isfinite(long.coef_).all()
    assert (long.intercept_alpha_ > 0) == (penalty != "l21")


def test_one_class_in_most_tasks_has_finite_intercepts():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(40), 3)
    X = np.column_stack([task, rng.normal(size=(120, 2))])
    y = (rng.random(120) < 0.1).astype(int)
    model = MultiTaskLinearClassifier("mean", task_feature=0).fit(X, y)
    assert np.abs(model.intercept_).max() < 10
    assert model.predict_proba(X).min() > 1e-3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("penalty", ["auto", "l1", "l2", "trace_norm"])
@pytest.mark.parametrize("task", ["regression", "count", "gamma", "tweedie", "negative_binomial"])
def test_constant_labels_are_predicted(task, penalty):
    X = np.random.default_rng(0).normal(size=(30, 4))
    model = MultiTaskLinear(penalty, tasks=task).fit(X, np.full((30, 2), 3.0))
    np.testing.assert_allclose(model.predict(X), 3.0, rtol=1e-6)
