"""Reading one column of labels: any container, any way of writing "missing"."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._event_times import are_pairs, pairs_of_objects, signed_times

# From here on float64 has no room for every whole number.
EXACT_INTEGERS = 2**53

# So many known numbers are compared one by one, which is faster than a search.
FEW = 4


@dataclass(frozen=True)
class Column:
    """Labels of one task and which of them are there.

    ``labels`` is float64, int64, bool or object (strings), uint64 where int64 has no room; its
    unobserved entries hold a placeholder and mean nothing. ``categories`` are those of a
    categorical dtype, from the lowest to the highest where it ``is_ordered``. Labels that
    ``are_times`` were pairs of event and time: minus a time is one up to which was no event.
    """

    labels: NDArray[Any]
    observed: NDArray[np.bool_]
    is_categorical: bool = False
    categories: tuple[Any, ...] = ()
    is_ordered: bool = False
    are_times: bool = False

    @property
    def is_numeric(self) -> bool:
        return self.labels.dtype.kind in "iuf"

    @property
    def is_string(self) -> bool:
        return self.labels.dtype.kind == "O"

    def take(self, rows: NDArray[Any]) -> Column:
        return replace(self, labels=self.labels[rows], observed=self.observed[rows])


def read_column(column: Any, name: Hashable, used: NDArray[np.bool_] | None = None) -> Column:
    """Read a 1-D array, masked or structured, a Series of any library, Arrow array, or list.

    NaN, None, pandas.NA, NaT, masked entries, and those that are not ``used`` are unobserved,
    all alike: what stands there is not read.
    """
    if isinstance(column, np.ndarray) and column.dtype.kind == "O" and column.ndim == 1:
        column = pairs_of_objects(column)
    are_times = are_pairs(column)
    if are_times:
        column = signed_times(column)
    # An array's dtype says nothing that its values do not; its name takes long to make.
    dtype = getattr(column, "dtype", getattr(column, "type", ""))
    dtype_name = "" if isinstance(column, np.ndarray) else str(dtype).lower()
    is_categorical = dtype_name.startswith(("category", "categorical", "enum", "dictionary"))
    categories, is_ordered = _categories(column, dtype_name) if is_categorical else ((), False)
    if isinstance(column, np.ma.MaskedArray):
        seen = ~np.ma.getmaskarray(column)
        used = seen if used is None else used & seen
    if is_arrow(column):
        column, used = _numbers_of_arrow(column, used)
    array = as_array(column)
    if array.ndim != 1:
        raise ValueError(f"Task {name!r}: labels must be one value a row, got {array.shape}.")
    if array.dtype.kind not in "biufcOUST" and used is not None and not used.any():
        array = np.full(len(array), np.nan)
    if array.dtype.kind == "c":
        raise ValueError(f"Task {name!r}: Complex data not supported")
    if array.dtype.kind in "biuf":
        labels, observed = _read_numbers(array, used)
    elif array.dtype.kind in "OUST":
        labels, observed = _read_objects(array.astype(object), name, used)
    else:
        raise ValueError(
            f"Task {name!r}: labels of dtype {array.dtype} are not supported; "
            "give numbers, booleans or strings."
        )
    if dtype_name in ("boolean", "bool") and not observed.any():
        # Nullable booleans: without a value only the dtype tells.
        labels = np.zeros(len(labels), dtype=bool)
    if labels.dtype.kind == "f" and not is_finite(labels) and (np.isinf(labels) & observed).any():
        raise ValueError(
            f"Task {name!r}: y contains infinity ({int(np.isinf(labels[observed]).sum())} "
            "labels). A missing label is NaN or None, never infinity."
        )
    return Column(labels, observed, is_categorical, categories, is_ordered, are_times)


def read_floats(columns: Sequence[Any]) -> list[Column]:
    """`read_column` of many arrays of floats in one go; none where they are something else."""
    kinds = {column.dtype if type(column) is np.ndarray else None for column in columns}
    kind = kinds.pop()
    if len(columns) < 2 or kinds or kind is None or kind.kind != "f":
        return []
    labels = np.array(columns, dtype=np.float64)
    observed = np.ones(labels.shape, dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = np.flatnonzero(~np.isfinite(labels.sum(axis=1)))
    if len(gaps):
        observed[gaps] = ~np.isnan(labels[gaps])
        labels[~observed] = 0.0
        if np.isinf(labels[gaps]).any():
            return []
    return [Column(*of_column) for of_column in zip(labels, observed, strict=True)]


def _categories(column: Any, dtype_name: str) -> tuple[tuple[Any, ...], bool]:
    """Categories of a categorical dtype, and whether they have an order."""
    if dtype_name == "category":
        return tuple(column.cat.categories), bool(column.cat.ordered)
    # The categories of polars' Enum are written in their order; those of Categorical are not.
    is_enum = dtype_name.startswith("enum")
    return (tuple(column.dtype.categories.to_list()), True) if is_enum else ((), False)


def is_arrow(data: Any) -> bool:
    """Whether it is a table or an array of pyarrow.

    Asked by its home: a DataFrame has attributes of any name, those of its columns.
    """
    return type(data).__module__.partition(".")[0] == "pyarrow"


def _numbers_of_arrow(column: Any, used: NDArray[np.bool_] | None) -> tuple[Any, Any]:
    """Numbers as an array, and which are there; a column of anything else as it is.

    Without a Python object for each number, of which there may be millions.
    """
    if not str(column.type).startswith(("int", "uint", "float", "double", "half")):
        return column, used
    if column.null_count:
        is_there = np.asarray(column.is_valid())
        used = is_there if used is None else used & is_there
        column = column.fill_null(0)
    return np.asarray(column), used


def as_array(column: Any) -> NDArray[Any]:
    """The values of a column, of dtype object where its own is none of numpy's."""
    if isinstance(column, np.ndarray):
        return np.ma.getdata(column)
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, np.dtype) and hasattr(column, "to_numpy"):
        return np.asarray(column.to_numpy())
    # Extension dtypes of pandas, polars and Arrow: their own list keeps "missing" apart from
    # values, whatever their storage.
    if is_arrow(column):
        column = column.to_pylist()
    values = column.to_list() if hasattr(column, "to_list") else list(column)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _read_numbers(
    array: NDArray[Any], used: NDArray[np.bool_] | None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    observed = np.ones(len(array), dtype=bool) if used is None else used
    if array.dtype.kind != "f":
        kind: type = bool if array.dtype.kind == "b" else np.int64
        if array.dtype.kind == "u" and (array[observed] > np.iinfo(np.int64).max).any():
            kind = np.uint64
        return array.astype(kind), observed
    labels = array.astype(np.float64)
    if is_finite(labels) and used is None:
        return labels, observed
    observed = observed & ~np.isnan(labels)
    labels[~observed] = 0.0
    return labels, observed


def is_finite(labels: NDArray[Any]) -> bool:
    """Whether all numbers are finite, as their sum says; False where it has no room for it."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(labels.sum()))


def _read_objects(
    array: NDArray[Any], name: Hashable, used: NDArray[np.bool_] | None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    observed = np.fromiter((not is_missing(v) for v in array), bool, len(array))
    if used is not None:
        observed &= used
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
    dtype: type = np.float64
    if kinds == {"bool"}:
        dtype = bool
    elif kinds and kinds <= {"bool", "int"}:
        dtype = _integers(min(present), max(present))
    labels = np.zeros(len(array), dtype=dtype)
    labels[observed] = present.astype(dtype)
    return labels, observed


def _integers(lowest: int, highest: int) -> type:
    """The dtype that holds whole numbers exactly; float64 if none does."""
    for dtype in (np.int64, np.uint64):
        if np.iinfo(dtype).min <= lowest and highest <= np.iinfo(dtype).max:
            return dtype
    return np.float64


def is_missing(value: Any) -> bool:
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
    comparable, is_exact = _as_dtype(labels, known.dtype)
    if len(known) <= FEW and known.dtype.kind in "biuf":
        position = np.full(len(labels), -1, dtype=np.intp)
        for k, label in enumerate(known):
            np.copyto(position, k, where=is_exact & (comparable == label))
        return position
    position = np.clip(np.searchsorted(known, comparable), 0, len(known) - 1)
    return np.where(is_exact & (known[position] == comparable), position, -1)


def _as_dtype(labels: NDArray[Any], dtype: np.dtype[Any]) -> tuple[NDArray[Any], Any]:
    """Labels that compare with whole numbers of another dtype exactly, and where they do.

    numpy compares integers of different signedness, and integers with floats, as floats: beyond
    2**53 different numbers would be equal.
    """
    if dtype == labels.dtype or dtype.kind not in "iu" or labels.dtype.kind not in "iuf":
        return labels, True
    if labels.dtype.kind == "f":
        is_exact = (labels == np.floor(labels)) & (np.abs(labels) < EXACT_INTEGERS)
        is_exact &= (labels >= 0) | (dtype.kind == "i")
    else:
        limits = np.iinfo(np.int64)
        is_exact = (labels >= 0) & (labels <= np.array(limits.max, dtype=labels.dtype))
    return np.where(is_exact, labels, 0).astype(dtype), is_exact
