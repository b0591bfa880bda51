"""What needs PyTorch: imported where it is used, and what one is told where it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def torch_needed_by(name: str) -> Iterator[None]:
    """Turn an import of torch that finds none into an ImportError that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(f"{name} needs PyTorch: pip install torch") from error


def imported_on_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package whose names are imported, with torch, when they are used.

    Parameters
    ----------
    package : str
        Name of the package.
    homes : dict {name: module}
        The modules of the package in which the names are.
    """

    def __getattr__(name: str) -> Any:
        if name in homes:
            with torch_needed_by("MultiTaskMLP"):
                return getattr(import_module(f"{package}.{homes[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__
