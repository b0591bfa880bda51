"""Kernel ridge regression that chooses its kernels, widths and alphas by held-out rows."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import LeaveOneOut
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._all_or_nothing import all_or_nothing, forget_fit
from skmtl._base import MultiTaskEstimator
from skmtl._docstrings import documented
from skmtl._grown import with_added_tasks
from skmtl._scored_columns import mean_score
from skmtl.kernel._blend import BlendFit
from skmtl.kernel._later_tasks import GrowsKernelTasks
from skmtl.kernel._options import read_options
from skmtl.kernel._pairs import KERNELS
from skmtl.kernel._search import best_of
from skmtl.kernel._tables import described, table
from skmtl.kernel._trial import Fold
from skmtl.linear.objective._training_data import learnable, learnable_tasks
from skmtl.model_selection._folds import read_folds
from skmtl.model_selection._strata import strata_of
from skmtl.tasks import _constraints as constraints
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import Link

Array = NDArray[Any]


@documented("", "", shared="with the mean of the tasks' functions.")
class MultiTaskKernelRidgeCV(GrowsKernelTasks, MultiTaskEstimator):
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
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

    def _fit(self, X: Any, targets: Targets, folds: list[Fold] | None = None) -> None:
        options, used = read_options(self), np.flatnonzero(targets.row_is_observed)
        if folds is not None:
            folds = [fold.within(used, X.shape[0]) for fold in folds]
        X, some, _ = learnable(X, targets, None)
        if targets.tasks.is_long:
            self._known = np.flatnonzero(targets.tasks.n_labels)
        else:
            self._known = np.flatnonzero(learnable_tasks(targets.tasks))
        self._blend = fitted = None
        if some.tasks.n_outputs:
            scale = self.feature_scaling is not None
            fitted = BlendFit.of(X, some, folds, options, scale=scale)
            self._blend = fitted.blend
        self._publish_choice(fitted, some, used, len(targets.values))

    def _publish_choice(
        self, fitted: BlendFit | None, targets: Targets, used: Array, n_samples: int
    ) -> None:
        """Set what was chosen, and what left-out rows say of it."""
        tasks, known = self._task_set, self._known
        best = fitted.choice.best if fitted else []
        nothing = tasks.inverse_link(np.zeros((n_samples, tasks.n_outputs)))
        self.out_of_fold_ = [np.full(of_task.shape, np.nan) for of_task in nothing]
        self.task_scores_ = np.full(len(tasks.tasks), np.nan)
        self.weights_ = np.zeros((len(best), tasks.n_tasks))
        self.alpha_ = np.full(self.weights_.shape, np.nan)
        self.best_params_ = {}
        if fitted:
            self.weights_[:] = fitted.weights.mean(axis=1, keepdims=True)
            self.weights_[:, known] = fitted.weights
            self.alpha_[:, known] = [trial.alphas for trial in best]
            self._publish_held_out(fitted.expected, targets, used)
            first = best.index(best_of(best))
            self.best_params_ = described(best[first], is_long=tasks.is_long)
            self.best_params_["alpha"] = self.alpha_[first]
        self.best_score_ = mean_score(self.task_scores_)
        self.kernels_ = table(best, is_long=tasks.is_long)
        self.kernels_["weight"] = [float(w.mean()) for w in self.weights_[:, known]]
        tried = fitted.choice.tried if fitted else []
        self.cv_results_ = table(tried, is_long=tasks.is_long)

    def _publish_held_out(self, expected: list[Array], targets: Targets, used: Array) -> None:
        """Set predictions of left-out rows, and their scores."""
        positions = [0] if self._task_set.is_long else self._known.tolist()
        for k, of_task, column in zip(positions, expected, targets.columns(), strict=True):
            seen = np.isfinite(of_task.reshape(len(of_task), -1)).all(axis=1)
            task, values, weights = column
            self.task_scores_[k] = task.score(of_task[seen], values[seen], weights[seen])
            self.out_of_fold_[k][used] = of_task

    def _kernel_of_rows(self, X: Any, anchors: Any) -> Array | None:
        return None if self._blend is None else self._blend.kernel_of_rows(X, anchors)

    @with_added_tasks
    def _linked(self, X: Any, task_index: Array | None, link: Link | None) -> list[Array]:
        tasks = self._task_set
        expected = tasks.inverse_link(np.zeros((X.shape[0], tasks.n_outputs)), task_index, link)
        if self._blend is None:
            return expected
        if task_index is None:
            for t, of_task in zip(self._known.tolist(), self._blend(X, None, link), strict=True):
                expected[t] = of_task
            return expected
        # Tasks without labels are in no kernel; the last position is that of unknown ones.
        position = np.full(tasks.n_tasks + 1, -1)
        position[self._known] = np.arange(len(self._known))
        found = self._blend(X, position[task_index], link)[0]
        silent = (task_index >= 0) & (position[task_index] < 0)
        found[silent] = expected[0][silent]
        return [found]
