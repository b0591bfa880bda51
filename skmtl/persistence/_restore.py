"""Objects from a description: what it names is looked up, nothing it brings is executed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.persistence._known import UnknownTypeError, find, is_constructed

Array = NDArray[Any]
COLLECTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}


class Restored:
    """The object that a `Described` has written down.

    Parameters
    ----------
    root, nodes, arrays
        As `Described` has them.

    Attributes
    ----------
    thing : object
        An object equal to the one described.

    Raises
    ------
    UnknownTypeError
        If a class or a function is not known here.
    """

    def __init__(self, root: Any, nodes: list[Any], arrays: Mapping[str, Array]) -> None:
        self._nodes, self._arrays = nodes, arrays
        self._made: dict[int, Any] = {}
        self.thing = self._value(root)

    def _value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        k = value["#"]
        if k not in self._made:
            kind, *parts = self._nodes[k]
            make = getattr(self, f"_make_{kind}", None)
            if kind in COLLECTIONS:
                self._made[k] = COLLECTIONS[kind](self._values(parts[0]))
            elif make is None:
                raise UnknownTypeError(f"the file describes a {kind!r}, which is not known here.")
            else:
                self._made[k] = make(k, *parts)
        return self._made[k]

    def _values(self, values: list[Any]) -> list[Any]:
        return [self._value(each) for each in values]

    # What may contain itself is known before its parts are.

    def _make_list(self, k: int, values: list[Any]) -> list[Any]:
        made: list[Any] = []
        self._made[k] = made
        made.extend(self._values(values))
        return made

    def _make_dict(self, k: int, items: list[Any]) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        self._made[k] = made
        made.update((self._value(key), self._value(value)) for key, value in items)
        return made

    def _make_object(
        self, k: int, name: str, given: list[Any], state: Any, items: list[Any], pairs: list[Any]
    ) -> Any:
        kind = find(name)
        if not isinstance(kind, type):
            raise UnknownTypeError(f"{name} is no class.")
        values = self._values(given)
        if is_constructed(kind) and not all(map(_is_plain, values)):
            raise UnknownTypeError(f"{name} is not made of what the file gives it.")
        made = kind(*values) if is_constructed(kind) else kind.__new__(kind, *values)
        self._made[k] = made
        if items:
            list.extend(made, self._values(items))
        for key, value in pairs:
            dict.__setitem__(made, self._value(key), self._value(value))
        if state is not None:
            _set_state(made, self._value(state))
        return made

    def _make_float(self, k: int, text: str) -> float:
        return float(text)

    def _make_slice(self, k: int, ends: list[Any]) -> slice:
        return slice(*self._values(ends))

    def _make_bytes(self, k: int, text: str) -> bytes:
        return base64.b64decode(text)

    def _make_dtype(self, k: int, descr: Any) -> np.dtype[Any]:
        return _dtype(descr)

    def _make_number(self, k: int, value: Any) -> Any:
        return self._value(value)[()]

    def _make_name(self, k: int, name: str) -> Any:
        return find(name)

    def _make_objects(self, k: int, shape: list[int], values: list[Any]) -> Array:
        made = np.empty(shape, dtype=object)
        self._made[k] = made
        flat = made.reshape(-1)
        for i, value in enumerate(values):
            flat[i] = self._value(value)
        return made

    def _make_array(self, k: int, name: str, descr: Any, shape: list[int], order: str) -> Array:
        stored, dtype = self._arrays[name], _dtype(descr)
        if dtype != stored.dtype:
            stored = np.frombuffer(bytearray(stored.tobytes()), dtype)
        if order == "F":
            return stored.reshape(shape[::-1]).T
        return stored.reshape(shape)

    def _make_masked(self, k: int, parts: list[Any]) -> Any:
        data, mask, fill_value = self._values(parts)
        return np.ma.MaskedArray(data, mask, fill_value=fill_value)

    def _make_tensor(self, k: int, value: Any) -> Any:
        import torch

        return torch.from_numpy(self._value(value))

    def _make_generator(self, k: int, state: Any) -> np.random.Generator:
        return np.random.Generator(_bit_generator(self._value(state)))

    def _make_random_state(self, k: int, state: Any) -> np.random.RandomState:
        found = self._value(state)
        made = np.random.RandomState(_bit_generator(found))
        made.set_state(found)
        return made


def _is_plain(value: Any) -> bool:
    """Whether a constructor may have it: it brings no code along that would be called."""
    if isinstance(value, np.ndarray):
        return bool(value.dtype != object)
    return (
        value is None or isinstance(value, (int, float, np.number)) or is_constructed(type(value))
    )


def _set_state(made: Any, state: Any) -> None:
    """Give an object its attributes, as pickle does."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    # A pair where a class has slots.
    for part in state if isinstance(state, tuple) else (state,):
        for name, value in (part or {}).items():
            object.__setattr__(made, name, value)


def _bit_generator(state: dict[str, Any]) -> Any:
    name = state["bit_generator"]
    if name not in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
        raise UnknownTypeError(f"{name!r} is no bit generator of numpy.")
    made = getattr(np.random, name)()
    made.state = {key: state[key] for key in made.state if key in state}
    return made


def _dtype(descr: Any) -> np.dtype[Any]:
    if isinstance(descr, list):
        base, shape = descr
        return np.dtype((_dtype(base), tuple(shape)))
    if isinstance(descr, dict):
        fields: Any = {**descr, "formats": [_dtype(each) for each in descr["formats"]]}
        return np.dtype(fields)
    return np.dtype(descr)
