r"""Rows of tasks that `fit` did not see: how far off other tasks are where they are left out.

Tasks are dealt into parts, and each part is predicted by a model of the others, as a task that it
does not know. Rows of one task say the same of a new one together: with K tasks of n labels each
score has the weight 1/n, and the new task that of one [1]_, so that intervals are finite from
c / (1 - c) tasks on.

References
----------
.. [1] Y. Lee, R. Foygel Barber and R. Willett, "Distribution-free inference with hierarchical
   data", arXiv 2306.06342, 2023, section 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.compose._features import take_rows
from skmtl.compose._stack_folds import Fold
from skmtl.tasks import Task
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._bands import possible
from skmtl.uncertainty._conformal_fits import Teacher
from skmtl.uncertainty._conformal_models import Model
from skmtl.uncertainty._held_out_labels import Count
from skmtl.uncertainty._label_sets import class_scores, neighbours
from skmtl.uncertainty._ranks import Ranked

Array = NDArray[Any]

N_PARTS, SEED = 5, 0


@dataclass(frozen=True, eq=False)
class NewTasks:
    """Scores of tasks that were left out (long form)."""

    task: Task
    final: Model
    ranked: Ranked
    set_score: str
    seed: int

    @classmethod
    def of(
        cls, teacher: Teacher, final: Model, count: Count, set_score: str, seed: int
    ) -> Self | None:
        """From models of some of the tasks; None where there is but one."""
        X, targets = teacher.workshop.X, teacher.workshop.targets
        folds, task = _folds(targets), targets.tasks.tasks[0]
        rng, scores = np.random.RandomState(seed), []
        for fold, (model, expected) in zip(folds, teacher.fit_folds(folds), strict=True):
            said = model.guess(take_rows(X, fold.test), expected)
            values = targets.values[fold.test]
            if task.is_classification:
                found = class_scores(task, said, set_score, rng)
                scores.append(found[np.arange(len(found)), values.astype(np.intp)])
            else:
                scores.append(said.scores(task.labels(values)))
        if not folds:
            return None
        rows = np.concatenate([fold.test for fold in folds])
        weights, index = count(targets).ravel()[rows], targets.task_index
        assert index is not None
        total = np.bincount(index[rows], weights, targets.tasks.n_tasks)
        weights = weights / total[index[rows]]
        ranked = Ranked(np.concatenate(scores), weights, np.zeros(len(rows), dtype=np.intp))
        return cls(task, final, ranked, set_score, seed)

    def answer(self, X: Any, coverage: float) -> Array:
        """Intervals (n, 2) or sets (n, n_classes) of rows of tasks that are not known."""
        said = self.final.guess(X)
        if not self.task.is_classification:
            return possible(self.task, self.ranked.ends([said], coverage))
        rng = np.random.RandomState(self.seed + 1)
        scores = class_scores(self.task, said, self.set_score, rng)
        return neighbours(self.task, self.ranked.is_within([scores], coverage))


def _folds(targets: Targets) -> list[Fold]:
    """Parts of the tasks with labels; the test rows are those with a label."""
    index, has_label = targets.task_index, targets.weights > 0
    assert index is not None
    tasks = np.unique(index[has_label])
    if len(tasks) < 2:
        return []
    dealt = np.array_split(np.random.RandomState(SEED).permutation(tasks), min(N_PARTS, len(tasks)))
    folds = []
    for part in dealt:
        is_out = np.isin(index, part)
        train, test = np.flatnonzero(~is_out), np.flatnonzero(is_out & has_label)
        folds.append(Fold(train, test, np.setdiff1d(tasks, part)))
    return folds
