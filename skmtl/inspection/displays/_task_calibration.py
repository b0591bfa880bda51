"""Whether probabilities are shares: of every task in bins, with what chance leaves open."""

import numpy as np

from skmtl._innermost import knows_tasks, unwrap
from skmtl.inspection._intervals import wilson
from skmtl.inspection.displays._canvas import check_matplotlib, ink, open_panels
from skmtl.inspection.displays._colours import BLUE, GREY, VERMILION
from skmtl.inspection.displays._labels import check_names, literal
from skmtl.inspection.displays._prediction_panel import say
from skmtl.metrics._calibration_curve import check_bins, curve_of_codes
from skmtl.metrics._scored_tasks import read_scored_tasks

MOST_PANELS = 12
CONFIDENCE = 0.95


class TaskCalibrationDisplay:
    """Predicted probabilities of every task beside the shares that came true.

    Of a binary task the probability of the second class, of one with more classes that of the
    most probable one. Lines through the points are 95 % intervals of the shares, by chance: a
    diamond is a bin whose line does not reach what was predicted. Below the name of a task are
    the mean of its probabilities, and the share that came true with its interval. Of more than
    twelve tasks each is one point, all of its labels together.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    curves : list of CalibrationCurve
        Bins of every task, as :func:`~skmtl.metrics.task_calibration_curve` makes them.
    task_names : list of length n_tasks, default=None
        Names of the tasks; by default 0, 1, ...

    Attributes
    ----------
    points_ : list of dict of str to Line2D
        Markers of every panel: "as predicted", "off"; those that occur.
    intervals_ : list of LineCollection
        Intervals of the shares; of panels with labels.
    axes_ : ndarray of shape (n_panels,)
        The panels: one for each task, or one for all.
    ax_ : Axes
        The first panel.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    skmtl.CalibratedTasks : Probabilities that are shares, of any estimator.
    skmtl.metrics.expected_calibration_error : One number per task.
    IntervalCoverageDisplay : The same question to intervals of numbers.

    References
    ----------
    .. [1] J. Bröcker and L. Smith, "Increasing the reliability of reliability diagrams", Weather
       and Forecasting 22, 2007.

    Examples
    --------
    >>> from skmtl.inspection import TaskCalibrationDisplay
    >>> from skmtl.metrics import task_calibration_curve
    >>> y_true = [0, 0, 0, 1] * 25
    >>> curves = task_calibration_curve(y_true, [0.2, 0.2, 0.9, 0.9] * 25, n_bins=2)
    >>> display = TaskCalibrationDisplay(curves.values(), task_names=["rain"]).plot()
    >>> display.points_[0]["off"].get_xdata().round(1).tolist()
    [0.2, 0.9]
    """

    def __init__(self, curves, *, task_names=None):
        self.curves = list(curves)
        self.task_names = check_names(task_names, len(self.curves))

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, n_bins=10, strategy="quantile", sample_weight=None, ax=None
    ):
        """Predict probabilities and draw them beside what came true.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator of this package with ``predict_proba``, also as the last step of a
            pipeline or in a fitted search.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form; of rows that were not in `fit`.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing. Tasks without classes are left out.
        n_bins : int, default=10
            Number of bins of every task.
        strategy : {"quantile", "uniform"}, default="quantile"
            Bins with about equally many labels of the task, or of equal width.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels, which count as so many labels; 0 is unobserved.
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.

        Returns
        -------
        display : TaskCalibrationDisplay
            Drawn display.

        Raises
        ------
        ValueError
            If the estimator predicts no probabilities: it knows no tasks, or none has classes.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        check_bins(n_bins, strategy)
        final, X = unwrap(estimator, X)
        if not (knows_tasks(final) and hasattr(final, "predict_proba")):
            raise ValueError(
                f"{type(final).__name__} does not predict probabilities of the classes of tasks."
            )
        names, curves = [], []
        for scored in read_scored_tasks(final, X, y, sample_weight):
            column, used = scored.column, scored.weight > 0
            if column.task.is_classification:
                names.append(scored.name)
                known = column.expected[used], column.values[used], column.weight[used]
                curves.append(curve_of_codes(*known, n_bins, strategy))
        return cls(curves, task_names=names).plot(ax)

    def plot(self, ax=None):
        """Draw the bins.

        Parameters
        ----------
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.

        Returns
        -------
        display : TaskCalibrationDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        totals = [_total(curve) for curve in self.curves]
        self.points_, self.intervals_ = [], []
        if len(self.curves) > MOST_PANELS:
            self.axes_ = open_panels(ax, 1, width=4.6, height=4.6)
            self.axes_[0].set_title(f"{len(self.curves)} tasks, each one point", fontsize="medium")
            found = np.array([total for total in totals if total[2] > 0]).reshape(-1, 3)
            self._draw(self.axes_[0], *found.T)
        else:
            self.axes_ = open_panels(ax, len(self.curves), width=2.9, height=2.9)
            for panel, name, curve, total in zip(
                self.axes_, self.task_names, self.curves, totals, strict=True
            ):
                panel.set_title(f"{literal(name)}{_in_words(*total)}", fontsize="medium")
                self._draw(panel, curve.predicted, curve.observed, curve.count)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        return self

    def _draw(self, ax, predicted, observed, count):
        """Points, their intervals, and the diagonal where they should be."""
        self.points_.append({})
        if not len(count):
            return say(ax, "no label")
        low, high = wilson(observed, count, CONFIDENCE)
        # Rounding of a share of 0 or 1.
        is_off = (low > predicted + 1e-12) | (high < predicted - 1e-12)
        ends = 0.0, 1.02 * max(high.max(), predicted.max())
        ax.plot(ends, ends, color=ink(ax), linewidth=1, linestyle="--", zorder=0)
        self.intervals_.append(ax.vlines(predicted, low, high, color=GREY, linewidth=1.5, zorder=1))
        looks = {"as predicted": (~is_off, "o", BLUE), "off": (is_off, "D", VERMILION)}
        for says, (rows, marker, color) in looks.items():
            if rows.any():
                (self.points_[-1][says],) = ax.plot(
                    predicted[rows], observed[rows], marker, color=color, markersize=5, zorder=2
                )
        ax.set(xlabel="predicted probability", ylabel="share that came true")
        return None


def _total(curve):
    """Mean probability, share that came true, and number of labels of a task."""
    n = curve.count.sum()
    if not n:
        return np.nan, np.nan, 0.0
    return curve.predicted @ curve.count / n, curve.observed @ curve.count / n, n


def _in_words(predicted, observed, n):
    if not n:
        return ""
    low, high = wilson(observed, n, CONFIDENCE)
    shares = [f"{100 * share:.3g}" for share in (predicted, observed, max(low, 0.0), high)]
    return "\npredicted {} %\ntrue {} % ({} to {})".format(*shares)
