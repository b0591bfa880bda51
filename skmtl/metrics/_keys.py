"""Names of scores: what a key of the returned dict looks like."""

from __future__ import annotations

from collections import Counter
from typing import Any

MEAN, WORST = "mean", "worst"


def score_keys(names: Any) -> list[Any]:
    """One distinct string per task.

    ``str(name)``, whole numbers without decimal point. Where that is "mean" or "worst", or is
    the same for several tasks, ``repr(name)``; the position is added to whatever is still the
    same.
    """
    names = [_plain(name) for name in names]
    keys = [str(name) for name in names]
    keys = [
        repr(name) if clash else key
        for name, key, clash in zip(names, keys, _clashes(keys), strict=True)
    ]
    return [
        f"{key} [{position}]" if clash else key
        for position, (key, clash) in enumerate(zip(keys, _clashes(keys), strict=True))
    ]


def _clashes(keys: Any) -> list[Any]:
    count = Counter([MEAN, WORST, *keys])
    return [count[key] > 1 for key in keys]


def _plain(name: Any) -> Any:
    # Task values come as floats out of a float X; the user wrote 3, not 3.0.
    return int(name) if isinstance(name, float) and name.is_integer() else name
