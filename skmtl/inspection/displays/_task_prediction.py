"""What was predicted of every task against what was observed."""

from typing import Any

from skmtl.inspection._intervals import COVERAGE
from skmtl.inspection.displays._canvas import check_matplotlib, open_panels
from skmtl.inspection.displays._learning_curve import check_kind
from skmtl.inspection.displays._predicted import predicted_by, predicted_in
from skmtl.inspection.displays._prediction_panel import draw_task
from skmtl.inspection.displays._predictions_together import DRAW_TOGETHER

# More tasks than this are drawn together, by family.
MOST_PANELS = 12


class TaskPredictionDisplay:
    """Predictions of every task against its observed labels.

    Numbers are points, observed over predicted, with the diagonal on which predictions are
    right. Classes with probabilities are ROC curves, one against the rest where there are more
    than two. Predicted labels without probabilities are a confusion matrix: which share of an
    observed class is predicted as what. Rows without a label are not drawn.

    Where the estimator predicts intervals, numbers have them as lines along the observed axis, and
    the share of labels inside is named: a point off its line was not expected.

    Up to twelve tasks have panels of their own. More are drawn together by family: numbers in
    units of the standard deviation of their task, all curves with their mean, and the accuracy of
    labels beside that of naming the most frequent class; the tasks with the lowest score are
    named.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    predicted : list of PredictedTask
        Labels and predictions of each task.

    Attributes
    ----------
    artists_ : dict
        With a panel per task: what is drawn of each task, by its name. Points
        (PathCollection), a list of curves (Line2D), or a confusion matrix (AxesImage); None
        without labels. Together: by family, "numbers" (PolyCollection of hexagons), "curves" (list
        of Line2D) and "labels" (PathCollection).
    ax_ : Axes
        The first panel.
    axes_ : ndarray of Axes
        All panels.
    figure_ : Figure
        Figure with the panels.

    See Also
    --------
    skmtl.task_scores : The score of each task.
    sklearn.metrics.PredictionErrorDisplay : One regression target.
    sklearn.metrics.RocCurveDisplay : One binary target.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import TaskPredictionDisplay
    >>> y_true = np.array([[1.0, 0], [2.0, 1], [np.nan, 1], [4.0, 0]])
    >>> y_pred = [np.array([1.5, 2.0, 2.5, 3.0]), np.array([0.2, 0.7, 0.9, 0.4])]
    >>> display = TaskPredictionDisplay.from_predictions(y_true, y_pred)
    >>> [panel.get_title().splitlines() for panel in display.axes_]
    [['0', 'R² 0.73'], ['1', 'AUC 1.00']]
    """

    def __init__(self, predicted):
        self.predicted = list(predicted)
        if not self.predicted:
            raise ValueError("There is no task with predictions; expected at least one.")

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, sample_weight=None, coverage=COVERAGE, ax=None, kind="auto"
    ):
        """Predict and draw.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator of this package, also as the last step of a pipeline or in a
            fitted search; or one of scikit-learn that predicts a column per task.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form; best of rows that were not in `fit`.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels, in scores and curves; those of weight 0 are unobserved.
        coverage : float or None, default=0.9
            Probability that a label is inside its interval, where the estimator has
            ``predict_interval``; None draws none.
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.
        kind : {"auto", "panels", "overlay"}, default="auto"
            One panel a task, or all tasks together; "auto" depends on their number.

        Returns
        -------
        display : TaskPredictionDisplay
            Drawn display.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        return cls(predicted_by(estimator, X, y, sample_weight, coverage)).plot(ax, kind=kind)

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_pred,
        *,
        tasks="auto",
        sample_weight=None,
        task_ids=None,
        ax=None,
        kind="auto",
    ):
        """Draw predictions that were made elsewhere, in a cross-validation for example.

        Parameters
        ----------
        y_true : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        y_pred : array-like or DataFrame of the same shape, or list of length n_tasks
            Predictions as `predict` returns them; or an array per task: numbers or labels
            (n_samples,), scores of the second of two classes (n_samples,), or probabilities
            (n_samples, n_classes) as `predict_proba` returns them. Tasks for which there is None
            are left out.
        tasks : "auto", str, Task, list or dict, default="auto"
            Type of each task, as in the estimators; also ``tasks_`` of a fitted one, which knows
            what the columns of probabilities are. Else they are the sorted labels.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels, in scores and curves; those of weight 0 are unobserved.
        task_ids : array-like of shape (n_samples,), default=None
            Long form: the task of each row; y_true then is 1-D.
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.
        kind : {"auto", "panels", "overlay"}, default="auto"
            One panel a task, or all tasks together; "auto" depends on their number.

        Returns
        -------
        display : TaskPredictionDisplay
            Drawn display.
        """
        check_matplotlib(f"{cls.__name__}.from_predictions")
        options = {"tasks": tasks, "sample_weight": sample_weight, "task_ids": task_ids}
        return cls(predicted_in(y_true, y_pred, **options)).plot(ax, kind=kind)

    def plot(self, ax=None, *, kind="auto"):
        """Draw the predictions.

        Parameters
        ----------
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.
        kind : {"auto", "panels", "overlay"}, default="auto"
            One panel a task, or all tasks together; "auto" depends on their number.

        Returns
        -------
        display : TaskPredictionDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        check_kind(kind)
        if kind == "panels" or (kind == "auto" and len(self.predicted) <= MOST_PANELS):
            self.axes_ = open_panels(ax, len(self.predicted), width=2.9, height=2.9)
            self.artists_ = {
                task.name: draw_task(panel, task)
                for panel, task in zip(self.axes_, self.predicted, strict=True)
            }
        else:
            families: dict[str, list[Any]] = {name: [] for name in DRAW_TOGETHER}
            for task in self.predicted:
                families[task.family].append(task)
            families = {name: tasks for name, tasks in families.items() if tasks}
            self.axes_ = open_panels(ax, len(families), width=4.6, height=4.6)
            self.artists_ = {
                name: DRAW_TOGETHER[name](panel, tasks)
                for panel, (name, tasks) in zip(self.axes_, families.items(), strict=True)
            }
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        return self
