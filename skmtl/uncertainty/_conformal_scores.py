"""Scores of held-out labels, task by task, and what is predicted with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._task_set import TaskSet
from skmtl.uncertainty._bands import possible
from skmtl.uncertainty._borrowed import Filled, Lenders
from skmtl.uncertainty._held_out_labels import HeldOut
from skmtl.uncertainty._label_sets import class_scores, neighbours
from skmtl.uncertainty._ranks import Ranked

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Calibration:
    """What held-out labels say of new ones: scores of each task, and of those that it may ask.

    ``lenders`` has an entry for tasks of numbers and one for tasks with classes.
    """

    tasks: TaskSet
    ranked: list[Ranked]
    lenders: tuple[Lenders | None, Lenders | None]
    factor: Array
    set_score: str
    seed: int

    @classmethod
    def of(
        cls, held_out: Sequence[HeldOut], tasks: TaskSet, set_score: str, seed: int, borrow: bool
    ) -> Self:
        """From the labels of all columns of y."""
        ranked: list[Ranked] = []
        lenders: list[Lenders | None] = [None, None]
        rng = np.random.RandomState(seed)
        parts: list[Any] = [[], []]
        for task, column in zip(tasks.tasks, held_out, strict=True):
            if task.is_classification:
                codes = column.values.astype(np.intp)
                scores = class_scores(task, column.said, set_score, rng)
                scores = scores[np.arange(len(codes)), codes]
                squares = np.ones(len(codes))
            else:
                scores = column.said.scores(column.values)
                squares = ((column.values - column.said.centre) / column.said.scale) ** 2
            everything = Ranked(scores, column.weights, column.model)
            if tasks.is_long:
                by_task = rows_by_task(column.of_task, tasks.n_tasks)
                ranked = [everything.take(rows) for rows in by_task]
            else:
                ranked.append(everything)
            parts[task.is_classification].append((column.of_task, scores, squares))
        if borrow:
            lenders = [
                make([np.concatenate(a) for a in zip(*of_kind, strict=True)], tasks)
                if of_kind
                else None
                for of_kind, make in zip(parts, (Lenders.of, Lenders.of_classes), strict=True)
            ]
        return cls(tasks, ranked, (lenders[0], lenders[1]), held_out[0].factor, set_score, seed)

    def intervals(
        self, t: int, bands: Sequence[Any], known: Array, coverage: float, weight: Array
    ) -> Array:
        """Intervals (n, 2) of task t, from what each model says; ``known`` are those that do."""
        ranked, _, new_label = self.of_task(t, known, coverage)
        bands = [band if m in known else bands[known[0]] for m, band in enumerate(bands)]
        ends = ranked.ends(bands, coverage, new_label * self._counted(t, weight))
        return possible(self.tasks.tasks[0 if self.tasks.is_long else t], ends)

    def sets(
        self, t: int, said: Sequence[Any], known: Array, coverage: float, weight: Array
    ) -> Array:
        """Sets (n, n_classes) of classes of task t, from the probabilities of each model."""
        task = self.tasks.tasks[0 if self.tasks.is_long else t]
        ranked, _, new_label = self.of_task(t, known, coverage)
        weight = new_label * self._counted(t, weight)
        # The draws of all models are the same.
        scores = [
            class_scores(task, said[m], self.set_score, np.random.RandomState(self.seed + 1))
            if m in known
            else np.zeros_like(said[known[0]])
            for m in range(len(said))
        ]
        return neighbours(task, ranked.is_within(scores, coverage, weight))

    def _counted(self, t: int, weight: Array) -> Array:
        """How many labels the weights of new rows stand for; NaN is an average one."""
        return np.where(np.isnan(weight), 1.0, weight * self.factor[t])

    def of_task(self, t: int, models: Array, coverage: float) -> Filled:
        """Scores that count for task t, with those that it borrows."""
        task = self.tasks.tasks[0 if self.tasks.is_long else t]
        lenders = self.lenders[task.is_classification]
        if lenders is None:
            return Filled(self.ranked[t], 0.0, 1.0)
        return lenders.fill(t, self.ranked[t], models, coverage)
