"""Whether two parameters have the same values, whatever of them their representation shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from scipy import sparse


def is_same(one, other):
    """Whether two parameters are alike, also across processes.

    Arrays, containers and objects are compared by what they hold, functions by their names.
    """
    return one is other or _is_same(one, other, set())


def _is_same(one, other, seen):
    for read in (_tensor, _array, _list, _settings, _partial, _mapping):
        parts = [read(value) for value in (one, other)]
        if parts[0] is not None and parts[1] is not None:
            return _have_same(*parts, seen)
    if not _reads_same(one, other):
        return False
    if isinstance(one, type) or (callable(one) and hasattr(one, "__qualname__")):
        return True
    state = [getattr(value, "__dict__", {}) for value in (one, other)]
    pair = (id(one), id(other))
    if pair in seen:
        # In the middle of this comparison already.
        return True
    return _have_same(*state, seen | {pair})


def _have_same(one, other, seen):
    if isinstance(one, np.ndarray):
        return _same_arrays(one, other, seen)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            _is_same(one[key], other[key], seen) for key in one
        )
    return len(one) == len(other) and all(
        _is_same(*pair, seen) for pair in zip(one, other, strict=True)
    )


def _same_arrays(one, other, seen):
    if one.shape != other.shape:
        return False
    if one.dtype.kind == "O" or other.dtype.kind == "O":
        return all(_is_same(*pair, seen) for pair in zip(one.flat, other.flat, strict=True))
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc" and other.dtype.kind in "fc")


def _reads_same(one, other):
    # A function has another address in each process.
    one, other = (re.sub(r" at 0x\w+", "", repr(value)) for value in (one, other))
    return one == other


def _tensor(value):
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else None


def _array(value):
    """Numbers of any kind, with the labels of their axes."""
    if sparse.issparse(value):
        return value.toarray()
    if isinstance(value, np.ndarray | np.generic | bool | int | float | complex):
        return np.asarray(value)
    if hasattr(value, "__array__") and not isinstance(value, torch.Tensor):
        axes = [list(getattr(value, name)) for name in ("index", "columns") if hasattr(value, name)]
        return [*axes, np.asarray(value)] if axes else np.asarray(value)
    return None


def _list(value):
    return list(value) if isinstance(value, list | tuple) else None


def _settings(value):
    """What an estimator, or a part of one, is made with."""
    if isinstance(value, type) or not hasattr(value, "get_params"):
        return None
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return {**value.get_params(deep=False), "of": name}


def _partial(value):
    if not isinstance(value, partial):
        return None
    return [value.func, list(value.args), value.keywords]


def _mapping(value):
    return dict(value) if isinstance(value, Mapping) else None
