"""Checks that your own part keeps what skmtl relies on: run them in a test."""

from __future__ import annotations

from skmtl._lazy import on_use

_HOMES = {
    "check_architecture": "skmtl.testing._architecture",
    "check_balancing": "skmtl.testing._balancing",
    "check_penalty": "skmtl.testing._penalty",
    "check_solver": "skmtl.testing._solver",
    "check_task": "skmtl.testing._task",
}
__all__ = sorted(_HOMES)


# On first use: two of them need torch.
__getattr__ = on_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
