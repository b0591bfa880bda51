"""Labels that were read before, as y for another estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks import Task
from skmtl.tasks._columns import EXACT_INTEGERS
from skmtl.tasks._named_labels import NamedLabels
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


def labels_of(targets: Targets) -> Any:
    """The labels as the user wrote them: NaN or None where unobserved, names where 2-D."""
    columns = [_labels(task, values, weights > 0) for task, values, weights in targets.columns()]
    if targets.values.ndim == 1:
        return columns[0]
    return NamedLabels.of(np.column_stack(columns), targets.tasks.names.tolist())


def _labels(task: Task, values: Array, observed: Any) -> Any:
    labels = task.labels(np.where(observed, values, 0.0))
    if labels.dtype.kind in "biu" and np.abs(task.classes_.astype(float)).max() > EXACT_INTEGERS:
        labels = labels.astype(object)
    missing: Any = None if labels.dtype.kind == "O" else np.nan
    return np.where(observed, labels, missing)
