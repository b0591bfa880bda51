"""Cross-validation of rows that come in blocks, from what they add up to in every fold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.cross_validation._fold_scores import STATISTICAL
from skmtl.linear.cross_validation._search import Search
from skmtl.linear.cross_validation._search_data import SearchData
from skmtl.linear.objective._merged_statistics import MergedStatistics
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.objective._training_data import check_range
from skmtl.model_selection._folds import Folds
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class BlockSearch(Search):
    """`Search` that goes over the rows once, to sum up those of every fold.

    Parameters
    ----------
    estimator : MultiTaskLinearCV
        How to search.
    X : StoredRows or ndarray
        Features.
    targets : Targets
        All labels.
    sums : StreamStatistics
        Of all rows.
    """

    def __init__(self, estimator: Any, X: Any, targets: Targets, sums: StreamStatistics) -> None:
        self.estimator, self.targets, self.sums = estimator, targets, sums
        check_sums(estimator, targets)
        X = X.astype(np.float64, copy=False)
        check_range(X, targets)
        # What splitters see: how many rows there are.
        self.X_given = np.zeros((X.shape[0], 1))
        observed, names = targets.row_is_observed, targets.tasks.names.tolist()
        self.data = SearchData(None, X, None, None, None, observed, names)

    def data_of(self, model: Any) -> tuple[Any, Targets]:
        """The sums of all rows, in place of these."""
        return summed_up(self.sums, self.targets, fit_intercept=model.fit_intercept)

    def _leave_one_out(self, models: list[Any]) -> None:
        return None

    def _whole(self, folds: Folds, statistics: Any) -> MergedStatistics | None:
        if statistics is None:
            raise ValueError(
                f"The statistics of {len(folds)} folds of {self.data.X.shape[1]} features do not "
                "fit into memory. Use fewer folds, cv, or reduce the features "
                "(sklearn.decomposition.IncrementalPCA)."
            )
        return self.sums


def summed_up(
    sums: StreamStatistics, targets: Targets, *, fit_intercept: bool
) -> tuple[StreamStatistics, Targets]:
    """Sums and tasks as a fit takes them in place of rows."""
    nothing = np.zeros((0, len(targets.tasks.tasks)))
    return sums if fit_intercept else sums.uncentred(), Targets(targets.tasks, nothing, nothing)


def check_sums(estimator: Any, targets: Targets) -> None:
    """Raise where the scores of held-out rows take the rows themselves."""
    tasks, scoring = targets.tasks, getattr(estimator, "scoring", None)
    why = None
    if not (tasks.has_squared_loss and tasks.has_r2_score):
        odd = next(task for task in tasks.tasks if not task.has_squared_loss)
        why = f"has a task of type {odd.alias!r}"
    elif tasks.is_long:
        why = "is in long form"
    elif scoring not in STATISTICAL:
        why = f"is scored by scoring={scoring!r}"
    elif getattr(estimator, "scale_targets", False) is True:
        why = "has scale_targets=True"
    if why is not None:
        raise ValueError(
            f"Of blocks {type(estimator).__name__} goes by what the rows of a fold add up to, but "
            f"this fit {why}. Choose alpha on rows that fit into memory, then fit "
            "MultiTaskLinear(alpha=...) to all blocks; or leave alpha='auto' to it."
        )
