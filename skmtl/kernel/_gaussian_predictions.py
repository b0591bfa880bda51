"""What a Gaussian process says of new rows: means, intervals, draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmtl._by_blocks import by_blocks
from skmtl._coverage import check_coverage, student_interval
from skmtl._grown import refuse_grown, with_added_tasks
from skmtl._random import read_random_state
from skmtl.kernel._gaussian_next_label import GaussianNextLabel
from skmtl.kernel._gaussian_variances import WITHOUT_ADDED

Array = NDArray[Any]


class GaussianPredictions(GaussianNextLabel):
    """Mixin for `GaussianProcessModel`."""

    _decisions: Any

    def _raw(self, X: Any, task_index: Array | None) -> Array:
        """Expected standardised labels, (n, n_outputs); 0 where nothing was learned."""
        is_long = task_index is not None
        raw = np.zeros((X.shape[0], 1 if is_long else self._task_set.n_outputs))
        if self._posterior is None:
            return raw
        weights = self._posterior.weights @ self._B
        for some, (_, asked) in self._batches(X, task_index):
            of_tasks = (asked.K @ weights + self._posterior.means) @ asked.queries.T
            if asked.which is None:
                raw[some, self._known] = of_tasks
            else:
                raw[some, 0] = of_tasks[np.arange(len(of_tasks)), asked.which]
        return raw

    @with_added_tasks
    def _expected(self, X: Any, task_index: Array | None) -> list[Array]:
        return self._task_set.inverse_link(self._raw(X, task_index), task_index)

    @by_blocks
    def predict(self, X: Any, return_std: bool = False, return_cov: bool = False) -> Any:
        """Predict the labels of every task, and how far they may be off.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        return_std : bool, default=False
            Whether to return standard deviations of new labels, noise included.
        return_cov : bool, default=False
            Whether to return covariances of new labels, of all rows and tasks with each other.

        Returns
        -------
        y : ndarray of shape (n_samples, n_tasks), or (n_samples,) if y was 1-D in `fit`
            Predictions in the units of y; NaN for a task without labels.
        std : ndarray of the shape of y
            Standard deviations; if ``return_std``. Infinite for a task with a single label.
        cov : ndarray of shape (n_samples, n_tasks, n_samples, n_tasks), or (n_samples, n_samples)
            Covariances; if ``return_cov``.

        Raises
        ------
        ValueError
            If both ``return_std`` and ``return_cov`` are asked for.
        """
        if return_std and return_cov:
            raise ValueError("At most one of return_std and return_cov can be asked for.")
        check_is_fitted(self)
        if return_std or return_cov:
            refuse_grown(self, WITHOUT_ADDED)
        X, task_index = self._read_new(X)
        mean = self._task_set.join(self._decisions(X, task_index))
        if return_std:
            return mean, self._std(X, task_index)
        return (mean, self._covariance(X, task_index, noise=True)) if return_cov else mean

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
            Lower and upper ends in the units of y; infinite for a task with a single label.
        """
        check_coverage(coverage)
        check_is_fitted(self)
        refuse_grown(self, WITHOUT_ADDED)
        X, task_index = self._read_new(X)
        mean = self._task_set.join(self._decisions(X, task_index))
        std = self._std(X, task_index)
        n_left = np.maximum(self._freedom(task_index), 1.0)
        return student_interval(mean, std, n_left, coverage)

    def sample_y(self, X: Any, n_samples: int = 1, random_state: Any = 0) -> Array:
        """Draw labels of new rows, those of all rows and tasks together.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples_X, n_features)
            Features, with the task feature in long form.
        n_samples : int, default=1
            Number of draws.
        random_state : int, RandomState, Generator or None, default=0
            Determines the draws.

        Returns
        -------
        y : ndarray of shape (n_samples_X, n_tasks, n_samples), or (n_samples_X, n_samples)
            Draws of new labels, noise included, in the units of y; NaN for a task without labels.
        """
        mean, cov = self.predict(X, return_cov=True)
        size = mean.size
        flat, cov = mean.ravel(), cov.reshape(size, size)
        known = np.isfinite(flat) & np.isfinite(np.diag(cov))
        draws = np.full((size, n_samples), np.nan)
        values, vectors = np.linalg.eigh(cov[np.ix_(known, known)])
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        normal = read_random_state(random_state).standard_normal((int(known.sum()), n_samples))
        draws[known] = flat[known, None] + root @ normal
        return draws.reshape(*mean.shape, n_samples)
