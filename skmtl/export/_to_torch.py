"""A fitted estimator as a torch module."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skmtl._base import MultiTaskEstimator
from skmtl.export import (  # noqa: F401  (they register the estimators that they know)
    _compose,
    _gaussian,
    _kernels,
    _linear,
    _nesting,
    _networks,
    _uncertainty,
)
from skmtl.export._check import check_answers, example_rows
from skmtl.export._columns import Columns
from skmtl.export._learners import unwrapped
from skmtl.export._module import Module
from skmtl.export._outputs import Output, outputs_of
from skmtl.export._predictor import Array, predictor_of


class ExportedModule(Module):
    """What `to_torch` returns: a fitted estimator as a module without parameters to train.

    Attributes
    ----------
    outputs : list of Output
        What it returns of every task, with name, kind and classes.
    columns : Columns
        What it reads of every column of X.
    """

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.estimator = estimator
        self.predictor = predictor_of(estimator)
        self.refuses_unknown = estimator.unknown_task == "error"
        self.takes_nan = bool(getattr(estimator, "_allows_nan", False))
        self.n_tasks = estimator._task_set.n_tasks
        self.columns = Columns(estimator)
        self.outputs: list[Output] = outputs_of(estimator, self.columns.input_names)
        self.double()
        self.requires_grad_(False)

    def read(self, X: Any) -> Tensor:
        """The tensor (n, n_features_in_) that stands for rows as `predict` takes them.

        Numbers stay. Of text it has the position among the categories, or the tasks, that `fit`
        has seen; -1 where that is unknown.
        """
        # A copy: columns of a table may be read-only, of which torch warns.
        return torch.tensor(self.columns.read(X), dtype=self.columns.dtype)

    def answers(self, X: Tensor) -> list[Tensor]:
        """The outputs, in their order."""
        X, index = self.columns(X)
        if index is not None and self.refuses_unknown:
            # It has no place in any table.
            index = index.where(index >= 0, self.n_tasks + 1)
        expected = self.predictor.expected(X, index)
        decided = self.predictor.decisions(X, index, expected)
        for k, (decision, of_task) in enumerate(zip(decided, expected, strict=True)):
            if self.predictor.tasks.tasks[k].is_classification and not self.takes_nan:
                # Where probabilities are NaN there is no class: a position that none has.
                decided[k] = decision.where(~of_task.sum(-1).isnan(), of_task.shape[1])
        return [
            (decided if output.kind == "prediction" else expected)[output.column]
            for output in self.outputs
        ]

    def forward(self, X: Tensor) -> dict[str, Tensor]:
        """Predictions, class probabilities and quantiles of all tasks, by names of outputs."""
        names = [output.name for output in self.outputs]
        return dict(zip(names, self.answers(X), strict=True))


def to_torch(estimator: Any, *, X: Any = None, dtype: torch.dtype | None = None) -> ExportedModule:
    """Make a torch module that predicts as a fitted estimator does.

    Scaling of features, embeddings of categories, links, class probabilities, calibration and the
    way back to the units of y are all inside. Its answers are compared with those of the estimator
    before it is returned.

    Parameters
    ----------
    estimator : estimator
        Fitted, one of this package; of a fitted search its best.
    X : {array-like, DataFrame} of shape (n_samples, n_features), default=None
        Rows on which both are compared. By default some are drawn, which cannot be done for an
        estimator made of others that read more than numbers.
    dtype : torch.dtype, default=None
        What the module computes in, ``torch.float64`` by default, or ``torch.float32``.

    Returns
    -------
    module : nn.Module
        Maps a tensor (n, n_features) to a dict of tensors: for every task its prediction (n,)
        under the name of the task, a class as its position among the classes, and class
        probabilities (n, n_classes) under ``<task>_probabilities``, quantiles under
        ``<task>_quantiles``. In long form there is one column, ``y``. ``module.outputs`` describes
        them. X has the columns that `fit` has seen, with the task feature; where categories or
        tasks are text, their positions, which ``module.read(X)`` puts there.

    Raises
    ------
    ValueError
        If a part of the estimator has no graph, or one that says something else; the message names
        the part, or the task.

    Notes
    -----
    ``torch.export.export(module, (X,), dynamic_shapes={"X": {0: torch.export.Dim("n", max=2**31)}},
    strict=False)`` makes a program of it that needs neither skmtl nor scikit-learn; newer versions
    of torch than 2.6 do so without ``max`` and ``strict``. What is checked in `predict` is not
    checked here: NaN in X, where the estimator does not take it, gives NaN, and in place of the
    position of a class the number of classes. An unknown task raises ``IndexError`` unless
    ``unknown_task="shared"``.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.export import to_torch
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> y = np.column_stack([2 * X[:, 0], X[:, 0] > 2])
    >>> module = to_torch(MultiTaskLinear(alpha=1e-6).fit(X, y))
    >>> answers = module(torch.tensor([[4.0]], dtype=torch.float64))
    >>> {name: answer.round().tolist() for name, answer in answers.items()}
    {'0': [8.0], '1': [1], '1_probabilities': [[0.0, 1.0]]}
    """
    module = module_of(unwrapped(estimator), X)
    return module if dtype is None else with_dtype(module, dtype)


def module_of(estimator: Any, X: Any = None) -> ExportedModule:
    """The module in double precision, compared with the estimator."""
    if not isinstance(estimator, MultiTaskEstimator):
        raise ValueError(
            f"{type(estimator).__name__} is no estimator of skmtl, which alone can be exported; "
            "to_onnx takes a Pipeline that ends in one as well."
        )
    check_is_fitted(estimator)
    module = ExportedModule(estimator).eval()
    verify(module, X)
    return module


def with_dtype(module: ExportedModule, dtype: torch.dtype) -> ExportedModule:
    """The module in another dtype, in which categories and tasks have to be told apart."""
    module = module.to(dtype)
    module.columns.check_apart()
    return module


def verify(module: ExportedModule, X: Any = None) -> None:
    """Raise where the module does not say what its estimator says."""
    X = example_rows(module.estimator) if X is None else X
    with torch.no_grad():
        answers: list[Array] = [found.numpy() for found in module.answers(module.read(X))]
    check_answers(module.estimator, module.outputs, answers, X)
