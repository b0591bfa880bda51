"""Concordance: how often of two rows the one with the longer time is predicted to have it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def pairs_in_order(
    times: Array, seen: Array, predicted: Array, weight: Array
) -> tuple[float, float]:
    """Weight of the pairs whose order is known, and of those predicted so (ties count half).

    The order of two rows is known where the shorter time is that of an event that was seen; of
    equal times, where one was seen and the other was not.
    """
    # Of equal times those seen come first, and of these the longer predictions: none of their
    # pairs counts as predicted right then, but for ties.
    order = np.lexsort((-predicted, ~seen, times))
    times, seen, predicted, weight = (a[order] for a in (times, seen, predicted, weight))
    rank = np.unique(predicted, return_inverse=True)[1]
    from_seen = weight * seen
    known = float(from_seen @ (weight[::-1].cumsum()[::-1] - weight))
    right = _ascents(rank, from_seen, weight)
    # Two events at the same time have no order.
    _, at = np.unique(times[seen], return_inverse=True)
    _, tied = np.unique(np.column_stack([at, rank[seen]]), axis=0, return_inverse=True)
    known -= _pairs_within(at, weight[seen])
    right -= 0.5 * _pairs_within(tied, weight[seen])
    return known, right


def _pairs_within(group: Array, weight: Array) -> float:
    """Sum of the products of weights over the pairs within each group."""
    total, squares = np.bincount(group, weight), np.bincount(group, weight**2)
    return float(0.5 * (total**2 - squares).sum())


def _ascents(rank: Array, first: Array, second: Array) -> float:
    """Sum over i < j of first_i second_j where rank_i < rank_j, half of it where they are equal.

    Merges neighbouring blocks, twice as long each time: O(n log(n)^2).
    """
    place, total, size = np.arange(len(rank)), 0.0, 1
    while size < len(rank):
        pair, is_right = place // (2 * size), (place // size) % 2 == 1
        order = np.lexsort((rank, pair))
        ordered = np.where(is_right, second, 0.0)[order]
        keys = pair[order] * (len(rank) + 1) + rank[order]
        # Weight of the right block up to any place, and where each value of it begins and ends.
        upto = np.concatenate([[0.0], ordered.cumsum()])
        begin, end = np.searchsorted(keys, keys, "left"), np.searchsorted(keys, keys, "right")
        last = np.searchsorted(pair[order], pair[order], "right")
        above = upto[last] - 0.5 * (upto[end] + upto[begin])
        total += float(np.where(is_right, 0.0, first)[order] @ above)
        size *= 2
    return total
