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
            classes = [replace(targets, values=of_class) for of_class in z.T]
        else:
            n_labels = (c > 0).sum(axis=0)
            classes = [Targets(TaskSet((), np.arange(len(n_labels)), n_labels), z, c)]
        found = _together(
            [StreamStatistics.of(X, some, are_repeated=are_repeated) for some in classes]
        )
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
        wider = super().spread(places, n_tasks)
        if wider is self:
            return self
        bend, is_classes = np.zeros(len(wider.omega)), np.zeros(len(wider.omega), dtype=bool)
        bend[self._columns(places)] = self.bend
        is_classes[:] = self.is_classes[:1].any()
        return replace(wider, bend=bend, is_classes=is_classes, n_tasks=n_tasks)

    @property
    def curvature(self) -> Array:
        """Curvature of a label, (n_outputs,): of classes it is the variance of their labels.

        In long form it is that of all labels around one constant.
        """
        squares, bend, omega = self.squares, self.bend, self.omega
        if self.is_long:
            y_mean, size = self._by_class(self.y_mean), self._by_class(omega)
            between = y_mean - (size * y_mean).sum(axis=0) / size.sum(axis=0)
            squares = squares + omega * between.ravel() ** 2
            squares, bend, omega = (
                np.tile(self._by_class(a).sum(axis=0), len(size)) for a in (squares, bend, omega)
            )
        return np.where(self.is_classes, squares, bend) / omega

    @property
    def by_class(self) -> Array:
        """Long form: outputs of the first class of all tasks, those of the second, ..."""
        return self._by_class(np.arange(len(self.omega))).T.ravel()

    def _by_class(self, values: Array) -> Array:
        """Values of the outputs as (n_tasks, n_classes)."""
        return values.reshape(self.n_tasks, -1)

    def bent(self) -> Self:
        """Of the squared loss with slope and curvature of the loss around a constant."""
        v = self.curvature
        v = np.where(v > 0, v, 1.0)
        return self.weighted(v).standardised(np.zeros(len(v)), v)


def _together(classes: list[StreamStatistics]) -> StreamStatistics:
    """Those of all classes, whose labels have the same rows: of a task next to each other."""
    first, n_classes = classes[0], len(classes)
    if n_classes == 1:
        return first
    repeated = np.repeat(np.arange(len(first.omega)), n_classes)
    cross, squares, y_mean = (
        np.stack([getattr(one, name) for one in classes], axis=-1)
        for name in ("cross", "squares", "y_mean")
    )
    return replace(
        first,
        cross=cross.reshape(first.n_features, -1),
        squares=squares.ravel(),
        y_mean=y_mean.ravel(),
        omega=first.omega[repeated],
        group=first.group[repeated],
        n_labels=first.n_labels[repeated],
        counts=first.counts.take(repeated),
    )
