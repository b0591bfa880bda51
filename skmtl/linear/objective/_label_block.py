"""The labels of tasks with one loss, and what they count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._base import Task

Array = NDArray[Any]
Outputs = slice | Array

CHUNK = 2**14
"""Raw scores that losses are computed of at a time."""


@dataclass(frozen=True, eq=False)
class LabelBlock:
    """The labels of tasks with one loss.

    Attributes
    ----------
    task : Task
        One of them.
    outputs : slice or ndarray
        Columns of their raw scores.
    values, label_weights : ndarray of shape (n_samples, n_tasks)
        Labels, and what they count.
    """

    task: Task
    outputs: Outputs
    values: Array
    label_weights: Array

    def chunks(self) -> Iterator[tuple[slice, LabelBlock]]:
        """Rows, and their labels: a few at a time, so that what is computed stays in the cache."""
        if self._chunks:
            yield from self._chunks
        else:
            yield slice(None), self

    @property
    def has_chunks(self) -> bool:
        """Whether `chunks` are several."""
        return bool(self._chunks)

    @cached_property
    def _chunks(self) -> list[tuple[slice, LabelBlock]]:
        n_samples, n_tasks = self.values.shape
        size = max(CHUNK // (n_tasks * self.task.n_outputs_), 1)
        if n_samples < 2 * size:
            return []
        slices = [slice(start, start + size) for start in range(0, n_samples, size)]
        return [
            (rows, replace(self, values=self.values[rows], label_weights=self.label_weights[rows]))
            for rows in slices
        ]

    @cached_property
    def observed(self) -> Array | None:
        """Where labels count; None where all do."""
        observed = self.label_weights > 0
        return None if observed.all() else observed

    @cached_property
    def is_sparse(self) -> bool:
        """Whether most of the labels do not count, so that it pays to leave them out."""
        return self.observed is not None and bool(self.observed.mean() < 0.5)

    def weigh(self, per_label: Array) -> Array:
        """Weight times value, exactly 0 where the weight is; flat over the outputs."""
        weights = self.label_weights[..., None]
        if self.observed is not None:
            per_label = np.where(self.observed[..., None], per_label, 0.0)
        weighed: Array = per_label * weights
        return weighed.reshape(len(weighed), -1)

    def total(self, per_label: Array) -> float:
        """Weighted sum of numbers (n_samples, n_tasks), whatever they are where the weight is 0."""
        if self.observed is not None:
            per_label = np.where(self.observed, per_label, 0.0)
        return float(np.vdot(per_label, self.label_weights))
