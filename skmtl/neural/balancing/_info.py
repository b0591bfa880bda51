"""What a balancing method knows before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class BalancingInfo:
    """Seeds and tasks of a fit: what `Balancing.start` gets.

    Parameters
    ----------
    seeds : sequence of int
        One for each of the n_models networks that train side by side.
    task_keys : sequence of int
        One per task, made of its name: what is drawn must not depend on the order of tasks.
    task_types : sequence of str, default=None
        Aliases of the types of the tasks, such as "binary"; None where they are not known.

    Examples
    --------
    >>> from skmtl.neural.balancing import BalancingInfo
    >>> info = BalancingInfo(seeds=[0], task_keys=[10, 20], task_types=["regression", "binary"])
    >>> info.n_models, info.n_tasks
    (1, 2)
    """

    seeds: Sequence[int]
    task_keys: Sequence[int]
    task_types: Sequence[str] | None = None

    @property
    def n_models(self) -> int:
        """Number of networks that train side by side."""
        return len(self.seeds)

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.task_keys)
