"""Long lists in messages: the first few of them, and how many more there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

MOST = 8
"""Entries of a list that a message shows."""


def and_more(found: Sequence[Any], most: int = MOST) -> str:
    """What a message says after the first ``most`` entries: " and 3 more", or nothing."""
    return f" and {len(found) - most:,} more" if len(found) > most else ""


def joined(texts: Iterable[str], most: int = MOST, between: str = ", ") -> str:
    """The first texts, as a sentence has them: "a, b and 3 more"."""
    texts = list(texts)
    return f"{between.join(texts[:most])}{and_more(texts, most)}"


def shown(names: Sequence[Any], most: int = MOST) -> str:
    """Names as a list of their first ones: "['a', 'b'] and 3 more"."""
    return f"[{', '.join(map(repr, names[:most]))}]{and_more(names, most)}"
