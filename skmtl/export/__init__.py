"""Fitted estimators for other runtimes: torch modules, and ONNX files that need no Python."""

from skmtl.neural._torch import torch_needed_by

with torch_needed_by("skmtl.export"):
    from skmtl.export import _linear, _networks  # noqa: F401  (they register)
    from skmtl.export._to_torch import to_torch

__all__ = ["to_torch"]
