"""Choice of alpha, and of further parameters, for the linear models of all task types."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Self

import numpy as np
from sklearn.base import clone

from skmtl._all_or_nothing import all_or_nothing, forget_fit
from skmtl._warnings import chosen_alpha
from skmtl.linear.cross_validation._block_search import BlockSearch, check_sums
from skmtl.linear.cross_validation._fold_scores import STATISTICAL
from skmtl.linear.cross_validation._fold_statistics import surely_fit
from skmtl.linear.cross_validation._search import ScorePaths, Search
from skmtl.linear.cross_validation._search_data import with_features_of
from skmtl.linear.cross_validation._selection import read_grid, select
from skmtl.linear.estimators._linear import (
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
)
from skmtl.linear.objective._parameters import read_penalty
from skmtl.sources._array_source import large_map
from skmtl.sources._as_source import as_source
from skmtl.sources._base import Source
from skmtl.sources._read_source import read_source
from skmtl.tasks._event_columns import as_declared
from skmtl.tasks._task_set import TaskSet

OF_KIND = {
    "any": MultiTaskLinear,
    "regression": MultiTaskLinearRegressor,
    "classification": MultiTaskLinearClassifier,
}
"""What is fitted with each alpha, by the types of task."""

OF_THE_SEARCH = ("alphas", "eps", "cv", "scoring", "grid", "selection", "n_jobs", "verbose")
"""Parameters that what is fitted with each alpha does not have."""

_NO_STREAM = (
    "{} has no {}: it leaves rows out to choose alpha. MultiTaskLinear with alpha='auto' chooses "
    "it as rows come."
)

PARTS = ("penalty", "solver")
"""Parameters that may be objects with parameters of their own."""


class LinearSearch(MultiTaskLinear):
    """Fits models of one alpha in folds, then the best to all data."""

    alphas: Any
    grid: Any
    selection: str

    @property
    def partial_fit(self) -> Any:
        """There is none: a search needs all rows at once."""
        raise AttributeError(_NO_STREAM.format(type(self).__name__, "partial_fit"))

    @property
    def fit_statistics(self) -> Any:
        """There is none: sums of all rows have no folds."""
        raise AttributeError(_NO_STREAM.format(type(self).__name__, "fit_statistics"))

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Choose the parameters by cross-validation, then fit them to all observed labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features), or source
            Features. In long form (``task_feature`` given) one column says which task a row
            belongs to. A source of blocks, alone, has labels and weights, too: see
            `skmtl.sources`. Of these, tasks are regression with squared loss, in columns of y.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; NaN, None, pandas.NA and masked entries are unobserved. One label per row in
            long form.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels, in fitting and in scoring. A weight of 0 is the same as an
            unobserved label.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are never parted: by a number, and by splitters that want groups.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If X has NaN or infinity, no label is observed, labels do not fit their task type,
            or no fold can be scored.
        """
        self._validate_params()
        with all_or_nothing(self):
            forget_fit(self)
            self.params_ = read_grid(self.grid)
            source = as_source(X, y, sample_weight)
            if source is None and groups is None and self._can_sum(X, y):
                source = large_map(X, y, sample_weight)
            if source is not None:
                search: Search = self._search_blocks(source)
            else:
                X_read, task_column, targets = self._begin(X, y, sample_weight)
                search = Search(self, X, X_read, y, task_column, sample_weight, targets)
            models = [self._model(params, search.targets.tasks) for params in self.params_]
            for model in models:  # what is wrong is an error before any fit
                read_penalty(model, search.targets.tasks, search.data.X.shape[1])
                model._choose_strengths(*search.data_of(model))
            paths = search.run(models, groups)
            self._publish_paths(paths)
            row, column = select(paths.to_maximise, self.selection, paths.advice)
            self.alpha_ = float(paths.alphas[row][column])
            self.best_params_ = {**self.params_[row], "alpha": self.alpha_}
            self._refit(models[row].set_params(alpha=self.alpha_), search)
        return self

    def _can_sum(self, X: Any, y: Any) -> bool:
        """Whether it is known before rows are read that `_search_blocks` takes them."""
        auto = "auto" if self._kind == "regression" else "regression"
        is_sum = isinstance(self.tasks, str) and self.tasks in (auto, "regression")
        is_wide = self.task_feature is None and self.scale_targets is not True
        is_known = isinstance(self.scoring, str | None) and self.scoring in STATISTICAL
        return is_sum and is_wide and is_known and surely_fit(X, y)

    def _search_blocks(self, source: Source) -> BlockSearch:
        """The search among rows that come in blocks."""
        X, task_column, labels = read_source(self, source)
        targets = self._read_y(X, labels, task_column, None)
        check_sums(self, targets)
        self.__dict__.pop("_grown", None)
        self._publish(targets.tasks)
        return BlockSearch(self, X, targets, source.statistics()._sums)

    def _model(self, params: dict[str, Any], tasks: TaskSet) -> MultiTaskLinear:
        """The model with some parameters, and the types of the tasks of all data."""
        model = OF_KIND[self._kind]()
        given = self.get_params(deep=False).items()
        own = {name: value for name, value in given if name not in OF_THE_SEARCH}
        # Not to change those of the user, where the grid names parameters of theirs.
        parts = {name: clone(params.get(name, getattr(self, name)), safe=False) for name in PARTS}
        model.set_params(**{**own, **parts})
        model.set_params(**{name: value for name, value in params.items() if name not in PARTS})
        types = [as_declared(task) for task in tasks.tasks]
        model.set_params(tasks=types[0] if tasks.is_1d or tasks.is_long else types)
        model._validate_params()
        return with_features_of(self, model)

    def _publish_paths(self, paths: ScorePaths) -> None:
        """Set what the search found, without the axis of the parameters where there is one."""
        has_grid, tasks = self.grid is not None, self._task_set
        self.alphas_ = paths.alphas if has_grid and not np.ndim(self.alphas) else paths.alphas[0]
        self.score_path_ = paths.score
        if not tasks.is_long:
            self.task_score_path_ = paths.task_score
        if tasks.has_r2_score:
            self.mse_path_ = paths.mse if has_grid else paths.mse[0]

    def _refit(self, model: MultiTaskLinear, search: Search) -> None:
        """Fit to all data, and take over what was learned."""
        X, targets = search.data_of(model)
        model._publish(targets.tasks)
        # Scores that do not depend on alpha: all that were given are too large.
        is_forced = np.ndim(self.alphas) and not np.nanmax(np.ptp(self.score_path_, axis=1))
        with nullcontext() if is_forced else chosen_alpha():
            model._fit(X, targets)
        parameters = model.get_params(deep=False)
        for name, value in vars(model).items():
            if name not in parameters:
                setattr(self, name, value)
        self._publish(targets.tasks)
