"""Packages that only some of skmtl needs, and what one is told where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def import_optional(name: str, needed_by: str, extra: str) -> Any:
    """Return the module ``name``; without it, an ImportError names the extra to install."""
    package = name.partition(".")[0]
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        # What a package that is there lacks is for itself to say.
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ImportError(
            f'{needed_by} needs {package}, which is not installed: pip install "skmtl[{extra}]"'
        ) from error
