"""How many labels of every task are inside of their intervals."""

import numpy as np

from skmtl._innermost import knows_tasks, unwrap
from skmtl.inspection._intervals import COVERAGE, covered, intervals_of, wilson
from skmtl.inspection.displays._canvas import check_matplotlib, fit_height, ink, open_axes
from skmtl.inspection.displays._colours import BLUE, GREY, VERMILION
from skmtl.inspection.displays._labels import check_names, label_ticks, legend
from skmtl.metrics._scored_tasks import read_scored_tasks

CONFIDENCE = 0.95

LOOKS = {
    "too few": {"color": VERMILION, "marker": "D", "markerfacecolor": VERMILION},
    "as promised": {"color": BLUE, "marker": "o", "markerfacecolor": BLUE},
    "too many": {"color": GREY, "marker": "o", "markerfacecolor": "none"},
}


class IntervalCoverageDisplay:
    """Share of the labels of every task that are inside of their intervals.

    The line is what was promised. Lines through the points are 95 % intervals of the shares, by
    chance: a task whose line ends below what was promised has intervals that are too short
    (a diamond), one whose line begins above has longer ones than it needs (an open circle).

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    covered : array-like of shape (n_tasks,)
        Share of the labels inside; NaN for tasks without labels, or without intervals.
    n_labels : array-like of shape (n_tasks,)
        How many labels the shares are of; of a task without intervals, how many it has.
    coverage : float, default=0.9
        The share that was promised.
    task_names : list of length n_tasks, default=None
        Names of the tasks; by default 0, 1, ...

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Position of the task in each row, from top to bottom.
    points_ : dict of str to Line2D
        Markers at the shares: "too few", "as promised", "too many"; those that occur.
    intervals_ : dict of str to LineCollection
        Intervals of the shares.
    ax_ : Axes
        Axes with the plot.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    TaskPredictionDisplay : Every label with its interval.
    skmtl.ConformalTasks : Intervals that cover, of any estimator.

    Examples
    --------
    >>> from skmtl.inspection import IntervalCoverageDisplay
    >>> display = IntervalCoverageDisplay([0.91, 0.70, 0.88], [200, 80, 12]).plot()
    >>> sorted(display.points_)
    ['as promised', 'too few']
    """

    def __init__(self, covered, n_labels, *, coverage=COVERAGE, task_names=None):
        self.covered = np.asarray(covered, dtype=np.float64)
        self.n_labels = np.asarray(n_labels)
        self.coverage = coverage
        self.task_names = check_names(task_names, len(self.covered))

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, coverage=COVERAGE, sample_weight=None, ax=None, sort=True
    ):
        """Predict intervals and draw how many labels are inside.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator of this package with ``predict_interval``, also as the last step of
            a pipeline or in a fitted search.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form; of rows that were not in `fit`.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        coverage : float, default=0.9
            Probability that a label is inside its interval.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels; those of weight 0 are unobserved.
        ax : Axes, default=None
            Where to draw; by default a new figure.
        sort : bool, default=True
            Draw the lowest share on top; else keep the order of the tasks.

        Returns
        -------
        display : IntervalCoverageDisplay
            Drawn display.

        Raises
        ------
        ValueError
            If the estimator does not predict intervals.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        final, X = unwrap(estimator, X)
        intervals = intervals_of(final, X, coverage) if knows_tasks(final) else None
        if intervals is None:
            raise ValueError(
                f"{type(final).__name__} does not predict intervals. ConformalTasks around it does."
            )
        names, found = [], []
        for position, scored in enumerate(read_scored_tasks(final, X, y, sample_weight)):
            used = scored.weight > 0
            labels, interval = scored.labels[used], intervals(position)[scored.rows[used]]
            task = scored.column.task
            has_interval = not (task.is_classification or task.has_times)
            names.append(scored.name)
            share, n = (
                covered(labels, interval, scored.weight[used]) if has_interval else (np.nan, 0)
            )
            found.append((share, n or len(labels)))
        shares, counts = zip(*found, strict=True)
        return cls(shares, counts, coverage=coverage, task_names=names).plot(ax, sort=sort)

    def plot(self, ax=None, *, sort=True):
        """Draw the shares.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; by default a new figure.
        sort : bool, default=True
            Draw the lowest share on top; else keep the order of the tasks.

        Returns
        -------
        display : IntervalCoverageDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        n_tasks = len(self.covered)
        ax = open_axes(ax, 6.4, fit_height(0.26 * n_tasks + 1.4))
        # NaN last; equal shares in the order of the tasks.
        self.order_ = np.argsort(self.covered, kind="stable") if sort else np.arange(n_tasks)
        self.ax_, self.figure_ = ax, ax.figure
        ax.axvline(self.coverage, color=ink(ax), linewidth=1, zorder=1)
        self._draw_tasks()
        label_ticks(ax.yaxis, [self.task_names[task] for task in self.order_])
        ax.set_ylim(n_tasks - 0.4, -0.6)
        ax.set_xlim(right=1.005)
        ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
        ax.set_xlabel(
            f"labels inside of {100 * self.coverage:g} % intervals\n"
            f"({100 * CONFIDENCE:g} % interval of the share)"
        )
        ax.grid(axis="x", alpha=0.3)
        return self

    def _draw_tasks(self):
        ax, share, n = self.ax_, self.covered[self.order_], self.n_labels[self.order_]
        low, high = wilson(share, np.maximum(n, 1), CONFIDENCE)
        says = [high < self.coverage, low > self.coverage]
        verdicts = np.select(says, ["too few", "too many"], "as promised")
        self.points_, self.intervals_ = {}, {}
        for verdict, look in LOOKS.items():
            rows = np.flatnonzero((verdicts == verdict) & ~np.isnan(share))
            if not len(rows):
                continue
            self.intervals_[verdict] = ax.hlines(
                rows, low[rows], high[rows], color=look["color"], linewidth=1.5, zorder=2
            )
            self.points_[verdict] = ax.plot(
                share[rows], rows, linestyle="none", markersize=5, zorder=3, **look
            )[0]
        for row in np.flatnonzero(np.isnan(share)):
            # Of classes, for example, there are sets and no intervals.
            text = " no interval" if n[row] else " no label"
            ax.text(self.coverage, row, text, color=GREY, fontsize=7, va="center")
        if self.points_:
            legend(
                ax,
                list(self.points_.values()),
                [f"{name}: {len(line.get_xdata())}" for name, line in self.points_.items()],
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                ncols=len(self.points_),
                frameon=False,
                fontsize="small",
                handletextpad=0.2,
            )
