"""Fitted estimators for other runtimes: torch modules, and ONNX graphs that need no Python."""

from typing import Any

from skmtl._lazy import on_use
from skmtl.neural._torch import torch_needed_by

__all__ = ["register_converters", "to_onnx", "to_torch"]
_HOMES = {
    "register_converters": "skmtl.export._register",
    "to_onnx": "skmtl.export._to_onnx",
    "to_torch": "skmtl.export._to_torch",
}
_found = on_use(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    # They need torch.
    with torch_needed_by(f"skmtl.export.{name}"):
        return _found(name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
