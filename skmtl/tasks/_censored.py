"""Labels of times until an event: whether the event was seen is the sign."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._columns import read_column

Array = NDArray[Any]


def censored(times: Any, seen: Any) -> Array:
    """Labels of a `Survival` task: times of events, minus times up to which none was seen.

    Parameters
    ----------
    times : array-like of shape (n_samples,)
        Times > 0; NaN or None where there is no label.
    seen : array-like of shape (n_samples,)
        Whether the event was seen at that time: bool, or 1 and 0.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        ``times`` where ``seen``, ``-times`` elsewhere, NaN where either is missing.

    Raises
    ------
    ValueError
        If the lengths differ, a time is not positive, or ``seen`` is something else.

    Examples
    --------
    >>> from skmtl.tasks import censored
    >>> censored([5.0, 2.0, None], [True, False, True])
    array([ 5., -2., nan])
    """
    columns = read_column(times, "times"), read_column(seen, "seen")
    if len(columns[0].labels) != len(columns[1].labels):
        raise ValueError(
            f"times has {len(columns[0].labels)} entries, seen has {len(columns[1].labels)}."
        )
    observed = columns[0].observed & columns[1].observed
    if columns[0].is_string or (columns[0].labels[observed] <= 0).any():
        wrong = columns[0].labels[observed]
        wrong = wrong[0] if columns[0].is_string else wrong.min()
        raise ValueError(f"times has {wrong!r}; expected numbers > 0.")
    if columns[1].is_string or not np.isin(columns[1].labels[observed], (0, 1)).all():
        raise ValueError("seen must be bool, or 1 and 0: whether the event was seen.")
    signed = np.where(columns[1].labels.astype(bool), 1.0, -1.0) * columns[0].labels
    return np.where(observed, signed, np.nan)
