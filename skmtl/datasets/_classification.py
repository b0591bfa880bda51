"""Related classification tasks."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from skmtl.datasets._labels import ClassLabels
from skmtl.datasets._problem import FORM_CONSTRAINTS, PROBLEM_CONSTRAINTS, make_problem


@validate_params(
    {
        **PROBLEM_CONSTRAINTS,
        **FORM_CONSTRAINTS,
        "n_tasks": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 2, None, closed="left"), "array-like"],
        "weights": ["array-like", None],
        "class_sep": [Interval(Real, 0, None, closed="left")],
        "flip_y": [Interval(Real, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def make_multitask_classification(
    n_samples=100,
    n_features=20,
    *,
    n_tasks=5,
    n_classes=2,
    n_informative=10,
    relatedness=0.8,
    rank=None,
    n_groups=1,
    weights=None,
    class_sep=3.0,
    flip_y=0.0,
    missing=0.0,
    form="wide",
    as_frame=False,
    return_truth=False,
    random_state=None,
):
    r"""Generate related classification problems, with missing labels if wanted.

    Features are independent and standard normal. Labels are drawn from the logistic model of
    scores :math:`X w_t + b_t` (two classes) or the softmax model of one score per class. The
    coefficients are those of :func:`make_multitask_regression` times `class_sep`; class k of one
    task is related to class k of the others. The intercepts are such that the mean probability
    of each class over the rows is its share, `weights`.

    Parameters
    ----------
    n_samples : int or array-like of shape (n_tasks,), default=100
        Rows. In the long form rows per task, one number for all or one for each.

    n_features : int, default=20
        Features, not counting the task column of the long form.

    n_tasks : int, default=5
        Tasks.

    n_classes : int or array-like of shape (n_tasks,), default=2
        Classes, for all tasks or for each. The long form needs one number for all.

    n_informative : int, default=10
        Features with nonzero coefficients, at most `n_features` of them, at random positions and
        the same for all tasks.

    relatedness : float in [0, 1], default=0.8
        About the expected cosine between the coefficient vectors of the same class of two tasks
        of one group. 1: they are equal. 0: they are independent.

    rank : int or None, default=None
        Rank of the matrix of the tasks' own parts of the coefficients. None: no restriction.

    n_groups : int, default=1
        Groups of related tasks: task t belongs to group ``t % n_groups``. The same class of tasks
        of different groups is unrelated. At most the number of tasks and of informative features.

    weights : array-like of shape (n_classes,), list of these, or None, default=None
        Expected share of each class, positive and of sum 1: one for all tasks, or one per task,
        in which None stands for equal shares. Binary tasks with one positive in ten:
        ``weights=[0.9, 0.1]``.

    class_sep : float, default=3.0
        Standard deviation of the scores, in logits. 0: labels are pure chance. Larger: the classes
        overlap less. At 3 the best possible accuracy of a balanced binary task is 0.84.

    flip_y : float in [0, 1], default=0.0
        Probability that a label is replaced by a class drawn uniformly.

    missing : float in [0, 1] or array-like of shape (n_tasks,), default=0.0
        Share of each task's labels set to NaN completely at random, exact up to rounding. One
        label of each class of each task always stays.

    form : {"wide", "long"}, default="wide"
        "wide": one column of `y` per task. "long": the first column of `X` is the index of the
        task, and each row has one label. The rows of the tasks are mixed.

    as_frame : bool, default=False
        Return pandas objects: features "x0", ...; binary tasks "yes0", ... with the labels "no"
        and "yes"; tasks of more classes "class0", ... with "label0", "label1", ...; in the long
        form the first column of `X` is "task", a category of the tasks' names.

    return_truth : bool, default=False
        Return what the data were made of, too.

    random_state : int, RandomState or Generator instance or None, default=None
        Pass an int for reproducible output across multiple function calls. None draws a fresh seed
        from the operating system and leaves numpy's global generator alone.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_samples, n_features)
        Features; (sum of rows, 1 + n_features) in the long form.

    y : ndarray or DataFrame of shape (n_samples, n_tasks)
        Classes 0, 1, ... as floats, or categories of strings if `as_frame`; NaN where missing.
        (sum of rows,) in the long form. Every class of a task with enough rows occurs.

    truth : :class:`~sklearn.utils.Bunch`
        Only if `return_truth`. A task has one output if binary, else one per class.

        coef : ndarray of shape (n_features, n_outputs)
            Coefficients. Estimators' ``coef_`` is the transpose.
        intercept : ndarray of shape (n_outputs,)
            Intercepts.
        scores : ndarray of shape (n_samples, n_outputs)
            ``X @ coef + intercept``, in logits; long: those of the row's own task, (sum of rows,)
            if binary, else (sum of rows, n_classes).
        probabilities : list of ndarray of shape (n_samples, n_classes)
            Probability of each class given the row, `flip_y` included; long: one array, of the
            row's own task.
        y_complete : same type and shape as y
            Labels before any was removed.
        groups : ndarray of shape (n_tasks,)
            Group of each task.
        informative : ndarray of shape (n_informative,)
            Sorted indices of the informative features.
        output_task : ndarray of shape (n_outputs,)
            Task of each output.
        task_names, task_types : list of str
            Names used by `as_frame`; "binary" or "multiclass".

    Raises
    ------
    ValueError
        If a parameter has another type, range or shape than described.

    See Also
    --------
    make_multitask_regression : Related regression tasks.
    make_multitask_mixed : Related tasks of different types.
    sklearn.datasets.make_classification : One task of clusters of points.

    Examples
    --------
    >>> from skmtl.datasets import make_multitask_classification
    >>> X, y = make_multitask_classification(
    ...     n_tasks=2, n_classes=[2, 3], missing=0.3, as_frame=True, random_state=0
    ... )
    >>> y.count()
    yes0      70
    class0    70
    dtype: int64
    >>> list(y["class0"].cat.categories)
    ['label0', 'label1', 'label2']
    """
    n_classes = _classes_per_task(n_classes, n_tasks, form)
    shares = _shares_per_task(weights, n_classes)
    return make_problem(
        [ClassLabels(share, class_sep, flip_y) for share in shares],
        n_samples=n_samples,
        n_features=n_features,
        n_informative=n_informative,
        relatedness=relatedness,
        rank=rank,
        n_groups=n_groups,
        missing=missing,
        form=form,
        as_frame=as_frame,
        return_truth=return_truth,
        random_state=random_state,
    )


def _classes_per_task(n_classes, n_tasks, form):
    counts = np.asarray(n_classes)
    if counts.shape not in {(), (n_tasks,)} or counts.dtype.kind not in "iu" or counts.min() < 2:
        raise ValueError(
            f"n_classes must be an int or hold {n_tasks} ints, one per task, all at least 2; "
            f"got {n_classes!r}."
        )
    counts = np.broadcast_to(counts, n_tasks)
    if form == "long" and (counts != counts[0]).any():
        raise ValueError(
            f"form='long' needs the same n_classes for all tasks; got {counts.tolist()}."
        )
    return counts


def _shares_per_task(weights, n_classes):
    if weights is None or all(np.ndim(share) == 0 and share is not None for share in weights):
        weights = [weights] * len(n_classes)
    if len(weights) != len(n_classes):
        raise ValueError(
            f"weights must hold one entry per task ({len(n_classes)}); got {len(weights)}."
        )
    return [
        np.full(k, 1 / k) if share is None else _checked_shares(share, k, t)
        for t, (share, k) in enumerate(zip(weights, n_classes, strict=True))
    ]


def _checked_shares(share, n_classes, task):
    share = np.asarray(share, dtype=np.float64)
    if share.shape != (n_classes,) or not (share > 0).all() or not np.isclose(share.sum(), 1):
        raise ValueError(
            f"weights of task {task} must be {n_classes} positive shares of sum 1; "
            f"got {share.tolist()}."
        )
    return share
