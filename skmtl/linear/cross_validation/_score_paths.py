"""Scores along the paths of alphas of a search, and where these end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.utils.parallel import Parallel, delayed

from skmtl.linear.cross_validation._held_out import FoldScores
from skmtl.linear.cross_validation._stopping import path_end

Array = NDArray[Any]
Path = Callable[[], Iterable[Sequence[FoldScores]]]
"""What gives the scores of one fold, or of several, some alphas at a time."""


def at_once(scores: Callable[[], FoldScores]) -> Iterable[Sequence[FoldScores]]:
    """A `Path` of one fold, from all its scores."""
    return [[scores()]]


@dataclass(frozen=True)
class ScorePaths:
    """Alphas (n_params, n_alphas), and the scores of every combination, alpha and fold.

    Attributes
    ----------
    alphas : ndarray of shape (n_params, n_alphas)
        Alphas, descending.
    score, mse : ndarray of shape (n_params, n_alphas, n_folds)
        Scores, and mean squared errors; NaN where the path of a combination has ended.
    task_score : ndarray of shape (n_params, n_alphas, n_folds, n_tasks)
        Scores of the tasks.
    advice : str
        What to do where nothing has a score.
    counts : ndarray of shape (n_folds, n_tasks) or None
        What the score of a task counts in each fold; None where folds count the same.
    """

    alphas: Array
    score: Array
    task_score: Array
    mse: Array
    advice: str = ""
    counts: Array | None = None

    @property
    def to_maximise(self) -> Array:
        """Scores (n_params, n_alphas, n_folds) whose mean over folds is maximised."""
        if self.counts is None:
            return self.score
        is_scored = ~np.isnan(self.task_score)
        counts = np.where(is_scored, self.counts, 0.0)
        # Of a task whose labels vary in no fold, folds count the same.
        counts = np.where(counts.any(axis=2, keepdims=True), counts, is_scored)
        totals = counts.sum(axis=2, keepdims=True)
        shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
        n_folds = (~np.isnan(self.score)).sum(axis=2, keepdims=True)
        n_tasks = np.maximum((totals > 0).sum(axis=3), 1)
        found = np.nansum(shares * self.task_score, axis=3) * n_folds / n_tasks
        return np.where(np.isnan(self.score), np.nan, found)

    @classmethod
    def of(
        cls,
        alphas: Array,
        scores: Sequence[Sequence[FoldScores]],
        advice: str,
        counts: Array | None = None,
    ) -> Self:
        """From those of every combination and fold."""
        n_alphas = max(len(of_fold.mean) for folds in scores for of_fold in folds)
        padded = [[of_fold.padded(n_alphas) for of_fold in folds] for folds in scores]
        mean, tasks, mse = (
            np.array([np.stack([getattr(f, name) for f in folds], axis=1) for folds in padded])
            for name in ("mean", "tasks", "mse")
        )
        return cls(alphas[:, :n_alphas], mean, tasks, mse, advice, counts)

    def followed_by(self, alphas: Array, further: Self, which: list[int]) -> Self:
        """With further alphas (n_params, n_further), that some of the combinations went on to."""
        longer: dict[str, Any] = {"alphas": np.concatenate([self.alphas, alphas], axis=1)}
        for name in ("score", "task_score", "mse"):
            before, after = getattr(self, name), getattr(further, name)
            rest = np.full((len(before), alphas.shape[1], *before.shape[2:]), np.nan)
            rest[which, : after.shape[1]] = after
            longer[name] = np.concatenate([before, rest], axis=1)
        return replace(self, **longer)


def scores_of(
    paths: Sequence[Sequence[Path]], alphas: Array, *, may_end: bool, n_jobs: Any, verbose: Any
) -> list[list[FoldScores]]:
    """Scores of every model and fold; where paths ``may_end``, of the alphas before.

    In one job all folds of a model go ahead together, and none goes on beyond the end. In several,
    each goes to the last alpha. What is returned is the same.
    """
    parallel, models = Parallel(n_jobs=n_jobs, verbose=verbose), range(len(paths))
    if may_end and effective_n_jobs(n_jobs) == 1:
        found = parallel(delayed(_side_by_side)(paths[k], alphas[k]) for k in models)
    else:
        scores = iter(parallel(delayed(_whole)(path) for of_model in paths for path in of_model))
        found = [[fold for _ in paths[k] for fold in next(scores)] for k in models]
    if may_end:
        ends = [path_end(path, folds) for path, folds in zip(alphas, found, strict=True)]
        found = [
            [of_fold.first(end) for of_fold in folds]
            for end, folds in zip(ends, found, strict=True)
        ]
    return found


def _side_by_side(paths: Sequence[Path], alphas: Array) -> list[FoldScores]:
    """Scores of every fold, with a few alphas at most beyond the end of the path."""
    found: list[FoldScores] = []
    for chunks in zip(*(path() for path in paths), strict=True):
        chunk = list(chain(*chunks))
        parts = zip(found, chunk, strict=True) if found else zip(chunk)
        found = [FoldScores.joined(of_fold) for of_fold in parts]
        if path_end(alphas, found) is not None:
            break
    return found


def _whole(path: Path) -> list[FoldScores]:
    """Scores of all alphas, for each of the folds of a path."""
    return [FoldScores.joined(of_fold) for of_fold in zip(*path(), strict=True)]
