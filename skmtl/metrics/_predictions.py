"""Predictions given as arrays: a column per task, or an array per task."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.tasks._by_name import same_names
from skmtl.tasks._labels import read_labels


def read_predictions(y_pred: Any, names: Any, has_names: Any, n_rows: int, is_1d: Any) -> Any:
    """For each task its predictions and where there are any, or None where it has none at all.

    Predictions of a task have shape (n_rows,), or (n_rows, n_classes) for probabilities.
    """
    if is_1d and np.ndim(y_pred) == 2:
        parts = [_read_part(y_pred, names[0])]
    elif _is_array_per_task(y_pred, len(names), n_rows):
        parts = [_read_part(part, name) for part, name in zip(y_pred, names, strict=True)]
    else:
        parts = _read_columns(y_pred, names, has_names)
    if len(parts) != len(names):
        raise ValueError(f"y_pred has {len(parts)} tasks, but y_true has {len(names)}.")
    for part in parts:
        if part is not None and len(part[0]) != n_rows:
            raise ValueError(f"y_pred has {len(part[0])} rows, but y_true has {n_rows}.")
    return parts


def _is_array_per_task(y_pred: Any, n_tasks: int, n_rows: int) -> bool:
    """Whether it is a list as `predict_proba` returns it, rather than one of rows."""
    if not isinstance(y_pred, list | tuple) or len(y_pred) != n_tasks:
        return False
    return all(part is None or len(getattr(part, "shape", ())) > 0 for part in y_pred) and any(
        part is None or len(part) == n_rows for part in y_pred
    )


def _read_part(part: Any, name: Any) -> Any:
    if part is None or np.ndim(part) < 2:
        return None if part is None else _read_columns(part)[0]
    values = np.asarray(part, dtype=np.float64)
    if values.ndim != 2 or np.isinf(values).any():
        raise ValueError(
            f"Task {name!r}: y_pred has shape {values.shape} and {int(np.isinf(values).sum())} "
            "infinite values; expected finite ones, (n_samples,) or (n_samples, n_classes)."
        )
    return values, ~np.isnan(values).any(axis=1)


def _read_columns(y_pred: Any, names: Any = (), has_names: bool = False) -> list[Any]:
    """Columns of an array or a DataFrame, matched by name where both have names."""
    try:
        labels = read_labels(y_pred)
    except ValueError as error:
        raise ValueError(f"y_pred: {error}") from error
    columns = labels.columns
    if labels.names is not None and (has_names or same_names(labels.names, names)):
        columns = [column for column, _ in labels.columns_for(names, "y_pred")]
    return [(column.labels, column.observed) for column in columns]
