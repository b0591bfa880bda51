"""Features with a large mean: the fit is that of the same features without it."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from skmtl import (
    MultiTaskKernelRidge,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    ReducedRankRegressor,
)
from skmtl.linear import MultiTaskElasticNet, MultiTaskLasso, MultiTaskLassoCV
from skmtl.linear.objective._centring import LARGE, large_means, shifted, without_large_means
from skmtl.linear.objective._merged_statistics import block_statistics
from skmtl.linear.penalties import PENALTIES
from skmtl.tasks import Regression

N_FEATURES, N_TASKS = 6, 3
rng = np.random.default_rng(0)
# Sixteenths, so that a mean of 1e6 leaves every entry exact in float32 too.
B = np.round(16 * rng.normal(size=(80, N_FEATURES))) / 16
B[:, 3:] *= rng.random((80, 3)) < 0.3
Y = B @ rng.normal(size=(N_FEATURES, N_TASKS)) + 0.5 * rng.normal(size=(80, N_TASKS))
Y_MISSING = np.where(rng.random(Y.shape) < 0.3, np.nan, Y)
GROUP = rng.integers(0, N_TASKS, len(B)).astype(float)
WIDE = np.round(16 * rng.normal(size=(40, 520))) / 16
Y_WIDE = WIDE[:, :5] @ rng.normal(size=(5, N_TASKS)) + 0.1 * rng.normal(size=(40, N_TASKS))

# Intercepts that are free, or pulled together as far as the data say.
PULLS = {"free": {"shared_alpha": 0.0, "intercept_alpha": 0.0}, "chosen": {}}

MODELS = {
    "l2": MultiTaskLinearRegressor("l2", alpha=0.1),
    "least squares": MultiTaskLinearRegressor("l2", alpha=0.0),
    "mean_deviation": MultiTaskLinearRegressor("mean_deviation", alpha=0.1),
    "admm": MultiTaskLinearRegressor("l21", alpha=0.1, solver="admm", tol=1e-10),
    "trace_norm": MultiTaskLinearRegressor("trace_norm", alpha=0.1, tol=1e-10),
    "block descent": MultiTaskLinearRegressor("l21", alpha=0.1, solver="block_descent", tol=1e-12),
    "proximal gradient": MultiTaskLinearRegressor(
        "l21", alpha=0.1, solver="proximal_gradient", tol=1e-10
    ),
    "huber": MultiTaskLinear("l21", alpha=0.1, tasks=Regression("huber"), tol=1e-10),
    "lasso": MultiTaskLasso(0.1, tol=1e-12),
    "elastic net": MultiTaskElasticNet(0.1, tol=1e-12),
    "reduced rank": ReducedRankRegressor(2, tol=1e-14),
    "linear kernel": MultiTaskKernelRidge("linear", alpha=0.1),
    "rbf": MultiTaskKernelRidge("rbf", alpha=0.1),
    "cv": MultiTaskLinearRegressorCV("l21", cv=3, alphas=[0.3, 0.1], tol=1e-10),
    "lasso cv": MultiTaskLassoCV(cv=3, alphas=[0.3, 0.1], tol=1e-12),
}


def with_mean(X, mean, container):
    """X with a mean in the first half of its columns."""
    X = X.copy()
    X[:, : max(X.shape[1] // 2, 1)] += mean
    return container(X)


CONTAINERS = {
    "dense": np.asarray,
    "csr": sparse.csr_array,
    "csc matrix": sparse.csc_matrix,
    "float32": lambda X: X.astype(np.float32),
    "csr float32": lambda X: sparse.csr_array(X.astype(np.float32)),
}


def assert_same_fit(model, moved, plain, X_moved, X, rtol):
    expected = model.fit(X, plain)
    coef, gap = expected.__dict__.get("coef_"), getattr(expected, "dual_gap_", 0.0)
    predicted = expected.predict(X)
    model.fit(X_moved, moved)
    if coef is not None:
        np.testing.assert_allclose(model.coef_, coef, rtol=0, atol=rtol * np.abs(coef).max())
        if X_moved.dtype == np.float64:
            assert getattr(model, "dual_gap_", 0.0) == pytest.approx(gap, abs=1e-7)
    scale = np.abs(predicted).max()
    np.testing.assert_allclose(model.predict(X_moved), predicted, rtol=0, atol=rtol * scale)


@pytest.mark.parametrize("labels", [Y, Y_MISSING], ids=["complete", "missing"])
@pytest.mark.parametrize(
    ("name", "container"),
    [
        (name, container)
        for name in MODELS
        for container in CONTAINERS
        # The counterparts of scikit-learn's lassos have coefficients in the dtype of X.
        if not (container.endswith("float32") and name in ("lasso", "elastic net", "lasso cv"))
    ],
)
def test_mean_of_a_million_costs_no_more_than_six_digits(name, container, labels):
    X = with_mean(B, 1e6, CONTAINERS[container])
    assert_same_fit(MODELS[name], labels, labels, X, B, 1e-6)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("name", ["l2", "admm", "block descent", "lasso", "rbf", "linear kernel"])
def test_larger_means_cost_what_the_data_allow(name, container):
    assert_same_fit(MODELS[name], Y, Y, with_mean(B, 1e8, container), B, 1e-6)


@pytest.mark.parametrize("name", ["lasso", "l2", "admm", "block descent", "elastic net"])
def test_large_mean_of_y_is_no_matter(name):
    assert_same_fit(MODELS[name], Y + 1e8, Y + 1e8, B, sparse.csr_array(B), 1e-9)
    coef = MODELS[name].fit(B, Y).coef_
    np.testing.assert_allclose(MODELS[name].fit(B, Y + 1e8).coef_, coef, rtol=0, atol=1e-7)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("name", ["lasso", "block descent", "huber"])
def test_more_features_than_rows(name, container):
    assert_same_fit(MODELS[name], Y_WIDE, Y_WIDE, with_mean(WIDE, 1e6, container), WIDE, 1e-6)


def with_task_means(mean, container=np.asarray):
    """Long form of B, in which the first features of one task have this mean."""
    X = B + np.where(GROUP == 1, mean, 0.0)[:, None] * (np.arange(N_FEATURES) < 3)
    return container(np.column_stack([X, GROUP]))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("alpha", [0.1, "auto"])
@pytest.mark.parametrize("pull", PULLS)
@pytest.mark.parametrize("penalty", sorted(PENALTIES))
def test_long_form_with_a_mean_for_each_task(penalty, pull, alpha, container):
    """A task's large mean is no spread, though over all tasks it looks like one."""
    model = MultiTaskLinearRegressor(
        penalty, alpha=alpha, task_feature=-1, tol=1e-10, max_iter=20_000, **PULLS[pull]
    )
    # Intercepts that are pulled together may be compared at one point, while tasks have that.
    means = [0.0, 1e6] if pull == "free" else [20.0, 1e6]
    assert_same_fit(
        model,
        Y[:, 0],
        Y[:, 0],
        with_task_means(means[1], container),
        with_task_means(means[0]),
        1e-5 if alpha == "auto" else 1e-6,
    )


@pytest.mark.parametrize("pull", PULLS)
@pytest.mark.parametrize("mean", [1e2, 1e6])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("penalty", ["l2", "l21", "mean_deviation", "trace_norm"])
def test_classes_in_long_form_with_a_mean_for_each_task(penalty, container, mean, pull):
    options = {"task_feature": -1, "tol": 1e-10, **PULLS[pull]}
    model = MultiTaskLinearClassifier(penalty, alpha=0.1, **options)
    X = B + mean * np.where(GROUP == 1, 1.0, -0.5)[:, None] * (np.arange(N_FEATURES) < 3)
    noise = 3.0 * np.random.default_rng(1).normal(size=len(B))
    labels = np.digitize(Y[:, 0] + noise, [-1.0, 1.0])
    expected = model.fit(np.column_stack([B, GROUP]), labels)
    coef, intercept, gap = expected.coef_, expected.intercept_, expected.dual_gap_
    model.fit(container(np.column_stack([X, GROUP])), labels)
    np.testing.assert_allclose(model.coef_, coef, rtol=0, atol=1e-6)
    assert model.dual_gap_ == pytest.approx(gap, abs=1e-7)
    shift = mean * np.array([-0.5, 1.0, -0.5])[:, None, None] * (np.arange(N_FEATURES) < 3)
    moved = intercept.reshape(3, -1) - (coef.reshape(3, -1, N_FEATURES) * shift).sum(axis=2)
    np.testing.assert_allclose(model.intercept_, moved.ravel(), rtol=0, atol=1e-6 * mean)


@pytest.mark.parametrize("pull", PULLS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("center", [False, True])
def test_what_is_constant_in_each_task_is_no_feature(container, center, pull):
    """What describes tasks is in their intercepts already, unless it tells which are alike."""
    penalty = "l2" if center else "mean_deviation"
    options = {"center": center, "task_feature": -1, "tol": 1e-10, **PULLS[pull]}
    model = MultiTaskLinearClassifier(penalty, alpha=0.1, **options)
    of_tasks = np.array([[0.1, 1.0, -300.0], [0.7, 1.0, 100.0], [0.3, 1.0, 0.0]])
    X = np.column_stack([B, of_tasks[GROUP.astype(int)], GROUP])
    coef = model.fit(np.column_stack([B, GROUP]), Y[:, 0] > 0).coef_
    model.fit(container(X), Y[:, 0] > 0)
    np.testing.assert_allclose(model.coef_[:, :N_FEATURES], coef, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(model.coef_[:, N_FEATURES:], 0.0)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_classes(container):
    model = MultiTaskLinearClassifier("l21", alpha=0.02, tol=1e-10, max_iter=5000)
    coef = model.fit(B, Y > 0).coef_
    moved = model.fit(with_mean(B, 1e6, container), Y > 0).coef_
    np.testing.assert_allclose(moved, coef, rtol=0, atol=1e-6 * np.abs(coef).max())


def solve_exactly(system, right):
    """Gauss elimination without rounding."""
    rows = [
        [*map(Fraction, row), Fraction(entry)] for row, entry in zip(system, right, strict=True)
    ]
    for i, pivot in enumerate(rows):
        for other in rows:
            if other is not pivot:
                factor = other[i] / pivot[i]
                other[:] = [a - factor * b for a, b in zip(other, pivot, strict=True)]
    return np.array([float(row[-1] / row[i]) for i, row in enumerate(rows)])


@pytest.mark.parametrize("intercept_alpha", [0.25, np.inf])
@pytest.mark.parametrize("penalty", ["l2", "mean_deviation"])
def test_penalised_intercepts_beside_large_means(penalty, intercept_alpha):
    n, p, n_tasks, alpha = 16, 2, 2, 0.125
    X, y = B[:n, :p] + 1e6, np.round(16 * Y[:n, :n_tasks]) / 16
    options = {"shared_alpha": 0.0, "intercept_alpha": intercept_alpha}
    model = MultiTaskLinearRegressor(penalty, alpha=alpha, **options)
    exact = np.vectorize(Fraction, otypes=[object])
    rows = exact(np.column_stack([X, np.ones(n)]))
    of_each, of_distances = (alpha, 0.0) if penalty == "l2" else (0.0, alpha)
    gram = rows.T @ rows / n + exact(np.diag([of_each, of_each, 0.0]))
    pull = exact(np.zeros((2, 2, 3, 3)))
    for j, strength in enumerate([of_distances, of_distances, min(intercept_alpha, 2.0**60)]):
        pull[:, :, j, j] = exact(strength * np.array([[0.5, -0.5], [-0.5, 0.5]]))
    system = [
        list(np.concatenate([(gram if s == t else 0) + pull[t, s] for s in range(2)], axis=1)[j])
        for t in range(2)
        for j in range(3)
    ]
    right = (rows.T @ exact(y) / n).T.ravel()
    expected = solve_exactly(system, right).reshape(2, 3)[:, :2]
    np.testing.assert_allclose(model.fit(X, y).coef_, expected, rtol=1e-9)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_statistics_of_blocks(container):
    c = np.ones((len(B), N_TASKS))
    group = np.zeros(N_TASKS, dtype=int)
    expected = block_statistics(B, Y, c, group)
    X = with_mean(B, 1e6, container)
    halves = [
        block_statistics(X[rows], Y[rows], c[rows], group) for rows in np.split(np.arange(80), 2)
    ]
    for found in (block_statistics(X, Y, c, group), halves[0].plus(halves[1])):
        atol = 1e-8 * expected.gram.max()
        np.testing.assert_allclose(found.gram, expected.gram, rtol=0, atol=atol)
        np.testing.assert_allclose(found.cross, expected.cross, rtol=0, atol=atol)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_only_columns_with_a_large_mean_are_written_out(container):
    dense = np.zeros((20, 4))
    dense[:, 0] = 1e6 + np.arange(20) % 3
    dense[3, 1], dense[:, 2] = 1e6, 7.7
    X = container(dense)
    mean = dense.mean(axis=0)
    moved, rest = without_large_means(X, mean, np.ones(20))
    np.testing.assert_array_equal(rest, [0.0, mean[1], 0.0, 0.0])
    written = moved if container is np.asarray else moved.toarray()
    np.testing.assert_allclose(written[:, 0], dense[:, 0] - mean[0], atol=1e-9)
    np.testing.assert_array_equal(written[:, 1], dense[:, 1])
    # What rounding leaves of a constant is no spread.
    np.testing.assert_array_equal(written[:, 2:], 0.0)
    if container is not np.asarray:
        assert type(moved) is container
        assert moved.nnz <= 21
        assert moved.indices.dtype == X.indices.dtype
    np.testing.assert_array_equal(dense, X if container is np.asarray else X.toarray())


def test_nothing_is_done_where_no_mean_is_large():
    X = sparse.csr_array(B)
    assert without_large_means(X, B.mean(axis=0), np.ones(len(B)))[0] is X
    np.testing.assert_array_equal(shifted(B, np.zeros(N_FEATURES)), B)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_large_means_by_their_definition(container):
    """Also where the first of many rows are all alike, or have no weight."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 9)) + np.array([0, 1, 50, 99, 101, 200, 1e6, 0, 0])
    X[:4000, 7] = 3.0
    X[:, 8] = 7.7
    weights = rng.uniform(size=5000) * (np.arange(5000) > 1000)
    mean = weights @ X / weights.sum()
    variance = weights @ (X - mean) ** 2 / weights.sum()
    expected = np.where(variance * (LARGE - 1) < mean**2, mean, 0.0)
    found = large_means(container(X), mean, weights)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.flatnonzero(expected), [4, 5, 6, 8])


@pytest.mark.parametrize("value", [1.0, 0.1, -7.7, 1e3, 1e-90])
@pytest.mark.parametrize("n_samples", [3, 600, 100_000])
def test_a_constant_column_is_0_without_its_mean(value, n_samples):
    X, weights = np.full((n_samples, 2), value), np.random.default_rng(0).uniform(size=n_samples)
    mean = X.T @ (weights / weights.sum())
    moved, rest = without_large_means(X, mean, weights)
    np.testing.assert_array_equal(moved, 0.0)
    np.testing.assert_array_equal(rest, 0.0)
    # One row more is no constant column, for which the others are needed.
    row = shifted(np.array([[value, 2.0 * value]]), mean)
    np.testing.assert_allclose(row, [[0.0, value]], atol=1e-11 * abs(value))
