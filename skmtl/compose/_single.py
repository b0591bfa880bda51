"""One task learned by one scikit-learn estimator, or by a constant where there is no choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skmtl.tasks._count import Count


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
        n_classes = len(self.task.classes_)
        codes = np.unique(self.values)
        if len(codes) == 0:
            return np.full(n_classes, 1.0 / n_classes)
        return np.eye(n_classes)[int(codes[0])] if len(codes) == 1 else None


def fit_single(estimator, X, problem):
    """A fitted clone of ``estimator``; it sees the labels as the user wrote them."""
    estimator = clone(estimator)
    parameters = {}
    if (problem.weights != 1.0).any():
        parameters[_weight_parameter(estimator, problem.name)] = problem.weights
    if len(problem.rows) < X.shape[0]:
        X = X[problem.rows]
    return estimator.fit(X, problem.task.labels(problem.values), **parameters)


def _weight_parameter(estimator, name):
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
    position = {label: k for k, label in enumerate(task.classes_.tolist())}
    link = np.zeros((X.shape[0], len(position)))
    if hasattr(estimator, "predict_proba"):
        columns = [position[label] for label in np.asarray(estimator.classes_).tolist()]
        link[:, columns] = estimator.predict_proba(X)
    else:
        codes = [position[label] for label in np.asarray(estimator.predict(X)).tolist()]
        link[np.arange(X.shape[0]), codes] = 1.0
    return link
