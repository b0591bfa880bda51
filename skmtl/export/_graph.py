"""The ONNX graph of an exported module.

torch writes it by its tracer: 0.1 s, where ``dynamo=True`` takes 4 s (measured with torch 2.13, a
network with two hidden layers of 64 units). What that does not know, or what onnxruntime has in
single precision alone, is spelt out here.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from skmtl.export._to_torch import ExportedModule

OPSET, OPSET_ML = 17, 3
"""Versions of the operators: those that runtimes of 2022 know already."""
ELEMENTS = {torch.float32: TensorProto.FLOAT, torch.float64: TensorProto.DOUBLE}
INPUT = "X"


class _Answers(nn.Module):
    """The answers as a tuple, which the tracer wants."""

    def __init__(self, module: ExportedModule) -> None:
        super().__init__()
        self.module = module

    def forward(self, X: Tensor) -> tuple[Tensor, ...]:
        return tuple(answer + 0 for answer in self.module.answers(X))


def graph_of(module: ExportedModule, example: Tensor) -> onnx.ModelProto:
    """A model with the input X (n, n_features_in_) and the outputs of the module, by name."""
    inner = [f"answer_{k}" for k in range(len(module.outputs))]
    file = io.BytesIO()
    with warnings.catch_warnings(), spelt_out(), torch.no_grad():
        # Of sizes that are the same for every batch, and of what may be removed one day.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Answers(module).eval(),
            (example,),
            file,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=inner,
            dynamic_axes={name: {0: "n"} for name in [INPUT, *inner]},
        )
    model = onnx.load_from_string(file.getvalue())
    _name_outputs(model.graph, module)
    return model


def _name_outputs(graph: Any, module: ExportedModule) -> None:
    """Give outputs their names, and classes in place of their positions."""
    del graph.output[:]
    inside = {INPUT, *(name for node in graph.node for name in node.output)}
    inside |= {tensor.name for tensor in graph.initializer}
    _rename_inside(graph, inside & {output.name for output in module.outputs})
    for k, output in enumerate(module.outputs):
        name = f"answer_{k}"
        shape: list[Any] = ["n"]
        if output.kind != "prediction":
            task = module.estimator._task_set.tasks[output.column]
            shape.append(task.expected_shape[0])
        element = ELEMENTS[module.columns.dtype]
        if output.kind == "prediction" and output.classes is not None:
            classes = class_tensor(output.classes, f"classes_{k}")
            graph.initializer.append(classes)
            node = helper.make_node("Gather", [classes.name, name], [output.name], axis=0)
            element = classes.data_type
        else:
            node = helper.make_node("Identity", [name], [output.name])
        graph.node.append(node)
        graph.output.append(helper.make_tensor_value_info(output.name, element, shape))


def _rename_inside(graph: Any, names: set[str]) -> None:
    """Free names that outputs are going to have."""
    for node in graph.node:
        for part in (node.input, node.output):
            for k, name in enumerate(part):
                if name in names and name != INPUT:
                    part[k] = f"{name}/inside"
    for tensor in graph.initializer:
        if tensor.name in names:
            tensor.name += "/inside"


def class_tensor(classes: Any, name: str) -> TensorProto:
    """Class labels as ONNX has them: whole numbers, numbers, yes and no, or else text."""
    if classes.dtype.kind in "iu":
        return numpy_helper.from_array(classes.astype(np.int64), name)
    if classes.dtype.kind in "fb":
        return numpy_helper.from_array(classes, name)
    text = [str(label).encode() for label in classes.tolist()]
    return helper.make_tensor(name, TensorProto.STRING, [len(text)], text)


@contextmanager
def spelt_out() -> Iterator[None]:
    """Operators in terms of others, for as long as a graph is written."""
    from torch.onnx import register_custom_op_symbolic, unregister_custom_op_symbolic

    for name, symbolic in SYMBOLIC.items():
        register_custom_op_symbolic(name, symbolic, OPSET)
    try:
        yield
    finally:
        for name in SYMBOLIC:
            unregister_custom_op_symbolic(name, OPSET)


def _number(g: Any, value: float, like: Any) -> Any:
    return g.op("CastLike", g.op("Constant", value_t=torch.tensor(value)), like)


def _transposed(g: Any, x: Any) -> Any:
    order = list(range(x.type().dim()))
    order[-2:] = order[-1], order[-2]
    return g.op("Transpose", x, perm_i=order)


def _expm1(g: Any, x: Any) -> Any:
    return g.op("Sub", g.op("Exp", x), _number(g, 1.0, x))


def _erf(g: Any, x: Any) -> Any:
    single = g.op("Cast", x, to_i=TensorProto.FLOAT)
    return g.op("CastLike", g.op("Erf", single), x)


def _gelu(g: Any, x: Any, approximate: Any = None) -> Any:
    inner = _erf(g, g.op("Mul", x, _number(g, 0.5**0.5, x)))
    half = g.op("Mul", x, _number(g, 0.5, x))
    return g.op("Mul", half, g.op("Add", inner, _number(g, 1.0, x)))


def _softplus(g: Any, x: Any, beta: Any = None, threshold: Any = None) -> Any:
    odds = g.op("Exp", g.op("Neg", g.op("Abs", x)))
    tail = g.op("Log", g.op("Add", odds, _number(g, 1.0, x)))
    return g.op("Add", g.op("Relu", x), tail)


SYMBOLIC = {
    "aten::mT": _transposed,
    "aten::expm1": _expm1,
    "aten::erf": _erf,
    "aten::gelu": _gelu,
    "aten::softplus": _softplus,
}
