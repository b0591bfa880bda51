"""What is to be spread evenly: the labels of every task, and those of every class."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._features import read_task_index as read_index
from skmtl.tasks._features import split_task_feature
from skmtl.tasks._labels import read_labels
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Strata:
    """The class, or the task that has none, of every label.

    Attributes
    ----------
    codes : ndarray of int32, shape (n_samples, n_columns)
        Stratum of each label, -1 where unobserved. In long form there is one column.
    task_of : ndarray of shape (n_strata,)
        Position in ``task_names`` of the task that a stratum belongs to.
    task_names, class_names : list
        Names of the tasks; the class of each stratum, None in a task without classes.
    task_index : ndarray of shape (n_samples,) or None
        Long form: task of each row, labelled or not.
    """

    codes: Array
    task_of: Array
    task_names: list[Hashable]
    class_names: list[Any]
    task_index: Array | None = None

    @cached_property
    def counts(self) -> Array:
        """Labels of each stratum."""
        counts = np.zeros(len(self.task_of), dtype=np.int64)
        for column in self.codes.T:
            counts += np.bincount(column[column >= 0], minlength=len(counts))
        return counts

    @cached_property
    def task_counts(self) -> Array:
        """Labels of each task."""
        totals = np.bincount(self.task_of, self.counts, len(self.task_names))
        return totals.astype(np.int64)

    def with_labelled_tasks(self) -> Strata:
        """Wide form: without tasks that have no label, and so no say."""
        kept = np.flatnonzero((self.codes >= 0).any(axis=0))
        if len(kept) in (0, self.codes.shape[1]):
            return self
        return Strata(
            np.ascontiguousarray(self.codes[:, kept]),
            np.searchsorted(kept, self.task_of),
            [self.task_names[t] for t in kept.tolist()],
            self.class_names,
            self.task_index,
        )

    def with_unlabelled_rows(self) -> Strata:
        """Rows without any label as one more task, so that they are spread as well."""
        is_empty = (self.codes < 0).all(axis=1)
        if not is_empty.any():
            return self
        column = np.where(is_empty, len(self.task_of), -1).astype(self.codes.dtype)
        return Strata(
            np.column_stack([self.codes, column]),
            np.append(self.task_of, len(self.task_names)),
            [*self.task_names, None],
            [*self.class_names, None],
        )


def read_strata(X: Any, y: Any, tasks: Any = "auto", task_feature: Any = None) -> Strata:
    """Read the labels of y; in long form also the tasks of X."""
    if y is None:
        raise ValueError("y is None, but the labels are what is spread over the parts; pass y.")
    read = read_labels(y, declared=tasks, is_long=task_feature is not None)
    task_names, index = read.task_names, None
    if task_feature is not None:
        read.check_long()
        task_names, index = read_task_index(X, task_feature)
    observed = [column.observed for column in read.columns]
    if not any(seen.any() for seen in observed):
        raise ValueError("y has no observed label: every one is missing.")
    types = read.types(tasks, is_long=index is not None)
    labels = [
        column.labels[seen] if task.is_classification else None
        for task, column, seen in zip(types, read.columns, observed, strict=True)
    ]
    return make_strata(observed, labels, list(task_names), index)


def make_strata(
    observed: list[Array],
    labels: list[Array | None],
    task_names: list[Hashable],
    index: Array | None = None,
) -> Strata:
    """Strata of columns: where each is observed, and these labels (None without classes).

    Columns are taken in the order of their names: folds, and what is fitted on them, are the same
    whatever the order in which a table has them.
    """
    if index is None:
        order = sorted(range(len(task_names)), key=lambda t: _place(task_names[t]))
        observed, labels = [observed[t] for t in order], [labels[t] for t in order]
        task_names = [task_names[t] for t in order]
    codes = np.full((len(observed[0]), len(observed)), -1, dtype=np.int32, order="F")
    task_of: list[int] = []
    class_names: list[Any] = []
    for t, (seen, of_column) in enumerate(zip(observed, labels, strict=True)):
        classes: list[Any] = [None]
        code = np.zeros(int(seen.sum()), dtype=np.int64)
        if of_column is not None:
            found, code = np.unique(of_column, return_inverse=True)
            classes = found.tolist()
        task_of_label = np.full(len(code), t) if index is None else index[seen]
        pairs, code = np.unique(task_of_label * len(classes) + code, return_inverse=True)
        codes[seen, t] = code + len(class_names)
        task_of += (pairs // max(len(classes), 1)).tolist()
        class_names += [classes[c] for c in (pairs % max(len(classes), 1)).tolist()]
    return Strata(np.ascontiguousarray(codes), np.array(task_of), task_names, class_names, index)


def _place(name: Any) -> tuple[str, float, str]:
    """What names are sorted by: numbers by value, all else by type and text."""
    is_number = isinstance(name, Real) and not isinstance(name, bool)
    return ("", float(name), "") if is_number else (type(name).__name__, 0.0, str(name))


def strata_of(targets: Targets) -> Strata:
    """The labels of positive weight that `read_targets` has read."""
    columns = targets.columns()
    labels = [
        values[weights > 0] if task.is_classification else None for task, values, weights in columns
    ]
    observed = [weights > 0 for _, _, weights in columns]
    return make_strata(observed, labels, targets.tasks.names.tolist(), targets.task_index)


def read_task_index(X: Any, task_feature: Any) -> tuple[list[Hashable], Array]:
    """Names of the tasks in long form, and the position of each row's."""
    names, index = read_index(split_task_feature(X, task_feature)[1])
    return names.tolist(), index
