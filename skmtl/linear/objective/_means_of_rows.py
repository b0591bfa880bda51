"""All tasks of wide data as one: every row with the mean over tasks of its labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._statistics import products
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.objective._working_labels import WorkingLabels

Array = NDArray[Any]


class MeansOfRows:
    """Rows with the weighted means over tasks of their labels, and with the sums of the weights.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        Features.
    labels : WorkingLabels
        Of all tasks.
    n_tasks : int
        Number of tasks: labels of the same class are averaged, where all tasks have as many.
    centred : bool
        Whether features and means are centred.

    Attributes
    ----------
    gram, x_mean : ndarray of shape (n_features, n_features), (n_features,)
        Gram matrix and mean of the rows, of total weight 1.
    as_one_task : tuple of ndarray
        Arguments of `likely_ridge` for the means, with a column for each class.
    """

    def __init__(self, X: Any, labels: WorkingLabels, n_tasks: int, *, centred: bool) -> None:
        z, c = labels.values, labels.weights
        shares = c / c.sum(axis=0)
        w = shares.mean(axis=1)
        self.x_mean = w @ X if centred else np.zeros(X.shape[1])
        n_classes = z.shape[1] // n_tasks if z.shape[1] % n_tasks == 0 else 0
        by_task = (shares * z)[:, : n_tasks * n_classes].reshape(len(z), n_tasks, n_classes)
        y = by_task.sum(axis=1) / np.maximum(n_tasks * w, np.finfo(float).tiny)[:, None]
        y = y - w @ y if centred else y
        self.gram, cross = products(X, y, w, self.x_mean)
        n_rows = max(float(labels.counts.max(axis=1).sum()) - centred, 1.0)
        group = np.zeros(n_classes, dtype=np.intp)
        self.as_one_task = self.gram[None], group, cross, w @ y**2, np.full(n_classes, n_rows)


class MeansOfPatterns:
    """`MeansOfRows` of rows that are summed up already.

    Parameters
    ----------
    found : StreamStatistics
        Statistics of wide data, with the weights of the loss.
    gram : ndarray of shape (n_groups, n_features, n_features)
        Their Gram matrices over the weights.
    centred : bool
        Whether features and means are centred.
    """

    def __init__(self, found: StreamStatistics, gram: Array, *, centred: bool) -> None:
        self.found, self.centred = found, centred
        x_mean, share = found.x_mean, np.bincount(found.group) / len(found.group)
        self.x_mean = share @ x_mean
        d = x_mean - self.x_mean
        self.gram = np.tensordot(share, gram, axes=1) + (d.T * share) @ d

    @property
    def as_one_task(self) -> tuple[Array, ...]:
        """Arguments of `likely_ridge` for the means of rows."""
        found, patterns, n_tasks = self.found, self.found.patterns, len(self.found.omega)
        if getattr(found, "n_tasks", n_tasks) != n_tasks:
            raise ValueError(
                "The strengths of what tasks share cannot choose themselves from a stream in which "
                "tasks have several classes. Give alpha and shared_alpha as numbers, those that "
                "fit finds on some rows for example (alpha_, shared_alpha_)."
            )
        if patterns is None:
            raise ValueError(
                f"The strengths of what {n_tasks} tasks share cannot choose themselves from a "
                "stream in which labels are missing in so many ways: that takes sums of the labels "
                "of every set of tasks that have one in a row. Give alpha and shared_alpha as "
                "numbers, those that fit finds on some rows for example (alpha_, shared_alpha_)."
            )
        cross = (found.cross / found.omega).mean(axis=1, keepdims=True)
        counts = found.counts
        squares = patterns.squares_of_means(counts.total, centred=self.centred)
        n_rows = max(patterns.n_rows(counts.of_weight_one) - self.centred, 1.0)
        one = np.zeros(1, dtype=np.intp)
        return self.gram[None], one, cross, np.array([squares]), np.array([n_rows])
