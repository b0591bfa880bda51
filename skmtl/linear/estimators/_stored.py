"""Fits of losses that are not squared to features that stay in a source.

Newton steps, or quadratic models, on Gram matrices that blocks add up to: every step goes over the
source a few times. Labels, and what they say at some coefficients, are in memory.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.estimators._loss_stream import constants_of
from skmtl.linear.objective._working_statistics import WorkingStatistics
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


def working_statistics(
    X: StoredRows, targets: Targets, label_weights: Array, *, fit_intercept: bool
) -> WorkingStatistics:
    """What strengths that choose themselves look at, in one pass.

    Parameters
    ----------
    X : StoredRows
        Features of rows with labels.
    targets : Targets
        Labels of tasks that have some.
    label_weights : ndarray
        What each label counts.
    fit_intercept : bool
        Whether there are intercepts.
    """
    tasks = targets.tasks
    sizes = np.array([task.n_outputs_ for task in tasks.tasks])
    constants, _ = constants_of(targets, sizes)
    found: Any = X.total(
        partial(_of_labels, constants),
        lambda rows: (targets.take(np.arange(rows.start, rows.stop)),),
        WorkingStatistics.plus,
    )
    total = targets.sum_by_task(targets.weights)
    factors = targets.sum_by_task(label_weights) / np.where(total > 0, total, 1.0)
    columns = np.repeat(factors, sizes[0] if tasks.is_long else sizes)
    found = replace(found.weighted(columns), n_tasks=tasks.n_tasks)
    return found if fit_intercept else found.uncentred()


def _of_labels(constants: Array, X: Array, targets: Targets) -> WorkingStatistics:
    return WorkingStatistics.of_labels(X, targets, constants, are_repeated=True)
