"""How features come in, one after another, as the penalty is relaxed."""

import numpy as np

from skmtl.inspection.displays._canvas import check_matplotlib, ink, open_grid
from skmtl.inspection.displays._colours import BLUE, GREY, SERIES, series
from skmtl.inspection.displays._labels import check_names, legend
from skmtl.inspection.displays._linear import feature_names
from skmtl.inspection.displays._refit import path_of

# Features whose lines have a colour and a name.
N_NAMED = len(SERIES)


class RegularizationPathDisplay:
    """Norms of the features' coefficients along alpha, and the score of cross-validation below.

    The norm of a feature is taken over all tasks: it is 0 where no task uses it. The features
    with the largest norms at the chosen alpha are named, the others are grey. The chosen alpha
    is a dashed line; scores have bars of one standard error over the folds.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        Strengths of the penalty, ascending or descending.
    norms : array-like of shape (n_alphas, n_features)
        Norm of the coefficients of each feature.
    alpha : float, default=None
        The chosen alpha.
    scores : array-like of shape (n_alphas, n_folds), default=None
        Score of every fold; NaN for one without a score.
    score_name : str, default="score"
        What the scores are.
    feature_names : list of length n_features, default=None
        Names of the features; by default 0, 1, ...

    Attributes
    ----------
    named_ : ndarray of int
        Features that are named, the largest norm first.
    lines_ : list of Line2D
        Path of each feature, in the order of the features.
    score_line_ : Line2D or None
        Mean score along alpha.
    ax_ : Axes
        Axes with the paths.
    axes_ : ndarray of Axes
        These and, with scores, the axes below.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    CoefficientMapDisplay : The coefficients at one alpha.

    Examples
    --------
    >>> from skmtl.inspection import RegularizationPathDisplay
    >>> norms = [[0.0, 0.0], [0.7, 0.0], [1.2, 0.4]]
    >>> display = RegularizationPathDisplay([1.0, 0.1, 0.01], norms, alpha=0.1).plot()
    >>> display.lines_[0].get_ydata()
    array([0. , 0.7, 1.2])
    """

    def __init__(
        self, alphas, norms, *, alpha=None, scores=None, score_name="score", feature_names=None
    ):
        self.alphas = np.asarray(alphas, dtype=float)
        self.norms = np.asarray(norms, dtype=float)
        self.alpha = alpha
        self.scores = None if scores is None else np.asarray(scores, dtype=float)
        self.score_name = score_name
        self.feature_names = check_names(feature_names, self.norms.shape[1], "feature_names")

    @classmethod
    def from_estimator(cls, estimator, X, y, *, alphas=None, sample_weight=None, ax=None):
        """Fit a linear model along its alphas and draw the path.

        Parameters
        ----------
        estimator : estimator
            Linear estimator with a parameter ``alpha``, or one that has chosen it by
            cross-validation: then fitted, and its scores are drawn as well. Also as the last
            step of a fitted pipeline, or in a fitted search. It is cloned, never refitted.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        alphas : array-like of float, default=None
            Alphas to fit. By default those of the cross-validation; else 30 from the smallest
            one without any coefficients down to a thousandth of that, or, for estimators of
            scikit-learn, from 100 times to a hundredth of the parameter ``alpha``.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels.
        ax : Axes, default=None
            Axes whose place is divided between both panels; by default a new figure.

        Returns
        -------
        display : RegularizationPathDisplay
            Drawn display.

        Raises
        ------
        TypeError
            If the estimator has no parameter ``alpha`` to vary.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        path = path_of(estimator, X, y, alphas, sample_weight, f"{cls.__name__}.from_estimator")
        names = feature_names(estimator, path.norms.shape[1])
        display = cls(
            path.alphas,
            path.norms,
            alpha=path.alpha,
            scores=path.scores,
            score_name=path.score_name,
            feature_names=names,
        )
        return display.plot(ax)

    def plot(self, ax=None):
        """Draw the path.

        Parameters
        ----------
        ax : Axes, default=None
            Axes whose place is divided between both panels; by default a new figure.

        Returns
        -------
        display : RegularizationPathDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        has_scores = self.scores is not None
        # Beside the axes only where the room is ours.
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if ax is None else {}
        ratios = {"height_ratios": [1.7, 1.0]} if has_scores else {}
        self.axes_ = open_grid(
            ax, 1 + has_scores, 1, 7.0, 5.6 if has_scores else 3.8, share="x", **ratios
        )[:, 0]
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        self._draw_paths(place)
        self.score_line_ = self._draw_scores() if has_scores else None
        self._scale_alpha()
        for panel in self.axes_:
            panel.grid(alpha=0.3)
            if self.alpha is not None:
                panel.axvline(self.alpha, color=ink(panel), linestyle="--", linewidth=1.2)
            panel.label_outer()
        return self

    def _draw_paths(self, place):
        ax = self.ax_
        at = -1
        if self.alpha is not None:
            at = np.abs(self.alphas - self.alpha).argmin()
        # Among features that are out at the chosen alpha, those that come in next.
        largest = self.norms.max(axis=0, initial=0.0)
        order = np.lexsort((np.arange(len(largest)), -largest, -self.norms[at]))
        self.named_ = order[:N_NAMED][largest[order[:N_NAMED]] > 0]
        self.lines_ = ax.plot(self.alphas, self.norms, color=GREY, alpha=0.4, linewidth=0.8)
        for rank, feature in enumerate(self.named_):
            look = {"linewidth": 2, "alpha": 1.0, "zorder": 3, **series(rank)}
            self.lines_[feature].set(**look)
        ax.set_ylabel("norm over the tasks")
        n_others = int((largest > 0).sum()) - len(self.named_)
        handles = [self.lines_[feature] for feature in self.named_]
        names = [self.feature_names[feature] for feature in self.named_]
        if n_others:
            rest = next(line for f, line in enumerate(self.lines_) if f not in self.named_)
            handles, names = [*handles, rest], [*names, f"{n_others} more"]
        if handles:
            legend(ax, handles, names, title="feature", fontsize="small", **place)

    def _draw_scores(self):
        ax = self.axes_[1]
        mean, error = mean_and_error(self.scores)
        container = ax.errorbar(
            self.alphas, mean, error, color=BLUE, elinewidth=0.8, linewidth=1.6, capsize=1.5
        )
        ax.set_ylabel(self.score_name)
        return container.lines[0]

    def _scale_alpha(self):
        positive = self.alphas[self.alphas > 0]
        if len(positive) < 2:
            scale = {"value": "linear"}
        elif len(positive) < len(self.alphas):
            scale = {"value": "symlog", "linthresh": positive.min()}
        else:
            scale = {"value": "log"}
        self.axes_[-1].set_xscale(**scale)
        self.axes_[-1].set_xlabel("alpha")


def mean_and_error(scores):
    """Mean over the folds that have a score, and its standard error; NaN where undefined."""
    known = ~np.isnan(scores)
    count = known.sum(axis=1)
    mean = np.where(known, scores, 0.0).sum(axis=1) / np.maximum(count, 1)
    square = np.where(known, (scores - mean[:, None]) ** 2, 0.0).sum(axis=1)
    error = np.sqrt(square / np.maximum(count - 1, 1) / np.maximum(count, 1))
    return np.where(count > 0, mean, np.nan), np.where(count > 1, error, 0.0)
