"""Parts of a graph that skl2onnx writes, and what reads columns of text, put into it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

from skmtl._optional import import_optional
from skmtl.export._columns import INPUT, Columns
from skmtl.export._foreign import OPERATOR, Foreign

OPSET, OPSET_ML = 17, 3
"""Versions of the operators: those that runtimes of 2022 know already."""
ELEMENTS = {torch.float32: TensorProto.FLOAT, torch.float64: TensorProto.DOUBLE}


def put_parts(model: Any, parts: list[Foreign], dtype: torch.dtype) -> None:
    """Put the graph of every part in the place of its node."""
    graph, nodes = model.graph, []
    for node in graph.node:
        if node.op_type != OPERATOR:
            nodes.append(node)
            continue
        part = parts[node.attribute[0].i]
        other = graph_of_part(part, dtype)
        nodes += inlined(other, node, part, dtype)
        prefix = f"{node.output[0]}/"
        for tensor in other.graph.initializer:
            tensor.name = prefix + tensor.name
            graph.initializer.append(tensor)
    del graph.node[:]
    graph.node.extend(nodes)


def graph_of_part(part: Foreign, dtype: torch.dtype) -> Any:
    """What skl2onnx makes of it.

    Raises
    ------
    ValueError
        If it does not know the estimator.
    """
    skl2onnx = import_optional("skl2onnx", "An ONNX file", "onnx")
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = DoubleTensorType if dtype == torch.float64 else FloatTensorType
    estimator = part.estimator
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "classes_") else None
    try:
        return skl2onnx.convert_sklearn(
            estimator,
            initial_types=[(INPUT, kind([None, estimator.n_features_in_]))],
            options=options,
            target_opset={"": OPSET, "ai.onnx.ml": OPSET_ML},
        )
    except Exception as error:
        raise ValueError(
            f"{type(estimator).__name__} cannot be exported: skl2onnx says "
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        ) from error


def inlined(model: Any, node: Any, part: Foreign, dtype: torch.dtype) -> list[Any]:
    """The nodes of a model with names of their own, from the input of a node to its output."""
    prefix, graph = f"{node.output[0]}/", model.graph
    outputs = [output.name for output in graph.output]
    answer = prefix + outputs[1 if part.kind == "probabilities" else 0]

    def renamed(name: str) -> str:
        return node.input[0] if name == graph.input[0].name else prefix + name if name else name

    found = []
    for inner in graph.node:
        inner.name = prefix + inner.name if inner.name else ""
        inner.input[:] = [renamed(name) for name in inner.input]
        inner.output[:] = [renamed(name) for name in inner.output]
        found.append(inner)
    if part.kind == "labels":
        return [*found, *_codes(part.estimator.classes_, answer, node.output[0])]
    same = f"{prefix}cast"
    found.append(helper.make_node("Cast", [answer], [same], to=ELEMENTS[dtype]))
    width = [-1, part.n_columns] if part.n_columns else [-1]
    shape = helper.make_node(
        "Constant",
        [],
        [f"{prefix}shape"],
        value=helper.make_tensor(f"{prefix}shape", TensorProto.INT64, [len(width)], width),
    )
    return [*found, shape, helper.make_node("Reshape", [same, shape.output[0]], [node.output[0]])]


def _codes(classes: Any, labels: str, output: str) -> list[Any]:
    """Positions of labels among the classes."""
    known = np.asarray(classes).tolist()
    codes = [float(code) for code in range(len(known))]
    attributes: dict[str, Any] = {"values_floats": codes, "default_float": -1.0}
    if np.asarray(classes).dtype.kind in "biuf":
        attributes["keys_int64s"] = [int(label) for label in known]
        cast = helper.make_node("Cast", [labels], [f"{output}/labels"], to=TensorProto.INT64)
    else:
        attributes["keys_strings"] = [str(label) for label in known]
        cast = helper.make_node("Identity", [labels], [f"{output}/labels"])
    encode = helper.make_node(
        "LabelEncoder",
        [f"{output}/labels"],
        [f"{output}/codes"],
        domain="ai.onnx.ml",
        **attributes,
    )
    whole_codes = helper.make_node("Cast", [f"{output}/codes"], [output], to=TensorProto.INT64)
    return [cast, encode, whole_codes]


def put_columns(model: Any, columns: Columns) -> None:
    """An input (n, 1) for every column, where some are text: X is made of them."""
    if not columns.text:
        return
    graph, element = model.graph, ELEMENTS[columns.dtype]
    (given,) = (value for value in graph.input if value.name == INPUT)
    graph.input.remove(given)
    nodes, numbers = [], []
    for j, name in enumerate(columns.input_names):
        kind = TensorProto.STRING if j in columns.text else element
        graph.input.append(helper.make_tensor_value_info(name, kind, ["n", 1]))
        if j not in columns.text:
            numbers.append(name)
            continue
        values = columns.text[j]
        encode = helper.make_node(
            "LabelEncoder",
            [name],
            [f"columns/{j}/codes"],
            domain="ai.onnx.ml",
            keys_strings=[str(value) for value in values],
            values_floats=[float(code) for code in range(len(values))],
            default_float=-1.0,
        )
        cast = helper.make_node("Cast", [f"columns/{j}/codes"], [f"columns/{j}"], to=element)
        nodes += [encode, cast]
        numbers.append(f"columns/{j}")
    # A column may be called X.
    whole = "columns/all"
    nodes.append(helper.make_node("Concat", numbers, [whole], axis=1))
    rest = list(graph.node)
    for node in rest:
        node.input[:] = [whole if name == INPUT else name for name in node.input]
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


def set_opsets(model: Any) -> None:
    """The operators that are left: those of ONNX, and those of its classical models."""
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET))
    if any(node.domain == "ai.onnx.ml" for node in model.graph.node):
        model.opset_import.append(helper.make_opsetid("ai.onnx.ml", OPSET_ML))
    onnx.checker.check_model(model)
