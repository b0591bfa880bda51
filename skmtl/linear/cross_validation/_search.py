"""Cross-validation of paths of alphas, for every combination of other parameters."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import LeaveOneOut

from skmtl._scorers import read_scorer
from skmtl.linear.cross_validation._extension import extended
from skmtl.linear.cross_validation._fold_scores import (
    STATISTICAL,
    scores_from_rows,
    scores_from_statistics,
)
from skmtl.linear.cross_validation._fold_statistics import (
    FoldStatistics,
    fold_statistics,
    folds_fit,
)
from skmtl.linear.cross_validation._folds_together import go_together
from skmtl.linear.cross_validation._leave_one_out import leave_one_out
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.cross_validation._score_paths import Path, ScorePaths, at_once, scores_of
from skmtl.linear.cross_validation._search_data import SearchData
from skmtl.linear.objective._merged_statistics import MergedStatistics
from skmtl.linear.objective._parameters import read_alphas
from skmtl.linear.objective._training_data import check_range
from skmtl.model_selection._folds import Folds, read_folds
from skmtl.model_selection._held_out import count_scored, warn_of_little, way_out
from skmtl.model_selection._strata import strata_of
from skmtl.tasks._labels import weights_as_array
from skmtl.tasks._rows import takeable
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class Search:
    """Cross-validation of linear models along paths of alphas.

    Parameters
    ----------
    estimator : MultiTaskLinearCV
        How to search.
    X : array-like
        Features as given.
    X_read : ndarray or sparse matrix
        Features as validated.
    y, task_column, sample_weight : array-like or None
        As given.
    targets : Targets
        All labels.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        X_read: Any,
        y: Any,
        task_column: Any,
        sample_weight: Any,
        targets: Targets,
    ) -> None:
        self.estimator, self.targets = estimator, targets
        X_read = X_read.astype(np.float64, copy=False)
        check_range(X_read, targets)
        # As given: for the splitter, and for scorers.
        self.X_given = takeable(X)
        self.data = SearchData(
            self.X_given if estimator.scoring is not None else None,
            X_read,
            takeable(y),
            task_column,
            # Folds take rows of them, and of y as it is given.
            weights_as_array(sample_weight, y, estimator.tasks),
            targets.row_is_observed,
            targets.tasks.names.tolist(),
        )

    def targets_of(self, model: Any) -> Targets:
        """All labels as a model reads them, that may standardise them."""
        mine = self.estimator
        if (model._standardize, model._about_zero) == (mine._standardize, mine._about_zero):
            return self.targets
        return self.data.targets(model)

    def data_of(self, model: Any) -> tuple[Any, Targets]:
        """All that a model is fitted to."""
        return self.data.X, self.targets_of(model)

    def run(self, models: list[Any], groups: Any) -> ScorePaths:
        """Scores of some models, unfitted `MultiTaskLinear`, along paths of alphas."""
        if isinstance(self.estimator.cv, LeaveOneOut) and (found := self._leave_one_out(models)):
            return found
        folds, advice = self._folds(groups)
        statistics = self._statistics(models, folds)
        alphas = self._alphas(models, self._whole(folds, statistics))
        n_jobs, verbose = self.estimator.n_jobs, self.estimator.verbose
        is_given = np.ndim(self.estimator.alphas) > 0
        # Alphas that are given are tried, and with statistics they cost nothing.
        may_end = not is_given and not self.targets.tasks.has_squared_loss
        counts = self._counts(folds)

        def score(which: list[int], alphas: Array) -> ScorePaths:
            paths = self._paths([models[k] for k in which], alphas, folds, statistics)
            scores = scores_of(paths, alphas, may_end=may_end, n_jobs=n_jobs, verbose=verbose)
            return ScorePaths.of(alphas, scores, advice, counts)

        found = score(list(range(len(models))), alphas)
        return found if is_given else extended(found, score)

    def _counts(self, folds: Folds) -> Array | None:
        """What the score of each task counts in every fold; None for scorers that are given.

        As the share of deviance explained is one of the deviance of constants, weighed by that its
        mean over folds is the share explained of all held-out labels; by the number of labels, the
        mean of accuracies is that of all.
        """
        if self.estimator.scoring is not None:
            return None
        is_share = self.estimator._kind != "classification"
        return np.array(
            [
                [
                    task.deviance_of_constant(values, weights) if is_share else weights.sum()
                    for task, values, weights in self.targets.take(test).columns()
                ]
                for _, test in folds
            ]
        )

    def _leave_one_out(self, models: list[Any]) -> ScorePaths | None:
        """What `run` finds, where that takes no fit for each row; else None."""
        tasks, n_samples = self.targets.tasks, len(self.targets.values)
        if (
            self.estimator.scoring != "neg_mean_squared_error"
            or tasks.is_long
            or not (tasks.has_squared_loss and tasks.has_r2_score)
            or any(model.scale_targets is True for model in models)
            or n_samples < 3
        ):
            return None
        alphas = self._alphas(models, None)
        paths = [
            leave_one_out(PathModel.of(model), self.data.X, self.targets_of(model), path)
            for model, path in zip(models, alphas, strict=True)
        ]
        if any(path is None for path in paths):
            return None
        mse = np.array(paths)
        return ScorePaths(alphas, -mse, np.full((*mse.shape, tasks.n_tasks), np.nan), mse)

    def _alphas(self, models: list[Any], whole: MergedStatistics | None) -> Array:
        """Alphas (n_params, n_alphas), descending."""
        estimator = self.estimator
        if np.ndim(estimator.alphas):
            return np.tile(read_alphas(estimator.alphas), (len(models), 1))
        found = []
        for model in models:
            path_model = PathModel.of(model)
            problem: PathProblem | None
            if whole is not None and model.scale_targets is not True:
                problem = PathProblem.of_statistics(path_model, whole, self.targets.tasks)
            else:
                problem = PathProblem.of_rows(path_model, self.data.X, self.targets_of(model))
            if problem is None:
                # Constant predictions, whatever alpha.
                found.append(np.geomspace(1.0, estimator.eps, estimator.alphas))
            else:
                found.append(problem.alphas(estimator.alphas, estimator.eps))
        return np.array(found)

    def _folds(self, groups: Any) -> tuple[Folds, str]:
        """Training and test rows, and what to do if nothing has a score; warns of little."""
        targets, strata = self.targets, partial(strata_of, self.targets)
        folds = read_folds(self.estimator.cv, self.X_given, self.data.y, groups, strata=strata)
        tasks, observed = targets.tasks, targets.weights > 0
        if tasks.is_long and self.estimator.unknown_task == "shared":
            return folds, ""
        # Where every label is there, every task is in training.
        if not tasks.is_long and observed.all():
            return folds, ""
        observed = observed if tasks.is_long else observed.reshape(len(observed), -1)
        n_scored, n_held_out = count_scored(folds, observed, targets.task_index)
        where = targets.task_index, self.estimator.task_feature
        warn_of_little(n_scored, n_held_out, *where)
        return folds, "" if n_scored else way_out(*where)

    def _paths(
        self, models: list[Any], alphas: Array, folds: Folds, statistics: FoldStatistics | None
    ) -> list[list[Path]]:
        """For every model what gives the scores of its folds: of each, or of all together."""
        data, tasks, scoring = self.data, self.targets.tasks, self.estimator.scoring
        n_columns, scorer = 1 if tasks.is_long else tasks.n_tasks, read_scorer(scoring)
        paths: list[list[Path]] = []
        for model, path in zip(models, alphas, strict=True):
            path_model = PathModel.of(model)
            if statistics is not None and model.scale_targets is not True:
                problem_of = partial(PathProblem.of_statistics, path_model)
                of_fold = partial(scores_from_statistics, problem_of, tasks)
                paths.append(
                    [
                        partial(at_once, partial(of_fold, *fold, path, scoring))
                        for fold in statistics
                    ]
                )
            else:
                together = go_together(path_model, data.X, self.targets, folds)
                paths.append(
                    [
                        partial(scores_from_rows, model, data, some, path, scorer, n_columns)
                        for some in ([folds] if together else [[fold] for fold in folds])
                    ]
                )
        return paths

    def _statistics(self, models: list[Any], folds: Folds) -> FoldStatistics | None:
        """Statistics (train, test) of every fold; None where rows are needed."""
        tasks, n_samples = self.targets.tasks, len(self.targets.values)
        if (
            self.estimator.scoring not in STATISTICAL
            or tasks.is_long
            or not (tasks.has_squared_loss and tasks.has_r2_score)
            # `targets` are in the units of y only then.
            or self.estimator.scale_targets is True
            or all(model.scale_targets is True for model in models)
        ):
            return None
        values, weights = (
            a.reshape(n_samples, -1) for a in (self.targets.values, self.targets.weights)
        )
        if not folds_fit(self.data.X, weights, folds):
            return None
        return fold_statistics(self.data.X, values, weights, folds)

    def _whole(self, folds: Folds, statistics: FoldStatistics | None) -> MergedStatistics | None:
        """Statistics of all rows, where a fold has them all; else None."""
        every_row = np.arange(len(self.targets.values))
        if statistics is None or not np.array_equal(np.sort(np.concatenate(folds[0])), every_row):
            return None
        train, test = statistics[0]
        return train.plus(test)
