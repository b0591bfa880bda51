"""Statistics of working labels: what strengths that choose themselves see of losses of a stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._stream_statistics import StreamStatistics, vars_of
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


@dataclass(eq=False)
class WorkingStatistics(StreamStatistics):
    r"""`StreamStatistics` of working labels around constants that stay as they were at first.

    For losses whose slope is that of a constant less the label (classes, counts), another constant
    moves the labels of a task together, so that centred sums are those around the best one.

    Attributes
    ----------
    bend : ndarray of shape (n_outputs,)
        Sum of the curvatures of the labels around these constants.
    is_classes : ndarray of bool, shape (n_outputs,)
        Outputs that tell classes apart.
    n_tasks : int
        Number of tasks, of which some may have several outputs.
    """

    bend: Array
    is_classes: Array
    n_tasks: int

    @classmethod
    def of_labels(cls, X: Any, targets: Targets, constants: Array, *, are_repeated: bool) -> Self:
        """Those of a chunk, around constants (n_outputs,)."""
        tasks = targets.tasks
        sizes = [task.n_outputs_ for task in tasks.tasks]
        weights = targets.weights.reshape(len(targets.weights), -1)
        loss = DataLoss(make_design(X, targets), targets, weights)
        b = np.tile(constants, tasks.n_tasks) if tasks.is_long else constants
        point = loss.at(np.zeros((X.shape[1], len(b))), b)
        c = np.repeat(weights, sizes, axis=1)
        z = np.divide(-point.slope, c, out=np.zeros_like(c), where=c > 0)
        bend = loss.design.sums(point.curvature.diagonal)
        if tasks.is_long:
            columns = replace(targets, values=z[:, 0])
        else:
            n_labels = (c > 0).sum(axis=0)
            columns = Targets(TaskSet((), np.arange(len(n_labels)), n_labels), z, c)
        found = StreamStatistics.of(X, columns, are_repeated=are_repeated)
        of_outputs = np.repeat([task.is_classification for task in tasks.tasks], sizes)
        is_classes = np.tile(of_outputs, tasks.n_tasks) if tasks.is_long else of_outputs
        return cls(**vars_of(found), bend=bend, is_classes=is_classes, n_tasks=tasks.n_tasks)

    def plus(self, other: Self) -> Self:
        """Statistics of the rows of both."""
        return replace(super().plus(other), bend=self.bend + other.bend)

    def weighted(self, factors: Array) -> Self:
        """With the weights of every output times a factor."""
        return replace(super().weighted(factors), bend=self.bend * factors)

    def select(self, tasks: Any) -> Self:
        """Some of the outputs."""
        some = super().select(tasks)
        return replace(some, bend=self.bend[tasks], is_classes=self.is_classes[tasks])

    def spread(self, places: Array, n_tasks: int) -> Self:
        """Long form: the same among more tasks, each at its place."""
        if n_tasks == len(self.omega):
            return self
        bend = np.zeros(n_tasks)
        bend[places] = self.bend
        is_classes = np.full(n_tasks, self.is_classes[:1].any())
        return replace(
            super().spread(places, n_tasks), bend=bend, is_classes=is_classes, n_tasks=n_tasks
        )

    @property
    def curvature(self) -> Array:
        """Curvature of a label, (n_outputs,): of classes it is the variance of their labels.

        In long form it is that of all labels around one constant.
        """
        squares, bend, omega = self.squares, self.bend, self.omega
        if self.is_long:
            squares = squares + omega * (self.y_mean - omega @ self.y_mean / omega.sum()) ** 2
            squares, bend, omega = (np.full(len(omega), a.sum()) for a in (squares, bend, omega))
        return np.where(self.is_classes, squares, bend) / omega

    def bent(self) -> Self:
        """Of the squared loss with slope and curvature of the loss around a constant."""
        v = self.curvature
        v = np.where(v > 0, v, 1.0)
        return self.weighted(v).standardised(np.zeros(len(v)), v)
