"""The skeleton of every estimator: read X and y, fit, decode."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skmtl._aliases import Searchable
from skmtl._all_or_nothing import all_or_nothing
from skmtl._encoded_labels import with_advice
from skmtl._features import (
    ValidatesFeatures,
    check_rows,
    refuse_transposed,
    warn_of_other_order,
)
from skmtl._frames import PredictsFrames
from skmtl._html import NotebookMixin
from skmtl._kind_tags import tell_kind
from skmtl._predicts import Predicts
from skmtl._scores_tasks import ScoresTasks
from skmtl._versions import Versioned
from skmtl._warnings import one_fit
from skmtl.sources._array_source import large_map
from skmtl.sources._as_source import as_source, refuse_source
from skmtl.sources._base import Source
from skmtl.tasks._columns import match
from skmtl.tasks._features import read_task_column
from skmtl.tasks._read_targets import read_targets
from skmtl.tasks._table import FittedTasks
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class MultiTaskEstimator(
    Predicts,
    ScoresTasks,
    PredictsFrames,
    ValidatesFeatures,
    Versioned,
    NotebookMixin,
    Searchable,
    BaseEstimator,
):
    """Base class: everything but the model.

    A subclass has the parameters ``tasks``, ``task_feature`` and ``unknown_task`` and provides
    `_fit`, and `_linked` or `_expected`. ``tasks`` speaks of columns of y, ``task_feature`` of a
    column of X (long form), ``unknown_task`` ("error" or "shared") of tasks first met at predict.
    """

    _kind = "any"
    _standardize = False
    # Whether standardising only scales: a model without intercepts predicts 0 where X is 0.
    _about_zero = False
    # Whether thresholds and scales of likelihoods are raw scores, which features may explain.
    _shape_varies = False
    # Whether `_fit_source` does, so that memory maps need not be read whole.
    _learns_from_blocks = False
    # Whether a fit to rows of another process asks that one, block by block.
    _goes_where_rows_are = False

    @abstractmethod
    def _fit(self, X: Any, targets: Targets) -> None:
        """Learn from validated X and `Targets`; set fitted attributes."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit the model to all observed labels of all tasks.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features), or source
            Features. In long form (``task_feature`` given) one column says which task a row
            belongs to. A source of blocks, alone, has all three: see `skmtl.sources`.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; NaN, None, pandas.NA and masked entries are unobserved. One label per row in
            long form. Also a dict of columns, or an Arrow table.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels. A weight of 0 is the same as an unobserved label, whatever
            stands there. Columns of a DataFrame or dict are matched with those of y by name;
            one number per row goes by position, also in a Series.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If X has NaN or infinity (an estimator made of others leaves that to them), no label
            is observed, or labels do not fit their task type; the message names the task and the
            value.
        """
        self._validate_params()
        with all_or_nothing(self), one_fit():
            source = as_source(X, y, sample_weight)
            if source is None and self._learns_from_blocks:
                source = large_map(X, y, sample_weight)
            if source is None:
                X, _, targets = self._begin(X, y, sample_weight)
                self._fit(X, targets)
            else:
                self.__dict__.pop("_grown", None)
                self._name_of_y = source.name_of_y
                self._fit_source(source)
        return self

    def _fit_source(self, source: Source) -> None:
        """Learn from blocks."""
        refuse_source(self, source)

    def _begin(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Read the data of a fit, and publish its tasks: X, the task column and `Targets`."""
        # Whoever takes blocks has not come here.
        if (source := as_source(X, y, sample_weight)) is not None:
            refuse_source(self, source)
        # Tasks that were added to an earlier fit.
        self.__dict__.pop("_grown", None)
        warn_of_other_order(X, y)
        X, task_column = self._read_X(X, reset=True)
        targets = self._read_y(X, y, task_column, sample_weight)
        self._publish(targets.tasks)
        return X, task_column, targets

    def _read_y(
        self,
        X: Any,
        y: Any,
        task_column: Any,
        sample_weight: Any,
        classes: Any = None,
        standardize: bool | str | None = None,
    ) -> Any:
        refuse_transposed(X, y)
        with with_advice():
            targets = read_targets(
                y,
                declared=self.tasks,
                kind=self._kind,
                task_column=task_column,
                sample_weight=sample_weight,
                standardize=self._standardize if standardize is None else standardize,
                about_zero=self._about_zero,
                shape_varies=self._shape_varies,
                classes=classes,
                class_weight=getattr(self, "class_weight", None),
                estimator_name=type(self).__name__,
            )
        check_rows(X, targets)
        self._name_of_y = getattr(y, "name", None)
        self._is_complete = targets.is_complete
        return targets

    def _publish(self, tasks: Any) -> None:
        """Set the fitted attributes that speak of tasks."""
        self._task_set = tasks
        self.task_names_in_ = tasks.names
        self.tasks_ = FittedTasks(tasks)
        classes = [getattr(task, "classes_", None) for task in tasks.tasks]
        if tasks.any_classification:
            self.classes_ = classes[0] if tasks.is_1d else classes
        else:
            self.__dict__.pop("classes_", None)

    def _read_new(self, X: Any) -> Any:
        X, task_column = self._read_X(X, reset=False)
        return X, self._task_index(task_column)

    def _task_index(self, task_column: Any) -> Any:
        """Position of each row's task; -1 for an unknown one where that is allowed."""
        if task_column is None:
            return None
        column = read_task_column(task_column)
        index = np.where(column.observed, match(self._task_set.names, column.labels), -1)
        unknown = index < 0
        if unknown.any() and self.unknown_task == "error":
            value = column.labels[unknown][0] if column.observed[unknown][0] else "missing"
            raise ValueError(
                f"Unknown task {value} in {int(unknown.sum())} rows of X: it had no row in fit. "
                "Set unknown_task='shared' to predict such rows with what the tasks share. In a "
                "cross-validation of rows that are sorted by task, give "
                f"cv=MultiTaskKFold(5, task_feature={self.task_feature!r})."
            )
        return index

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.input_tags.sparse = True
        if tags.estimator_type is None and hasattr(self, "_task_set"):
            tell_kind(tags, self._task_set, is_complete=getattr(self, "_is_complete", False))
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = True
        return tags
