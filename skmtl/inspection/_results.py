"""What the functions of this module return: arrays with the names of the tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skmtl.inspection._gain_estimate import ROUNDING


@dataclass(frozen=True, eq=False)
class TransferGain:
    """What every task gains by being learned together with the others.

    Parameters
    ----------
    task_names : list of length n_tasks
        Names of the tasks.
    gain : ndarray of shape (n_tasks,)
        Relative gain: 0.1 means that a tenth of the loss of learning alone is gone, a negative
        value that sharing does harm. NaN for a task that no fold can evaluate.
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
    loss_constant : ndarray of shape (n_splits, n_tasks) or None, default=None
        Mean loss, on the same rows, of the best constant prediction from the training rows.

    See Also
    --------
    skmtl.transfer_gain : Finds it.

    Examples
    --------
    >>> from skmtl import MultiTaskLinearRegressor
    >>> from skmtl.datasets import make_multitask_regression
    >>> from skmtl.inspection import transfer_gain
    >>> X, y = make_multitask_regression(n_tasks=3, noise=1.0, random_state=0)
    >>> gains = transfer_gain(MultiTaskLinearRegressor("trace_norm", alpha=0.1), X, y)
    >>> gains.fold_gains.shape, gains.interval.shape
    ((10, 3), (3, 2))
    """

    task_names: list
    gain: np.ndarray
    interval: np.ndarray
    fold_gains: np.ndarray
    loss_together: np.ndarray
    loss_alone: np.ndarray
    n_labels: np.ndarray
    confidence: float
    loss_constant: np.ndarray | None = None

    @property
    def is_learned(self):
        """Whether a task is predicted better than by a constant, together or alone; (n_tasks,).

        Where it is not, a gain compares two ways of not learning it. True where that is not
        known: without `loss_constant`, or any fold that evaluates the task.
        """
        if self.loss_constant is None:
            return np.ones(len(self.gain), dtype=bool)
        together, alone, constant = (
            _mean_of_folds(losses)
            for losses in (self.loss_together, self.loss_alone, self.loss_constant)
        )
        # Predictions of the mean differ from it by rounding.
        return ~(np.fmin(together, alone) >= constant * (1 - ROUNDING))

    @property
    def is_negative(self):
        """Whether sharing harms a task: its whole interval lies below 0; (n_tasks,).

        Not where the task is not learned either way (`is_learned`).
        """
        return (self.interval[:, 1] < 0) & self.is_learned

    @property
    def is_positive(self):
        """Whether sharing helps a task: its whole interval lies above 0; (n_tasks,).

        Not where the task is not learned either way (`is_learned`).
        """
        return (self.interval[:, 0] > 0) & self.is_learned

    def to_frame(self):
        """A line for each task, as a pandas DataFrame.

        Returns
        -------
        frame : DataFrame with n_tasks rows
            Gain, its interval ("lower", "upper"), whether it "is_negative" or "is_positive" and
            the task "is_learned", and "n_labels".
        """
        columns = {
            "gain": self.gain,
            "lower": self.interval[:, 0],
            "upper": self.interval[:, 1],
            "is_negative": self.is_negative,
            "is_positive": self.is_positive,
            "is_learned": self.is_learned,
            "n_labels": self.n_labels,
        }
        return as_frame(columns, self.task_names)


@dataclass(frozen=True, eq=False)
class TaskAffinity:
    """How much tasks have in common: a hint which to learn together, no evidence.

    Parameters
    ----------
    task_names : list of length n_tasks
        Names of the tasks.
    affinity : ndarray of shape (n_tasks, n_tasks)
        Entry (i, j): what task i does for task j; higher is closer. The diagonal is what a task
        does for itself.
    method : str
        How it was found.

    See Also
    --------
    task_affinity : Finds it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import TaskAffinity
    >>> hand_made = TaskAffinity(["a", "b"], np.array([[1.0, 0.2], [0.3, 1.0]]), "by hand")
    >>> float(hand_made.affinity[0, 1])  # what a does for b
    0.2
    """

    task_names: list
    affinity: np.ndarray
    method: str

    def to_frame(self):
        """Affinities as a pandas DataFrame: what the task of a row does for that of a column.

        Returns
        -------
        frame : DataFrame of shape (n_tasks, n_tasks)
            Names of the tasks are index and columns.
        """
        return as_frame(self.affinity, self.task_names, self.task_names)


@dataclass(frozen=True, eq=False)
class GradientConflict:
    """How the gradients of the tasks agree while a network trains.

    Parameters
    ----------
    task_names : list of length n_tasks
        Names of the tasks.
    epochs : ndarray of shape (n_epochs,)
        Number of the epoch, from 1.
    cosine : ndarray of shape (n_epochs, n_tasks, n_tasks)
        Mean cosine between the gradients of two tasks in the epoch; NaN where one of them
        never had a label.

    See Also
    --------
    gradient_conflict : Finds it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import GradientConflict
    >>> cosine = np.array([[[1.0, 0.4], [0.4, 1.0]], [[1.0, -0.1], [-0.1, 1.0]]])
    >>> GradientConflict(["a", "b"], np.array([1, 2]), cosine).share
    array([0., 1.])
    """

    task_names: list
    epochs: np.ndarray
    cosine: np.ndarray

    @property
    def share(self):
        """Share of the pairs of tasks whose gradients point apart; (n_epochs,)."""
        pairs = self._pairs()
        known = ~np.isnan(pairs)
        apart = (np.nan_to_num(pairs) < 0).sum(axis=1)
        return np.where(known.any(axis=1), apart / np.maximum(known.sum(axis=1), 1), np.nan)

    def to_frame(self):
        """Cosines as a pandas DataFrame with a line for each epoch.

        Returns
        -------
        frame : DataFrame of shape (n_epochs, n_tasks * (n_tasks - 1) / 2)
            A column for each pair of tasks, named by a tuple.
        """
        names, (first, second) = self.task_names, self._upper()
        pairs = [(names[i], names[j]) for i, j in zip(first, second, strict=True)]
        return as_frame(dict(zip(pairs, self._pairs().T, strict=True)), self.epochs)

    def _upper(self):
        return np.triu_indices(len(self.task_names), 1)

    def _pairs(self):
        """Cosines (n_epochs, n_pairs), each pair once."""
        first, second = self._upper()
        return self.cosine[:, first, second]


def _mean_of_folds(losses):
    """Mean (n_tasks,) of the folds that evaluate a task; NaN where none does."""
    known = ~np.isnan(losses)
    total = np.where(known, losses, 0.0).sum(axis=0)
    return np.divide(total, known.sum(axis=0), out=np.full(total.shape, np.nan), where=known.any(0))


def as_frame(data, index, columns=None):
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_frame needs pandas: pip install pandas") from error
    return pd.DataFrame(data, index=index, columns=columns)
