"""Whether two parameters are alike, whatever their representation shows."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]
PLAIN = (bool, int, float, str, type(None))
Pairs = set[tuple[int, int]]
"""Of objects that are being compared."""


def is_same(one: Any, other: Any) -> bool:
    """Whether two parameters are alike, also across processes.

    Arrays, containers and objects are compared by what they hold, functions by their names.
    """
    return one is other or _is_same(one, other, set())


def groups_of_same(things: Iterable[Any]) -> list[list[int]]:
    """Positions of things that are alike, in the order in which each first comes."""
    groups: list[tuple[Any, list[int]]] = []
    for position, thing in enumerate(things):
        found = next((some for other, some in groups if is_same(thing, other)), None)
        if found is None:
            groups.append((thing, [position]))
        else:
            found.append(position)
    return [positions for _, positions in groups]


def _is_same(one: Any, other: Any, seen: Pairs) -> bool:
    if type(one) is type(other) and type(one) in PLAIN:
        # Most parameters, told apart at once.
        return bool(one == other or (one != one and other != other))
    for read in (_tensor, _array, _list, _settings, _partial, _mapping):
        first, second = read(one), read(other)
        if first is not None and second is not None:
            return _have_same(first, second, seen)
    if not _reads_same(one, other):
        return False
    if isinstance(one, type) or (callable(one) and hasattr(one, "__qualname__")):
        return True
    pair = (id(one), id(other))
    if pair in seen:
        # In the middle of this comparison already.
        return True
    first, second = (getattr(value, "__dict__", {}) for value in (one, other))
    return _have_same(first, second, seen | {pair})


def _have_same(one: Any, other: Any, seen: Pairs) -> bool:
    if isinstance(one, np.ndarray):
        return _same_arrays(one, other, seen)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            _is_same(one[key], other[key], seen) for key in one
        )
    return len(one) == len(other) and all(
        _is_same(*pair, seen) for pair in zip(one, other, strict=True)
    )


def _same_arrays(one: Array, other: Array, seen: Pairs) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind == "O" or other.dtype.kind == "O":
        return all(_is_same(*pair, seen) for pair in zip(one.flat, other.flat, strict=True))
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc" and other.dtype.kind in "fc")


def _reads_same(one: Any, other: Any) -> bool:
    # A function has another address in each process.
    one, other = (re.sub(r" at 0x\w+", "", repr(value)) for value in (one, other))
    return one == other


def _tensor(value: Any) -> Array | None:
    return value.detach().cpu().numpy() if _is_tensor(value) else None


def _is_tensor(value: Any) -> bool:
    # Where torch has not been loaded there are none.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _array(value: Any) -> Any:
    """Numbers of any kind, with the labels of their axes."""
    if sparse.issparse(value):
        return value.toarray()
    if isinstance(value, np.ndarray | np.generic | bool | int | float | complex):
        return np.asarray(value)
    # A class such as numpy.float64 says how to make arrays, and is none.
    if hasattr(value, "__array__") and not isinstance(value, type) and not _is_tensor(value):
        axes = [list(getattr(value, name)) for name in ("index", "columns") if hasattr(value, name)]
        return [*axes, np.asarray(value)] if axes else np.asarray(value)
    return None


def _list(value: Any) -> list[Any] | None:
    return list(value) if isinstance(value, list | tuple) else None


def _settings(value: Any) -> dict[str, Any] | None:
    """What an estimator, or a part of one, is made with."""
    if isinstance(value, type) or not hasattr(value, "get_params"):
        return None
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return {**value.get_params(deep=False), "of": name}


def _partial(value: Any) -> list[Any] | None:
    if not isinstance(value, partial):
        return None
    return [value.func, list(value.args), value.keywords]


def _mapping(value: Any) -> dict[Any, Any] | None:
    return dict(value) if isinstance(value, Mapping) else None
