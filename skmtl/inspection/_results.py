"""What the functions of this module return: arrays with the names of the tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TransferGain:
    """What every task gains by being learned together with the others.

    Attributes
    ----------
    task_names : list of length n_tasks
        Names of the tasks.
    gain : ndarray of shape (n_tasks,)
        Relative gain: 0.1 means that a tenth of the loss of learning alone is gone, a negative
        value that sharing does harm. NaN for a task that no fold can judge.
    interval : ndarray of shape (n_tasks, 2)
        Confidence interval of the gain, from the folds.
    fold_gains : ndarray of shape (n_splits, n_tasks)
        Gain on every fold.
    loss_together, loss_alone : ndarray of shape (n_splits, n_tasks)
        Mean loss on the test rows of every fold.
    n_labels : ndarray of shape (n_tasks,)
        Observed labels of each task.
    confidence : float
        Level of the interval.
    """

    task_names: list
    gain: np.ndarray
    interval: np.ndarray
    fold_gains: np.ndarray
    loss_together: np.ndarray
    loss_alone: np.ndarray
    n_labels: np.ndarray
    confidence: float

    @property
    def is_negative(self):
        """Whether sharing harms a task: its whole interval lies below 0; (n_tasks,)."""
        return self.interval[:, 1] < 0

    @property
    def is_positive(self):
        """Whether sharing helps a task: its whole interval lies above 0; (n_tasks,)."""
        return self.interval[:, 0] > 0


@dataclass(frozen=True, eq=False)
class TaskAffinity:
    """How much tasks have in common: a hint which to learn together, no evidence.

    Attributes
    ----------
    task_names : list of length n_tasks
        Names of the tasks.
    affinity : ndarray of shape (n_tasks, n_tasks)
        Entry (i, j): what task i does for task j; higher is closer. The diagonal is what a task
        does for itself.
    method : str
        How it was found.
    """

    task_names: list
    affinity: np.ndarray
    method: str


@dataclass(frozen=True, eq=False)
class GradientConflict:
    """How the gradients of the tasks agree while a network trains.

    Attributes
    ----------
    task_names : list of length n_tasks
        Names of the tasks.
    epochs : ndarray of shape (n_epochs,)
        Number of the epoch, from 1.
    cosine : ndarray of shape (n_epochs, n_tasks, n_tasks)
        Mean cosine between the gradients of two tasks in the epoch; NaN where one of them
        never had a label.
    """

    task_names: list
    epochs: np.ndarray
    cosine: np.ndarray

    @property
    def share(self):
        """Share of the pairs of tasks whose gradients point apart; (n_epochs,)."""
        upper = np.triu_indices(len(self.task_names), 1)
        pairs = self.cosine[:, upper[0], upper[1]]
        known = ~np.isnan(pairs)
        apart = (np.nan_to_num(pairs) < 0).sum(axis=1)
        return np.where(known.any(axis=1), apart / np.maximum(known.sum(axis=1), 1), np.nan)
