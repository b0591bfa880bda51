r"""Closed form for squared loss with quadratic penalties: ridge, pooled towards the mean.

For task t with Gram matrix G and product q (including a column for the intercept where that is
penalised), own penalty D and penalty P on the distance from the mean m, both diagonal,

.. math:: (G_t + D + P) w_t = q_t + P m, \qquad m = \tfrac1T \sum_t w_t,

so that :math:`\tfrac1T \sum_t H_t^{-1} (G_t + D) \, m = \tfrac1T \sum_t H_t^{-1} q_t` with
:math:`H_t = G_t + D + P`: one small system for the mean, then one for each task.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from skmtl._warnings import warn
from skmtl.linear.solvers._loss_step import LossStep

Array = NDArray[Any]

LARGEST_INVERSE = 1e12
"""Of features of length 1: a system whose inverse is larger is singular but for rounding."""

LARGE_MEAN = 1e6
"""Squared mean of a feature, in units of its variance, that costs too many digits."""

BYTES_AT_ONCE = 64 * 2**20
"""Size of the stack of Gram matrices solved at a time."""


def closed_form(
    statistics: Any, *, ridge: float, deviation: float, intercept_alpha: float | None
) -> tuple[Array, Array]:
    r"""Coefficients W (p, T) and intercepts b (T,).

    ``ridge`` penalises :math:`\tfrac12 w_t^2`, ``deviation`` the distance from the mean;
    ``intercept_alpha`` is None where intercepts are free or absent: the statistics then are
    centred, or not, and the intercepts follow from the means.
    """
    if intercept_alpha is None:
        system = _System(statistics, ridge, deviation)
        W = system.solve(statistics.cross)
        return W, statistics.y_mean - statistics.mean_product(W)
    if ridge and not deviation and _has_large_means(statistics):
        # The system below has the means squared; this one is of centred features.
        return LossStep(statistics, intercept_alpha).solve(ridge, np.zeros_like(statistics.cross))
    if np.isinf(intercept_alpha):
        return _with_one_intercept(statistics, ridge, deviation)
    system = _System(statistics, ridge, deviation, intercept_alpha)
    solved = system.solve(np.vstack(_uncentred(statistics)))
    return solved[:-1], solved[-1]


def _has_large_means(stats: Any) -> bool:
    spread = np.einsum("gjj->gj", stats.gram)[stats.group] / stats.omega[:, None]
    return bool((stats.x_mean[stats.group] ** 2 > LARGE_MEAN * spread).any())


def closed_form_graph(
    statistics: Any, matrix: Any, *, intercept_alpha: float | None
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
        return W, statistics.y_mean - statistics.mean_product(W)
    return _one_system(statistics, matrix, intercept_alpha)


def _one_system(stats: Any, matrix: Any, intercept_alpha: float | None) -> tuple[Array, Array]:
    """All coefficients in one system of n_features times n_tasks unknowns."""
    system = _System(stats, 0.0, 0.0, intercept_alpha)
    Q = stats.cross if intercept_alpha is None else np.vstack(_uncentred(stats))
    q, n_tasks = Q.shape
    H = np.zeros((n_tasks, q, n_tasks, q))
    for A, members in system._stacks():
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
        return solved, stats.y_mean - stats.mean_product(solved)
    return solved[:-1], solved[-1]


def _uncentred(stats: Any) -> tuple[Array, Array]:
    """Products with y of X and of the column of ones, not centred."""
    y_sums = stats.omega * stats.y_mean
    return stats.cross + stats.means_times(y_sums), y_sums


def _with_one_intercept(stats: Any, ridge: float, deviation: float) -> tuple[Array, Array]:
    """One intercept for all tasks: W is linear in it, so two solves give both."""
    system = _System(stats, ridge, deviation, uncentred=True)
    q, y_sums = _uncentred(stats)
    x_sums = stats.means_times(stats.omega)
    W_0, W_1 = system.solve(q), system.solve(x_sums)
    top, total = y_sums.sum() - np.vdot(x_sums, W_0), stats.omega.sum()
    beside = total - np.vdot(x_sums, W_1)
    if beside > 1e-12 * total:
        b = top / beside
    else:
        # Coefficients that no penalty acts on can be the intercept, too.
        _warn_not_unique()
        b = 0.0
    return W_0 - b * W_1, np.full(W_0.shape[1], b)


class _System:
    """The matrices :math:`G_t + D` and P, solved group by group."""

    def __init__(
        self,
        stats: Any,
        ridge: float,
        deviation: float,
        intercept_alpha: float | None = None,
        *,
        uncentred: bool = False,
    ) -> None:
        self.stats = stats
        self.with_ones = intercept_alpha is not None
        self.uncentred = uncentred or self.with_ones
        n_features = stats.n_features
        self.D = np.full(n_features + self.with_ones, ridge)
        self.P = np.full(n_features + self.with_ones, deviation)
        if intercept_alpha is not None:
            self.D[-1], self.P[-1] = 0.0, intercept_alpha
        # Tasks that share a Gram matrix are solved together; otherwise, in stacks.
        self.members = stats.members

    def _stacks(self) -> Iterator[tuple[Array, list[Array]]]:
        """:math:`G_t + D` of some groups (k, q, q), with the tasks of each."""
        q = len(self.D)
        n_at_once = max(1, BYTES_AT_ONCE // (8 * q * q))
        for start in range(0, len(self.stats.gram), n_at_once):
            some = slice(start, start + n_at_once)
            gram = self.stats.gram[some]
            members = self.members[some]
            if self.uncentred:
                gram = self._add_means(gram, self.stats.x_mean[some], members)
            A = gram.copy()
            A[:, range(q), range(q)] += self.D
            yield A, members

    def _add_means(self, gram: Array, means: Array, members: list[Array]) -> Array:
        omega = np.array([self.stats.omega[tasks[0]] for tasks in members])
        if self.with_ones:
            means = np.column_stack([means, np.ones(len(means))])
            gram = np.pad(gram, ((0, 0), (0, 1), (0, 1)))
        return gram + omega[:, None, None] * means[:, :, None] * means[:, None, :]

    def solve(self, Q: Array) -> Array:
        """Solution (q, T) for products Q (q, T)."""
        mean = self._mean(Q) if self.P.any() else np.zeros(len(self.P))
        return self._each(Q + (self.P * mean)[:, None])

    def _mean(self, Q: Array) -> Array:
        q, n_tasks = Q.shape
        left, right = np.zeros((q, q)), np.zeros(q)
        for A, members in self._stacks():
            H = A + np.diag(self.P)
            sums = np.array([Q[:, tasks].sum(axis=1) for tasks in members])
            counts = np.array([len(tasks) for tasks in members])
            solved = solve_symmetric(H, np.concatenate([A, sums[:, :, None]], axis=2))
            left += np.tensordot(counts, solved[:, :, :-1], axes=1)
            right += solved[:, :, -1].sum(axis=0)
        # The mean only enters through P m, and where P is 0 `left` has columns of the identity.
        used, mean = self.P > 0, np.zeros(q)
        mean[used] = least_squares(left[np.ix_(used, used)] / n_tasks, right[used] / n_tasks)
        return mean

    def _each(self, Q: Array) -> Array:
        solved = np.empty_like(Q)
        for A, members in self._stacks():
            H = A + np.diag(self.P)
            if all(len(tasks) == 1 for tasks in members):
                tasks = np.concatenate(members)
                solved[:, tasks] = solve_symmetric(H, Q[:, tasks].T[:, :, None])[:, :, 0].T
                continue
            for H_group, tasks in zip(H, members, strict=True):
                solved[:, tasks] = solve_symmetric(H_group[None], Q[None, :, tasks])[0]
        return solved


def solve_symmetric(H: Array, B: Array) -> Array:
    """Solve a stack of positive semidefinite systems; minimum-norm where one is singular."""
    try:
        np.linalg.cholesky(H)
        length = np.sqrt(np.einsum("kii->ki", H))
        signs = np.random.default_rng(0).choice([-1.0, 1.0], H.shape[1])
        # A probe of the inverse, whatever the scales of the features.
        solved = np.linalg.solve(H, np.concatenate([B, (length * signs)[:, :, None]], axis=2))
        probe = solved[:, :, -1] * length
        if (np.linalg.norm(probe, axis=1) < LARGEST_INVERSE * np.sqrt(H.shape[1])).all():
            return solved[:, :, :-1]
    except np.linalg.LinAlgError:
        pass
    _warn_not_unique()
    return np.array(
        [np.linalg.pinv(h, rcond=1e-12, hermitian=True) @ b for h, b in zip(H, B, strict=True)]
    )


def _warn_not_unique() -> None:
    warn(
        "The coefficients are not unique (collinear or constant features, or more features "
        "than rows, and no ridge on them); those of minimum norm are taken.",
        linalg.LinAlgWarning,
    )


def least_squares(A: Array, b: Array) -> Array:
    """Minimum-norm solution of a small square system."""
    return np.linalg.lstsq(A, b, rcond=1e-13)[0]
