"""Kernel ridge regression that chooses its kernels, widths and alphas by held-out rows."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import Any, Self

from numpy.typing import NDArray
from sklearn.model_selection import LeaveOneOut
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._all_or_nothing import all_or_nothing, forget_fit
from skmtl._docstrings import documented
from skmtl.kernel._blend_model import KernelBlendModel
from skmtl.kernel._pairs import KERNELS
from skmtl.kernel._trial import Fold
from skmtl.model_selection._folds import read_folds
from skmtl.model_selection._strata import strata_of
from skmtl.tasks import _constraints as constraints

Array = NDArray[Any]


@documented("", "", shared="with the mean of the tasks' functions.")
class MultiTaskKernelRidgeCV(KernelBlendModel):
    r"""Kernel ridge regression and classification with everything chosen by held-out rows.

    The best kernel of each kind, its width and an alpha for each task are those with the smallest
    error on rows that are left out, which one eigendecomposition per kernel gives for every
    alpha [1]_. What the kernels predict is then blended by non-negative weights, those of the
    smallest error on the same rows. For a task t with weights s of its labels, a kernel k and its
    alpha, a function is the minimum of

    .. math:: \frac{1}{\sum_i s_{ti}} \sum_i s_{ti} \, \tfrac12 (z_{ti} - f_t(x_i) - b_t)^2
        + \frac{\alpha_t}{2} \|f_t\|_k^2 .

    The responses z are standardised numbers, or, for classes (one against the rest) and counts,
    labels less their mean; a logistic curve, or whatever the link of the task type is, then makes
    probabilities (counts) of left-out predictions [2]_.

    Parameters
    ----------
    kernels : str or list of str, default=("linear", "laplacian", "rbf", "exponential")
        Kinds of kernels. With the mean distance :math:`\bar d` of two rows they are

        * "linear": products of centred rows,
        * "laplacian": :math:`e^{-d_1 / (w \bar d_1)}`, with the sum of absolute differences,
        * "rbf": :math:`e^{-d_2^2 / 2 (w \bar d_2)^2}`, with the Euclidean distance,
        * "exponential": :math:`e^{-d_2 / (w \bar d_2)}`.
    widths : array-like of float, default=(0.35, 0.7, 1.4, 2.8, 5.6)
        Widths w, tried in order from the middle one on for as long as the error falls.
    linear_share : float, default=0.1
        What the linear kernel, scaled to a mean diagonal of 1, may count beside another: 0 and
        this are tried.
    alphas : array-like of float, default=None
        Values of alpha, above 0. By default 21 from 10 to 1e-9. The alpha of a task is at most
        two decades from the one that is best for all together.
    cv : int, splitter or iterable, default=None
        Which rows are left out together: each by itself (None), or those of a fold, as in
        :class:`MultiTaskLinearCV`. Where rows come in clusters that new rows do not belong to,
        leave out clusters: give ``groups`` to `fit`.
    feature_scaling : "standard" or None, default="standard"
        Whether features are divided by their standard deviations before distances are taken. A
        feature that is constant in `fit` counts as 0 everywhere.
    <task parameters>
    n_landmarks : int, default=None
        Number of rows that functions are made of, by Nystroem's method, where there are more
        rows. By default all up to 2,000, and 1,000 of more; fewer, down to 100, where labels are
        missing in many patterns.

    Attributes
    ----------
    kernels_ : dict of list
        The best kernel of each kind, an entry in each list: "kernel", "width", "linear_share",
        in long form "similarity" and "task_offset", its "error" and its mean "weight". A table:
        ``pandas.DataFrame(model.kernels_)``.
    weights_ : ndarray of shape (n_kernels, n_tasks)
        Weight of each kernel in the predictions for each task; those of a task sum to 1.
    alpha_ : ndarray of shape (n_kernels, n_tasks)
        The chosen alphas, in long form the same for all tasks; NaN for a task with nothing to
        learn.
    best_params_ : dict
        Parameters of the kernel with the smallest error, with its alphas.
    best_score_ : float
        Mean of ``task_scores_``.
    task_scores_ : ndarray of shape (n_tasks,), or (1,) in long form
        Score of the blend on rows that are left out, as in `score`: R2, or the share of deviance
        explained. NaN for a task with nothing to learn.
    cv_results_ : dict of list
        As ``kernels_``, for all kernels that were tried. "error" is the root mean squared error
        over the standard deviation of the responses, in the mean of the tasks.
    out_of_fold_ : list of ndarray of shape (n_samples,) or (n_samples, n_classes)
        What the blend predicts of the rows of the fit, each left out: expected values or class
        probabilities of each task, in long form one entry. NaN in rows without a label of it.
    <task attributes>

    See Also
    --------
    MultiTaskKernelRidge : One kernel, any of scikit-learn's, coupled by a task kernel.
    MultiTaskLinearCV : Linear functions, many more rows.

    Notes
    -----
    In long form the kernel of row x of task s and row z of task t is
    :math:`k(x, z) \, (\rho + (1 - \rho) [s = t]) + c \, [s = t]`, with the ``similarity``
    :math:`\rho` and the ``task_offset`` c chosen by the same error. With one column of y per task
    tasks share the kernels, and weights as far as their labels do not speak for their own.

    Tasks whose labels are in the same rows, with the same weights, share a decomposition; no row
    is left out for a label that it lacks. The cost of one is that of :math:`n^3`. From 700 rows
    on (of all patterns of missing labels together: :math:`\sum n^3 > 700^3`) kernels are chosen
    on a part of the rows, and of at most ten patterns; above 2,000 functions are made of
    landmarks, for memory of :math:`n \cdot m` numbers with m of them.

    References
    ----------
    .. [1] R. Rifkin and R. Lippert, "Notes on regularized least squares", MIT-CSAIL-TR-2007-025,
       section 3.
    .. [2] J. Platt, "Probabilistic outputs for support vector machines and comparisons to
       regularized likelihood methods", Advances in Large Margin Classifiers, 2000.

    C. Williams and M. Seeger, "Using the Nystroem method to speed up kernel machines",
    NeurIPS 2001 (landmarks).

    L. Breiman, "Stacked regressions", Machine Learning 24, 1996 (non-negative weights by held-out
    predictions).

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskKernelRidgeCV
    >>> X = np.linspace(0, 3, 40).reshape(-1, 1)
    >>> Y = np.hstack([np.sin(2 * X), X > 1])
    >>> Y[::4, 0] = np.nan
    >>> model = MultiTaskKernelRidgeCV().fit(X, Y)
    >>> model.predict([[0.5], [2.5]]).round(2)
    array([[ 0.84,  0.  ],
           [-0.96,  1.  ]])
    >>> model.kernels_["kernel"]
    ['linear', 'laplacian', 'rbf', 'exponential']
    """

    _standardize = True
    _shape_varies = True

    _parameter_constraints = {
        "kernels": [StrOptions(set(KERNELS)), list, tuple],
        "widths": ["array-like"],
        "linear_share": [Interval(Real, 0, None, closed="left")],
        "alphas": ["array-like", None],
        "cv": ["cv_object"],
        "feature_scaling": [StrOptions({"standard"}), None],
        **constraints.TASKS,
        **constraints.CLASS_WEIGHT,
        "n_landmarks": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        kernels: Any = ("linear", "laplacian", "rbf", "exponential"),
        *,
        widths: Any = (0.35, 0.7, 1.4, 2.8, 5.6),
        linear_share: float = 0.1,
        alphas: Any = None,
        cv: Any = None,
        feature_scaling: str | None = "standard",
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        class_weight: Any = None,
        n_landmarks: int | None = None,
    ) -> None:
        self.kernels = kernels
        self.widths = widths
        self.linear_share = linear_share
        self.alphas = alphas
        self.cv = cv
        self.feature_scaling = feature_scaling
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_landmarks = n_landmarks

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Choose kernels and alphas by rows that are left out, and fit them to all labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features. In long form (``task_feature`` given) one column says which task a row
            belongs to.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; NaN, None, pandas.NA and masked entries are unobserved. One label per row in
            long form.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels, in fitting and in choosing. A weight of 0 is the same as an
            unobserved label.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are left out together: in 5 folds where ``cv`` is None.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If X has NaN or infinity, no label is observed, labels do not fit their task type, a
            loss has no gradient, or a row is both in training and held out.
        """
        self._validate_params()
        with all_or_nothing(self):
            forget_fit(self)
            X_read, _, targets = self._begin(X, y, sample_weight)
            if groups is None and (self.cv is None or isinstance(self.cv, LeaveOneOut)):
                self._fit(X_read, targets)
            else:
                strata = partial(strata_of, targets)
                folds = read_folds(self.cv, X, y, groups, strata=strata)
                self._fit(X_read, targets, Fold.of(folds, len(targets.values)))
        return self
