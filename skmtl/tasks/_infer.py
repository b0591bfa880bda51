"""What estimators read y as, before a fit."""

from __future__ import annotations

from typing import Any

from skmtl.tasks._read_targets import read_targets
from skmtl.tasks._table import TaskTable, values_shown


def infer(y: Any, tasks: Any = "auto", *, sample_weight: Any = None) -> TaskTable:
    """Say what estimators of any task types read y as.

    Parameters
    ----------
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels, as `fit` takes them.
    tasks : "auto", task type, list or dict, default="auto"
        What is declared, as the parameter ``tasks`` of the estimators.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels; those of 0 are missing.

    Returns
    -------
    table : TaskTable
        Name, type, number of labels, of missing ones, and the values of each task.

    Raises
    ------
    ValueError
        Whatever `fit` would raise for this y.

    Warns
    -----
    UserWarning
        Whatever `fit` would warn of.

    Examples
    --------
    >>> from skmtl.tasks import infer
    >>> infer({"score": [1.5, 2.0, None], "passed": ["no", "yes", "yes"]})
    task    type        labels  missing  values
    score   regression  2       1        1.5 to 2
    passed  binary      3       0        no, yes
    """
    targets = read_targets(y, declared=tasks, sample_weight=sample_weight)
    found = targets.tasks
    n_labels = [task.n_labels_ for task in found.tasks]
    values = [values_shown(*column) for column in targets.columns()]
    n_missing = [len(targets.values) - n for n in n_labels]
    return TaskTable(found.names.tolist(), list(found.tasks), n_labels, values, n_missing)
