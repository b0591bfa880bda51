"""Where networks of the long form begin: at a line of each task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from skmtl._rounding import varies
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.architectures._lines import N_DIRECTIONS, Lines
from skmtl.neural.inputs._inputs import Inputs
from skmtl.neural.training._random_slopes import CHUNK, Moments, RandomSlopes
from skmtl.neural.training._setup import Fit
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks import Task
from skmtl.tasks._targets import Targets
from skmtl.tasks._weights import in_range

Array = NDArray[Any]

N_ROWS, N_TASKS = 2_000, 500
"""Rows that tell centre, spread and directions of the inputs; tasks that tell the variances."""

N_LINEARISED, LEAST_CURVATURE = 4, 1e-4
"""How often classes are read as numbers, and the least precision of one."""


def start_at_lines(fit: Fit, module: MultiTaskModule, index: Sequence[Array | None]) -> None:
    """Let each model begin at the lines of the rows it trains on; None stands for all rows."""
    if not (module.takes_lines and fit.tasks.is_long and _has_one_score(fit.tasks.tasks[0])):
        return
    found: dict[bytes | None, Lines | None] = {}
    for model, rows in enumerate(index):
        key = None if rows is None else rows.tobytes()
        if key not in found:
            X, targets = fit.X, fit.targets
            if isinstance(X, StoredRows):
                # Those of a source that are in memory are many.
                some = X.kept if rows is None else np.intersect1d(X.kept, rows)
                X, targets = X[some], targets.take(some)
            elif rows is not None:
                X, targets = X[rows], targets.take(rows)
            found[key] = lines_of_tasks(fit.inputs, X, targets)
        lines = found[key]
        if lines is not None:
            module.start_at_lines(model, lines)


def lines_of_tasks(inputs: Inputs, X: Any, targets: Targets) -> Lines | None:
    """What a linear model says of each task; None where there is nothing to compare.

    Parameters
    ----------
    inputs : Inputs
        What the network reads of X: rows are vectors.
    X : ndarray or sparse array of shape (n, n_features)
        Features.
    targets : Targets
        Labels of these rows, in long form, with one raw score.
    """
    assert targets.task_index is not None
    used = np.flatnonzero(targets.weights > 0)
    rows = used[np.argsort(targets.task_index[used], kind="stable")]
    present, first = np.unique(targets.task_index[rows], return_index=True)
    [task] = targets.tasks.tasks
    labels, weights = targets.values[rows].astype(float), in_range(targets.weights[rows])
    weights = weights / weights.mean()
    if len(present) < 2 or not varies(np.ptp(labels), np.abs(labels).max()):
        return None
    center, basis = _coordinates(inputs, X, rows)
    if not basis.shape[1]:
        return None

    def read(some: slice) -> Array:
        Z = (_plain(inputs, X, rows[some]) - center) @ basis
        return np.column_stack([np.ones(len(Z)), Z])

    model, own = _fit(task, labels, weights, read, np.r_[first, len(rows)])
    of_all_tasks = np.zeros((targets.tasks.n_tasks, 1 + basis.shape[1]))
    of_all_tasks[present] = own
    between, shared = model.variances[1], np.mean(model.common[1:] ** 2)
    return Lines(
        center,
        basis,
        common=model.common[:1],
        offsets=of_all_tasks[:, :1],
        slopes=of_all_tasks[:, 1:, None],
        difference=float(between / (between + shared)),
    )


def _has_one_score(task: Task) -> bool:
    """Whether labels are read as numbers, or as one of two classes."""
    is_known = task.has_squared_loss or (task.is_classification and task.is_convex)
    return task.n_outputs_ == 1 and is_known


def _fit(
    task: Task, labels: Array, weights: Array, read: Any, bounds: Array
) -> tuple[RandomSlopes, Array]:
    """The model, and the lines (n_tasks, 1 + n_directions) of the tasks.

    Rows are sorted by task, from one bound to the next; ``read`` finds their w.
    """
    level = task.raw_prior(labels, weights)[0]
    response, precision = _working(task, labels, np.full(len(labels), level))
    variance = np.average((response - level) ** 2, weights=weights * precision)
    width = read(slice(0, 1)).shape[1]
    model = RandomSlopes(width - 1, variance, 1.0 if task.is_classification else None)
    some, own = _evenly(len(bounds) - 1, N_TASKS), np.zeros((len(bounds) - 1, width))
    for k in range(1 if task.has_squared_loss else N_LINEARISED):
        if k:
            raw = level + _of_rows(read, model.common + own, bounds)
            response, precision = _working(task, labels, raw)
        moments = Moments.of(read, response - level, weights * precision, bounds)
        model.fit(moments.take(some))
        own = model.deviations(moments)
    model.common[0] += level
    return model, own


def _working(task: Task, labels: Array, raw: Array) -> tuple[Array, Array]:
    """Labels as numbers that are normal with some precision, at the raw scores (n,)."""
    if task.has_squared_loss:
        return labels, np.ones(len(raw))
    scores = raw[:, None]
    _, slope = task.loss_and_grad(scores, labels)
    curvature = task.curvature(scores, labels, np.ones_like(scores))[:, 0]
    curvature = np.maximum(curvature, LEAST_CURVATURE)
    return raw - slope[:, 0] / curvature, curvature


def _of_rows(read: Any, coef: Array, bounds: Array) -> Array:
    """What the lines (n_tasks, 1 + n_directions) say of the rows of each task."""
    task = np.repeat(np.arange(len(coef)), np.diff(bounds))
    size = CHUNK // coef.shape[1]
    parts = [slice(start, start + size) for start in range(0, len(task), size)]
    return np.concatenate([(read(some) * coef[task[some]]).sum(axis=1) for some in parts])


def _evenly(n_all: int, n_some: int) -> Array:
    """All positions or, spread over them, as many as are wanted."""
    return np.unique(np.linspace(0, n_all - 1, min(n_all, n_some)).astype(int))


def _plain(inputs: Inputs, X: Any, rows: Array) -> Array:
    """What the network reads of some rows, as far as nothing is trained before it."""
    Z = inputs.transform(X, rows, np.float64)
    return np.asarray(Z.toarray() if sparse.issparse(Z) else Z)[:, : inputs.n_plain]


def _coordinates(inputs: Inputs, X: Any, rows: Array) -> tuple[Array, Array]:
    """Centre (n_inputs,) and basis (n_inputs, n_directions) of standardised coordinates.

    Of many inputs they are the leading principal directions.
    """
    Z = _plain(
        inputs, X, rows[_evenly(len(rows), min(N_ROWS, max(64, CHUNK // max(1, X.shape[1]))))]
    )
    used = np.flatnonzero(varies(np.ptp(Z, axis=0), np.abs(Z).max(axis=0), X.dtype))
    center = Z.mean(axis=0)
    Z -= center
    basis = np.zeros((len(center), len(used)))
    basis[used, np.arange(len(used))] = 1.0 / np.sqrt(np.mean(Z[:, used] ** 2, axis=0))
    if len(used) > N_DIRECTIONS:
        _, _, directions = randomized_svd(Z @ basis, N_DIRECTIONS, random_state=0)
        basis = basis @ directions.T
    return center, basis
