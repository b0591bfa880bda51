"""Properties that are checked one by one, each with its name in the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def check_all(part: Any, properties: Mapping[str, Callable[..., None]], *args: Any) -> None:
    """Check every property of a part.

    Raises
    ------
    AssertionError
        That names the part and the property that it lacks.
    """
    for name, check in properties.items():
        check_one(part, name, check, *args)


def check_one(part: Any, name: str, check: Callable[..., None], *args: Any) -> None:
    """Check one property of a part; see `check_all`."""
    try:
        check(part, *args)
    except AssertionError as error:
        raise AssertionError(f"{part!r} lacks a property: {name}.\n{error}") from error
    except Exception as error:
        error.add_note(f"It was raised for {part!r} by the check: {name}.")
        raise
