"""Parts of compiled Newton steps against numpy."""

from types import SimpleNamespace

import numpy as np
import pytest

from skmtl._compile import compiler
from skmtl.linear.solvers.compiled import _label_newton as kernels
from skmtl.linear.solvers.compiled import _label_values, _newton_matrix
from skmtl.linear.solvers.newton._hessians import Hessians, shrink
from skmtl.tasks import Binary, Count, Regression


def from_outside(module):
    """The functions of a module that compiled code alone calls."""

    def callable_of(function):
        @compiler()
        def call(*arguments):
            return function(*arguments)

        return call

    names = [name for name, f in vars(module).items() if hasattr(f, "py_func")]
    return SimpleNamespace(**{name: callable_of(getattr(module, name)) for name in names})


matrices, values_of = from_outside(_newton_matrix), from_outside(_label_values)
CHUNK, MEMORY = _newton_matrix.CHUNK, _newton_matrix.MEMORY
TASKS = {"binary": Binary(), "count": Count(), "squared": Regression()}


class Data:
    """Rows as compiled steps take them, and as numpy does."""

    def __init__(self, name, n=300, p=6, seed=0):
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(n, p)) + 1.0
        self.offset = self.X.mean(axis=0)
        self.rows = np.column_stack([self.X - self.offset, np.ones(n)])
        f = self.rows @ rng.normal(size=p + 1)
        y = {"binary": f + rng.logistic(size=n) > 0, "count": rng.poisson(np.exp(f / 2))}
        self.y = np.asarray(y.get(name, f + rng.normal(size=n)), dtype=float)
        self.c = rng.random(n) * (rng.random(n) < 0.9) / n
        self.task, self.code = TASKS[name], TASKS[name].compiled_loss
        self.ridge, self.theta = np.full(8, 0.01), np.zeros(8)
        self.ridge[p] = 0.0
        self.theta[: p + 1] = 0.3 * rng.normal(size=p + 1)

    @property
    def given(self):
        """What all compiled functions take first, for one task."""
        code, delta = self.code
        labels = self.y[None], self.c[None], np.array([code]), np.array([delta])
        return self.X, self.offset, *labels, self.ridge

    def at(self, theta):
        """Scores, slopes, curvatures and the gradient of compiled code."""
        found = (*np.empty((3, 1, len(self.y))), np.empty((1, len(theta))))
        values_of.evaluate(self.given, np.array([0]), theta[None], found[:3], found[3])
        return [of_tasks[0] for of_tasks in found]


@pytest.fixture(params=TASKS)
def data(request):
    return Data(request.param)


@pytest.mark.parametrize("n", [1, 7, 8, 255])
def test_columns_are_the_rows(n):
    x, offset = np.random.default_rng(0).normal(size=(n, 5)), np.arange(5.0)
    features = np.zeros((8, CHUNK))
    matrices.columns_of(x, offset, features)
    np.testing.assert_array_equal(features[:5, :n], (x - offset).T)
    assert not features[5:].any() and not features[:, n:].any()


@pytest.mark.parametrize("has_intercept", [True, False])
def test_derivatives(data, has_intercept):
    if not has_intercept:
        data.ridge[6], data.theta[6] = 0.01, 0.0
    scores, slope, bend, g = data.at(data.theta)
    f = data.rows @ data.theta[:7]
    _, grad = data.task.loss_and_grad(f[:, None], data.y)
    h = data.c * data.task.curvature(f[:, None], data.y, np.ones((len(f), 1)))[:, 0]
    expected = data.rows.T @ (data.c * grad[:, 0]) + data.ridge[:7] * data.theta[:7]
    expected[6] *= has_intercept
    np.testing.assert_allclose(scores, f, atol=1e-13)
    np.testing.assert_allclose(slope, data.c * grad[:, 0], atol=1e-15)
    np.testing.assert_allclose(bend, h, atol=1e-15)
    np.testing.assert_allclose(g[:7], expected, atol=1e-14)
    assert g[7] == 0.0


@pytest.mark.parametrize("n_rows", [CHUNK, 40])
def test_weighted_gram(n_rows):
    data = Data("binary", n=1000)
    h, G = np.random.default_rng(1).random(1000), np.empty((8, 8))
    features = np.zeros((8, CHUNK))
    features[6] = 1.0
    some = data.X, data.offset, h, n_rows, features, np.empty_like(features), G
    n_taken = matrices.weighted_gram(*some)
    taken = np.arange(1000) % CHUNK < n_rows
    expected = (data.rows[taken] * h[taken, None]).T @ data.rows[taken]
    assert n_taken == taken.sum()
    np.testing.assert_allclose(np.tril(G)[:7, :7], np.tril(expected), atol=1e-11)
    assert not np.tril(G)[7].any()


def test_directions_solve_the_system_and_know_the_last_steps():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(8, 8))
    ridge, L = rng.random(8), A @ A.T
    H = L + np.diag(ridge)
    assert matrices.cholesky(L, ridge)
    np.testing.assert_allclose(np.tril(L), np.linalg.cholesky(H), atol=1e-12)
    g, d = rng.normal(size=8), np.empty(8)
    steps, changes = np.empty((MEMORY, 8)), np.empty((MEMORY, 8))
    matrices.direction(L, g, steps, changes, 0, d)
    np.testing.assert_allclose(H @ d, -g, atol=1e-11)
    for n_kept in range(1, MEMORY + 4):
        step = rng.normal(size=8)
        change = H @ step + 0.3 * step
        at = (n_kept - 1) % MEMORY
        steps[at], changes[at] = step, change
        matrices.direction(L, change, steps, changes, n_kept, d)
        np.testing.assert_allclose(d, -step, atol=1e-12)


def test_a_singular_system_is_refused():
    assert not matrices.cholesky(np.ones((4, 4)), np.zeros(4))
    assert not matrices.cholesky(np.full((4, 4), np.nan), np.ones(4))


def test_a_matrix_of_few_rows_is_made_like_that_of_numpy():
    A = np.random.default_rng(0).normal(size=(9, 5))
    H = A.T @ A
    found = H.copy()
    matrices.stand_for_all(found, 9, 100)
    shrink([Hessians(np.zeros((1, 1), dtype=int), H[None])], 9, 100)
    np.testing.assert_allclose(np.tril(found), 100 / 9 * np.tril(H), atol=1e-11)


def test_the_gap_is_that_of_the_objective_and_its_conjugate(data):
    scores, slope, bend, _ = data.at(data.theta)
    gap = values_of.duality_gap(data.given, 0, data.theta, scores, slope, bend)
    loss, _ = data.task.loss_and_grad(scores[:, None], data.y)
    u, seen = slope - slope.sum() / bend.sum() * bend, data.c > 0
    primal = data.c @ loss + 0.5 * 0.01 * np.sum(data.theta[:6] ** 2)
    conjugate = data.task.conjugate((u[seen] / data.c[seen])[:, None], data.y[seen])
    products = data.rows[:, :-1].T @ u
    bound = -data.c[seen] @ conjugate - products @ products / 0.02
    assert gap == pytest.approx(primal - max(bound, 0.0), rel=1e-10)


def steps(given, theta, n_rows, max_gap, max_iter=100):
    """The gap, and steps, of compiled code."""
    work = kernels.workspace(len(theta), len(given[0]), theta.shape[1])
    return kernels.newton_steps(given, theta, work, n_rows, max_gap, max_iter)


@pytest.mark.parametrize("n_rows", [8, CHUNK])
def test_steps_lead_to_the_optimum(data, n_rows):
    gaps, values = [], []
    for max_gap in (1e-6, 1e-13):
        theta = np.zeros_like(data.theta)
        gap, n_iter = steps(data.given, theta[None], n_rows, max_gap)
        assert gap <= max_gap and n_iter <= 30
        loss, _ = data.task.loss_and_grad((data.rows @ theta[:7])[:, None], data.y)
        values.append(data.c @ loss + 0.005 * np.sum(theta[:6] ** 2))
        gaps.append(gap)
    assert -1e-15 <= values[0] - values[1] <= gaps[0] + 1e-15


def test_what_cannot_be_reached_has_no_gap(data):
    gap, _ = steps(data.given, np.zeros((1, 8)), CHUNK, 0.0, max_iter=3)
    assert gap == np.inf


def several(n=600):
    """Tasks with the losses above on one X, of which two have all labels; and each by itself."""
    rng, parts = np.random.default_rng(1), [Data(name, n=n) for name in TASKS] + [Data("binary", n)]
    parts.append(Data("binary", n))
    for data in parts[-2:]:
        data.c = np.full(n, 1.0 / n)
        data.y = rng.permutation(data.y)
    X, offset, ridge = parts[0].X, parts[0].offset, parts[0].ridge
    labels = np.array([data.y for data in parts]), np.array([data.c for data in parts])
    codes, deltas = zip(*(data.code for data in parts), strict=True)
    return (X, offset, *labels, np.array(codes), np.array(deltas), ridge), parts


def test_several_tasks_at_a_time_are_each_by_itself():
    given, parts = several()
    theta = np.random.default_rng(2).normal(size=(len(parts), 8)) * 0.3
    theta[:, 7] = 0.0
    for tasks in ([0, 1, 2, 3, 4], [3, 1], [2]):
        found = (*np.full((3, len(parts), len(given[0])), np.nan), np.full(theta.shape, np.nan))
        values_of.evaluate(given, np.array(tasks), theta, found[:3], found[3])
        for t, data in enumerate(parts):
            for of_tasks, expected in zip(found, data.at(theta[t]), strict=True):
                if t in tasks:
                    np.testing.assert_allclose(of_tasks[t], expected, atol=1e-13)
                else:
                    assert np.isnan(of_tasks[t]).all()


@pytest.mark.parametrize("n_rows", [8, CHUNK])
def test_several_tasks_take_the_steps_of_each(n_rows):
    given, parts = several()
    theta, alone = np.zeros((5, 8)), np.zeros((5, 8))
    gap, n_iter = steps(given, theta, n_rows, 1e-12)
    found = [steps(data.given, alone[t, None], n_rows, 1e-12) for t, data in enumerate(parts)]
    assert gap <= 5e-12 and n_iter == max(n for _, n in found)
    np.testing.assert_allclose(theta, alone, atol=1e-8)


def test_one_matrix_is_that_of_another_where_curvatures_are_its_multiples():
    h = np.array([0.0, 1.0, 2.0, 0.5])
    assert matrices.proportion(3.0 * h, h) == 3.0
    assert matrices.proportion(h * [1.0, 1.0, 1.0 + 1e-6, 1.0], h) == 0.0
    assert matrices.proportion(np.maximum(h, 0.1), h) == 0.0
    assert matrices.proportion(h * [0.0, 0.0, 1.0, 1.0], h) == 0.0
    assert matrices.proportion(np.zeros(4), np.zeros(4)) == 0.0
