r"""Kernel ridge regression of many tasks for a given task kernel: the dual system.

A label belongs to a row i and a task t. With the kernel K of the rows, the task kernel B, weights
:math:`c_{ti}` and labels centred in each task, the dual coefficients :math:`a = D u` solve

.. math:: (D \tilde K D + \alpha I) \, u = D y, \qquad
          \tilde K_{(i,t),(j,s)} = K^c_{ij} B_{ts}, \quad D^2 = \mathrm{diag}(c)

where intercepts are free, :math:`K^c = K - m_t(x_j) - m_s(x_i) + m_{ts}` is K centred by the
weighted means m over the rows of the tasks; then a sums to 0 over each task. Where all tasks have
one intercept, a sums to 0 over all labels, and with :math:`u = d / \|d\|`, d the diagonal of D, the
system is :math:`(I - uu') D (K \circ B) D (I - uu') + \alpha I`. In all cases

.. math:: h(B) = \tfrac{\alpha}{2} a'y, \quad \nabla h = -\tfrac{\alpha}{2} G, \quad
          G_{ts} = a_t' K a_s

are the minimum of the objective for this B, which is convex in B, and its gradient.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from skmtl._warnings import warn
from skmtl.kernel._labels import Labels

Array = NDArray[Any]

SINGULAR = 1e-13
"""Eigenvalues below this share of the largest count as 0."""


class System(Protocol):
    """Solves for the dual coefficients."""

    def solve(self, task_kernel: Array, alpha: float) -> Array:
        """Dual coefficients (n_labels,) for a task kernel (T, T)."""

    def spectrum(self, task_kernel: Array) -> tuple[Array, Array]:
        """Eigenvalues of the system without alpha, and the labels along its eigenvectors."""


class KernelProblem:
    """Labels of all tasks and the kernel of their rows.

    Parameters
    ----------
    kernel : ndarray of shape (n_rows, n_rows)
        Kernel of the rows that have labels.
    labels : Labels
        Their places, values and weights.
    alpha : float
        At least 0.
    centred : bool
        Whether intercepts are free.
    pooled : bool, default=False
        Whether all tasks have the same.
    """

    def __init__(
        self,
        kernel: Array,
        labels: Labels,
        alpha: float,
        *,
        centred: bool,
        pooled: bool = False,
    ) -> None:
        self.kernel, self.alpha = kernel, alpha
        self.rows, self.tasks, values, weights, is_complete = labels
        self.omega: Array = np.bincount(self.tasks, weights)
        self.shape = (len(kernel), len(self.omega))
        self.is_centred, self.is_pooled = centred, centred and pooled
        # Labels with the same intercept.
        self.group = np.zeros_like(self.tasks) if self.is_pooled else self.tasks
        # Means over these; zero if nothing is centred.
        self.share: Array = weights / np.bincount(self.group, weights)[self.group] * centred
        self.y_mean: Array = np.bincount(self.group, self.share * values)
        self.mean_kernel = self.by_task(self.share).T @ kernel
        self.y, self.root = values - self.y_mean[self.group], np.sqrt(weights)
        # What rounding leaves of a constant target is nothing to learn from.
        self.y[np.abs(self.y) <= 1e-15 * np.abs(values)] = 0.0
        self.null_loss = 0.5 * float(weights @ self.y**2)
        self.system: System = KroneckerSystem(self) if is_complete else LabelSystem(self)

    @property
    def n_intercepts(self) -> int:
        """Number of them that are free."""
        return len(self.y_mean) if self.is_centred else 0

    def by_task(self, numbers: Array) -> Any:
        """A number per label as a sparse matrix (n_rows, T)."""
        return sparse.csr_array((numbers, (self.rows, self.tasks)), shape=self.shape)

    def solve(self, task_kernel: Array) -> Array:
        """Dual coefficients (n_labels,) for a task kernel (T, T)."""
        duals = self.system.solve(task_kernel, self.alpha)
        # Centred, they sum to 0 but for rounding, which a large task kernel would magnify.
        return duals - self.share * np.bincount(self.group, duals)[self.group]

    def intercepts(self, duals: Array, task_kernel: Array) -> Array:
        """Weighted mean of what the functions leave of y, (T,)."""
        means = self.by_task(duals).T @ self.mean_kernel.T
        of_tasks = (means.T * task_kernel).sum(axis=1)
        found = self.y_mean - (of_tasks.sum() if self.is_pooled else of_tasks)
        return np.broadcast_to(found, of_tasks.shape)

    def gramian(self, duals: Array) -> Array:
        """:math:`G_{ts} = a_t' K a_s`, (T, T)."""
        by_task = self.by_task(duals)
        G = np.asarray(by_task.T @ (by_task.T @ self.kernel).T)
        return 0.5 * (G + G.T)

    def objective(self, duals: Array) -> float:
        """Loss plus penalty of the functions with these dual coefficients, the optimal ones."""
        return 0.5 * self.alpha * float(duals @ self.y)


class KroneckerSystem:
    """Complete labels: the system is a Kronecker product, solved by two eigendecompositions."""

    def __init__(self, problem: KernelProblem) -> None:
        n, T = problem.shape
        self.of_rows = np.sqrt(np.square(problem.root[:n]) / problem.omega[0])
        self.of_tasks = np.sqrt(problem.omega)
        K = problem.kernel
        if problem.is_centred:
            mean = problem.mean_kernel[0]
            K = K - mean - mean[:, None] + self.of_rows**2 @ mean
        self.values, self.vectors = linalg.eigh(self.of_rows[:, None] * K * self.of_rows)
        labels = self.of_rows[:, None] * problem.y.reshape(T, n).T * self.of_tasks
        self.labels = self.vectors.T @ labels

    def solve(self, task_kernel: Array, alpha: float) -> Array:
        values, vectors = self._of_tasks(task_kernel)
        divided = _divide(self.labels @ vectors, np.outer(self.values, values), alpha)
        U = self.vectors @ divided @ vectors.T
        return np.asarray((self.of_rows[:, None] * U * self.of_tasks).T.ravel())

    def spectrum(self, task_kernel: Array) -> tuple[Array, Array]:
        values, vectors = self._of_tasks(task_kernel)
        return np.outer(self.values, values).ravel(), (self.labels @ vectors).ravel()

    def _of_tasks(self, task_kernel: Array) -> tuple[Array, Array]:
        values, vectors = linalg.eigh(self.of_tasks[:, None] * task_kernel * self.of_tasks)
        return values, vectors


class LabelSystem:
    """Any labels: a Cholesky factorisation of the system of all labels, for every task kernel."""

    def __init__(self, problem: KernelProblem) -> None:
        rows, self.tasks, self.root = problem.rows, problem.tasks, problem.root
        self.labels = problem.root * problem.y
        self.scaled = problem.kernel[np.ix_(rows, rows)]
        self.common = self.root / np.linalg.norm(self.root) if problem.is_pooled else None
        if problem.is_centred and not problem.is_pooled:
            mean = problem.mean_kernel[:, rows]
            self.scaled -= mean[self.tasks]
            self.scaled -= mean[self.tasks].T
            both = problem.by_task(problem.share).T @ problem.mean_kernel.T
            self.scaled += both[np.ix_(self.tasks, self.tasks)]
        self.scaled *= self.root[:, None]
        self.scaled *= self.root

    def _of(self, task_kernel: Array) -> Array:
        system = task_kernel[np.ix_(self.tasks, self.tasks)]
        system *= self.scaled
        if self.common is not None:
            u = self.common
            along = system @ u
            system -= np.outer(u, along) + np.outer(along - (u @ along) * u, u)
        return np.asarray(system)

    def spectrum(self, task_kernel: Array) -> tuple[Array, Array]:
        values, vectors = linalg.eigh(self._of(task_kernel), overwrite_a=True)
        return values, vectors.T @ self.labels

    def solve(self, task_kernel: Array, alpha: float) -> Array:
        system = self._of(task_kernel)
        system[np.diag_indices_from(system)] += alpha
        try:
            factor = linalg.cho_factor(system, lower=True)
            size = np.square(np.diag(factor[0]))
            if size.min() > SINGULAR * size.max():
                return np.asarray(self.root * linalg.cho_solve(factor, self.labels))
        except linalg.LinAlgError:
            pass
        values, vectors = linalg.eigh(system)
        divided = _divide(vectors.T @ self.labels, values - alpha, alpha)
        return np.asarray(self.root * (vectors @ divided))


def _divide(labels: Array, values: Array, alpha: float) -> Array:
    """Labels over (values + alpha), 0 where that is 0: the solution of minimum norm."""
    curvature = values + alpha
    used = np.abs(curvature) > SINGULAR * np.abs(curvature).max()
    # With centred labels one eigenvalue per task is 0, and nothing lies along it.
    lost = np.abs(labels[~used]).max(initial=0.0) > 1e-8 * np.abs(labels).max(initial=0.0)
    if lost:
        warn(
            "The kernel of the labels is singular, so that they cannot all be fitted and the "
            "functions are not unique; those of minimum norm are taken. Increase alpha.",
            linalg.LinAlgWarning,
        )
    return np.divide(labels, curvature, out=np.zeros_like(labels), where=used)
