"""Linear models of rows that come in chunks."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._all_or_nothing import all_or_nothing
from skmtl._base import MultiTaskEstimator
from skmtl._further_rows import read_more
from skmtl._prequential import history_of
from skmtl._rounding import varies
from skmtl._warnings import warn
from skmtl.linear.cross_validation._held_out_alpha import held_out_alpha
from skmtl.linear.estimators._linear_model import LinearModel
from skmtl.linear.estimators._loss_chunks import learn_chunk
from skmtl.linear.estimators._loss_stream import LossStream
from skmtl.linear.estimators._task_statistics import TaskStatistics
from skmtl.linear.objective._squared_loss import require_squared_loss
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.objective._training_data import learnable
from skmtl.sources._base import Source
from skmtl.sources._label_types import are_numbers
from skmtl.sources._read_source import read_source
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._columns import Column
from skmtl.tasks._read_targets import warn_of_few
from skmtl.tasks._resolve import resolve_tasks
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet, is_mixed

Array = NDArray[Any]

STREAM = ("statistics_", "history_", "_losses")
"""What a stream leaves beside what a fit does."""


class Streaming(MultiTaskEstimator):
    """Mixin: `partial_fit` and `fit_statistics`, beside the `fit` of a linear model.

    A subclass fits `StreamStatistics` in `_fit`, as it fits rows.
    """

    _learns_from_blocks = True
    fit_intercept: bool
    task_weight: Any
    statistics_: TaskStatistics
    history_: dict[str, Array]
    _losses: LossStream
    half_life: float | None = None
    _goes_where_rows_are = True

    def _begin(self, X: Any, y: Any, sample_weight: Any) -> Any:
        self._forget_stream()
        return super()._begin(X, y, sample_weight)

    def _forget_stream(self) -> None:
        for name in STREAM:
            self.__dict__.pop(name, None)

    def fit_statistics(self, statistics: TaskStatistics) -> Self:
        """Fit the model to rows that have been summed up.

        Parameters
        ----------
        statistics : TaskStatistics
            Of all rows. All tasks are regression with squared loss.

        Returns
        -------
        self : object
            Fitted estimator, the same as `fit` of these rows makes it. `partial_fit` goes on from
            there.

        Raises
        ------
        ValueError
            If there is no row, or ``tasks`` or ``task_feature`` do not agree.
        """
        self._validate_params()
        with all_or_nothing(self):
            self._forget_stream()
            tasks = _tasks_of(self, statistics)
            warn_of_few(tasks, tasks.names.tolist())
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
                if hasattr(statistics, name):
                    setattr(self, name, getattr(statistics, name))
            self.statistics_ = copy(statistics)
            self._fit_sums(tasks)
        return self

    def _fit_source(self, source: Source) -> None:
        """`fit_statistics` of what blocks add up to; other losses than squared go over the rows."""
        if not are_numbers(self, source):
            X, task_column, labels = read_source(self, source)
            targets = self._read_y(X, labels, task_column, None)
            if not (isinstance(X, StoredRows) and targets.tasks.has_squared_loss):
                self._forget_stream()
                self._publish(targets.tasks)
                self._fit(X, targets)
                return
        statistics = source.statistics(self.task_feature)
        self._choose = partial(self._hold_out, source)
        try:
            self.fit_statistics(statistics)
        finally:
            self.__dict__.pop("_choose", None)

    def _hold_out(self, source: Source, *given: Any) -> float:
        """`held_out_alpha` of the rows of a source."""
        penalty, options, alphas = given[-3:]
        X, task_column, labels = read_source(self, source)
        targets = self._read_y(X, labels, task_column, None)
        return held_out_alpha(*learnable(X, targets, self.task_weight), penalty, options, alphas)

    def _partial_fit(self, X: Any, y: Any, classes: Any, sample_weight: Any) -> Self:
        self._validate_params()
        with all_or_nothing(self):
            if hasattr(self, "_grown"):
                raise ValueError(
                    "Tasks were added or dropped, of which the stream knows nothing. Let tasks "
                    "come in partial_fit itself, in long form or with labels missing until they "
                    "come; or call fit, which forgets added tasks."
                )
            is_first = not (hasattr(self, "statistics_") or hasattr(self, "_losses"))
            if is_first and hasattr(self, "_task_set"):
                warn(
                    "partial_fit begins anew: fit keeps nothing of its rows that it could go on "
                    "from. To add rows to those, give them to partial_fit first, which finds what "
                    "fit finds.",
                    UserWarning,
                )
                del self._task_set
            X, task_column = self._read_X(X, reset=is_first)
            targets = self._read_chunk(X, y, task_column, sample_weight, classes, is_first=is_first)
            self.history_ = history_of(self, X, targets, getattr(self, "history_", {}))
            self._learn_chunk(X, targets)
        return self

    def _read_chunk(
        self,
        X: Any,
        y: Any,
        task_column: Any,
        sample_weight: Any,
        classes: Any,
        *,
        is_first: bool,
    ) -> Targets:
        """Labels of a chunk: as they are for squared losses, else in the units of the fit."""
        if is_first:
            targets: Targets = self._read_y(X, y, task_column, sample_weight, classes)
            return _as_they_are(targets) if targets.tasks.has_squared_loss else targets
        losses = vars(self).get("_losses")
        standardize: Any = False
        if losses is not None:
            is_wanted = self._standardize is True or losses.tasks.is_mixed
            standardize = is_wanted and ("about_zero" if self._about_zero else True)
        return read_more(
            self,
            X,
            y,
            task_column,
            sample_weight,
            tasks=None if losses is None else losses.tasks,
            standardize=standardize,
            admits_tasks=True,
        )

    def _learn_chunk(self, X: Any, targets: Targets) -> None:
        if targets.tasks.has_squared_loss:
            has_some = hasattr(self, "statistics_")
            statistics = copy(self.statistics_) if has_some else self._statistics_of_columns()
            statistics._add(X, targets, half_life=self.half_life)
            self.statistics_ = statistics
            # Rows without labels make others older, all alike, and may bring tasks.
            has_more = has_some and targets.tasks.n_tasks > self._task_set.n_tasks
            if targets.weights.any() or has_more:
                self._fit_sums(targets.tasks)
            return
        if not isinstance(self, LinearModel):
            require_squared_loss(targets.tasks, type(self).__name__)
        self._losses = learn_chunk(self, vars(self).get("_losses"), X, targets)

    def _statistics_of_columns(self) -> TaskStatistics:
        """Statistics without rows, of the columns of X that the estimator has read."""
        found = TaskStatistics(task_feature=self.task_feature)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(found, name, getattr(self, name))
        return found

    def _fit_sums(self, tasks: TaskSet) -> None:
        """Fit what has been summed up, of these tasks."""
        sums = self.statistics_._sums
        standardize: Any = self._standardize
        if standardize is True or (standardize == "mixed" and is_mixed(tasks.tasks)):
            tasks, sums = _standardised(tasks, sums, about_zero=self._about_zero)
        self._publish(tasks)
        nothing = np.zeros((0, len(tasks.tasks)))
        self._fit(
            sums if self.fit_intercept else sums.uncentred(), Targets(tasks, nothing, nothing)
        )


def _tasks_of(estimator: Any, statistics: TaskStatistics) -> TaskSet:
    """The tasks of statistics, as the estimator declares them."""
    if not isinstance(statistics, TaskStatistics) or not hasattr(statistics, "_task_set"):
        raise ValueError(
            f"fit_statistics takes TaskStatistics with rows, got {statistics!r}: call its update."
        )
    if statistics.task_feature != estimator.task_feature:
        raise ValueError(
            f"The statistics have task_feature={statistics.task_feature!r}, the estimator "
            f"{estimator.task_feature!r}. Give both the same."
        )
    known = statistics._task_set
    if not known.n_labels.any():
        raise ValueError("y has no observed label: every one is missing or has weight zero.")
    names = ["y"] if known.is_long else known.names.tolist()
    number = Column(np.array([0.5]), np.array([True]))
    n = len(names)
    types = resolve_tasks(estimator.tasks, [number] * n, [np.ones(1)] * n, names, estimator._kind)
    for task, of_sums, name in zip(types, known.tasks, names, strict=True):
        task.fit(Column(np.zeros(0), np.zeros(0, dtype=bool)), np.zeros(0), name)
        task.n_labels_ = of_sums.n_labels_
    tasks = replace(known, tasks=tuple(types))
    require_squared_loss(tasks, type(estimator).__name__)
    return tasks


def _as_they_are(targets: Targets) -> Targets:
    """Labels of regression tasks in the units of y."""
    values = targets.values.copy()
    by_column = values.reshape(len(values), -1).T
    for task, of_task in zip(targets.tasks.tasks, by_column, strict=True):
        number: Any = task
        if number.location_ or number.scale_ != 1.0:
            of_task[:] = number.labels(of_task)
            number.location_, number.scale_ = 0.0, 1.0
    return replace(targets, values=values)


def _standardised(
    tasks: TaskSet, sums: StreamStatistics, *, about_zero: bool
) -> tuple[TaskSet, StreamStatistics]:
    """Tasks with location and scale of their labels, and the statistics of these in their units.

    In long form they are those of all labels together.
    """
    omega, n_tasks = sums.omega, len(sums.omega)
    shares = omega / omega.sum() if tasks.is_long else None
    location = np.zeros(n_tasks) if about_zero else sums.y_mean.copy()
    if shares is not None and not about_zero:
        location = np.full(n_tasks, shares @ sums.y_mean)
    about = sums.squares + omega * (sums.y_mean - location) ** 2
    total = np.where(omega > 0, omega, 1.0)
    variance = about / total if shares is None else np.full(n_tasks, about.sum() / omega.sum())
    scale = np.sqrt(variance)
    scale = np.where(varies(scale, np.abs(location) + scale), scale, 1.0)
    known = []
    for t, task in enumerate(tasks.tasks):
        task = copy(task)
        if task.can_rescale:
            task.location_, task.scale_ = float(location[t]), float(scale[t])
        else:
            location[t], scale[t] = 0.0, 1.0
        known.append(task)
    return replace(tasks, tasks=tuple(known)), sums.standardised(location, scale)
