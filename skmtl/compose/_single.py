"""One task learned by one scikit-learn estimator, or by a constant where there is no choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skmtl._warnings import LabelWarning, name_tasks, warn
from skmtl.tasks._count import Count
from skmtl.tasks._rows import rows_by_task

ALL_TOGETHER = "all tasks together"


@dataclass(frozen=True, eq=False)
class Problem:
    """Labels of one task: ``values`` are encoded, every weight is positive."""

    task: object
    name: object
    rows: np.ndarray
    values: np.ndarray
    weights: np.ndarray

    @classmethod
    def of_rows(cls, task, name, rows, values, weights):
        """Keep the observed ones of ``rows``."""
        rows = rows[weights[rows] > 0]
        return cls(task, name, rows, values[rows], weights[rows])

    @property
    def constant(self):
        """The only possible prediction, as a link; None where there is something to learn."""
        if not self.task.is_classification:
            # All counts zero: a log link has no finite coefficients for that.
            only_zeros = isinstance(self.task, Count) and not self.values.any()
            return np.nan if not len(self.rows) else 0.0 if only_zeros else None
        codes = np.unique(self.values)
        if len(codes) == 0:
            return constant_link(self.task, 1)[0]
        return np.eye(len(self.task.classes_))[int(codes[0])] if len(codes) == 1 else None


def constant_link(task, n_rows):
    """What a task without labels predicts: NaN, or all its classes alike."""
    if not task.is_classification:
        return np.full(n_rows, np.nan)
    n_classes = len(task.classes_)
    return np.full((n_rows, n_classes), 1.0 / n_classes)


def split(targets):
    """One `Problem` a task."""
    tasks = targets.tasks
    names = tasks.names.tolist()
    if tasks.is_long:
        return [
            Problem.of_rows(tasks.tasks[0], name, rows, targets.values, targets.weights)
            for name, rows in zip(
                names, rows_by_task(targets.task_index, tasks.n_tasks), strict=True
            )
        ]
    everything = np.arange(len(targets.values))
    values, weights = (a.reshape(len(a), -1).T for a in (targets.values, targets.weights))
    return [
        Problem.of_rows(task, name, everything, values[t], weights[t])
        for t, (task, name) in enumerate(zip(tasks.tasks, names, strict=True))
    ]


def all_rows_together(targets):
    """The `Problem` of all tasks as one (long form)."""
    everything = np.arange(len(targets.values))
    task = targets.tasks.tasks[0]
    return Problem.of_rows(task, ALL_TOGETHER, everything, targets.values, targets.weights)


def warn_of_single_classes(problems):
    """Tell of single classes that reading y could not see: in long form, or declared classes."""
    single = [
        problem.name
        for problem in problems
        if np.ndim(problem.constant) and len(problem.rows) > 1 and problem.task.n_outputs_
    ]
    if single:
        warn(f"{name_tasks(single)}: one observed class; the prediction is constant.", LabelWarning)


def fit_single(estimator, X, problem):
    """A fitted clone of ``estimator``; it sees the labels as the user wrote them."""
    estimator = clone(estimator)
    parameters = {}
    if (problem.weights != 1.0).any():
        parameters[weight_parameter(estimator, problem.name)] = problem.weights
    if len(problem.rows) < X.shape[0]:
        X = X[problem.rows]
    return estimator.fit(X, _labels_of_estimator(problem.task)(problem.values), **parameters)


def _labels_of_estimator(task):
    """How an estimator sees encoded labels: floats are no classes to scikit-learn, codes are."""
    if task.is_classification and task.classes_.dtype.kind == "f":
        return lambda values: values.astype(np.intp)
    return task.labels


def weight_parameter(estimator, name):
    """The fit parameter by which this estimator takes weights."""
    path, inner = "", estimator
    while not has_fit_parameter(inner, "sample_weight"):
        if isinstance(inner, Pipeline):
            path, inner = f"{path}{inner.steps[-1][0]}__", inner.steps[-1][1]
        elif hasattr(inner, "refit") and hasattr(inner, "estimator"):
            # A search takes whatever its estimator takes, and does not name it.
            inner = inner.estimator
        else:
            raise ValueError(
                f"Task {name!r} has labels of different weight, but {type(inner).__name__} takes "
                "no sample_weight in fit; use weights 0 and 1 only, or another estimator."
            )
    return f"{path}sample_weight"


def link_single(estimator, constant, task, X):
    """Expected values (n,) or class probabilities (n, n_classes) of new rows."""
    if estimator is None:
        return np.full((X.shape[0], *np.shape(constant)), constant)
    if not task.is_classification:
        return np.asarray(estimator.predict(X), dtype=np.float64).reshape(X.shape[0])
    labels = _labels_of_estimator(task)(np.arange(len(task.classes_)))
    position = {label: k for k, label in enumerate(labels.tolist())}
    link = np.zeros((X.shape[0], len(position)))
    if hasattr(estimator, "predict_proba"):
        columns = [position[label] for label in np.asarray(estimator.classes_).tolist()]
        link[:, columns] = estimator.predict_proba(X)
    else:
        codes = [position[label] for label in np.asarray(estimator.predict(X)).tolist()]
        link[np.arange(X.shape[0]), codes] = 1.0
    return link
