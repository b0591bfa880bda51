"""Which tasks belong together."""

from __future__ import annotations

from numbers import Integral

from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from skmtl._affinity_methods import METHODS
from skmtl.inspection._affinity_coefficients import coefficient_cosines, fitted_cosines
from skmtl.inspection._affinity_folds import pair_gains, residual_correlations
from skmtl.inspection._affinity_noise import noise_of_halves
from skmtl.inspection._gradients import for_all_tasks, train_with
from skmtl.inspection._results import TaskAffinity
from skmtl.inspection._task_data import TaskData
from skmtl.model_selection._folds import is_number
from skmtl.neural import training

CONSTRAINTS = {
    "method": [StrOptions(set(METHODS))],
    "every": [Interval(Integral, 1, None, closed="left")],
    "cv": ["cv_object", None],
    "groups": ["array-like", None],
    "n_jobs": [Integral, None],
}


def task_affinity(
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
):
    r"""Guess which tasks belong together.

    An affinity is a hint. Published comparisons find that affinities, these among them, tell
    little of what tasks gain from each other [5]_: take from them which groups to try, and from
    `transfer_gain` whether to keep one.

    Parameters
    ----------
    estimator : estimator
        For "tag" and "grad_cosine" a network, `MultiTaskMLP`; for "coef_cosine" a linear
        estimator with ``coef_``; for the others any estimator of this package. Also as the last
        step of a :class:`~sklearn.pipeline.Pipeline`. Clones of it are fitted, except where X is
        left out.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features), default=None
        Features, with the task feature in long form. May be left out, with y, for "coef_cosine":
        then the coefficients of the fitted ``estimator`` are compared.
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,), default=None
        Labels; any may be missing.
    method : str, default="tag"
        What makes two tasks close:

        - "tag" [1]_: a step along the gradient of one, by what they share, lowers the loss of
          the other;
        - "grad_cosine": the gradients of the two, by what they share, point the same way;
        - "pairwise" [2]_: learned as a pair, the other gains over being learned alone. One fit
          a pair and fold;
        - "coef_cosine": learned alone, their coefficients point the same way;
        - "residual_correlation": what learning each alone leaves unexplained goes together, in
          rows that have labels of both. Not in long form.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels.
    every : int, default=10
        "tag", "grad_cosine": steps of training from one look at the gradients to the next.
    cv : int, cross-validation generator or iterable, default=None
        "pairwise", "residual_correlation": the folds, as in `transfer_gain`.
    groups : array-like of shape (n_samples,), default=None
        Rows of a group are in one fold; given to ``cv``.
    n_jobs : int, default=None
        "pairwise", "residual_correlation": number of fits at the same time, by joblib. Results
        do not depend on it.
    noise : bool, default=False
        Also find how far chance moves an affinity, at the cost of two more of half the rows
        each. With ``cv`` a number or None, and without ``groups``.

    Returns
    -------
    affinity : TaskAffinity
        Entry (i, j) is what task i does for task j: symmetric for all methods but "tag" and
        "pairwise". NaN for a pair that could not be compared: no labels, never a label in the
        same batch, fewer than three rows in common, coefficients that are all zero.

    Raises
    ------
    TypeError
        If the estimator is not of the kind that the method needs.
    ValueError
        If the tasks share no parameters ("tag", "grad_cosine"), or y is in long form
        ("residual_correlation").

    See Also
    --------
    skmtl.transfer_gain : What every task gains: evidence.
    gradient_conflict : Cosines of gradients, epoch by epoch.

    Notes
    -----
    "tag": in every tenth step of training, with the shared parameters :math:`\theta`, the
    learning rate :math:`\eta` and the losses on the batch,

    .. math:: Z_{ij} = 1 - \frac{L_j(\theta - \eta \nabla_\theta L_i, \theta_j)}
        {L_j(\theta, \theta_j)}

    averaged over these steps [1]_. Values are small, and off the diagonal often all negative:
    their order is what counts. Losses are those without dropout, and the network comes out as
    it would without being watched. A look takes T + 1 passes over the batch forward and T
    backward, with "grad_cosine" one forward.

    "coef_cosine": each coefficient counts in units of its feature's standard deviation, where X
    is given, so that a cosine does not depend on the units of X.

    "residual_correlation" [3]_: residuals are those of test rows; of deviance [4]_ for counts
    and two classes. Tasks that share noise, or a feature that X lacks, are close.

    The noise is the standard deviation of an entry, one for all: with the affinities A and B of
    two halves of the rows, :math:`\sqrt{\operatorname{mean}((A_{ij} - B_{ij})^2)} / 2` off the
    diagonal.

    A task with several classes has a vector for each. With the matrices A and B of two tasks,
    the cosine is then :math:`\|A'B\|_F / \sqrt{\|A'A\|_F \|B'B\|_F}`, which has no sign.

    References
    ----------
    .. [1] Fifty et al., "Efficiently identifying task groupings for multi-task learning",
       NeurIPS 2021, eq. 1.
    .. [2] Standley et al., "Which tasks should be learned together in multi-task learning?",
       ICML 2020.
    .. [3] Breiman and Friedman, "Predicting multivariate responses in multiple linear
       regression", Journal of the Royal Statistical Society B 59, 1997.
    .. [4] McCullagh and Nelder, "Generalized Linear Models", 2nd ed., 1989, section 2.4.3.
    .. [5] "It's a match! A benchmark of task affinity scores for joint learning",
       arXiv:2301.02873, 2023.

    Examples
    --------
    >>> from skmtl import MultiTaskLinearRegressor
    >>> from skmtl.datasets import make_multitask_regression
    >>> from skmtl.inspection import task_affinity
    >>> X, y = make_multitask_regression(n_tasks=4, n_groups=2, noise=0.5, random_state=0)
    >>> model = MultiTaskLinearRegressor("l2", alpha=0.1)
    >>> task_affinity(model, X, y, method="coef_cosine").affinity.round(1)
    array([[ 1. , -0. ,  0.9,  0.1],
           [-0. ,  1. , -0.2,  0.7],
           [ 0.9, -0.2,  1. ,  0.1],
           [ 0.1,  0.7,  0.1,  1. ]])
    """
    given = {"method": method, "every": every, "cv": cv, "groups": groups, "n_jobs": n_jobs}
    validate_parameter_constraints(CONSTRAINTS, given, caller_name="task_affinity")
    if noise and not (groups is None and (cv is None or is_number(cv))):
        raise ValueError("noise=True takes halves of the rows: give cv as a number, and no groups.")
    if X is None or y is None:
        if method != "coef_cosine":
            raise ValueError(f"method={method!r} needs X and y.")
        if noise:
            raise ValueError("noise=True needs X and y: it is found in two halves of the rows.")
        names, affinity = fitted_cosines(estimator)
        return TaskAffinity(names, affinity, method)

    def find(X, y, sample_weight):
        return _find(estimator, X, y, sample_weight, method, every, cv, groups, n_jobs)

    names, affinity = find(X, y, sample_weight)
    if not noise:
        return TaskAffinity(names, affinity, method)
    data = TaskData(estimator, X, y, sample_weight)
    return TaskAffinity(names, affinity, method, noise_of_halves(data, names, find))


def _find(estimator, X, y, sample_weight, method, every, cv, groups, n_jobs):
    """Names of the tasks, and affinities (n_tasks, n_tasks)."""
    if method in ("tag", "grad_cosine"):
        kind = "LookAheadProbe" if method == "tag" else "CosineProbe"
        probe = getattr(training, kind)(every)
        network = train_with(probe, estimator, X, y, sample_weight)
        return network.task_names_in_.tolist(), for_all_tasks(network, probe.overall())
    data = TaskData(estimator, X, y, sample_weight)
    if method == "coef_cosine":
        return data.names, coefficient_cosines(estimator, data)
    of_folds = pair_gains if method == "pairwise" else residual_correlations
    return data.names, of_folds(estimator, data, cv, groups, n_jobs)
