"""Which loss decides on stopping and on the best epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skmtl._shown import shown
from skmtl.tasks._by_name import name_key

# Names of tasks that an error lists.
SHOWN = 10


@dataclass
class Monitor:
    """One loss for each model from those of its tasks.

    Parameters
    ----------
    counts : ndarray of shape (n_tasks,)
        Weights of the tasks; those of weight 0, and NaN losses, are left out.
    takes_worst : bool
        The largest of the losses, whatever their weights, instead of the weighted mean.
    """

    counts: np.ndarray
    takes_worst: bool = False

    def __call__(self, losses):
        """From (n_models, n_tasks) to (n_models,)."""
        used = ~np.isnan(losses) & (self.counts > 0)
        if self.takes_worst:
            return np.where(used, losses, -np.inf).max(axis=1)
        total = (used * self.counts).sum(axis=1)
        weighted = np.where(used, losses, 0.0) @ self.counts
        return np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)


def read_monitor(monitor, names, counts, can_judge, *, rows="in y"):
    """The `Monitor` of a parameter.

    Parameters
    ----------
    monitor : "mean", "worst" or name of a task
        The parameter.
    names : ndarray of shape (n_tasks,)
        Names of the tasks.
    counts : ndarray of shape (n_tasks,)
        Weights of the tasks in the mean.
    can_judge : ndarray of bool, shape (n_tasks,)
        Tasks with a loss that training can lower.
    rows : str, default="in y"
        Where the labels that judge are, in words.

    Raises
    ------
    ValueError
        If it names no task, or one that has nothing to judge by.
    """
    if isinstance(monitor, str) and monitor in {"mean", "worst"}:
        return Monitor(counts, takes_worst=monitor == "worst")
    place = {name_key(name): t for t, name in enumerate(names.tolist())}
    if name_key(monitor) not in place:
        raise ValueError(
            f"monitor={monitor!r}; expected 'mean', 'worst' or the name of a task, one of "
            f"{shown(names.tolist(), SHOWN)}."
        )
    task = place[name_key(monitor)]
    if not can_judge[task]:
        raise ValueError(
            f"monitor={monitor!r}: this task has no label {rows}, or one class only, so that its "
            f"loss says nothing; expected 'mean', 'worst' or one of "
            f"{shown(names[can_judge].tolist(), SHOWN)}."
        )
    alone = np.zeros(len(names))
    alone[task] = 1.0
    return Monitor(alone)
