"""Block descent: against a readable reference, other solvers, and its own certificate."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import MultiTaskElasticNet, MultiTaskLasso

from skmtl import MultiTaskLinear
from skmtl.linear.solvers import _working_sets as working_sets
from skmtl.linear.solvers._spaces import DenseRows, GramSpace, SparseRows
from skmtl.linear.solvers._working_sets import RowNorms, block_descent, block_descent_path

WEIGHTS = np.linspace(0.5, 2.0, 12)

NORMS = {
    "l21": RowNorms(l21=1.0),
    "l1": RowNorms(l1=1.0),
    "sparse group": RowNorms(l21=0.7, l1=0.4),
    "elastic net": RowNorms(l21=0.6, l2=0.4),
    "all": RowNorms(l21=0.5, l1=0.3, l2=0.2),
    "positive": RowNorms(l21=1.0, positive=True),
    "all, positive, weights": RowNorms(0.5, 0.3, 0.2, positive=True, weights=WEIGHTS),
    "weights": RowNorms(l21=1.0, weights=WEIGHTS),
}
SPACES = {
    "gram": lambda X, Y: GramSpace(X.T @ X, X.T @ Y, (Y**2).sum()),
    "dense": DenseRows,
    "sparse": lambda X, Y: SparseRows(sparse.csr_array(X), Y),
}
every_penalty = pytest.mark.parametrize("norms", NORMS.values(), ids=NORMS)
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def problem(n_samples=30, n_features=12, n_tasks=4, seed=0):
    """Correlated features, a few of which matter, some of them with a positive effect."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)) + rng.normal(size=(n_samples, 1))
    W = np.zeros((n_features, n_tasks))
    W[::3] = rng.normal(0.5, 1.0, size=W[::3].shape)
    Y = X @ W + 2.0 * rng.normal(size=(n_samples, n_tasks))
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


def penalty_of(norms, W):
    weights = 1.0 if norms.weights is None else norms.weights
    if norms.positive and (W < 0).any():
        return np.inf
    rows = norms.l21 * np.linalg.norm(W, axis=1) + norms.l1 * np.abs(W).sum(axis=1)
    return (weights * rows).sum() + 0.5 * norms.l2 * (W**2).sum()


def objective(X, Y, norms, alpha, W):
    return 0.5 * ((Y - X @ W) ** 2).sum() + alpha * penalty_of(norms, W)


def reference(X, Y, norms, alpha, n_sweeps=600):
    """Coordinate descent, one row at a time, straight from the formulas."""
    W = np.zeros((X.shape[1], Y.shape[1]))
    weights = np.ones(len(W)) if norms.weights is None else norms.weights
    for _ in range(n_sweeps):
        for j, x in enumerate(X.T):
            length = x @ x
            z = x @ (Y - X @ W) + length * W[j]
            if norms.positive:
                z = np.maximum(z - alpha * weights[j] * norms.l1, 0.0)
            else:
                z = np.sign(z) * np.maximum(np.abs(z) - alpha * weights[j] * norms.l1, 0.0)
            norm = np.linalg.norm(z)
            radius = alpha * weights[j] * norms.l21
            shrink = max(1.0 - radius / norm, 0.0) if norm > 0 else 0.0
            W[j] = shrink * z / (length + alpha * norms.l2) if length > 0 else 0.0
    return W


@every_penalty
@every_space
@pytest.mark.parametrize("alpha", [1.0, 20.0])
def test_equals_plain_coordinate_descent(norms, space, alpha):
    X, Y = problem()
    found = block_descent(space(X, Y), norms, alpha=alpha, max_gap=1e-11, max_iter=5000)
    assert found.gap <= 1e-11
    np.testing.assert_allclose(found.W, reference(X, Y, norms, alpha), atol=1e-6)


@every_penalty
@every_space
@pytest.mark.parametrize("max_gap", [1e3, 1.0, 1e-3])
def test_gap_bounds_the_distance_to_the_optimum(norms, space, max_gap):
    X, Y = problem()
    best = objective(X, Y, norms, 5.0, reference(X, Y, norms, 5.0))
    found = block_descent(space(X, Y), norms, alpha=5.0, max_gap=max_gap, max_iter=5000)
    excess = objective(X, Y, norms, 5.0, found.W) - best
    assert -1e-8 <= excess <= found.gap + 1e-8 <= max_gap + 2e-8


@every_penalty
def test_subgradient_conditions(norms):
    X, Y = problem(20, 40, seed=1)
    norms = RowNorms(norms.l21, norms.l1, norms.l2, norms.positive)
    alpha = 10.0
    W = block_descent(DenseRows(X, Y), norms, alpha=alpha, max_gap=1e-12, max_iter=20_000).W
    K = X.T @ (Y - X @ W) - alpha * norms.l2 * W
    low = -np.inf if norms.positive else -alpha * norms.l1
    outside = K - np.clip(K, low, alpha * norms.l1)
    used = W.any(axis=1)
    assert 0 < used.sum() < len(W)
    assert (np.linalg.norm(outside[~used], axis=1) <= alpha * norms.l21 + 1e-6).all()
    # What the lasso does not explain is the gradient of the norm of the row.
    direction = W[used] / np.linalg.norm(W[used], axis=1, keepdims=True)
    at_zero = W[used] == 0
    explained = alpha * norms.l21 * direction + np.where(
        at_zero, 0.0, alpha * norms.l1 * np.sign(W[used])
    )
    np.testing.assert_allclose(K[used][~at_zero], explained[~at_zero], atol=1e-5)
    assert np.abs(outside[used][at_zero]).max(initial=0.0) <= 1e-6


@pytest.mark.parametrize("shape", [(60, 20, 5), (30, 80, 5), (200, 150, 3)])
@pytest.mark.parametrize("fraction", [0.5, 0.05])
def test_scikit_learn_agrees(shape, fraction):
    X, Y = problem(*shape)
    n = len(X)
    alpha = fraction * np.linalg.norm(X.T @ Y, axis=1).max()
    theirs = MultiTaskLasso(alpha / n, tol=1e-10, max_iter=100_000).fit(X, Y)
    mixed = MultiTaskElasticNet(alpha / n, l1_ratio=0.6, tol=1e-10, max_iter=100_000).fit(X, Y)
    limit = {"max_gap": 1e-10 * (Y**2).sum(), "max_iter": 100_000}
    for space in (SPACES["gram"], DenseRows):
        ours = block_descent(space(X, Y), RowNorms(l21=1.0), alpha=alpha, **limit)
        assert ours.gap <= limit["max_gap"]
        ours_mixed = block_descent(space(X, Y), RowNorms(l21=0.6, l2=0.4), alpha=alpha, **limit)
        for found, coef in ((ours.W, theirs.coef_.T), (ours_mixed.W, mixed.coef_.T)):
            np.testing.assert_allclose(X @ found, X @ coef, atol=1e-3 * np.abs(X @ coef).max())
    np.testing.assert_allclose(ours_mixed.W, mixed.coef_.T, atol=1e-3)


@pytest.mark.parametrize("alias", ["l1", "l21"])
def test_proximal_gradient_agrees(alias):
    X, Y = problem()
    # The estimator averages over samples; each task's weight is one.
    model = MultiTaskLinear(
        alias, alpha=0.3, solver="proximal_gradient", tol=1e-12, max_iter=50_000
    )
    theirs = model.fit(X, Y).coef_.T
    ours = block_descent(
        SPACES["gram"](X, Y), NORMS[alias], alpha=0.3 * len(X), max_gap=1e-11, max_iter=5000
    )
    np.testing.assert_allclose(ours.W, theirs, atol=1e-5)


@every_penalty
@every_space
def test_path_from_the_solution_before_is_the_path_from_scratch(norms, space):
    X, Y = problem()
    data, alphas = space(X, Y), [50.0, 10.0, 2.0]
    limit = {"max_gap": 1e-11, "max_iter": 5000}
    path = list(block_descent_path(data, norms, alphas, **limit))
    for alpha, warm in zip(alphas, path, strict=True):
        cold = block_descent(data, norms, alpha=alpha, **limit)
        np.testing.assert_allclose(warm.W, cold.W, atol=1e-6)
        assert warm.gap <= 1e-11
    again = block_descent(data, norms, alpha=2.0, W0=path[-1].W, **limit)
    assert again.n_iter == 0
    np.testing.assert_array_equal(again.W, path[-1].W)


@every_penalty
@pytest.mark.parametrize("n_tasks", [4, 50])
@pytest.mark.parametrize("few_sweeps", [0, 6, 5000])
def test_a_path_of_sweeps_over_all_rows_is_that_of_working_sets(
    norms, n_tasks, few_sweeps, monkeypatch
):
    X, Y = problem(n_tasks=n_tasks)
    data, alphas = SPACES["gram"](X, Y), np.geomspace(80.0, 2.0, 25)
    limit = {"max_gap": 1e-9, "max_iter": 5000}
    monkeypatch.setattr(working_sets, "ALL_ROWS", 0)
    expected = list(block_descent_path(data, norms, alphas, **limit))
    monkeypatch.setattr(working_sets, "ALL_ROWS", 12)
    monkeypatch.setattr(working_sets, "FEW_SWEEPS", few_sweeps)
    path = list(block_descent_path(data, norms, alphas, **limit))
    assert len(path) == len(alphas) and max(found.gap for found in path) <= 1e-9
    for alpha, found, other in zip(alphas, path, expected, strict=True):
        np.testing.assert_allclose(found.W, other.W, atol=1e-5)
        values = (objective(X, Y, norms, alpha, W) for W in (found.W, other.W))
        assert abs(np.subtract(*values)) <= 2e-9


@every_space
@pytest.mark.parametrize("norms", [NORMS["l21"], NORMS["weights"], NORMS["elastic net"]])
def test_many_tasks_are_compressed_exactly(norms, space):
    X, Y = problem(30, 12, 50)
    Y[:, 7] = 0.0
    found = block_descent(space(X, Y), norms, alpha=20.0, max_gap=1e-10, max_iter=5000)
    np.testing.assert_allclose(found.W, reference(X, Y, norms, 20.0), atol=1e-6)
    start = block_descent(
        space(X, Y), norms, alpha=20.0, W0=found.W, max_gap=1.1e-10, max_iter=5000
    )
    assert start.n_iter == 0


@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_features_are_centred_without_being_formed(weighted):
    rng = np.random.default_rng(0)
    X = sparse.csr_array(rng.normal(size=(60, 25)) * (rng.random((60, 25)) < 0.2))
    Y = X @ rng.normal(size=(25, 3)) + rng.normal(size=(60, 3)) + 5.0
    c = rng.uniform(0.5, 2.0, size=60) if weighted else np.ones(60)
    root = np.sqrt(c)[:, None]
    means = X.T @ c / c.sum()
    Y = root * (Y - c @ Y / c.sum())
    dense = DenseRows(root * (X.toarray() - means), Y)
    hidden = SparseRows(sparse.csr_array(X.multiply(root)), Y, means, c.sum())
    np.testing.assert_allclose(hidden.diagonal, dense.diagonal)
    # A gap is a difference of numbers of this size: none smaller can be told from 0.
    limit = {"max_gap": 1e-13 * (Y**2).sum(), "max_iter": 5000}
    for norms in (RowNorms(l21=1.0), RowNorms(0.5, 0.3, 0.1)):
        one = block_descent(dense, norms, alpha=0.5, **limit)
        other = block_descent(hidden, norms, alpha=0.5, **limit)
        assert other.gap <= limit["max_gap"]
        np.testing.assert_allclose(other.W, one.W, atol=1e-6)


@every_space
@pytest.mark.parametrize("norms", [NORMS["l21"], NORMS["l1"], NORMS["positive"]])
def test_nothing_is_selected_from_alpha_max(norms, space):
    X, Y = problem()
    Z = X.T @ Y
    Z = np.maximum(Z, 0.0) if norms.positive else Z
    alpha_max = np.abs(Z).max() if norms.l1 else np.linalg.norm(Z, axis=1).max()
    limit = {"max_gap": 1e-12 * (Y**2).sum(), "max_iter": 1000}
    for factor in (1.0 + 1e-12, 2.0):
        found = block_descent(space(X, Y), norms, alpha=factor * alpha_max, **limit)
        assert not found.W.any()
        assert found.gap <= limit["max_gap"]
    assert block_descent(space(X, Y), norms, alpha=0.99 * alpha_max, **limit).W.any()


@every_penalty
@every_space
def test_constant_and_repeated_columns(norms, space):
    X, Y = problem()
    X[:, 3], X[:, 5] = 0.0, X[:, 6]
    limit = {"max_gap": 1e-10 * (Y**2).sum(), "max_iter": 5000}
    found = block_descent(space(X, Y), norms, alpha=5.0, **limit)
    assert found.gap <= limit["max_gap"]
    assert not found.W[3].any()
    best = objective(X, Y, norms, 5.0, reference(X, Y, norms, 5.0))
    assert objective(X, Y, norms, 5.0, found.W) == pytest.approx(best, rel=1e-8)


@every_space
def test_working_sets_grow_to_all_that_matters(space):
    # More rows than a working set begins with, nearly all of them used.
    X, Y = problem(400, 150, 3)
    limit = {"max_gap": 1e-9 * (Y**2).sum(), "max_iter": 50_000}
    found = block_descent(space(X, Y), RowNorms(l21=1.0), alpha=1.0, **limit)
    assert found.gap <= limit["max_gap"]
    assert np.count_nonzero(found.W.any(axis=1)) > 100


@every_space
def test_one_task_is_the_lasso(space):
    X, Y = problem(n_tasks=1)
    limit = {"max_gap": 1e-12, "max_iter": 5000}
    as_l1 = block_descent(space(X, Y), RowNorms(l1=1.0), alpha=5.0, **limit)
    as_l21 = block_descent(space(X, Y), RowNorms(l21=1.0), alpha=5.0, **limit)
    np.testing.assert_allclose(as_l1.W, as_l21.W, atol=1e-6)


@every_space
def test_ends_at_the_limit_of_sweeps_and_of_rounding(space):
    X, Y = problem()
    few = block_descent(space(X, Y), RowNorms(l21=1.0), alpha=1.0, max_gap=1e-12, max_iter=2)
    assert few.n_iter == 2
    assert few.gap > 1e-12
    never = block_descent(space(X, Y), RowNorms(l21=1.0), alpha=20.0, max_gap=-1.0, max_iter=10**6)
    assert never.n_iter < 10_000
    assert never.gap <= 1e-12 * (Y**2).sum()


@every_space
def test_data_and_start_are_left_alone(space):
    X, Y = problem()
    W0 = np.ones((X.shape[1], Y.shape[1]))
    copies = X.copy(), Y.copy(), W0.copy()
    block_descent(space(X, Y), RowNorms(l21=1.0), alpha=5.0, W0=W0, max_gap=1e-6, max_iter=100)
    for array, copy in zip((X, Y, W0), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_infeasible_start_is_repaired():
    X, Y = problem()
    W0 = -np.ones((X.shape[1], Y.shape[1]))
    limit = {"alpha": 5.0, "max_gap": 1e-10, "max_iter": 5000}
    found = block_descent(SPACES["gram"](X, Y), NORMS["positive"], W0=W0, **limit)
    assert (found.W >= 0).all()
    np.testing.assert_allclose(found.W, reference(X, Y, NORMS["positive"], 5.0), atol=1e-6)
