"""Where the gradients of the tasks point apart while a network trains."""

import numpy as np

from skmtl.inspection.displays._canvas import check_matplotlib, open_grid
from skmtl.inspection.displays._colours import VERMILION, diverging
from skmtl.inspection.displays._heat_map import (
    cluster_order,
    draw_matrix,
    hide_diagonal,
    matrix_size,
)

# Inches: the left panel, and a side of the heat map of many tasks.
SHARE_WIDTH, LONGEST = 3.6, 7.5


class GradientConflictDisplay:
    """Share of the pairs of tasks whose gradients point apart, by epoch, and which pairs.

    Two tasks are in conflict where the cosine between the gradients of their losses is
    negative: a step that serves one harms the other. The heat map shows the mean cosine of
    each pair over the epochs, similar tasks side by side, blue where gradients agree.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    conflict : GradientConflict
        What :func:`skmtl.inspection.gradient_conflict` found.

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Position of the task in each row and column of the heat map.
    line_ : Line2D
        Share of pairs by epoch.
    image_ : AxesImage
        Heat map of the mean cosines.
    ax_ : Axes
        Axes with the share by epoch.
    axes_ : ndarray of shape (2,)
        These, and the axes with the heat map.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    skmtl.inspection.gradient_conflict : The numbers.
    TaskWeightDisplay : How a network weighed its tasks.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import GradientConflict, GradientConflictDisplay
    >>> cosine = np.array([[[1.0, 0.5], [0.5, 1.0]], [[1.0, -0.5], [-0.5, 1.0]]])
    >>> conflict = GradientConflict(["reading", "height"], np.array([1, 2]), cosine)
    >>> display = GradientConflictDisplay(conflict).plot()
    >>> display.line_.get_ydata()
    array([0., 1.])
    """

    def __init__(self, conflict):
        self.conflict = conflict

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, sample_weight=None, every=10, space="shared", ax=None
    ):
        """Train a network, watch its gradients and draw what they did.

        Parameters
        ----------
        estimator : estimator
            Neural estimator of this package; it is cloned and fitted.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels.
        every, space : object
            As in :func:`skmtl.inspection.gradient_conflict`.
        ax : Axes, default=None
            Axes whose place is divided between both panels; by default a new figure.

        Returns
        -------
        display : GradientConflictDisplay
            Drawn display.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        from skmtl.inspection import gradient_conflict

        conflict = gradient_conflict(
            estimator, X, y, sample_weight=sample_weight, every=every, space=space
        )
        return cls(conflict).plot(ax)

    def plot(self, ax=None):
        """Draw the conflicts.

        Parameters
        ----------
        ax : Axes, default=None
            Axes whose place is divided between both panels; by default a new figure.

        Returns
        -------
        display : GradientConflictDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        names = self.conflict.task_names
        width, height = matrix_size(names, names, longest=LONGEST)
        self.axes_ = open_grid(
            ax, 1, 2, width + SHARE_WIDTH, height, width_ratios=[SHARE_WIDTH, width]
        )[0]
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        self._draw_share(self.axes_[0])
        self._draw_pairs(self.axes_[1])
        return self

    def _draw_share(self, ax):
        found = self.conflict
        marker = "o" if len(found.epochs) <= 30 else None
        self.line_ = ax.plot(found.epochs, found.share, color=VERMILION, marker=marker)[0]
        ax.set_ylim(-0.03, 1.03)
        ax.yaxis.set_major_formatter(lambda value, position: f"{100 * value:.0f} %")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_xlabel("epoch")
        ax.set_title("pairs of tasks in conflict", fontsize="medium")
        ax.grid(alpha=0.3)

    def _draw_pairs(self, ax):
        found = self.conflict
        pairs = hide_diagonal(_mean_over_epochs(found.cosine))
        self.order_ = cluster_order(pairs)
        drawn = pairs[np.ix_(self.order_, self.order_)]
        names = [found.task_names[task] for task in self.order_]
        self.image_ = draw_matrix(
            ax,
            drawn,
            diverging(drawn),
            rows=names,
            columns=names,
            bar="mean cosine of gradients",
            numbers=".2f",
        )


def _mean_over_epochs(cosine):
    """Mean of the known values; NaN where there is none, without a warning."""
    known = ~np.isnan(cosine)
    total = np.where(known, cosine, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
