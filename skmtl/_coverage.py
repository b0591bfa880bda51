"""The share of labels that intervals are to hold."""

from __future__ import annotations


def check_coverage(coverage: float) -> float:
    """The same number, between 0 and 1.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not 0.0 < coverage < 1.0:
        raise ValueError(f"coverage must be between 0 and 1, got {coverage!r}.")
    return float(coverage)
