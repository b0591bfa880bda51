"""What every feature is worth to every task, drawn with intervals or as a heat map."""

import numpy as np

from skmtl.inspection.displays._canvas import check_matplotlib, fit_height, ink, open_axes
from skmtl.inspection.displays._colours import from_zero, series
from skmtl.inspection.displays._heat_map import draw_matrix, matrix_size, two_digits
from skmtl.inspection.displays._labels import label_ticks, legend

# Tasks whose points can be told apart in one row.
MOST_POINTS = 4
MARKERS = "oDs^"
WORTH = "fall of the score where the feature is permuted"


class TaskImportanceDisplay:
    """What every feature is worth to every task: how much the score of the task falls without it.

    Up to four tasks are points with the intervals of the repeats, open where the interval has a
    value below 0. More are a heat map, in which the bluest is the largest fall. The features that
    most serve the tasks on average are on top.

    It is recommended to use :meth:`from_estimator` or :meth:`from_importance`.

    Parameters
    ----------
    importance : TaskImportance
        What :func:`skmtl.inspection.task_importance` found.

    Attributes
    ----------
    order_ : ndarray of int
        Positions of the features that are drawn, from top to bottom.
    points_ : dict of PathCollection
        Points of each task, by its name; empty for a heat map.
    image_ : AxesImage or None
        The heat map.
    ax_ : Axes
        Axes with the plot.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    skmtl.inspection.task_importance : The numbers.
    CoefficientMapDisplay : Coefficients of linear models.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.inspection import TaskImportanceDisplay
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> model = MultiTaskLinear().fit(X, X[:, 1:])
    >>> display = TaskImportanceDisplay.from_estimator(model, X, X[:, 1:], random_state=0)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['1', '2', '0']
    """

    def __init__(self, importance):
        self.importance = importance

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        scoring=None,
        n_repeats=10,
        features=None,
        sample_weight=None,
        confidence=0.95,
        random_state=None,
        n_jobs=None,
        ax=None,
        max_features=30,
        sort=True,
    ):
        """Measure the importances and draw them.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator of this package, also in a pipeline or search.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        scoring, n_repeats, features, sample_weight, confidence, random_state, n_jobs : object
            As in :func:`skmtl.inspection.task_importance`.
        ax : Axes, default=None
            Where to draw; by default a new figure.
        max_features : int or None, default=30
            Features to draw, those that matter most; None for all.
        sort : bool, default=True
            Draw the most important feature on top; else keep the order of the features.

        Returns
        -------
        display : TaskImportanceDisplay
            Drawn display.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        from skmtl.inspection import task_importance

        found = task_importance(
            estimator,
            X,
            y,
            scoring=scoring,
            n_repeats=n_repeats,
            features=features,
            sample_weight=sample_weight,
            confidence=confidence,
            random_state=random_state,
            n_jobs=n_jobs,
        )
        return cls.from_importance(found, ax=ax, max_features=max_features, sort=sort)

    @classmethod
    def from_importance(cls, importance, *, ax=None, max_features=30, sort=True):
        """Draw importances that were measured before.

        Parameters
        ----------
        importance : TaskImportance
            What :func:`skmtl.inspection.task_importance` found.
        ax : Axes, default=None
            Where to draw; by default a new figure.
        max_features : int or None, default=30
            Features to draw, those that matter most; None for all.
        sort : bool, default=True
            Draw the most important feature on top; else keep the order of the features.

        Returns
        -------
        display : TaskImportanceDisplay
            Drawn display.
        """
        return cls(importance).plot(ax, max_features=max_features, sort=sort)

    def plot(self, ax=None, *, max_features=30, sort=True):
        """Draw the importances.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; by default a new figure.
        max_features : int or None, default=30
            Features to draw, those that matter most; None for all.
        sort : bool, default=True
            Draw the most important feature on top; else keep the order of the features.

        Returns
        -------
        display : TaskImportanceDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        found = self.importance
        known = ~np.isnan(found.importance)
        usual = np.where(known, found.importance, 0.0).sum(axis=1) / known.sum(axis=1).clip(1)
        order = np.argsort(-usual, kind="stable")[:max_features]
        self.order_ = order if sort else np.sort(order)
        self.points_, self.image_ = {}, None
        names = [found.feature_names[feature] for feature in self.order_]
        if len(found.task_names) <= MOST_POINTS:
            self._draw_points(ax, names)
        else:
            self._draw_map(ax, names)
        self.figure_ = self.ax_.figure
        n_features = len(found.feature_names)
        if len(names) < n_features:
            title = f"the first {len(names)} of {n_features} features"
            self.ax_.set_title(title, fontsize="medium", loc="left")
        return self

    def _draw_points(self, ax, names):
        found, rows = self.importance, np.arange(len(names))
        n_tasks = len(found.task_names)
        each = 0.16 + 0.12 * n_tasks
        ax = self.ax_ = open_axes(ax, 6.4, fit_height(each * len(names) + 1.4))
        ax.axvline(0.0, color=ink(ax), linewidth=1, zorder=1)
        if n_tasks > 1:
            for row in rows[:-1]:
                ax.axhline(row + 0.5, color=ink(ax), linewidth=0.4, alpha=0.3, zorder=0)
        is_important = found.is_important[self.order_]
        for t, (name, marker) in enumerate(zip(found.task_names, MARKERS, strict=False)):
            colour = series(t)["color"]
            at = rows + (t - (n_tasks - 1) / 2) * 0.7 / n_tasks
            low, high = found.interval[self.order_, t].T
            ax.hlines(at, low, high, color=colour, linewidth=1.5, zorder=2)
            self.points_[name] = ax.scatter(
                found.importance[self.order_, t],
                at,
                s=24,
                marker=marker,
                edgecolors=colour,
                facecolors=np.where(is_important[:, t], colour, "none"),
                zorder=3,
            )
        label_ticks(ax.yaxis, names)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.locator_params(axis="x", nbins=7)
        ax.grid(axis="x", alpha=0.3)
        ax.set_xlabel(f"{WORTH}\n({self._of_repeats()})")
        self._name_tasks()

    def _name_tasks(self):
        from matplotlib.lines import Line2D

        n_tasks = len(self.importance.task_names)
        looks = zip(range(n_tasks), MARKERS, strict=False)
        handles = [
            Line2D([], [], linestyle="none", marker=marker, color=series(t)["color"])
            for t, marker in looks
        ]
        legend(
            self.ax_,
            handles,
            self.importance.task_names,
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=min(n_tasks, 2),
            frameon=False,
            fontsize="small",
            handletextpad=0.2,
        )

    def _draw_map(self, ax, names):
        tasks, drawn = self.importance.task_names, self.importance.importance[self.order_]
        # Below zero there is chance, which needs no colour of its own.
        drawn = np.maximum(drawn, 0.0)
        self.ax_ = open_axes(ax, *matrix_size(names, tasks))
        self.image_ = draw_matrix(
            self.ax_,
            drawn,
            from_zero(drawn),
            rows=names,
            columns=tasks,
            bar="fall of the score",
            numbers=two_digits(drawn),
        )

    def _of_repeats(self):
        found, n_repeats = self.importance, len(self.importance.repeats)
        if n_repeats == 1:
            return "one permutation"
        return f"{100 * found.confidence:g} % interval of {n_repeats} permutations"
