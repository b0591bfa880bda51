"""Reading one column of labels: any container, any way of writing "missing"."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Column:
    """Labels of one task and which of them are there.

    ``labels`` is float64, int64, bool or object (strings); its unobserved entries hold a
    placeholder and mean nothing. ``categories`` are those of a categorical dtype.
    """

    labels: NDArray[Any]
    observed: NDArray[np.bool_]
    is_categorical: bool = False
    categories: tuple[Any, ...] = ()

    @property
    def is_numeric(self) -> bool:
        return self.labels.dtype.kind in "if"

    @property
    def is_string(self) -> bool:
        return self.labels.dtype.kind == "O"

    def restrict(self, used: NDArray[np.bool_]) -> Column:
        """The same labels, only those ``used`` observed: weight 0 is as good as missing."""
        return Column(self.labels, self.observed & used, self.is_categorical, self.categories)

    def take(self, rows: NDArray[Any]) -> Column:
        return Column(self.labels[rows], self.observed[rows], self.is_categorical, self.categories)


def read_column(column: Any, name: Hashable) -> Column:
    """Read a 1-D array, masked array, Series of any library, or list.

    NaN, None, pandas.NA, NaT and masked entries are unobserved, all alike.
    """
    # An array's dtype says nothing that its values do not; its name takes long to make.
    dtype_name = "" if isinstance(column, np.ndarray) else str(getattr(column, "dtype", ""))
    is_categorical = dtype_name.lower().startswith(("category", "categorical", "enum"))
    categories = tuple(column.cat.categories) if dtype_name == "category" else ()
    mask = np.ma.getmaskarray(column) if isinstance(column, np.ma.MaskedArray) else None
    array = _as_array(column)
    if array.ndim != 1:
        raise ValueError(f"Task {name!r}: labels must be one value a row, got {array.shape}.")
    if array.dtype.kind == "c":
        raise ValueError(f"Task {name!r}: Complex data not supported")
    if array.dtype.kind in "biuf":
        labels, observed = _read_numbers(array)
    elif array.dtype.kind in "OUST":
        labels, observed = _read_objects(array.astype(object), name)
    else:
        raise ValueError(
            f"Task {name!r}: labels of dtype {array.dtype} are not supported; "
            "give numbers, booleans or strings."
        )
    if mask is not None:
        observed = observed & ~mask
    if dtype_name.lower() == "boolean" and not observed.any():
        # Nullable booleans of pandas: without a value only the dtype tells.
        labels = np.zeros(len(labels), dtype=bool)
    if labels.dtype.kind == "f" and (np.isinf(labels) & observed).any():
        raise ValueError(
            f"Task {name!r}: y contains infinity ({int(np.isinf(labels[observed]).sum())} "
            "labels). A missing label is NaN or None, never infinity."
        )
    return Column(labels, observed, is_categorical, categories)


def _as_array(column: Any) -> NDArray[Any]:
    if isinstance(column, np.ndarray):
        return np.ma.getdata(column)
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, np.dtype) and hasattr(column, "to_numpy"):
        return np.asarray(column.to_numpy())
    # Extension dtypes of pandas and polars: their own list keeps "missing" apart from
    # values, whatever their storage.
    values = column.to_list() if hasattr(column, "to_list") else list(column)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _read_numbers(array: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if array.dtype.kind != "f":
        kind: type = bool if array.dtype.kind == "b" else np.int64
        if array.dtype.kind == "u" and (array > np.iinfo(np.int64).max).any():
            kind = np.float64
        return array.astype(kind), np.ones(len(array), dtype=bool)
    labels = array.astype(np.float64)
    observed = ~np.isnan(labels)
    labels[~observed] = 0.0
    return labels, observed


def _read_objects(array: NDArray[Any], name: Hashable) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    observed = np.fromiter((not _is_missing(v) for v in array), bool, len(array))
    present = array[observed]
    kinds = {_kind(v) for v in present}
    odd = kinds - {"bool", "int", "float", "str"}
    if odd:
        raise ValueError(
            f"Task {name!r}: labels of type {min(odd)} are not supported; "
            "give numbers, booleans or strings."
        )
    if "str" in kinds and len(kinds) > 1:
        number = next(v for v in present if _kind(v) != "str")
        text = next(v for v in present if _kind(v) == "str")
        raise ValueError(
            f"Task {name!r}: labels mix strings and numbers, {text!r} and {number!r} for "
            "example; write them all in one way."
        )
    if kinds == {"str"}:
        labels = np.full(len(array), "", dtype=object)
        labels[observed] = [str(v) for v in present]
        return labels, observed
    dtype = bool if kinds == {"bool"} else np.int64 if kinds <= {"bool", "int"} else np.float64
    limits = np.iinfo(np.int64)
    if not kinds or (dtype is np.int64 and not all(limits.min <= v <= limits.max for v in present)):
        dtype = np.float64
    labels = np.zeros(len(array), dtype=dtype)
    labels[observed] = present.astype(dtype)
    return labels, observed


def _is_missing(value: Any) -> bool:
    if value is None or value is np.ma.masked:
        return True
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    # pandas.NA and NaT are known by name, so that pandas is never imported for them.
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return type(value).__name__ in {"NAType", "NaTType"}


def _kind(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, int | np.integer):
        return "int"
    if isinstance(value, float | np.floating):
        return "float"
    return "str" if isinstance(value, str) else type(value).__name__


def match(known: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.intp]:
    """Position of each label in the sorted array ``known``; -1 where it is not there."""
    if (labels.dtype.kind == "O") != (known.dtype.kind == "O") or not len(known):
        return np.full(len(labels), -1, dtype=np.intp)
    position = np.clip(np.searchsorted(known, labels), 0, len(known) - 1)
    return np.where(known[position] == labels, position, -1)
