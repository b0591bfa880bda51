r"""Linear models: :math:`f_t(x) = w_t' x + b_t`, in long form with the coefficients of the row."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from skmtl.export._predictor import WITH_ADDED_TASKS, Linked, buffer, make_predictor, row_of
from skmtl.linear.estimators._lasso_model import LassoModel
from skmtl.linear.estimators._linear_model import LinearPredictor


class Linear(Linked):
    """``coef`` (n_outputs, n_features) and ``intercept`` (n_outputs,).

    In long form (n_tasks + 1, n_classes, n_features) and (n_tasks + 1, n_classes), the last of
    unknown tasks.
    """

    def __init__(self, tasks: Any, coef: Any, intercept: Any) -> None:
        super().__init__(tasks)
        self.register_buffer("coef", buffer(np.asarray(coef, dtype=np.float64)))
        self.register_buffer("intercept", buffer(np.asarray(intercept, dtype=np.float64)))

    def raw(self, X: Tensor, index: Tensor | None) -> Tensor:
        if index is None:
            return X @ self.coef.transpose(0, 1) + self.intercept
        row = row_of(index, self.tasks.n_tasks)
        return (self.coef[row] * X[:, None, :]).sum(-1) + self.intercept[row]


@make_predictor.register
def _(estimator: LinearPredictor) -> Linear:
    tasks, coef, intercept = estimator._task_set, estimator.coef_, estimator.intercept_
    if not tasks.is_long:
        return Linear(tasks, coef, intercept)
    shared = np.atleast_2d(np.asarray(estimator.shared_coef_))
    coef = coef.reshape(tasks.n_tasks, *shared.shape)
    intercept = intercept.reshape(tasks.n_tasks, len(shared))
    last = np.reshape(estimator._shared_intercept, (1, len(shared)))
    return Linear(tasks, np.concatenate([coef, shared[None]]), np.concatenate([intercept, last]))


@make_predictor.register
def _(estimator: LassoModel) -> Linear:
    tasks = estimator._task_set
    intercept = np.broadcast_to(estimator.intercept_, (tasks.n_outputs,))
    return Linear(tasks, estimator.coef_, intercept)


# A task that was added has a row of ``coef_`` like the others.
WITH_ADDED_TASKS += [LinearPredictor, LassoModel]
