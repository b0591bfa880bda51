r"""Labels of every row and task: two eigendecompositions.

With :math:`\tilde K = C^{1/2} K C^{1/2} = Q M Q'` and
:math:`\tilde B = D^{-1/2} B D^{-1/2} = U \Lambda U'`, D the noise, the covariance of the labels is
:math:`\Lambda_k M_i + 1` along the directions (i, k): labels are T independent processes

.. math:: y_t = \sigma_t \sum_k U_{tk} \, g_k, \qquad
    g_k \sim N(0, \Lambda_k K + C^{-1})

(Rakitsch, Lippert, Borgwardt and Stegle, "It is all in the noise: efficient multi-task Gaussian
process inference with structured residuals", NeurIPS 2013, section 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from skmtl.kernel.gaussian._cells import Cells
from skmtl.kernel.gaussian._evidence import Asked, Evidence, constant_terms, repeated

Array = NDArray[Any]


class Spectrum(NamedTuple):
    """Eigenvalues and vectors of the rows, and labels and ones along them."""

    values: Array
    vectors: Array
    labels: Array
    ones: Array


class Complete:
    """A label, or as many for each task, in every row.

    Parameters
    ----------
    cells : Cells
        The labels.
    design : ndarray of shape (n_tasks, n_means)
        Which tasks have which mean.
    """

    is_cheap_by_kernel = True

    def __init__(self, cells: Cells, design: Array) -> None:
        n, n_tasks = cells.shape
        self.cells, self.design = cells, design
        self.root = np.sqrt(cells.counts[:n])
        self.labels = self.root[:, None] * cells.values.reshape(n_tasks, n).T
        # Each cell has the mean of its labels, whose noise is divided by their number.
        log_counts = n_tasks * float(np.log(cells.counts[:n]).sum())
        self.constant = constant_terms(cells, design) - log_counts

    def decompose(self, K: Array) -> Spectrum:
        scaled = self.root[:, None] * K * self.root
        values, vectors = linalg.eigh(scaled, overwrite_a=True, check_finite=False, driver="evd")
        return Spectrum(
            np.maximum(values, 0.0), vectors, vectors.T @ self.labels, vectors.T @ self.root
        )

    def evidence(self, decomposed: Spectrum, B: Array, noise: Array) -> Evidence:
        p = Directions.of(decomposed, B, noise, self.design)
        n, m, v = self.cells.shape[0], decomposed.values, p.precision
        of_repeated, slope = repeated(self.cells, noise)
        deviance = float(np.vdot(p.labels, p.duals)) - float(np.log(v).sum())
        deviance += n * float(np.log(noise).sum()) + p.log_size + self.constant + of_repeated
        R = p.means @ p.inverse @ p.means.T
        tasks, mixed = np.einsum("ik,il->kl", m[:, None] * p.duals, p.duals), m[:, None] * p.along
        G = tasks + R * (mixed.T @ p.along) - np.diag(m @ v)
        of_tasks = 0.5 * p.root[:, None] * (p.tasks @ G @ p.tasks.T) * p.root
        G = p.duals.T @ p.duals + R * (p.along.T @ p.along) - np.diag(v.sum(axis=0))
        of_noise = 0.5 * np.einsum("tk,kl,tl->t", p.tasks, G, p.tasks) / noise - slope

        def of_kernel() -> Array:
            Q = self.root[:, None] * decomposed.vectors
            parts = np.hstack(
                [p.duals * np.sqrt(p.values), p.along * np.sqrt(p.values * np.diag(R))]
            )
            parts = Q @ parts
            return 0.5 * (parts @ parts.T - (Q * (v @ p.values)) @ Q.T)

        def precision() -> Array:
            Q = decomposed.vectors
            found = (np.square(Q) @ v) @ np.square(p.tasks).T
            of_means = (
                np.stack([Q @ (p.along * mean) @ p.tasks.T for mean in p.means.T], axis=-1)
                if p.means.size
                else np.zeros((*found.shape, 0))
            )
            found -= np.einsum("ntg,gh,nth->nt", of_means, p.inverse, of_means)
            found *= np.square(self.root)[:, None] * np.square(p.root)
            return np.asarray(found.T.ravel())

        return Evidence(-0.5 * deviance, of_kernel, of_tasks, of_noise, precision)

    def posterior(self, decomposed: Spectrum, B: Array, noise: Array) -> CompletePosterior:
        p = Directions.of(decomposed, B, noise, self.design)
        duals = decomposed.vectors @ p.duals @ p.tasks.T
        weights = self.root[:, None] * duals * p.root
        means = self.design @ p.free
        Q = self.root[:, None] * decomposed.vectors
        return CompletePosterior(p, Q, np.sqrt(noise), self.design, weights, means)


class Directions(NamedTuple):
    """The processes g, for one task covariance and noise."""

    values: Array
    tasks: Array
    root: Array
    labels: Array
    precision: Array
    duals: Array
    along: Array
    means: Array
    free: Array
    inverse: Array
    log_size: float

    @classmethod
    def of(cls, spectrum: Spectrum, B: Array, noise: Array, design: Array) -> Directions:
        root = 1.0 / np.sqrt(noise)
        values, tasks = linalg.eigh(root[:, None] * B * root, check_finite=False)
        values = np.maximum(values, 0.0)
        labels = (spectrum.labels * root) @ tasks
        precision = 1.0 / (np.outer(spectrum.values, values) + 1.0)
        along = spectrum.ones[:, None] * precision
        means = tasks.T @ (root[:, None] * design)
        A = means.T @ ((spectrum.ones @ along)[:, None] * means)
        inverse = np.linalg.inv(A)
        free = inverse @ (means.T @ np.einsum("ik,ik->k", along, labels))
        duals = precision * (labels - np.outer(spectrum.ones, means @ free))
        log_size = float(np.linalg.slogdet(A)[1])
        return cls(
            values, tasks, root, labels, precision, duals, along, means, free, inverse, log_size
        )


@dataclass(frozen=True, eq=False)
class CompletePosterior:
    """See `Posterior`."""

    directions: Directions
    vectors: Array
    spread: Array
    design: Array
    weights: Array
    means: Array

    def _of_queries(self, asked: Asked) -> tuple[Array, ...]:
        """Rows along the eigenvectors, what queries have of the processes, and of the means."""
        p, along = self.directions, asked.K @ self.vectors
        shares, free = (asked.queries * self.spread) @ p.tasks, asked.queries @ self.design
        known = (along @ p.along) * p.values
        if asked.which is None:
            return along, shares, free - np.einsum("mk,qk,kg->mqg", known, shares, p.means)
        shares = shares[asked.which]
        return along, shares, free[asked.which] - np.einsum("mk,mk,kg->mg", known, shares, p.means)

    def variances(self, asked: Asked, own: Array) -> Array:
        p = self.directions
        along, shares, free = self._of_queries(asked)
        of_processes = np.outer(own, p.values) - p.values**2 * (np.square(along) @ p.precision)
        squares, is_all = np.square(shares), asked.which is None
        found = of_processes @ squares.T if is_all else (of_processes * squares).sum(axis=1)
        found += np.einsum("...g,gh,...h->...", free, p.inverse, free)
        return np.asarray(np.maximum(found, 0.0))

    def covariance(self, one: Asked, other: Asked, own: Array) -> Array:
        p = self.directions
        along, shares, free = self._of_queries(one)
        along_2, shares_2, free_2 = self._of_queries(other)
        shape = one.shape + other.shape
        found = (_flat(free, one) @ p.inverse @ _flat(free_2, other).T).reshape(shape)
        for k, value in enumerate(p.values):
            C = value * own - value**2 * (along * p.precision[:, k]) @ along_2.T
            if one.which is None:
                found += np.einsum("mn,q,r->mqnr", C, shares[:, k], shares_2[:, k])
            else:
                found += C * np.outer(shares[:, k], shares_2[:, k])
        return np.asarray(found)


def _flat(of_means: Array, asked: Asked) -> Array:
    return of_means.reshape(math.prod(asked.shape), of_means.shape[-1])
