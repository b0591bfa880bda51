"""Related tasks of different types."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from skmtl.datasets._labels import ClassLabels, CountLabels, ScoreLabels
from skmtl.datasets._problem import PROBLEM_CONSTRAINTS, make_problem


@validate_params(
    {
        **PROBLEM_CONSTRAINTS,
        "n_regression": [Interval(Integral, 0, None, closed="left")],
        "n_binary": [Interval(Integral, 0, None, closed="left")],
        "n_multiclass": [Interval(Integral, 0, None, closed="left")],
        "n_count": [Interval(Integral, 0, None, closed="left")],
        "n_classes": [Interval(Integral, 3, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "positive_share": [Interval(Real, 0, 1, closed="neither")],
        "class_sep": [Interval(Real, 0, None, closed="left")],
        "mean_count": [Interval(Real, 0, None, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def make_multitask_mixed(
    n_samples=100,
    n_features=20,
    *,
    n_regression=2,
    n_binary=2,
    n_multiclass=1,
    n_count=1,
    n_classes=3,
    n_informative=10,
    relatedness=0.8,
    rank=None,
    n_groups=1,
    noise=0.0,
    positive_share=0.5,
    class_sep=3.0,
    mean_count=3.0,
    missing=0.0,
    as_frame=False,
    return_truth=False,
    random_state=None,
):
    """Generate related tasks of different types, with missing labels if wanted.

    The columns of `y` are regression tasks, then binary, multiclass and count tasks. Each is drawn
    from a linear model of the same independent standard normal features, and their coefficients
    are related as in :func:`make_multitask_regression`: Gaussian noise around the score, the
    logistic or softmax model as in :func:`make_multitask_classification`, and Poisson counts whose
    log rate is the score. The scores of the regression, binary and count tasks and those of
    class 0 of the multiclass tasks are related; class 1 of the multiclass tasks among themselves,
    and so on.

    Parameters
    ----------
    n_samples : int, default=100
        Rows.

    n_features : int, default=20
        Features.

    n_regression, n_binary, n_multiclass, n_count : int, default=2, 2, 1, 1
        Tasks of each type, at least one in all.

    n_classes : int, default=3
        Classes of the multiclass tasks, in equal shares.

    n_informative : int, default=10
        Features with nonzero coefficients, at most `n_features` of them, at random positions and
        the same for all tasks.

    relatedness : float in [0, 1], default=0.8
        About the expected cosine between the coefficient vectors of two tasks of one group.
        1: they point in the same direction. 0: they are independent.

    rank : int or None, default=None
        Rank of the matrix of the tasks' own parts of the coefficients. None: no restriction.

    n_groups : int, default=1
        Groups of related tasks: the task in column t belongs to group ``t % n_groups``. At most
        the number of tasks and of informative features.

    noise : float, default=0.0
        Standard deviation of the noise of the regression tasks, whose noise-free targets have
        standard deviation 1.

    positive_share : float in (0, 1), default=0.5
        Expected share of class 1 in the binary tasks.

    class_sep : float, default=3.0
        Standard deviation of the scores of binary and multiclass tasks, in logits.

    mean_count : float, default=3.0
        Mean of the rates of the count tasks, in events. The log rates have standard deviation 0.5.

    missing : float in [0, 1] or array-like of shape (n_tasks,), default=0.0
        Share of each task's labels set to NaN completely at random, exact up to rounding. One
        label of each task, and of each class, always stays.

    as_frame : bool, default=False
        Return DataFrames: features "x0", ...; tasks "score0", ..., "yes0", ... with the labels
        "no" and "yes", "class0", ... with "label0", "label1", ..., and "count0", ...

    return_truth : bool, default=False
        Return what the data were made of, too.

    random_state : int, RandomState or Generator instance or None, default=None
        Pass an int for reproducible output across multiple function calls. None draws a fresh seed
        from the operating system and leaves numpy's global generator alone.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_samples, n_features)
        Features.

    y : ndarray or DataFrame of shape (n_samples, n_tasks)
        Labels, NaN where missing. Classes are 0.0, 1.0, ..., or categories of strings if
        `as_frame`.

    truth : :class:`~sklearn.utils.Bunch`
        Only if `return_truth`. A multiclass task has one output per class, the others have one.

        coef : ndarray of shape (n_features, n_outputs)
            Coefficients. Estimators' ``coef_`` is the transpose.
        intercept : ndarray of shape (n_outputs,)
            Intercepts.
        scores : ndarray of shape (n_samples, n_outputs)
            ``X @ coef + intercept``: noise-free targets, logits, log rates.
        probabilities : list of length n_tasks
            Arrays of shape (n_samples, n_classes), None for regression and count tasks. Absent
            where no task has classes.
        y_complete : same type and shape as y
            Labels before any was removed.
        groups : ndarray of shape (n_tasks,)
            Group of each task.
        informative : ndarray of shape (n_informative,)
            Sorted indices of the informative features.
        output_task : ndarray of shape (n_outputs,)
            Task of each output.
        task_names, task_types : list of str
            Names used by `as_frame`; "regression", "binary", "multiclass" or "count".

    Raises
    ------
    ValueError
        If a parameter has another type, range or shape than described, or there is no task.

    See Also
    --------
    make_multitask_regression : Related regression tasks.
    make_multitask_classification : Related classification tasks.

    Examples
    --------
    >>> from skmtl.datasets import make_multitask_mixed
    >>> X, y = make_multitask_mixed(missing=0.25, as_frame=True, random_state=0)
    >>> y.count()
    score0    75
    score1    75
    yes0      75
    yes1      75
    class0    75
    count0    75
    dtype: int64

    The types of the columns, to declare them when `y` is a plain array:

    >>> X, y, truth = make_multitask_mixed(return_truth=True, random_state=0)
    >>> truth.task_types
    ['regression', 'regression', 'binary', 'binary', 'multiclass', 'count']
    """
    binary = ClassLabels(np.array([1 - positive_share, positive_share]), class_sep)
    multiclass = ClassLabels(np.full(n_classes, 1 / n_classes), class_sep)
    kinds = (
        [ScoreLabels(noise)] * n_regression
        + [binary] * n_binary
        + [multiclass] * n_multiclass
        + [CountLabels(mean_count)] * n_count
    )
    if not kinds:
        raise ValueError(
            "At least one of n_regression, n_binary, n_multiclass and n_count must be positive."
        )
    return make_problem(
        kinds,
        n_samples=n_samples,
        n_features=n_features,
        n_informative=n_informative,
        relatedness=relatedness,
        rank=rank,
        n_groups=n_groups,
        missing=missing,
        as_frame=as_frame,
        return_truth=return_truth,
        random_state=random_state,
    )
