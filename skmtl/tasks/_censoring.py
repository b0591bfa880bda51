r"""How long times are watched: what an event that was seen counts for those that were not.

An event at time t is seen with probability :math:`G(t)`, that of being watched until then. Events
that are seen, weighted by :math:`1 / G(t)`, stand for all [1]_; G is the Kaplan-Meier estimate
with censoring as the event.

References
----------
.. [1] E. Graf, C. Schmoor, W. Sauerbrei and M. Schumacher, "Assessment and comparison of prognostic
   classification schemes for survival data", Statistics in Medicine 18, 1999, section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LEAST_SHARE = 0.05
"""Of a time up to which fewer are watched, one event would stand for more than 20."""


def weights_of_seen(times: Array, seen: Array, weight: Array) -> Array:
    """1 / G just before each time (n,), 0 where no event was seen."""
    order = np.argsort(times, kind="stable")
    times_in_order, weights = times[order], np.where(weight > 0, weight, 0.0)[order]
    watched = weights[::-1].cumsum()[::-1]
    # All of one time leave together, events before those who are watched no longer.
    first = np.searchsorted(times_in_order, times_in_order, side="left")
    unseen = np.bincount(first, weights * ~seen[order], len(order))
    events = np.bincount(first, weights * seen[order], len(order))
    at_risk = np.maximum(watched[first] - events[first], np.finfo(float).tiny)
    stays = np.where(unseen > 0, 1.0 - unseen / np.maximum(at_risk, unseen), 1.0)
    before = np.concatenate([[1.0], stays.cumprod()])[first]
    found = np.empty(len(order))
    found[order] = 1.0 / np.maximum(before, LEAST_SHARE)
    return np.where(seen, found, 0.0)
