"""What a random-coefficient model needs to know of the data: sums over the rows of every task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._rounding import varies
from skmtl.linear.objective._statistics import Statistics

Array = NDArray[Any]


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

    Attributes
    ----------
    A : ndarray of shape (n_groups, d, d)
        :math:`\sum_i s_i w_i w_i'`; tasks with the same rows and weights share it.
    group : ndarray of shape (n_tasks,)
        Which A belongs to a task.
    c : ndarray of shape (n_tasks, d)
        :math:`\sum_i s_i y_i w_i`.
    squares : ndarray of shape (n_tasks,)
        :math:`\sum_i s_i y_i^2`.
    n : ndarray of shape (n_tasks,)
        :math:`\sum_i s_i`: a weight of 2 stands for two rows.
    """

    A: Array
    group: Array
    c: Array
    squares: Array
    n: Array

    @classmethod
    def of(cls, statistics: Statistics, coordinates: Coordinates) -> Self:
        """From centred sums about the means of every task, which lose no digits."""
        group, omega = statistics.group, statistics.omega
        n_group = np.zeros(len(statistics.gram))
        n_group[group] = omega
        scale = coordinates.scale
        shift = (statistics.x_mean - coordinates.mean) / scale
        G = statistics.gram / (scale[:, None] * scale)
        G += n_group[:, None, None] * shift[:, :, None] * shift[:, None, :]
        sums = omega * statistics.y_mean
        c = statistics.cross.T / scale + sums[:, None] * shift[group]
        squares = statistics.squares + sums * statistics.y_mean
        if coordinates.has_intercept:
            first = n_group[:, None] * shift
            top = np.concatenate([n_group[:, None], first], axis=1)
            G = np.concatenate([first[:, :, None], G], axis=2)
            G = np.concatenate([top[:, None], G], axis=1)
            c = np.concatenate([sums[:, None], c], axis=1)
        return cls(G, group, c, squares, omega)

    @property
    def variance(self) -> float:
        """Mean square of the labels, about 0; 1 where all are 0."""
        return float(self.squares.sum() / self.n.sum()) or 1.0


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
