"""Scores of fits on the held-out rows of a fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._scored_columns import mean_scores
from skmtl._scorers import scored_by
from skmtl.linear.cross_validation._scores_at_once import scores_at_once
from skmtl.linear.cross_validation._search_data import SearchData
from skmtl.linear.solvers._coefficients import LinearRows, Units, coefficients_of, in_units_of_y
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._shapes import have_shapes, set_shapes
from skmtl.tasks._base import Task
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

LARGEST = 2**21
"""Raw scores that are held at a time, of several fits."""


@dataclass
class FoldScores:
    """Of one fold and several alphas.

    Attributes
    ----------
    mean, mse, explained : ndarray of shape (n_alphas,)
        Scores, mean squared errors, and shares of deviance explained: means over the tasks.
    tasks : ndarray of shape (n_alphas, n_tasks)
        Scores of the tasks.
    """

    mean: Array
    mse: Array
    explained: Array
    tasks: Array

    @classmethod
    def empty(cls, n_alphas: int, n_tasks: int) -> Self:
        """All NaN: what a fold without labels scores."""
        shapes = n_alphas, n_alphas, n_alphas, (n_alphas, n_tasks)
        return cls(*(np.full(shape, np.nan) for shape in shapes))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Those of the alphas of all parts."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))

    def first(self, n_alphas: int | None) -> Self:
        """Those of the first alphas; None for all."""
        return type(self)(*(getattr(self, field.name)[:n_alphas] for field in fields(self)))

    def padded(self, n_alphas: int) -> Self:
        """With NaN for alphas that were not tried."""
        rest = self.empty(n_alphas - len(self.mean), self.tasks.shape[1])
        return self.joined([self, rest])


class HeldOut:
    """Held-out rows of a fold, to score fits on.

    Raw scores of several fits are one product; where there is a scorer, it gets a fitted model
    for each, unless its scores are known `at_once`. Rows of a task that training did not see count
    only where it is predicted.

    Parameters
    ----------
    model : MultiTaskLinear
        The model of this fold alone.
    tasks : TaskSet
        Tasks as the training rows say, in the units of the fit.
    data : SearchData
        The rows.
    scorer : callable or None
        What scores fitted models; None for the score of the model.
    unseen : {"miss", "raise"}, default="miss"
        What becomes of labels of a class that training did not see.
    """

    def __init__(
        self, model: Any, tasks: TaskSet, data: SearchData, scorer: Any, unseen: Any = "miss"
    ) -> None:
        self.model, self.tasks, self.data, self.scorer = model, tasks, data, scorer
        self.units = Units.of(tasks)
        # Of one column in long form scorers make a score for each of its tasks.
        has_classes = not tasks.is_long and any(task.is_classification for task in tasks.tasks)
        self.at_once = scores_at_once(scorer) if has_classes else None
        self.published = in_units_of_y(tasks)
        self.targets = self.published.read(
            data.y,
            task_column=data.task_column,
            sample_weight=data.sample_weight,
            unseen=unseen,
            to_score=True,
        )
        self.rows = LinearRows(data.X, self.targets.task_index, tasks.n_tasks)

    def scores(self, alphas: Array, fits: Sequence[LinearFit | None]) -> FoldScores:
        """Scores of the fits with these alphas; None for one without anything to learn."""
        step = max(1, LARGEST // max(1, len(self.targets.values) * self.tasks.n_outputs))
        # Likelihoods with a shape have another one in each fit.
        step = 1 if have_shapes(self.tasks.tasks) else step
        parts = [self._scores(fits[k : k + step]) for k in range(0, len(fits), step)]
        scores = FoldScores.joined(parts)
        if self.scorer is not None and self.at_once is None:
            for k, model in enumerate(self._models(alphas, fits)):
                self._score_model(model, scores, k)
        return scores

    # -- all fits at once -----------------------------------------------------------------------

    def _scores(self, fits: Sequence[LinearFit | None]) -> FoldScores:
        n_fits, n_features = len(fits), self.data.X.shape[1]
        columns, index = self.targets.columns(), self.targets.task_index
        set_shapes(self.published, fits[0])
        raw = self.rows.raw_scores(
            [coefficients_of(fitted, self.tasks, n_features, self.units) for fitted in fits]
        )
        every = None if index is None else np.tile(index, n_fits)
        flat_raw = raw.reshape(n_fits * raw.shape[1], raw.shape[2])
        expected = self.published.inverse_link(flat_raw, every)
        found = FoldScores.empty(n_fits, len(columns))
        explained, mse, scored_at_once = np.full((3, len(columns), n_fits), np.nan)
        for t, ((task, values, weight), flat) in enumerate(zip(columns, expected, strict=True)):
            of_task = flat.reshape(n_fits, len(values), *flat.shape[1:])
            for some, counted in self._counted(of_task, weight):
                scored = task, of_task[some], values, counted
                found.tasks[some, t] = self.model._task_scores(*scored)
                is_own = self.model._kind == "classification"
                explained[t, some] = task.scores(*scored[1:]) if is_own else found.tasks[some, t]
                mse[t, some] = _mean_squared_errors(*scored)
                if self.at_once is not None:
                    scored_at_once[t, some] = self.at_once(*scored)
        found.mean = mean_scores(found.tasks.T if self.at_once is None else scored_at_once)
        found.explained = mean_scores(explained)
        found.mse = mean_scores(mse)
        return found

    def _counted(self, expected: Array, weight: Array) -> Iterator[tuple[slice, Array]]:
        """Fits (a slice) with the weights of the labels that are predicted: all at once, mostly."""
        if self.targets.task_index is not None and self.model.unknown_task == "error":
            weight = np.where(self.targets.task_index < 0, 0.0, weight)
        # Mostly all are predicted, and one sum tells.
        with np.errstate(over="ignore", invalid="ignore"):
            are_numbers = not np.isnan(expected.sum())
        if are_numbers:
            yield slice(None), weight
            return
        silent: Any = np.isnan(expected)
        silent = silent.reshape(*expected.shape[:2], -1).any(axis=2)
        if (silent == silent[0]).all():
            yield slice(None), np.where(silent[0], 0.0, weight)
        else:
            for k, of_fit in enumerate(silent):
                yield slice(k, k + 1), np.where(of_fit, 0.0, weight)

    # -- one model after the other --------------------------------------------------------------

    def _models(self, alphas: Array, fits: Sequence[LinearFit | None]) -> Iterator[Any]:
        """The model, fitted with each alpha: what a scorer sees of it is as after `fit`."""
        for alpha, fitted in zip(alphas.tolist(), fits, strict=True):
            # Publishing puts tasks into the units of y, once.
            tasks = tuple(copy(task) for task in self.tasks.tasks)
            self.model._publish(replace(self.tasks, tasks=tasks))
            self.model._publish_coefficients(self.data.X.shape[1], fitted)
            self.model.alpha = alpha
            yield self.model

    def _score_model(self, model: Any, scores: FoldScores, k: int) -> None:
        """Put what the scorer says in the place of alpha ``k``."""
        data = self.data
        scores.mean[k], by_task = scored_by(
            self.scorer, model, data.X_given, data.y, data.sample_weight
        )
        if len(by_task) == scores.tasks.shape[1]:
            scores.tasks[k] = by_task


def _mean_squared_errors(task: Task, expected: Array, values: Array, weight: Array) -> Any:
    used = weight > 0
    if task.is_classification or not used.any():
        return np.nan
    errors = (task.decode(expected[:, used]) - values[used]) ** 2
    return np.average(errors, axis=1, weights=weight[used])
