"""What an estimator expects of rows that it has not seen, for whoever learns from that."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.parallel import Parallel
from sklearn.utils.validation import check_is_fitted

from skmtl._base import MultiTaskEstimator
from skmtl._cross_fitting import parts_of
from skmtl._features import check_rows
from skmtl._innermost import final_estimator
from skmtl.compose._meta import NestingEstimator, fit_prepared
from skmtl.compose._notes import in_a_line
from skmtl.compose._single_task import survival_of
from skmtl.compose._stack_fits import Workshop
from skmtl.compose._stack_folds import Fold, hold_out, make_folds
from skmtl.compose._stack_members import read_members
from skmtl.model_selection._folds import is_number
from skmtl.tasks._counts import numbers_of_labels
from skmtl.tasks._resolve import is_auto
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class HoldsOut(NestingEstimator):
    """Base of estimators with the parameters ``estimator``, ``cv`` and ``n_jobs``.

    One of scikit-learn is fitted to each task's own rows, as `IndependentTasks` does. One that is
    fitted already, in a FrozenEstimator or with ``cv="prefit"``, stays as it is: all rows are then
    held out.
    """

    cv: Any
    n_jobs: Any

    _parameter_constraints = {
        **NestingEstimator._parameter_constraints,
        "cv": ["cv_object", StrOptions({"prefit"})],
        "n_jobs": [Integral, None],
    }

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        # A splitter sees X and y as they were given.
        self._given = X, y
        try:
            return super().fit(X, y, sample_weight)
        finally:
            del self._given

    fit.__doc__ = MultiTaskEstimator.fit.__doc__

    def _hold_out(self, X: Any, targets: Targets) -> tuple[list[Array], Array]:
        """Fit ``estimator_``; what models expect of rows that they did not see, and part of each.

        The former is one array per column of y, NaN in rows that are never held out. Of a part
        (n_samples,) one model spoke, where there are several; -1 is that of none.
        """
        tasks, n_rows = targets.tasks, len(targets.values)
        together = parts_of([[np.arange(0), np.arange(n_rows)]], n_rows)
        fitted = self._fitted_before()
        if fitted is not None:
            self.estimator_ = fitted
            return self._expected_of(fitted, X, tasks.tasks), together
        (member,) = read_members([("estimator", self.estimator)], tasks)
        self.estimator_ = fit_prepared(*self._prepare(X, targets, given=member.template))
        own = getattr(final_estimator(self.estimator_), "out_of_fold_", None)
        if own is not None and is_number(self.cv) and all(len(c) == n_rows for c in own):
            return list(own), together
        folds = make_folds(self.cv, *self._given, targets)
        workshop = Workshop(X, targets, self._prepare, Parallel(n_jobs=self.n_jobs))
        (said,), failed = hold_out([member], folds, workshop)
        for job in failed:
            error: Any = job.error
            raise error
        for fold in folds:
            _forget_constants(said, targets, fold)
        return said, parts_of(folds, n_rows)

    def _plain_counts(self, targets: Targets) -> Array:
        """How many labels each weight stands for (n_samples, n_columns), those of classes apart.

        Weights of classes are for the estimator: they are no shares of the rows to come.
        """
        if self._fitted_before() is None:
            by_class = [
                np.broadcast_to(task.label_weight(values), len(values))
                for task, values, _ in targets.columns()
            ]
            factor = np.column_stack(by_class).reshape(targets.weights.shape)
            is_used = targets.weights > 0
            weights = np.divide(targets.weights, factor, out=np.zeros(factor.shape), where=is_used)
            targets = replace(targets, weights=weights)
        return numbers_of_labels(targets)

    def _check_has_classes(self, targets: Targets, what: str) -> None:
        """Raise where no task has classes; one without labels may have looked like numbers."""
        tasks = targets.tasks
        if self._kind == "regression":
            raise ValueError(
                f"{type(self).__name__}: estimator={in_a_line(self.estimator)} reads task "
                f"{tasks.names.tolist()[0]!r}, as all others, as regression: only classes have "
                f"{what}. Give a classifier, or an estimator for any type of task."
            )
        if not tasks.any_classification and (tasks.n_labels > 0).all():
            raise ValueError(
                f"{type(self).__name__}: task {tasks.names.tolist()[0]!r} is "
                f"{tasks.tasks[0].alias}{', as are all others' * (tasks.n_tasks > 1)}: only "
                f"classes have {what}. If its labels are classes, say so in tasks=."
            )

    def _survival(self, X: Any, task_index: Any, times: Array) -> list[Any]:
        found = survival_of(self.estimator_, X, times)
        return found if isinstance(found, list) else [found]

    def _check_survival(self) -> None:
        final_estimator(self.estimator_)._check_survival()

    def _fitted_before(self) -> Any:
        """The estimator that was fitted before; None where it is to be fitted here."""
        if isinstance(self.estimator, FrozenEstimator):
            return self.estimator.estimator
        is_before = isinstance(self.cv, str) and self.cv == "prefit"
        return self.estimator if is_before else None

    def _read_y(
        self, X: Any, y: Any, task_column: Any, sample_weight: Any, *options: Any, **named: Any
    ) -> Targets:
        fitted = self._fitted_before()
        if fitted is None:
            return super()._read_y(X, y, task_column, sample_weight, *options, **named)
        tasks = self._tasks_of(fitted)
        targets = tasks.read(y, task_column=task_column, sample_weight=sample_weight)
        check_rows(X, targets)
        if not targets.weights.any():
            raise ValueError("y has no observed label: every one is missing or has weight zero.")
        if targets.task_index is not None and (targets.task_index < 0).any():
            raise ValueError(
                f"{int((targets.task_index < 0).sum())} rows of X are of tasks that "
                f"{type(final_estimator(fitted)).__name__} had no row of when it was fitted."
            )
        self._name_of_y = getattr(y, "name", None)
        self._is_complete = bool((targets.weights > 0).all())
        return targets

    def _tasks_of(self, fitted: Any) -> Any:
        """Tasks of what was fitted before; raises where they are not known, or told once more."""
        check_is_fitted(fitted)
        final, own = final_estimator(fitted), type(self).__name__
        if not isinstance(final, MultiTaskEstimator):
            raise TypeError(
                f"{own}: estimator={final!r} was fitted before, and is none of skmtl; "
                "IndependentTasks(estimator), fitted to all tasks, is one."
            )
        told: dict[str, bool] = {
            "tasks": is_auto(self.tasks),
            "class_weight": getattr(self, "class_weight", None) is None,
        }
        for name, is_default in told.items():
            if not is_default:
                raise ValueError(
                    f"{own}: {name}={getattr(self, name)!r} has no effect on "
                    f"{type(final).__name__}, which was fitted before; give it there."
                )
        if final._task_set.is_long != (self.task_feature is not None):
            raise ValueError(
                f"{own}: task_feature={self.task_feature!r}, but {type(final).__name__} was fitted "
                f"with {final.task_feature!r}; give the same."
            )
        return final._task_set


def _forget_constants(said: list[Array], targets: Targets, fold: Fold) -> None:
    """NaN where the training rows of a fold have labels of one class only, of the task.

    A model then knows of no other, and is as sure as it will never be again.
    """
    train = targets.take(fold.train)
    index = targets.task_index
    for k, (task, values, weights) in enumerate(train.columns()):
        if not task.is_classification:
            continue
        used = weights > 0
        if index is None:
            if len(np.unique(values[used])) == 1:
                said[k][fold.test] = np.nan
            continue
        pairs = np.unique(np.column_stack([index[fold.train][used], values[used]]), axis=0)
        n_classes = np.bincount(pairs[:, 0].astype(np.intp), minlength=targets.tasks.n_tasks)
        said[k][fold.test[n_classes[index[fold.test]] == 1]] = np.nan


def only_known(expected: Array, weights: Array) -> NDArray[np.intp]:
    """Rows with a label and a prediction."""
    is_known = np.isfinite(expected.reshape(len(expected), -1)).all(axis=1)
    return np.flatnonzero(is_known & (weights > 0))
