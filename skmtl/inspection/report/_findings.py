"""What a report is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skmtl.inspection._gain_result import TransferGain
from skmtl.inspection._importance_result import TaskImportance
from skmtl.inspection._results import TaskAffinity
from skmtl.inspection._verdict import say_of_all, say_of_each
from skmtl.inspection.report._predictions import TaskPredictions


@dataclass(frozen=True, eq=False)
class TaskFindings:
    """One task: ``rows`` have a label, of ``n_rows`` that could; scores, and predictions.

    ``explained`` is the share of the loss of a constant that is gone on unseen rows, or on the
    data given, with its interval; ``measures`` are in units of the labels.
    """

    key: str
    rows: np.ndarray
    n_rows: int
    score: float
    fold_scores: np.ndarray
    predictions: TaskPredictions
    curves: dict[str, np.ndarray]
    measures: dict[str, float]
    explained: float = float("nan")
    explained_interval: tuple[float, float] = (float("nan"), float("nan"))

    @property
    def coverage(self):
        """Share of the labels that are observed."""
        return len(self.rows) / self.n_rows if self.n_rows else 0.0

    @property
    def cv_score(self):
        """Mean of the folds that have a score."""
        known = self.fold_scores[~np.isnan(self.fold_scores)]
        return float(known.mean()) if len(known) else float("nan")

    @property
    def cv_std(self):
        """Standard deviation over these folds, as scikit-learn's searches give it."""
        known = self.fold_scores[~np.isnan(self.fold_scores)]
        return float(known.std()) if len(known) else float("nan")


@dataclass(frozen=True, eq=False)
class Findings:
    """All tasks; ``gain``, ``affinity``, ``importance`` are None where there is nothing to say."""

    tasks: list[TaskFindings]
    estimator: str
    kind: str
    metric: Any
    confidence: float
    was_fitted: bool
    is_long: bool
    n_rows: int
    n_splits: int
    feature_names: list[str]
    row_names: Any
    gain: TransferGain | None
    affinity: TaskAffinity | None
    importance: TaskImportance | None

    @property
    def verdict(self):
        """What sharing is worth, in sentences."""
        if self.gain is not None:
            return [say_of_all(self.gain), say_of_each(self.gain)]
        if len(self.tasks) < 2:
            return ["One task: nothing is shared."]
        return ["Whether sharing helps is unknown: give cv to compare with learning tasks alone."]

    @property
    def has_shares(self):
        """Whether the scores are shares of the loss of a constant, found on unseen rows."""
        return bool(self.n_splits) and self.metric is None and self.kind != "classification"
