"""What a random-coefficient model needs to know of the data: sums over the rows of every task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import gen_batches

from skmtl._rounding import varies
from skmtl.linear.objective._statistics import Statistics

Array = NDArray[Any]

ROWS = 1_000
"""Rows summed up at a time, which may be sparse before."""

ROUNDING = 1e-20
"""Mean square of standardised labels that are constant: their scale is 1."""


CHUNK = 2**21
"""Numbers of matrices of tasks worked on at a time."""


@dataclass(frozen=True)
class Coordinates:
    """Where inputs are measured: row x is w = (1, (x - mean) / scale), or x / scale alone."""

    mean: Array
    scale: Array
    has_intercept: bool

    @property
    def matrix(self) -> Array:
        """The P of :math:`(b_t, w_t) = P v_t`, for coefficients of (1, x) from those of w."""
        slopes = np.diag(1.0 / self.scale)
        if not self.has_intercept:
            return slopes
        top = np.r_[1.0, -self.mean / self.scale]
        return np.vstack([top, np.hstack([np.zeros((len(slopes), 1)), slopes])])

    def rows(self, X: Any) -> Array:
        """The w of rows of X."""
        Z = ((X.toarray() if sparse.issparse(X) else X) - self.mean) / self.scale
        return np.hstack([np.ones((len(Z), 1)), Z]) if self.has_intercept else Z


@dataclass(frozen=True)
class Moments:
    r"""Sums over the rows of every task, in `Coordinates` common to all.

    With :math:`A_t = \sum_i s_i w_i w_i'`, :math:`c_t = \sum_i s_i y_i w_i` and
    :math:`q_t = \sum_i s_i y_i^2`, a root :math:`A_t = U_t U_t'` turns the rows of a task into d
    others that say the same: U', with the labels :math:`z_t = U_t^+ c_t`. No digits are lost to
    sums of squares, however small the noise.

    Attributes
    ----------
    U : ndarray of shape (n_groups, d, d)
        Roots; tasks with the same rows and weights share one.
    group : ndarray of shape (n_tasks,)
        Which belongs to a task.
    z : ndarray of shape (n_tasks, d)
        Labels of the rows U'.
    rest : ndarray of shape (n_tasks,)
        :math:`q_t - |z_t|^2`: what no coefficients explain.
    n : ndarray of shape (n_tasks,)
        :math:`\sum_i s_i`: a weight of 2 stands for two rows.
    constant : float
        What -2 log of the likelihood has beside what depends on variances.
    """

    U: Array
    group: Array
    z: Array
    rest: Array
    n: Array
    constant: float = 0.0

    @classmethod
    def of_sums(
        cls, A: Any, group: Array, c: Array, squares: Array, n: Array, constant: float = 0.0
    ) -> Self:
        """From the sums A, c and q, and which A belongs to a task.

        A is an array (n_groups, d, d), or a function that makes some of it: all of it there is
        only once, as U.
        """
        sums = A if callable(A) else A.__getitem__
        n_groups, d = int(group.max(initial=-1)) + 1, c.shape[1]
        U, z, n_ranks = np.empty((n_groups, d, d)), np.empty_like(c), 1
        for some in gen_batches(n_groups, max(1, CHUNK // d**2)):
            values, vectors = np.linalg.eigh(sums(some))
            least = d * np.finfo(float).eps * values[:, -1:]
            roots = np.sqrt(np.where(values > least, values, 0.0))
            inverse = np.divide(1.0, roots, out=np.zeros_like(roots), where=roots > 0)
            tasks = np.flatnonzero((group >= some.start) & (group < some.stop))
            at = group[tasks] - some.start
            z[tasks] = (c[tasks, None] @ vectors[at])[:, 0] * inverse[at]
            np.multiply(vectors, roots[:, None], out=U[some])
            n_ranks = max(n_ranks, int((roots > 0).sum(axis=1).max()))
        if n_ranks < d:
            # As many columns as the rows of any task have directions, the largest last.
            U, z = U[:, :, -n_ranks:].copy(), z[:, -n_ranks:].copy()
        rest = np.maximum(squares - (z**2).sum(axis=1), 0.0)
        return cls(U, group, z, rest, n, constant)

    @classmethod
    def of(cls, statistics: Statistics, coordinates: Coordinates) -> Self:
        """From centred sums about the means of every task, of (1, x)."""
        group, omega = statistics.group, statistics.omega
        n_group = np.zeros(len(statistics.gram))
        n_group[group] = omega
        scale, first = coordinates.scale, int(coordinates.has_intercept)
        shift = (statistics.x_mean - coordinates.mean) / scale
        w_mean = np.hstack([np.ones((len(shift), first)), shift])
        sums = omega * statistics.y_mean

        def A(some: slice) -> Array:
            w = w_mean[some]
            found = n_group[some, None, None] * w[:, :, None] * w[:, None, :]
            found[:, first:, first:] += statistics.gram[some] / (scale[:, None] * scale)
            return found

        c = sums[:, None] * w_mean[group]
        c[:, first:] += statistics.cross.T / scale
        squares = statistics.squares + sums * statistics.y_mean
        return cls.of_sums(A, group, c, squares, omega)

    @classmethod
    def about_means(cls, statistics: Statistics, coordinates: Coordinates) -> Self:
        r"""Of x alone, where tasks have intercepts of which nothing is known beforehand.

        These integrate to :math:`\sqrt{2 \pi \sigma_t^2 / n_t}`: a label less in every task.
        """
        scale, omega = coordinates.scale, statistics.omega

        def A(some: slice) -> Array:
            return np.asarray(statistics.gram[some] / (scale[:, None] * scale))

        c, n = statistics.cross.T / scale, np.maximum(omega - 1.0, 0.0)
        constant = float(np.log(omega).sum())
        return cls.of_sums(A, statistics.group, c, statistics.squares, n, constant)

    @classmethod
    def of_rows(cls, X: Any, y: Array, counts: Array, coordinates: Coordinates) -> Self:
        """Of one task, from its rows."""
        d = len(coordinates.scale) + coordinates.has_intercept
        A, c = np.zeros((1, d, d)), np.zeros((1, d))
        for some in gen_batches(len(y), ROWS):
            w, s = coordinates.rows(X[some]), counts[some]
            A += w.T @ (s[:, None] * w)
            c += w.T @ (s * y[some])
        squares, n = np.array([counts @ y**2]), np.array([counts.sum()])
        return cls.of_sums(A, np.zeros(1, dtype=np.intp), c, squares, n)

    @property
    def variance(self) -> float:
        """Mean square of the standardised labels, about 0; 1 where all are 0 but for rounding."""
        found = float((self.rest.sum() + (self.z**2).sum()) / max(self.n.sum(), 1.0))
        return found if found > ROUNDING else 1.0


def coordinates_of(statistics: Statistics, *, has_intercept: bool) -> Coordinates:
    """Mean and standard deviation of each feature over the labels of all tasks.

    Without intercepts the root mean square, about 0. Constant features have scale 1.
    """
    omega, group = statistics.omega, statistics.group
    weights = np.bincount(group, weights=omega, minlength=len(statistics.gram))
    mean = weights @ statistics.x_mean / omega.sum()
    about = mean if has_intercept else np.zeros_like(mean)
    within = np.bincount(group, minlength=len(weights)) @ np.einsum("gpp->gp", statistics.gram)
    between = weights @ (statistics.x_mean - about) ** 2
    scale = np.sqrt((within + between) / omega.sum())
    return Coordinates(about, np.where(varies(scale, np.abs(mean)), scale, 1.0), has_intercept)
