"""The door for y: the only code that knows its containers.

Whatever y is, an array, a DataFrame of any library, a dict, an Arrow table or lists, behind this
door it is `Labels`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.tasks._base import Task
from skmtl.tasks._by_name import column_names, columns_of, find_twice, order_of
from skmtl.tasks._columns import Column, is_arrow, read_column, read_floats
from skmtl.tasks._event_columns import TimesAndEvents, as_pairs, fold_events
from skmtl.tasks._event_times import are_pairs
from skmtl.tasks._named_labels import NamedLabels, objects_of
from skmtl.tasks._resolve import resolve_tasks
from skmtl.tasks._weights import check_sample_weight, read_sample_weight

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Labels:
    """Columns of y.

    Attributes
    ----------
    columns : list of Column
        Labels of each column as they are.
    weights : list of ndarray of shape (n_samples,)
        Weight of every label, 0 where unobserved.
    names : list or None
        Names of the columns, where y has any.
    is_1d : bool
        Whether y is one-dimensional.
    """

    columns: list[Column]
    weights: list[Array]
    names: list[Hashable] | None
    is_1d: bool

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.weights[0])

    @property
    def task_names(self) -> list[Hashable]:
        """Names of the columns: 0, 1, ... where y has none."""
        return list(range(len(self.columns))) if self.names is None else self.names

    def check_long(self, parameter: str = "task_feature", y: str = "y") -> None:
        """Raise where y cannot be in long form."""
        if not self.is_1d:
            raise ValueError(
                f"With {parameter}, {y} must be 1-D (one label per row), got {len(self.columns)} "
                "columns."
            )

    def types(self, declared: Any, kind: str = "any", *, is_long: bool = False) -> list[Task]:
        """An unfitted task type for each column; see `resolve_tasks`."""
        names = ["y"] if is_long else self.task_names
        return resolve_tasks(declared, self.columns, self.weights, names, kind)

    def columns_for(self, names: Sequence[Hashable], what: str) -> list[tuple[Column, Array]]:
        """Columns and weights in the order of these ``names``; raises where there are others."""
        order = order_of(self.task_names, names, what)
        return [(self.columns[position], self.weights[position]) for position in order]


def read_labels(
    y: Any,
    sample_weight: Any = None,
    names_of_y: Sequence[Hashable] | None = None,
    *,
    declared: Any = None,
    is_long: bool = False,
) -> Labels:
    """Take y apart.

    What stands under weight 0 is not read. Columns of ``sample_weight`` that have names go to
    those of y; ``names_of_y`` are these where y has none. What is ``declared`` of the tasks says
    which columns tell whether events of others were seen. Labels that were read are as they are.
    """
    if isinstance(y, Labels):
        return y
    parts, names, is_1d = _take_apart(y, declared, is_long=is_long)
    labels = names if names is not None else names_of_y
    if labels is None or len(labels) != len(parts):
        labels = titles_of(y, is_1d, range(len(parts)))
    n_rows = {_length(part) for part in parts}
    if len(n_rows) > 1:
        raise ValueError(f"y is ragged: its columns have lengths {sorted(n_rows)}.")
    weight = None
    if sample_weight is not None:
        shape = (min(n_rows),) if is_1d else (min(n_rows), len(parts))
        weight = read_sample_weight(sample_weight, shape, labels).reshape(shape[0], -1)
    if weight is None and (columns := read_floats(parts)):
        observed = np.array([column.observed for column in columns])
        return Labels(columns, list(observed.astype(np.float64)), names, is_1d)
    columns, weights = [], []
    for t, (part, name) in enumerate(zip(parts, labels, strict=True)):
        used = None if weight is None else weight[:, t] > 0
        is_pair = isinstance(part, TimesAndEvents)
        columns.append(part.read(name, used) if is_pair else read_column(part, name, used))
        observed = columns[-1].observed
        weights.append(
            observed.astype(np.float64) if weight is None else np.where(observed, weight[:, t], 0.0)
        )
    return Labels(columns, weights, names, is_1d)


def titles_of(y: Any, is_1d: bool, names: Sequence[Hashable]) -> Sequence[Hashable]:
    """What messages call the tasks: a Series by its own name, others as they are called."""
    name = getattr(y, "name", None) if is_1d else None
    return names if name is None or name == "" else [name]


def with_events_folded(y: Any, declared: Any, *, is_long: bool = False) -> Any:
    """The same y with pairs of event and time, where they were in two columns."""
    parts, names, _ = _take_apart(y, declared, is_long=is_long)
    if not any(isinstance(part, TimesAndEvents) for part in parts):
        return y
    titles = list(range(len(parts))) if names is None else names
    columns = [
        as_pairs(part.read(title, None)) if isinstance(part, TimesAndEvents) else objects_of(part)
        for part, title in zip(parts, titles, strict=True)
    ]
    if names is None:
        return columns[0]
    array = np.empty((len(columns[0]), len(columns)), dtype=object)
    for k, column in enumerate(columns):
        array[:, k] = column
    return NamedLabels.of(array, names)


def weights_as_array(sample_weight: Any, y: Any, declared: Any = None) -> Any:
    """Weights in the order of the columns of y, for whoever takes rows or columns of both."""
    if sample_weight is None:
        return None
    parts, names, is_1d = _take_apart(y, declared)
    shape = (_length(parts[0]),) if is_1d else (_length(parts[0]), len(parts))
    return check_sample_weight(sample_weight, shape, names or range(len(parts)))


def _take_apart(
    y: Any, declared: Any = None, *, is_long: bool = False
) -> tuple[list[Any], list[Hashable] | None, bool]:
    """Columns of y as they are, their names, and whether it is 1-D.

    Times and their events are one column, which in long form is all of y.
    """
    parts, names, is_1d = _columns_of_y(y)
    folded, names = fold_events(parts, names, declared)
    if is_long and len(folded) == 1 < len(parts):
        return folded, None, True
    return folded, names, is_1d


def _columns_of_y(y: Any) -> tuple[list[Any], list[Hashable] | None, bool]:
    """Columns of y as they are, their names, and whether it is 1-D."""
    if sparse.issparse(y):
        raise ValueError("y is sparse; give a dense array (a missing label is NaN, not 0).")
    names = None if are_pairs(y) else column_names(y)
    if names is not None:
        parts, is_1d = columns_of(y), False
        for part, name in zip(parts, names, strict=True):
            if not hasattr(part, "__len__") or isinstance(part, str):
                raise ValueError(f"y has {part!r} as labels of task {name!r}; expected a column.")
        # One object for every NaN: what is found by name finds it.
        names = [np.nan if isinstance(name, float) and np.isnan(name) else name for name in names]
        if twice := find_twice(names):
            raise ValueError(f"Duplicate task name in y: {twice[0]!r}.")
    elif is_arrow(y) or (hasattr(y, "to_list") and len(getattr(y, "shape", ())) == 1):
        parts, is_1d = [y], True
    else:
        parts, is_1d = _split_array(y)
    if not parts:
        raise ValueError("y has no task: its shape has zero columns.")
    return parts, names, is_1d


def _length(part: Any) -> int:
    return part.shape[0] if hasattr(part, "shape") else len(part)


def _split_array(y: Any) -> tuple[list[Any], bool]:
    if isinstance(y, np.ma.MaskedArray):
        array: Any = y
    elif isinstance(y, list | tuple):
        # Through object, so that numpy does not turn numbers beside strings into strings.
        if any(isinstance(row, np.ma.MaskedArray) and row.ndim for row in y):
            array = np.ma.stack(y)
        else:
            array = np.array(y, dtype=object)
        if array.ndim == 1 and any(np.ndim(row) > 0 for row in array):
            lengths = sorted({np.size(row) for row in array})
            raise ValueError(f"y is ragged: its rows have lengths {lengths}.")
    else:
        array = np.asarray(y)
    if array.ndim == 1:
        return [array], True
    if array.ndim != 2:
        raise ValueError(
            f"y has shape {array.shape}; expected (n_samples,) or (n_samples, n_tasks)."
        )
    if type(array) is np.ndarray and array.dtype.kind in "biuf":
        # Each column in one piece.
        return list(np.ascontiguousarray(array.T)), False
    return [array[:, j] for j in range(array.shape[1])], False
