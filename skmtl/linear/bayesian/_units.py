"""Matrices of tasks with the same rows and noise: they are the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skmtl.linear.bayesian._moments import Moments
from skmtl.linear.bayesian._structures import Spectral

Array = NDArray[Any]

CHUNK = 2**21
"""Numbers of matrices of tasks worked on at a time: they stay in the cache."""

MOST_KEPT = 2**22
"""Numbers of the matrices B that are kept; more are made twice, in the memory of a chunk."""


@dataclass(frozen=True)
class Variances:
    """L (d, k); variance of the noise of every task (n_tasks,); P as a diagonal (d,).

    Where P is infinite m is 0. ``spectral`` is the same covariance as L, where it is such.
    """

    L: Array
    noise: Array
    precision: Array
    spectral: Spectral | None = None

    @property
    def covariance(self) -> Array:
        """Of the coefficients over tasks, (d, d)."""
        Sigma: Array = self.L @ self.L.T
        return Sigma


class Units:
    """Groups of such tasks, with the notation of `skmtl.linear.bayesian._likelihood`.

    Attributes
    ----------
    counts : ndarray of shape (n_units,)
        Tasks of each.
    of_task : ndarray of shape (n_tasks,)
        The unit of each task.
    """

    def __init__(self, moments: Moments, variances: Variances) -> None:
        self.U, self.variances = moments.U, variances
        noise, n_tasks = variances.noise, len(variances.noise)
        if (noise == noise[0]).all():
            self.group, self.of_task = np.arange(len(self.U)), moments.group
        else:
            self.group, self.of_task = moments.group, np.arange(n_tasks)
        n_units, (d, n_ranks) = len(self.group), self.U.shape[1:]
        self.noise = noise if n_units == n_tasks else np.full(n_units, noise[0])
        self.counts = np.bincount(self.of_task, minlength=n_units).astype(np.float64)
        self._order = np.argsort(self.of_task, kind="stable")
        self._ends = np.r_[0, np.cumsum(self.counts)].astype(np.intp)
        self._chunks = list(gen_batches(n_units, max(1, CHUNK // (d * max(d, n_ranks)))))
        self._kept: list[Array] | None = [] if n_units * d * d <= MOST_KEPT else None

    def first(self) -> Iterator[tuple[slice, Array, Array, Array, Array]]:
        r"""Some at a time: :math:`N^{-1}`, :math:`\log|N|`, :math:`U N^{-1} / \sigma^2` and B."""
        for some in self._chunks:
            U, noise = self.U[self.group[some]], self.noise[some]
            inverse, log_det = self._inverse(U, noise)
            UN = U @ inverse / noise[:, None, None]
            B = UN @ np.swapaxes(U, 1, 2)
            if self._kept is not None:
                self._kept.append(B)
            yield some, inverse, log_det, UN, B

    def __iter__(self) -> Iterator[tuple[slice, Array]]:
        """The B of all, some at a time; after `first`."""
        if self._kept is not None:
            yield from zip(self._chunks, self._kept, strict=True)
            return
        for some in self._chunks:
            U, noise = self.U[self.group[some]], self.noise[some]
            yield some, U @ self._inverse(U, noise)[0] @ np.swapaxes(U, 1, 2) / noise[:, None, None]

    def tasks(self, some: slice) -> tuple[Array, Array]:
        """Tasks of some, and the place of the unit of each."""
        tasks = self._order[self._ends[some.start] : self._ends[some.stop]]
        return tasks, self.of_task[tasks] - some.start

    def _inverse(self, U: Array, noise: Array) -> tuple[Array, Array]:
        r"""Inverse of every N, and the logarithm of its determinant.

        Of a covariance :math:`\lambda I + QJQ'` by the matrix inversion lemma: U'U is diagonal.
        """
        spectral, n_ranks = self.variances.spectral, U.shape[2]
        if spectral is None:
            LU = self.variances.L.T @ U
            N = np.swapaxes(LU, 1, 2) @ LU / noise[:, None, None]
            N[:, np.arange(n_ranks), np.arange(n_ranks)] += 1.0
            return np.linalg.inv(N), 2.0 * np.log(diagonals(np.linalg.cholesky(N))).sum(axis=1)
        diagonal = 1.0 + spectral.scale * (U**2).sum(axis=1) / noise[:, None]
        QU = spectral.Q.T @ U
        QUD = QU / diagonal[:, None, :]
        JQUD = spectral.J[:, None] * QUD / noise[:, None, None]
        small = np.eye(len(spectral.J)) + JQUD @ np.swapaxes(QU, 1, 2)
        inverse = -np.swapaxes(QUD, 1, 2) @ np.linalg.solve(small, JQUD)
        inverse[:, np.arange(n_ranks), np.arange(n_ranks)] += 1.0 / diagonal
        return inverse, np.log(diagonal).sum(axis=1) + np.linalg.slogdet(small)[1]


def diagonals(matrices: Array) -> Array:
    found: Array = np.einsum("uii->ui", matrices)
    return found
