"""Columns of X that hold text, times or other things that are no numbers: which, and what to do."""

from __future__ import annotations

import datetime
import re
from collections.abc import Container, Hashable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl._shown import joined
from skmtl.tasks._by_name import as_floats, column_names, columns_of
from skmtl.tasks._columns import as_array, is_arrow, is_missing

Array = NDArray[Any]

TIMES = (
    "Make numbers of it first, such as the year, the day of the year, or days since some date; "
    "skrub.tabular_pipeline(estimator) does."
)
DURATIONS = "Make numbers of it first: seconds, or days."
OTHERS = "Make numbers of it first."
# How the names of dtypes begin whose values turn into numbers unasked: times, and with numpy before
# 2.4 lists and structs of one number.
UNASKED = ("date", "time", "duration", "list", "large_list", "fixed_size_list", "array", "struct")
# Letters of a text that a message shows.
LONGEST = 40


class NoNumbers(NamedTuple):
    """A column that holds what is no number.

    ``what`` it is, with an example; the ``error`` of who tried; ``advice``, None for text, which
    estimators of different kinds have different ways with.
    """

    name: Hashable
    what: str
    error: type[Exception]
    advice: str | None


def named_columns(X: Any) -> list[tuple[Hashable, Any]]:
    """Name and values of every column of a table, or position and values."""
    names = column_names(X)
    return list(enumerate(X.T) if names is None else zip(names, columns_of(X), strict=True))


def numbers_of(column: Any) -> Array:
    """A column of X as float64, NaN where a value is missing.

    Raises
    ------
    TypeError, ValueError
        If it holds what is no number.
    """
    kind_of_numpy = as_array(column).dtype.kind
    if kind_of_numpy in "mM":
        raise TypeError("times")
    if kind_of_numpy == "c":
        raise ValueError("Complex data not supported")
    return as_floats(column)


def has_unasked(X: Any) -> bool:
    """Whether columns of a polars or Arrow table turn into numbers, but hold none."""
    if hasattr(X, "iloc"):
        # pandas refuses.
        return False
    dtypes = X.schema.types if is_arrow(X) and hasattr(X, "schema") else getattr(X, "dtypes", ())
    return any(str(dtype).lower().startswith(UNASKED) for dtype in dtypes)


def refuse_no_numbers(X: Any, advice: str, leaving: Container[int] = ()) -> None:
    """Raise if columns of a table, but for those at positions ``leaving``, hold no numbers.

    Raises
    ------
    TypeError, ValueError
        With the names of the columns, what they hold, and what to do; ``advice`` is for text.
    """
    found = find_no_numbers(X, leaving)
    if not found:
        return
    (name, what, error, own_advice), *others = found
    message = f"Column {name!r} of X holds what is no number: {what}. {own_advice or advice}"
    if others:
        listed = joined(f"{other.name!r} ({other.what})" for other in others)
        message += f" So do {len(others)} more: {listed}."
    raise error(message)


def find_no_numbers(X: Any, leaving: Container[int] = ()) -> list[NoNumbers]:
    """The columns of a table that hold what is no number."""
    found = []
    for j, (name, column) in enumerate(named_columns(X)):
        if j in leaving:
            continue
        try:
            numbers_of(column)
        except (TypeError, ValueError) as error:
            found.append(_described(name, column, error))
    return found


def _described(name: Hashable, column: Any, error: Exception) -> NoNumbers:
    """What a column holds, told by the first value that is no number."""
    kind = ValueError if isinstance(error, ValueError) else TypeError
    first = next((value for value in as_array(column).ravel() if _is_no_number(value)), None)
    if isinstance(first, str):
        shown = first if len(first) <= LONGEST else f"{first[:LONGEST]}..."
        return NoNumbers(name, f"text such as {shown!r}", kind, None)
    if isinstance(first, datetime.timedelta | np.timedelta64):
        return NoNumbers(name, f"durations such as {first}", kind, DURATIONS)
    if isinstance(first, datetime.date | np.datetime64) or type(first).__name__ == "Period":
        day = re.split("[T ]00:00:00", str(first))[0]
        return NoNumbers(name, f"times such as {day}", kind, TIMES)
    return NoNumbers(name, str(error), kind, OTHERS)


def _is_no_number(value: Any) -> bool:
    if is_missing(value):
        return False
    if isinstance(value, np.datetime64 | np.timedelta64 | complex):
        # These can be made numbers, of which some say nothing.
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return True
    return False
