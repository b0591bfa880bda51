"""Closed form for squared loss with quadratic penalties: ridge, pooled towards the mean, graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.objective._statistics_loss import StatisticsLoss
from skmtl.linear.objective._task_matrix import TaskMatrix
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Case, Solution, Solver, Stopping
from skmtl.linear.solvers._needs import lacks_grams
from skmtl.linear.solvers._normal_equations import (
    NormalEquations,
    mean_of_tasks,
    solve_symmetric,
    warn_not_unique,
)

Array = NDArray[Any]

MAX_UNKNOWN = 5000
"""Largest system in all coefficients that is solved directly."""


class ClosedForm(Solver):
    """Squared loss with quadratic penalties: linear systems."""

    name = "closed_form"
    needs_grams = True
    is_direct = True

    def lacks(self, case: Case) -> str | None:
        if missing := lacks_grams(case):
            return missing
        part = case.parts[0]
        if len(case.parts) > 1 or not part.is_quadratic:
            return "a quadratic penalty ('l2', 'mean_deviation', a graph, or a sum)"
        if part.Q.dense is None or (case.n_grams == 1 and not case.has_shrunk_intercepts):
            return None
        # Different Gram matrices and a graph: one system in all coefficients.
        if np.isinf(case.options.intercept_alpha) and case.has_shrunk_intercepts:
            return "intercept_alpha < inf for a graph over tasks"
        n_unknown = (case.n_features + 1) * part.n_tasks
        if n_unknown > MAX_UNKNOWN:
            return f"at most {MAX_UNKNOWN} coefficients for a graph over tasks, but got {n_unknown}"
        return None

    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        assert isinstance(problem.loss, StatisticsLoss)
        statistics, matrix = problem.loss.statistics, problem.parts[0].Q
        intercept_alpha = problem.intercept.alpha if problem.intercept else None
        if matrix.dense is None:
            W, b = closed_form(
                statistics,
                ridge=matrix.on_mean,
                deviation=matrix.on_deviation - matrix.on_mean,
                intercept_alpha=intercept_alpha,
            )
        else:
            W, b = closed_form_graph(statistics, matrix, intercept_alpha=intercept_alpha)
        x = problem.start(W, b)
        primal, lower = problem.gap(x)
        return Solution(x, max(primal - lower, 0.0), 1)


def closed_form(
    statistics: Statistics, *, ridge: float, deviation: float, intercept_alpha: float | None
) -> tuple[Array, Array]:
    r"""Coefficients W (p, T) and intercepts b (T,).

    ``ridge`` penalises :math:`\tfrac12 w_t^2`, ``deviation`` the distance from the mean;
    ``intercept_alpha`` is None where intercepts are free or absent: the statistics then are
    centred, or not, and the intercepts follow from the means.
    """
    if intercept_alpha is None:
        system = NormalEquations(statistics, ridge, deviation)
        W = system.solve(statistics.cross)
        return W, statistics.intercepts(W)
    if ridge or deviation:
        return _with_pulled_intercepts(statistics, ridge, deviation, intercept_alpha)
    if np.isinf(intercept_alpha):
        return _with_one_intercept(statistics)
    system = NormalEquations(statistics, 0.0, 0.0, intercept_alpha)
    solved = system.solve(np.vstack(_uncentred(statistics)))
    return solved[:-1], solved[-1]


def _with_pulled_intercepts(
    stats: Statistics, ridge: float, P: float, intercept_alpha: float
) -> tuple[Array, Array]:
    r"""Intercepts that are penalised, beside coefficients that are.

    Their distances from their mean :math:`\beta` pull at the coefficients with the force
    :math:`f_t = \omega_t (\bar y_t - b_t - \bar x_t' w_t) = \iota (b_t - \beta)`. On centred
    features, so that large means cost no digits, and with H, P and m of `NormalEquations`,

    .. math:: w_t = H_t^{-1} (q_t + P m) + f_t v_t, \quad v_t = H_t^{-1} \bar x_t, \quad
              f_t = \frac{c_t - \beta - P v_t' m}{1 / \omega_t + 1 / \iota + \bar x_t' v_t}, \quad
              c_t = \bar y_t - \bar x_t' H_t^{-1} q_t.

    The forces sum to 0 and the coefficients average to m: one small system.
    """
    system, means = NormalEquations(stats, ridge, P), stats.means_times(np.ones(len(stats.omega)))
    v = system.each(means)
    g = 1.0 / (1.0 / stats.omega + 1.0 / intercept_alpha + (means * v).sum(axis=0))
    c = stats.y_mean - (means * system.each(stats.cross)).sum(axis=0)
    share, m = g / g.sum(), np.zeros(len(v))
    if P:
        left, right = system.of_mean(stats.cross)
        apart = v - (v @ share)[:, None]
        left += P / len(g) * (apart * g) @ apart.T
        m = mean_of_tasks(left, right + apart @ (g * (c - share @ c)) / len(g))
    c = c - P * (m @ v)
    beta = share @ c
    force = g * (c - beta)
    W = system.each(stats.cross + P * m[:, None]) + force * v
    return W, beta + force / intercept_alpha


def closed_form_graph(
    statistics: Statistics, matrix: TaskMatrix, *, intercept_alpha: float | None
) -> tuple[Array, Array]:
    r"""Coefficients and intercepts for any matrix Q over tasks.

    With one Gram matrix G for all tasks, the eigenvectors of Q = U diag(q) U' separate the
    tasks: :math:`(G + q_k I) \tilde w_k = \tilde c_k` with :math:`\tilde W = W U`. Otherwise
    one system in all coefficients.
    """
    if len(statistics.gram) == 1 and intercept_alpha is None:
        values, vectors = np.linalg.eigh(statistics.gram[0])
        spread = vectors.T @ statistics.cross @ matrix.vectors
        scale = np.maximum(values, 0.0)[:, None] + matrix.values
        largest = scale.max(initial=0.0)
        inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 1e-12 * largest)
        W = vectors @ (spread * inverse) @ matrix.vectors.T
        return W, statistics.intercepts(W)
    return _one_system(statistics, matrix, intercept_alpha)


def _one_system(
    stats: Statistics, matrix: TaskMatrix, intercept_alpha: float | None
) -> tuple[Array, Array]:
    """All coefficients in one system of n_features times n_tasks unknowns."""
    system = NormalEquations(stats, 0.0, 0.0, intercept_alpha)
    Q = stats.cross if intercept_alpha is None else np.vstack(_uncentred(stats))
    q, n_tasks = Q.shape
    H = np.zeros((n_tasks, q, n_tasks, q))
    for A, members in system.stacks():
        for gram, tasks in zip(A, members, strict=True):
            for t in tasks:
                H[t, :, t, :] = gram
    for j in range(stats.n_features):
        H[:, j, :, j] += matrix.full
    if intercept_alpha is not None:
        H[:, -1, :, -1] += intercept_alpha * (np.eye(n_tasks) - 1.0 / n_tasks)
    flat = H.reshape(n_tasks * q, n_tasks * q)
    solved = solve_symmetric(flat[None], Q.T.reshape(1, -1, 1))[0].reshape(n_tasks, q).T
    if intercept_alpha is None:
        return solved, stats.intercepts(solved)
    return solved[:-1], solved[-1]


def _uncentred(stats: Statistics) -> tuple[Array, Array]:
    """Products with y of X and of the column of ones, not centred."""
    y_sums = stats.omega * stats.y_mean
    return stats.cross + stats.means_times(y_sums), y_sums


def _with_one_intercept(stats: Statistics) -> tuple[Array, Array]:
    """Least squares with one intercept: W is linear in it, so two solves give both."""
    system = NormalEquations(stats, 0.0, 0.0, uncentred=True)
    q, y_sums = _uncentred(stats)
    x_sums = stats.means_times(stats.omega)
    W_0, W_1 = system.solve(q), system.solve(x_sums)
    top, total = y_sums.sum() - np.vdot(x_sums, W_0), stats.omega.sum()
    beside = total - np.vdot(x_sums, W_1)
    if beside > 1e-12 * total:
        b = top / beside
    else:
        # Coefficients that no penalty acts on can be the intercept, too.
        warn_not_unique()
        b = 0.0
    return W_0 - b * W_1, np.full(W_0.shape[1], b)
