"""Parts of compiled Newton steps against numpy."""

import numpy as np
import pytest

from skmtl.linear.solvers.compiled import _label_newton as kernels
from skmtl.linear.solvers.newton._label_newton import _blocks, _padded
from skmtl.tasks import Binary, Count, Regression

TASKS = {"binary": Binary(), "count": Count(), "squared": Regression()}


class Data:
    """Rows as compiled steps take them, and as numpy does."""

    def __init__(self, name, n=300, p=6, seed=0):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, p)) + 1.0
        offset = X.mean(axis=0)
        self.rows = np.column_stack([X - offset, np.ones(n)])
        self.n, self.q = n, p + 1
        self.Z, _ = _blocks(n, p, p + 1)
        kernels.columns_of_labels(X, offset, self.Z)
        f = self.rows @ rng.normal(size=p + 1)
        y = {"binary": f + rng.logistic(size=n) > 0, "count": rng.poisson(np.exp(f / 2))}
        y = np.asarray(y.get(name, f + rng.normal(size=n)), dtype=float)
        c = rng.random(n) * (rng.random(n) < 0.9) / n
        self.flat = y, c
        self.y, self.c = (_padded(labels[:, None], self.Z)[0] for labels in (y, c))
        self.task, self.code = TASKS[name], TASKS[name].compiled_loss
        self.ridge = np.full(self.Z.shape[1], 0.01)
        self.ridge[p] = 0.0
        self.theta = np.zeros(self.Z.shape[1])
        self.theta[: p + 1] = 0.3 * rng.normal(size=p + 1)

    def at(self, theta):
        """Scores, slopes, curvatures and the gradient of compiled code."""
        found = (*np.empty((3, *self.y.shape)), np.empty(len(theta)))
        kernels.evaluate(self.Z, self.y, self.c, *self.code, self.ridge, theta, *found)
        return found


@pytest.fixture(params=TASKS)
def data(request):
    return Data(request.param)


@pytest.mark.parametrize("n", [1, 8, 255, 256, 257, 1000])
def test_blocks_hold_the_rows(n):
    X, offset = np.random.default_rng(0).normal(size=(n, 5)), np.arange(5.0)
    Z, _ = _blocks(n, 5, 6)
    kernels.columns_of_labels(X, offset, Z)
    rows = Z.swapaxes(1, 2).reshape(-1, Z.shape[1])
    np.testing.assert_array_equal(rows[:n, :5], X - offset)
    np.testing.assert_array_equal(rows[:n, 5], 1.0)
    assert not rows[n:].any() and not rows[:, 6:].any() and rows.shape[1] == 8


def test_derivatives(data):
    y, c = data.flat
    scores, slope, bend, g = data.at(data.theta)
    f = data.rows @ data.theta[: data.q]
    _, grad = data.task.loss_and_grad(f[:, None], y)
    expected = data.rows.T @ (c * grad[:, 0]) + (data.ridge * data.theta)[: data.q]
    np.testing.assert_allclose(scores.ravel()[: data.n], f, atol=1e-13)
    np.testing.assert_allclose(slope.ravel()[: data.n], c * grad[:, 0], atol=1e-15)
    np.testing.assert_allclose(g[: data.q], expected, atol=1e-14)
    assert not bend.ravel()[data.n :].any() and not g[data.q :].any()


@pytest.mark.parametrize("n_rows", [None, 40])
def test_weighted_gram(data, n_rows):
    m, q = data.Z.shape[2], data.q
    n_rows = n_rows or m
    h = _padded(np.random.default_rng(1).random((data.n, 1)), data.Z)[0]
    G = np.empty((data.Z.shape[1],) * 2)
    kernels.weighted_gram(data.Z, h, n_rows, np.empty((len(G), m)), G)
    taken = np.arange(data.n) % m < n_rows
    some = data.rows[taken] * (m / n_rows * h.ravel()[: data.n][taken])[:, None]
    expected = some.T @ data.rows[taken]
    np.testing.assert_allclose(np.tril(G)[:q, :q], np.tril(expected), atol=1e-11)


def test_directions_solve_the_system_and_know_the_last_steps():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(8, 8))
    ridge, L = rng.random(8), A @ A.T
    H = L + np.diag(ridge)
    assert kernels.cholesky(L, ridge)
    np.testing.assert_allclose(np.tril(L), np.linalg.cholesky(H), atol=1e-12)
    g, d = rng.normal(size=8), np.empty(8)
    steps, changes = np.empty((kernels.MEMORY, 8)), np.empty((kernels.MEMORY, 8))
    kernels.direction(L, g, steps, changes, 0, d)
    np.testing.assert_allclose(H @ d, -g, atol=1e-11)
    for n_kept in range(1, kernels.MEMORY + 4):
        step = rng.normal(size=8)
        change = H @ step + 0.3 * step
        at = (n_kept - 1) % kernels.MEMORY
        steps[at], changes[at] = step, change
        kernels.direction(L, change, steps, changes, n_kept, d)
        np.testing.assert_allclose(d, -step, atol=1e-12)


def test_a_singular_system_is_refused():
    assert not kernels.cholesky(np.ones((4, 4)), np.zeros(4))
    assert not kernels.cholesky(np.full((4, 4), np.nan), np.ones(4))


def test_a_matrix_of_few_rows_shrinks_as_that_of_numpy():
    from skmtl.linear.solvers.newton._hessians import Hessians, shrink

    A = np.random.default_rng(0).normal(size=(9, 5))
    H = A.T @ A
    found = H.copy()
    kernels.shrink(found, 9, 100)
    shrink([Hessians(np.zeros((1, 1), dtype=int), H[None])], 9, 100)
    np.testing.assert_allclose(np.tril(found), np.tril(H), atol=1e-12)


def test_the_gap_is_that_of_the_objective_and_its_conjugate(data):
    y, c = data.flat
    scores, slope, bend, _ = data.at(data.theta)
    gap = kernels.duality_gap(
        data.Z, data.y, data.c, *data.code, data.ridge, data.theta, scores, slope, bend
    )
    loss, _ = data.task.loss_and_grad(scores.ravel()[: data.n, None], y)
    u, h = slope.ravel()[: data.n], bend.ravel()[: data.n]
    u = u - u.sum() / h.sum() * h
    primal = c @ loss + 0.5 * 0.01 * np.sum(data.theta[: data.q - 1] ** 2)
    seen = c > 0
    conjugate = c[seen] @ data.task.conjugate((u[seen] / c[seen])[:, None], y[seen])
    products = data.rows[:, :-1].T @ u
    bound = -conjugate - products @ products / 0.02
    assert gap == pytest.approx(primal - max(bound, 0.0), rel=1e-10)


@pytest.mark.parametrize("n_rows", [8, 10**6])
def test_steps_lead_to_the_optimum(data, n_rows):
    m = data.Z.shape[2]
    gaps, thetas = [], []
    for max_gap in (1e-6, 1e-13):
        theta = np.zeros_like(data.theta)
        gap, n_iter = kernels.newton_steps(
            data.Z, data.y, data.c, *data.code, data.ridge, theta, min(n_rows, m), max_gap, 100
        )
        assert gap <= max_gap and n_iter <= 30
        gaps.append(gap)
        thetas.append(theta)
    y, c = data.flat
    values = []
    for theta in thetas:
        loss, _ = data.task.loss_and_grad((data.rows @ theta[: data.q])[:, None], y)
        values.append(c @ loss + 0.005 * np.sum(theta[: data.q - 1] ** 2))
    assert -1e-15 <= values[0] - values[1] <= gaps[0] + 1e-15


def test_what_cannot_be_reached_has_no_gap(data):
    theta = np.zeros_like(data.theta)
    steps = theta, data.Z.shape[2], 0.0, 3
    gap, _ = kernels.newton_steps(data.Z, data.y, data.c, *data.code, data.ridge, *steps)
    assert gap == np.inf
