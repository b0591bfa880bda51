"""Estimators for tasks of one kind: only numbers, only classes."""

from typing import Any

from sklearn.base import ClassifierMixin, RegressorMixin

from skmtl._base import MultiTaskEstimator


class MultiTaskRegressorMixin(RegressorMixin):
    """Reads every task as regression."""

    _kind = "regression"

    def score(self: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Mean R2 of the tasks over observed labels; see `MultiTaskEstimator.score`."""
        return MultiTaskEstimator.score(self, X, y, sample_weight)


class MultiTaskClassifierMixin(ClassifierMixin):
    """Reads every task as classification."""

    _kind = "classification"

    def score(self: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Mean accuracy of the tasks over observed labels; see `MultiTaskEstimator.score`."""
        return MultiTaskEstimator.score(self, X, y, sample_weight)
