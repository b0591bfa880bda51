"""The loss of a chunk, and of what is left of those before it: the protocol of `_losses`."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.solvers.streams._past import Past, model_of

Array = NDArray[Any]
Pair = tuple[Array, Array]


class StreamLoss:
    """Sum of a loss on rows and of quadratic models of others."""

    def __init__(self, rows: DataLoss, past: Past) -> None:
        self.rows, self.past = rows, past

    def at(self, W: Array, b: Array) -> StreamPoint:
        return StreamPoint(self, self.rows.at(W, b), PastPoint(self.past, W, b))


class StreamPoint:
    """`StreamLoss` at some coefficients, or a dual point of it: what the two terms have, added."""

    def __init__(self, loss: StreamLoss, rows: Any, past: PastPoint) -> None:
        self.loss, self.rows, self.past = loss, rows, past

    @property
    def value(self) -> float:
        return float(self.rows.value) + self.past.value

    @cached_property
    def gradient(self) -> Pair:
        return _sum(self.rows.gradient, self.past.gradient)

    def hessian(self, dW: Array, db: Array) -> Pair:
        return _sum(self.rows.hessian(dW, db), self.past.hessian(dW, db))

    def dual(self, dW: Array, db: Array) -> StreamPoint:
        return StreamPoint(self.loss, self.rows.dual(dW, db), self.past.dual(dW, db))

    @property
    def scale(self) -> float:
        return float(self.rows.scale)

    def conjugate(self, scale: float) -> float:
        # Of a sum, at most the sum for any two that add up to the dual variable.
        return float(self.rows.conjugate(scale)) + self.past.conjugate(scale)

    def quadratic_model(self, *, centred: bool) -> Statistics:
        """The squared loss with this slope and curvature, of tasks with one output each."""
        past = self.loss.past
        return SumsOfSquares(past.plus(model_of(self.rows, past.sizes)), centred=centred)


class PastPoint:
    """`Past` at some coefficients; as it is quadratic, its own dual point too."""

    def __init__(self, past: Past, W: Array, b: Array) -> None:
        self.past, self.theta = past, np.vstack([W, b])
        self.of_groups = [self._take(group, self.theta) for group in past.groups]
        self.bent = [
            np.einsum("mij,mj->mi", group.H, x)
            for group, x in zip(past.groups, self.of_groups, strict=True)
        ]

    def _take(self, group: Any, theta: Array) -> Array:
        """Unknowns (m, K q) of the tasks of a group."""
        at = self.past.columns(group)
        return theta[:, at].transpose(1, 2, 0).reshape(len(at), -1)

    def _put(self, of_groups: list[Array]) -> Pair:
        found = np.zeros_like(self.theta)
        for group, x in zip(self.past.groups, of_groups, strict=True):
            at = self.past.columns(group)
            found[:, at] = x.reshape(*at.shape, -1).transpose(2, 0, 1)
        return found[:-1], found[-1]

    @property
    def along_y(self) -> float:
        """Sum over labels of weight, distance and label."""
        pairs = zip(self.past.groups, self.of_groups, strict=True)
        return sum(float(np.vdot(g.r, x) - g.c.sum()) for g, x in pairs)

    @cached_property
    def value(self) -> float:
        parts = zip(self.past.groups, self.of_groups, self.bent, strict=True)
        twice = sum(float(np.vdot(x, Hx) - 2.0 * np.vdot(g.r, x) + g.c.sum()) for g, x, Hx in parts)
        return 0.5 * twice

    @cached_property
    def gradient(self) -> Pair:
        return self._put([Hx - g.r for g, Hx in zip(self.past.groups, self.bent, strict=True)])

    def hessian(self, dW: Array, db: Array) -> Pair:
        d = np.vstack([dW, db])
        return self._put([np.einsum("mij,mj->mi", g.H, self._take(g, d)) for g in self.past.groups])

    def dual(self, dW: Array, db: Array) -> PastPoint:
        if not (dW.any() or db.any()):
            return self
        moved = self.theta - np.vstack([dW, db])
        return PastPoint(self.past, moved[:-1], moved[-1])

    def conjugate(self, scale: float) -> float:
        return scale**2 * self.value + scale * self.along_y


class SumsOfSquares(Statistics):
    """`Statistics` of the quadratic models of tasks with one output each."""

    def __init__(self, past: Past, *, centred: bool) -> None:
        (group,) = past.groups
        H, r, n_tasks = group.H, group.r, len(past.sizes)
        self.n_features, self.group = len(past.center), np.arange(n_tasks)
        self.shape = n_tasks, self.n_features
        self.omega = H[:, -1, -1].copy()
        self.x_mean, self.y_mean = np.zeros((n_tasks, self.n_features)), np.zeros(n_tasks)
        if centred:
            self.x_mean, self.y_mean = H[:, -1, :-1] / self.omega[:, None], r[:, -1] / self.omega
        weighed = self.omega[:, None] * self.x_mean
        self.gram = H[:, :-1, :-1] - weighed[:, :, None] * self.x_mean[:, None, :]
        self.cross = (r[:, :-1] - weighed * self.y_mean[:, None]).T
        self.squares = group.c - self.omega * self.y_mean**2


def _sum(one: Pair, other: Pair) -> Pair:
    return one[0] + other[0], one[1] + other[1]
