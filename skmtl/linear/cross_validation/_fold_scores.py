"""Scores of a path of alphas on the held-out part of a fold."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from skmtl._base import mean_score
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.objective._training_data import learnable_outputs, vanishing_for_zero
from skmtl.tasks._some_tasks import settings_of_fold
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet
from skmtl.tasks._weights import read_task_weight

STATISTICAL = (None, "r2", "neg_mean_squared_error")
"""Scorings that the sufficient statistics of the held-out rows answer."""


@dataclass
class Scores:
    """Of one fold and every alpha: (n_alphas,), (n_alphas, n_tasks), (n_alphas,)."""

    mean: np.ndarray
    tasks: np.ndarray
    mse: np.ndarray

    @classmethod
    def empty(cls, n_alphas, n_tasks):
        """All NaN: what a fold without labels scores."""
        return cls(*(np.full(s, np.nan) for s in (n_alphas, (n_alphas, n_tasks), n_alphas)))


@dataclass
class Rows:
    """Rows of the data as given, X as validated, and the names of all tasks."""

    X_given: Any
    X: Any
    y: Any
    task_column: Any
    sample_weight: Any
    observed: np.ndarray
    names: list

    def take(self, rows):
        """Some of the rows."""
        return replace(
            self,
            X=self.X[rows],
            observed=self.observed[rows],
            **{
                name: None if part is None else _safe_indexing(part, rows)
                for name in ("X_given", "y", "task_column", "sample_weight")
                for part in [getattr(self, name)]
            },
        )

    def targets(self, model):
        """Labels as ``model`` reads them."""
        return model._read_y(self.X, self.y, self.task_column, self.sample_weight)


def scores_from_rows(model, data, fold, alphas, scorer, n_tasks):
    """`Scores` of a model fitted to the training rows, for any task types and any scorer."""
    train, held_out = (data.take(rows) for rows in fold)
    scores = Scores.empty(len(alphas), n_tasks)
    if not train.observed.any() or not held_out.observed.any():
        return scores
    score = HeldOut(held_out, scorer)
    for k, fitted in enumerate(_fitted_path(model, train, alphas)):
        scores.mean[k], scores.tasks[k], scores.mse[k] = score(fitted)
    return scores


def _fitted_path(model, train, alphas):
    """The model, fitted with each alpha."""
    targets = train.targets(model)
    model.set_params(**settings_of_fold(model, train.names, targets.tasks.names.tolist()))
    problem = PathProblem.of_rows(PathModel.of(model), train.X, targets)
    solutions = [None] * len(alphas) if problem is None else problem.solutions(alphas)
    outputs = learnable_outputs(targets.tasks)
    for alpha, fitted in zip(alphas.tolist(), solutions, strict=True):
        # Publishing puts tasks into the units of y, once.
        tasks = tuple(copy(task) for task in targets.tasks.tasks)
        model._publish(replace(targets.tasks, tasks=tasks))
        model.alpha = alpha
        model._publish_coefficients(train.X.shape[1], outputs, fitted)
        yield model


class HeldOut:
    """Scores fitted models on held-out rows: (score, scores of the tasks, mean squared error).

    Rows of a task that training did not see count only where it is predicted.
    """

    def __init__(self, data, scorer):
        self.data, self.scorer, self.targets = data, scorer, None

    def __call__(self, model):
        columns = self._columns(model)
        tasks = np.array([model._task_score(*column) for column in columns])
        mse = mean_score([_mean_squared_error(*column) for column in columns])
        if self.scorer is None:
            return mean_score(tasks), tasks, mse
        score = self._call_scorer(model)
        if not isinstance(score, Mapping):
            return score, tasks, mse
        by_task = [value for key, value in score.items() if key not in ("mean", "worst")]
        if "mean" not in score:
            score = {"mean": mean_score(by_task)}
        return score["mean"], np.array(by_task) if len(by_task) == len(tasks) else tasks, mse

    def _call_scorer(self, model):
        data, weight = self.data, {}
        if data.sample_weight is not None and _takes_weights(self.scorer):
            weight["sample_weight"] = data.sample_weight
        return self.scorer(model, data.X_given, data.y, **weight)

    def _columns(self, model):
        """(task, expected, values, weight) of each column of y, values in the units of y."""
        data = self.data
        if self.targets is None:
            self.targets = model._task_set.read(
                data.y,
                task_column=data.task_column,
                sample_weight=data.sample_weight,
                unseen="miss",
                to_score=True,
            )
        index = self.targets.task_index
        values, weights = (
            a.reshape(len(a), -1).T for a in (self.targets.values, self.targets.weights)
        )
        if index is not None and model.unknown_task == "error":
            weights = np.where(index < 0, 0.0, weights)
        expected = model._expected(data.X, index)
        lost = [np.isnan(of_task.reshape(len(of_task), -1)).any(axis=1) for of_task in expected]
        weights = [np.where(n, 0.0, weight) for n, weight in zip(lost, weights, strict=True)]
        return list(zip(model._task_set.tasks, expected, values, weights, strict=True))


def _mean_squared_error(task, expected, values, weight):
    used = weight > 0
    if task.is_classification or not used.any():
        return np.nan
    return float(np.average((expected[used] - values[used]) ** 2, weights=weight[used]))


def _takes_weights(scorer):
    try:
        return "sample_weight" in inspect.signature(scorer).parameters
    except (TypeError, ValueError):
        return False


def scores_from_statistics(model, tasks, train, held_out, alphas, scoring):
    """`Scores` of squared loss from the statistics of a fold, without touching its rows."""
    scores = Scores.empty(len(alphas), tasks.n_tasks)
    kept = np.flatnonzero(train.n_labels)
    if not len(kept):
        return scores
    problem = problem_of_statistics(model, tasks, train, kept)
    test = held_out.select(kept)
    errors = np.array([test.squared_error(fit.W, fit.b) for fit in problem.solutions(alphas)])
    # Constant labels are explained wholly or not at all, as in `Task.score`.
    lost = np.divide(errors, test.squares, out=(errors > 0) * 1.0, where=test.squares > 0)
    scores.tasks[:, kept] = np.where(test.n_labels < 2, np.nan, 1.0 - lost)
    means = np.divide(errors, test.omega, out=np.full(errors.shape, np.nan), where=test.omega > 0)
    scores.mse[:] = [mean_score(mean) for mean in means]
    if scoring == "neg_mean_squared_error":
        scores.mean[:] = -scores.mse
    else:
        scores.mean[:] = [mean_score(task_scores) for task_scores in scores.tasks]
    return scores


def problem_of_statistics(model, tasks, train, kept):
    """What `MultiTaskLinear.fit` makes of the rows, from their statistics."""
    names = tasks.names.tolist()
    omega = read_task_weight(model.task_weight, names, train.omega)
    omega = vanishing_for_zero(omega)[kept]
    statistics = train.select(kept).weighted(omega / train.omega[kept])
    if not model.options.fit_intercept:
        statistics = statistics.uncentred()
    none = np.zeros((1, tasks.n_tasks))
    counted = TaskSet(tasks.tasks, tasks.names, train.n_labels)
    targets = Targets(counted, none, none).select(kept)
    penalty = model.penalty_of(kept, names)
    return PathProblem(statistics, targets, None, penalty, model.options)
