"""Numbers and names as text."""

from __future__ import annotations

import math
from typing import Any

# Control characters, which HTML forbids, and halves of pairs, which UTF-8 cannot write.
FORBIDDEN = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}"
)
FORBIDDEN |= dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")
NOTHING = "–"


def plain(value: Any) -> str:
    """Text of anything that a user may call a task, a feature, a row or a class."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).translate(FORBIDDEN)


def shorten(value: Any, longest: int) -> str:
    """Text that fits a figure, not escaped: beginning and end, as names differ in both."""
    text = plain(value)
    if len(text) > longest:
        half = longest // 2
        text = f"{text[:half]}…{text[len(text) - (longest - half - 1) :]}"
    return text


def number(value: float, digits: int = 3) -> str:
    """A number for a reader: fixed digits, or few significant ones where that says nothing."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value and not 10.0**-digits <= abs(value) < 1e5:
        return f"{value:.3g}".replace("-", "−")
    return f"{value:.{digits}f}".replace("-", "−")


def fixed(value: float) -> str:
    """A cosine, a correlation: two digits say all."""
    return f"{value:.2f}".replace("-", "−")


def significant(value: float, digits: int = 4) -> str:
    """A number in the units of y, of any magnitude."""
    return f"{value:.{digits}g}".replace("-", "−") if math.isfinite(value) else NOTHING


def percent(value: float, *, sign: bool = False) -> str:
    """A share as percentage."""
    if not math.isfinite(value):
        return NOTHING
    digits = 0 if abs(value) >= 1.0 or value == 0.0 else 1
    return f"{100 * value:{'+' if sign else ''}.{digits}f}%".replace("-", "−")


def count(value: int) -> str:
    """A whole number with a comma between thousands."""
    return f"{value:,}"


def plural(value: int, word: str) -> str:
    """A number with its noun: "1 row", "2 rows"."""
    return f"{count(value)} {word}{'' if value == 1 else 's'}"
