"""Reading the labels of a task that comes after `fit`."""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.tasks._base import Task
from skmtl.tasks._by_name import column_names, name_key
from skmtl.tasks._counts import numbers_of_labels
from skmtl.tasks._features import read_task_column
from skmtl.tasks._labels import Labels, read_labels
from skmtl.tasks._read_targets import warn_of_few
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class LaterTask:
    """Its name, its labels as those of a single column of y, and how many each stands for."""

    name: Hashable
    targets: Targets
    counts: Array

    def beside(self, tasks: TaskSet, position: int) -> TaskSet:
        """All tasks, with this one at a position."""
        task = self.targets.tasks.tasks[0]
        names = tasks.names
        if names.dtype.kind != "O" and not isinstance(self.name, int | np.integer):
            names = names.astype(object)
        n_labels = np.insert(tasks.n_labels, position, task.n_labels_)
        names = np.insert(names, position, np.array([0], dtype=names.dtype))
        names[position] = self.name
        if not tasks.is_long:
            return TaskSet((*tasks.tasks, task), names, n_labels)
        of_all = copy(tasks.tasks[0])
        of_all.n_labels_ += task.n_labels_
        return replace(tasks, tasks=(of_all,), names=names, n_labels=n_labels)


def read_later_task(
    estimator: Any, y: Any, name: Any, task: Any, task_column: Any, sample_weight: Any
) -> LaterTask:
    """Read y, whose name and type are as `add_task` says.

    Raises
    ------
    ValueError
        If y is more than a column, has no label, or its name is missing, or known already.
    """
    tasks = estimator._task_set
    if y is None:
        raise ValueError("y is None; expected the labels of the new task.")
    declared: Any = _declared(estimator, task)
    if isinstance(declared, list):
        (declared,) = declared
    if tasks.is_long:
        declared = tasks.tasks[0]
    labels = read_labels(y, sample_weight, None, declared=declared, is_long=tasks.is_long)
    if len(labels.columns) != 1:
        raise ValueError(
            f"y has {len(labels.columns)} columns; expected one: add_task adds a task at a time."
        )
    if tasks.is_long:
        name = _name_in_X(tasks, name, task_column, labels)
    else:
        name = _name_of_column(tasks, name, y, labels)
    if name_key(name) in set(map(name_key, tasks.names.tolist())):
        raise ValueError(
            f"There is a task {name!r} already: give another name, or drop_task({name!r}) first."
        )
    column, weight = labels.columns[0], labels.weights[0]
    if not weight.any():
        raise ValueError(f"Task {name!r} has no observed label: nothing can be learned.")
    if tasks.is_long:
        if not (isinstance(task, str) and task == "auto"):
            raise ValueError("In long form all tasks have one type: leave out task=.")
        found = copy(tasks.tasks[0])
        found.n_labels_ = int((weight > 0).sum())
    else:
        found = labels.types(_declared(estimator, task), estimator._kind)[0]
        standardize = "about_zero" if estimator._about_zero else True
        found.fit(column, weight, name, standardize=standardize)
        if estimator._shape_varies:
            found.let_shape_vary()
    values = found.encode(column, name)
    weight = weight * found.label_weight(values)
    only = TaskSet((found,), np.array([0]), np.array([found.n_labels_]), is_1d=True)
    warn_of_few(only, [name])
    targets = Targets(only, values, weight)
    return LaterTask(name, targets, numbers_of_labels(targets)[:, 0])


def _declared(estimator: Any, task: Any) -> Any:
    """What is said of the type: here, or in the parameter ``tasks``, if for all tasks alike."""
    if not (isinstance(task, str) and task == "auto"):
        return [task]
    declared = estimator.tasks
    return declared if isinstance(declared, str | Task) else "auto"


def _name_of_column(tasks: TaskSet, name: Any, y: Any, labels: Labels) -> Hashable:
    """Wide: as given, as y is called, or the next number."""
    if name is None and labels.names is not None:
        name = labels.names[0]
    if name is None:
        name = getattr(y, "name", None) or None
    if name is not None:
        return name
    if tasks.names.dtype.kind == "O":
        raise ValueError(
            "The new task has no name: give name=..., or y as a column with one, as the other "
            "tasks have."
        )
    return int(tasks.names.max()) + 1


def _name_in_X(tasks: TaskSet, name: Any, task_column: Any, labels: Labels) -> Hashable:
    """Long: what the rows with labels have as task feature, which is ``name`` where X had none."""
    labels.check_long()
    if task_column is None or len(task_column) != labels.n_rows:
        n_rows = 0 if task_column is None else len(task_column)
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: X has "
            f"{n_rows} rows, y has {labels.n_rows}."
        )
    column = read_task_column(task_column)
    found = np.unique(column.labels[column.observed & (labels.weights[0] > 0)])
    if len(found) != 1:
        raise ValueError(
            f"The rows with labels name {len(found)} tasks in the task feature; expected one: "
            "add_task adds a task at a time."
        )
    in_X = found.tolist()[0]
    if name is not None and name != in_X:
        raise ValueError(f"name={name!r}, but the task feature of X is {in_X!r}.")
    if (found.dtype.kind == "O") != (tasks.names.dtype.kind == "O"):
        raise ValueError(
            f"Task {in_X!r} has a name of another kind than those of the task feature, such as "
            f"{tasks.names.tolist()[0]!r}."
        )
    return in_X


def with_task_column(estimator: Any, X: Any, name: Any) -> Any:
    """X with a column of the task feature, where it has come without one.

    Raises
    ------
    ValueError
        If there is no such column, and no name to put there.
    """
    names, n_features = column_names(X), estimator.n_features_in_
    if names is not None:
        known = list(estimator.feature_names_in_)
        feature = known[_place_of(known, estimator.task_feature)]
        if feature in names:
            return X
        _check_named(name)
        if not hasattr(X, "insert"):
            raise ValueError(f"X has no column {feature!r}; add it, with the name of the task.")
        X = X.copy()
        X.insert(min(known.index(feature), X.shape[1]), feature, [name] * len(X))
        return X
    X = X if sparse.issparse(X) else np.asanyarray(X)
    if X.ndim != 2 or X.shape[1] != n_features - 1:
        return X
    _check_named(name)
    position = estimator.task_feature % n_features
    if sparse.issparse(X):
        column = sparse.csr_matrix(np.full((X.shape[0], 1), float(name)))
        return sparse.hstack([X[:, :position], column, X[:, position:]], format="csr")
    if not isinstance(name, int | float | np.number):
        X = X.astype(object)
    return np.insert(X, position, np.array([name], dtype=object).astype(X.dtype), axis=1)


def _place_of(known: list[Any], task_feature: int | str) -> int:
    """Position of the task feature among the columns of the fit."""
    return known.index(task_feature) if task_feature in known else int(task_feature) % len(known)


def _check_named(name: Any) -> None:
    if name is None:
        raise ValueError(
            "X has no column of the task feature, so that the new task has no name: give name=..."
        )
