"""The model of one task in a chain, and what it tells the models that come after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from skmtl.compose._single import Problem, fit_single, link_single


@dataclass(frozen=True, eq=False)
class Step:
    """A fitted model of one task; ``tells`` whether other tasks can learn from it."""

    task: Any
    estimator: Any
    constant: Any
    tells: bool

    @classmethod
    def fit(cls, problem, X, template):
        """Learn the task from the rows that have its label."""
        constant = problem.constant
        estimator = fit_single(template, X, problem) if constant is None else None
        return cls(problem.task, estimator, constant, is_learnable(problem))

    def link(self, X):
        """Expected values or class probabilities."""
        return link_single(self.estimator, self.constant, self.task, X)

    def columns(self, link):
        """Features that a link is for other tasks."""
        if not self.tells:
            return np.empty((len(link), 0))
        if self.task.is_classification:
            # Of two probabilities one is enough.
            return link[:, 1:] if link.shape[1] == 2 else link
        return link[:, None]

    def training_columns(self, problem, X, template, cv):
        """`columns` for the rows of `fit`.

        A row with a label has what models say that did not see it, or the label itself (cv is
        None); one without has what this model says, as new rows will.
        """
        if not self.tells:
            return np.empty((X.shape[0], 0))
        own = true_link(problem) if cv is None else out_of_fold(problem, X, template, cv)
        link = np.empty((X.shape[0], *own.shape[1:]))
        link[problem.rows] = own
        others = np.setdiff1d(np.arange(X.shape[0]), problem.rows)
        if len(others):
            link[others] = self.link(X[others])
        return self.columns(link)


def is_learnable(problem):
    """Whether predictions differ between rows, and part of the labels can be held out."""
    return problem.constant is None and len(problem.rows) > 1


def true_link(problem):
    """The labels as if they had been predicted with certainty."""
    if not problem.task.is_classification:
        return problem.values
    return np.eye(len(problem.task.classes_))[problem.values.astype(np.intp)]


def out_of_fold(problem, X, template, cv):
    """Link of each labelled row by a model fitted to the other `ChainFolds`."""
    link = np.full_like(true_link(problem), np.nan)
    times = np.zeros(len(problem.rows), dtype=np.intp)
    for train, test in cv.of(problem):
        rows, values, weights = (a[train] for a in (problem.rows, problem.values, problem.weights))
        if not len(rows):
            raise ValueError(f"cv={cv!r} has a fold without labels of task {problem.name!r}.")
        part = Problem(problem.task, problem.name, rows, values, weights)
        link[test] = Step.fit(part, X, template).link(X[problem.rows[test]])
        times[test] += 1
    if not (times == 1).all():
        raise ValueError(
            f"cv={cv!r} predicts {int((times != 1).sum())} labels of task {problem.name!r} not "
            "exactly once; expected test folds that are a partition, as those of KFold."
        )
    return link


def augment(X, columns):
    """Append the columns that earlier models gave."""
    columns = [part for part in columns if part.shape[1]]
    if not columns:
        return X
    added = np.hstack(columns).astype(X.dtype)
    return sparse.hstack([X, added], format="csr") if sparse.issparse(X) else np.hstack([X, added])
