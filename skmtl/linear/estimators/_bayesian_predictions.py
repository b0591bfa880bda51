"""What linear models with random coefficients say of new rows, and how sure they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmtl._base import MultiTaskEstimator
from skmtl._by_blocks import by_blocks
from skmtl._coverage import check_coverage, student_interval
from skmtl._grown import refuse_grown
from skmtl.linear.bayesian._next_label import NextLabels
from skmtl.linear.bayesian._predictor import RandomCoefficients

Array = NDArray[Any]


class RandomPredictions(MultiTaskEstimator):
    """Mixin of `MultiTaskBayesianLinear`: predictions with intervals, and what labels are worth."""

    coef_: Array
    _found: RandomCoefficients
    _known_of: Any
    _position: Array

    @by_blocks
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the labels of every task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        return_std : bool, default=False
            Whether to return standard deviations of new labels, noise included.

        Returns
        -------
        y : ndarray of shape (n_samples, n_tasks), or (n_samples,) if y was 1-D in `fit`
            Predictions in the units of y; NaN for a task without labels.
        std : ndarray of the shape of y
            Standard deviations; if ``return_std``.
        """
        return self._distribution(X)[:2] if return_std else super().predict(X)

    @by_blocks
    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """Predict an interval for the labels of every task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        coverage : float, default=0.9
            Probability that a new label is inside, between 0 and 1.

        Returns
        -------
        interval : ndarray of shape (n_samples, n_tasks, 2), or (n_samples, 2) if y was 1-D
            Lower and upper ends in the units of y; infinite where labels say nothing of the noise.
        """
        check_coverage(coverage)
        return student_interval(*self._distribution(X), coverage)

    @property
    def coef_cov_(self) -> Array:
        """Covariances of the coefficients of every task, (n_tasks, n_features, n_features).

        Formed on request, in the units of ``coef_``; NaN for tasks without labels.
        """
        check_is_fitted(self)
        n_features = self.coef_.shape[1]
        to_features = self._found.coordinates.matrix[-n_features:]
        found = np.full((len(self.coef_), n_features, n_features), np.nan)
        for task in range(len(self.coef_)):
            known = self._known_of(task)
            if known is not None:
                random, position, scale = known
                found[task] = scale**2 * to_features @ random.covariance(position) @ to_features.T
        return found

    def _distribution(self, X: Any) -> tuple[Array, Array, Array]:
        """Means and standard deviations of new labels, and degrees of freedom of their noise."""
        check_is_fitted(self)
        X, task_index = self._read_new(X)
        mean = self._task_set.join(self._decisions(X, task_index))
        X = X.astype(np.float64, copy=False)
        tasks = self._task_set
        shape = (X.shape[0],) if tasks.is_1d else (X.shape[0], tasks.n_tasks)
        std, n_left = np.full(shape, np.nan), np.full(shape, np.nan)
        for task, rows in _rows_of_tasks(task_index, tasks.n_tasks).items():
            known = self._known_of(task)
            if known is None:
                continue
            found, position, scale = known
            at = rows if tasks.is_1d else (rows, task)
            std[at] = scale * np.sqrt(found.variances(X[rows], position))
            n_left[at] = found.n_left[position] if position >= 0 else found.n_left.mean()
        return mean, std, n_left

    def _variance_reduction(self, X: Any, reference: Any, pending: Array | None) -> Array:
        """What a label at every row of X, of every task, is worth for `label_value`.

        The variance less of all tasks at the rows of ``reference``, in units of the variance of
        the labels of a task; the labels of ``pending`` (of the shape of the answer) are taken for
        known. (n_samples, n_tasks) or, where y is 1-D, (n_samples,).
        """
        check_is_fitted(self)
        refuse_grown(self, "what their labels are worth is known for those of fit only.")
        tasks, coordinates = self._task_set, self._found.coordinates
        asked, about = {}, {}
        of_X, of_reference = self._by_position(X), self._by_position(reference)
        for position, (rows, part) in of_X.items():
            asked[position] = rows, coordinates.rows(part)
        for position, (_, part) in of_reference.items():
            w = coordinates.rows(part)
            about[position] = w.T @ w
        labels = NextLabels(self._found)
        found = np.full((len(X), 1 if tasks.is_1d else tasks.n_tasks), np.nan)
        columns = {p: 0 if tasks.is_1d else t for t, p in enumerate(self._position.tolist())}
        if pending is not None:
            pending = pending.reshape(found.shape)
            for position, (rows, W) in asked.items():
                labels.ask(position, W[pending[rows, columns[position]]])
        values = labels.values({p: W for p, (_, W) in asked.items()}, about)
        for position, (rows, _) in asked.items():
            found[rows, columns[position]] = values[position]
        return found[:, 0] if tasks.is_1d else found

    def _by_position(self, X: Any) -> dict[int, tuple[Array, Any]]:
        """Rows of every task with labels, by their numbers and as they are."""
        X, task_index = self._read_new(X)
        X = X.astype(np.float64, copy=False)
        if task_index is not None and (task_index < 0).any():
            raise ValueError(
                "Rows of tasks that fit has not seen: what a label is worth is known for tasks "
                f"of fit. Rows: {np.flatnonzero(task_index < 0)[:5].tolist()}."
            )
        found = {}
        for task, rows in _rows_of_tasks(task_index, self._task_set.n_tasks).items():
            if self._position[task] >= 0:
                numbers = np.arange(X.shape[0])[rows]
                found[int(self._position[task])] = numbers, X[rows]
        return found


def _rows_of_tasks(task_index: Array | None, n_tasks: int) -> dict[int, Any]:
    """Which rows are asked for of every task: all, or in long form its own."""
    if task_index is None:
        return dict.fromkeys(range(n_tasks), slice(None))
    order = np.argsort(task_index, kind="stable")
    asked, starts = np.unique(task_index[order], return_index=True)
    return dict(zip(asked.tolist(), np.split(order, starts[1:]), strict=True))
