"""Pipelines inside of other estimators, whose steps may move the column that names the task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError

from skmtl._innermost import innermost, unwrap
from skmtl.compose._features import take_rows
from skmtl.tasks._features import read_task_index, split_task_feature

ENOUGH = 1000
"""Rows that are looked at, from all over X."""


@contextmanager
def task_stays(estimator: Any, X: Any) -> Iterator[None]:
    """Around the fit of an estimator in long form: raise where its steps move the task feature.

    It stands at a place of X, which is that of ``task_feature`` of the last step, too: other
    columns would be taken for tasks without a word.
    """
    path, inner = innermost(estimator)
    task_feature = getattr(inner, "task_feature", None)
    if not path or task_feature is None:
        yield
        return
    told = (
        f"The task feature is column {task_feature} of X, and has to be that of what "
        f"{type(inner).__name__} gets, too. Where steps move columns, as a ColumnTransformer does, "
        "turn it around: make_pipeline(steps, outer(estimator, task_feature=-1)), with the task "
        "feature let through last, in place of outer(make_pipeline(steps, estimator))."
    )
    try:
        yield
    except InvalidParameterError:
        raise
    except (TypeError, ValueError) as error:
        error.add_note(told)
        raise
    if not _is_same_task(estimator, X, task_feature):
        raise ValueError(f"The steps of the pipeline change which task a row belongs to. {told}")


def _is_same_task(fitted: Any, X: Any, task_feature: Any) -> bool:
    """Whether rows are of the same task before and after the steps."""
    rows = np.unique(np.linspace(0, X.shape[0] - 1, ENOUGH).astype(np.intp))
    few = take_rows(X, rows)
    prepared = unwrap(fitted, few)[1]
    before, after = (
        read_task_index(split_task_feature(table, task_feature)[1])[1] for table in (few, prepared)
    )
    n_pairs = len(np.unique(np.column_stack([before, after]), axis=0))
    return bool(n_pairs == before.max() + 1 == after.max() + 1)
