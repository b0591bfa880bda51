"""Whether a solver keeps what the linear estimators rely on."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import parts_for
from skmtl.linear.objective._setup import Setup, state_loss, without_center
from skmtl.linear.objective._statistics import gram_bytes
from skmtl.linear.objective._variables import Start
from skmtl.linear.penalties import L1, L2, L21, MeanDeviation, Penalty, Split, TraceNorm
from skmtl.linear.solvers import Case, ProximalGradient, Solution, Solver, Stopping
from skmtl.tasks import Binary, Regression, Task
from skmtl.tasks._read_targets import read_targets
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

PENALTIES: list[Penalty] = [
    L2(),
    MeanDeviation(),
    L21(),
    L1() + L2(0.5),
    L21(feature_weight=[1.0, 2.0, 0.5, 1.0]),
    TraceNorm(),
    L1() + TraceNorm(),
    Split(L21(), L1()),
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"fit_intercept": False},
    {"intercept_alpha": 0.5},
    {"center": True},
    {"positive": True},
]
REFERENCE_ITERATIONS = 50_000


def check_solver(
    solver: Solver, *, tol: float = 1e-6, max_iter: int = 20_000, random_state: int = 0
) -> None:
    """Check that a solver finds certified optima, or says what it needs.

    Small problems with complete and missing labels, regression and classes, eight penalties and
    several treatments of the intercepts are either refused, by a text, or solved: to the duality
    gap asked for, which bounds the distance to the optimum that proximal gradient finds. Started
    from its solution, a solver keeps it. It can be cloned and pickled.

    Parameters
    ----------
    solver : Solver
        An object, as an estimator takes it.
    tol : float, default=1e-6
        Duality gap to solve to, as a share of the loss of a constant prediction.
    max_iter : int, default=20000
        Iterations in which the solver gets there.
    random_state : int, default=0
        Seed of the data.

    Raises
    ------
    AssertionError
        For the first property that does not hold; the message names it, the solver and the
        problem.

    Examples
    --------
    >>> from skmtl.linear.solvers import ADMM
    >>> from skmtl.testing import check_solver
    >>> check_solver(ADMM())

    It says what is wrong, here of two iterations:

    >>> check_solver(ADMM(), max_iter=2)
    Traceback (most recent call last):
        ...
    AssertionError: solver ADMM() on complete labels, L2(), {}: the gap is 0.13 after 2 ...
    """
    _check_object(solver)
    n_solved = 0
    for small in _problems(random_state):
        missing = solver.lacks(small.case)
        if missing is None:
            _check_optimum(solver, small, tol, max_iter)
            n_solved += 1
        else:
            what = f"solver {solver!r} on {small.name}: lacks() is {missing!r}"
            _expect(isinstance(missing, str) and bool(missing), f"{what}; expected a text or None.")
    _expect(n_solved > 0, f"solver {solver!r} refuses every problem that it was asked to solve.")


@dataclass
class _SmallProblem:
    name: str
    targets: Targets
    X: Array
    case: Case
    centred: bool

    def set_up(self, solver: Solver) -> Setup:
        """The problem as this solver gets it; a new one, as solvers may scale it."""
        case = self.case
        data = self.X, self.targets, self.targets.label_weights(), case.options
        stated = state_loss(*data, on_grams=solver.needs_grams)
        return stated.with_penalty(list(case.parts), centred=self.centred)


def _problems(seed: int) -> Iterator[_SmallProblem]:
    rng = np.random.default_rng(seed)
    X = rng.normal([0.0, 1.0, -1.0, 2.0], size=(30, 4))
    Y = X @ (rng.normal(size=(4, 1)) + 0.5 * rng.normal(size=(4, 3))) + rng.normal(size=(30, 3))
    gaps = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
    labels: list[tuple[str, Array, Task]] = [
        ("complete labels", Y, Regression()),
        ("missing labels", gaps, Regression()),
        ("classes", (np.median(Y, axis=0) < Y).astype(float), Binary()),
    ]
    for kind, y, task in labels:
        for penalty in PENALTIES:
            for changed in OPTIONS:
                try:
                    yield _stated(f"{kind}, {penalty!r}, {changed}", X, y, task, penalty, changed)
                except ValueError:
                    # Penalties that have no prox over W >= 0.
                    continue


def _stated(
    name: str, X: Array, y: Array, task: Task, penalty: Penalty, changed: dict[str, Any]
) -> _SmallProblem:
    targets = read_targets(y, declared=clone(task))
    options = replace(FitOptions(alpha=0.1), **changed)
    tasks = targets.tasks
    parts = parts_for(penalty, options.alpha, X.shape[1], tasks, positive=options.positive)
    parts, weights = without_center(parts, tasks.n_tasks, center=options.center)
    is_squared = tasks.has_squared_loss
    n_bytes = gram_bytes(X, targets, targets.label_weights()) if is_squared else np.inf
    case = Case(tasks, parts, penalty, options, n_bytes)
    return _SmallProblem(name, targets, X, case, options.center and weights is None)


def _check_object(solver: Solver) -> None:
    _expect(isinstance(solver, Solver), f"{solver!r} is no skmtl.linear.solvers.Solver.")
    name = getattr(solver, "name", None)
    _expect(isinstance(name, str), f"solver {solver!r} has the name {name!r}; expected a str.")
    for copied in (clone(solver), pickle.loads(pickle.dumps(solver))):
        same = repr(copied) == repr(solver)
        _expect(same, f"solver {solver!r} cloned or pickled is {copied!r}.")


def _check_optimum(solver: Solver, small: _SmallProblem, tol: float, max_iter: int) -> None:
    what = f"solver {solver!r} on {small.name}"
    setup = small.set_up(solver)
    stopping = Stopping(tol * setup.null_loss, max_iter)
    found = solver.solve(setup.problem, setup.start(None), stopping)
    _expect(isinstance(found, Solution), f"{what}: solve() is {found!r}; expected a Solution.")
    value = _value(setup, found.x)
    _expect(
        0.0 <= found.gap <= stopping.max_gap,
        f"{what}: the gap is {found.gap:.3g} after {found.n_iter} iterations; expected at most "
        f"{stopping.max_gap:.3g}.",
    )
    optimum = _optimum(small)
    rounding = 1e-9 * setup.null_loss
    _expect(
        value - optimum <= found.gap + rounding,
        f"{what}: the objective is {value - optimum:.3g} above the optimum of proximal gradient, "
        f"but the gap that should bound this is {found.gap:.3g}.",
    )
    W, b = setup.problem.coefficients(found.x)
    again = small.set_up(solver)
    parts = setup.problem.split(found.x)[0].copy()
    warm = solver.solve(again.problem, Start(W, b, parts), stopping)
    _expect(
        _value(again, warm.x) - optimum <= max(warm.gap, 0.0) + rounding
        and warm.gap <= stopping.max_gap,
        f"{what}: started from its solution it ends {_value(again, warm.x) - optimum:.3g} above "
        f"the optimum, with a gap of {warm.gap:.3g}.",
    )


def _optimum(small: _SmallProblem) -> float:
    """Smallest objective that proximal gradient finds."""
    reference = ProximalGradient()
    setup = small.set_up(reference)
    stopping = Stopping(1e-9 * setup.null_loss, REFERENCE_ITERATIONS)
    return _value(setup, reference.solve(setup.problem, setup.start(None), stopping).x)


def _value(setup: Setup, x: Array) -> float:
    problem = setup.problem
    return problem.smooth_value(x, problem.at(x)) + problem.penalty_value(x)


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
