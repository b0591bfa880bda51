"""Which labels there are, drawn."""

import numpy as np

from skmtl._innermost import final_estimator, unwrap
from skmtl.inspection.displays._canvas import check_matplotlib, ink, open_axes, open_grid
from skmtl.inspection.displays._colours import BLUE, ORANGE, sequential, share_colours
from skmtl.inspection.displays._coverage import label_coverage
from skmtl.inspection.displays._heat_map import draw_matrix, matrix_size
from skmtl.inspection.displays._labels import label_ticks, legend
from skmtl.tasks._features import split_task_feature

# Inches: a side of a panel of many tasks.
LONGEST = 6.0
# Width of a bar, of the distance of two; and bars up to which it is more than a hair.
BAR, MOST_WITH_GAPS = 0.7, 150


class LabelCoverageDisplay:
    """Which labels of y are observed.

    On top the labels of each task, with those of its rarest class in orange: a task with
    thousands of labels of which ten say "yes" has ten to learn from. Below them the patterns of
    missing labels, most frequent first, or, where nearly every row has its own, groups of
    similar rows. On the right the rows that have labels of both of two tasks: tasks that never
    meet can share a trunk, but are never compared on the same row. In long form only
    the counts are drawn, largest first.

    It is recommended to use :meth:`from_labels` or :meth:`from_estimator`.

    Parameters
    ----------
    coverage : LabelCoverage
        Counts of labels.

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Position of the task in each column.
    bars_ : StepPatch
        Bars of the counts.
    rarest_bars_ : StepPatch or None
        Bars of the counts of the rarest classes, where there are classes.
    pattern_image_ : AxesImage or None
        Patterns: share of rows with a label.
    overlap_image_ : AxesImage or None
        Rows with both labels.
    ax_ : Axes
        Axes with the counts.
    axes_ : ndarray of Axes
        Axes with counts, patterns and overlap; in long form, or for one task, the counts alone.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    skmtl.model_selection.MultiTaskKFold : Folds that all have labels of each task and class.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import LabelCoverageDisplay
    >>> y = np.array([[1.0, np.nan], [0.0, 2.5], [np.nan, 3.5], [0.0, np.nan]])
    >>> display = LabelCoverageDisplay.from_labels(y)
    >>> display.coverage.n_labels
    array([3, 2])
    >>> display.coverage.overlap
    array([[3, 1],
           [1, 2]])
    """

    def __init__(self, coverage):
        self.coverage = coverage

    @classmethod
    def from_labels(cls, y, *, tasks="auto", sample_weight=None, task_ids=None, ax=None):
        """Count the labels of y and draw them.

        Parameters
        ----------
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; NaN, None, pandas.NA and masked entries are unobserved.
        tasks : "auto", str, Task, list or dict, default="auto"
            Type of each task, as in the estimators: it decides which tasks have classes.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels: those of weight 0 are unobserved.
        task_ids : array-like of shape (n_samples,), default=None
            Long form: the task of each row; y then is 1-D.
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.

        Returns
        -------
        display : LabelCoverageDisplay
            Drawn display.
        """
        check_matplotlib(f"{cls.__name__}.from_labels")
        coverage = label_coverage(y, tasks=tasks, sample_weight=sample_weight, task_ids=task_ids)
        return cls(coverage).plot(ax)

    @classmethod
    def from_estimator(cls, estimator, X, y, *, sample_weight=None, ax=None):
        """Count the labels that an estimator would see and draw them.

        Parameters
        ----------
        estimator : estimator
            Estimator of this package, fitted or not; its parameters say what the types of
            the tasks are and, in long form, which column of X names the task. Also as the last
            step of a pipeline.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features; only the task feature is looked at.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels: those of weight 0 are unobserved.
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.

        Returns
        -------
        display : LabelCoverageDisplay
            Drawn display.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        final = final_estimator(estimator)
        task_feature, ids = getattr(final, "task_feature", None), None
        if task_feature is not None:
            # Where the pipeline renames or moves columns, what comes out of it counts.
            X = X if final is estimator else unwrap(estimator, X)[1]
            ids = split_task_feature(X, task_feature)[1]
        coverage = label_coverage(
            y,
            tasks=getattr(final, "tasks", "auto"),
            kind=getattr(final, "_kind", "any"),
            sample_weight=sample_weight,
            task_ids=ids,
        )
        return cls(coverage).plot(ax)

    def plot(self, ax=None):
        """Draw the counts, the patterns and the overlap.

        Parameters
        ----------
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.

        Returns
        -------
        display : LabelCoverageDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        found = self.coverage
        self.rarest_bars_ = self.pattern_image_ = self.overlap_image_ = None
        if found.overlap is None or len(found.task_names) == 1:
            self.order_ = np.argsort(-found.n_labels, kind="stable")
            width, _ = matrix_size(("",), self._names, cell=0.22)
            self.axes_ = np.array([open_axes(ax, max(width, 4.5), 3.8)], dtype=object)
            self._draw_counts(self.axes_[0])
            label_ticks(self.axes_[0].xaxis, self._names)
        else:
            self.order_ = np.arange(len(found.task_names))
            self._plot_wide(ax)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        return self

    @property
    def _names(self):
        return [self.coverage.task_names[task] for task in self.order_]

    def _plot_wide(self, ax):
        names = self._names
        width, height = matrix_size(names, names, cell=0.3, longest=LONGEST)
        left = max(width, 4.6)
        grid = open_grid(ax, 1, 2, left + width, max(height, 4.4), width_ratios=[left, width])[0]
        counts, patterns = open_grid(
            grid[0], 2, 1, None, None, share="x", height_ratios=[1.0, 1.9], hspace=0.05
        )[:, 0]
        self.axes_ = np.array([counts, patterns, grid[1]], dtype=object)
        self._draw_counts(counts)
        counts.axhline(self.coverage.n_rows, color=ink(counts), linewidth=0.8, linestyle=":")
        counts.set_ylim(0, 1.05 * self.coverage.n_rows)
        counts.set_ylabel(f"labels (of {self.coverage.n_rows:,})")
        self._draw_patterns(patterns)
        counts.tick_params(axis="x", labelbottom=False)
        overlap = self.coverage.overlap
        self.overlap_image_ = draw_matrix(
            grid[1],
            overlap.astype(float),
            sequential(np.append(overlap, 0.0)),
            rows=names,
            columns=names,
            bar="rows with both labels",
            numbers=".0f",
        )

    def _draw_counts(self, ax):
        found = self.coverage
        self.bars_ = _bars(ax, found.n_labels[self.order_], BLUE)
        rarest = found.n_rarest[self.order_]
        if not np.isnan(rarest).all():
            self.rarest_bars_ = _bars(ax, np.nan_to_num(rarest), ORANGE)
            names = ["labels", "of the rarest class"]
            legend(
                ax,
                [self.bars_, self.rarest_bars_],
                names,
                fontsize="small",
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                ncols=2,
                frameon=False,
            )
        ax.set_ylabel("labels")
        ax.set_xlim(-0.5, len(self.order_) - 0.5)
        ax.set_ylim(bottom=0)

    def _draw_patterns(self, ax):
        found = self.coverage
        shares = found.patterns[:, self.order_]
        rows = [f"{count:,}" for count in found.pattern_rows.tolist()]
        if found.n_patterns > len(rows):
            rows[-1] = f"others: {rows[-1]}"
        self.pattern_image_ = draw_matrix(
            ax,
            shares,
            share_colours(),
            rows=() if found.is_grouped else rows,
            columns=self._names,
            bar="share with label" if found.is_grouped else None,
        )
        if found.is_grouped:
            ax.set_ylabel("groups of similar rows")
        else:
            ax.set_ylabel("rows with pattern")
            ax.hlines(
                np.arange(1, len(shares)) - 0.5,
                -0.5,
                len(self.order_) - 0.5,
                color=ax.get_facecolor(),
                linewidth=1.5,
            )


def _bars(ax, heights, color):
    """Bars in one artist, however many: steps, with gaps between them where these can be seen."""
    n_bars = len(heights)
    if n_bars > MOST_WITH_GAPS:
        return ax.stairs(heights, np.arange(n_bars + 1) - 0.5, fill=True, color=color)
    left = np.arange(n_bars + 1) - BAR / 2
    edges = np.column_stack([left, left + BAR]).ravel()[:-1]
    steps = np.column_stack([heights, np.zeros(n_bars)]).ravel()
    return ax.stairs(steps, edges, fill=True, color=color)
