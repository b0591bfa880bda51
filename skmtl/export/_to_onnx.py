"""A fitted estimator as an ONNX file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from sklearn.utils.validation import check_is_fitted

import skmtl
from skmtl._base import MultiTaskEstimator
from skmtl._innermost import final_estimator
from skmtl.export._check import check_answers, example_rows
from skmtl.export._graph import ELEMENTS, INPUT, OPSET_ML, graph_of
from skmtl.export._to_torch import ExportedModule, to_torch, with_dtype

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def to_onnx(
    estimator: Any, path: Any = None, *, X: Any = None, dtype: str = "float64"
) -> onnx.ModelProto:
    """doc"""
    module = to_torch(estimator, X=X)
    X = example_rows(module.estimator) if X is None else X
    module = with_dtype(module, DTYPES[dtype])
    model = graph_of(module, module.read(X))
    describe(model, module)
    onnx.checker.check_model(model)
    if path is not None:
        Path(path).write_bytes(model.SerializeToString())
    return model


def describe(model: Any, module: Any) -> None:
    """Say in the file what made it, and what its outputs are."""
    outputs = [
        {
            "name": output.name,
            "task": str(output.task),
            "kind": output.kind,
            "type": output.task_type,
            "classes": None if output.classes is None else output.classes.tolist(),
        }
        for output in module.outputs
    ]
    model.producer_name, model.producer_version = "skmtl", skmtl.__version__
    facts = {
        "estimator": type(module.estimator).__name__,
        "outputs": json.dumps(outputs, default=str),
    }
    helper.set_model_props(model, facts)
