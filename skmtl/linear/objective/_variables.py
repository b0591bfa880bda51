r"""The unknowns of a linear problem as one flat vector, which is what solvers move.

They are the parts :math:`V_k` (p, C), the shared part w0 where centred, and the intercepts b;
W = sum of the parts + w0 1'. w0 and b are scaled so that all directions have a similar
curvature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._penalty_part import PenaltyPart

Array = NDArray[Any]


class Start(NamedTuple):
    """W (p, C), b (C,) and, where they are known, the parts of W (n, p, C) to start from."""

    W: Array
    b: Array
    parts: Array | None = None


@dataclass
class Intercept:
    r"""How intercepts are treated: :math:`\iota / 2 \sum_t (b_t - \bar b)^2`.

    ``alpha`` is 0 (free), positive, or inf (one intercept for all).
    """

    alpha: float = 0.0
    scale: float = 1.0

    @property
    def is_shrunk(self) -> bool:
        """Whether intercepts are pulled together, but not made one."""
        return 0 < self.alpha < np.inf


class Variables:
    """From a flat vector to coefficients, and back.

    Parameters
    ----------
    parts : list of PenaltyPart
        Penalties of the parts of W.
    shape : tuple (n_features, n_outputs)
        Shape of W.
    n_tasks : int
        Number of tasks, a divisor of n_outputs.
    centred : bool, default=False
        Whether there is a part w0 that all tasks share.
    shared_alpha : float, default=0.0
        Strength of the ridge on w0 1'; 0 leaves w0 free.
    intercept : Intercept or None, default=None
        None where intercepts are no unknowns.
    """

    def __init__(
        self,
        parts: Sequence[PenaltyPart],
        shape: tuple[int, int],
        *,
        n_tasks: int,
        centred: bool = False,
        shared_alpha: float = 0.0,
        intercept: Intercept | None = None,
    ) -> None:
        self.shared_alpha = shared_alpha if centred else 0.0
        self.parts, self.shape, self.n_tasks = parts, shape, n_tasks
        self.centred, self.intercept = centred, intercept
        n_features, n_outputs = shape
        n_classes = n_outputs // n_tasks
        self.shared_scale = 1.0 / np.sqrt(n_tasks)
        ends = np.cumsum(
            [
                len(parts) * n_features * n_outputs,
                n_features * n_classes if centred else 0,
                n_outputs if intercept else 0,
            ]
        )
        self.size = int(ends[-1])
        self._slices = [slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[1], ends[2])]

    def split(self, x: Array) -> tuple[Array, Array, Array]:
        """V (parts, p, C), scaled w0 (p, classes) and scaled b (C,), views of ``x``."""
        V, shared, b = (x[s] for s in self._slices)
        return V.reshape(len(self.parts), *self.shape), shared.reshape(self.shape[0], -1), b

    def coefficients(self, x: Array) -> tuple[Array, Array]:
        """W (p, C) and b (C,) of the vector ``x``."""
        V, shared, b = self.split(x)
        W = V[0] if len(V) == 1 else V.sum(axis=0)
        if self.centred:
            W = W + np.tile(shared * self.shared_scale, self.n_tasks)
        b = b * self.intercept.scale if self.intercept else np.zeros(self.shape[1])
        return W, b

    def pull(self, gW: Array, gb: Array) -> Array:
        """Gradient with respect to the vector from that with respect to (W, b)."""
        pulled = [gW.ravel()] * len(self.parts)
        if self.centred:
            pulled.append(self._by_task(gW).sum(axis=1).ravel() * self.shared_scale)
        if self.intercept:
            pulled.append(gb * self.intercept.scale)
        return np.concatenate(pulled)

    def start(self, W: Array, b: Array, parts: Array | None = None) -> Array:
        """The vector for given coefficients, and parts of them (n, p, C) where these are known.

        Otherwise all is in the first part, and the mean in w0.
        """
        x = np.zeros(self.size)
        V, shared, intercepts = self.split(x)
        if parts is not None:
            V[:] = parts
        elif self.centred:
            V[0] = W - np.tile(self._by_task(W).mean(axis=1), self.n_tasks)
        else:
            V[0] = W
        if self.centred:
            shared[:] = self._by_task(W - V.sum(axis=0)).mean(axis=1) / self.shared_scale
        if self.intercept:
            intercepts[:] = b / self.intercept.scale
            if np.isinf(self.intercept.alpha):
                intercepts[:] = self._mean_intercept(intercepts)
        return x

    def unpack(self, x: Array) -> Array:
        """Parts (n, p, C) that add up to W: those of the penalty, then w0 for every task."""
        V, shared, _ = self.split(x)
        if not self.centred:
            return V.copy()
        return np.concatenate([V, np.tile(shared * self.shared_scale, self.n_tasks)[None]])

    def pack(self, V: Array, b: Array) -> Array:
        """The vector of the parts of `unpack`, and of intercepts where there are."""
        x = np.zeros(self.size)
        parts, shared, intercepts = self.split(x)
        parts[:] = V[: len(parts)]
        if self.centred:
            shared[:] = self._by_task(V[-1]).mean(axis=1) / self.shared_scale
        if self.intercept:
            intercepts[:] = b / self.intercept.scale
        return x

    def shared(self, x: Array) -> Array:
        """The shared part w0 (p, classes)."""
        return self.split(x)[1] * self.shared_scale

    def _by_task(self, array: Array) -> Array:
        return array.reshape(*array.shape[:-1], self.n_tasks, -1)

    def _mean_intercept(self, b: Array) -> Array:
        """Mean over tasks of each class, repeated for every task."""
        return np.tile(self._by_task(b).mean(axis=0), self.n_tasks)
