"""What `transfer_gain` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skmtl.inspection._brief import Brief
from skmtl.inspection._gain_estimate import ROUNDING
from skmtl.inspection._results import as_frame
from skmtl.inspection._verdict import say_of_all, say_of_each, side_of
from skmtl.inspection._words import percent, plain


@dataclass(frozen=True, eq=False, repr=False)
class TransferGain(Brief):
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
    mean_interval : ndarray of shape (2,) or None, default=None
        Confidence interval of `mean_gain`.

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
    >>> gains.verdict
    'unclear'
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
    mean_interval: np.ndarray | None = None

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

    @property
    def mean_gain(self):
        """Mean gain of the tasks that are learned; NaN if none is."""
        counted = self._is_counted
        return float(self.gain[counted].mean()) if counted.any() else float("nan")

    @property
    def verdict(self):
        """What all tasks together say: "helps", "harms", "unclear", "unlearned" or "unknown".

        Sharing helps where `mean_interval` lies above 0, and harms where it lies below: that
        may be sure where no single task has labels enough. "unlearned" where no task is
        predicted better than by a constant, "unknown" without an interval.
        """
        if np.isfinite(self.gain).any() and not self._is_counted.any():
            return "unlearned"
        return "unknown" if self.mean_interval is None else side_of(self.mean_interval)

    @property
    def verdicts(self):
        """The same of every task by itself; list of length n_tasks."""
        sides = [side_of(interval) for interval in self.interval]
        return [
            side if learned or side == "unknown" else "unlearned"
            for side, learned in zip(sides, self.is_learned, strict=True)
        ]

    @property
    def _is_counted(self):
        """Tasks that the mean is of."""
        return self.is_learned & np.isfinite(self.gain)

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

    def _sentence(self):
        return f"{say_of_all(self)} {say_of_each(self)}".strip()

    def _heads(self):
        return ["task", "gain", f"{100 * self.confidence:g}% interval", "sharing"]

    def _lines(self):
        order = np.argsort(-np.nan_to_num(self.gain, nan=-np.inf), kind="stable")
        verdicts = self.verdicts
        return [
            [
                plain(self.task_names[t]),
                percent(self.gain[t], sign=True),
                " to ".join(percent(end, sign=True) for end in self.interval[t]),
                verdicts[t],
            ]
            for t in order.tolist()
        ]


def _mean_of_folds(losses):
    """Mean (n_tasks,) of the folds that evaluate a task; NaN where none does."""
    known = ~np.isnan(losses)
    total = np.where(known, losses, 0.0).sum(axis=0)
    return np.divide(total, known.sum(axis=0), out=np.full(total.shape, np.nan), where=known.any(0))
