"""Estimators of scikit-learn that torch knows nothing of: skl2onnx writes their part of a graph.

Where the module runs in torch, scikit-learn itself answers; where it is traced for ONNX, a node
stands for it, which is replaced by the graph that skl2onnx makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skmtl.export._module import Learner, Module

DOMAIN, OPERATOR = "skmtl", "Foreign"
PARTS: ContextVar[list[Any] | None] = ContextVar("PARTS", default=None)
"""Those that a graph is being written with; None where there has to be one without."""


@contextmanager
def foreign_parts() -> Iterator[list[Any]]:
    """Allow parts that only ONNX knows, and have them in a list."""
    parts: list[Any] = []
    token = PARTS.set(parts)
    try:
        yield parts
    finally:
        PARTS.reset(token)


class _Call(torch.autograd.Function):
    """What scikit-learn says of rows; a node of its own for the tracer."""

    @staticmethod
    def forward(ctx: Any, X: Tensor, part: Foreign) -> Tensor:
        return part.ask(X)

    @staticmethod
    def symbolic(g: Any, X: Any, part: Foreign) -> Any:
        node = g.op(f"{DOMAIN}::{OPERATOR}", X, part_i=part.number)
        sizes = [None] if part.kind in ("numbers", "labels") else [None, part.n_columns]
        kind = X.type().with_sizes(sizes)
        return node.setType(kind.with_dtype(torch.int64) if part.kind == "labels" else kind)


class Foreign(Module):
    """One answer of a fitted estimator or transformer of scikit-learn."""

    def __init__(self, estimator: Any, kind: str) -> None:
        super().__init__()
        parts = PARTS.get()
        if parts is None:
            raise ValueError(
                f"{type(estimator).__name__} cannot be a torch module; to_onnx takes whatever "
                "skl2onnx converts."
            )
        self.estimator, self.kind, self.number = estimator, kind, len(parts)
        self.n_columns = 0
        parts.append(self)
        if kind == "probabilities":
            self.n_columns = len(estimator.classes_)
        if kind == "columns":
            zeros = np.zeros((1, estimator.n_features_in_))
            self.n_columns = np.asarray(estimator.transform(zeros)).shape[1]

    def ask(self, X: Tensor) -> Tensor:
        """The answer, by scikit-learn."""
        rows = X.detach().cpu().numpy()
        names = getattr(self.estimator, "feature_names_in_", None)
        if names is not None:
            import pandas as pd

            rows = pd.DataFrame(rows, columns=names)
        if self.kind == "labels":
            at = {label: k for k, label in enumerate(self.estimator.classes_.tolist())}
            found = self.estimator.predict(rows)
            return torch.tensor([at[label] for label in found.tolist()], dtype=torch.long)
        method = {"numbers": "predict", "probabilities": "predict_proba", "columns": "transform"}
        answer = getattr(self.estimator, method[self.kind])(rows)
        answer = answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)
        if self.kind == "numbers":
            answer = answer.ravel()
        return torch.from_numpy(answer.astype(np.float64)).to(X.dtype)

    def forward(self, X: Tensor) -> Tensor:
        found: Tensor = _Call.apply(X, self)
        return found


class ForeignLearner(Learner):
    """A fitted estimator of one task."""

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        classes = getattr(estimator, "classes_", None)
        self.classes = None if classes is None else np.asarray(classes).tolist()
        self.has_probabilities = hasattr(estimator, "predict_proba")
        kind = "numbers" if self.classes is None else "labels"
        self.predicted = Foreign(estimator, kind)
        self.probable = Foreign(estimator, "probabilities") if self.has_probabilities else None

    def expected(self, X: Tensor) -> Tensor:
        """Values, or probabilities; 1 for the class of an estimator that has none."""
        if self.probable is not None:
            found: Tensor = self.probable(X)
            return found
        predicted: Tensor = self.predicted(X)
        if self.classes is None:
            return predicted
        places = torch.arange(len(self.classes), device=X.device)
        return (predicted[:, None] == places).to(X.dtype)

    def decisions(self, X: Tensor) -> Tensor:
        """Positions of predicted classes."""
        found: Tensor = self.predicted(X)
        return found
