"""What a fitted estimator for any type of task tells scikit-learn of the tasks that it has."""

from __future__ import annotations

from typing import Any

from sklearn.utils import ClassifierTags, RegressorTags

from skmtl.tasks._task_set import TaskSet


def tell_kind(tags: Any, tasks: TaskSet, *, is_complete: bool) -> None:
    """Set in ``tags`` that an estimator is a regressor or a classifier, where all its tasks are.

    A classifier only if scikit-learn could look at such labels: it does for the folds of a fitted
    classifier that is cross-validated, and refuses gaps, and strings beside numbers.
    """
    if not tasks.any_classification:
        tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return
    if not is_complete or not all(task.is_classification for task in tasks.tasks):
        return
    if len({task.classes_.dtype.kind == "O" for task in tasks.tasks}) == 1:
        tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
