"""What `task_importance` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skmtl.inspection._brief import Brief
from skmtl.inspection._results import as_frame
from skmtl.inspection._words import number, plain, plural


@dataclass(frozen=True, eq=False, repr=False)
class TaskImportance(Brief):
    """What every feature is worth to every task: how much its score falls without it.

    Parameters
    ----------
    task_names : list of length n_tasks
        Names of the tasks.
    feature_names : list of length n_features
        Names of the features, or their positions.
    importance : ndarray of shape (n_features, n_tasks)
        Mean fall of the score over the repeats; NaN for a task without a score.
    interval : ndarray of shape (n_features, n_tasks, 2)
        Confidence interval of that mean; NaN of a single repeat.
    repeats : ndarray of shape (n_repeats, n_features, n_tasks)
        Fall of the score in every repeat.
    score : ndarray of shape (n_tasks,)
        Score with all features as they are.
    n_labels : ndarray of shape (n_tasks,)
        Labels that were scored.
    confidence : float
        Level of the interval.

    See Also
    --------
    task_importance : Finds it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.inspection import task_importance
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> found = task_importance(MultiTaskLinear().fit(X, X[:, :2]), X, X[:, :2], random_state=0)
    >>> found.importance.shape, found.repeats.shape
    ((3, 2), (10, 3, 2))
    """

    task_names: list
    feature_names: list
    importance: np.ndarray
    interval: np.ndarray
    repeats: np.ndarray
    score: np.ndarray
    n_labels: np.ndarray
    confidence: float

    @property
    def is_important(self):
        """Whether a task needs a feature, on these rows; (n_features, n_tasks).

        It does where the whole interval lies above 0.
        """
        return self.interval[..., 0] > 0

    def to_frame(self):
        """Importances as a pandas DataFrame: a line for each feature, a column for each task.

        Returns
        -------
        frame : DataFrame of shape (n_features, n_tasks)
            Names of the features and tasks are index and columns.
        """
        return as_frame(self.importance, self.feature_names, self.task_names)

    def _sentence(self):
        return (
            f"Importance of {plural(len(self.feature_names), 'feature')} for "
            f"{plural(len(self.task_names), 'task')}: how much a score falls without it."
        )

    def _heads(self):
        return ["feature", "mean fall", "most for", "fall there"]

    @property
    def _means(self):
        """Mean over the tasks that are known, (n_features,); NaN of none."""
        known = np.isfinite(self.importance)
        total = np.where(known, self.importance, 0.0).sum(axis=1)
        n_known = known.sum(axis=1)
        return np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan)

    def _lines(self):
        values, mean = np.where(np.isfinite(self.importance), self.importance, -np.inf), self._means
        most = values.argmax(axis=1)
        return [
            [
                plain(self.feature_names[j]),
                number(mean[j]),
                plain(self.task_names[most[j]]),
                number(values[j, most[j]]),
            ]
            for j in np.argsort(-np.nan_to_num(mean, nan=-np.inf), kind="stable").tolist()
            if np.isfinite(mean[j])
        ]
