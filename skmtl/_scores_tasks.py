"""What an estimator scores: its tasks, each over its observed labels."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmtl._dask_rows import is_dask
from skmtl._dask_scores import scored_by_blocks
from skmtl._features import check_rows
from skmtl._scored_columns import mean_score, scored_columns
from skmtl.tasks._base import Task

Array = NDArray[Any]


class ScoresTasks:
    """Mixin for estimators that have read `Targets`."""

    _kind: str
    _task_set: Any
    _read_X: Any

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Mean score of the tasks over observed labels.

        The score of a task is the share of deviance explained: R2 for regression, explained
        Poisson deviance for counts, explained log loss for classes; classifiers use accuracy.
        Tasks without labels in ``y`` do not count. In long form the rows of all tasks are
        scored together as one variable; those of tasks that `fit` did not see do not count
        either, with a warning, unless ``unknown_task="shared"``.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; columns of a DataFrame are matched by name.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels: an array in the order of this ``y``, columns with names by name.

        Returns
        -------
        score : float
            At most 1; NaN if ``y`` has no label.

        Raises
        ------
        ValueError
            If ``y`` lacks a task, or has a class that was not seen in `fit`.
        """
        columns = self._scored_columns(X, y, sample_weight)
        return mean_score([self._task_score(*column) for column in columns])

    def _task_score(
        self, task: Task, expected: Array, values: Array, weight: Array, decide: Any = None
    ) -> Any:
        """Score of one task: what `score` averages."""
        if self._kind == "classification":
            return task.accuracy(expected, values, weight, None if decide is None else decide())
        return task.score(expected, values, weight)

    def _task_scores(self, task: Task, expected: Array, values: Array, weight: Array) -> Any:
        """`_task_score` of each of several predictions (m, n, ...) of the same labels."""
        if self._kind == "classification":
            return task.accuracies(expected, values, weight)
        return task.scores(expected, values, weight)

    def _scored_columns(
        self, X: Any, y: Any, sample_weight: Any = None, *, unseen: Any = "raise"
    ) -> Any:
        """A `ScoredColumn` for each column of y."""
        if is_dask(X):
            return scored_by_blocks(self, X, y, sample_weight, unseen)
        return self._scored_targets(X, y, sample_weight, unseen=unseen)[1]

    def _scored_targets(
        self, X: Any, y: Any, sample_weight: Any = None, *, unseen: Any = "raise"
    ) -> Any:
        """The `Targets` of y, and a `ScoredColumn` for each column of y."""
        check_is_fitted(self)
        X, task_column = self._read_X(X, reset=False)
        targets = self._task_set.read(
            y,
            task_column=task_column,
            sample_weight=sample_weight,
            unseen=unseen,
            to_score=True,
        )
        check_rows(X, targets)
        return targets, scored_columns(self, X, targets)
