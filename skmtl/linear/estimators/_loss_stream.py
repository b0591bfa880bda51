"""What is known of a stream of labels whose losses are not squared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._centring import large_means
from skmtl.linear.objective._stream_statistics import at_least
from skmtl.linear.objective._working_statistics import WorkingStatistics
from skmtl.linear.solvers.streams._past import Past
from skmtl.tasks._columns import match
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

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
    work : WorkingStatistics or None
        Of working labels; None where no task has an output.
    W, b : ndarray of shape (n_features, n_columns), (n_columns,)
        Coefficients, of every output of every task.
    """

    tasks: TaskSet
    past: Past
    total: Array
    null: Array
    constants: Array
    work: WorkingStatistics | None
    W: Array
    b: Array

    @classmethod
    def without_outputs(cls, tasks: TaskSet, n_features: int) -> Self:
        """Of tasks whose labels are of one class each: only these are known."""
        none, nothing = np.zeros(0), np.zeros((n_features, 0))
        sizes = np.zeros(tasks.n_tasks, dtype=int)
        past = Past.none(sizes, np.zeros(n_features))
        total = np.zeros(tasks.n_tasks)
        return cls(tasks, past, total, total, none, None, nothing, none)

    def faded(self, factor: float) -> Self:
        """With rows that count less; a task keeps a trace of what it knew."""
        assert self.work is not None
        share = at_least(factor, self.total)
        return replace(
            self,
            past=self.past.times(share),
            total=self.total * share,
            null=self.null * share,
            work=self.work.faded(factor),
        )


def counted(
    before: LossStream | None, X: Any, targets: Targets, *, are_repeated: bool
) -> LossStream:
    """The stream with the labels of a chunk counted, and not yet learned."""
    tasks = targets.tasks
    task_sizes = np.array([task.n_outputs_ for task in tasks.tasks])
    sizes = np.repeat(task_sizes, tasks.n_tasks) if tasks.is_long else task_sizes
    if before is not None:
        before = _among(before, tasks, sizes)
    constants, null = constants_of(targets, task_sizes)
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
    assert before.work is not None
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
    past = before.past.among(places, sizes)
    assert before.work is not None
    work = before.work.spread(places, tasks.n_tasks)
    return replace(before, past=past, total=total, null=null, work=work, W=W, b=b)


def constants_of(targets: Targets, sizes: Array) -> tuple[Array, Array]:
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
