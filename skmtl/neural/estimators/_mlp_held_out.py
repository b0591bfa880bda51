"""What candidates predict of rows that they have not seen, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._blending import before_a_constant, blend_weights
from skmtl._cross_fitting import blend_left_out, parts_of
from skmtl.model_selection._folds import Folds
from skmtl.tasks._targets import LabelColumn, Targets
from skmtl.tasks._task_set import TaskSet

if TYPE_CHECKING:
    from skmtl.neural.training._stack import Stack

Array = NDArray[Any]


class HeldOutPredictions:
    """Predictions of held-out rows by every candidate and, as the last, by a constant.

    The constant of a task is what its training labels make the best of: where networks find
    nothing, predictions shrink to it.

    Parameters
    ----------
    targets : Targets
        Labels of all rows.
    folds : list of (ndarray, ndarray)
        Training rows and rows held out.
    raw : sequence of ndarray of shape (n, n_outputs)
        Raw scores by each candidate; NaN for rows that are never held out.
    left_out : sequence of ndarray of shape (n, n_outputs)
        The same, by snapshots that other parts of the rows choose.
    is_sound : ndarray of bool, shape (n_candidates,)
        Candidates that may have a weight.
    task_sets : sequence of TaskSet
        What the raw scores of each candidate mean.

    Attributes
    ----------
    expected, left_out : list of list of ndarray
        For each candidate, and the constant, an array for each column of y.
    constants : list of ndarray
        Best constant prediction of each column, from all rows; what is said without labels.
    judged : ndarray of int
        The rows that are held out.
    """

    def __init__(
        self,
        targets: Targets,
        folds: Folds,
        raw: Sequence[Array],
        left_out: Sequence[Array],
        is_sound: Array,
        task_sets: Sequence[TaskSet],
    ) -> None:
        self.targets, self.folds, self.is_sound = targets, folds, is_sound
        n_rows = len(targets.values)
        self.judged = np.unique(np.concatenate([test for _, test in folds]))
        every = np.arange(n_rows)
        self.constants = [
            _constant(c, every) if np.any(c[2] > 0) else c[0].expected_without_labels(1)[0]
            for c in targets.columns()
        ]
        by_constant = []
        for column, constant in zip(targets.columns(), self.constants, strict=True):
            of_column = np.full((n_rows, *constant.shape), np.nan)
            for train, test in folds:
                of_column[test] = _constant(column, train)
            by_constant.append(of_column)
        self.expected, self.left_out = (
            [
                *(
                    tasks.inverse_link(one, targets.task_index)
                    for tasks, one in zip(task_sets, found, strict=True)
                ),
                by_constant,
            ]
            for found in (raw, left_out)
        )

    @classmethod
    def of(cls, stacks: Sequence[Stack], targets: Targets, folds: Folds) -> Self:
        """Those of the candidates of all stacks, in their order."""
        order = np.argsort(np.concatenate([stack.candidates for stack in stacks]))
        raw, left_out = (
            list(np.concatenate([getattr(stack, name) for stack in stacks])[order])
            for name in ("raw", "left_out")
        )
        loss = np.concatenate([stack.loss for stack in stacks])[order]
        of_all = [tasks for stack in stacks for tasks in stack.task_sets]
        task_sets = [of_all[k] for k in order]
        return cls(targets, folds, raw, left_out, np.isfinite(loss), task_sets)

    def weights(self) -> Array:
        """Weights (n_candidates + 1, n_tasks) of the blend; that of the constant is the last."""
        return self._weigh(self.left_out, self.targets)

    def blended(self) -> list[Array]:
        """What the blend expects of each column of y, with all choices made by other rows."""
        part = parts_of(self.folds, len(self.targets.values))
        return blend_left_out(self.left_out, self.targets, part, self._weigh)

    def _weigh(self, expected: list[list[Array]], targets: Targets) -> Array:
        """Weights of networks, of which some have none, and of the constant, which is the last."""
        is_in = np.append(self.is_sound, True)
        some = [one for one, is_sound in zip(expected, is_in, strict=True) if is_sound]
        weights = np.zeros((len(expected), targets.tasks.n_tasks))
        weights[is_in] = blend_weights(some, targets, centre=before_a_constant(len(some)))
        return weights

    def task_scores(
        self, estimator: Any, expected: list[Array], rows: Array | None = None
    ) -> Array:
        """Score of each column of y on the rows held out, or some of them; NaN where none is."""
        rows = self.judged if rows is None else rows
        scores = []
        for (task, values, weights), of_column in zip(
            self.targets.take(rows).columns(), expected, strict=True
        ):
            found = of_column[rows]
            is_silent = ~np.isfinite(found.reshape(len(rows), -1)).all(axis=1)
            weights = np.where(is_silent, 0.0, weights)
            scores.append(estimator._task_score(task, found, values, weights))
        return np.array(scores)

    def fold_scores(self, estimator: Any) -> Array:
        """The same (n_candidates, n_folds, n_columns), by each candidate in each fold."""
        return np.array(
            [
                [self.task_scores(estimator, one, test) for _, test in self.folds]
                for one in self.expected[:-1]
            ]
        )


def _constant(column: LabelColumn, rows: Array) -> Array:
    """The best constant prediction for the labels in some rows; NaN if there is none."""
    task, values, weights = column
    rows = rows[weights[rows] > 0]
    if len(rows):
        return np.asarray(task.prior(values[rows], weights[rows]), dtype=np.float64)
    nothing = task.expected_without_labels(1)[0]
    return np.full(np.shape(nothing), np.nan)
