"""X, y and weights, and which of their labels belong to which task."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_consistent_length

from skmtl._innermost import innermost, inward
from skmtl.model_selection._strata import make_strata, read_task_index
from skmtl.tasks._labels import read_labels, weights_as_array, with_events_folded
from skmtl.tasks._named_labels import with_rows
from skmtl.tasks._rows import rows_by_task, some_rows


class TaskData:
    """The data of an estimator, to be cut into tasks and rows.

    Parameters
    ----------
    estimator : estimator
        Says whether y is in wide or long form, and of which types the tasks are.
    X, y, sample_weight : array-like
        As its `fit` takes them.

    Attributes
    ----------
    names : list of length n_tasks
        Names of the tasks.
    types, column_types : list of Task
        Type of each task, and of each column of y: one in long form.
    rows, weights, codes : list of ndarray
        Of each task: the rows with a label of positive weight, ascending; these weights; and
        the labels, as codes if they are classes, else 0.
    index : ndarray of shape (n_samples,) or None
        Long form: the task of each row.
    """

    def __init__(self, estimator, X, y, sample_weight=None):
        _, final = innermost(estimator)
        declared, kind = getattr(final, "tasks", "auto"), getattr(final, "_kind", "any")
        is_long = getattr(final, "task_feature", None) is not None
        y = with_events_folded(y, declared, is_long=is_long)
        self.X, self.y = indexable(X), indexable(y)
        check_consistent_length(self.X, self.y)
        self.sample_weight = weights_as_array(sample_weight, y)
        labels = read_labels(self.y, self.sample_weight)
        self.has_names, self.index = labels.names is not None, None
        self.names, columns, weights = labels.task_names, labels.columns, labels.weights
        self.task_feature = feature = getattr(final, "task_feature", None)
        if feature is not None:
            labels.check_long()
            self.names, self.index = read_task_index(_for_final(estimator, self.X, y), feature)
            self.has_names = True
        self.column_types = labels.types(declared, kind, is_long=self.is_long)
        codes = [_codes(*pair) for pair in zip(self.column_types, columns, strict=True)]
        self.n_rows, self.types = len(weights[0]), self.column_types
        self.rows = [np.flatnonzero(weight > 0) for weight in weights]
        if self.index is not None:
            labelled = np.where(weights[0] > 0, self.index, -1)
            self.rows = rows_by_task(labelled, self.n_tasks)
            self.types, weights, codes = (
                part * self.n_tasks for part in (self.types, weights, codes)
            )
        self.weights = [w[rows] for w, rows in zip(weights, self.rows, strict=True)]
        self.codes = [c[rows] for c, rows in zip(codes, self.rows, strict=True)]

    @property
    def is_long(self):
        """Whether a row belongs to one task."""
        return self.index is not None

    @property
    def n_tasks(self):
        """Number of tasks."""
        return len(self.names)

    @property
    def n_labels(self):
        """Labels of positive weight; (n_tasks,)."""
        return np.array([len(rows) for rows in self.rows])

    def labelled_in(self, rows, t):
        """Where the rows with a label of task t are among these: positions in ``rows[t]``."""
        return np.flatnonzero(_mask(rows, self.n_rows)[self.rows[t]])

    def can_learn(self, rows=None):
        """Tasks (n_tasks,) that these rows teach something: they have labels, of two classes."""
        used = _mask(slice(None) if rows is None else rows, self.n_rows)
        needed = [2 if task.is_classification else 1 for task in self.types]
        found = [
            len(np.unique(codes[used[labelled]]))
            for codes, labelled in zip(self.codes, self.rows, strict=True)
        ]
        return np.array(found) >= needed

    def strata(self):
        """What folds are to spread: one of weight 0 is not there."""
        y = np.full((self.n_rows, len(self.column_types)), np.nan)
        for t, (rows, codes) in enumerate(zip(self.rows, self.codes, strict=True)):
            y[rows, 0 if self.is_long else t] = codes
        observed = list(~np.isnan(y.T))
        labels = [
            column[seen] if task.is_classification else None
            for task, column, seen in zip(self.column_types, y.T, observed, strict=True)
        ]
        return make_strata(observed, labels, self.names, self.index)

    def take(self, rows: Any = None, members: Any = None) -> tuple[Any, Any, Any]:
        """X, y and sample weights (or None) of some rows, for some of the tasks."""
        if members is not None and self.index is not None:
            rows = np.arange(self.n_rows) if rows is None else rows
            rows = rows[np.isin(self.index[rows], members)]
        X, y, weight = self.X, self.y, self.sample_weight
        if members is not None and not self.is_long:
            y = self._columns(members)
            weight = weight if np.ndim(weight) < 2 else weight[:, members]
        if rows is None:
            return X, y, weight
        X, y = some_rows(X, rows), some_rows(y, rows)
        return X, y, None if weight is None else weight[rows]

    def names_of(self, members):
        """Names that some of the tasks have where they are without the others."""
        return [self.names[t] for t in members] if self.has_names else list(range(len(members)))

    def _columns(self, members):
        if np.ndim(self.y) == 1 and not getattr(getattr(self.y, "dtype", None), "names", None):
            return self.y
        if getattr(getattr(self.y, "dtype", None), "names", None):
            return self.y[[self.names[t] for t in members]]
        return _safe_indexing(self.y, [int(t) for t in members], axis=1)


def indexable(data):
    """Something that rows and columns can be taken of."""
    if sparse.issparse(data):
        return data.tocsr()
    if not isinstance(data, list | tuple):
        return with_rows(data)
    if any(isinstance(row, np.ma.MaskedArray) and row.ndim for row in data):
        return np.ma.stack(data)
    # Through object: numpy would turn numbers beside strings into strings.
    return np.array(data, dtype=object)


def _for_final(estimator, X, y):
    """X as it arrives at the innermost estimator."""
    for inner, *_ in inward(clone(estimator), fitted=False):
        if isinstance(inner, Pipeline) and len(inner.steps) > 1:
            X = inner[:-1].fit_transform(X, y)
    return X


def _mask(rows, n_rows):
    mask = np.zeros(n_rows, dtype=bool)
    mask[rows] = True
    return mask


def _codes(task, column):
    """Numbers that tell classes apart."""
    if not task.is_classification:
        return np.zeros(len(column.labels))
    return np.unique(column.labels, return_inverse=True)[1]
