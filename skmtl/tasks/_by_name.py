"""What has one entry per task: matched by the names of the tasks wherever it carries names.

One rule for weights, types, affinities and graphs alike. Labels of a Series, a DataFrame or a dict
are names: they are brought into the order of the tasks, or refused where they are others. Plain
arrays and lists carry none and go by position. Tasks of a y without names are called 0, 1, ...
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._shown import shown
from skmtl.tasks._columns import as_array, is_arrow, is_missing

Names = Sequence[Hashable]
# NaN is a name like any other, though it does not equal itself.
NAN = ("NaN", object())


def name_key(name: Hashable) -> Hashable:
    """Equal for names that are the same."""
    return NAN if name is not None and is_missing(name) else name


def find_twice(names: Names) -> list[Hashable]:
    """Names that were there before."""
    seen: set[Hashable] = set()
    # `add` returns None: a name is kept where it was in the set.
    return [name for name in names if name_key(name) in seen or seen.add(name_key(name))]  # type: ignore[func-returns-value]


def same_names(some: Names, others: Names) -> bool:
    """Whether both are the same names, in any order."""
    return set(map(name_key, some)) == set(map(name_key, others))


def order_of(found: Names, names: Names, what: str) -> list[int]:
    """Position in ``found`` of each task; raises unless both are the same names."""
    place = {name_key(name): position for position, name in enumerate(found)}
    known = set(map(name_key, names))
    missing = [name for name in names if name_key(name) not in place]
    extra = [name for name in found if name_key(name) not in known]
    if missing or extra:
        raise ValueError(
            f"{what} does not have the tasks {shown(names)}: missing {shown(missing)}, not known "
            f"{shown(extra)}. Give them the same names, or an array, which goes by position."
        )
    if twice := find_twice(found):
        raise ValueError(f"{what} names the task {twice[0]!r} more than once.")
    return [place[name_key(name)] for name in names]


def named_entries(values: Any, what: str) -> dict[Hashable, Any] | None:
    """Entries by name, of a dict, Series or named tuple; None for what carries no names."""
    if isinstance(values, Mapping):
        return dict(values)
    if isinstance(values, tuple) and hasattr(values, "_asdict"):
        return dict(values._asdict())
    if hasattr(values, "iloc") and getattr(values, "ndim", 0) == 1:
        names = list(values.index)
        if twice := find_twice(names):
            raise ValueError(f"The index of {what} has {twice[0]!r} more than once.")
        return dict(zip(names, as_array(values).tolist(), strict=True))
    return None


def refuse_unknown(entries: Iterable[Hashable], names: Names, what: str) -> None:
    """Raise for an entry that names no task; tasks may be left out."""
    known = set(map(name_key, names))
    unknown = [name for name in entries if name_key(name) not in known]
    if unknown:
        raise ValueError(
            f"{what} names the task {unknown[0]!r}, which y does not have; its tasks are "
            f"{shown(names)}."
        )


def by_task(values: Any, names: Names, what: str, *, default: Any = None) -> Any:
    """A list with the entry of each task; what carries no names is returned as it is.

    With a ``default``, a dict names the exceptions.
    """
    entries = named_entries(values, what)
    if entries is None:
        return values
    if default is not None and isinstance(values, Mapping):
        refuse_unknown(entries, names, what)
        of_key = {name_key(name): entry for name, entry in entries.items()}
        return [of_key.get(name_key(name), default) for name in names]
    listed = list(entries.values())
    return [listed[position] for position in order_of(list(entries), names, what)]


def column_names(table: Any) -> list[Hashable] | None:
    """Names of the columns of a DataFrame, Arrow table, structured array or dict."""
    if isinstance(table, Mapping):
        return list(table)
    if is_arrow(table):
        return list(table.column_names) if hasattr(table, "column_names") else None
    names = table.dtype.names if isinstance(table, np.ndarray) else None
    if names is None and hasattr(table, "columns") and hasattr(table, "shape"):
        names = table.columns
    return None if names is None else list(names)


def columns_of(table: Any) -> list[Any]:
    """Columns of what has `column_names`."""
    if isinstance(table, Mapping):
        return list(table.values())
    if is_arrow(table):
        return [table.column(j) for j in range(table.num_columns)]
    if isinstance(table, np.ndarray) and table.dtype.names is not None:
        return [table[name] for name in table.dtype.names]
    take = table.iloc if hasattr(table, "iloc") else table
    return [take[:, j] for j in range(table.shape[1])]


def matrix_by_task(matrix: Any, names: Names, what: str) -> Any:
    """A matrix with a row and a column per task, in their order.

    Rows of a table without row names (polars) are in the order of its columns.
    """
    columns = None if isinstance(matrix, str) else column_names(matrix)
    if columns is None:
        return matrix
    if isinstance(matrix, Mapping):
        raise ValueError(
            f"{what} is a dict; expected an array or a DataFrame of shape (n_tasks, n_tasks)."
        )
    rows = list(matrix.index) if hasattr(matrix, "iloc") else columns
    array = np.column_stack([as_floats(part) for part in columns_of(matrix)])
    at = order_of(rows, names, f"The index of {what}"), order_of(columns, names, what)
    return array[np.ix_(*at)]


def as_floats(part: Any) -> NDArray[np.float64]:
    """A column as float64, NaN where a value is missing."""
    if np.ma.is_masked(part):
        part = np.ma.filled(part.astype(np.float64), np.nan)
    array = as_array(part)
    if array.dtype.kind == "O" and array.ndim == 1:
        is_there = np.array([not is_missing(value) for value in array], dtype=bool)
        array = np.where(is_there, array, np.nan)
    return np.asarray(array, dtype=np.float64)


def cut_to(values: Any, members: Any, n_tasks: int) -> NDArray[Any]:
    """What some tasks have of a vector or a matrix; of another shape it is left to be refused."""
    array = np.asarray(values)
    if array.shape != (n_tasks,) * max(array.ndim, 1):
        return array
    return array[np.ix_(*[members] * array.ndim)]


def put_in_order(part: Any, names: Names, members: Any = None) -> Any:
    """A penalty, architecture or balancing method with what it says per task in their order.

    ``part.per_task`` maps such parameters to their reader: `by_task`, `matrix_by_task`. With
    ``members`` arrays are cut to these positions. Parts of a part are put in order as well.
    """
    if not hasattr(part, "get_params") or isinstance(part, type):
        return part
    readers: dict[str, Callable[..., Any]] = getattr(part, "per_task", {})
    changed = {}
    for name, value in part.get_params(deep=False).items():
        if value is None or isinstance(value, str):
            continue
        found = put_in_order(value, names, members)
        if name in readers:
            found = readers[name](value, names, f"{type(part).__name__}: {name}")
            if members is not None and not isinstance(found, Mapping):
                found = cut_to(found, members, len(names))
        if found is not value:
            changed[name] = found
    return clone(part).set_params(**changed) if changed else part
