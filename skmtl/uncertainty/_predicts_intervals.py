"""What conformal estimators say of new rows: intervals, sets of classes, regions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skmtl._by_blocks import by_blocks
from skmtl._coverage import check_coverage
from skmtl.compose._features import take_rows
from skmtl.tasks._rows import rows_by_task
from skmtl.uncertainty._bands import some_rows
from skmtl.uncertainty._conformal_models import FittedModels
from skmtl.uncertainty._conformal_scores import Calibration
from skmtl.uncertainty._new_tasks import NewTasks
from skmtl.uncertainty._reading import row_weights
from skmtl.uncertainty._regions import JointResiduals, predict_box, predict_ellipsoids

Array = NDArray[Any]


def _has(is_class: bool, what: str) -> Any:
    """Whether a task has what a method is for; not promised before `fit` has read them."""

    def check(estimator: Any) -> bool:
        tasks = getattr(estimator, "_task_set", None)
        if tasks is not None and not any(t.is_classification == is_class for t in tasks.tasks):
            raise AttributeError(f"No task has {what}.")
        return tasks is not None

    return check


class PredictsIntervals:
    """Mixin: everything that is predicted from held-out labels."""

    coverage: float
    _task_set: Any
    _read_new: Any
    _models: FittedModels
    _calibration: Calibration
    _joint: JointResiduals
    _new_tasks: NewTasks | None

    @available_if(_has(False, "numbers to predict: predict_set is for classes"))
    @by_blocks
    def predict_interval(
        self, X: Any, coverage: float | None = None, sample_weight: Any = None
    ) -> Array:
        """Predict an interval for the labels of every task of numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        coverage : float, default=None
            Probability that a new label is inside, between 0 and 1; by default the parameter.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights that labels of these rows would have had in `fit`; by default that of an
            average label. It matters for few labels.

        Returns
        -------
        interval : ndarray of shape (n_samples, n_tasks, 2), or (n_samples, 2) if y was 1-D
            Lower and upper ends in the units of y. NaN for classes and tasks without labels;
            infinite where there are too few labels for the coverage.
        """
        found = self._answer(X, coverage, sample_weight, self._intervals)
        return found[0] if self._task_set.is_1d else np.stack(found, axis=1)

    @available_if(_has(True, "classes: predict_interval is for numbers"))
    @by_blocks
    def predict_set(self, X: Any, coverage: float | None = None, sample_weight: Any = None) -> Any:
        """Predict a set of classes for every task that has them.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        coverage : float, default=None
            Probability that a new label is in the set, between 0 and 1; by default the parameter.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights that labels of these rows would have had in `fit`.

        Returns
        -------
        is_in : list of ndarray of bool, shape (n_samples, n_classes), or ndarray if y was 1-D
            One entry per task, columns ordered as in ``classes_``; None for tasks of numbers.
            All classes where there are too few labels for the coverage.
        """
        found = self._answer(X, coverage, sample_weight, self._sets)
        return found[0] if self._task_set.is_1d else found

    @available_if(_has(False, "numbers to predict: predict_set is for classes"))
    @by_blocks
    def predict_region(self, X: Any, coverage: float | None = None, shape: str = "box") -> Any:
        r"""Predict a region for the labels of all tasks of numbers at once.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        coverage : float, default=None
            Probability that all labels of a new row are inside, between 0 and 1; by default the
            parameter.
        shape : {"box", "ellipsoid"}, default="box"
            "box": an interval for each task, of a length in proportion to how hard the task is.
            "ellipsoid": smaller where errors of different tasks go together.

        Returns
        -------
        region : ndarray of shape (n_samples, n_tasks, 2), or tuple
            The box, NaN and infinite as intervals are. Of an ellipsoid the centres m, of shape
            (n_samples, n_numbers), and matrices A, of shape (n_samples, n_numbers, n_numbers), of
            the tasks of numbers: labels y are inside where
            :math:`(y - m)' A^{-1} (y - m) \le 1`.

        Raises
        ------
        ValueError
            In long form, where no row has labels of several tasks; and of an ellipsoid for a task
            of which no label was held out.

        Notes
        -----
        Where fewer than 10 / (1 - coverage) rows have all their labels, the others count, too, as
        if residuals were normal with the correlation that is observed. With "cv+" and
        "jackknife+" an ellipsoid is around what the model of all rows predicts, and only
        approximate. Weights of labels of one row count by their mean.
        """
        check_is_fitted(self)
        if shape not in ("box", "ellipsoid"):
            raise ValueError(f"shape={shape!r}; expected 'box' or 'ellipsoid'.")
        if self._task_set.is_long:
            raise ValueError(
                "predict_region is for rows that have labels of several tasks; in long form each "
                "row is of one task, whose region is predict_interval."
            )
        coverage = check_coverage(self.coverage if coverage is None else coverage)
        X, _ = self._read_new(X)
        if shape == "box":
            ends = predict_box(self._models, X, self._joint, coverage)
            return ends[:, 0] if self._task_set.is_1d else ends
        return predict_ellipsoids(self._models, X, self._joint, coverage)

    def _answer(self, X: Any, coverage: Any, sample_weight: Any, ask: Any) -> list[Any]:
        """For each column of y what ``ask`` makes of a task and what models say of its rows."""
        check_is_fitted(self)
        coverage = check_coverage(self.coverage if coverage is None else coverage)
        X, task_index = self._read_new(X)
        tasks, said = self._task_set, self._models.say(X, task_index)
        weight = row_weights(sample_weight, X.shape[0], tasks)
        if task_index is None:
            return [
                ask(t, [of_model[t] for of_model in said], coverage, weight[:, t], X.shape[0])
                for t in range(tasks.n_tasks)
            ]
        found = ask(-1, [], coverage, weight[:, 0], X.shape[0])
        unknown = np.flatnonzero(task_index < 0)
        if len(unknown) and self._new_tasks is not None:
            found[unknown] = self._new_tasks.answer(take_rows(X, unknown), coverage)
        for t, rows in enumerate(rows_by_task(task_index, tasks.n_tasks)):
            if len(rows):
                own = [some_rows(of_model[0], rows) for of_model in said]
                found[rows] = ask(t, own, coverage, weight[rows, 0], len(rows))
        return [found]

    def _intervals(self, t: int, bands: Any, coverage: float, weight: Array, n_rows: int) -> Array:
        tasks = self._task_set
        ends = np.full((n_rows, 2), np.nan)
        if tasks.tasks[0 if tasks.is_long else t].is_classification:
            return ends
        known = self._models.that_know(t)
        if not len(known):
            is_known = t < 0 or tasks.n_labels[t] > 0
            return np.broadcast_to([-np.inf, np.inf], ends.shape).copy() if is_known else ends
        return self._calibration.intervals(t, bands, known, coverage, weight)

    def _sets(self, t: int, said: Any, coverage: float, weight: Array, n_rows: int) -> Any:
        task = self._task_set.tasks[0 if self._task_set.is_long else t]
        if not task.is_classification:
            return None
        known = self._models.that_know(t)
        if not len(known):
            return np.ones((n_rows, len(task.classes_)), dtype=bool)
        return self._calibration.sets(t, said, known, coverage, weight)
