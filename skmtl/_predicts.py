"""What an estimator says of new rows: labels, probabilities, survival, quantiles."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skmtl._by_blocks import by_blocks
from skmtl._encoded_labels import ADVICE, are_encoded, check_all_have_classes
from skmtl.tasks._base import Task
from skmtl.tasks._quantile import Quantile
from skmtl.tasks._task_set import Link

Array = NDArray[Any]


def _may_have_classes(estimator: Any) -> bool:
    """Whether `predict_proba` can answer; not promised before `fit` has seen a class."""
    if hasattr(estimator, "_task_set"):
        if not estimator._task_set.any_classification:
            raise AttributeError(
                "No task has classes: all were read as numbers. Declare them in tasks, or give "
                f"labels as bool, string or category.{f' {ADVICE}' if are_encoded() else ''}"
            )
        return True
    return estimator._kind == "classification"


def _may_have_times(estimator: Any) -> bool:
    """Whether `predict_survival` can answer; not promised before `fit` has seen a time."""
    tasks = getattr(estimator, "_task_set", None)
    if tasks is not None and not any(task.has_times for task in tasks.tasks):
        raise AttributeError("No task is a time until an event: declare tasks='survival'.")
    if tasks is not None:
        estimator._check_survival()
    return tasks is not None


def _later(task: Task, raw: Array, times: Array) -> Array:
    """Probabilities of later events; no column where labels are no times."""
    has_times: Any = task
    return has_times.survival(raw, times) if task.has_times else np.empty((len(raw), 0))


def _may_have_quantiles(estimator: Any) -> bool:
    """Whether `predict_quantiles` can answer."""
    tasks = getattr(estimator, "_task_set", None)
    if tasks is not None and not any(isinstance(task, Quantile) for task in tasks.tasks):
        raise AttributeError("No task has quantiles: declare tasks=Quantile(levels).")
    return tasks is not None


def _check_fitted(estimator: Any) -> None:
    """`check_is_fitted`, whose questions take as long as many a prediction of a row."""
    if "_task_set" not in vars(estimator):
        check_is_fitted(estimator)


class Predicts:
    """Mixin: everything that is predicted, from `_linked` or `_expected` of a subclass."""

    _task_set: Any
    _read_new: Any
    task_names_in_: Any

    def _linked(self, X: Any, task_index: Any, link: Link | None) -> list[Any]:
        """What ``link`` makes of each `Task` and its raw scores: a list with one array for each.

        By default that is `Task.inverse_link`.
        """
        raise NotImplementedError

    def _expected(self, X: Any, task_index: Any) -> list[Any]:
        """Expected values or class probabilities: a list with one array per `Task`."""
        return self._linked(X, task_index, None)

    def _check_survival(self) -> None:
        """Raise AttributeError where there are times, but no probabilities of them."""
        if type(self)._linked is Predicts._linked:
            raise AttributeError(
                f"{type(self).__name__} predicts times, but no probabilities of them. Linear "
                "models, networks, MultiTaskKernelRidgeCV, IndependentTasks and TaskStacking do."
            )

    def _survival(self, X: Any, task_index: Any, times: Array) -> list[Any]:
        """Probabilities (n, n_times) of later events, of each `Task` that has times."""
        return self._linked(X, task_index, partial(_later, times=times))

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> list[Any]:
        """Predicted labels: a list with one array per `Task`; the most probable classes.

        ``expected`` are those of X, where they are known.
        """
        expected = self._expected(X, task_index) if expected is None else expected
        return [
            task.decode(of_task)
            for task, of_task in zip(self._task_set.tasks, expected, strict=True)
        ]

    @by_blocks
    def predict(self, X: Any) -> Any:
        """Predict the labels of every task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.

        Returns
        -------
        y : ndarray of shape (n_samples, n_tasks), or (n_samples,) if y was 1-D in `fit`
            Predictions in the units of y; dtype object if a task has string labels. NaN for
            a regression task without labels.
        """
        _check_fitted(self)
        return self._task_set.join(self._decisions(*self._read_new(X)))

    @available_if(_may_have_classes)
    @by_blocks
    def predict_proba(self, X: Any) -> Any:
        """Predict class probabilities of the classification tasks.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.

        Returns
        -------
        p : list of ndarray of shape (n_samples, n_classes), or ndarray if y was 1-D in `fit`
            One entry per task, columns ordered as in ``classes_``; None for regression tasks.
        """
        _check_fitted(self)
        found = self._task_set.probabilities(self._expected(*self._read_new(X)))
        check_all_have_classes(found, self.task_names_in_.tolist())
        return found

    @available_if(_may_have_times)
    @by_blocks
    def predict_survival(self, X: Any, times: Any) -> Any:
        """Predict probabilities of events later than given times.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        times : array-like of shape (n_times,)
            Times > 0, in the units of y.

        Returns
        -------
        p : list of ndarray of shape (n_samples, n_times), or ndarray if y was 1-D in `fit`
            One entry per task, None for tasks that are no times; NaN where `fit` saw no event.
        """
        _check_fitted(self)
        times = np.asarray(times, dtype=np.float64)
        if times.ndim != 1 or not (times > 0).all():
            raise ValueError(f"times must be 1-D and positive, got {times!r}.")
        X, task_index = self._read_new(X)
        found = [
            of_task if task.has_times else None
            for task, of_task in zip(
                self._task_set.tasks, self._survival(X, task_index, times), strict=True
            )
        ]
        return found[0] if self._task_set.is_1d else found

    @available_if(_may_have_quantiles)
    @by_blocks
    def predict_quantiles(self, X: Any) -> Any:
        """Predict the quantiles of the quantile tasks.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.

        Returns
        -------
        q : list of ndarray of shape (n_samples, n_levels), or ndarray if y was 1-D in `fit`
            One entry per task, columns ordered as in its ``levels_``, which never cross; None for
            tasks of other types.
        """
        _check_fitted(self)
        tasks, expected = self._task_set, self._expected(*self._read_new(X))
        found = [
            of_task if isinstance(task, Quantile) else None
            for task, of_task in zip(tasks.tasks, expected, strict=True)
        ]
        return found[0] if tasks.is_1d else found
