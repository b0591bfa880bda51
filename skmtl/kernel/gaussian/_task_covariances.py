r"""Covariances B of tasks and their parameters.

With slopes :math:`G_{st}` of a function of B in its entries, symmetric,

* "full": :math:`B = C C'`, C lower triangular; :math:`\partial C = 2 G C`,
* a rank r: :math:`B = L L' + \mathrm{diag}(v)`; :math:`\partial L = 2 G L` [1]_,
* "shared": :math:`B = a 11' + v I`: any two tasks are as alike as any other two.

References
----------
.. [1] E. Bonilla, K. Chai and C. Williams, "Multi-task Gaussian process prediction", NeurIPS 2007,
   section 2.1, where the diagonal is left out.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Array = NDArray[Any]

SMALLEST, LARGEST = np.log(1e-8), np.log(1e4)
"""Logarithms of variances, of standardised labels, between which they are looked for."""
LOADINGS = -1e2, 1e2
"""The same for factors."""


class TaskCovariance(Protocol):
    """A family of covariances (n_tasks, n_tasks)."""

    bounds: Array

    def matrix(self, parameters: Array) -> Array:
        """B."""

    def slope(self, parameters: Array, G: Array) -> Array:
        """Slopes in the parameters, from those in the entries of B."""

    def near(self, B: Array) -> Array:
        """Parameters of a covariance near to B."""


class Full:
    """Any positive semidefinite matrix."""

    def __init__(self, n_tasks: int) -> None:
        self.n_tasks, self.places = n_tasks, np.tril_indices(n_tasks)
        self.bounds = np.full((len(self.places[0]), 2), LOADINGS)

    def _factor(self, parameters: Array) -> Array:
        C = np.zeros((self.n_tasks, self.n_tasks))
        C[self.places] = parameters
        return C

    def matrix(self, parameters: Array) -> Array:
        C = self._factor(parameters)
        return np.asarray(C @ C.T)

    def slope(self, parameters: Array, G: Array) -> Array:
        return np.asarray((2.0 * G @ self._factor(parameters))[self.places])

    def near(self, B: Array) -> Array:
        return np.asarray(np.linalg.cholesky(positive(B))[self.places])


class LowRank:
    """Some factors that tasks share, and a variance of its own for each."""

    def __init__(self, n_tasks: int, rank: int) -> None:
        self.n_tasks, self.rank = n_tasks, rank
        self.bounds = np.full((n_tasks * (rank + 1), 2), LOADINGS)
        self.bounds[n_tasks * rank :] = SMALLEST, LARGEST

    def _split(self, parameters: Array) -> tuple[Array, Array]:
        n = self.n_tasks * self.rank
        return parameters[:n].reshape(self.n_tasks, self.rank), np.exp(parameters[n:])

    def matrix(self, parameters: Array) -> Array:
        L, v = self._split(parameters)
        return np.asarray(L @ L.T + np.diag(v))

    def slope(self, parameters: Array, G: Array) -> Array:
        L, v = self._split(parameters)
        return np.concatenate([(2.0 * G @ L).ravel(), np.diag(G) * v])

    def near(self, B: Array) -> Array:
        values, vectors = linalg.eigh(B)
        last = slice(self.n_tasks - self.rank, None)
        L = vectors[:, last] * np.sqrt(np.maximum(values[last], 0.0))
        left = np.maximum(np.diag(B - L @ L.T), 1e-2 * np.diag(B))
        return np.concatenate([L.ravel(), np.log(np.maximum(left, np.exp(SMALLEST)))])


class Shared:
    """One variance that tasks have in common, and one of each."""

    def __init__(self, n_tasks: int) -> None:
        self.n_tasks = n_tasks
        self.bounds = np.full((2, 2), [SMALLEST, LARGEST])

    def matrix(self, parameters: Array) -> Array:
        common, own = np.exp(parameters)
        return np.asarray(common + own * np.eye(self.n_tasks))

    def slope(self, parameters: Array, G: Array) -> Array:
        common, own = np.exp(parameters)
        return np.array([common * G.sum(), own * np.trace(G)])

    def near(self, B: Array) -> Array:
        n, total = self.n_tasks, float(B.sum())
        common = (total - np.trace(B)) / max(n * (n - 1), 1)
        variances = np.maximum([common, np.trace(B) / n - common], np.exp(SMALLEST))
        return np.asarray(np.log(variances))


def positive(B: Array) -> Array:
    """The same matrix, or the nearest that is positive definite by more than rounding."""
    values, vectors = linalg.eigh(B)
    return np.asarray((vectors * np.maximum(values, 1e-10 * values[-1])) @ vectors.T)


def task_covariance(structure: Any, n_tasks: int, n_labels: int) -> TaskCovariance:
    """The family that a parameter of an estimator names; "auto" goes by the number of labels."""
    n_full = n_tasks * (n_tasks + 1) // 2
    if structure == "auto":
        structure = "full" if LABELS_PER_PARAMETER * n_full <= n_labels else "shared"
    if structure == "full" or n_tasks == 1 or (structure != "shared" and structure >= n_tasks):
        return Full(n_tasks)
    return Shared(n_tasks) if structure == "shared" else LowRank(n_tasks, structure)


LABELS_PER_PARAMETER = 10
"""Labels for every entry of a full covariance, at least."""
