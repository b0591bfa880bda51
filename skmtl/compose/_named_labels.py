"""Labels that were read before, as y for another estimator."""

import numpy as np

from skmtl.tasks._columns import EXACT_INTEGERS
from skmtl.tasks._named_labels import NamedLabels


def labels_of(targets):
    """The labels as the user wrote them: NaN or None where unobserved, names where 2-D."""
    columns = [_labels(task, values, weights > 0) for task, values, weights in targets.columns()]
    if targets.values.ndim == 1:
        return columns[0]
    return NamedLabels.of(np.column_stack(columns), targets.tasks.names.tolist())


def _labels(task, values, observed):
    labels = task.labels(np.where(observed, values, 0.0))
    if labels.dtype.kind in "biu" and np.abs(task.classes_.astype(float)).max() > EXACT_INTEGERS:
        labels = labels.astype(object)
    return np.where(observed, labels, None if labels.dtype.kind == "O" else np.nan)
