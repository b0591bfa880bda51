"""How sure a Gaussian process is of functions and labels at new rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmtl._grown import refuse_grown
from skmtl._indexing import batches
from skmtl.kernel._labels import MAX_KERNEL_BYTES
from skmtl.kernel.gaussian._evidence import Asked
from skmtl.kernel.gaussian._unsure import Unsure

Array = NDArray[Any]

NUMBERS_AT_ONCE = 2**22
"""Numbers of the kernel of new rows, for each task, that there are at a time."""

WITHOUT_ADDED = "how sure predictions are is known for those of fit only. Fit with all tasks."


class Rows(NamedTuple):
    """Scaled rows, and what is asked for at them."""

    X: Array
    asked: Asked


class GaussianVariances:
    """Mixin for `GaussianProcessModel`.

    Everything inside is in the units of standardised labels.
    """

    _task_set: Any
    _read_new: Any
    _posterior: Any
    _known: Array
    _scale: Array
    _B: Array
    _noise: Array
    _unsure: Unsure | None
    _scaled: Any
    kernel_: Any
    X_fit_: Array

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

    def _rows(self, X: Any, task_index: Array | None) -> Rows:
        X = self._scaled(X)
        return Rows(X, Asked(self.kernel_(X, self.X_fit_), *self._queries(task_index)))

    def _batches(self, X: Any, task_index: Array | None) -> Iterator[tuple[slice, Rows]]:
        """Rows, a part at a time."""
        size = max(NUMBERS_AT_ONCE // (len(self.X_fit_) * len(self._known)), 1)
        for some in batches(X.shape[0], size):
            yield some, self._rows(X[some], None if task_index is None else task_index[some])

    def _variances(self, rows: Rows) -> Array:
        """Variances of new labels, noise included."""
        asked, own = rows.asked, self.kernel_.diag(rows.X)
        left, noise = self._beside(asked.queries)
        found = self._posterior.variances(asked, own)
        found = found + np.square(self._changes(rows)).sum(axis=-1)
        own = own[:, None] if asked.which is None else own
        return np.asarray(found + own * left[asked.which] + noise[asked.which])

    def _covariances(self, one: Rows, other: Rows, *, unsure: bool = True) -> Array:
        """Of functions at some rows with those at others: (m, q, l, q), or (m, l) in long form."""
        own = self.kernel_(one.X, other.X)
        found = self._posterior.covariance(one.asked, other.asked, own)
        if unsure:
            changes = self._changes(one)
            others = changes if other is one else self._changes(other)
            found = found + np.tensordot(changes, others, (-1, -1))
        if one.asked.which is not None and other.asked.which is not None:
            last = len(self._known)
            is_mean = np.outer(one.asked.which == last, other.asked.which == last)
            found = found + own * is_mean * self._beside(one.asked.queries)[0][-1]
        return np.asarray(found)

    def _changes(self, rows: Rows) -> Array:
        """Roots of what is not known of hyper-parameters: (m, q, n_points), or (m, n_points)."""
        asked = rows.asked
        if self._unsure is None:
            return np.zeros((*asked.shape, 0))
        found = np.einsum("ntk,qt->nqk", self._unsure.changes(rows.X), asked.queries)
        return found if asked.which is None else found[np.arange(len(found)), asked.which]

    def _std(self, X: Any, task_index: Array | None) -> Array:
        """Standard deviations of new labels in the units of y."""
        found = self._without_functions(X.shape[0], task_index)
        if self._posterior is not None:
            for some, rows in self._batches(X, task_index):
                std, which = np.sqrt(self._variances(rows)), rows.asked.which
                if which is None:
                    found[some, self._known] = std * self._scale[self._known]
                else:
                    found[some] = np.where(which > -2, std * self._scale[0], found[some])
        return found[:, 0] if self._task_set.is_1d and found.ndim > 1 else found

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
            rows = self._rows(X, task_index)
            which, known = rows.asked.which, self._known
            cov = self._covariances(rows, rows, unsure=noise)
            of_labels = self._beside(rows.asked.queries)[1] * noise
            if which is None:
                np.einsum("iqiq->iq", cov)[:] += of_labels
                scale, every = self._scale[known], np.arange(X.shape[0])
                found[np.ix_(every, known, every, known)] = cov * scale[:, None, None] * scale
            else:
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
