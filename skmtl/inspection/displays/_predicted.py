"""Labels and predictions of one task, and the numbers that a picture of them needs."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.metrics import auc, confusion_matrix, r2_score, roc_curve

from skmtl._innermost import knows_tasks, unwrap
from skmtl.inspection._intervals import covered, intervals_of
from skmtl.metrics._pairs import read_pairs
from skmtl.metrics._scored_tasks import read_scored_tasks
from skmtl.metrics._views import views_of_other
from skmtl.tasks._columns import match
from skmtl.tasks._concordance import pairs_in_order

# Where curves of several classes or tasks are averaged.
GRID = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, eq=False)
class PredictedTask:
    """Observed labels of a task and what was predicted for their rows.

    Parameters
    ----------
    name : hashable
        Name of the task.
    labels : ndarray of shape (n_labels,)
        Observed labels.
    predicted : ndarray of shape (n_labels,) or (n_labels, n_classes)
        Predicted numbers, labels, or probabilities of the classes.
    weight : ndarray of shape (n_labels,)
        Weights of the labels.
    classes : ndarray of shape (n_classes,) or None
        Classes of the task, in the order of the columns of probabilities, in which they are
        drawn; None for numbers.
    are_times : bool, default=False
        Whether labels are times until an event: minus a time is one up to which was none.
    interval : ndarray of shape (n_labels, 2), default=None
        Predicted intervals of the labels.

    See Also
    --------
    TaskPredictionDisplay : Draws them.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import PredictedTask
    >>> task = PredictedTask(
    ...     "dose", np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.5]), weight=np.ones(3)
    ... )
    >>> task.family, round(task.score, 2)
    ('numbers', 0.89)
    """

    name: Hashable
    labels: np.ndarray
    predicted: np.ndarray
    weight: np.ndarray
    classes: np.ndarray | None = None
    are_times: bool = False
    interval: np.ndarray | None = None

    @property
    def covered(self):
        """Share of the labels inside of their intervals; NaN without any."""
        if self.interval is None or not len(self.labels):
            return np.nan
        return covered(self.labels, self.interval, self.weight)[0]

    @property
    def family(self):
        """How the task is drawn: "numbers", "times", "curves" (probabilities), or "labels"."""
        if self.are_times:
            return "times"
        if self.classes is None:
            return "numbers"
        return "curves" if self.predicted.ndim == 2 else "labels"

    @cached_property
    def score(self):
        """R2, mean area under the ROC curves, share of labels predicted, or of times in order.

        NaN if undefined.
        """
        if not len(self.labels):
            return np.nan
        if self.family == "times":
            times, seen = np.abs(self.labels), self.labels > 0
            known, right = pairs_in_order(times, seen, self.predicted, self.weight)
            return right / known if known > 0 else np.nan
        if self.family == "numbers":
            if len(self.labels) < 2:
                return np.nan
            return float(r2_score(self.labels, self.predicted, sample_weight=self.weight))
        if self.family == "labels":
            return float(np.average(self.labels == self.predicted, weights=self.weight))
        areas = [auc(*curve) for _, curve in self.curves]
        return float(np.mean(areas)) if areas else np.nan

    @cached_property
    def curves(self):
        """(class, (false, true positive rates)) of each class that some labels have, not all.

        Of two classes only the second: the curve of the first says the same.
        """
        if self.classes is None or len(self.classes) < 2:
            return []
        first = 1 if len(self.classes) == 2 else 0
        found = []
        for position, label in enumerate(self.classes.tolist()[first:], start=first):
            is_label = self.labels == label
            if is_label.any() and not is_label.all():
                column = self.predicted[:, position]
                *rates, _ = roc_curve(is_label, column, sample_weight=self.weight)
                found.append((label, rates))
        return found

    def mean_curve(self):
        """True positive rates, the mean over the classes.

        Returns
        -------
        rates : ndarray or None
            Over `GRID`; None where no class has a curve.
        """
        return mean_of_curves([rates for _, rates in self.curves])

    def confusion(self):
        """Classes that occur, and what each is predicted as.

        Returns
        -------
        labels : ndarray of shape (n_classes,)
            Classes that are observed or predicted.
        shares : ndarray of shape (n_classes, n_classes)
            Share of each observed class, a row, that is predicted as each.
        """
        found = np.unique(np.concatenate([self.labels, self.predicted]))
        order = found if self.classes is None else self.classes
        known = order[np.isin(order, found)]
        labels = np.concatenate([known, np.setdiff1d(found, known)])
        counts = confusion_matrix(
            self.labels, self.predicted, labels=labels, sample_weight=self.weight
        )
        total = counts.sum(axis=1, keepdims=True)
        return labels, np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


def mean_of_curves(curves):
    """Mean of ROC curves over `GRID`, vertically; None for none."""
    if not curves:
        return None
    # The upper end of a vertical step belongs to the curve.
    return np.mean([_height(*rates) for rates in curves], axis=0)


def _height(false_positive, true_positive):
    last = np.append(np.diff(false_positive) > 0, True)
    return np.interp(GRID, false_positive[last], true_positive[last])


def predicted_by(estimator, X, y, sample_weight=None, coverage=None):
    """One `PredictedTask` for each task of a fitted estimator, of this package or another.

    With intervals of a coverage, if it is given and the estimator has them.
    """
    final, inner_X = unwrap(estimator, X)
    if not knows_tasks(final):
        return [_of_view(view) for view in views_of_other(estimator, X, y, sample_weight)]
    found, intervals = [], intervals_of(final, inner_X, coverage)
    for position, scored in enumerate(read_scored_tasks(final, inner_X, y, sample_weight)):
        used = scored.weight > 0
        task, expected, _, weight, _ = scored.column.take(used)
        classes = None
        if task.is_classification:
            classes, expected = _from_low_to_high(task, expected)
        has_interval = intervals is not None and classes is None and not task.has_times
        found.append(
            PredictedTask(
                scored.name,
                scored.labels[used],
                expected if task.is_classification else task.decode(expected),
                weight,
                classes,
                task.has_times,
                intervals(position)[scored.rows[used]] if has_interval else None,
            )
        )
    return found


def _from_low_to_high(task, predicted):
    """Classes in their order, if they have one, and the columns of their probabilities too."""
    if not hasattr(task, "ordered_classes_"):
        return task.classes_, predicted
    classes = task.ordered_classes_
    is_proba = predicted.ndim == 2
    return classes, predicted[:, match(task.classes_, classes)] if is_proba else predicted


def _of_view(view):
    """From what stands for a target of an estimator of scikit-learn."""
    if view.classes is None:
        return PredictedTask(view.name, view.labels, view.predict(None), view.weight)
    answer = view.predict_proba if hasattr(view, "predict_proba") else view.predict
    return PredictedTask(view.name, view.labels, answer(None), view.weight, view.classes_)


def predicted_in(y_true, y_pred, *, tasks="auto", sample_weight=None, task_ids=None):
    """One `PredictedTask` for each task that has predictions."""
    pairs = read_pairs(y_true, y_pred, tasks=tasks, sample_weight=sample_weight, task_ids=task_ids)
    return [_of_pair(pair) for pair in pairs]


def _of_pair(pair):
    classes, predicted = pair.classes, pair.predicted
    if classes is not None and predicted.ndim == 1 and len(classes) == 2:
        is_label = np.isin(predicted, classes).all()
        if predicted.dtype.kind == "f" and not is_label:
            # Scores of the second class, as binary metrics take them.
            predicted = np.column_stack([-predicted, predicted])
    if classes is not None:
        classes, predicted = _from_low_to_high(pair.task, predicted)
    return PredictedTask(
        pair.name, pair.labels, predicted, pair.weight, classes, pair.task.has_times
    )
