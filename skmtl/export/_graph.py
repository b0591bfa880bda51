"""The ONNX graph of an exported module.

torch writes it by its tracer: 0.1 s, where ``dynamo=True`` takes 4 s (measured with torch 2.13, a
network with two hidden layers of 64 units). What that does not know, or what onnxruntime has in
single precision alone, is spelt out here.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from skmtl.export._columns import INPUT
from skmtl.export._foreign import DOMAIN, Foreign
from skmtl.export._graph_parts import ELEMENTS, OPSET, put_columns, put_parts, set_opsets
from skmtl.export._module import Module
from skmtl.export._to_torch import ExportedModule


class _Answers(Module):
    """The answers as a tuple, which the tracer wants."""

    def __init__(self, module: ExportedModule) -> None:
        super().__init__()
        self.module = module

    def forward(self, X: Tensor) -> tuple[Tensor, ...]:
        return tuple(answer + 0 for answer in self.module.answers(X))


def graph_of(module: ExportedModule, parts: list[Foreign], example: Tensor) -> onnx.ModelProto:
    """A model with the input X (n, n_features_in_) and the outputs of the module, by name.

    ``parts`` are those that skl2onnx has to write. X is an input for every column where some are
    text.
    """
    inner = [f"answer_{k}" for k in range(len(module.outputs))]
    file = io.BytesIO()
    with warnings.catch_warnings(), SpeltOut(), torch.no_grad():
        # Of sizes that are the same for every batch, and of what may be removed one day.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Answers(module).eval(),
            (example,),
            file,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            custom_opsets={DOMAIN: 1} if parts else None,
            input_names=[INPUT],
            output_names=inner,
            dynamic_axes={name: {0: "n"} for name in [INPUT, *inner]},
        )
    model = onnx.load_from_string(file.getvalue())
    _name_outputs(model.graph, module)
    put_parts(model, parts, module.columns.dtype)
    put_columns(model, module.columns)
    set_opsets(model)
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
        element: Any = ELEMENTS[module.columns.dtype]
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
    text: Any = [str(label).encode() for label in classes.tolist()]
    return helper.make_tensor(name, TensorProto.STRING, [len(text)], text)


class SpeltOut(TorchFunctionMode):
    """Functions in terms of others, for as long as a graph is written."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return SPELT_OUT.get(func, func)(*args, **(kwargs or {}))


def _unflatten(x: Tensor, dim: int, sizes: Any) -> Tensor:
    """By sizes of tensors, which stand for those of any batch; the tracer copies numbers."""
    shape = list(x.shape)
    dim %= len(shape)
    return x.reshape([*shape[:dim], *sizes, *shape[dim + 1 :]])


def _erf(x: Tensor) -> Tensor:
    return torch.erf(x.float()).to(x.dtype)


def _gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """The one of `skmtl.neural.architectures`, which is exact."""
    return 0.5 * x * (1.0 + _erf(x * 0.5**0.5))


def _softplus(x: Tensor) -> Tensor:
    return x.relu() + (1.0 + (-x.abs()).exp()).log()


def _expm1(x: Tensor) -> Tensor:
    return x.exp() - 1.0


def _layer_norm(
    x: Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """The one of `skmtl.neural.architectures`, of the last axis, without weight and bias."""
    apart = x - x.mean(-1, keepdim=True)
    return apart / ((apart * apart).mean(-1, keepdim=True) + eps).sqrt()


def _logaddexp(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x, y) + (1.0 + (-(x - y).abs()).exp()).log()


def _logsigmoid(x: Tensor) -> Tensor:
    return -_softplus(-x)


def _movedim(x: Tensor, source: int, destination: int) -> Tensor:
    """By positions that count from the front."""
    order = list(range(x.dim()))
    order.insert(destination % x.dim(), order.pop(source % x.dim()))
    return x.permute(order)


_MT: Any = torch.Tensor.mT
SPELT_OUT: dict[Any, Any] = {
    torch.Tensor.unflatten: _unflatten,
    _MT.__get__: lambda x: x.transpose(-1, -2),
    torch.Tensor.expm1: _expm1,
    torch.expm1: _expm1,
    torch.Tensor.erf: _erf,
    torch.erf: _erf,
    torch.Tensor.logaddexp: _logaddexp,
    torch.logaddexp: _logaddexp,
    torch.Tensor.movedim: _movedim,
    nn.functional.gelu: _gelu,
    nn.functional.layer_norm: _layer_norm,
    nn.functional.logsigmoid: _logsigmoid,
    nn.functional.softplus: _softplus,
}
