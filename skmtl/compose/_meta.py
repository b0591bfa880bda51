"""What estimators that hold another estimator of this package have in common."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods

from skmtl._base import MultiTaskEstimator
from skmtl._innermost import innermost
from skmtl._warnings import known_labels
from skmtl.compose._features import KeepsFeatures, read_features, take_rows
from skmtl.compose._moved import task_stays
from skmtl.compose._named_labels import labels_of
from skmtl.compose._tags import follow, kind_of
from skmtl.compose._weights import fit_weighted
from skmtl.tasks import Task
from skmtl.tasks import _constraints as constraints
from skmtl.tasks._columns import match
from skmtl.tasks._features import as_table, position_of_task
from skmtl.tasks._some_tasks import cut_settings
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class _KindOfEstimator:
    """Reads y as the estimator does; "any" where there is none to ask."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        kind = kind_of(getattr(instance, "estimator", None))
        return KIND_OF.get(kind, "any")


KIND_OF = {"regressor": "regression", "classifier": "classification"}


class NestingEstimator(KeepsFeatures, MultiTaskEstimator):
    """Base of estimators with the parameter ``estimator``.

    y is read here. The estimator gets what was read, with the tasks declared: it makes no second
    guess, and does not warn again. X it gets as it came.
    """

    _kind = _KindOfEstimator()

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        **constraints.TASKS,
        **constraints.CLASS_WEIGHT,
    }

    def _prepare(self, X: Any, targets: Targets, members: Any = None, given: Any = None) -> Any:
        """Estimator, X, y and weights for these tasks; all by default.

        The estimator is a clone of ``given``, where it is not the one that this is around.
        """
        tasks = targets.tasks
        members = np.arange(tasks.n_tasks) if members is None else members
        estimator = clone(self.estimator if given is None else given)
        path, inner = innermost(estimator)
        _check_left_to_us(inner, type(self).__name__)
        names = tasks.names.tolist()
        settings = cut_settings(inner, names, members, {names[t]: names[t] for t in members})
        if tasks.is_long:
            index: Any = targets.task_index
            rows = np.flatnonzero(np.isin(index, members))
            X, targets = take_rows(X, rows), targets.take(rows)
            settings["task_feature"] = self._task_feature(path)
            settings["unknown_task"] = self.unknown_task
        elif len(members) < tasks.n_tasks:
            targets = targets.select(members)
        settings["tasks"] = [
            _declared(task, targets if tasks.is_long else None) for task in targets.tasks.tasks
        ]
        settings = _taken(inner, settings, tasks)
        estimator.set_params(**{f"{path}{name}": value for name, value in settings.items()})
        is_plain = np.isin(targets.weights, (0.0, 1.0)).all()
        return estimator, X, labels_of(targets), None if is_plain else targets.weights

    def _read_X(self, X: Any, *, reset: bool) -> Any:
        # The estimator finds the task feature itself, where it was.
        without, task_column = super()._read_X(X, reset=reset)
        return without if task_column is None else read_features(as_table(X)), task_column

    def _expected_of(self, fitted: Any, X: Any, tasks: Any) -> list[Any]:
        """Links of a fitted estimator, for the tasks that it was fitted to."""
        return expected_of(fitted, X, tasks, is_long=self._task_set.is_long)

    def _decisions_of(self, fitted: Any, X: Any, tasks: Any) -> list[Any]:
        """What a fitted estimator predicts for the tasks that it was fitted to."""
        return [
            _labels_of(task, column)
            for task, column in zip(tasks, _columns(fitted.predict(X)), strict=True)
        ]

    def _task_feature(self, path: Any) -> Any:
        """The task feature, as the estimator at the end of ``path`` finds it."""
        if isinstance(self.task_feature, str) and path:
            # The steps before it may leave no names.
            return position_of_task(self.feature_names_in_.tolist(), self.task_feature)
        return self.task_feature

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        if kind_of(self.estimator) is not None:
            tags.estimator_type = inner.estimator_type
            tags.classifier_tags = deepcopy(inner.classifier_tags)
            tags.regressor_tags = deepcopy(inner.regressor_tags)
        follow(tags, [self.estimator])
        return tags


def _taken(inner: Any, settings: dict[str, Any], tasks: Any) -> dict[str, Any]:
    """The settings that the estimator has; raises where it cannot do without the others.

    scikit-learn's classes of this package, as `MultiTaskLasso`, learn columns of numbers only.
    """
    if "tasks" in inner.get_params(deep=False):
        return settings
    odd = [task.alias for task in tasks.tasks if not task.has_squared_loss]
    if tasks.is_long or odd:
        what = "long form" if tasks.is_long else f"tasks of type {odd[0]!r}"
        raise ValueError(
            f"{type(inner).__name__} learns columns of numbers only, not {what}; use an estimator "
            "with the parameter tasks, such as MultiTaskLinear."
        )
    left_out = ("tasks", "task_feature", "unknown_task")
    return {name: value for name, value in settings.items() if name not in left_out}


def fit_prepared(estimator: Any, X: Any, y: Any, weights: Array) -> Any:
    """Fit what `NestingEstimator._prepare` made."""
    names = getattr(y, "columns", ["y"])
    with task_stays(estimator, X), known_labels():
        return fit_weighted(estimator, X, y, weights, names[0])


def expected_of(fitted: Any, X: Any, tasks: Any, *, is_long: bool) -> list[Any]:
    """Expected values or probabilities of the ``tasks`` that an estimator was fitted to."""
    are_classes = [task.is_classification for task in tasks]
    predicted: Any = [None] * len(tasks)
    probabilities: Any = predicted
    if not all(are_classes):
        predicted = list(_columns(fitted.predict(X)))
    if any(task.expected_shape and not task.is_classification for task in tasks):
        quantiles = fitted.predict_quantiles(X)
        quantiles = quantiles if isinstance(quantiles, list) else [quantiles]
        pairs = zip(quantiles, predicted, strict=True)
        predicted = [column if several is None else several for several, column in pairs]
    if any(are_classes):
        found = fitted.predict_proba(X)
        probabilities = found if isinstance(found, list) else [found]
    if is_long and are_classes[0]:
        probabilities = [_of_all_classes(found, fitted.classes_, tasks[0].classes_)]
    return [
        probability if is_class else column.astype(np.float64)
        for is_class, probability, column in zip(are_classes, probabilities, predicted, strict=True)
    ]


def _check_left_to_us(inner: Any, name: Any) -> None:
    """Raise if the tasks were described to the estimator and not to the one around it."""
    is_auto = isinstance(inner.tasks, str) and inner.tasks == "auto"
    for parameter, is_default in (
        ("tasks", is_auto),
        ("task_feature", inner.task_feature is None),
        ("unknown_task", inner.unknown_task == "error"),
        ("class_weight", getattr(inner, "class_weight", None) is None),
    ):
        if not is_default:
            raise ValueError(
                f"{parameter}={getattr(inner, parameter)!r} was given to "
                f"{type(inner).__name__}, the estimator inside of {name}; give it to {name}."
            )


def _declared(task: Task, long_targets: Any) -> Any:
    """The task type with its classes, in long form those of these rows."""
    if not task.is_classification:
        return clone(task)
    classes = task.classes_
    if long_targets is not None:
        seen = long_targets.values[long_targets.weights > 0]
        classes = classes[np.unique(seen).astype(np.intp)]
    # Class weights are in the weights of the labels already.
    return clone(task).set_params(class_weight=None, classes=classes.tolist())


def _of_all_classes(probability: Any, classes: Any, all_classes: Any) -> Any:
    """Probabilities with a column for classes that these rows do not have."""
    whole = np.zeros((len(probability), len(all_classes)))
    whole[:, match(all_classes, classes)] = probability
    return whole


def _columns(predicted: Any) -> Any:
    """One array per task."""
    predicted = np.asarray(predicted)
    return predicted.reshape(len(predicted), -1).T


def _labels_of(task: Task, column: Any) -> Any:
    """Predictions of one task, which beside those of others may have another dtype."""
    if not task.is_classification:
        return column.astype(np.float64)
    position = {label: k for k, label in enumerate(task.classes_.tolist())}
    return task.classes_[[position[label] for label in column.tolist()]]
