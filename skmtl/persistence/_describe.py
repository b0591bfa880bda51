"""An estimator as arrays and a description that is plain JSON."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.persistence._known import UnknownTypeError, is_constructed, is_known, name_of
from skmtl.persistence._neighbors import arguments_of

Array = NDArray[Any]


class Described:
    """The objects that one object consists of, each written once.

    A value is a number, a string, None, or ``{"#": k}`` for the kth of ``nodes``. A node is a list:
    what it is, and its parts. Arrays lie apart, in ``arrays``.

    Parameters
    ----------
    thing : object
        A fitted estimator.

    Attributes
    ----------
    root : object
        The value of the object itself.
    nodes : list
        What the values refer to.
    arrays : dict of ndarray
        Contents of the arrays by name, C-contiguous, of numbers.

    Raises
    ------
    UnknownTypeError
        If something in it is neither plain data nor of a known package; the message says where.
    """

    def __init__(self, thing: Any) -> None:
        self.nodes: list[Any] = []
        self.arrays: dict[str, Array] = {}
        # The objects themselves are kept: an id is theirs only as long as they live.
        self._seen: dict[int, tuple[int, Any]] = {}
        self.root = self._value(thing, type(thing).__name__)

    def _value(self, thing: Any, where: str) -> Any:
        if thing is None or type(thing) in (bool, int, str):
            return thing
        if type(thing) is float and np.isfinite(thing):
            return thing
        if id(thing) not in self._seen:
            self._seen[id(thing)] = (len(self.nodes), thing)
            self.nodes.append(None)
            self.nodes[self._seen[id(thing)][0]] = self._node(thing, where)
        return {"#": self._seen[id(thing)][0]}

    def _values(self, things: Any, where: str) -> list[Any]:
        return [self._value(each, f"{where}[{i}]") for i, each in enumerate(things)]

    def _node(self, thing: Any, where: str) -> list[Any]:
        kind = type(thing)
        if kind is float:
            return ["float", repr(thing)]
        if kind in (list, tuple):
            return [kind.__name__, self._values(thing, where)]
        if kind in (set, frozenset):
            # In an order of its own: that of a set is another in every process, a file's is not.
            return [kind.__name__, self._values(sorted(thing, key=repr), where)]
        if kind is dict:
            return ["dict", self._items(thing, where)]
        if kind is slice:
            return ["slice", self._values((thing.start, thing.stop, thing.step), where)]
        if kind is bytes:
            return ["bytes", base64.b64encode(thing).decode()]
        if isinstance(thing, np.dtype):
            return ["dtype", _descr(thing)]
        if isinstance(thing, np.generic):
            return ["number", self._value(np.asarray(thing), where)]
        if kind in (np.ndarray, np.memmap):
            return self._array(thing, where)
        if kind is np.ma.MaskedArray:
            return ["masked", self._values((thing.data, thing.mask, thing.fill_value), where)]
        if (kind.__module__, kind.__name__) == ("torch", "Tensor"):
            return ["tensor", self._value(thing.detach().cpu().numpy(), where)]
        if isinstance(thing, (np.random.RandomState, np.random.Generator)):
            return self._random(thing, where)
        if isinstance(thing, (type, np.ufunc)) or (callable(thing) and hasattr(thing, "__code__")):
            return ["name", self._known(thing, where)]
        return self._object(thing, where)

    def _items(self, pairs: dict[Any, Any], where: str) -> list[Any]:
        return [
            [self._value(key, where), self._value(value, f"{where}.{key}")]
            for key, value in pairs.items()
        ]

    def _array(self, array: Array, where: str) -> list[Any]:
        if array.dtype == object:
            return ["objects", list(array.shape), self._values(array.ravel(), where)]
        name = str(len(self.nodes))
        is_fortran = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
        stored = np.ascontiguousarray(array.T if is_fortran else array)
        dtype = stored.dtype
        if dtype.kind not in "biuf" or not dtype.isnative or dtype.itemsize > 8:
            stored = np.frombuffer(stored.tobytes(), np.uint8)
        self.arrays[name] = stored
        return ["array", name, _descr(dtype), list(array.shape), "F" if is_fortran else "C"]

    def _random(self, source: Any, where: str) -> list[Any]:
        if isinstance(source, np.random.Generator):
            return ["generator", self._value(source.bit_generator.state, where)]
        return ["random_state", self._value(source.get_state(legacy=False), where)]

    def _object(self, thing: Any, where: str) -> list[Any]:
        """The class, what it is made of, and its state, as pickle has them."""
        self._known(type(thing), where)
        arguments = arguments_of(thing)
        if arguments is not None:
            values = self._values(arguments, where)
            return ["object", name_of(type(thing)), values, None, [], []]
        made = thing.__reduce_ex__(4)
        make, given, *rest = made if isinstance(made, tuple) else (None, ())
        if getattr(make, "__name__", None) == "__newobj__":
            make, *given = given
        elif not (isinstance(make, type) and is_constructed(make)):
            raise UnknownTypeError(_message(type(thing), where))
        state, items, pairs = (*rest, None, None, None)[:3]
        return [
            "object",
            name_of(make),
            self._values(given, where),
            self._value(state, where),
            self._values(items or (), where),
            self._items(dict(pairs or ()), where),
        ]

    def _known(self, thing: Any, where: str) -> str:
        if not is_known(thing):
            raise UnknownTypeError(_message(thing, where))
        return name_of(thing)


def _descr(dtype: np.dtype[Any]) -> Any:
    """A dtype in JSON: of numbers by its string, of records by fields and places."""
    if dtype.subdtype is not None:
        return [_descr(dtype.base), list(dtype.shape)]
    if dtype.fields is None:
        return dtype.str
    fields = [dtype.fields[name] for name in dtype.names or ()]
    return {
        "names": list(dtype.names or ()),
        "formats": [_descr(field[0]) for field in fields],
        "offsets": [field[1] for field in fields],
        "itemsize": dtype.itemsize,
    }


def _message(thing: Any, where: str) -> str:
    name = getattr(thing, "__qualname__", thing)
    return (
        f"{where} holds {getattr(thing, '__module__', '')}.{name}, which is not plain data of "
        "skmtl or scikit-learn and cannot be saved without code. Pickle it (joblib.dump), and "
        "load it only where you trust the file."
    )
