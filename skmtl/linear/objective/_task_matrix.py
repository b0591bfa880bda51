r"""The matrix Q (n_tasks, n_tasks) of quadratic penalties :math:`\tfrac12 tr(V Q V')`.

Ridge and the distance from the mean act alike on all tasks: with J = 11' / T they are
:math:`a J + b (I - J)`, two numbers for any number of tasks. Graphs add a dense matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class TaskMatrix:
    """Symmetric positive semidefinite matrix over tasks.

    Parameters
    ----------
    on_mean, on_deviation : float
        Eigenvalues a and b.
    dense : ndarray of shape (n_tasks, n_tasks) or None
        What comes on top.
    """

    def __init__(self, on_mean: float, on_deviation: float, dense: Array | None = None) -> None:
        self.on_mean, self.on_deviation, self.dense = on_mean, on_deviation, dense
        self.is_zero = not on_mean and not on_deviation and dense is None
        if dense is not None:
            n_tasks = len(dense)
            J = np.full((n_tasks, n_tasks), 1.0 / n_tasks)
            self.full = dense + on_mean * J + on_deviation * (np.eye(n_tasks) - J)
            self.values, self.vectors = np.linalg.eigh(self.full)
            self.values[self.values <= 1e-12 * self.values.max(initial=0.0)] = 0.0

    def times(self, V: Array) -> Array:
        """V Q, for V (rows, n_tasks)."""
        if self.dense is not None:
            return V @ self.full
        return self._scale(V, self.on_mean, self.on_deviation)

    def solve(self, V: Array) -> Array:
        """V times the pseudoinverse of Q."""
        if self.dense is not None:
            return (V @ self.vectors * _inverse(self.values)) @ self.vectors.T
        return self._scale(V, *_inverse(np.array([self.on_mean, self.on_deviation])))

    def null(self, V: Array) -> Array:
        """V on the null space of Q."""
        if self.dense is not None:
            vectors = self.vectors[:, self.values == 0]
            return (V @ vectors) @ vectors.T
        return self._scale(V, self.on_mean == 0, self.on_deviation == 0)

    def resolvent(self, V: Array, step: float) -> Array:
        """V (I + step Q)^-1."""
        if self.dense is not None:
            return (V @ self.vectors / (1.0 + step * self.values)) @ self.vectors.T
        return self._scale(
            V, 1.0 / (1.0 + step * self.on_mean), 1.0 / (1.0 + step * self.on_deviation)
        )

    def eigenspaces(self) -> Iterator[tuple[float, Callable[[Array], Array]]]:
        """Eigenvalues of Q, each with the projection of V (rows, n_tasks) on its vectors."""
        if self.dense is not None:
            for value, vector in zip(self.values, self.vectors.T, strict=True):
                yield value, partial(_along, vector)
        elif self.is_ridge:
            yield self.on_mean, lambda V: V
        else:
            yield self.on_mean, lambda V: np.broadcast_to(V.mean(axis=1)[:, None], V.shape)
            yield self.on_deviation, lambda V: V - V.mean(axis=1)[:, None]

    @property
    def is_ridge(self) -> bool:
        """Whether Q is a multiple of the identity."""
        return self.dense is None and self.on_mean == self.on_deviation

    @property
    def is_regular(self) -> bool:
        """Whether the null space is empty."""
        if self.dense is not None:
            return bool((self.values > 0).all())
        return self.on_mean > 0 and self.on_deviation > 0

    def centred(self, shared: float = 0.0) -> TaskMatrix:
        r"""The matrix of min over w0 of the penalty on V = W - w0 1', and a ridge on w0 1'.

        With r the strength of that ridge, Q has :math:`Q 1 1' Q / (1'Q1 + r T)` less: on the mean,
        a becomes :math:`a r / (a + r)`. Where Q leaves the mean alone, a is as on deviations.
        """
        if self.dense is None:
            own = self.on_mean or self.on_deviation
            return TaskMatrix(shared * _share(own, shared), self.on_deviation)
        if self._leaves_mean:
            return self.plus_ridge(shared)
        weights = self.center_weights(len(self.full), shared)
        return TaskMatrix(0.0, 0.0, self.full - np.outer(self.full.sum(axis=1), weights))

    def plus_ridge(self, strength: float, *, on_mean_only: bool = False) -> TaskMatrix:
        """With a ridge on what Q leaves alone, all of it or only the mean over tasks."""
        if self.dense is None:
            on_deviation = self.on_deviation or (0.0 if on_mean_only else strength)
            return TaskMatrix(self.on_mean or strength, on_deviation)
        if on_mean_only:
            on_mean = self.on_mean + strength * self._leaves_mean
            return TaskMatrix(on_mean, self.on_deviation, self.dense)
        return TaskMatrix(0.0, 0.0, self.full + strength * self.null(np.eye(len(self.full))))

    def center_weights(self, n_tasks: int, shared: float = 0.0) -> Array:
        """Weights (n_tasks,) of the tasks in the best w0, for a ridge of strength ``shared``."""
        if self.dense is None:
            share = _share(self.on_mean or self.on_deviation, shared)
            return np.full(n_tasks, share / n_tasks)
        if self._leaves_mean:
            return np.full(n_tasks, 1.0 / n_tasks)
        ones = self.full.sum(axis=1)
        return ones / (ones.sum() + shared * n_tasks)

    @property
    def _leaves_mean(self) -> bool:
        return bool(self.full.sum() <= 1e-12 * np.abs(self.full).max())

    def covariance(self, n_tasks: int) -> Array | None:
        """Pseudoinverse of Q with trace 1, the covariance of tasks; None for Q = 0."""
        inverse = self.solve(np.eye(n_tasks))
        total = np.trace(inverse)
        return inverse / total if total > 0 else None

    @staticmethod
    def _scale(V: Array, on_mean: float, on_deviation: float) -> Array:
        if on_mean == on_deviation:
            return V * on_mean
        mean = V.mean(axis=1, keepdims=True)
        return on_deviation * (V - mean) + on_mean * mean


def _share(own: float, shared: float) -> float:
    """Share of a mean that is w0, where distances from it and w0 itself are penalised."""
    return own / (own + shared) if own else 1.0


def _along(u: Array, V: Array) -> Array:
    return np.outer(V @ u, u)


def _inverse(values: Array) -> Array:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
