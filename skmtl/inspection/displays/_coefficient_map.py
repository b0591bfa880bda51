"""What the coefficients of a linear model look like: which features serve which tasks."""

import numpy as np
from scipy import sparse

from skmtl.inspection.displays._canvas import check_matplotlib, open_axes
from skmtl.inspection.displays._colours import diverging
from skmtl.inspection.displays._heat_map import draw_matrix, matrix_size
from skmtl.inspection.displays._labels import check_names
from skmtl.inspection.displays._linear import feature_names, read_coefficients


class CoefficientMapDisplay:
    """Coefficients of a linear model as a heat map: a row per feature, a column per task.

    Features are sorted by the norm of what is drawn over all tasks, the largest on top.
    White is zero; a grey row is a feature that no task uses. Blue raises a prediction, red lowers
    it. Each column is scaled to its largest coefficient, so that targets of any units stand
    side by side. Compare features where these are standardised.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    coef : array-like of shape (n_outputs, n_features)
        Coefficients as estimators have them in ``coef_``.
    feature_names : list of length n_features, default=None
        Names of the features; by default 0, 1, ...
    output_names : list of length n_outputs, default=None
        Names of the rows of ``coef``: tasks, or task and class.

    Attributes
    ----------
    order_ : ndarray of int
        Positions of the features that are drawn, from top to bottom.
    image_ : AxesImage
        The heat map.
    ax_ : Axes
        Axes with the heat map.
    figure_ : Figure
        Figure with the axes.

    See Also
    --------
    RegularizationPathDisplay : How features come in as the penalty is relaxed.

    Examples
    --------
    >>> from skmtl.inspection import CoefficientMapDisplay
    >>> coef = [[0.0, 2.0, 0.5], [0.0, 1.0, -0.5]]
    >>> display = CoefficientMapDisplay(coef, feature_names=["age", "dose", "sex"]).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['dose', 'sex', 'age']
    """

    def __init__(self, coef, *, feature_names=None, output_names=None):
        self.coef = np.atleast_2d(coef.toarray() if sparse.issparse(coef) else np.asarray(coef))
        self.feature_names = check_names(feature_names, self.coef.shape[1], "feature_names")
        self.output_names = check_names(output_names, self.coef.shape[0], "output_names")

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, max_features=50, scale_outputs=True):
        """Draw the coefficients of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted linear estimator, of this package or scikit-learn; also `IndependentTasks` of
            linear estimators, the last step of a pipeline, or a fitted search.
        ax : Axes, default=None
            Where to draw; by default a new figure.
        max_features : int or None, default=50
            Features to draw, those with the largest coefficients; None for all.
        scale_outputs : bool, default=True
            Draw each column as a share of its largest coefficient; else all in their own units.

        Returns
        -------
        display : CoefficientMapDisplay
            Drawn display.

        Raises
        ------
        TypeError
            If the estimator has no coefficients.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        coef, outputs = read_coefficients(estimator, f"{cls.__name__}.from_estimator")
        names = feature_names(estimator, coef.shape[1])
        display = cls(coef, feature_names=names, output_names=outputs)
        return display.plot(ax, max_features=max_features, scale_outputs=scale_outputs)

    def plot(self, ax=None, *, max_features=50, scale_outputs=True):
        """Draw the coefficients.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; by default a new figure.
        max_features : int or None, default=50
            Features to draw, those with the largest coefficients; None for all.
        scale_outputs : bool, default=True
            Draw each column as a share of its largest coefficient; else all in their own units.

        Returns
        -------
        display : CoefficientMapDisplay
            This display.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        coef, bar = self.coef, "coefficient"
        if scale_outputs:
            largest = np.abs(coef).max(axis=1, keepdims=True)
            coef, bar = (
                coef / np.where(largest > 0, largest, 1.0),
                "share of the largest of the task",
            )
        norms = np.linalg.norm(coef, axis=0)
        self.order_ = np.argsort(-norms, kind="stable")[:max_features]
        features = [self.feature_names[feature] for feature in self.order_]
        ax = open_axes(ax, *matrix_size(features, self.output_names, cell=0.3))
        drawn = coef.T[self.order_]
        is_zero = norms[self.order_] == 0
        self.image_ = draw_matrix(
            ax,
            np.where(is_zero[:, None], np.nan, drawn),
            diverging(drawn),
            rows=features,
            columns=self.output_names,
            bar=bar,
        )
        used = int((norms > 0).sum())
        ax.set_title(self._title(used), fontsize="medium")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _title(self, n_used):
        n_features, n_drawn = len(self.feature_names), len(self.order_)
        title = f"{n_used} of {n_features} features are used"
        return f"{title}; the first {n_drawn} are shown" if n_drawn < n_features else title
