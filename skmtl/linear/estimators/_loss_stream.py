"""Streams of labels whose losses are not squared: what is known of them, and one chunk more."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.estimators._task_statistics import faded
from skmtl.linear.objective._centring import large_means
from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import read_penalty
from skmtl.linear.objective._stream_statistics import at_least
from skmtl.linear.objective._strengths import with_strengths
from skmtl.linear.objective._training_data import (
    check_range,
    learnable_outputs,
    learnable_tasks,
    vanishing_for_zero,
)
from skmtl.linear.objective._variables import Start
from skmtl.linear.objective._working_statistics import WorkingStatistics
from skmtl.linear.penalties import Penalty
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._shapes import have_shapes
from skmtl.linear.solvers.streams._fit_chunk import fit_chunk
from skmtl.linear.solvers.streams._past import Past, model_of
from skmtl.tasks._columns import match
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet
from skmtl.tasks._weights import read_task_weight

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class LossStream:
    """What is known of the rows so far.

    Attributes
    ----------
    tasks : TaskSet
        With location and scale of the labels.
    past : Past
        Quadratic models of their losses.
    total, null : ndarray of shape (n_tasks,)
        Sums of the weights, and of the losses of constants.
    constants : ndarray of shape (n_outputs,)
        Raw scores that working labels are around: of the best constants when labels came first.
    work : WorkingStatistics
        Of working labels.
    W, b : ndarray of shape (n_features, n_columns), (n_columns,)
        Coefficients, of every output of every task.
    """

    tasks: TaskSet
    past: Past
    total: Array
    null: Array
    constants: Array
    work: WorkingStatistics
    W: Array
    b: Array

    def faded(self, factor: float) -> Self:
        """With rows that count less; a task keeps a trace of what it knew."""
        work, share = self.work.faded(factor), at_least(factor, self.total)
        return replace(
            self,
            past=self.past.times(share),
            total=self.total * share,
            null=self.null * share,
            work=work,
        )


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
    _refuse_shapes(targets.tasks)
    X = X.astype(np.float64, copy=False)
    check_range(X, targets)
    half_life, n_rows = estimator.half_life, len(targets.values)
    if half_life is not None:
        ages = np.arange(n_rows)[::-1] / half_life
        targets = replace(targets, weights=(targets.weights.T * faded(ages)).T)
        if before is not None:
            before = before.faded(float(faded(n_rows / half_life)))
    rows = targets.row_is_observed
    if before is not None and not rows.any():
        return before
    X, targets = (X, targets) if rows.all() else (X[rows], targets.take(rows))
    stream = _counted(before, X, targets, are_repeated=half_life is None)
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
        # Raw scores come to be in the units of y, those of the stream stay.
        estimator._publish(replace(tasks, tasks=tuple(copy(task) for task in tasks.tasks)))
        if not len(self.kept):
            estimator._publish_fit(FitOptions.of(estimator), self.X.shape[1], None)
            return stream
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
            return self.work.x_mean[self.work.group]
        return np.broadcast_to(0.0 if options.origin is None else options.origin, shape)

    def _model(self, found: LinearFit) -> Past:
        """The quadratic model of the loss at what was found, among those of all tasks."""
        center, targets = self.stream.past.center, self.targets
        weights = targets.weights
        loss = DataLoss(make_design(self.X, targets, center), targets, weights)
        model = model_of(loss.at(found.W, found.b + center @ found.W), self.sizes)
        return replace(model, center=center).among(self.kept, self.stream.past.sizes)


def _counted(
    before: LossStream | None, X: Any, targets: Targets, *, are_repeated: bool
) -> LossStream:
    """The stream with the labels of a chunk counted, and not yet learned."""
    tasks = targets.tasks
    task_sizes = np.array([task.n_outputs_ for task in tasks.tasks])
    sizes = np.repeat(task_sizes, tasks.n_tasks) if tasks.is_long else task_sizes
    if before is not None:
        before = _among(before, tasks, sizes)
    constants, null = _constants(targets, task_sizes)
    total = targets.sum_by_task(targets.weights)
    columns = np.tile(constants, tasks.n_tasks) if tasks.is_long else constants
    if before is not None:
        is_new = before.total == 0.0
        columns = np.where(np.repeat(is_new, sizes), columns, before.b)
        seen = before.total.any() if tasks.is_long else np.repeat(~is_new, sizes)
        constants = np.where(seen, before.constants, constants)
    work = WorkingStatistics.of_labels(X, targets, constants, are_repeated=are_repeated)
    if before is None:
        mean = np.asarray(X.mean(axis=0)).ravel()
        center = large_means(X, mean, np.ones(X.shape[0])) if sparse.issparse(X) else mean
        nothing = np.zeros((X.shape[1], len(columns)))
        past = Past.none(sizes, center)
        return LossStream(tasks, past, total, null, constants, work, nothing, columns)
    return replace(
        before,
        tasks=tasks,
        total=before.total + total,
        null=before.null + null,
        constants=constants,
        work=before.work.plus(work),
        b=columns,
    )


def _among(before: LossStream, tasks: TaskSet, sizes: Array) -> LossStream:
    """The stream with a place for tasks that have come since (long form)."""
    n_before = len(before.total)
    if n_before == tasks.n_tasks:
        return before
    places = match(tasks.names, before.tasks.names.astype(tasks.names.dtype))
    K = int(sizes[0])
    columns = (places[:, None] * K + np.arange(K)).ravel()
    W, b = np.zeros((len(before.W), tasks.n_tasks * K)), np.zeros(tasks.n_tasks * K)
    W[:, columns], b[columns] = before.W, before.b
    total, null = np.zeros(tasks.n_tasks), np.zeros(tasks.n_tasks)
    total[places], null[places] = before.total, before.null
    past, work = before.past.among(places, sizes), before.work.spread(places, tasks.n_tasks)
    return replace(before, past=past, total=total, null=null, work=work, W=W, b=b)


def _constants(targets: Targets, sizes: Array) -> tuple[Array, Array]:
    """Raw scores of the best constants, and the sums of their losses of every task."""
    found, losses = [], []
    for (task, values, weights), K in zip(targets.columns(), sizes, strict=True):
        used, of_labels = weights > 0, np.zeros(len(weights))
        raw = np.zeros(K)
        if used.any() and K:
            raw = task.raw_prior(values[used], weights[used])
            scores = np.broadcast_to(raw, (int(used.sum()), K))
            of_labels[used] = weights[used] * task.loss_and_grad(scores, values[used])[0]
        found.append(raw)
        losses.append(of_labels)
    by_label = losses[0] if targets.weights.ndim == 1 else np.stack(losses, axis=1)
    return np.concatenate(found), targets.sum_by_task(by_label)


def _refuse_shapes(tasks: TaskSet) -> None:
    if have_shapes(tasks.tasks):
        task = next(task for task in tasks.tasks if task.n_shapes)
        raise ValueError(
            f"{task!r} learns thresholds or a scale beside the coefficients, of which nothing is "
            "kept between the chunks of a stream. MultiTaskMLP.partial_fit learns them: "
            "hidden_layer_sizes=() is a linear model."
        )
