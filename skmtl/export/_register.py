"""Converters of every estimator for skl2onnx."""

from __future__ import annotations

import skmtl
from skmtl._base import MultiTaskEstimator
from skmtl._optional import import_optional


def register_converters() -> None:
    """Let skl2onnx know every estimator of this package.

    Then ``skl2onnx.to_onnx(pipeline, X)`` converts pipelines that end in one, with the outputs that
    `to_onnx` has. What `to_onnx` compares, and writes beside the graph, is left out.

    Raises
    ------
    ImportError
        If skl2onnx is not installed; ``pip install "skmtl[onnx]"`` adds it.

    Examples
    --------
    >>> import numpy as np
    >>> import skl2onnx
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.export import register_converters
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> pipeline = make_pipeline(StandardScaler(), MultiTaskLinear()).fit(X, X[:, :2])
    >>> register_converters()
    >>> model = skl2onnx.to_onnx(pipeline, X, target_opset={"": 17, "ai.onnx.ml": 3})
    >>> len(model.graph.output)
    2
    """
    import_optional("skl2onnx", "An ONNX file", "onnx")
    from skmtl.export._pipelines import register

    for name in skmtl.__all__:
        kind = getattr(skmtl, name)
        if isinstance(kind, type) and issubclass(kind, MultiTaskEstimator):
            register(kind)
