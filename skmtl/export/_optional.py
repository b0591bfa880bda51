"""Packages that an export needs, and what one is told where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def import_needed(name: str) -> Any:
    """A package for ONNX files."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(
            f'An ONNX file needs {name}, which is not installed: pip install "skmtl[onnx]"'
        ) from error
