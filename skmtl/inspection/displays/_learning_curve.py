"""How fast every task is learned, and whether what is learned holds on rows held out."""

import numpy as np

from skmtl.inspection.displays._canvas import check_matplotlib, ink, open_panels
from skmtl.inspection.displays._colours import BLUE, GREY, ORANGE, PURPLE, VERMILION
from skmtl.inspection.displays._labels import check_names, legend, literal
from skmtl.inspection.displays._networks import best_epoch, fitted_network

# More tasks than this share their axes.
MOST_PANELS = 12
# Among many tasks, those with the highest loss in the end are named.
N_NAMED = 3
# Factor between the largest and the smallest ratio from which the axis is logarithmic.
LOG_FROM = 30


class TaskLearningCurveDisplay:
    """Loss of every task over the epochs of a network, as a share of its first loss.

    Tasks have losses of different size; divided by their first training loss all begin near 1
    and can be compared. A task that stays at 1 learns nothing; where the validation loss rises
    while the training loss falls, it is being learned by heart. Up to twelve tasks have panels
    of their own. More are drawn together, with their median, and the three with the highest
    last loss are named.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    loss : array-like of shape (n_epochs, n_tasks)
        Training loss; NaN for a task without labels.
    validation_loss : array-like of shape (n_epochs, n_tasks), default=None
        Loss on rows held out.
    task_names : list of length n_tasks, default=None
        Names of the tasks; by default 0, 1, ...
    best_epoch : int, default=None
        Number, from 1, of the epoch whose weights were kept.

    Attributes
    ----------
    lines_ : list of Line2D
        Training curve of each task.
    validation_lines_ : list of Line2D
        Validation curve of each task; empty without validation.
    ax_ : Axes
        The first panel.
    axes_ : ndarray of Axes
        All panels: one a task or, for many tasks, one for training and one for validation.
    figure_ : Figure
        Figure with the panels.

    See Also
    --------
    TaskWeightDisplay : How a network weighed its tasks.

    Examples
    --------
    >>> from skmtl.inspection import TaskLearningCurveDisplay
    >>> loss = [[2.0, 0.5], [1.0, 0.4], [0.5, 0.3]]
    >>> display = TaskLearningCurveDisplay(loss, task_names=["reading", "math"]).plot()
    >>> display.lines_[0].get_ydata()
    array([1.  , 0.5 , 0.25])
    """

    def __init__(self, loss, *, validation_loss=None, task_names=None, best_epoch=None):
        self.loss = np.asarray(loss, dtype=float)
        self.validation_loss = validation_loss
        if validation_loss is not None:
            self.validation_loss = np.asarray(validation_loss, dtype=float)
        self.task_names = check_names(task_names, self.loss.shape[1])
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, kind="auto"):
        """Draw the curves of a fitted network.

        Parameters
        ----------
        estimator : estimator
            Fitted neural estimator of this package; also as the last step of a pipeline, or in a
            fitted search.
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.
        kind : {"auto", "panels", "overlay"}, default="auto"
            One panel a task, or all tasks together; "auto" depends on their number.

        Returns
        -------
        display : TaskLearningCurveDisplay
            Drawn display.

        Raises
        ------
        TypeError
            If the estimator is no fitted network.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        network = fitted_network(estimator, f"{cls.__name__}.from_estimator")
        display = cls(
            network.history_["loss"],
            validation_loss=network.history_.get("validation_loss"),
            task_names=network.task_names_in_.tolist(),
            best_epoch=best_epoch(network),
        )
        return display.plot(ax, kind=kind)

    def plot(self, ax=None, *, kind="auto"):
        """Draw the curves.

        Parameters
        ----------
        ax : Axes, default=None
            Axes whose place is divided between the panels; by default a new figure.
        kind : {"auto", "panels", "overlay"}, default="auto"
            One panel a task, or all tasks together; "auto" depends on their number.

        Returns
        -------
        display : TaskLearningCurveDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        check_kind(kind)
        self._curves = {"training": over_first(self.loss, self.loss)}
        if self.validation_loss is not None:
            self._curves["validation"] = over_first(self.validation_loss, self.loss)
        many = self.loss.shape[1] > MOST_PANELS
        if kind == "panels" or (kind == "auto" and not many):
            self._plot_panels(ax)
        else:
            self._plot_overlay(ax)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        self._finish()
        return self

    @property
    def _epochs(self):
        return np.arange(1, len(self.loss) + 1)

    def _plot_panels(self, ax):
        self.axes_ = open_panels(ax, self.loss.shape[1], height=2.2, share="xy")
        looks = {
            "training": {"color": BLUE, "marker": lonely(self._epochs)},
            "validation": {"color": VERMILION, "linestyle": "--", "marker": lonely(self._epochs)},
        }
        drawn = {
            part: [
                panel.plot(self._epochs, curve, **looks[part])[0]
                for panel, curve in zip(self.axes_, curves.T, strict=True)
            ]
            for part, curves in self._curves.items()
        }
        self.lines_, self.validation_lines_ = drawn["training"], drawn.get("validation", [])
        for panel, name in zip(self.axes_, self.task_names, strict=True):
            panel.set_title(literal(name), fontsize="medium")
            panel.label_outer()
        marks = self._mark_best_epoch()
        handles = [lines[0] for lines in drawn.values()] + marks[:1]
        names = [*drawn, *([f"kept: epoch {self.best_epoch}"] if marks else [])]
        if len(handles) > 1:
            legend(self.axes_[0], handles, names, fontsize="small")

    def _plot_overlay(self, ax):
        self.axes_ = open_panels(ax, len(self._curves), width=5.2, height=4.4, share="xy")
        losses = list(self._curves.values())[-1]
        last = np.where(np.isnan(losses[-1]), -np.inf, losses[-1])
        named = np.argsort(-last, kind="stable")[:N_NAMED]
        drawn = {}
        for panel, (part, curves) in zip(self.axes_, self._curves.items(), strict=True):
            drawn[part] = panel.plot(self._epochs, curves, color=GREY, alpha=0.35, linewidth=0.7)
            for color, task in zip((VERMILION, ORANGE, PURPLE), named, strict=False):
                drawn[part][task].set(color=color, alpha=1.0, linewidth=1.6, zorder=3)
            middle = panel.plot(
                self._epochs, median(curves), color=ink(panel), linewidth=2.2, zorder=4
            )
            panel.set_title(f"{part}, {curves.shape[1]} tasks", fontsize="medium")
            panel.label_outer()
        self.lines_, self.validation_lines_ = drawn["training"], drawn.get("validation", [])
        marks = self._mark_best_epoch()
        handles = [*(drawn[part][task] for task in named), middle[0], *marks[-1:]]
        names = [*(self.task_names[task] for task in named), "median of the tasks"]
        names += [f"kept: epoch {self.best_epoch}"] if marks else []
        legend(self.axes_[-1], handles, names, fontsize="small", title="highest last loss")

    def _mark_best_epoch(self):
        if self.best_epoch is None:
            return []
        look = {"linestyle": ":", "linewidth": 1.3}
        return [panel.axvline(self.best_epoch, color=ink(panel), **look) for panel in self.axes_]

    def _finish(self):
        values = np.concatenate([curves.ravel() for curves in self._curves.values()])
        values = values[np.isfinite(values)]
        if values.size and values.min() > 0 and values.max() > LOG_FROM * values.min():
            self.ax_.set_yscale("log")
        else:
            self.ax_.set_ylim(bottom=0)
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        for panel in self.axes_:
            panel.grid(alpha=0.3)
            if panel.get_subplotspec().is_first_col():
                panel.set_ylabel("loss / first loss")
            if panel.get_subplotspec().is_last_row():
                panel.set_xlabel("epoch")


def check_kind(kind):
    """Raise where ``kind`` is none of the three."""
    if kind not in ("auto", "panels", "overlay"):
        raise ValueError(f"kind={kind!r}; expected 'auto', 'panels' or 'overlay'.")


def lonely(epochs):
    """Marker that makes a single epoch visible."""
    return "o" if len(epochs) == 1 else ""


def over_first(loss, training_loss):
    """Losses over the first positive training loss of each task; NaN where it has none."""
    known = np.isfinite(training_loss) & (training_loss > 0)
    first = training_loss[known.argmax(axis=0), np.arange(loss.shape[1])]
    return loss / np.where(known.any(axis=0), first, np.nan)


def median(curves):
    """Median over the tasks; NaN for an epoch in which none has a loss."""
    some = ~np.isnan(curves).all(axis=1)
    middle = np.full(len(curves), np.nan)
    middle[some] = np.nanmedian(curves[some], axis=1)
    return middle
