r"""Working labels: what a loss says of the labels around the best constant predictions.

There it is a squared loss of its slope over the weight c of a label,
:math:`z = -\ell' / c`, times its curvature v. For squared loss z are the labels themselves, less
their mean. What is learned from them is in these units: a ridge of strength a on their regression
is one of strength v a on the raw scores.

References
----------
McCullagh and Nelder, "Generalized linear models", 2nd ed., Chapman and Hall 1989, section 2.5
(working labels).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._best_constants import priors
from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._smoothing import widely_smoothed
from skmtl.tasks._counts import numbers_of_labels
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@dataclass(frozen=True)
class WorkingLabels:
    """Labels of squared loss that stand for those of any loss.

    A column is an output: of every task in wide form, of every class in long form.

    Attributes
    ----------
    values, weights, counts : ndarray of shape (n_samples, n_columns)
        Labels z, what they count in the loss, and how many labels that stands for.
    curvature : ndarray of shape (n_columns,)
        Curvature of the loss.
    is_classes : ndarray of bool, shape (n_columns,)
        Columns that tell classes apart: the variance of their labels is known.
    """

    values: Array
    weights: Array
    counts: Array
    curvature: Array
    is_classes: Array

    @classmethod
    def of(cls, X: Any, targets: Targets, label_weights: Array, *, fit_intercept: bool) -> Self:
        """Those of the data of a fit."""
        loss = DataLoss(make_design(X, targets), targets, label_weights)
        b = priors(targets, label_weights) * fit_intercept
        raw = loss.at(np.zeros((X.shape[1], len(b))), b).raw
        point = DataPoint(widely_smoothed(loss, raw), raw)
        tasks = targets.tasks.tasks
        sizes = [task.n_outputs_ for task in tasks]
        c, counts = (
            np.repeat(weights.reshape(len(weights), -1), sizes, axis=1)
            for weights in (label_weights, numbers_of_labels(targets))
        )
        return cls(
            values=np.divide(-point.slope, c, out=np.zeros_like(c), where=c > 0),
            weights=c,
            counts=counts,
            curvature=point.curvature.diagonal.sum(axis=0) / c.sum(axis=0),
            is_classes=np.repeat([task.is_classification for task in tasks], sizes),
        )
