"""Scores of a path of alphas on the held-out part of a fold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._scored_columns import mean_score
from skmtl.linear.cross_validation._fold_statistics import MergedStatistics
from skmtl.linear.cross_validation._held_out import FoldScores, HeldOut
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.cross_validation._search_data import SearchData
from skmtl.tasks._some_tasks import settings_of_fold
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

STATISTICAL = (None, "r2", "neg_mean_squared_error")
"""Scorings that the sufficient statistics of the held-out rows answer."""

CHUNK = 10
"""Alphas that are fitted before they are scored: more are in vain where a path ends."""


def scores_from_rows(
    model: Any,
    data: SearchData,
    fold: tuple[Array, Array],
    alphas: Array,
    scorer: Any,
    n_columns: int,
) -> Iterator[FoldScores]:
    """Scores of a model fitted to the training rows, for any task types and any scorer.

    ``model`` is an unfitted `MultiTaskLinear` of this fold alone. Some alphas at a time.
    """
    chunks = [alphas[k : k + CHUNK] for k in range(0, len(alphas), CHUNK)]
    train, held_out = (data.take(rows) for rows in fold)
    if not train.observed.any() or not held_out.observed.any():
        yield from (FoldScores.empty(len(chunk), n_columns) for chunk in chunks)
        return
    targets = train.targets(model)
    model.set_params(**settings_of_fold(model, train.names, targets.tasks.names.tolist()))
    problem = PathProblem.of_rows(PathModel.of(model), train.X, targets)
    solutions = repeat(None) if problem is None else problem.solutions(alphas)
    rows = HeldOut(model, targets.tasks, held_out, scorer)
    for chunk in chunks:
        yield rows.scores(chunk, list(islice(solutions, len(chunk))))


def scores_from_statistics(
    model: PathModel,
    tasks: TaskSet,
    train: MergedStatistics,
    held_out: MergedStatistics,
    alphas: Array,
    scoring: str | None,
) -> list[FoldScores]:
    """Scores of squared loss from the statistics of a fold, without touching its rows."""
    scores = FoldScores.empty(len(alphas), tasks.n_tasks)
    kept = np.flatnonzero(train.n_labels)
    if not len(kept):
        return [scores]
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
    return [scores]
