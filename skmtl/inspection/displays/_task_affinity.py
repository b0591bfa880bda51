"""Which tasks have something in common, as a heat map with similar tasks side by side."""

import numpy as np

from skmtl.inspection._results import WITHOUT_ZERO
from skmtl.inspection.displays._canvas import check_matplotlib, open_axes
from skmtl.inspection.displays._colours import diverging, sequential
from skmtl.inspection.displays._heat_map import (
    cluster_order,
    draw_matrix,
    hide_diagonal,
    matrix_size,
    two_digits,
)


class TaskAffinityDisplay:
    """Affinity of all pairs of tasks, similar tasks side by side.

    Rows and columns are in the order of a hierarchical clustering, so that groups of tasks show
    as blocks. A row says what a task does for the others, a column what the others do for it.
    The diagonal is left out. Affinities are hints which tasks to learn together;
    whether it helps is for :class:`TransferGainDisplay` to say.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    affinity : TaskAffinity
        What :func:`skmtl.inspection.task_affinity` found.

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Position of the task in each row and column.
    image_ : AxesImage
        The heat map.
    ax_ : Axes
        Axes with the heat map.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    skmtl.inspection.task_affinity : The numbers.
    TransferGainDisplay : What is gained by learning the tasks together.

    Notes
    -----
    With ``method="tag"`` the sign of an affinity has no meaning, only its rank among the others:
    colours go from the lowest to the highest. With other methods white is zero. Where the noise is
    known (``task_affinity(..., noise=True)``), what is within twice of it has no colour.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import TaskAffinity, TaskAffinityDisplay
    >>> cosine = np.array([[1.0, -0.1, 0.8], [-0.1, 1.0, 0.0], [0.8, 0.0, 1.0]])
    >>> affinity = TaskAffinity(["reading", "height", "math"], cosine, "coef_cosine")
    >>> display = TaskAffinityDisplay(affinity).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['height', 'math', 'reading']
    """

    def __init__(self, affinity):
        self.affinity = affinity

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        y=None,
        *,
        method="tag",
        sample_weight=None,
        every=10,
        cv=None,
        groups=None,
        n_jobs=None,
        noise=False,
        ax=None,
        cluster=True,
    ):
        """Find the affinities and draw them.

        Parameters
        ----------
        estimator : estimator
            Multi-task estimator of this package.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features), default=None
            Features. May be left out, with y, for the coefficients of a fitted estimator.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,), default=None
            Labels; any may be missing.
        method : str, default="tag"
            How affinities are found, see :func:`skmtl.inspection.task_affinity`.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels.
        every, cv, groups, n_jobs, noise : object
            As in :func:`skmtl.inspection.task_affinity`.
        ax : Axes, default=None
            Where to draw; by default a new figure.
        cluster : bool, default=True
            Put similar tasks side by side; else keep the order of the tasks.

        Returns
        -------
        display : TaskAffinityDisplay
            Drawn display.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        from skmtl.inspection import task_affinity

        affinity = task_affinity(
            estimator,
            X,
            y,
            method=method,
            sample_weight=sample_weight,
            every=every,
            cv=cv,
            groups=groups,
            n_jobs=n_jobs,
            noise=noise,
        )
        return cls(affinity).plot(ax, cluster=cluster)

    def plot(self, ax=None, *, cluster=True):
        """Draw the affinities.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; by default a new figure.
        cluster : bool, default=True
            Put similar tasks side by side; else keep the order of the tasks.

        Returns
        -------
        display : TaskAffinityDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        found = self.affinity
        n_tasks = len(found.task_names)
        ax = open_axes(ax, *matrix_size(found.task_names, found.task_names))
        others = hide_diagonal(found.affinity)
        self.order_ = cluster_order(others) if cluster else np.arange(n_tasks)
        pairs = np.ix_(self.order_, self.order_)
        drawn = others[pairs]
        names = [found.task_names[task] for task in self.order_]
        self.image_ = draw_matrix(
            ax,
            np.where(found.is_clear[pairs], drawn, np.nan),
            sequential(drawn) if found.method in WITHOUT_ZERO else diverging(drawn),
            rows=names,
            columns=names,
            bar=f"affinity ({found.method}): a hint",
            numbers=two_digits(drawn),
        )
        if not np.array_equal(others, others.T, equal_nan=True):
            ax.set_ylabel("what this task does ...")
            ax.set_xlabel("... for this one")
        self.ax_, self.figure_ = ax, ax.figure
        return self
