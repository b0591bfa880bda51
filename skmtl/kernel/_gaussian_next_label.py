"""What a label would tell a Gaussian process, for `label_value`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.utils.validation import check_is_fitted

from skmtl._grown import refuse_grown
from skmtl._indexing import batches
from skmtl.kernel._gaussian_variances import WITHOUT_ADDED, GaussianVariances, Rows

Array = NDArray[Any]

LABELS_AT_ONCE = 2**12
"""Labels whose covariances with as many others there are at a time."""


class GaussianNextLabel(GaussianVariances):
    """Mixin for `GaussianProcessModel`."""

    def _variance_reduction(self, X: Any, reference: Any, pending: Array | None) -> Array:
        """What a label at every row of X, of every task, is worth for `label_value`.

        The variance less of all tasks at the rows of ``reference``, in units of the variance of
        the labels of a task; the labels of ``pending`` (of the shape of the answer) are taken for
        known. (n_samples, n_tasks) or, where y is 1-D, (n_samples,).
        """
        check_is_fitted(self)
        refuse_grown(self, WITHOUT_ADDED)
        X, of_X, kept = self._with_functions(X)
        Z, of_Z, _ = self._with_functions(reference)
        tasks = self._task_set
        value = np.full((len(kept), 1 if tasks.is_1d else tasks.n_tasks), np.nan)
        if self._posterior is not None:
            place = np.ix_(kept, self._known if of_X is None else np.zeros(1, int))
            marked = np.zeros_like(value[place], dtype=bool)
            if pending is not None:
                marked = pending.reshape(value.shape)[place]
            base = np.flatnonzero(marked.any(axis=1))
            told = self._rows(X[base], None if of_X is None else of_X[base])
            known = Told(self, told, np.flatnonzero(marked[base]))
            parts = [known.worth(rows, self._parts(Z, of_Z)) for rows in self._parts(X, of_X)]
            value[place] = np.concatenate(parts).reshape(marked.shape)
        return value[:, 0] if tasks.is_1d else value

    def _with_functions(self, X: Any) -> tuple[Any, Array | None, Array]:
        """Rows of tasks that have a function, their tasks, and which rows of all they are."""
        X, task_index = self._read_new(X)
        if task_index is None or self._posterior is None:
            return X, task_index, np.ones(X.shape[0], dtype=bool)
        # A task that nobody has seen is one of the others.
        kept = np.append(np.isin(np.arange(self._task_set.n_tasks), self._known), True)[task_index]
        return X[kept], task_index[kept], kept

    def _parts(self, X: Any, task_index: Array | None) -> Iterator[Rows]:
        n_labels = len(self._known) if task_index is None else 1
        for some in batches(X.shape[0], max(LABELS_AT_ONCE // n_labels, 1)):
            yield self._rows(X[some], None if task_index is None else task_index[some])


class Told:
    """Labels of some rows that count as known, whatever they are."""

    def __init__(self, model: GaussianVariances, rows: Rows, labels: Array) -> None:
        self.model, self.rows, self.labels = model, rows, labels
        cov = _flat(model._covariances(rows, rows), rows, rows)
        _, noise = model._beside(rows.asked.queries)
        noise = np.zeros(rows.asked.shape) + noise[rows.asked.which]
        cov[np.diag_indices_from(cov)] += noise.ravel()
        self.lower = linalg.cholesky(cov[np.ix_(labels, labels)], lower=True)

    def _across(self, rows: Rows) -> Array:
        """What of other labels these explain: L^-1 times their covariances."""
        cov = _flat(self.model._covariances(self.rows, rows), self.rows, rows)[self.labels]
        return np.asarray(linalg.solve_triangular(self.lower, cov, lower=True))

    def worth(self, rows: Rows, about: Iterator[Rows]) -> Array:
        """Variances less at other rows by a label at each of these, of each function."""
        own, total = self._across(rows), 0.0
        for others in about:
            cov = _flat(self.model._covariances(rows, others), rows, others)
            total = total + np.square(cov - own.T @ self._across(others)).sum(axis=1)
        return np.asarray(
            total / (self.model._variances(rows).ravel() - np.square(own).sum(axis=0))
        )


def _flat(cov: Array, rows: Rows, others: Rows) -> Array:
    """Covariances of labels as a matrix, those of a row one after the other."""
    return cov.reshape(math.prod(rows.asked.shape), math.prod(others.asked.shape))
