"""All tasks of wide data as one: every row with the mean over tasks of its labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._statistics import products
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
