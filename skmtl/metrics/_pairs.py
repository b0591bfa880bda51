"""Labels and predictions given as arrays, task by task."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.metrics._keys import score_keys
from skmtl.metrics._predictions import read_predictions
from skmtl.tasks import Task
from skmtl.tasks._features import read_task_column
from skmtl.tasks._labels import Labels, read_labels
from skmtl.tasks._resolve import entry_per_task, is_auto, resolve_tasks
from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._table import FittedTasks

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Pair:
    """Observed labels of one task, and what was predicted for their rows.

    ``rows`` are their positions in the arrays. ``predicted`` has shape (n,) or, with a column per
    class, (n, n_classes). ``task`` knows its classes.
    """

    key: str
    name: Hashable
    task: Task
    rows: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    weight: np.ndarray

    @property
    def classes(self) -> Any:
        """Classes in the order of the columns of probabilities; None for a regression."""
        return getattr(self.task, "classes_", None)


def read_pairs(
    y_true: Any,
    y_pred: Any,
    *,
    kind: Any = "any",
    tasks: Any = "auto",
    sample_weight: Any = None,
    task_ids: Any = None,
) -> Any:
    """One `Pair` for each task that has predictions.

    ``kind`` is what columns are whose type is not declared: "regression", "classification", or
    "any" for the rule of the estimators, by which columns without predictions go. A task
    whose predictions are all NaN has no rows: so estimators answer for a task that they have never
    seen.
    """
    is_long = task_ids is not None
    labels = read_labels(y_true, sample_weight, declared=tasks, is_long=is_long)
    if is_long:
        labels.check_long("task_ids", "y_true")
    n_rows, names, has_names = labels.n_rows, labels.task_names, labels.names is not None
    predictions = read_predictions(y_pred, names, has_names, n_rows, labels.is_1d)
    kinds = ["any" if predicted is None else kind for predicted in predictions]
    types = _read_types(tasks, labels, ["y"] if is_long else names, kinds, is_long)
    columns: Any = zip(types, labels.columns, predictions, labels.weights, strict=True)
    if is_long:
        names, rows = _read_task_ids(task_ids, n_rows)
        columns = list(columns) * len(names)
    else:
        rows = [np.arange(n_rows)] * len(names)
    tasks = zip(score_keys(names), names, rows, columns, strict=True)
    pairs = [
        _observed(key, name, rows_of_task, *column)
        for key, name, rows_of_task, column in tasks
        if column[2] is not None
    ]
    if not pairs:
        raise ValueError("y_pred is None for every task; expected predictions of at least one.")
    return pairs


def _observed(
    key: Any, name: Any, rows: Any, task: Task, column: Any, prediction: Any, weight: Array
) -> Any:
    """What there is to compare: rows with a label."""
    values, is_there = prediction
    _check(task, name, values)
    rows = rows[weight[rows] > 0]
    n_missing = int((~is_there[rows]).sum())
    if n_missing == len(rows):
        rows = rows[:0]
    elif n_missing:
        raise ValueError(
            f"Task {name!r}: y_pred is missing in {n_missing} of {len(rows)} rows that have a "
            "label; expected a prediction in all or in none."
        )
    values = values[:, 0] if values.ndim == 2 and not task.is_classification else values
    return Pair(key, name, task, rows, column.labels[rows], values[rows], weight[rows])


def _check(task: Task, name: Any, values: Array) -> None:
    if not task.is_classification and values.dtype.kind == "O":
        raise ValueError(f"Task {name!r} is {task.alias}, but y_pred has strings.")
    expected = len(task.classes_) if task.is_classification else 1
    if values.ndim == 2 and values.shape[1] != expected:
        what = f"is {task.alias}"
        if task.is_classification:
            what += f" with the classes {task.classes_.tolist()}"
        raise ValueError(
            f"Task {name!r} {what}, but y_pred has {values.shape[1]} columns. Name its type and "
            "its classes in tasks: tasks_ of a fitted estimator, or Multiclass(classes=[...])."
        )


def _read_types(declared: Any, labels: Labels, names: Any, kinds: Any, is_long: Any) -> Any:
    """One task type per column, fitted to its labels unless it was before."""
    if is_long and isinstance(declared, list | FittedTasks) and len(set(map(id, declared))) == 1:
        # `tasks_` of an estimator fitted in long form: the same type for every task.
        declared = declared[0]
    types = []
    for entry, column, weight, name, kind in zip(
        entry_per_task(declared, names), labels.columns, labels.weights, names, kinds, strict=True
    ):
        if hasattr(entry, "n_labels_"):
            types.append(entry)
            continue
        entry_kind = kind if is_auto(entry) else "any"
        (task,) = resolve_tasks([entry], [column], [weight], [name], entry_kind)
        observed = column.labels[weight > 0]
        if task.is_classification and task.classes is None and np.isin(observed, (0, 1)).all():
            # Also where one of the two is absent by chance.
            task.set_params(classes=[0, 1])
        types.append(task.fit(column, weight, name))
    return types


def _read_task_ids(task_ids: Any, n_rows: int) -> Any:
    """Names of the tasks, and the rows of each."""
    column = read_task_column(task_ids, "task_ids")
    if len(column.labels) != n_rows or not column.observed.all():
        raise ValueError(
            f"task_ids has {int(column.observed.sum())} values; expected one for each of the "
            f"{n_rows} rows of y_true."
        )
    names, index = np.unique(column.labels, return_inverse=True)
    return names.tolist(), rows_by_task(index, len(names))
