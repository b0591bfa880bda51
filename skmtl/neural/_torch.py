"""What one is told where PyTorch is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def torch_needed_by(name: str) -> Iterator[None]:
    """Turn an import of torch that finds none into an ImportError that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(f"{name} needs PyTorch: pip install torch") from error
