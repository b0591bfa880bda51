"""Save and load fitted estimators as arrays and a plain description: no code is executed."""

from typing import Any

from skmtl.persistence._file import load, save

__all__ = ["TRUSTED_TYPES", "load", "save"]


def __getattr__(name: str) -> Any:
    # On use: it imports every room.
    if name == "TRUSTED_TYPES":
        from skmtl.persistence._known import trusted_types

        return trusted_types()
    raise AttributeError(f"module 'skmtl.persistence' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
