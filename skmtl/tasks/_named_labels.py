"""A y with names, of which rows and columns can be taken without a library of DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skmtl.tasks._by_name import column_names, columns_of
from skmtl.tasks._columns import as_array, is_arrow


class NamedLabels(np.ndarray):
    """A 2-D y whose ``columns`` have names, as those of a DataFrame, without such a library."""

    columns: Any = None

    @classmethod
    def of(cls, labels: Any, names: Any) -> NamedLabels:
        """Labels (n_samples, n_tasks), and the names of the tasks."""
        labels = labels.view(cls)
        labels.columns = list(names)
        return labels

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if not isinstance(found, NamedLabels) or found.ndim != 2:
            return np.asarray(found) if np.ndim(found) else found
        names = np.empty(len(self.columns), dtype=object)
        names[:] = self.columns
        is_pair = isinstance(key, tuple) and len(key) == 2
        return NamedLabels.of(found, names[key[1]] if is_pair else names)

    def __reduce__(self) -> Any:
        return NamedLabels.of, (np.asarray(self), self.columns)


def with_rows(y: Any) -> Any:
    """The same y; dicts and what is Arrow's as something of which rows can be taken."""
    if not isinstance(y, Mapping) and not is_arrow(y):
        return y
    names = column_names(y)
    if names is None:
        return as_array(y)
    return NamedLabels.of(np.column_stack([objects_of(part) for part in columns_of(y)]), names)


def objects_of(column: Any) -> Any:
    """Values of a column, None where it is masked."""
    values = as_array(column).astype(object)
    if isinstance(column, np.ma.MaskedArray):
        values[np.ma.getmaskarray(column)] = None
    return values
