r"""Systems of normal equations with a ridge and a penalty on the distance from the mean.

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

from skmtl._warnings import warn_once_a_fit
from skmtl.linear.objective._statistics import Statistics

Array = NDArray[Any]

LARGEST_INVERSE = 1e12
"""Of features of length 1: a system whose inverse is larger is singular but for rounding."""

BYTES_AT_ONCE = 64 * 2**20
"""Size of the stack of Gram matrices solved at a time."""


class NormalEquations:
    """The matrices :math:`G_t + D` and P, solved group by group."""

    def __init__(
        self,
        stats: Statistics,
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

    def stacks(self) -> Iterator[tuple[Array, list[Array]]]:
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
        return self.each(Q + (self.P * mean)[:, None])

    def _mean(self, Q: Array) -> Array:
        left, right = self.of_mean(Q)
        # The mean only enters through P m, and where P is 0 `left` has columns of the identity.
        used, mean = self.P > 0, np.zeros(len(right))
        mean[used] = mean_of_tasks(left[np.ix_(used, used)], right[used])
        return mean

    def of_mean(self, Q: Array) -> tuple[Array, Array]:
        r""":math:`\tfrac1T \sum_t H_t^{-1} (G_t + D)` and :math:`\tfrac1T \sum_t H_t^{-1} q_t`."""
        q, n_tasks = Q.shape
        left, right = np.zeros((q, q)), np.zeros(q)
        for A, members in self.stacks():
            H = A + np.diag(self.P)
            sums = np.array([Q[:, tasks].sum(axis=1) for tasks in members])
            counts = np.array([len(tasks) for tasks in members])
            solved = solve_symmetric(H, np.concatenate([A, sums[:, :, None]], axis=2))
            left += np.tensordot(counts, solved[:, :, :-1], axes=1)
            right += solved[:, :, -1].sum(axis=0)
        return left / n_tasks, right / n_tasks

    def each(self, Q: Array) -> Array:
        r""":math:`H_t^{-1} q_t` of every task."""
        solved = np.empty_like(Q)
        for A, members in self.stacks():
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
    warn_not_unique()
    return np.array(
        [np.linalg.pinv(h, rcond=1e-12, hermitian=True) @ b for h, b in zip(H, B, strict=True)]
    )


def warn_not_unique() -> None:
    warn_once_a_fit(
        "The coefficients are not unique (collinear or constant features, or more features "
        "than rows, and no ridge on them); those of minimum norm are taken.",
        linalg.LinAlgWarning,
    )


def mean_of_tasks(A: Array, b: Array) -> Array:
    """`least_squares` for the mean of the coefficients; warns where it is not the only one."""
    solved, rank = least_squares(A, b)
    if rank < len(A):
        warn_not_unique()
    return solved


def least_squares(A: Array, b: Array) -> tuple[Array, int]:
    """Minimum-norm solution of a small square system, and its rank."""
    solved, _, rank, _ = np.linalg.lstsq(A, b, rcond=1e-13)
    return solved, int(rank)
