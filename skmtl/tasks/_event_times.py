"""Times until an event as structured arrays, in which scikit-survival writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def are_pairs(column: Any) -> bool:
    """Whether it is a structured array of two fields: event, a bool, and time, a number.

    Other structured arrays are tables, with a task for every field.
    """
    fields = column.dtype.fields if isinstance(column, np.ndarray) else None
    if fields is None or len(fields) != 2:
        return False
    event, time = (column.dtype[k].kind for k in range(2))
    return event == "b" and time in "iuf"


def pairs_of_objects(column: NDArray[Any]) -> NDArray[Any]:
    """Objects that are tuples of a bool and a number as such an array, masked where None."""
    first = next((value for value in column if value is not None), None)
    if not (isinstance(first, tuple) and len(first) == 2 and isinstance(first[0], bool)):
        return column
    missing = [value is None for value in column]
    values = [(False, 0.0) if value is None else value for value in column]
    pairs = np.array(values, dtype=[("event", bool), ("time", float)])
    return np.ma.array(pairs, mask=[(gone, gone) for gone in missing])


def signed_times(pairs: NDArray[Any]) -> NDArray[np.float64]:
    """Times of events, and minus times up to which there was none; NaN where masked.

    A time that is not positive is 0, which is no label of such a task.
    """
    event, time = (pairs[field] for field in pairs.dtype.names or ())
    missing = np.ma.getmaskarray(event) | np.ma.getmaskarray(time)
    event, time = np.ma.getdata(event), np.ma.getdata(time).astype(np.float64)
    signed = np.where(event, 1.0, -1.0) * np.where(time < 0, 0.0, time)
    return np.where(missing, np.nan, signed)
