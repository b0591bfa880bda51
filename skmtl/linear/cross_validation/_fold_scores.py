"""Scores of a path of alphas on the held-out part of a fold."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._scored_columns import ScoredColumn, mean_score
from skmtl.linear.cross_validation._fold_statistics import MergedStatistics
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.cross_validation._search_data import SearchData
from skmtl.tasks._some_tasks import settings_of_fold
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

STATISTICAL = (None, "r2", "neg_mean_squared_error")
"""Scorings that the sufficient statistics of the held-out rows answer."""


@dataclass
class FoldScores:
    """Of one fold and every alpha: (n_alphas,), (n_alphas, n_tasks), (n_alphas,)."""

    mean: Array
    tasks: Array
    mse: Array

    @classmethod
    def empty(cls, n_alphas: int, n_tasks: int) -> Self:
        """All NaN: what a fold without labels scores."""
        return cls(*(np.full(s, np.nan) for s in (n_alphas, (n_alphas, n_tasks), n_alphas)))


def scores_from_rows(
    model: Any,
    data: SearchData,
    fold: tuple[Array, Array],
    alphas: Array,
    scorer: Any,
    n_columns: int,
) -> FoldScores:
    """`FoldScores` of a model fitted to the training rows, for any task types and any scorer.

    ``model`` is an unfitted `MultiTaskLinear` of this fold alone.
    """
    train, held_out = (data.take(rows) for rows in fold)
    scores = FoldScores.empty(len(alphas), n_columns)
    if not train.observed.any() or not held_out.observed.any():
        return scores
    score = HeldOutScorer(held_out, scorer)
    for k, fitted in enumerate(_fitted_path(model, train, alphas)):
        scores.mean[k], scores.tasks[k], scores.mse[k] = score(fitted)
    return scores


def _fitted_path(model: Any, train: SearchData, alphas: Array) -> Iterator[Any]:
    """The model, fitted with each alpha: what a scorer sees of it is as after `fit`."""
    targets = train.targets(model)
    model.set_params(**settings_of_fold(model, train.names, targets.tasks.names.tolist()))
    problem = PathProblem.of_rows(PathModel.of(model), train.X, targets)
    solutions = [None] * len(alphas) if problem is None else problem.solutions(alphas)
    for alpha, fitted in zip(alphas.tolist(), solutions, strict=True):
        # Publishing puts tasks into the units of y, once.
        tasks = tuple(copy(task) for task in targets.tasks.tasks)
        model._publish(replace(targets.tasks, tasks=tasks))
        model._publish_coefficients(train.X.shape[1], fitted)
        model.alpha = alpha
        yield model


class HeldOutScorer:
    """Scores fitted models on held-out rows: (score, scores of the tasks, mean squared error).

    Rows of a task that training did not see count only where it is predicted.
    """

    def __init__(self, data: SearchData, scorer: Any) -> None:
        self.data, self.scorer = data, scorer
        self.targets: Targets | None = None

    def __call__(self, model: Any) -> tuple[float, Array, float]:
        columns = self._columns(model)
        tasks = np.array([model._task_score(*column) for column in columns])
        mse = mean_score([_mean_squared_error(column) for column in columns])
        if self.scorer is None:
            return mean_score(tasks), tasks, mse
        score = self._call_scorer(model)
        if not isinstance(score, Mapping):
            return score, tasks, mse
        by_task = [value for key, value in score.items() if key not in ("mean", "worst")]
        mean = score["mean"] if "mean" in score else mean_score(by_task)
        return mean, np.array(by_task) if len(by_task) == len(tasks) else tasks, mse

    def _call_scorer(self, model: Any) -> Any:
        data, weight = self.data, {}
        if data.sample_weight is not None and _takes_weights(self.scorer):
            weight["sample_weight"] = data.sample_weight
        return self.scorer(model, data.X_given, data.y, **weight)

    def _columns(self, model: Any) -> list[ScoredColumn]:
        """A `ScoredColumn` for each column of y; what is not to be scored has weight 0."""
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
        expected = model._expected(data.X, index)
        is_left_out = [
            np.isnan(of_task.reshape(len(of_task), -1)).any(axis=1) for of_task in expected
        ]
        if index is not None and model.unknown_task == "error":
            is_left_out[0] |= index < 0
        return [
            ScoredColumn(task, of_task, column.values, np.where(out, 0.0, column.weights))
            for task, of_task, column, out in zip(
                model._task_set.tasks, expected, self.targets.columns(), is_left_out, strict=True
            )
        ]


def _mean_squared_error(column: ScoredColumn) -> float:
    used = column.weight > 0
    if column.task.is_classification or not used.any():
        return np.nan
    errors = (column.expected[used] - column.values[used]) ** 2
    return float(np.average(errors, weights=column.weight[used]))


def _takes_weights(scorer: Any) -> bool:
    try:
        return "sample_weight" in inspect.signature(scorer).parameters
    except (TypeError, ValueError):
        return False


def scores_from_statistics(
    model: PathModel,
    tasks: TaskSet,
    train: MergedStatistics,
    held_out: MergedStatistics,
    alphas: Array,
    scoring: str | None,
) -> FoldScores:
    """`FoldScores` of squared loss from the statistics of a fold, without touching its rows."""
    scores = FoldScores.empty(len(alphas), tasks.n_tasks)
    kept = np.flatnonzero(train.n_labels)
    if not len(kept):
        return scores
    problem = PathProblem.of_statistics(model, train, tasks)
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
