"""How a network weighed its tasks, epoch by epoch."""

import numpy as np

from skmtl.inspection.displays._canvas import check_matplotlib, open_axes
from skmtl.inspection.displays._colours import SERIES, sequential, series
from skmtl.inspection.displays._heat_map import draw_matrix, matrix_size
from skmtl.inspection.displays._labels import check_names, legend
from skmtl.inspection.displays._learning_curve import lonely
from skmtl.inspection.displays._networks import fitted_network


class TaskWeightDisplay:
    """Weight of every task in the objective, by epoch.

    What a balancing method made of the tasks: up to six are lines, more are the rows of a heat
    map. Both are sorted by the last weight, largest first.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    task_weight : array-like of shape (n_epochs, n_tasks)
        Mean weight of each task in each epoch.
    task_names : list of length n_tasks, default=None
        Names of the tasks; by default 0, 1, ...

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Positions of the tasks by their last weight, largest first.
    lines_ : list of Line2D or None
        Line of each task, in the order of the tasks; None for a heat map.
    image_ : AxesImage or None
        The heat map, a row per task in the order of ``order_``; None for lines.
    ax_ : Axes
        Axes with the plot.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    TaskLearningCurveDisplay : What became of the losses.
    GradientConflictDisplay : Whether there was anything to balance.

    Examples
    --------
    >>> from skmtl.inspection import TaskWeightDisplay
    >>> weights = [[1.0, 1.0], [1.2, 0.8], [1.3, 0.7]]
    >>> display = TaskWeightDisplay(weights, task_names=["reading", "math"]).plot()
    >>> display.lines_[1].get_ydata()
    array([1. , 0.8, 0.7])
    """

    def __init__(self, task_weight, *, task_names=None):
        self.task_weight = np.asarray(task_weight, dtype=float)
        self.task_names = check_names(task_names, self.task_weight.shape[1])

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the weights of a fitted network.

        Parameters
        ----------
        estimator : estimator
            Fitted neural estimator of this package; also as the last step of a pipeline, or in a
            fitted search.
        ax : Axes, default=None
            Where to draw; by default a new figure.

        Returns
        -------
        display : TaskWeightDisplay
            Drawn display.

        Raises
        ------
        TypeError
            If the estimator is no fitted network.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        network = fitted_network(estimator, f"{cls.__name__}.from_estimator")
        names = network.task_names_in_.tolist()
        return cls(network.history_["task_weight"], task_names=names).plot(ax)

    def plot(self, ax=None):
        """Draw the weights.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; by default a new figure.

        Returns
        -------
        display : TaskWeightDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        self.order_ = np.argsort(-self.task_weight[-1], kind="stable")
        self.lines_ = self.image_ = None
        if self.task_weight.shape[1] <= len(SERIES):
            self._plot_lines(ax)
        else:
            self._plot_heat_map(ax)
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.set_xlabel("epoch")
        self.figure_ = self.ax_.figure
        return self

    def _plot_lines(self, ax):
        # Beside the axes only where the room is ours.
        place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)} if ax is None else {}
        self.ax_ = open_axes(ax, 6.8, 3.8)
        epochs = np.arange(1, len(self.task_weight) + 1)
        self.lines_ = [
            self.ax_.plot(epochs, weight, linewidth=2, marker=lonely(epochs), **series(task))[0]
            for task, weight in enumerate(self.task_weight.T)
        ]
        self.ax_.set_ylabel("task weight")
        self.ax_.set_ylim(bottom=min(0.0, float(np.nanmin(self.task_weight))))
        self.ax_.grid(alpha=0.3)
        names = [self.task_names[task] for task in self.order_]
        legend(self.ax_, [self.lines_[task] for task in self.order_], names, **place)

    def _plot_heat_map(self, ax):
        names = [self.task_names[task] for task in self.order_]
        size = matrix_size(names, [""] * 12)
        self.ax_ = open_axes(ax, size[0] + 1.0, size[1] + 0.4)
        drawn = self.task_weight.T[self.order_]
        self.image_ = draw_matrix(
            self.ax_, drawn, sequential(drawn), rows=names, columns=(), bar="task weight"
        )
        # Epochs are numbers, from 1.
        n_tasks, n_epochs = drawn.shape
        self.image_.set_extent((0.5, n_epochs + 0.5, n_tasks - 0.5, -0.5))
        self.ax_.xaxis.set_major_locator(_whole_numbers())


def _whole_numbers():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True)
