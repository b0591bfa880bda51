"""What needs PyTorch: imported where it is used, and what one is told where it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from skmtl._lazy import on_use


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
    found = on_use(package, {name: f"{package}.{module}" for name, module in homes.items()})

    def __getattr__(name: str) -> Any:
        with torch_needed_by("MultiTaskMLP"):
            return found(name)

    return __getattr__
