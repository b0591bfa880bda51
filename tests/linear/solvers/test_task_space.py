"""Block descent where every task has a Gram matrix of its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skmtl import MultiTaskLinear
from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.penalties import L1, L2, L21
from skmtl.linear.solvers._spaces import GramSpace
from skmtl.linear.solvers._task_space import TaskGramSpace
from skmtl.linear.solvers._working_sets import RowNorms, block_descent
from skmtl.linear.solvers.compiled._row import shrink_row
from skmtl.linear.solvers.compiled._task_grams import shrink_row_of_tasks
from skmtl.tasks._read_targets import read_targets

rows = arrays(np.float64, 4, elements=st.floats(-10, 10, width=32))
curvatures = arrays(np.float64, 4, elements=st.floats(0.0625, 128, width=32))
weights = st.floats(0, 5, width=32)


@given(z=rows, d=curvatures, l1=weights, l21=weights, ridge=weights, step=rows)
@pytest.mark.parametrize("positive", [False, True])
def test_a_row_minimises(positive, z, d, l1, l21, ridge, step):
    def objective(w):
        smooth = 0.5 * ((d + ridge) * w**2).sum() - z @ w
        return smooth + l1 * np.abs(w).sum() + l21 * np.linalg.norm(w)

    w = z.copy()
    shrink_row_of_tasks(w, d, ridge, -np.inf if positive else -l1, l1, l21)
    assert (w >= 0).all() or not positive
    for size in (1e-3, 0.1, 1.0):
        moved = w + size * step
        if positive:
            moved = np.maximum(moved, 0.0)
        slack = 1e-9 * (1.0 + z @ z)
        assert objective(moved) >= objective(w) + 0.5 * (d @ (moved - w) ** 2) - slack


@given(z=rows, l1=weights, l21=weights)
def test_equal_curvatures_are_the_shared_case(z, l1, l21):
    ours, shared = z.copy(), z.copy()
    shrink_row_of_tasks(ours, np.full(4, 2.0), 0.5, -l1, l1, l21)
    shrink_row(shared, 2.5, -l1, l1, l21)
    np.testing.assert_allclose(ours, shared, rtol=1e-9, atol=1e-12)


def test_a_column_of_zeros_has_no_say():
    z = np.array([1e-17, 3.0])
    shrink_row_of_tasks(z, np.array([0.0, 2.0]), 0.0, 0.0, 0.0, 1.0)
    np.testing.assert_allclose(z, [0.0, 1.0])


def statistics_of(X, Y):
    targets = read_targets(Y, declared="regression")
    return Statistics(X, targets, targets.label_weights(), centred=True)


NORMS = {
    "l21": RowNorms(l21=0.3),
    "l1": RowNorms(l1=0.1),
    "all": RowNorms(l21=0.2, l1=0.05, l2=0.1),
    "weighted": RowNorms(l21=0.3, weights=np.arange(1.0, 6.0)),
    "positive": RowNorms(l21=0.2, l1=0.1, positive=True),
}


@pytest.mark.parametrize("name", sorted(NORMS))
@pytest.mark.parametrize("n_tasks", [3, 12])
def test_one_gram_matrix_for_all_is_the_shared_case(name, n_tasks, regression_data):
    X, Y = regression_data
    Y = Y @ np.random.default_rng(0).normal(size=(3, n_tasks))
    stats = statistics_of(X, Y)
    shared = GramSpace(stats.gram[0], stats.cross, stats.squares.sum())
    options = {"alpha": 1.0, "max_gap": 1e-12 * shared.squares, "max_iter": 10_000}
    ours = block_descent(TaskGramSpace(stats), NORMS[name], **options)
    np.testing.assert_allclose(ours.W, block_descent(shared, NORMS[name], **options).W, atol=1e-6)
    assert ours.gap <= options["max_gap"]


def test_tasks_are_not_rotated(regression_data):
    X, Y = regression_data
    with pytest.raises(TypeError, match="cannot be rotated"):
        TaskGramSpace(statistics_of(X, Y)).rotated(np.eye(3))


def sparse_tasks():
    """X (90, 70), so that working sets are met, and complete Y (90, 4)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 70))
    W = np.zeros((70, 4))
    W[:6] = rng.normal(size=(6, 4))
    return X, X @ W + 1.0 + 0.5 * rng.normal(size=(90, 4))


def with_gaps(Y):
    return np.where(np.random.default_rng(1).random(Y.shape) < 0.3, np.nan, Y)


@pytest.fixture(params=["missing", "weights", "long"])
def own_rows(request):
    """X, y, fit and model parameters."""
    rng = np.random.default_rng(2)
    X, Y = sparse_tasks()
    if request.param == "missing":
        return X, with_gaps(Y), {}, {}
    if request.param == "weights":
        return X, Y, {"sample_weight": rng.integers(0, 4, size=Y.shape)}, {}
    index = np.arange(90) % 4
    return (
        np.column_stack([index, X]),
        Y[np.arange(90), index],
        {},
        {"task_feature": 0, "intercept_alpha": 0.0},
    )


@pytest.mark.parametrize("alpha", [0.3, 0.03])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("penalty", [L21(), L1(), L21() + 0.3 * L1() + 0.2 * L2()])
def test_the_same_optimum_as_other_solvers(penalty, positive, alpha, own_rows):
    X, y, fit, options = own_rows
    options = {"alpha": alpha, "tol": 1e-10, "max_iter": 20_000, "positive": positive, **options}
    ours = MultiTaskLinear(penalty, solver="block_descent", **options).fit(X, y, **fit)
    other = MultiTaskLinear(penalty, solver="admm", **options).fit(X, y, **fit)
    np.testing.assert_allclose(ours.coef_, other.coef_, atol=2e-4)
    np.testing.assert_allclose(ours.intercept_, other.intercept_, atol=1e-3)
    assert ours.dual_gap_ <= 1e-8


def test_weight_zero_is_unobserved(own_rows):
    X, y, fit, options = own_rows
    model = MultiTaskLinear("l21", alpha=0.1, solver="block_descent", **options)
    weight = fit.get("sample_weight", np.ones(y.shape)).astype(float)
    weight[::5] = 0.0
    gone = np.where(weight > 0, y, np.nan)
    a = model.fit(X, y, sample_weight=weight).coef_
    b = model.fit(X, gone, sample_weight=weight).coef_
    np.testing.assert_array_equal(a, b)


def test_permuted_tasks_and_features():
    X, y = sparse_tasks()
    y = with_gaps(y)
    model = MultiTaskLinear("sparse_group", alpha=0.05, solver="block_descent", tol=1e-11)
    model.set_params(max_iter=10_000)
    tasks, features = [2, 0, 3, 1], np.random.default_rng(0).permutation(70)
    a = model.fit(X, y).coef_
    b = model.fit(X[:, features], y[:, tasks]).coef_
    np.testing.assert_allclose(b, a[tasks][:, features], atol=1e-5)


def test_a_path_is_that_of_single_fits(own_rows):
    from skmtl import MultiTaskLinearCV

    X, y, fit, options = own_rows
    path = MultiTaskLinearCV("l21", alphas=6, cv=3, tol=1e-9, max_iter=10_000, **options)
    path.set_params(solver="block_descent").fit(X, y, **fit)
    alone = MultiTaskLinear("l21", alpha=path.alpha_, tol=1e-9, max_iter=10_000, **options)
    alone.set_params(solver="admm").fit(X, y, **fit)
    np.testing.assert_allclose(path.coef_, alone.coef_, atol=1e-4)
