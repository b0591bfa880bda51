"""What squared loss needs of rows, summed up: a public object that chunks and machines share."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skmtl._all_or_nothing import all_or_nothing
from skmtl._features import ValidatesFeatures
from skmtl._further_rows import read_more, with_names
from skmtl._shown import shown
from skmtl._versions import Versioned
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.objective._training_data import check_range
from skmtl.tasks._columns import Column, match
from skmtl.tasks._features import read_task_index
from skmtl.tasks._labels import read_labels
from skmtl.tasks._read_targets import check_long, names_of_columns
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

OLDEST = 400.0
"""Age, in half-lives, beyond which rows do not lose weight: of 1e-120 nothing is left."""


class TaskStatistics(ValidatesFeatures, Versioned, BaseEstimator):
    r"""What squared loss needs of rows: sums that chunks and machines add up, exactly.

    For every set of tasks t with the same weights s of their labels

    .. math:: \sum_i s_{ti}, \quad \bar x_t, \quad \bar y_t, \quad
        \sum_i s_{ti} (x_i - \bar x_t)(x_i - \bar x_t)', \quad
        \sum_i s_{ti} (x_i - \bar x_t)(y_{ti} - \bar y_t), \quad
        \sum_i s_{ti} (y_{ti} - \bar y_t)^2,

    in float64, so that the memory does not depend on the number of rows. Every chunk is centred
    by means of its own before anything is squared, and two of them are added as in [1]_: a
    mean of 1e6 costs no digits, and neither the chunks nor their order matter. `fit_statistics`
    of a linear regression takes them in place of X and y.

    Parameters
    ----------
    task_feature : int or str, default=None
        Long form: index or name of the column of X that says which task a row belongs to; y
        then has one label per row. By default y has one column per task.

    Attributes
    ----------
    task_names_in_ : ndarray of shape (n_tasks,)
        Names of the tasks: the columns of y, or 0, 1, ...; the values of the task feature so
        far, in long form.
    n_labels_ : ndarray of shape (n_tasks,)
        Number of labels of each task.
    total_weight_ : ndarray of shape (n_tasks,)
        Sum of their weights.
    n_grams_ : int
        Number of matrices of n_features x n_features: one for each set of tasks with the same
        weights.
    n_features_in_ : int
        Number of columns of X, the task feature included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, if all are strings.

    See Also
    --------
    skmtl.MultiTaskLinear.partial_fit : Adds rows up and fits in one call.

    References
    ----------
    .. [1] T. Chan, G. Golub and R. LeVeque, "Algorithms for computing the sample variance", The
       American Statistician 37, 1983, eq. 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinearRegressor
    >>> from skmtl.linear import TaskStatistics
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 3))
    >>> Y = X @ rng.normal(size=(3, 2)) + rng.normal(size=(90, 2))
    >>> Y[:20, 0] = np.nan
    >>> parts = [TaskStatistics().update(X[i : i + 30], Y[i : i + 30]) for i in (0, 30, 60)]
    >>> whole = parts[2] + (parts[0] + parts[1])
    >>> whole.n_labels_
    array([70, 90])
    >>> model = MultiTaskLinearRegressor("l2").fit_statistics(whole)
    >>> np.allclose(model.coef_, MultiTaskLinearRegressor("l2").fit(X, Y).coef_)
    True
    """

    _task_set: TaskSet
    _sums: StreamStatistics

    def __init__(self, *, task_feature: int | str | None = None) -> None:
        self.task_feature = task_feature

    def update(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows: any of them may have no label, the first ones too.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels, numbers; NaN, None, pandas.NA and masked entries are unobserved.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels.

        Returns
        -------
        self : object
            With these rows.

        Raises
        ------
        ValueError
            If X has NaN or infinity, labels are no numbers, or rows have other columns, or tasks,
            than those before.
        """
        with all_or_nothing(self):
            is_first = not hasattr(self, "_task_set")
            X, task_column = self._read_X(X, reset=is_first)
            tasks = _without_labels(y, task_column, sample_weight) if is_first else self._task_set
            targets = read_more(
                self,
                X,
                y,
                task_column,
                sample_weight,
                tasks=tasks,
                standardize=False,
                admits_tasks=True,
            )
            self._add(X, targets)
        return self

    def merge(self, other: Self) -> Self:
        """Add the rows of another one.

        Parameters
        ----------
        other : TaskStatistics
            Of the same features and tasks; in long form of any tasks.

        Returns
        -------
        self : object
            With these rows, too.

        Raises
        ------
        ValueError
            If the other one has other features, tasks, or another form.
        """
        if not isinstance(other, TaskStatistics):
            raise TypeError(f"Expected TaskStatistics to merge with, got {type(other).__name__}.")
        if not hasattr(other, "_task_set"):
            return self
        if not hasattr(self, "_task_set"):
            self.__dict__.update(vars(other))
            return self
        self._check_alike(other)
        tasks = _together(self._task_set, other._task_set)
        self._set(tasks, self._spread(tasks).plus(other._spread(tasks)))
        return self

    def __add__(self, other: Self) -> Self:
        """Statistics of the rows of both."""
        return copy(self).merge(other) if isinstance(other, TaskStatistics) else NotImplemented

    def decay(self, factor: float) -> Self:
        """Let all rows so far count less.

        Parameters
        ----------
        factor : float
            Between 0 and 1: what their weights are multiplied with.

        Returns
        -------
        self : object
            With these weights. A task keeps at least a trace of what it knew, so that only
            further labels make it forget.
        """
        if not 0.0 < factor <= 1.0:
            raise ValueError(f"factor={factor!r}; expected a number above 0, and 1 at most.")
        if hasattr(self, "_sums"):
            self._set(self._task_set, self._sums.faded(factor))
        return self

    def _add(self, X: Any, targets: Targets, half_life: float | None = None) -> None:
        """Add validated rows, the last one with its full weight, all before it with less."""
        check_range(X, targets)
        tasks, n_rows = targets.tasks, len(targets.values)
        if half_life is not None:
            ages = np.arange(n_rows)[::-1] / half_life
            targets = replace(targets, weights=(targets.weights.T * faded(ages)).T)
        before = None
        if hasattr(self, "_sums"):
            before = self._spread(tasks)
            if half_life is not None:
                before = before.faded(float(faded(n_rows / half_life)))
        if before is None or targets.weights.any():
            more = StreamStatistics.of(X, targets, are_repeated=half_life is None)
            before = more if before is None else before.plus(more)
        self._set(tasks, before)

    def _set(self, tasks: TaskSet, sums: StreamStatistics) -> None:
        self._task_set, self._sums = tasks, sums
        self.task_names_in_, self.n_labels_ = tasks.names, sums.n_labels
        self.total_weight_, self.n_grams_ = sums.omega, len(sums.gram)

    def _spread(self, tasks: TaskSet) -> StreamStatistics:
        """The sums, with a place for tasks that have come since."""
        if not tasks.is_long or tasks.n_tasks == self._task_set.n_tasks:
            return self._sums
        places = match(tasks.names, self._task_set.names.astype(tasks.names.dtype))
        return self._sums.spread(places, tasks.n_tasks)

    def _check_alike(self, other: Self) -> None:
        """Raise where the other one is not about the same columns."""
        about = {
            "columns of X": lambda one: one.n_features_in_,
            "names of columns of X": lambda one: list(getattr(one, "feature_names_in_", [])),
            "task_feature": lambda one: one.task_feature,
            "tasks": lambda one: [] if one._task_set.is_long else one.task_names_in_.tolist(),
        }
        for what, of in about.items():
            ours, theirs = of(self), of(other)
            if ours != theirs:
                both = [
                    shown(found) if isinstance(found, list) else found for found in (ours, theirs)
                ]
                raise ValueError(
                    f"TaskStatistics with other {what} cannot be merged: {both[0]} and {both[1]}."
                )


def _without_labels(y: Any, task_column: Any, sample_weight: Any) -> TaskSet:
    """The tasks of y, as if no label had been seen yet."""
    is_long = task_column is not None
    labels = read_labels(y, sample_weight, ["y"] if is_long else None, is_long=is_long)
    if is_long:
        check_long(labels, task_column)
        names = read_task_index(task_column)[0]
    else:
        names = names_of_columns(labels)
    types = labels.types("auto", "regression", is_long=is_long)
    for task, name in zip(types, ["y"] if is_long else names.tolist(), strict=True):
        task.fit(Column(np.zeros(0), np.zeros(0, dtype=bool)), np.zeros(0), name)
    n_labels = np.zeros(len(names), dtype=np.int64)
    return TaskSet(tuple(types), names, n_labels, is_long, labels.is_1d)


def _together(ours: TaskSet, theirs: TaskSet) -> TaskSet:
    """The tasks of both, in long form maybe more than those of either, with all their labels."""
    if ours.is_long:
        ours, theirs = with_names(ours, theirs.names), with_names(theirs, ours.names)
    tasks = tuple(copy(task) for task in ours.tasks)
    for task, other in zip(tasks, theirs.tasks, strict=True):
        task.n_labels_ += other.n_labels_
    return replace(ours, tasks=tasks, n_labels=ours.n_labels + theirs.n_labels)


def faded(half_lives: Any) -> Array:
    """The weight of rows of an age, in half-lives; never 0."""
    return np.exp2(-np.minimum(half_lives, OLDEST))
