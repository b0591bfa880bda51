"""Fitted estimators for other runtimes: torch modules, and ONNX files that need no Python."""

from skmtl.neural._torch import torch_needed_by

with torch_needed_by("skmtl.export"):
    from skmtl.export import (  # noqa: F401  (they register what they know)
        _compose,
        _gaussian,
        _kernels,
        _linear,
        _nesting,
        _networks,
        _uncertainty,
    )
    from skmtl.export._to_onnx import to_onnx
    from skmtl.export._to_torch import to_torch

__all__ = ["to_onnx", "to_torch"]
