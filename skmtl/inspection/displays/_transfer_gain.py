"""What every task gains by sharing, drawn with its interval."""

import numpy as np

from skmtl.inspection.displays._canvas import check_matplotlib, fit_height, ink, open_axes
from skmtl.inspection.displays._colours import BLUE, GREY, VERMILION
from skmtl.inspection.displays._labels import label_ticks, legend

# Verdict: words, colour and form, so that it is seen without colours as well.
LOOKS = {
    "helps": {"color": BLUE, "marker": "o", "markerfacecolor": BLUE},
    "undecided": {"color": GREY, "marker": "o", "markerfacecolor": "none"},
    "harms": {"color": VERMILION, "marker": "D", "markerfacecolor": VERMILION},
    "not learned": {"color": GREY, "marker": "x", "markerfacecolor": "none"},
}


class TransferGainDisplay:
    """Gain of every task over learning it alone, with its confidence interval.

    Tasks whose whole interval lies below 0 are harmed by sharing: they stand out as diamonds.
    A filled circle is a gain, an open one is undecided. A cross is a task that is predicted no
    better than by a constant, together or alone. A task that no fold can evaluate has an empty row.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    gain : TransferGain
        What :func:`skmtl.transfer_gain` found.

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Position of the task in each row, from top to bottom.
    points_ : dict of str to Line2D
        Markers at the gains by verdict: "helps", "undecided", "harms", "not learned"; those that
        occur.
    intervals_ : dict of str to LineCollection
        Intervals by verdict.
    ax_ : Axes
        Axes with the plot.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    skmtl.transfer_gain : The numbers.
    TaskAffinityDisplay : Which tasks might help each other.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import TransferGain, TransferGainDisplay
    >>> folds = np.array([[0.20, 0.05, -0.25], [0.30, -0.10, -0.35]])
    >>> gain = TransferGain(
    ...     task_names=["reading", "math", "height"],
    ...     gain=folds.mean(axis=0),
    ...     interval=np.array([[0.1, 0.4], [-0.3, 0.3], [-0.5, -0.1]]),
    ...     fold_gains=folds,
    ...     loss_together=1 - folds,
    ...     loss_alone=np.ones((2, 3)),
    ...     n_labels=np.array([100, 100, 40]),
    ...     confidence=0.95,
    ... )
    >>> display = TransferGainDisplay(gain).plot()
    >>> sorted(display.points_)
    ['harms', 'helps', 'undecided']
    """

    def __init__(self, gain):
        self.gain = gain

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        baseline=None,
        cv=None,
        sample_weight=None,
        groups=None,
        confidence=0.95,
        n_jobs=None,
        ax=None,
        sort=True,
    ):
        """Measure the gains by cross-validation and draw them.

        Parameters
        ----------
        estimator : estimator
            Multi-task estimator of this package; it is cloned and fitted on every fold.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        baseline, cv, sample_weight, groups, confidence, n_jobs : object
            As in :func:`skmtl.transfer_gain`.
        ax : Axes, default=None
            Where to draw; by default a new figure.
        sort : bool, default=True
            Draw the largest gain on top; else keep the order of the tasks.

        Returns
        -------
        display : TransferGainDisplay
            Drawn display.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        from skmtl.inspection import transfer_gain

        gain = transfer_gain(
            estimator,
            X,
            y,
            baseline=baseline,
            cv=cv,
            sample_weight=sample_weight,
            groups=groups,
            confidence=confidence,
            n_jobs=n_jobs,
        )
        return cls(gain).plot(ax, sort=sort)

    def plot(self, ax=None, *, sort=True):
        """Draw the gains.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; by default a new figure.
        sort : bool, default=True
            Draw the largest gain on top; else keep the order of the tasks.

        Returns
        -------
        display : TransferGainDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        found = self.gain
        n_tasks = len(found.gain)
        ax = open_axes(ax, 6.4, fit_height(0.26 * n_tasks + 1.4))
        # NaN last, whatever the others are; equal gains in the order of the tasks.
        self.order_ = np.argsort(-found.gain, kind="stable") if sort else np.arange(n_tasks)
        self.ax_, self.figure_ = ax, ax.figure
        ax.axvline(0.0, color=ink(ax), linewidth=1, zorder=1)
        self._draw_tasks()
        label_ticks(ax.yaxis, [found.task_names[task] for task in self.order_])
        ax.set_ylim(n_tasks - 0.4, -0.6)
        ax.locator_params(axis="x", nbins=7)
        ax.xaxis.set_major_formatter(_percent)
        ax.set_xlabel(
            "share of the loss saved by learning together\n"
            f"({100 * found.confidence:g} % interval from the folds)"
        )
        ax.grid(axis="x", alpha=0.3)
        return self

    def _draw_tasks(self):
        ax, found = self.ax_, self.gain
        gain, interval = found.gain[self.order_], found.interval[self.order_]
        says = [found.is_negative, found.is_positive, ~found.is_learned]
        verdicts = np.select(says, ["harms", "helps", "not learned"], "undecided")[self.order_]
        low, high = view(gain, interval)
        # An unbounded interval goes on beyond the frame.
        beyond = {"neginf": 2 * low - high, "posinf": 2 * high - low}
        ends = np.nan_to_num(interval, nan=np.nan, **beyond)
        self.points_, self.intervals_ = {}, {}
        for verdict, look in LOOKS.items():
            rows = np.flatnonzero((verdicts == verdict) & ~np.isnan(gain))
            if not len(rows):
                continue
            self.intervals_[verdict] = ax.hlines(
                rows, ends[rows, 0], ends[rows, 1], color=look["color"], linewidth=1.5, zorder=2
            )
            self.points_[verdict] = ax.plot(
                gain[rows], rows, linestyle="none", markersize=5, zorder=3, **look
            )[0]
        ax.set_xlim(low, high)
        for row in np.flatnonzero(np.isnan(gain)):
            # At zero: where else would nothing be?
            ax.text(0.0, row, " no fold can evaluate", color=GREY, fontsize=7, va="center")
        counts = {name: len(line.get_xdata()) for name, line in self.points_.items()}
        if counts:
            words = {"helps": "sharing helps", "harms": "sharing harms"}
            legend(
                ax,
                list(self.points_.values()),
                [f"{words.get(name, name)}: {count}" for name, count in counts.items()],
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                ncols=len(counts),
                frameon=False,
                fontsize="small",
                handletextpad=0.2,
            )


def view(gain, interval):
    """Limits of the axis: all gains, and the intervals as long as they do not dwarf these."""
    known = gain[np.isfinite(gain)]
    low, high = min(known.min(initial=0.0), 0.0), max(known.max(initial=0.0), 0.0)
    reach = np.abs(interval - gain[:, None])
    reach = reach[np.isfinite(reach)]
    margin = max(0.5 * (high - low), 1.5 * float(np.median(reach)) if reach.size else 0.0, 0.01)
    ends = interval[np.isfinite(interval)]
    left = max(ends.min(initial=low), low - margin)
    right = min(ends.max(initial=high), high + margin)
    # A little room beyond, also where everything is at zero.
    space = 0.04 * (right - left) or margin
    return left - space, right + space


def _percent(value, position):
    return f"{100 * value:+.4g} %" if round(100 * value, 9) else "0 %"
