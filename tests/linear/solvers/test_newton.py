"""Newton's method: its systems, its optima and its certificates."""

import warnings

import numpy as np
import pytest
from scipy import optimize, sparse, special
from sklearn.exceptions import ConvergenceWarning

from skmtl import MultiTaskLinear, MultiTaskLinearClassifier
from skmtl.linear.objective._data_point import LinearisedPoint
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import parts_for
from skmtl.linear.objective._setup import state_loss
from skmtl.linear.penalties import L2, Graph, MeanDeviation
from skmtl.linear.solvers import Newton, Stopping
from skmtl.linear.solvers import _newton as newton
from skmtl.linear.solvers.newton import _class_newton as class_newton
from skmtl.linear.solvers.newton import _hessian_choice as hessian_choice
from skmtl.linear.solvers.newton import _label_newton as label_newton
from skmtl.linear.solvers.newton._hessian_choice import KEEP, ROUGH
from skmtl.linear.solvers.newton._hessians import hessians
from skmtl.linear.solvers.newton._newton_system import newton_system
from skmtl.linear.solvers.newton._quadratic_penalty import QuadraticPenalty
from skmtl.tasks import Quantile, Regression
from skmtl.tasks._read_targets import read_targets
from tests.linear.conftest import MIXED

ADJACENCY = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
PENALTIES = {
    "l2": L2(),
    "mean": MeanDeviation(),
    "mean+l2": MeanDeviation() + 0.3 * L2(),
    "graph": Graph(ADJACENCY),
    "graph+l2": Graph(ADJACENCY) + 0.3 * L2(),
}
INTERCEPTS = {
    "none": {"fit_intercept": False},
    "free": {"intercept_alpha": 0.0},
    "shrunk": {"intercept_alpha": 0.5},
    "one": {"intercept_alpha": np.inf},
}
KINDS = ["binary", "count", "multiclass", "huber", "mixed"]
every_penalty = pytest.mark.parametrize("penalty", sorted(PENALTIES))
every_intercept = pytest.mark.parametrize("intercept", sorted(INTERCEPTS))


def labels(kind, F, rng):
    """Labels (n, 3) of raw scores F, and their task types."""
    binary = (F + rng.logistic(size=F.shape) > 0) * 1.0
    count = rng.poisson(np.exp(0.5 * F)) * 1.0
    number = F + rng.standard_t(2, size=F.shape)
    huber = Regression("huber", delta=0.8)
    return {
        "binary": (binary, ["binary"] * 3),
        "count": (count, ["count"] * 3),
        "multiclass": (np.digitize(F + rng.logistic(size=F.shape), [-1, 1]), ["multiclass"] * 3),
        "huber": (number, [huber] * 3),
        "mixed": (np.column_stack([binary[:, 0], count[:, 1], number[:, 2]]),
                  ["binary", "count", huber]),
    }[kind]  # fmt: skip


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def data(kind):
    """X (60, 4) with means, Y (60, 3) with gaps, weights, task types."""
    rng = np.random.default_rng(0)
    X = rng.normal([0.0, 1.0, -1.0, 0.5], size=(60, 4))
    F = (X - X.mean(axis=0)) @ (rng.normal(size=(4, 1)) + 0.5 * rng.normal(size=(4, 3)))
    Y, tasks = labels(kind, F, rng)
    Y = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
    return X, Y, rng.uniform(0.5, 2.0, Y.shape), tasks


def stated(data, penalty, intercept, alpha=0.1, **options):
    """The problem of a fit as the solver gets it, and where it starts."""
    X, Y, weights, tasks = data
    targets = read_targets(Y, declared=tasks, sample_weight=weights)
    fit = FitOptions(alpha=alpha, **INTERCEPTS[intercept], **options)
    parts = parts_for(PENALTIES[penalty], alpha, X.shape[1], targets.tasks, positive=False)
    loss = state_loss(X, targets, targets.label_weights(), fit, on_grams=False)
    setup = loss.with_penalty(parts, centred=False)
    return setup.problem, setup.start(None)


def dense(problem, point):
    """Hessian of the objective over all parameters."""
    H = np.array([problem.hessian(d, point) for d in np.eye(problem.size)])
    n_outputs, intercept = problem.shape[1], problem.intercept
    if intercept and intercept.is_shrunk:
        J = np.kron(np.full((3, 3), 1.0 / 3.0), np.eye(n_outputs // 3))
        H[-n_outputs:, -n_outputs:] += intercept.alpha * (np.eye(n_outputs) - J)
    return H


@every_penalty
@every_intercept
def test_systems_are_those_of_the_whole_hessian(penalty, intercept, data):
    problem, start = stated(data, penalty, intercept)
    rng = np.random.default_rng(1)
    theta = 0.3 * rng.normal(size=problem.size)
    descent = newton._Descent(problem, start)
    point = problem.at(theta)
    shape = descent.theta.shape
    if intercept == "one":
        theta.reshape(shape)[-1] = theta.reshape(shape)[-1].mean()
    quadratic = QuadraticPenalty(problem)
    system = newton_system(quadratic, hessians(point, quadratic, shape[1]))
    H = dense(problem, point)
    expand = np.eye(problem.size)
    if intercept == "one":
        one = np.kron(np.full((3, 3), 1.0 / 3.0), np.eye(shape[1] // 3))
        expand[-shape[1] :, -shape[1] :] = one
    H = expand @ H @ expand
    x = rng.normal(size=(shape[0], 3, shape[1] // 3))
    if shape[1] > 3:
        # Along which softmax does not bend, and no gradient leads.
        x -= x.mean(axis=2, keepdims=True)
    g = H @ (expand @ x.ravel())
    solved = system.solve(g.reshape(shape)).ravel()
    np.testing.assert_allclose(H @ solved, g, atol=1e-9 * np.abs(g).max())
    np.testing.assert_allclose(expand @ solved, solved, atol=1e-9 * np.abs(solved).max())
    penalised = quadratic.gradient(theta.reshape(shape)).ravel()
    loss_H = np.array(
        [problem.pull(*point.hessian(*problem.coefficients(d))) for d in np.eye(problem.size)]
    )
    if intercept != "one":
        np.testing.assert_allclose(penalised, (H - loss_H) @ theta, atol=1e-9)


def objective(data, penalty, intercept, alpha):
    """The objective of W and b and its gradient, from the definitions."""
    X, Y, weights, tasks = data
    alpha_b = INTERCEPTS[intercept].get("intercept_alpha", 0.0)
    K = 3 if tasks[0] == "multiclass" else 1
    Q = {
        "l2": np.eye(3),
        "mean": np.eye(3) - 1 / 3,
        "graph": np.diag(ADJACENCY.sum(axis=0)) - ADJACENCY,
    }
    Q = Q[penalty.split("+")[0]] + 0.3 * np.eye(3) * ("+l2" in penalty)

    def value(flat):
        theta = flat.reshape(-1, 3 * K)
        W, b = theta[:-1], theta[-1]
        if intercept == "none":
            b = np.zeros_like(b)
        elif intercept == "one":
            b = np.tile(b[:K], 3)
        raw, total, slope = X @ W + b, 0.0, np.zeros((len(X), 3 * K))
        for t, task in enumerate(tasks):
            used = ~np.isnan(Y[:, t])
            y, c = Y[used, t], weights[used, t] / weights[used, t].sum()
            f = raw[used, t * K : (t + 1) * K]
            if task == "binary":
                loss, s = np.logaddexp(0, f[:, 0]) - y * f[:, 0], special.expit(f) - y[:, None]
            elif task == "count":
                mean = np.exp(f)
                loss = mean[:, 0] - y * f[:, 0] + special.xlogy(y, y) - y
                s = mean - y[:, None]
            elif task == "multiclass":
                codes = y.astype(int)
                loss = special.logsumexp(f, axis=1) - f[range(len(f)), codes]
                s = special.softmax(f, axis=1) - np.eye(3)[codes]
            else:
                r = f[:, 0] - y
                loss, s = special.huber(0.8, r), np.clip(r, -0.8, 0.8)[:, None]
            total += c @ loss
            slope[used, t * K : (t + 1) * K] = c[:, None] * s
        by_task = W.reshape(len(W), 3, K)
        bent = alpha * np.einsum("pck,cd->pdk", by_task, Q)
        total += 0.5 * (by_task * bent).sum()
        gW, gb = X.T @ slope + bent.reshape(W.shape), slope.sum(axis=0)
        if intercept == "shrunk":
            away = (b.reshape(3, K) - b.reshape(3, K).mean(axis=0)).ravel()
            total, gb = total + 0.5 * alpha_b * away @ away, gb + alpha_b * away
        elif intercept == "one":
            gb = np.concatenate([gb.reshape(3, K).sum(axis=0), np.zeros(2 * K)])
        elif intercept == "none":
            gb = np.zeros_like(gb)
        return total, np.vstack([gW, gb]).ravel()

    return value, (X.shape[1] + 1) * 3 * K


@every_penalty
@every_intercept
def test_optima_are_those_of_scipy(penalty, intercept, data):
    value, size = objective(data, penalty, intercept, 0.1)
    options = {"gtol": 1e-9, "maxiter": 10_000}
    least = optimize.minimize(value, np.zeros(size), jac=True, method="BFGS", options=options).fun
    X, Y, weights, tasks = data
    model = MultiTaskLinear(
        PENALTIES[penalty],
        alpha=0.1,
        tasks=tasks,
        solver="newton",
        tol=1e-7,
        scale_targets=False,
        shared_alpha=0.0,
        max_iter=30,
        **INTERCEPTS[intercept],
    ).fit(X, Y, sample_weight=weights)
    theta = np.vstack([model.coef_.T, model.intercept_])
    above = value(theta.ravel())[0] - least
    assert -1e-12 <= above <= model.dual_gap_ + 1e-8
    assert model.n_iter_ <= 15


def long(data):
    """The rows of `data` below each other, and the task they belong to."""
    X, Y, weights, _ = data
    index, rows = np.nonzero(~np.isnan(Y).T)
    return X[rows], Y[rows, index], weights[rows, index], index


@pytest.mark.parametrize("kind", ["binary", "count", "multiclass"], indirect=True)
@pytest.mark.parametrize("penalty", ["l2", "mean", "graph"])
@every_intercept
@pytest.mark.parametrize("as_sparse", [False, True])
def test_long_form_is_the_wide_one(penalty, intercept, as_sparse, data):
    X, Y, weights, tasks = data
    options = {"alpha": 0.05, "shared_alpha": 0.02, "solver": "newton", "tol": 1e-9}
    options |= INTERCEPTS[intercept]
    wide = MultiTaskLinear(PENALTIES[penalty], tasks=tasks, **options)
    wide.fit(sparse.csr_array(X) if as_sparse else X, Y, sample_weight=weights)
    rows, y, row_weights, index = long(data)
    stacked = np.column_stack([index, rows])
    model = MultiTaskLinear(PENALTIES[penalty], tasks=tasks[0], task_feature=0, **options)
    model.fit(sparse.csr_array(stacked) if as_sparse else stacked, y, sample_weight=row_weights)
    np.testing.assert_allclose(model.coef_.reshape(wide.coef_.shape), wide.coef_, atol=1e-4)


@pytest.mark.parametrize("penalty", ["mean+l2", "graph+l2"])
@pytest.mark.parametrize("kind", ["huber"], indirect=True)
def test_quantiles_of_tasks_are_compared_level_by_level(penalty, data):
    """Levels have nothing to do with each other: each is a model of that quantile alone."""
    rows, y, row_weights, index = long(data)
    fits = {}
    for levels in [(0.2, 0.5, 0.7), (0.2,), (0.5,), (0.7,)]:
        model = MultiTaskLinear(
            PENALTIES[penalty],
            alpha=0.1 / len(levels),  # the loss is the mean over levels
            tasks=Quantile(levels),
            task_feature=0,
            intercept_alpha=0.5 / len(levels),
            shared_alpha=0.0,
            scale_targets=False,
            tol=1e-7,
        )
        model.fit(np.column_stack([index, rows]), y, sample_weight=row_weights)
        fits[levels] = model.coef_.reshape(3, len(levels), -1)
    together = fits.pop((0.2, 0.5, 0.7))
    np.testing.assert_allclose(together, np.concatenate(list(fits.values()), axis=1), atol=2e-3)


@pytest.mark.parametrize("penalty", ["l2", "mean"])
@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_steps_do_not_depend_on_the_scale_of_the_features(penalty, alpha, data):
    X, Y, weights, tasks = data
    options = {"tasks": tasks, "solver": "newton", "tol": 1e-7, "scale_targets": False}
    fits = []
    for scale in (1.0, 1e-6, 1e-3, 1e3, 1e6):
        model = MultiTaskLinear(PENALTIES[penalty], alpha=alpha * scale**2, **options)
        fits.append(model.fit(scale * X, Y, sample_weight=weights))
        assert abs(model.n_iter_ - fits[0].n_iter_) <= 3
        np.testing.assert_allclose(scale * model.coef_, fits[0].coef_, atol=2e-3)


def test_linearised_slopes_bound_the_distance():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 5))
    Y = (X @ rng.normal(size=(5, 3)) + rng.logistic(size=(80, 3)) > 0) * 1.0
    problem, start = stated((X, Y, np.ones_like(Y), ["binary"] * 3), "mean", "free")
    least = sum(problem.gap(Newton().solve(problem, start, Stopping(1e-12, 50)).x)) / 2.0
    descent = newton._Descent(problem, start)
    g, gaps = descent._gradient(), []
    for _ in range(5):
        before = descent.point
        g, expected, dual = descent._step(g, hessian_choice.EXACT)
        assert isinstance(dual, LinearisedPoint) and dual.point is before
        primal, bound = problem.gap(descent.x, descent.point, dual)
        assert bound <= least + 1e-12 and primal >= least - 1e-12
        gaps.append(primal - bound)
    # What is expected decides when a gap is asked for; it falls quadratically.
    assert gaps[-1] <= max(3.0 * expected, 1e-12)
    assert gaps[3] <= 1e-2 * gaps[2]


def test_separable_classes_end_early():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4))
    apart = X @ [1.0, -1.0, 0.5, 2.0] > 0
    Y = np.column_stack([apart, rng.random(100) < 0.5, apart])
    for penalty, alpha, columns in (("l2", 0.0, [0, 1, 2]), ("mean_deviation", 0.1, [0, 2])):
        model = MultiTaskLinearClassifier(penalty, alpha=alpha, shared_alpha=0.0, tol=1e-5)
        with pytest.warns(ConvergenceWarning, match="the classes are separable") as caught:
            model.fit(X, Y[:, columns])
        assert len(caught) == 1 and model.n_iter_ <= 40 and np.isfinite(model.dual_gap_)
        np.testing.assert_array_equal(model.predict(X)[:, 0], apart)
        assert np.abs(model.coef_).max() < 1e4


@pytest.mark.parametrize("alpha", [0.0, 1e-3])
def test_counts_far_from_the_start_do_not_overflow(alpha):
    rng = np.random.default_rng(0)
    X = 10.0 * rng.normal(size=(200, 3))
    y = rng.poisson(np.exp(np.minimum(0.4 * X[:, 0], 12.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MultiTaskLinear("l2", alpha=alpha, tasks="count", solver="newton", tol=1e-8)
        model.fit(X, y)
    assert model.n_iter_ <= 30


def test_collinear_and_constant_features_without_a_penalty():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    y = X[:, 0] + rng.logistic(size=100) > 0
    more = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(100), np.zeros(100)])
    plain, model = (
        MultiTaskLinearClassifier("l2", alpha=0.0, solver="newton", tol=1e-9).fit(F, y)
        for F in (X, more)
    )
    np.testing.assert_allclose(model.predict_proba(more), plain.predict_proba(X), atol=1e-6)
    assert model.n_iter_ <= 10 and np.abs(model.coef_).max() < 10.0
    np.testing.assert_array_equal(model.coef_[0, 4:], 0.0)


@pytest.mark.parametrize("tasks", [["binary"] * 3, ["multiclass"] * 3, MIXED])
def test_few_rows_stand_for_many(tasks, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 5)) @ (np.eye(5) + 0.5 * rng.normal(size=(5, 5)))
    F = X @ rng.normal(size=(5, 3))
    binary, several = F + rng.logistic(size=F.shape) > 0, np.digitize(F, [-1.0, 1.0])
    Y = several if tasks[0] == "multiclass" else binary
    if tasks is MIXED:
        Y = np.column_stack([F[:, 0], binary[:, 1], several[:, 2], rng.poisson(np.exp(F[:, 0]))])
    options = {"alpha": 0.01, "tasks": tasks, "solver": "newton", "tol": 1e-10}
    exact = MultiTaskLinear("l2", **options).fit(X, Y * 1.0)
    ways, step = [], newton._Descent._step
    monkeypatch.setattr(label_newton, "MAX_FEATURES", 0)
    monkeypatch.setattr(class_newton, "MAX_PRODUCTS", 0)
    monkeypatch.setattr(hessian_choice, "ENOUGH_ROWS", 100)
    monkeypatch.setattr(hessian_choice, "ROWS_PER_FEATURE", 1)
    choose = hessian_choice.HessianChoice
    monkeypatch.setattr(choose, "__call__", lambda *_: KEEP if ways else ROUGH)
    monkeypatch.setattr(
        newton._Descent, "_step", lambda self, g, way: ways.append(way) or step(self, g, way)
    )
    rough = MultiTaskLinear("l2", **options).fit(X, Y * 1.0)
    np.testing.assert_allclose(rough.coef_, exact.coef_, atol=1e-3)
    assert ways[:2] == [ROUGH, KEEP] and len(ways) <= 60


def test_what_it_lacks(data):
    X, Y, _, tasks = data
    for penalty, types, message in (
        ("l21", tasks, "needs a quadratic penalty"),
        ("dirty", tasks, "needs a quadratic penalty"),
        ("l2", ["regression"] * 3, "needs a loss that is not squared"),
    ):
        model = MultiTaskLinear(penalty, tasks=types, solver="newton", scale_targets=False)
        with pytest.raises(ValueError, match=message):
            model.fit(X, np.nan_to_num(Y) if types != tasks else Y)


@pytest.mark.parametrize("alpha", [0.0, 1e-2])
@pytest.mark.parametrize("penalty", ["l2", "mean_deviation"])
def test_labels_far_from_where_losses_bend(alpha, penalty):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    Y = 1e3 * (X @ rng.normal(size=(4, 2)) + rng.standard_t(1.5, size=(200, 2)))
    model = MultiTaskLinear(penalty, alpha=alpha, tasks=[Regression("huber")] * 2, tol=1e-7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y)
    assert model.n_iter_ <= 60
    R = X @ model.coef_.T + model.intercept_ - Y
    loss = special.huber(1.35, R).mean(axis=0).sum()
    null = special.huber(1.35, Y - np.median(Y, axis=0)).mean(axis=0).sum()
    assert loss <= null and 0.0 <= model.dual_gap_ <= 1e-7 * null * 1.5


def test_a_start_that_overflows_is_left():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), rng.poisson(2.0, size=50)
    data = X, np.column_stack([y] * 3), np.ones((50, 3)), ["count"] * 3
    problem, start = stated(data, "l2", "free")
    far = start._replace(W=start.W + 1e4)
    solution = Newton().solve(problem, far, Stopping(1e-8, 50))
    assert 0.0 <= solution.gap <= 1e-8


def test_no_tolerance_ends_where_nothing_moves():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), rng.integers(2, size=50)
    for penalty in ("l2", "mean_deviation"):
        model = MultiTaskLinearClassifier(penalty, alpha=0.1, tol=0.0, max_iter=500)
        model.fit(X, np.column_stack([y, 1 - y]))
        assert model.n_iter_ <= 60 and model.dual_gap_ <= 1e-13


@pytest.mark.parametrize("form", ["wide", "long"])
@pytest.mark.parametrize("penalty", ["l2", "mean_deviation", "temporal"])
def test_diagonals_and_single_tasks_stand_for_hessians(form, penalty, monkeypatch):
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(120, 4)) + 1.0, np.arange(120) % 3
    F = X @ rng.normal(size=(4, 3))
    Y = F + rng.logistic(size=F.shape) > 0
    if form == "wide":
        data, options = (X, Y), {}
    else:
        data, options = (np.column_stack([task, X]), Y[range(120), task]), {"task_feature": 0}
    model = MultiTaskLinearClassifier(penalty, alpha=0.05, tol=1e-9, solver="newton", **options)
    exact = model.fit(*data).coef_
    monkeypatch.setattr(label_newton, "MAX_FEATURES", 0)
    monkeypatch.setattr(hessian_choice, "MAX_UNKNOWN", 3)
    assert np.abs(model.fit(*data).coef_ - exact).max() < 1e-3
    monkeypatch.setattr(hessian_choice, "MAX_NUMBERS", 1)
    assert np.abs(model.fit(*data).coef_ - exact).max() < 1e-3
    assert model.dual_gap_ <= 1e-8
