"""Scores of a path of alphas on the held-out part of a fold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._scored_columns import mean_scores
from skmtl.linear.cross_validation._folds_together import solutions_together
from skmtl.linear.cross_validation._held_out import FoldScores, HeldOut
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.cross_validation._search_data import SearchData, with_features_of
from skmtl.linear.objective._merged_statistics import MergedStatistics
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.model_selection._folds import Folds
from skmtl.tasks._some_tasks import settings_of_fold
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

STATISTICAL = (None, "r2", "neg_mean_squared_error")
"""Scorings that the sufficient statistics of the held-out rows answer."""

CHUNK = 10
"""Alphas that are fitted before they are scored: more are in vain where a path ends."""


NUMBERS_AT_ONCE = 2**18
"""Coefficients whose errors are summed together: they stay in the cache."""


@dataclass(frozen=True)
class TrainedFold:
    """Training rows of a fold with their labels, the model of this fold alone, what scores it."""

    model: Any
    rows: Array
    X: Any
    targets: Targets
    held_out: HeldOut

    @classmethod
    def of(cls, model: Any, data: SearchData, fold: Any, scorer: Any) -> Self | None:
        """From both sides of a fold; None where one is without labels."""
        train, held_out = (data.take(rows) for rows in fold)
        if not train.observed.any() or not held_out.observed.any():
            return None
        model = with_features_of(model, clone(model))
        targets = train.targets(model)
        model.set_params(**settings_of_fold(model, train.names, targets.tasks.names.tolist()))
        score = HeldOut(model, targets.tasks, held_out, scorer)
        return cls(model, fold[0], train.X, targets, score)

    def solutions(self, alphas: Array) -> Iterator[LinearFit | None]:
        """The fit of each alpha; None where there is nothing to learn."""
        problem = PathProblem.of_rows(PathModel.of(self.model), self.X, self.targets)
        return repeat(None) if problem is None else problem.solutions(alphas)


def scores_from_rows(
    model: Any, data: SearchData, folds: Folds, alphas: Array, scorer: Any, n_columns: int
) -> Iterator[list[FoldScores]]:
    """Scores of an unfitted `MultiTaskLinear`, for any task types and any scorer.

    Some alphas at a time, one `FoldScores` for each of the folds: one, or several that
    `go_together`.
    """
    found = [TrainedFold.of(model, data, fold, scorer) for fold in folds]
    trained = [fold for fold in found if fold is not None]
    solutions: Iterator[Any]
    if len(trained) > 1:
        training = [(fold.rows, fold.targets) for fold in trained]
        solutions = solutions_together(PathModel.of(model), data.X, training, alphas)
    else:
        solutions = zip(*(fold.solutions(alphas) for fold in trained), strict=True)
    for k in range(0, len(alphas), CHUNK):
        chunk = alphas[k : k + CHUNK]
        fits = zip(*islice(solutions, len(chunk)), strict=True)
        yield [
            FoldScores.empty(len(chunk), n_columns)
            if fold is None
            else fold.held_out.scores(chunk, next(fits))
            for fold in found
        ]


def scores_from_statistics(
    problem_of: Callable[[MergedStatistics, TaskSet], Any],
    tasks: TaskSet,
    train: MergedStatistics,
    held_out: MergedStatistics,
    alphas: Array,
    scoring: str | None,
) -> FoldScores:
    """`FoldScores` of squared loss from the statistics of a fold, without touching its rows.

    ``problem_of`` makes what has the ``solutions`` along alphas, as `PathProblem` has them.
    """
    if not train.n_labels.any():
        return FoldScores.empty(len(alphas), tasks.n_tasks)
    fits = problem_of(train, tasks).solutions(alphas)
    return scores_of_fits(fits, len(alphas), train, held_out, scoring)


def scores_of_fits(
    fits: Iterable[LinearFit],
    n_fits: int,
    train: MergedStatistics,
    held_out: MergedStatistics,
    scoring: str | None = None,
) -> FoldScores:
    """`FoldScores` of fits to the labels that some rows have, from the statistics of others."""
    kept = np.flatnonzero(train.n_labels)
    scores, test = FoldScores.empty(n_fits, len(train.n_labels)), held_out.select(kept)
    errors = errors_of(test, fits, n_fits)
    # Constant labels are explained wholly or not at all, as in `Task.score`.
    lost = np.divide(errors, test.squares, out=(errors > 0) * 1.0, where=test.squares > 0)
    scores.tasks[:, kept] = np.where(test.n_labels < 2, np.nan, 1.0 - lost)
    means = np.divide(errors, test.omega, out=np.full(errors.shape, np.nan), where=test.omega > 0)
    scores.mse[:] = mean_scores(means.T)
    if scoring == "neg_mean_squared_error":
        scores.mean[:] = -scores.mse
    else:
        scores.mean[:] = mean_scores(scores.tasks.T)
    return scores


def errors_of(held_out: MergedStatistics, fits: Iterable[LinearFit], n_fits: int) -> Array:
    """Weighted sums of squared errors (n_fits, n_tasks), of some fits at a time."""
    n_at_once = max(1, NUMBERS_AT_ONCE // held_out.cross.size)
    fits, parts = iter(fits), []
    for _ in range(0, n_fits, n_at_once):
        some = list(islice(fits, n_at_once))
        W, b = np.stack([fit.W for fit in some]), np.stack([fit.b for fit in some])
        parts.append(held_out.squared_errors(W, b))
    return np.concatenate(parts)
