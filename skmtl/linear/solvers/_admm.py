"""Alternating direction method of multipliers: squared loss, few features, any prox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._anderson import Anderson
from skmtl.linear.solvers._base import Case, Solution, Solver, Stopping
from skmtl.linear.solvers._loss_step import LossStep
from skmtl.linear.solvers._needs import lacks_grams

Array = NDArray[Any]
Prox = Callable[[Array, float], Array]

MAX_EIGEN_WORK = 1e10
"""Largest number of Gram matrices times p^3 that are decomposed."""

CHECK_EVERY = 5
"""Iterations between two evaluations of the gap, each followed by an extrapolation or a change
of the step size."""
RELAXATION = 1.6
"""Over-relaxation; 1.5 to 1.8 are known to help (Boyd et al., section 3.4.3)."""
BALANCE = 2.0
"""Ratio of the residuals up to which the step size stays as it is, at first."""
LARGEST_CHANGE = 10.0
"""Largest factor on the step size at a time."""
RANGE = (1e-6, 1e6)
"""Of the step size, relative to the largest curvature: where nothing is penalised and the loss is
flat, a smaller one would let rounding grow."""


class ADMM(Solver):
    """Squared loss and few features, with any penalty that has a prox: see `admm`."""

    name = "admm"
    needs_grams = True

    def lacks(self, case: Case) -> str | None:
        if missing := lacks_grams(case):
            return missing
        if case.n_grams * case.n_features**3 > MAX_EIGEN_WORK:
            return (
                f"fewer features: {case.n_grams:.0f} matrices of {case.n_features} features are "
                "too many to decompose"
            )
        return None

    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        return admm(
            problem,
            problem.proxes(),
            problem.start(*start),
            max_gap=stopping.max_gap,
            max_iter=stopping.max_iter,
        )


def admm(
    problem: Any,
    proxes: Sequence[Sequence[Prox]],
    x: Array,
    *,
    max_gap: float,
    max_iter: int,
) -> Solution:
    r"""Minimise :math:`F(\sum_k P_k) + \sum_{kc} \Omega_{kc}(P_k)` until the duality gap is small.

    With copies :math:`V_{kc} = P_k` of part k for each of its :math:`n_k` penalties, scaled
    multipliers :math:`U_{kc}`, the mean :math:`A_k` of :math:`V_{kc} - U_{kc}` over c, and
    :math:`m = \sum_k 1 / n_k`, an iteration is

    .. math:: (G_t + \tfrac{\rho}{m} I) w_t = q_t + \tfrac{\rho}{m} \sum_k a_{kt}, \quad
              P_k = A_k + \tfrac{1}{n_k m} (W - \sum_l A_l), \quad
              V_{kc} = \mathrm{prox}_{\Omega_{kc} / \rho}(P_k + U_{kc}), \quad
              U_{kc} += P_k - V_{kc}

    [1]_; the first step, `LossStep`, takes intercepts along. The Gram matrices are decomposed
    once, so that changing :math:`\rho` is free: it balances the residuals relative to the size of
    what they are residuals of [2]_, as the parts and their multipliers have scales of their own,
    which alpha sets far apart. While :math:`\rho` stays, V + U is the iterate of a nonexpansive
    map and is extrapolated. The primal value is taken at V, the last copy of each part, the dual
    one from the gradient at W, which is close to feasible.

    Parameters
    ----------
    problem : Problem
        With `StatisticsLoss`.
    proxes : sequence of sequences of callables ``prox(V, step)``
        For each part: those of the problem, and the shared part last where it is centred.
    x : ndarray
        Parameters to start from.
    max_gap : float
        Stop at this duality gap.
    max_iter : int
        Largest number of iterations.

    References
    ----------
    .. [1] S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, "Distributed optimization and
       statistical learning via the alternating direction method of multipliers", Foundations
       and Trends in Machine Learning 3, 2011, sections 3 and 7.3.
    .. [2] B. Wohlberg, "ADMM penalty parameter selection by residual balancing",
       arXiv:1704.06209, 2017, sections 4 and 5.
    """
    gap = np.inf
    for found in splitting(problem, proxes, x, max_iter=max_iter):
        x, gap = found.x, found.gap
        if gap <= max_gap:
            return Solution(x, gap, found.n_iter)
    return Solution(x, gap, max_iter)


@dataclass(frozen=True)
class Splitting:
    """Where ADMM is when it has evaluated the gap.

    Attributes
    ----------
    x : ndarray
        Parameters as `Problem.split` understands them.
    primal, gap : float
        Value at ``x``, and what it is above the largest lower bound so far.
    n_iter : int
        Iterations so far.
    W, b : ndarray
        Coefficients of the loss, whose gradient gave the bound.
    rho : float
        Step size.
    V, U : ndarray
        Copies of the parts, and scaled multipliers.
    """

    x: Array
    primal: float
    gap: float
    n_iter: int
    W: Array
    b: Array
    rho: float
    V: Array
    U: Array


def splitting(
    problem: Any,
    proxes: Sequence[Sequence[Prox]],
    x: Array,
    *,
    max_iter: int,
    last: Splitting | None = None,
) -> Iterator[Splitting]:
    """The iterations of `admm` from ``x``, or from the last of those of a problem close by."""
    loss_step = LossStep(
        problem.loss.statistics, problem.intercept.alpha if problem.intercept else None
    )
    copies = _Copies([len(found) for found in proxes])
    flat = [prox for found in proxes for prox in found]
    m = float(copies.fractions.sum())
    size = _StepSize(m * loss_step.typical, m * loss_step.largest)
    if last is None:
        V, U = _start(problem, loss_step, copies, x, size.rho)
    else:
        size.rho, V, U = last.rho, copies.of(problem.unpack(x)), last.U
    rho = size.rho
    iterates = Anderson(V + U)
    lower = -np.inf
    for n_iter in range(1, max_iter + 1):
        A = copies.mean(V - U)
        total = A.sum(axis=0)
        W, b = loss_step.solve(rho / m, total)
        P = copies.of(A + copies.fractions / m * (W - total))
        step = RELAXATION * (P - V)
        if (back := iterates.undo(step)) is not None:
            V, U = _proximal(flat, back, rho)
            continue
        Z, before = V + U + step, V
        V, U = _proximal(flat, Z, rho)
        iterates.remember(Z)
        if n_iter % CHECK_EVERY == 0 or n_iter == max_iter:
            parts = copies.last(V)
            x = problem.pack(parts, loss_step.intercepts(parts.sum(axis=0)))
            problem.use_subgradients(copies.split(rho * U))
            primal, bound = problem.gap(x, dual_point=problem.loss.at(W, b))
            lower = max(lower, bound)
            yield Splitting(x, primal, max(primal - lower, 0.0), n_iter, W, b, rho, V, U)
            factor = size.balance(_relative(P - V, V), _relative(V - before, U))
            if factor == 1.0:
                V, U = _proximal(flat, iterates.extrapolate(), rho)
            else:
                rho, U = size.rho, U / factor
                iterates = Anderson(V + U)


def _start(
    problem: Problem, loss_step: LossStep, copies: _Copies, x: Array, rho: float
) -> tuple[Array, Array]:
    """Copies V of the parts at x, and scaled multipliers U."""
    parts = problem.unpack(x)
    V, W = copies.of(parts), parts.sum(axis=0)
    U = np.zeros_like(V)
    # The multipliers of a solution are minus the gradient: a warm start takes few steps.
    if W.any():
        gradient = problem.loss.at(W, loss_step.intercepts(W)).gradient[0]
        U -= copies.of(copies.fractions * gradient) / rho
    return V, U


class _Copies:
    """Copies of each part, one after the other along the first axis."""

    def __init__(self, counts: Sequence[int]) -> None:
        self._counts = np.array(counts)
        self._ends = np.cumsum(counts)
        self.fractions = (1.0 / self._counts)[:, None, None]

    def of(self, parts: Array) -> Array:
        """Every part as often as it is copied."""
        return parts.repeat(self._counts, axis=0)

    def mean(self, V: Array) -> Array:
        """Mean over the copies of each part."""
        sums: Array = np.add.reduceat(V, self._ends - self._counts, axis=0)
        return self.fractions * sums

    def last(self, V: Array) -> Array:
        """The last copy of each part."""
        return V[self._ends - 1]

    def split(self, V: Array) -> list[Array]:
        """The copies of each part."""
        return np.split(V, self._ends[:-1])


def _proximal(proxes: Sequence[Prox], Z: Array, rho: float) -> tuple[Array, Array]:
    """V = prox(Z) and the scaled multipliers, what it takes from Z."""
    V = np.array([prox(z, 1.0 / rho) for prox, z in zip(proxes, Z, strict=True)])
    return V, Z - V


def _relative(residual: Array, whole: Array) -> float:
    size, left = float(np.linalg.norm(whole)), float(np.linalg.norm(residual))
    # Beside coefficients that are all 0, say, any residual is large.
    return left / size if size > 0 else (np.inf if left > 0 else 0.0)


class _StepSize:
    """Brings the two relative residuals together, until it would go round in circles."""

    def __init__(self, rho: float, curvature: float) -> None:
        self.rho = rho
        self._lowest, self._highest = RANGE[0] * curvature, RANGE[1] * curvature
        self._band, self._latest = BALANCE, 1.0

    def balance(self, primal: float, dual: float) -> float:
        """Change the step size; the factor on it."""
        if primal == dual:
            return 1.0
        ratio = primal / dual if dual > 0 else np.inf
        if 1 / self._band <= ratio <= self._band:
            return 1.0
        factor = float(np.clip(np.sqrt(ratio), 1 / LARGEST_CHANGE, LARGEST_CHANGE))
        rho = float(np.clip(factor * self.rho, self._lowest, self._highest))
        factor, self.rho = rho / self.rho, rho
        if (factor - 1.0) * (self._latest - 1.0) < 0:
            # Convergence needs a step size that comes to rest.
            self._band *= 2.0
        self._latest = factor
        return factor
