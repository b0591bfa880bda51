"""Checks that your own part keeps what skmtl relies on: run them in a test."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "check_architecture": "skmtl.testing._architecture",
    "check_balancing": "skmtl.testing._balancing",
    "check_penalty": "skmtl.testing._penalty",
    "check_solver": "skmtl.testing._solver",
    "check_task": "skmtl.testing._task",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # On first use: two of them need torch.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'skmtl.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
