"""What onnxruntime answers, to be compared with what the estimator says."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.export._columns import INPUT
from skmtl.export._outputs import Output
from skmtl.tasks._base import Array


def inputs_of(model: Any, X: Any) -> dict[str, Array]:
    """X, or each of its columns (n, 1), as the inputs of a model want them."""
    from onnx import TensorProto, helper

    inputs = list(model.graph.input)
    X = X.toarray() if hasattr(X, "toarray") else X
    if hasattr(X, "iloc"):
        X = np.column_stack([values_of(X.iloc[:, j]).astype(object) for j in range(X.shape[1])])
    if [value.name for value in inputs] == [INPUT]:
        columns = [X]
    else:
        columns = [np.asarray(X)[:, [j]] for j in range(len(inputs))]
    found = {}
    for value, column in zip(inputs, columns, strict=True):
        element = value.type.tensor_type.elem_type
        if element == TensorProto.STRING:
            text = np.array([["" if v != v else str(v) for v in row] for row in column.tolist()])
            found[value.name] = text.astype(object)
        else:
            found[value.name] = np.asarray(column, helper.tensor_dtype_to_np_dtype(element))
    return found


def values_of(column: Any) -> Array:
    """A column of a pandas table, with NaN for what is missing in its own dtypes of numbers."""
    dtype = column.dtype
    if not isinstance(dtype, np.dtype) and getattr(dtype, "kind", "O") in "biuf":
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(column)


def answers_of(
    runtime: Any, model: Any, given: dict[str, Array], outputs: list[Output]
) -> list[Array]:
    """Answers in the order of the outputs, classes by position."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        if "NOT_IMPLEMENTED" not in str(error):
            raise
        raise ValueError(
            "onnxruntime has a part of this graph in single precision alone; set dtype='float32'. "
            f"It says: {error}"
        ) from error
    answers: list[Array] = session.run([output.name for output in outputs], given)
    found = []
    for output, answer in zip(outputs, answers, strict=True):
        if output.kind == "prediction" and output.classes is not None:
            is_text = answer.dtype.kind in "OU"
            labels = output.classes.tolist()
            at = {str(label) if is_text else label: k for k, label in enumerate(labels)}
            answer = np.array([at[label] for label in answer.tolist()], dtype=np.intp)
        found.append(answer)
    return found
