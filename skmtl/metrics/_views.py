"""One task seen as a scikit-learn estimator of its own, with answers already given.

Handing such a view to a scikit-learn scorer makes scikit-learn choose the response method and
compute the number: what comes out for complete labels is its own result.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.metaestimators import available_if

from skmtl.metrics._keys import score_keys
from skmtl.tasks import Binary, Multiclass, Regression, Task
from skmtl.tasks._columns import match
from skmtl.tasks._labels import read_labels

Array = NDArray[Any]

UNKNOWN = "unknown"
"""Family of a task without any label."""


def _can(method: Any) -> Any:
    return available_if(lambda view: method in view.answers)


class TaskView(BaseEstimator):
    """Fitted estimator of one task; it answers for the observed rows, whatever X.

    ``answers`` maps response methods to functions without argument. ``labels`` are those of the
    observed rows; classes among them that `fit` did not see get probability 0. ``guessed`` is the
    family of a task of which `fit` has seen no label, so that there is nothing to score.
    """

    def __init__(
        self,
        key: Any,
        name: Any,
        task_type: Any,
        answers: Any,
        labels: Array,
        weight: Array,
        classes: Any = None,
        guessed: str | None = None,
    ) -> None:
        self.key = key
        self.name = name
        self.task_type = task_type
        self.answers = dict(answers)
        self.labels = labels
        self.weight = weight
        self.classes = classes
        self.guessed = guessed
        if classes is not None:
            self._read_classes()

    @property
    def alias(self) -> Any:
        """Name of the task type."""
        return self.task_type.alias

    @property
    def family(self) -> Any:
        """What kind of metrics applies: none of scikit-learn's to times, some of them censored."""
        if self.guessed is not None:
            return self.guessed
        if self.task_type.has_times:
            return self.task_type.alias
        return "regression" if self.classes is None else "classification"

    def _read_classes(self) -> None:
        known = _comparable(np.asarray(self.classes), self.labels, self.key)
        codes = match(known, self.labels)
        unseen = np.unique(self.labels[codes < 0])
        self.classes_ = np.union1d(known, unseen) if len(unseen) else known
        self.labels = self.classes_[match(self.classes_, self.labels)]
        self._column = match(self.classes_, known)
        if len(unseen):
            # There is no decision value that means "never".
            self.answers.pop("decision_function", None)

    @_can("predict")
    def predict(self, X: Any) -> Any:
        return self.answers["predict"]()

    @_can("predict_proba")
    def predict_proba(self, X: Any) -> Any:
        known = self.answers["predict_proba"]()
        proba = np.zeros((len(known), len(self.classes_)))
        proba[:, self._column] = known
        return proba

    @_can("decision_function")
    def decision_function(self, X: Any) -> Any:
        return self.answers["decision_function"]()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor" if self.classes is None else "classifier"
        return tags


def view_of_task(scored: Any) -> Any:
    """View of one `ScoredTask` of an estimator of this package."""
    used = scored.weight > 0
    column, task = scored.column.take(used), scored.column.task
    answers = {"predict": column.decide}
    if task.is_classification:
        answers["predict_proba"] = lambda: column.expected
    classes = task.classes_ if task.is_classification else None
    labels = scored.labels[used]
    known = type(task), answers, labels, column.weight, classes, scored.guessed
    return TaskView(scored.key, scored.name, *known)


def views_of_other(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Any:
    """Views of the targets of a scikit-learn estimator, column by column."""
    labels = read_labels(y, sample_weight)
    columns, names = labels.columns, labels.task_names

    @cache
    def response(method: Any) -> Any:
        return getattr(estimator, method)(X)

    views = []
    tasks = zip(score_keys(names), names, columns, labels.weights, strict=True)
    for t, (key, name, column, weight) in enumerate(tasks):
        used = weight > 0
        classes: Any = None
        task_type: type[Task] = Regression
        methods = ["predict"]
        if is_classifier(estimator):
            classes = _classes_of(estimator, t, len(columns))
            task_type = Binary if len(classes) <= 2 else Multiclass
            methods += ["predict_proba", "decision_function"]
        answers = {
            method: _answer(response, method, t, len(columns), used)
            for method in methods
            if hasattr(estimator, method)
        }
        views.append(
            TaskView(key, name, task_type, answers, column.labels[used], weight[used], classes)
        )
    return views


def _classes_of(estimator: Any, t: Any, n_targets: Any) -> Any:
    classes = estimator.classes_
    if isinstance(classes, list):
        return np.asarray(classes[t])
    # For indicator targets ``classes_`` are the columns; the classes of each are 0 and 1.
    return np.asarray(classes) if n_targets == 1 else np.array([0, 1])


def _answer(response: Any, method: Any, t: Any, n_targets: Any, used: Any) -> Any:
    def answer() -> Any:
        output = response(method)
        if isinstance(output, list):
            return np.asarray(output[t])[used]
        if n_targets == 1:
            is_column = method == "predict" and np.ndim(output) == 2
            return np.asarray(output)[used, 0] if is_column else np.asarray(output)[used]
        if np.ndim(output) != 2 or output.shape[1] != n_targets:
            raise ValueError(
                f"{method} gives an array of shape {np.shape(output)}, but y has {n_targets} tasks."
            )
        column = np.asarray(output)[used, t]
        if method == "predict_proba":
            return np.column_stack([1.0 - column, column])
        return column

    return answer


def _comparable(classes: Any, labels: Array, key: Any) -> Any:
    """Classes as labels read from y can be compared with: strings have dtype object."""
    if classes.dtype.kind in "UST":
        classes = classes.astype(object)
    if len(labels) and (classes.dtype.kind == "O") != (labels.dtype.kind == "O"):
        raise ValueError(
            f"Task {key}: y has the label {labels[0]!r}, but the classes of fit are "
            f"{classes[:5].tolist()}; write both as strings or both as numbers."
        )
    return classes
