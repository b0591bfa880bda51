"""Cross-validation of paths of alphas, for every combination of other parameters."""

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import LeaveOneOut, ParameterGrid
from sklearn.utils.parallel import Parallel, delayed

from skmtl.linear.cross_validation._fold_scores import (
    STATISTICAL,
    Rows,
    problem_of_statistics,
    scores_from_rows,
    scores_from_statistics,
)
from skmtl.linear.cross_validation._fold_statistics import fold_statistics, folds_fit
from skmtl.linear.cross_validation._leave_one_out import leave_one_out
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.objective._parameters import read_alphas
from skmtl.linear.objective._training_data import check_range
from skmtl.model_selection._folds import read_folds
from skmtl.model_selection._held_out import count_scored, warn_of_little, way_out
from skmtl.model_selection._strata import strata_of
from skmtl.tasks._labels import weights_as_array
from skmtl.tasks._named_labels import with_rows

FIXED = ("alpha", "tasks", "task_feature", "unknown_task", "warm_start")
"""Parameters that are the same, or another, for the whole search."""


class Search:
    """The scores of every combination, alpha and fold.

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

    def __init__(self, estimator, X, X_read, y, task_column, sample_weight, targets):
        self.estimator, self.targets = estimator, targets
        self.params, self.advice = _combinations(estimator.grid), ""
        # Folds take rows of them, and of y as it is given.
        sample_weight = weights_as_array(sample_weight, y)
        X_read = X_read.astype(np.float64, copy=False)
        check_range(X_read, targets)
        # As given: for the splitter, and for scorers.
        self.X_given = _takeable(X)
        self.data = Rows(
            self.X_given if estimator.scoring is not None else None,
            X_read,
            _takeable(y),
            task_column,
            sample_weight,
            targets.row_is_observed,
            targets.tasks.names.tolist(),
        )
        self.all_regression = all(task.alias == "regression" for task in targets.tasks.tasks)

    def targets_of(self, model):
        """All labels as a model reads them, that may standardise them."""
        mine = self.estimator
        if (model._standardize, model._about_zero) == (mine._standardize, mine._about_zero):
            return self.targets
        return self.data.targets(model)

    def run(self, models, groups):
        """Set ``alphas`` (n_params, n_alphas) and the paths of scores."""
        if isinstance(self.estimator.cv, LeaveOneOut) and self._leaves_one_out(models):
            return
        folds = self._folds(groups)
        statistics = self._statistics(models, folds)
        self.alphas = self._alphas(models, self._whole(folds, statistics))
        scorer = _scorer(self.estimator.scoring)
        jobs = self._jobs(models, folds, statistics, scorer)
        found = Parallel(n_jobs=self.estimator.n_jobs, verbose=self.estimator.verbose)(jobs)
        shape = (len(models), len(folds))
        self.score_path, self.task_score_path, self.mse_path = (
            _stack([getattr(scores, name) for scores in found], shape)
            for name in ("mean", "tasks", "mse")
        )

    def _leaves_one_out(self, models):
        """Set what `run` sets, where that takes no fit for each row."""
        tasks, n_samples = self.targets.tasks, len(self.targets.values)
        if (
            self.estimator.scoring != "neg_mean_squared_error"
            or tasks.is_long
            or not tasks.has_squared_loss
            or any(model.scale_targets is True for model in models)
            or n_samples < 3
        ):
            return False
        self.alphas = self._alphas(models, None)
        paths = [
            leave_one_out(PathModel.of(model), self.data.X, self.targets_of(model), alphas)
            for model, alphas in zip(models, self.alphas, strict=True)
        ]
        if any(path is None for path in paths):
            return False
        self.mse_path = np.array(paths)
        self.score_path = -self.mse_path
        self.task_score_path = np.full((*self.mse_path.shape, tasks.n_tasks), np.nan)
        return True

    def _alphas(self, models, whole):
        estimator = self.estimator
        if np.ndim(estimator.alphas):
            return np.tile(read_alphas(estimator.alphas), (len(models), 1))
        found = []
        for model in models:
            if whole is not None and model.scale_targets is not True:
                kept = np.flatnonzero(whole.n_labels)
                problem = problem_of_statistics(
                    PathModel.of(model), self.targets.tasks, whole, kept
                )
            else:
                problem = PathProblem.of_rows(
                    PathModel.of(model), self.data.X, self.targets_of(model)
                )
            if problem is None:
                # Constant predictions, whatever alpha.
                found.append(np.geomspace(1.0, estimator.eps, estimator.alphas))
            else:
                found.append(problem.alphas(estimator.alphas, estimator.eps))
        return np.array(found)

    def _folds(self, groups):
        """Training and test rows; little to score on is told, nothing is left to `choose`."""
        targets = self.targets
        folds = read_folds(
            self.estimator.cv, self.X_given, self.data.y, groups, strata=lambda: strata_of(targets)
        )
        tasks, observed = targets.tasks, targets.weights > 0
        if tasks.is_long and self.estimator.unknown_task == "shared":
            return folds
        # Where every label is there, every task is in training.
        if tasks.is_long or not observed.all():
            observed = observed if tasks.is_long else observed.reshape(len(observed), -1)
            scored, held_out = count_scored(folds, observed, targets.task_index)
            where = targets.task_index, self.estimator.task_feature
            warn_of_little(scored, held_out, *where)
            if not scored:
                self.advice = way_out(*where)
        return folds

    def _jobs(self, models, folds, statistics, scorer):
        """One delayed call a model and fold."""
        tasks, scoring = self.targets.tasks, self.estimator.scoring
        n_columns = 1 if tasks.is_long else tasks.n_tasks
        for model, alphas in zip(models, self.alphas, strict=True):
            for k, fold in enumerate(folds):
                if statistics is not None and model.scale_targets is not True:
                    train, test = statistics[k]
                    yield delayed(scores_from_statistics)(
                        PathModel.of(model), tasks, train, test, alphas, scoring
                    )
                else:
                    yield delayed(scores_from_rows)(
                        _copy(model), self.data, fold, alphas, scorer, n_columns
                    )

    def _statistics(self, models, folds):
        """Statistics (train, test) of every fold; None where rows are needed."""
        tasks, n_samples = self.targets.tasks, len(self.targets.values)
        if (
            self.estimator.scoring not in STATISTICAL
            or tasks.is_long
            or not tasks.has_squared_loss
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

    def _whole(self, folds, statistics):
        """Statistics of all rows, where a fold has them all; else None."""
        n_samples = len(self.targets.values)
        if statistics is None or not np.array_equal(
            np.sort(np.concatenate(folds[0])), np.arange(n_samples)
        ):
            return None
        train, test = statistics[0]
        return train.plus(test)


def choose(score_path, selection, advice=""):
    """Row and column of the chosen parameters, in scores (n_params, n_alphas, n_folds).

    Alphas descend, so that of equal scores the largest alpha wins. Where nothing has a score,
    the error ends in the advice.
    """
    counts = (~np.isnan(score_path)).sum(axis=2)
    total = np.nansum(score_path, axis=2)
    mean = np.divide(total, counts, out=np.full(counts.shape, -np.inf), where=counts > 0)
    if not np.isfinite(mean).any():
        raise ValueError(
            "No fold has a score: none has enough labels both to train and to score on. Use "
            "fewer folds, or a splitter that puts labels into each. R2 needs two labels of a task: "
            f"to leave one out, set scoring='neg_mean_squared_error'.{advice}"
        )
    row, column = np.unravel_index(np.argmax(mean), mean.shape)
    n_folds = counts[row, column]
    if selection == "one_standard_error" and n_folds > 1:
        error = np.nanstd(score_path[row, column], ddof=1) / np.sqrt(n_folds)
        column = np.flatnonzero(mean[row] >= mean[row, column] - error)[0]
    return int(row), int(column)


def _combinations(grid):
    if grid is None:
        return [{}]
    combinations = list(ParameterGrid(grid))
    if not combinations:
        raise ValueError(f"grid={grid!r} has no combination of parameters.")
    for params in combinations:
        for name in FIXED:
            if name in params:
                raise ValueError(
                    f"grid names {name!r}; alphas have a parameter of their own, and tasks, "
                    "task_feature and unknown_task hold for all combinations."
                )
    return combinations


def _scorer(scoring):
    if not isinstance(scoring, str):
        return scoring
    # Above us: scorers know estimators.
    from skmtl.metrics import make_multitask_scorer

    return make_multitask_scorer(scoring)


def _takeable(array):
    """The same with rows that can be taken."""
    if sparse.issparse(array):
        return array.tocsr()
    array = with_rows(array)
    return array if hasattr(array, "__getitem__") else np.asarray(array)


def _copy(model):
    """A clone that knows the features of the fit."""
    copied = clone(model)
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(model, name):
            setattr(copied, name, getattr(model, name))
    return copied


def _stack(found, shape):
    """Scores of (params, folds) with the folds behind the alphas."""
    stacked = np.array(found).reshape(*shape, *found[0].shape)
    return np.moveaxis(stacked, 1, 2)
