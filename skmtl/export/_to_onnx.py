"""A fitted estimator as an ONNX file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from sklearn.pipeline import Pipeline

from skmtl._optional import import_optional
from skmtl._versions import versions
from skmtl.export._check import TOL, TOL_SINGLE, check_answers, example_rows
from skmtl.export._foreign import foreign_parts
from skmtl.export._learners import unwrapped
from skmtl.export._outputs import Output
from skmtl.export._run import answers_of, inputs_of
from skmtl.export._to_torch import ExportedModule, module_of, with_dtype

DTYPES = {"float32": torch.float32, "float64": torch.float64}
BATCHES = 1, 3
"""Numbers of rows of which the answers of a graph are looked at: some sizes must not be in it."""


def to_onnx(estimator: Any, path: Any = None, *, X: Any = None, dtype: str = "float64") -> Any:
    """Make an ONNX graph that predicts as a fitted estimator, or pipeline, does.

    Scaling of features, embeddings of categories, links, class probabilities, calibration and the
    way back to the units of y are all inside, as are the steps of a Pipeline and the estimators of
    scikit-learn in those of `skmtl.compose`, which skl2onnx converts. What onnxruntime answers is
    compared with the predictions of the estimator before the graph is returned.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Fitted, one of this package at the end; of a fitted search its best.
    path : path-like, default=None
        Where to write the file, if anywhere.
    X : {array-like, DataFrame} of shape (n_samples, n_features), default=None
        Rows on which both are compared, and whose columns tell the inputs of a Pipeline that was
        fitted to a table, for which they have to be given. By default rows are drawn.
    dtype : {"float64", "float32"}, default="float64"
        What the graph reads and computes in. Single precision is smaller, and enough for networks
        and linear models.

    Returns
    -------
    model : onnx.ModelProto
        With any number of rows. Its input ``X`` is (n, n_features), with the task feature; where
        columns are text (categories, tasks, a table before a ColumnTransformer) every column is an
        input (n, 1) of its name. Its outputs are the prediction (n,) of every task, under the name
        of the task, and class probabilities and quantiles (n, k) under ``<task>_probabilities`` and
        ``<task>_quantiles``; a name that is taken gets an underscore. In long form there is one
        column, ``y``. The metadata ``outputs`` describes them in JSON, with types and classes.

    Raises
    ------
    ImportError
        If onnx, or skl2onnx where it has a part in it, is not installed;
        ``pip install "skmtl[onnx]"`` adds both and onnxruntime.
    ValueError
        If a part has no graph, or one that says something else; the message names the part, or
        the task. Tasks that `add_task` has added are in graphs of linear models, and of
        `MultiTaskMLP` in wide form; of others they are an error.

    See Also
    --------
    to_torch : The same as a torch module.
    register_converters : For `skl2onnx.to_onnx` itself.

    Notes
    -----
    The graph has operators of ONNX opset 17 and, where there is text or a part by skl2onnx, of
    ai.onnx.ml 3. NaN in X, where the estimator does not take it, gives NaN; where a task has
    classes, it is an error of the runtime, an index out of bounds. So is an unknown task, unless
    ``unknown_task="shared"``. Other checks of `predict` are not made. skl2onnx has the thresholds
    of trees in single precision.
    Without onnxruntime the graph is not run; the torch module that it is made of is compared all
    the same.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.export import to_onnx
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> y = np.column_stack([2 * X[:, 0], X[:, 0] > 2])
    >>> model = to_onnx(MultiTaskLinear(alpha=1e-6).fit(X, y))
    >>> session = onnxruntime.InferenceSession(model.SerializeToString())
    >>> [output.name for output in session.get_outputs()]
    ['0', '1', '1_probabilities']
    >>> scores, answers = session.run(["0", "1"], {"X": np.array([[4.0], [1.0]])})
    >>> scores.round(3).tolist(), answers.tolist()
    ([8.0, 2.0], [1, 0])
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype={dtype!r}; expected one of {list(DTYPES)}.")
    import_optional("onnx", "An ONNX file", "onnx")
    estimator = unwrapped(estimator)
    if isinstance(estimator, Pipeline):
        import_optional("skl2onnx", "An ONNX file", "onnx")
        from skmtl.export._pipelines import pipeline_graph

        model, outputs, final = pipeline_graph(estimator, X, dtype)
    else:
        model, module = estimator_graph(estimator, X, dtype)
        outputs, final = module.outputs, module.estimator
        X = example_rows(final) if X is None else X
    describe(model, outputs, final)
    if X is not None:
        verify(model, outputs, estimator, X, dtype)
    if path is not None:
        Path(path).write_bytes(model.SerializeToString())
    return model


def estimator_graph(estimator: Any, X: Any, dtype: str) -> tuple[Any, ExportedModule]:
    """The graph of an estimator of this package, and its module."""
    from skmtl.export._graph import graph_of

    with foreign_parts() as parts:
        module = module_of(estimator, X)
        rows = module.read(example_rows(module.estimator) if X is None else X)
        module = with_dtype(module, DTYPES[dtype])
        return graph_of(module, parts, rows.to(DTYPES[dtype])), module


def describe(model: Any, outputs: list[Output], estimator: Any) -> None:
    """Say in the file what made it, and what its outputs are."""
    from onnx import helper

    said = [
        {
            "name": output.name,
            "task": output.task,
            "kind": output.kind,
            "type": output.task_type,
            "classes": None if output.classes is None else output.classes.tolist(),
        }
        for output in outputs
    ]
    model.producer_name, model.producer_version = "skmtl", versions()["skmtl"]
    facts = {"estimator": type(estimator).__name__, "outputs": json.dumps(said, default=str)}
    helper.set_model_props(model, facts)


def verify(model: Any, outputs: list[Output], estimator: Any, X: Any, dtype: str) -> None:
    """Raise where onnxruntime does not answer as the estimator, if it is there to be asked."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return
    for n_rows in BATCHES:
        some = X[:n_rows]
        given = inputs_of(model, some)
        answers = answers_of(onnxruntime, model, given, outputs)
        check_answers(estimator, outputs, answers, some, TOL_SINGLE if dtype == "float32" else TOL)
