"""Whether a fit that goes on has the same parameters, whatever their representation shows."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np
from scipy import sparse

from skmtl._same import is_same
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._targets import Targets


def check_same_network(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise if a fit that goes on would need a network of another shape."""
    changes = differences(before, now)
    if changes:
        raise ValueError(
            f"The fit goes on with the network of the previous one, but {changes}. "
            "Set warm_start=False to start anew."
        )


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What is not what it was, in words; empty if nothing."""
    return ", ".join(
        _difference(key, repr(before[key]), repr(now[key]))
        for key in before
        if not is_same(before[key], now[key])
    )


def _difference(key: str, before: str, now: str) -> str:
    if before == now:
        # Long arrays are cut in the middle.
        return f"{key} has other values than before, where {now} does not show them"
    return f"{key} was {before} and is {now}"


def fingerprint(X: Any, targets: Targets) -> int:
    """A number that tells whether all rows and labels are the same."""
    arrays: Iterable[Any] = [X]
    if sparse.issparse(X):
        X = X.tocsr()
        arrays = [X.data, X.indices, X.indptr]
    elif isinstance(X, StoredRows):
        arrays = (block for _, block in X.blocks())
    labels = [targets.values, targets.weights, targets.task_index]
    found = 0
    for array in chain(arrays, labels):
        if array is not None:
            found = zlib.crc32(np.ascontiguousarray(array).data, found)
    return found
