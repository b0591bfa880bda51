"""One task learned by one scikit-learn estimator, or by a constant where there is no choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._innermost import unwrap
from skmtl._shown import shown
from skmtl.compose._features import take_rows
from skmtl.compose._notes import noted
from skmtl.compose._task_labels import TaskLabels
from skmtl.compose._weights import fit_weighted

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Single:
    """What was learned of a task: an estimator, or the only possible prediction.

    ``codes`` are the classes of the labels it was fitted to, ascending, and ``labels`` what the
    estimator calls them.
    """

    task: Any
    name: Any
    estimator: Any
    constant: Any
    codes: Any = None
    labels: Any = None

    @classmethod
    def fit(cls, template: Any, X: Any, problem: TaskLabels) -> Self:
        """Fit a clone of ``template`` to the rows of ``problem``.

        It sees labels as the user wrote them. If it refuses those, as estimators do that want
        classes 0, 1, ..., it gets the positions of the classes among those that are there.
        """
        task, name, constant = problem.task, problem.name, problem.constant
        if constant is not None:
            return cls(task, name, None, constant)
        X = take_rows(X, problem.rows)
        weights = problem.weights if (problem.weights != 1.0).any() else None

        def fitted(labels: Array) -> Any:
            return fit_weighted(clone(template), X, labels, weights, name)

        with noted(template, "fitted to", name):
            if not task.is_classification:
                return cls(task, name, fitted(task.labels(problem.values)), None)
            codes, position = np.unique(problem.values.astype(np.intp), return_inverse=True)
            labels = task.classes_[codes]
            estimator, labels = _fit_classes(fitted, labels, position)
            return cls(task, name, estimator, None, codes, labels)

    def expected(self, X: Any) -> Any:
        """Expected values (n, ...) or class probabilities (n, n_classes) of new rows."""
        if self.estimator is None:
            return np.full((X.shape[0], *np.shape(self.constant)), self.constant)
        if not self.task.is_classification:
            ask = "predict_quantiles" if hasattr(self.estimator, "predict_quantiles") else "predict"
            return self._numbers(X, ask).reshape(-1, *self.task.expected_shape)
        expected = np.zeros((X.shape[0], len(self.task.classes_)))
        if not hasattr(self.estimator, "predict_proba"):
            expected[np.arange(X.shape[0]), self._predicted(X)] = 1.0
            return expected
        with noted(self.estimator, "predicting", self.name):
            found = np.asarray(self.estimator.predict_proba(X))
        expected[:, self._positions(getattr(self.estimator, "classes_", self.labels))] = found
        return expected

    def survival(self, X: Any, times: Array) -> Array:
        """Probabilities (n, n_times) of events later than ``times``; NaN where none was seen."""
        if self.estimator is None:
            return np.full((X.shape[0], len(times)), np.nan)
        return survival_of(self.estimator, X, times)

    def decide(self, X: Any, expected: Any = None) -> Any:
        """What `predict` of the estimator says: labels, or expected values.

        ``expected`` is that of X, where it is known.
        """
        if self.estimator is None:
            return self.task.decode(self.expected(X))
        if self.task.is_classification:
            return self.task.classes_[self._predicted(X)]
        return self._numbers(X) if expected is None else self.task.decode(expected)

    def _numbers(self, X: Any, ask: str = "predict") -> Any:
        with noted(self.estimator, "predicting", self.name):
            found = np.asarray(getattr(self.estimator, ask)(X), dtype=np.float64)
            return found if ask == "predict_quantiles" else found.reshape(X.shape[0])

    def _predicted(self, X: Any) -> Any:
        """Positions of the predicted classes."""
        with noted(self.estimator, "predicting", self.name):
            return self._positions(np.asarray(self.estimator.predict(X)).reshape(X.shape[0]))

    def _positions(self, found: Any) -> Any:
        """Where the classes that the estimator speaks of are among those of the task."""
        position = dict(zip(self.labels.tolist(), self.codes.tolist(), strict=True))
        found = np.asarray(found).tolist()
        odd = [label for label in found if label not in position]
        if odd:
            raise ValueError(
                f"Task {self.name!r}: {type(self.estimator).__name__} speaks of the class "
                f"{odd[0]!r}; it was fitted to {shown(self.labels.tolist())}."
            )
        return np.array([position[label] for label in found], dtype=np.intp)


def survival_of(estimator: Any, X: Any, times: Array) -> Any:
    """`predict_survival` of what predicts at the end of pipelines and searches."""
    final, X = unwrap(estimator, X)
    return final.predict_survival(X, times)


def _fit_classes(fitted: Any, labels: Array, position: Any) -> Any:
    """What ``fitted`` makes of the classes ``labels[position]``, and what it then calls them."""
    try:
        return fitted(labels[position]), labels
    except Exception as error:
        numbers = np.arange(len(labels))
        if labels.dtype.kind in "iu" and (labels == numbers).all():
            raise
        try:
            return fitted(position), numbers
        except Exception as another:
            if str(another) != str(error):
                error.add_note(f"With classes 0, 1, ... in place of the labels: {another}")
        raise
