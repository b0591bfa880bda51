"""A quantile task learned by scikit-learn's estimators, one for each level."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone


class PerLevel(RegressorMixin, BaseEstimator):
    """A clone of an estimator for each level, with that as its parameter ``quantile``.

    Parameters
    ----------
    estimator : estimator
        With a parameter ``quantile``; its ``loss`` or ``strategy``, if it has one, is "quantile".
    levels : sequence of float
        Levels, increasing.

    Attributes
    ----------
    estimators_ : list of length n_levels
        Fitted estimators.
    """

    def __init__(self, estimator: Any, levels: Any) -> None:
        self.estimator = estimator
        self.levels = levels

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the estimator of each level."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        given = self.estimator.get_params(deep=False)
        settings = {name: "quantile" for name in ("loss", "strategy") if name in given}
        self.estimators_ = [
            clone(self.estimator).set_params(quantile=level, **settings).fit(X, y, **weights)
            for level in self.levels
        ]
        return self

    def predict_quantiles(self, X: Any) -> Any:
        """Quantiles (n_samples, n_levels), sorted."""
        columns = [np.ravel(estimator.predict(X)) for estimator in self.estimators_]
        return np.sort(np.column_stack(columns), axis=1)

    def predict(self, X: Any) -> Any:
        """The quantile whose level is nearest to 1/2."""
        return self.predict_quantiles(X)[:, np.abs(np.array(self.levels) - 0.5).argmin()]


def per_level(estimator: Any, task: Any, name: Any) -> Any:
    """The estimator as it learns a task; that of several quantiles takes several of it."""
    if task.is_classification or task.expected_shape in ((), (1,)):
        return estimator
    if "quantile" not in getattr(estimator, "get_params", dict)():
        raise ValueError(
            f"Task {name!r} is {task.alias} with {task.expected_shape[0]} levels, but "
            f"{type(estimator).__name__} has no parameter quantile. Give QuantileRegressor(), "
            "HistGradientBoostingRegressor(), or use MultiTaskLinear or MultiTaskMLP."
        )
    return PerLevel(estimator, task.levels_.tolist())
