"""Labels of any rows and tasks: a Cholesky factorisation of the covariance of all cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.linalg.lapack import dpotri

from skmtl.kernel.gaussian._cells import Cells
from skmtl.kernel.gaussian._evidence import Asked, Evidence, constant_terms, repeated

Array = NDArray[Any]


class Incomplete:
    """Any cells.

    Parameters
    ----------
    cells : Cells
        The labels.
    design : ndarray of shape (n_tasks, n_means)
        Which tasks have which mean.
    """

    is_cheap_by_kernel = False

    def __init__(self, cells: Cells, design: Array) -> None:
        self.cells, self.design = cells, design
        self.constant = constant_terms(cells, design)
        n = len(cells.rows)
        self.place = sparse.csr_array((np.ones(n), (np.arange(n), cells.rows)), (n, cells.shape[0]))
        self.owner = sparse.csr_array(
            (np.ones(n), (np.arange(n), cells.tasks)), (n, cells.shape[1])
        )

    def decompose(self, K: Array) -> Array:
        return np.asarray(K[np.ix_(self.cells.rows, self.cells.rows)])

    def evidence(self, decomposed: Array, B: Array, noise: Array) -> Evidence | None:
        tasks, counts = self.cells.tasks, self.cells.counts
        by_task = B[np.ix_(tasks, tasks)]
        try:
            solved = Factor.of(by_task * decomposed, self.cells, noise, self.design)
        except linalg.LinAlgError:
            return None
        of_repeated, slope = repeated(self.cells, noise)
        deviance = float(self.cells.values @ solved.duals) + solved.log_size
        deviance += self.constant + of_repeated
        # Half of alpha alpha' - Pi.
        inner, _ = dpotri(solved.lower, lower=True)
        W = np.tril(inner) + np.tril(inner, -1).T
        W *= -0.5
        W += 0.5 * (np.outer(solved.duals, solved.duals) + solved.free @ solved.free.T)
        of_noise = np.bincount(tasks, np.diag(W) / counts, len(noise)) - slope
        of_tasks = self.owner.T @ (self.owner.T @ (W * decomposed)).T

        def of_kernel() -> Array:
            return np.asarray(self.place.T @ (self.place.T @ (W * by_task)).T)

        def precision() -> Array:
            return np.asarray(np.square(solved.duals) - 2.0 * np.diag(W))

        return Evidence(-0.5 * deviance, of_kernel, np.asarray(of_tasks), of_noise, precision)

    def posterior(self, decomposed: Array, B: Array, noise: Array) -> IncompletePosterior:
        cells = self.cells
        by_task = B[np.ix_(cells.tasks, cells.tasks)]
        solved = Factor.of(by_task * decomposed, cells, noise, self.design)
        weights = np.zeros(cells.shape)
        weights[cells.rows, cells.tasks] = solved.duals
        return IncompletePosterior(
            solved, cells, B, self.design, weights, self.design @ solved.means
        )


@dataclass(frozen=True, eq=False)
class Factor:
    r"""The covariance L L' of cells.

    ``duals`` are :math:`\Pi y`, ``free`` :math:`\Sigma^{-1} H A^{-T/2}` with
    :math:`A = H' \Sigma^{-1} H`.
    """

    lower: Array
    duals: Array
    free: Array
    root: Array
    means: Array
    log_size: float

    @classmethod
    def of(cls, covariance: Array, cells: Cells, noise: Array, design: Array) -> Factor:
        """Of the functions' covariance, which is overwritten, and noise.

        Raises
        ------
        LinAlgError
            If it is not positive definite, but for rounding.
        """
        covariance[np.diag_indices_from(covariance)] += noise[cells.tasks] / cells.counts
        lower = linalg.cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
        H = design[cells.tasks]
        solved = linalg.cho_solve((lower, True), np.column_stack([cells.values, H]))
        SH = solved[:, 1:]
        root = np.linalg.cholesky(H.T @ SH)
        free = linalg.solve_triangular(root, SH.T, lower=True).T
        along = free.T @ cells.values
        means = linalg.solve_triangular(root, along, lower=True, trans="T")
        log_size = 2.0 * float(np.log(np.diag(lower)).sum() + np.log(np.diag(root)).sum())
        return cls(lower, solved[:, 0] - free @ along, free, root, means, log_size)


@dataclass(frozen=True, eq=False)
class IncompletePosterior:
    """See `Posterior`."""

    factor: Factor
    cells: Cells
    B: Array
    design: Array
    weights: Array
    means: Array

    def _parts(self, K: Array, query: Array) -> tuple[Array, Array]:
        """What of the covariance labels explain, as L^-1 k, and what the means do not.

        ``query`` is one of all rows (T,), or one of each (m, T).
        """
        shares = (query @ self.B)[..., self.cells.tasks]
        k = np.take(K, self.cells.rows, axis=1) * shares
        known = linalg.solve_triangular(self.factor.lower, k.T, lower=True, check_finite=False)
        left = (query @ self.design - k @ self.factor.free @ self.factor.root.T).T
        return known, linalg.solve_triangular(self.factor.root, left, lower=True)

    def variances(self, asked: Asked, own: Array) -> Array:
        found = []
        for query in _each(asked):
            known, free = self._parts(asked.K, query)
            prior = np.einsum("...s,st,...t->...", query, self.B, query)
            found.append(prior * own - np.square(known).sum(axis=0) + np.square(free).sum(axis=0))
        return np.maximum(np.column_stack(found) if asked.which is None else found[0], 0.0)

    def covariance(self, one: Asked, other: Asked, own: Array) -> Array:
        known, free = self._all_parts(one)
        known_2, free_2 = (known, free) if other is one else self._all_parts(other)
        found = (free.T @ free_2 - known.T @ known_2).reshape(one.shape + other.shape)
        if one.which is None or other.which is None:
            found += np.einsum("mn,qr->mqnr", own, one.queries @ self.B @ other.queries.T)
        else:
            B = one.queries @ self.B @ other.queries.T
            found += own * B[np.ix_(one.which, other.which)]
        return np.asarray(found)

    def _all_parts(self, asked: Asked) -> tuple[Array, ...]:
        """The same of every function, those of a row one after the other."""
        parts = zip(*(self._parts(asked.K, query) for query in _each(asked)), strict=True)
        return tuple(
            np.stack(side, axis=-1).reshape(len(side[0]), math.prod(asked.shape)) for side in parts
        )


def _each(asked: Asked) -> Any:
    """One query of all rows after the other, or one of each."""
    return asked.queries if asked.which is None else [asked.queries[asked.which]]
