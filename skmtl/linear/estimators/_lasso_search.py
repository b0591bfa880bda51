"""Choice of alpha, and of l1_ratio, for the counterparts of scikit-learn's multi-task lassos."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)

from skmtl._all_or_nothing import all_or_nothing
from skmtl.linear.cross_validation._block_search import summed_up
from skmtl.linear.cross_validation._elastic_net_errors import elastic_net_errors
from skmtl.linear.cross_validation._elastic_net_path import ElasticNetProblem
from skmtl.linear.cross_validation._fold_statistics import surely_fit
from skmtl.linear.estimators._lasso_model import CONSTRAINTS, LassoModel
from skmtl.linear.objective._parameters import read_alphas
from skmtl.model_selection._held_out import count_scored, warn_of_little
from skmtl.sources._array_source import large_map
from skmtl.sources._as_source import as_source
from skmtl.sources._base import Source
from skmtl.sources._read_source import read_source
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class LassoSearch(LassoModel):
    """Chooses alpha, and l1_ratio where it is a parameter, by cross-validation."""

    _parameter_constraints = {
        "eps": [Interval(Real, 0, None, closed="neither")],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "cv": ["cv_object"],
        "verbose": ["verbose"],
        "n_jobs": [Integral, None],
        **CONSTRAINTS,
    }

    _goes_where_rows_are = True
    l1_ratio: Any
    eps: float
    alphas: Any
    cv: Any
    n_jobs: int | None
    verbose: bool | int

    @abstractmethod
    def __init__(self) -> None:
        """Set the parameters."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, **params: Any) -> Self:
        """Fit paths of alphas on every fold, then the best alpha on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks)
            Labels; NaN, None, pandas.NA and masked entries are unobserved.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels, in the fits and in the errors. A weight of 0 is the same as
            an unobserved label.
        **params : dict
            Passed to the splitter, where metadata routing is enabled.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If y is 1-D or has no label, no fold has labels on both sides, or the grid of
            alphas is to be found for l1_ratio=0, where no alpha makes coefficients 0.
        """
        self._validate_params()
        if params:
            _raise_for_params(params, self, "fit")
            routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
            params = routed.splitter.split
        with all_or_nothing(self):
            source, splits = as_source(X, y, sample_weight), None
            if source is None and surely_fit(X, y):
                source = large_map(X, y, sample_weight)
            if source is None:
                X, _, targets = self._begin(X, y, sample_weight)
                problem = self._problem(X, targets)
            else:
                X, targets, problem = self._begin_blocks(source)
                # What splitters see: how many rows there are.
                splits = np.zeros((X.shape[0], 1))
            l1_ratios = _read_ratios(self.l1_ratio)
            alphas = self._alphas(problem, l1_ratios)
            labels = np.where(targets.weights > 0, targets.values, np.nan)
            folds = check_cv(self.cv).split(X if splits is None else splits, labels, **params)
            folds = list(folds)
            warn_of_little(*count_scored(folds, targets.weights > 0))
            errors = elastic_net_errors(
                X,
                targets,
                folds,
                alphas,
                l1_ratios,
                problem.options,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
            )
            self._select(errors, alphas, l1_ratios)
            fitted = next(problem.path([self.alpha_], self._best_ratio))
            # Errors that do not depend on alpha: all that were given are too large.
            if np.ndim(self.alphas) and not np.nanmax(np.ptp(self.mse_path_, axis=-2)):
                best = self.alpha_, self._best_ratio
                self._warn_of_zero(problem, fitted.W, *best, chooser=type(self).__name__)
            self._publish_fit(fitted, X.dtype)
        return self

    def _begin_blocks(self, source: Source) -> tuple[Any, Targets, ElasticNetProblem]:
        """Features and labels of all blocks, and the problem of what they add up to."""
        X, _, labels = read_source(self, source)
        targets = self._read_y(X, labels, None, None)
        self.__dict__.pop("_grown", None)
        self._publish(targets.tasks)
        sums = source.statistics()._sums
        of_sums = summed_up(sums, targets, fit_intercept=self.fit_intercept)
        return X, targets, self._problem(*of_sums)

    def _alphas(self, problem: ElasticNetProblem, l1_ratios: Array) -> Array:
        """Descending alphas for every l1_ratio."""
        if isinstance(self.alphas, Integral):
            n_alphas = int(self.alphas)
            return np.array([problem.alphas(r, eps=self.eps, n_alphas=n_alphas) for r in l1_ratios])
        return np.tile(read_alphas(self.alphas), (len(l1_ratios), 1))

    def _select(self, errors: Array, alphas: Array, l1_ratios: Array) -> None:
        """Publish the path and the alpha and l1_ratio with the smallest error."""
        is_known = ~np.isnan(errors).any(axis=(0, 1))
        if not is_known.any():
            raise ValueError("No fold has labels of the same task to learn from and to predict.")
        mean = errors[:, :, is_known].mean(axis=-1)
        # The first of equals: the smallest l1_ratio in the order given, the largest alpha.
        ratio, k = np.unravel_index(np.argmin(mean), mean.shape)
        self.mse_path_ = np.squeeze(errors)
        self.alpha_, self._best_ratio = alphas[ratio, k], float(l1_ratios[ratio])
        several = len(l1_ratios) > 1 and isinstance(self.alphas, Integral)
        self.alphas_ = alphas if several else alphas[0]

    def get_metadata_routing(self) -> MetadataRouter:
        """Say that parameters of `fit` go to the splitter.

        Returns
        -------
        routing : MetadataRouter
            Where metadata goes.
        """
        to_split = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(splitter=check_cv(self.cv), method_mapping=to_split)


def _read_ratios(l1_ratio: Any) -> Array:
    """Values of l1_ratio to choose from."""
    found = np.atleast_1d(l1_ratio)
    if not len(found) or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"l1_ratio={l1_ratio!r}; expected numbers between 0 and 1.")
    return found.astype(np.float64)
