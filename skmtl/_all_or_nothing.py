"""A fit that raises leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Leave the estimator as it was if the block raises.

    An interrupted fit that kept its best complete state says so by ``interrupted_`` and stays.
    """
    before = dict(estimator.__dict__)
    # Not to be taken for what an earlier fit said.
    estimator.__dict__.pop("interrupted_", None)
    try:
        yield
    except BaseException as error:
        kept = isinstance(error, KeyboardInterrupt) and getattr(estimator, "interrupted_", False)
        if not kept:
            estimator.__dict__.clear()
            estimator.__dict__.update(before)
        raise


def forget_fit(estimator: Any) -> None:
    """Remove what an earlier fit has set, of which the next may have less."""
    for name in [name for name in vars(estimator) if name.endswith("_")]:
        delattr(estimator, name)
