"""What a Gaussian process says of new rows: means, variances, covariances, draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmtl._by_blocks import by_blocks
from skmtl._coverage import check_coverage, student_interval
from skmtl._grown import refuse_grown, with_added_tasks
from skmtl._indexing import batches
from skmtl._random import read_random_state
from skmtl.kernel._labels import MAX_KERNEL_BYTES
from skmtl.kernel.gaussian._unsure import Unsure

Array = NDArray[Any]

NUMBERS_AT_ONCE = 2**22
"""Numbers of the kernel of new rows, for each task, that there are at a time."""

WITHOUT_ADDED = "how sure predictions are is known for those of fit only. Fit with all tasks."


class GaussianPredictions:
    """Mixin for `GaussianProcessModel`.

    Everything inside is in the units of standardised labels.
    """

    _task_set: Any
    _read_new: Any
    _decisions: Any
    _posterior: Any
    _known: Array
    _scale: Array
    _B: Array
    _noise: Array
    _unsure: Unsure | None
    _scaled: Any
    kernel_: Any
    X_fit_: Array
    fit_intercept: bool

    def _queries(self, task_index: Array | None) -> tuple[Array, Array | None]:
        """Which functions are asked for: those of tasks and, in long form, the mean of all.

        Also which of them it is in each row, in long form: -1 the mean, -2 none.
        """
        n = len(self._known)
        if task_index is None:
            return np.eye(n), None
        place = np.full(self._task_set.n_tasks + 1, -2)
        place[self._known], place[-1] = np.arange(n), n
        return np.vstack([np.eye(n), np.full(n, 1.0 / n)]), place[task_index]

    def _batches(self, X: Array) -> Any:
        """Rows, and their kernel with those of the fit."""
        size = max(NUMBERS_AT_ONCE // (len(self.X_fit_) * len(self._known)), 1)
        for rows in batches(len(X), size):
            yield rows, self.kernel_(X[rows], self.X_fit_)

    def _raw(self, X: Any, task_index: Array | None) -> Array:
        """Expected standardised labels, (n, n_outputs); 0 where nothing was learned."""
        is_long = task_index is not None
        raw = np.zeros((X.shape[0], 1 if is_long else self._task_set.n_outputs))
        if self._posterior is None:
            return raw
        X, (queries, which) = self._scaled(X), self._queries(task_index)
        weights = self._posterior.weights @ self._B
        for rows, K in self._batches(X):
            of_tasks = (K @ weights + self._posterior.means) @ queries.T
            if which is None:
                raw[rows, self._known] = of_tasks
            else:
                raw[rows, 0] = of_tasks[np.arange(len(of_tasks)), which[rows]]
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

    def _freedom(self, task_index: Array | None) -> Array:
        """Degrees of freedom of the variances, of every task or row; infinite if they are known."""
        spread = np.zeros(self._task_set.n_tasks)
        if self._unsure is not None:
            spread[self._known] = self._unsure.spread
        if task_index is not None:
            # One that nobody has seen varies like any of those that were.
            spread = np.append(spread, spread.mean())[task_index]
        elif self._task_set.is_1d:
            spread = spread[:1]
        return np.divide(2.0, spread, out=np.full_like(spread, np.inf), where=spread > 0)

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

    def _std(self, X: Any, task_index: Array | None) -> Array:
        """Standard deviations of new labels in the units of y."""
        found = self._without_functions(X.shape[0], task_index)
        if self._posterior is not None:
            queries, which = self._queries(task_index)
            left, noise = self._beside(queries)
            X, parts = self._scaled(X), []
            for rows, K in self._batches(X):
                asked = None if which is None else which[rows]
                own = self.kernel_.diag(X[rows])
                variance = self._posterior.variances(K, own, queries, asked)
                if self._unsure is not None:
                    added = np.einsum("ntk,qt->nqk", self._unsure.changes(X[rows]), queries)
                    added = added if asked is None else added[np.arange(len(own)), asked]
                    variance = variance + np.square(added).sum(axis=-1)
                own = own[:, None] if asked is None else own
                parts.append(variance + own * left[asked] + noise[asked])
            std = np.sqrt(np.concatenate(parts))
            if which is None:
                found[:, self._known] = std * self._scale[self._known]
            else:
                found[which > -2] = std[which > -2] * self._scale[0]
        return found[:, 0] if self._task_set.is_1d and found.ndim > 1 else found

    def _covariance(self, X: Any, task_index: Array | None, *, noise: bool) -> Array:
        """Covariances of functions, or of new labels, at all rows, in the units of y.

        The shape is (n, n_tasks, n, n_tasks), or (n, n) where y is 1-D.
        """
        std = self._without_functions(X.shape[0], task_index)
        n_numbers = std.size**2
        if 8 * n_numbers > MAX_KERNEL_BYTES:
            raise ValueError(
                f"Covariances of {std.size} labels take {8 * n_numbers / 2**30:.1f} GiB, the limit "
                f"is {MAX_KERNEL_BYTES / 2**30:g} GiB. Ask for fewer rows at a time."
            )
        found = np.diag(np.square(std.ravel()))
        unknown = np.isnan(std.ravel())
        found[unknown], found[:, unknown] = np.nan, np.nan
        found = found.reshape(std.shape * 2)
        if self._posterior is not None:
            queries, which = self._queries(task_index)
            left, of_labels = self._beside(queries)
            X = self._scaled(X)
            own = self.kernel_(X)
            K = self.kernel_(X, self.X_fit_)
            cov = self._posterior.covariance(K, own, queries, which)
            if noise and self._unsure is not None:
                added = np.einsum("ntk,qt->nqk", self._unsure.changes(X), queries)
                added = added if which is None else added[np.arange(len(X)), which]
                flat = added.reshape(-1, added.shape[-1])
                cov = cov + (flat @ flat.T).reshape(cov.shape)
            if which is None:
                known, scale = self._known, self._scale[self._known]
                place = np.ix_(np.arange(len(X)), known, np.arange(len(X)), known)
                if noise:
                    np.einsum("iqiq->iq", cov)[:] += of_labels
                found[place] = cov * scale[:, None, None] * scale
            else:
                is_mean = which == len(self._known)
                cov += own * np.outer(is_mean, is_mean) * left[-1]
                if noise:
                    cov[np.diag_indices_from(cov)] += of_labels[which]
                seen = np.flatnonzero(which > -2)
                found[np.ix_(seen, seen)] = (cov * self._scale[0] ** 2)[np.ix_(seen, seen)]
        return found[:, 0, :, 0] if self._task_set.is_1d and found.ndim > 2 else found

    def _posterior_covariance(self, X: Any) -> Array:
        """Covariances of the functions, without noise, at new rows, as ``return_cov`` has them."""
        check_is_fitted(self)
        refuse_grown(self, WITHOUT_ADDED)
        return self._covariance(*self._read_new(X), noise=False)

    def _beside(self, queries: Array) -> tuple[Array, Array]:
        """Variance that a task has beside what is asked for, and the noise of its labels.

        A task that nobody has seen is one of those that were, and does not only have their mean.
        """
        n = len(self._known)
        left, noise = np.zeros(len(queries)), np.append(self._noise, self._noise.mean())
        left[n:] = np.trace(self._B) / n - self._B.mean()
        return left, noise[: len(queries)]

    def _without_functions(self, n_rows: int, task_index: Array | None) -> Array:
        """Standard deviations of labels of tasks that have no function.

        All labels are the same, but for a single one nobody knows how others are.
        """
        n_labels = self._task_set.n_labels
        if task_index is not None:
            std = np.where(n_labels == 0, np.nan, np.inf if n_labels.sum() == 1 else 0.0)
            return np.append(std, np.nanmin(std))[task_index]
        std = np.select([n_labels == 0, n_labels == 1], [np.nan, np.inf], 0.0)
        return np.tile(std, (n_rows, 1))
