"""Pipelines: skl2onnx writes the steps of scikit-learn, and asks here for the estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from onnx import helper, numpy_helper
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common import data_types as kinds
from skl2onnx.operator_converters.imputer_op import convert_sklearn_imputer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from skmtl._base import MultiTaskEstimator
from skmtl.export._columns import INPUT
from skmtl.export._foreign import foreign_parts
from skmtl.export._graph import graph_of
from skmtl.export._graph_parts import ELEMENTS, OPSET, OPSET_ML
from skmtl.export._learners import unwrapped
from skmtl.export._outputs import Output, outputs_of
from skmtl.export._run import values_of
from skmtl.export._to_torch import module_of, with_dtype


def pipeline_graph(pipeline: Pipeline, X: Any, dtype: str) -> tuple[Any, list[Output], Any]:
    """The graph of a fitted pipeline, its outputs, and the estimator at its end."""
    pipeline = _plain(pipeline)
    final = pipeline[-1]
    if not isinstance(final, MultiTaskEstimator):
        raise ValueError(f"The Pipeline ends in {type(final).__name__}, which is none of skmtl.")
    register(type(final))
    types = _input_types(pipeline, X, dtype)
    try:
        model = convert_sklearn(
            pipeline,
            initial_types=types,
            target_opset={"": OPSET, "ai.onnx.ml": OPSET_ML},
            custom_conversion_functions={SimpleImputer: _impute},
        )
    except Exception as error:
        if isinstance(error, ValueError) and "cannot be exported" in str(error):
            raise
        first = (str(error).strip().splitlines() or [""])[0]
        raise ValueError(
            f"The Pipeline cannot be exported: skl2onnx says {type(error).__name__}: {first}"
        ) from error
    outputs = outputs_of(final, [name for name, _ in types])
    _rename_outputs(model.graph, outputs)
    return model, outputs, final


def _plain(pipeline: Pipeline) -> Pipeline:
    """With the steps of pipelines in it, and the best estimators of searches, as its own."""
    steps: list[tuple[str, Any]] = []
    for name, step in pipeline.steps:
        step = unwrapped(step)
        if isinstance(step, Pipeline):
            steps += [(f"{name}_{inner}", of_inner) for inner, of_inner in _plain(step).steps]
        elif step is not None and step != "passthrough":
            steps.append((name, step))
    return Pipeline(steps)


def register(kind: type[Any]) -> None:
    """Let skl2onnx know a class of estimators."""
    update_registered_converter(
        kind, f"Skmtl{kind.__name__}", _no_shapes, _convert, parser=_parse, overwrite=True
    )


def _input_types(pipeline: Pipeline, X: Any, dtype: str) -> list[tuple[str, Any]]:
    """A table has an input for each of its columns, numbers alone are one."""
    number = kinds.DoubleTensorType if dtype == "float64" else kinds.FloatTensorType
    names = getattr(X, "columns", None)
    if X is None or names is None:
        n_features = pipeline.n_features_in_ if X is None else X.shape[1]
        if X is None and hasattr(pipeline, "feature_names_in_"):
            raise ValueError(
                "The Pipeline was fitted to a table: give some of its rows as X=, so that the "
                "types of its columns are known."
            )
        return [(INPUT, number([None, n_features]))]
    # skl2onnx has no encoder of bool; as a number it is 0 or 1.
    of_kind = dict.fromkeys("iub", kinds.Int64TensorType)
    found = []
    for name in names:
        column = X[name]
        kind = (values_of(column) if hasattr(column, "iloc") else np.asarray(column)).dtype.kind
        tensor = number if kind == "f" else of_kind.get(kind, kinds.StringTensorType)
        found.append((str(name), tensor([None, 1])))
    return found


def _parse(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """The outputs of an estimator; what they are is known from the tasks."""
    from skl2onnx._supported_operators import sklearn_operator_name_map

    operator = scope.declare_local_operator(sklearn_operator_name_map[type(model)], model)
    operator.inputs = inputs
    for output in outputs_of(model, scope.onnx_variable_names):
        operator.outputs.append(scope.declare_local_variable(output.name, _type(output, inputs)))
    return operator.outputs


def _no_shapes(operator: Any) -> None:
    """Shapes are known from the parser."""


def _type(output: Output, inputs: Any) -> Any:
    number = kinds.DoubleTensorType if _is_double(inputs) else kinds.FloatTensorType
    if output.kind != "prediction":
        return number([None, None])
    if output.classes is None or output.classes.dtype.kind == "f":
        return number([None])
    if output.classes.dtype.kind in "iu":
        return kinds.Int64TensorType([None])
    is_bool = output.classes.dtype.kind == "b"
    return (kinds.BooleanTensorType if is_bool else kinds.StringTensorType)([None])


def _is_double(inputs: Any) -> bool:
    return any(isinstance(given.type, kinds.DoubleTensorType) for given in inputs)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Put the graph of an estimator behind what comes to it."""
    estimator, inputs = operator.raw_operator, operator.inputs
    dtype = torch.float64 if _is_double(inputs) else torch.float32
    with foreign_parts() as parts:
        module = module_of(estimator)
        if module.columns.text:
            raise ValueError(
                f"{type(estimator).__name__} at the end of a Pipeline reads text, which cannot be "
                "exported: encode columns of text before it."
            )
        module = with_dtype(module, dtype)
        rows = torch.zeros(3, module.columns.n_columns, dtype=dtype)
        for j in module.columns.coded:
            rows[:, j] = getattr(module.columns, f"values_{j}")[0]
        graph = graph_of(module, parts, rows).graph
    prefix = scope.get_unique_variable_name("skmtl")
    given = []
    for k, variable in enumerate(inputs):
        given.append(f"{prefix}/input_{k}")
        _add(
            container,
            helper.make_node("Cast", [variable.full_name], given[-1:], to=ELEMENTS[dtype]),
        )
    _add(container, helper.make_node("Concat", given, [f"{prefix}/{INPUT}"], axis=1))
    for tensor in graph.initializer:
        tensor.name = f"{prefix}/{tensor.name}"
        container.initializers.append(tensor)
    names = {
        output.name: v.full_name for output, v in zip(module.outputs, operator.outputs, strict=True)
    }
    for node in graph.node:
        node.name = f"{prefix}/{node.name}" if node.name else ""
        for part in (node.input, node.output):
            part[:] = [names.get(name, f"{prefix}/{name}") if name else name for name in part]
        _add(container, node)


def _impute(scope: Any, operator: Any, container: Any) -> None:
    """Numbers that are missing; runtimes have the Imputer of ONNX in single precision alone."""
    imputer, inputs = operator.raw_operator, operator.inputs
    is_number = all(isinstance(v.type, kinds.DoubleTensorType) for v in inputs)
    fills = np.asarray(imputer.statistics_)
    if not is_number or fills.dtype.kind != "f" or np.isnan(fills).any() or imputer.add_indicator:
        convert_sklearn_imputer(scope, operator, container)
        return
    prefix = scope.get_unique_variable_name("impute")
    names = [variable.full_name for variable in inputs]
    container.initializers.append(numpy_helper.from_array(fills, f"{prefix}/fills"))
    whole, missing, output = f"{prefix}/whole", f"{prefix}/missing", operator.outputs[0].full_name
    _add(container, helper.make_node("Concat", names, [whole], axis=1))
    _add(container, helper.make_node("IsNaN", [whole], [missing]))
    _add(container, helper.make_node("Where", [missing, f"{prefix}/fills", whole], [output]))


def _add(container: Any, node: Any) -> None:
    container.nodes.append(node)
    version = OPSET_ML if node.domain == "ai.onnx.ml" else OPSET
    container.node_domain_version_pair_sets.add((node.domain, version))


def _rename_outputs(graph: Any, outputs: list[Output]) -> None:
    """Give outputs their names, which nothing else has then."""
    known = [value.name for value in graph.output]
    wanted = dict(zip(known, [output.name for output in outputs], strict=True))
    others = {name: f"{name}/inside" for name in wanted.values() if name not in known}
    renamed = {**others, **wanted}
    for node in graph.node:
        for part in (node.input, node.output):
            part[:] = [renamed.get(name, name) for name in part]
    for tensor in graph.initializer:
        tensor.name = renamed.get(tensor.name, tensor.name)
    for value in graph.output:
        value.name = wanted[value.name]
