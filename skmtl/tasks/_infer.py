"""What estimators read y as, before a fit."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from skmtl.tasks._base import Array, Task
from skmtl.tasks._ordinal import Ordinal
from skmtl.tasks._read_targets import read_targets

MOST_TASKS, MOST_CLASSES = 30, 5
TITLES = "task", "type", "labels", "missing", "values"


@dataclass(frozen=True)
class TaskTable:
    """A table of tasks: print it, or let a notebook show it.

    Parameters
    ----------
    names : list
        Names of the tasks.
    tasks : list of Task
        Their types, fitted to the labels.
    n_labels, n_missing : list of int
        Observed labels of each task, and those that are missing.
    values : list of str
        The classes, or the smallest and the largest label.

    See Also
    --------
    infer : Makes one of y.

    Examples
    --------
    >>> from skmtl.tasks import infer
    >>> infer([True, False, True]).values
    ['False, True']
    """

    names: list[Any]
    tasks: list[Task]
    n_labels: list[int]
    n_missing: list[int]
    values: list[str]

    def _rows(self) -> list[tuple[str, ...]]:
        columns = self.names, [t.alias for t in self.tasks], self.n_labels, self.n_missing
        rows = zip(*columns, self.values, strict=True)
        return [tuple(map(str, row)) for row in rows][:MOST_TASKS]

    def _more(self) -> str:
        n_more = len(self.names) - MOST_TASKS
        return f"and {n_more} more tasks" if n_more > 0 else ""

    def __repr__(self) -> str:
        rows = [TITLES, *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, self._more()]).rstrip()

    def _repr_html_(self) -> str:
        def row(cells: tuple[str, ...], tag: str) -> str:
            return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

        body = "".join(row(cells, "td") for cells in self._rows())
        more = f"<p>{self._more()}</p>" if self._more() else ""
        return f"<table>{row(TITLES, 'th')}{body}</table>{more}"


def infer(y: Any, tasks: Any = "auto", *, sample_weight: Any = None) -> TaskTable:
    """Say what estimators of any task types read y as.

    Parameters
    ----------
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels, as `fit` takes them.
    tasks : "auto", task type, list or dict, default="auto"
        What is declared, as the parameter ``tasks`` of the estimators.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels; those of 0 are missing.

    Returns
    -------
    table : TaskTable
        Name, type, number of labels, of missing ones, and the values of each task.

    Raises
    ------
    ValueError
        Whatever `fit` would raise for this y.

    Warns
    -----
    UserWarning
        Whatever `fit` would warn of.

    Examples
    --------
    >>> from skmtl.tasks import infer
    >>> infer({"score": [1.5, 2.0, None], "passed": ["no", "yes", "yes"]})
    task    type        labels  missing  values
    score   regression  2       1        1.5 to 2
    passed  binary      3       0        no, yes
    """
    targets = read_targets(y, declared=tasks, sample_weight=sample_weight)
    found = targets.tasks
    n_labels = [task.n_labels_ for task in found.tasks]
    values = [_values(*column) for column in targets.columns()]
    n_missing = [len(targets.values) - n for n in n_labels]
    return TaskTable(found.names.tolist(), list(found.tasks), n_labels, n_missing, values)


def _values(task: Task, values: Array, weight: Array) -> str:
    if not task.n_labels_:
        return ""
    if not task.is_classification:
        labels = task.labels(values[weight > 0]).astype(np.float64)
        if task.has_times:
            times = np.abs(labels)
            return f"{times.min():g} to {times.max():g}, {(labels > 0).sum()} events"
        return f"{labels.min():g} to {labels.max():g}"
    is_ordered = isinstance(task, Ordinal)
    known: Array = getattr(task, "ordered_classes_" if is_ordered else "classes_")
    classes = [str(label) for label in known.tolist()]
    between = " < " if is_ordered else ", "
    return between.join(classes[:MOST_CLASSES] + (["..."] if len(classes) > MOST_CLASSES else []))
