"""What knows the labels of every task and nothing of X: the least that a model is to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._base import MultiTaskEstimator
from skmtl.compose._task_labels import split
from skmtl.tasks import _constraints as constraints
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class BestConstants(MultiTaskEstimator):
    """Predicts the best constant of each task, in long form of that of the row."""

    _parameter_constraints = {**constraints.TASKS}

    def __init__(
        self, tasks: Any = "auto", *, task_feature: Any = None, unknown_task: str = "error"
    ) -> None:
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task

    def _fit(self, X: Any, targets: Targets) -> None:
        self._constants = [
            np.asarray(of_task.task.prior(of_task.values, of_task.weights))
            if len(of_task.rows)
            else of_task.task.expected_without_labels(1)[0]
            for of_task in split(targets)
        ]

    def _expected(self, X: Any, task_index: Any) -> list[Array]:
        if task_index is not None:
            return [np.array(self._constants)[task_index]]
        return [np.repeat(constant[None], X.shape[0], axis=0) for constant in self._constants]
