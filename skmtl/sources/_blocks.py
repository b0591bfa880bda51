"""Blocks as a source yields them."""

from __future__ import annotations

from typing import Any

from skmtl.tasks._columns import is_arrow

Block = tuple[Any, Any, Any]


def read_block(block: Any) -> Block:
    """X, y and weights, or None, of what a source has yielded."""
    if not isinstance(block, tuple | list) or len(block) not in (2, 3):
        what = f"{type(block).__name__}"
        if isinstance(block, tuple | list):
            what += f" of {len(block)}"
        raise TypeError(f"a {what}; expected a tuple (X, y) or (X, y, sample_weight).")
    X, y, sample_weight = (*block, None)[:3]
    if y is None:
        raise ValueError("y is None; expected labels.")
    n_rows = rows_of(X)
    if n_rows == 0:
        raise ValueError("X has no rows; leave empty blocks out.")
    return X, y, sample_weight


def rows_of(X: Any) -> int:
    """Number of rows of an array, a table or a list."""
    if is_arrow(X):
        return len(X)
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def is_table(X: Any) -> bool:
    """Whether this can be the X of a block: it has rows and columns."""
    if hasattr(X, "shape"):
        return len(X.shape) == 2
    return is_arrow(X) or (isinstance(X, list | tuple) and isinstance(X[0], list | tuple))
