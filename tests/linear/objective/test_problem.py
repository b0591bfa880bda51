"""The duality gap is a valid bound, and closes."""

import numpy as np
import pytest

from skmtl import MultiTaskLinear
from skmtl.linear.objective import _problem
from skmtl.linear.objective._curvature import Curvature
from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._problem import Intercept, Problem
from skmtl.linear.penalties import PENALTIES
from skmtl.tasks._read_targets import read_targets
from tests.linear.conftest import MIXED, PIECES, PLAIN

EVERY_PENALTY = sorted({*PENALTIES, *PIECES})
every_penalty = pytest.mark.parametrize("alias", EVERY_PENALTY)
INTERCEPTS = [None, 0.0, 0.5, np.inf]


def problem_for(X, Y, alias, alpha, intercept, centred, declared="auto"):
    targets = read_targets(Y, declared=declared, standardize="mixed")
    loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
    shape, n_tasks = (X.shape[1], targets.tasks.n_outputs), targets.tasks.n_tasks
    penalty = PIECES[alias] if alias in PIECES else PENALTIES[alias]()
    return Problem(
        loss,
        [PenaltyPart(part, alpha, shape, n_tasks) for part in penalty.parts()],
        shape,
        n_tasks=n_tasks,
        centred=centred,
        intercept=None if intercept is None else Intercept(intercept, scale=1.3),
    )


def value_at(problem, x):
    return problem.smooth_value(x, problem.at(x)) + problem.penalty_value(x)


def solve(problem):
    from skmtl.linear.solvers import proximal_gradient

    return proximal_gradient(problem, np.zeros(problem.size), max_gap=1e-10, max_iter=30_000)


@every_penalty
@pytest.mark.parametrize("intercept", INTERCEPTS)
def test_lower_bound_holds_everywhere_and_is_reached(alias, intercept, regression_data):
    X, Y = regression_data
    # Every penalty meets every intercept, and both meet a centre and none.
    centred = (EVERY_PENALTY.index(alias) + INTERCEPTS.index(intercept)) % 2 == 1
    Y[::3, 0] = Y[1::4, 2] = np.nan
    problem = problem_for(X, Y, alias, 0.3, intercept, centred)
    best = solve(problem)
    optimum = value_at(problem, best.x)
    assert best.gap <= 1e-10
    rng = np.random.default_rng(0)
    for size in (0.0, 1e-3, 0.1, 1.0):
        x = problem.prox(best.x + size * rng.normal(size=problem.size), 0.0)
        primal, bound = problem.gap(x)
        assert bound <= optimum + 1e-9 <= primal + 2e-9


def test_free_intercepts_of_many_outputs_are_found_as_those_of_few(mixed_data):
    X, Y = mixed_data
    problem = problem_for(X, Y, "l21", 0.05, 0.0, False, MIXED)
    x = solve(problem).x + 0.01 * np.random.default_rng(0).normal(size=problem.size)
    few = problem.gap(x)
    assert np.isfinite(few).all() and few[1] > 0.0
    problem.loss.has_few_outputs = False
    many = problem.gap(x)
    # By conjugate gradients, to a part of the loss.
    np.testing.assert_allclose(many, few, rtol=1e-3)


@pytest.mark.parametrize("alias", [*PLAIN, "l1+trace", "l21+linf"])
def test_mixed_losses_are_certified(alias, mixed_data):
    X, Y = mixed_data
    problem = problem_for(X, Y, alias, 0.05, 0.0, False, MIXED)
    best = solve(problem)
    optimum = value_at(problem, best.x)
    assert best.gap <= 1e-10
    rng = np.random.default_rng(0)
    for size in (1e-3, 0.1):
        primal, bound = problem.gap(best.x + size * rng.normal(size=problem.size))
        assert bound <= optimum + 1e-9 <= primal + 2e-9


def test_no_penalty_is_certified_too():
    # Labels that X hardly explains: nothing is separable, so that an optimum exists.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    Y = np.column_stack([rng.normal(size=150), *(rng.integers(k, size=150) for k in (2, 3, 4))])
    model = MultiTaskLinear("l21", alpha=0.0, tasks=MIXED, tol=1e-9, max_iter=20_000).fit(X, Y)
    assert model.dual_gap_ <= 1e-8


@pytest.mark.parametrize("options", [{"intercept_alpha": 0.1}, {"center": True}])
@pytest.mark.parametrize("n_tasks", [1, 2, 3])
def test_labels_that_are_met_exactly_are_certified(n_tasks, options):
    # What tasks share is free, and has more features than labels: all gradients are rounding.
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, y = (
            np.column_stack([np.arange(8) % n_tasks, rng.normal(size=(8, 9))]),
            rng.normal(size=8),
        )
        free = {"alpha": 0.03, "shared_alpha": 0.0, "intercept_alpha": 0.0, "task_feature": 0}
        model = MultiTaskLinear("mean_deviation", **{**free, **options}).fit(X, y)
        assert 0 <= model.dual_gap_ <= 1e-14
        np.testing.assert_allclose(model.predict(X), y)


@pytest.mark.parametrize("intercept", [0.0, np.inf])
@pytest.mark.parametrize("alias", ["l21", "mean_deviation", "fused"])
def test_no_bound_where_free_directions_are_not_at_rest(
    alias, intercept, regression_data, monkeypatch
):
    # At W = 0, b = 0 the dual value is half the sum of squares of y, which is no lower bound:
    # with free intercepts the optimum is far below.
    X, Y = regression_data
    problem = problem_for(X, Y + 10.0, alias, 0.3, intercept, False)
    start = np.zeros(problem.size)
    optimum = value_at(problem, solve(problem).x)
    assert problem.gap(start)[1] <= optimum
    monkeypatch.setattr(Problem, "_intercept_step", lambda *_: None)
    monkeypatch.setattr(
        _problem, "conjugate_gradients", lambda product, r, z, **_: (z, np.linalg.norm(r))
    )
    monkeypatch.setattr(Curvature, "solve_intercepts", lambda self, g: (0 * g, 1.0, 1.0))
    assert problem.gap(start) == (value_at(problem, start), 0.0)


@pytest.mark.parametrize("centred", [False, True])
def test_parameters_round_trip(centred, regression_data):
    X, Y = regression_data
    problem = problem_for(X, Y, "l21", 0.3, 0.0, centred)
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(5, 3)), rng.normal(size=3)
    again = problem.coefficients(problem.start(W, b))
    np.testing.assert_allclose(again[0], W, atol=1e-12)
    np.testing.assert_allclose(again[1], b, atol=1e-12)
    # Parts that are known stay where they are.
    for alias in ("l21", "robust", "split-of-groups"):
        whole = problem_for(X, Y, alias, 0.3, 0.0, centred)
        x = rng.normal(size=whole.size)
        again = whole.start(*whole.coefficients(x), whole.split(x)[0])
        np.testing.assert_allclose(again, x, atol=1e-12)
    # `pull` is the adjoint of `coefficients`.
    x, gW, gb = rng.normal(size=problem.size), rng.normal(size=W.shape), rng.normal(size=3)
    W_x, b_x = problem.coefficients(x)
    assert problem.pull(gW, gb) @ x == pytest.approx((gW * W_x).sum() + gb @ b_x)
