"""Steps of tasks by themselves, and their parts, against numpy."""

import numpy as np
import pytest

from skmtl.linear.solvers.newton import _label_rows, _label_steps
from skmtl.linear.solvers.newton._hessian_choice import EXACT, KEEP, ROUGH
from skmtl.linear.solvers.newton._label_rows import LabelRows
from skmtl.linear.solvers.newton._label_steps import LabelSteps
from skmtl.tasks import Binary, Count, Regression

TASKS = {"binary": Binary(), "count": Count(), "squared": Regression()}


class Data:
    """Rows of one task as steps take them, and as numpy does."""

    def __init__(self, name, n=300, p=6, seed=0, has_intercept=True):
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(n, p)) + 1.0
        self.offset = self.X.mean(axis=0)
        ones = np.ones((n, int(has_intercept)))
        self.rows = np.column_stack([self.X - self.offset, ones])
        f = self.rows @ rng.normal(size=self.rows.shape[1])
        y = {"binary": f + rng.logistic(size=n) > 0, "count": rng.poisson(np.exp(f / 2))}
        self.y = np.asarray(y.get(name, f + rng.normal(size=n)), dtype=float)
        self.c = rng.random(n) * (rng.random(n) < 0.9) / n
        self.task, self.code = TASKS[name], TASKS[name].compiled_loss
        self.ridge = np.where(np.arange(self.rows.shape[1]) < p, 0.01, 0.0)
        self.theta = 0.3 * rng.normal(size=len(self.ridge))

    @property
    def given(self):
        code, delta = self.code
        labels = self.y[None], self.c[None], np.array([code]), np.array([delta])
        return LabelRows(self.X, self.offset, *labels, self.ridge)

    def value(self, theta):
        """The objective."""
        loss, _ = self.task.loss_and_grad((self.rows @ theta)[:, None], self.y)
        return self.c @ loss + 0.5 * self.ridge @ theta**2


def point_of(given, theta, tasks=(0,)):
    point = given.empty()
    given.evaluate(theta, np.array(tasks), point)
    return point


@pytest.fixture(params=TASKS)
def data(request):
    return Data(request.param)


@pytest.mark.parametrize("has_intercept", [True, False])
def test_hessians_by_products_are_those_of_sums(has_intercept, monkeypatch):
    data = Data("binary", has_intercept=has_intercept)
    bend = np.random.default_rng(1).random((3, len(data.X)))
    expected = [(data.rows * h[:, None]).T @ data.rows + np.diag(data.ridge) for h in bend]
    for few in (_label_rows.FEW_NUMBERS, 0):
        monkeypatch.setattr(_label_rows, "FEW_NUMBERS", few)
        np.testing.assert_allclose(data.given.hessians(bend), expected, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("n", [1, 3, 64, 65, 300])
@pytest.mark.parametrize("has_intercept", [True, False])
@pytest.mark.parametrize("name", TASKS)
def test_derivatives(name, has_intercept, n):
    data = Data(name, n=n, has_intercept=has_intercept)
    raw, slope, bend, g, bent = (of_tasks[0] for of_tasks in point_of(data.given, data.theta[None]))
    f = data.rows @ data.theta
    _, grad = data.task.loss_and_grad(f[:, None], data.y)
    h = data.c * data.task.curvature(f[:, None], data.y, np.ones((n, 1)))[:, 0]
    np.testing.assert_allclose(raw, f, atol=1e-13)
    np.testing.assert_allclose(slope, data.c * grad[:, 0], atol=1e-15)
    np.testing.assert_allclose(bend, h, atol=1e-15)
    assert bent == pytest.approx(h.sum())
    expected = data.rows.T @ (data.c * grad[:, 0]) + data.ridge * data.theta
    np.testing.assert_allclose(g, expected, atol=1e-14)
    H = data.given.hessians(bend[None])[0]
    expected = (data.rows * h[:, None]).T @ data.rows + np.diag(data.ridge)
    np.testing.assert_allclose(H, expected, atol=1e-13)


def test_the_gap_is_that_of_the_objective_and_its_conjugate(data):
    theta = data.theta[None]
    point = point_of(data.given, theta)
    (gap,) = data.given.gaps(theta, np.array([0]), point)
    slope, bend, seen = point.slope[0], point.bend[0], data.c > 0
    u = slope - slope.sum() / bend.sum() * bend
    conjugate = data.task.conjugate((u[seen] / data.c[seen])[:, None], data.y[seen])
    products = data.rows[:, :-1].T @ u
    bound = -data.c[seen] @ conjugate - products @ products / 0.02
    assert gap == pytest.approx(data.value(data.theta) - max(bound, 0.0), rel=1e-10)


class Way:
    """A choice that is made already: this matrix first, another one then."""

    def __init__(self, first, then=KEEP):
        self.ways, self.costs, self.n_since = iter([first]), {}, 0
        # Kept from the start is a matrix of the first steps, which look at some of many rows.
        self.row_step = _label_steps.MANY_ROWS if first == KEEP else 2
        self.then = then

    def __call__(self, target, expected):
        return next(self.ways, self.then)


@pytest.mark.parametrize("way", [(EXACT, EXACT), (EXACT, KEEP), (ROUGH, KEEP), (KEEP, KEEP)])
def test_steps_lead_to_the_optimum(data, way):
    gaps, values = [], []
    for max_gap in (1e-6, 1e-13):
        theta, gap, n_iter = LabelSteps(data.given, Way(*way)).run(np.zeros((1, 7)), max_gap, 100)
        assert gap <= max_gap and n_iter <= 30
        values.append(data.value(theta[0]))
        gaps.append(gap)
    assert -1e-15 <= values[0] - values[1] <= gaps[0] + 1e-15


def test_what_cannot_be_reached_has_no_solution(data):
    assert LabelSteps(data.given, Way(EXACT)).run(np.zeros((1, 7)), 0.0, 3) is None


def test_directions_know_the_last_steps():
    rng = np.random.default_rng(0)
    data = Data("squared")
    steps = LabelSteps(data.given, Way(EXACT))
    steps._form(data.given, data.c[None], np.array([0]))
    H = (data.rows * data.c[:, None]).T @ data.rows + np.diag(data.ridge)
    g = rng.normal(size=7)
    np.testing.assert_allclose(H @ steps._direction(g[None])[0], -g, atol=1e-11)
    for _ in range(_label_steps.MEMORY + 3):
        step = rng.normal(size=(1, 7))
        change = step @ (1.3 * H)
        inverse = 1.0 / (step * change).sum(axis=1, keepdims=True)
        steps.past = [*steps.past[1 - _label_steps.MEMORY :], (step, change, inverse)]
        np.testing.assert_allclose(steps._direction(change), -step, atol=1e-12)


def several(n=600):
    """Tasks with the losses above on one X, of which two have all labels; and each by itself."""
    rng, parts = np.random.default_rng(1), [Data(name, n=n) for name in TASKS] + [Data("binary", n)]
    parts.append(Data("binary", n))
    for data in parts[-2:]:
        data.c = np.full(n, 1.0 / n)
        data.y = rng.permutation(data.y)
    labels = np.array([data.y for data in parts]), np.array([data.c for data in parts])
    codes, deltas = zip(*(data.code for data in parts), strict=True)
    of_tasks = *labels, np.array(codes), np.array(deltas)
    return LabelRows(parts[0].X, parts[0].offset, *of_tasks, parts[0].ridge), parts


@pytest.mark.parametrize("tasks", [[0, 1, 2, 3, 4], [3, 1], [2]])
def test_several_tasks_at_a_time_are_each_by_itself(tasks):
    given, parts = several()
    theta = np.random.default_rng(2).normal(size=(len(parts), 7)) * 0.3
    found = given.empty()
    for of_tasks in found:
        of_tasks[:] = np.nan
    given.evaluate(theta, np.array(tasks), found)
    for t, data in enumerate(parts):
        for of_tasks, expected in zip(found, point_of(data.given, theta[t, None]), strict=True):
            if t in tasks:
                np.testing.assert_allclose(of_tasks[t], expected[0], atol=1e-13)
            else:
                assert np.isnan(of_tasks[t]).all()


@pytest.mark.parametrize("way", [(EXACT, KEEP), (EXACT, EXACT)])
def test_several_tasks_take_the_steps_of_each(way):
    given, parts = several()
    theta, gap, _ = LabelSteps(given, Way(*way)).run(np.zeros((5, 7)), 1e-12, 100)
    assert gap <= 5e-12
    for t, data in enumerate(parts):
        alone, _, _ = LabelSteps(data.given, Way(*way)).run(np.zeros((1, 7)), 1e-12, 100)
        np.testing.assert_allclose(theta[t], alone[0], atol=1e-8)


def test_one_matrix_is_that_of_all_where_curvatures_are_multiples():
    given, _ = several()
    rng = np.random.default_rng(0)
    h, factors = rng.random(600), np.array([1.0, 3.0, 0.5])
    for bend in (factors[:, None] * h, factors[:, None] * rng.random((3, 600)), np.zeros((3, 600))):
        for H, own in zip(given.hessians(bend), bend, strict=True):
            np.testing.assert_allclose(H, given.hessians(own[None])[0], atol=1e-11)
