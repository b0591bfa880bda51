"""What an estimator says of new rows, block by block where they are a dask collection."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

from skmtl._dask_rows import is_dask

Method = TypeVar("Method", bound=Callable[..., Any])


def by_blocks(method: Method) -> Method:
    """A method of X that answers a dask collection lazily, with what it says of each block."""

    @wraps(method)
    def answer(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_dask(X):
            return method(self, X, *args, **kwargs)
        from skmtl._dask_answers import answer_lazily

        _, _, *others = signature(method).bind(self, X, *args, **kwargs).arguments.items()
        return answer_lazily(self, method.__name__, X, **dict(others))

    return answer  # type: ignore[return-value]
