"""What an estimator says of new rows, block by block where these are not in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from inspect import signature
from typing import Any, TypeVar

import numpy as np

from skmtl._dask_rows import is_dask
from skmtl.sources._array_source import ArraySource, is_large_map
from skmtl.sources._base import Source

Method = TypeVar("Method", bound=Callable[..., Any])


def by_blocks(method: Method) -> Method:
    """A method of X that answers block by block.

    Lazily, where X is a dask collection; of a source, or a large memory map, all at once.
    """

    @wraps(method)
    def answer(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        if type(X) is np.ndarray:
            return method(self, X, *args, **kwargs)
        is_said_of_rows = method.__name__ != "score"
        if is_said_of_rows and (isinstance(X, Source) or is_large_map(X)):
            return _of_source(method, self, X, *args, **kwargs)
        if not is_dask(X):
            return method(self, X, *args, **kwargs)
        from skmtl._dask_answers import answer_lazily

        _, _, *others = signature(method).bind(self, X, *args, **kwargs).arguments.items()
        return answer_lazily(self, method.__name__, X, **dict(others))

    return answer  # type: ignore[return-value]


def _of_source(method: Any, estimator: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
    """What a method says of all blocks, one below the other."""
    X = X if isinstance(X, Source) else ArraySource(X)
    answers = [method(estimator, features, *args, **kwargs) for features in X.read_features()]
    return _below(answers)


def _below(parts: list[Any]) -> Any:
    """Answers of blocks as one."""
    first = parts[0]
    if len(parts) == 1 or first is None:
        return first
    if isinstance(first, list | tuple):
        return type(first)(_below(list(some)) for some in zip(*parts, strict=True))
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    library = import_module(type(first).__module__.partition(".")[0])
    if library.__name__ != "pandas":
        return library.concat(parts)
    # Rows of arrays are numbered anew in every block.
    is_numbered = isinstance(first.index, library.RangeIndex) and not first.index.start
    return library.concat(parts, ignore_index=is_numbered)
