"""One chunk more of a stream of labels whose losses are not squared."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._further_rows import refuse_chunks
from skmtl.linear.estimators._loss_stream import LossStream, counted
from skmtl.linear.estimators._task_statistics import faded
from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import read_penalty
from skmtl.linear.objective._strengths import with_strengths
from skmtl.linear.objective._training_data import (
    check_range,
    learnable_outputs,
    learnable_tasks,
    vanishing_for_zero,
)
from skmtl.linear.objective._variables import Start
from skmtl.linear.penalties import Penalty
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers.streams._fit_chunk import fit_chunk
from skmtl.linear.solvers.streams._past import Past, model_of
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet
from skmtl.tasks._weights import read_task_weight

Array = NDArray[Any]


def learn_chunk(estimator: Any, before: LossStream | None, X: Any, targets: Targets) -> LossStream:
    """Fit the estimator to a chunk beside what was before; what is known afterwards.

    Parameters
    ----------
    estimator : LinearModel
        Where parameters are read, and fitted attributes written.
    before : LossStream or None
        What is known of earlier chunks.
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        Features of the chunk.
    targets : Targets
        Its labels, of all tasks.

    Returns
    -------
    after : LossStream
        With the chunk.
    """
    _refuse(targets.tasks)
    X = X.astype(np.float64, copy=False)
    check_range(X, targets)
    if not any(task.n_outputs_ for task in targets.tasks.tasks):
        # Labels of one class: there is nothing to learn, now or later.
        _publish(estimator, targets.tasks, X.shape[1])
        return LossStream.without_outputs(targets.tasks, X.shape[1])
    half_life, n_rows = estimator.half_life, len(targets.values)
    if half_life is not None:
        ages = np.arange(n_rows)[::-1] / half_life
        targets = replace(targets, weights=(targets.weights.T * faded(ages)).T)
        if before is not None:
            before = before.faded(float(faded(n_rows / half_life)))
    rows = targets.row_is_observed
    if before is not None and not rows.any() and len(before.total) == targets.tasks.n_tasks:
        return before
    if rows.any() and not rows.all():
        X, targets = X[rows], targets.take(rows)
    stream = counted(before, X, targets, are_repeated=half_life is None)
    return _Chunk(estimator, stream, X, targets).learned()


class _Chunk:
    """A chunk whose labels are counted, and the estimator that is to learn from it."""

    def __init__(self, estimator: Any, stream: LossStream, X: Any, targets: Targets) -> None:
        self.estimator, self.stream, self.X = estimator, stream, X
        tasks = stream.tasks
        self.kept = np.flatnonzero(learnable_tasks(tasks))
        self.outputs = np.flatnonzero(learnable_outputs(tasks))
        if tasks.is_long:
            place = np.cumsum(learnable_tasks(tasks)) - 1
            assert targets.task_index is not None
            index = place[targets.task_index]
            targets = replace(targets, tasks=tasks.take(self.kept), task_index=index)
        else:
            targets = targets.select(self.kept)
        self.targets = targets
        self.sizes = stream.past.sizes[self.kept]

    def learned(self) -> LossStream:
        """Publish what is found, and keep a model of the loss there."""
        estimator, stream, tasks = self.estimator, self.stream, self.stream.tasks
        penalty = read_penalty(estimator, tasks, self.X.shape[1])
        if not len(self.kept):
            _publish(estimator, tasks, self.X.shape[1])
            return stream
        _publish_tasks(estimator, tasks)
        penalty = penalty.for_tasks(self.kept, tasks.n_tasks)
        omega = read_task_weight(estimator.task_weight, tasks.names.tolist(), stream.total)
        total = np.where(stream.total > 0, stream.total, 1.0)
        factors = (vanishing_for_zero(omega) / total)[self.kept]
        options = self._options(penalty, factors)
        found = self._fit(penalty, options, factors)
        estimator._publish_fit(options, self.X.shape[1], found)
        W, b = stream.W.copy(), stream.b.copy()
        W[:, self.outputs], b[self.outputs] = found.W, found.b
        return replace(stream, past=stream.past.plus(self._model(found)), W=W, b=b)

    def _options(self, penalty: Penalty, factors: Array) -> FitOptions:
        """A number for each "auto"."""
        options = FitOptions.of(self.estimator)
        assert self.stream.work is not None
        work = self.stream.work.weighted(self._of_columns(factors)).select(self.outputs)
        work = replace(work, n_tasks=len(self.kept))
        self.work = work if options.fit_intercept else work.uncentred()
        return with_strengths(self.work, self.targets, None, penalty, options)

    def _of_columns(self, factors: Array) -> Array:
        every = np.zeros(len(self.stream.past.sizes))
        every[self.kept] = factors
        return np.repeat(every, self.stream.past.sizes)

    def _fit(self, penalty: Penalty, options: FitOptions, factors: Array) -> LinearFit:
        stream, targets = self.stream, self.targets
        by_label = factors[targets.task_index] if targets.tasks.is_long else factors
        label_weights = targets.weights * by_label
        return fit_chunk(
            self.X,
            targets,
            label_weights,
            stream.past.take(self.kept).times(factors),
            penalty,
            options,
            origins=self._origins(options),
            null_loss=float(stream.null[self.kept] @ factors),
            warm=Start(stream.W[:, self.outputs], stream.b[self.outputs]),
        )

    def _origins(self, options: FitOptions) -> Array:
        """Where intercepts are compared; where they are free, it is all the same."""
        shape = len(self.kept), self.X.shape[1]
        if not options.fit_intercept:
            return np.zeros(shape)
        if not options.intercept_alpha:
            return np.broadcast_to(self.stream.past.center, shape)
        if isinstance(options.origin, str):
            # It has been chosen.
            return self.work.x_mean
        return np.broadcast_to(0.0 if options.origin is None else options.origin, shape)

    def _model(self, found: LinearFit) -> Past:
        """The quadratic model of the loss at what was found, among those of all tasks."""
        center, targets = self.stream.past.center, self.targets
        weights = targets.weights
        loss = DataLoss(make_design(self.X, targets, center), targets, weights)
        model = model_of(loss.at(found.W, found.b + center @ found.W), self.sizes)
        return replace(model, center=center).among(self.kept, self.stream.past.sizes)


def _publish_tasks(estimator: Any, tasks: TaskSet) -> None:
    """Raw scores come to be in the units of y, those of the stream stay."""
    estimator._publish(replace(tasks, tasks=tuple(copy(task) for task in tasks.tasks)))


def _publish(estimator: Any, tasks: TaskSet, n_features: int) -> None:
    """A fit that has learned nothing."""
    _publish_tasks(estimator, tasks)
    estimator._publish_fit(FitOptions.of(estimator), n_features, None)


def _refuse(tasks: TaskSet) -> None:
    """Raise for losses of which a quadratic model says too little."""
    refuse_chunks(tasks)
    for task, name in zip(tasks.tasks, tasks.names.tolist(), strict=False):
        if task.n_shapes or task.has_times:
            why = "learns thresholds or a scale beside the coefficients"
        elif not task.is_smooth:
            why = "has a loss with corners"
        else:
            continue
        raise ValueError(
            f"Task {name!r} is {task!r} and {why}: of earlier chunks a linear model keeps too "
            "little for that. MultiTaskMLP.partial_fit takes it: hidden_layer_sizes=() is a linear "
            "model."
        )
