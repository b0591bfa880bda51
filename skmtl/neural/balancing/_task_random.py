"""Random numbers for tasks, whatever their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class TaskRandom:
    """One generator per model; a task gets the same numbers at whatever place it stands.

    Parameters
    ----------
    seeds : sequence of int
        One per model.
    task_keys : sequence of int
        Numbers are drawn in the order of these.
    """

    def __init__(self, seeds: Sequence[int], task_keys: Sequence[int]) -> None:
        self.generators = [np.random.default_rng(seed) for seed in seeds]
        self.place = np.argsort(np.argsort(task_keys, kind="stable"), kind="stable")

    def for_tasks(self, model: int) -> Array:
        """A standard normal number for each task."""
        return self.generators[model].standard_normal(len(self.place))[self.place]

    def for_pairs(self, model: int) -> Array:
        """A uniform number for each ordered pair of tasks."""
        n_tasks = len(self.place)
        drawn = self.generators[model].random((n_tasks, n_tasks))
        return drawn[np.ix_(self.place, self.place)]
