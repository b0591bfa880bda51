"""What the functions of this module return: arrays with the names of the tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skmtl.inspection._brief import Brief
from skmtl.inspection._words import fixed, percent, plain, plural

# Methods whose zero means nothing: only the order of their values does.
WITHOUT_ZERO = ("tag",)


@dataclass(frozen=True, eq=False, repr=False)
class TaskAffinity(Brief):
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
    noise : float or None, default=None
        Standard deviation of an entry by chance, if that was asked for: entries of less than twice
        as much say nothing.

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
    noise: float | None = None

    @property
    def is_clear(self):
        """Whether an entry is beyond twice the noise; (n_tasks, n_tasks). All are, if unknown.

        From zero, or with "tag", whose zero means nothing, from the median of the pairs.
        """
        if self.noise is None or not np.isfinite(self.noise):
            return np.isfinite(self.affinity)
        pairs = self.affinity[~np.eye(len(self.affinity), dtype=bool)]
        middle = np.nanmedian(pairs) if self.method in WITHOUT_ZERO else 0.0
        return np.abs(self.affinity - middle) >= 2 * self.noise

    def to_frame(self):
        """Affinities as a pandas DataFrame: what the task of a row does for that of a column.

        Returns
        -------
        frame : DataFrame of shape (n_tasks, n_tasks)
            Names of the tasks are index and columns.
        """
        return as_frame(self.affinity, self.task_names, self.task_names)

    def _sentence(self):
        return (
            f"Affinity of {plural(len(self.task_names), 'task')} by {self.method!r}: a hint which "
            "to learn together, no evidence."
        )

    def _heads(self):
        return ["task", "closest", "affinity"]

    def _lines(self):
        others = np.array(self.affinity, dtype=float)
        np.fill_diagonal(others, np.nan)
        values = np.nan_to_num(others, nan=-np.inf)
        nearest = values.argmax(axis=1)
        values = values.max(axis=1)
        return [
            [plain(self.task_names[t]), plain(self.task_names[nearest[t]]), fixed(values[t])]
            for t in np.argsort(-values, kind="stable").tolist()
            if np.isfinite(values[t])
        ]


@dataclass(frozen=True, eq=False, repr=False)
class GradientConflict(Brief):
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

    def _sentence(self):
        apart = percent(self.share[-1]) if len(self.epochs) else percent(float("nan"))
        return (
            f"Gradients of {plural(len(self.task_names), 'task')} over "
            f"{plural(len(self.epochs), 'epoch')}: {apart} of the pairs point apart in the last."
        )

    def _heads(self):
        return ["tasks", "mean cosine", "epochs apart"]

    def _lines(self):
        (first, second), pairs = self._upper(), self._pairs()
        known = ~np.isnan(pairs)
        mean = np.where(known, pairs, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        apart = (np.nan_to_num(pairs) < 0).sum(axis=0)
        return [
            [
                f"{plain(self.task_names[first[k]])}, {plain(self.task_names[second[k]])}",
                fixed(mean[k]),
                f"{apart[k]} of {known[:, k].sum()}",
            ]
            for k in np.argsort(mean, kind="stable").tolist()
            if known[:, k].any()
        ]

    def _upper(self):
        return np.triu_indices(len(self.task_names), 1)

    def _pairs(self):
        """Cosines (n_epochs, n_pairs), each pair once."""
        first, second = self._upper()
        return self.cosine[:, first, second]


def as_frame(data, index, columns=None):
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_frame needs pandas: pip install pandas") from error
    return pd.DataFrame(data, index=index, columns=columns)
