"""Related regression tasks."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval, validate_params

from skmtl.datasets._labels import ScoreLabels
from skmtl.datasets._problem import FORM_CONSTRAINTS, PROBLEM_CONSTRAINTS, make_problem, per_task


@validate_params(
    {
        **PROBLEM_CONSTRAINTS,
        **FORM_CONSTRAINTS,
        "n_tasks": [Interval(Integral, 1, None, closed="left")],
        "bias": [Interval(Real, None, None, closed="neither"), "array-like"],
        "noise": [Interval(Real, 0, None, closed="left"), "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def make_multitask_regression(
    n_samples=100,
    n_features=20,
    *,
    n_tasks=5,
    n_informative=10,
    relatedness=0.8,
    rank=None,
    n_groups=1,
    bias=0.0,
    noise=0.0,
    missing=0.0,
    form="wide",
    as_frame=False,
    return_truth=False,
    random_state=None,
):
    r"""Generate related linear regression problems, with missing labels if wanted.

    Features are independent and standard normal. Task t of group g has

    .. math:: y_t = X w_t + b_t + \sigma_t \varepsilon, \qquad
        w_t \propto \sqrt{r}\, c_g + \sqrt{1 - r}\, v_t, \qquad \|w_t\|_2 = 1

    where r is `relatedness`, the centre c is shared by the tasks of a group, v is the task's own,
    and all three are zero outside the informative features, which all tasks share. Noise-free
    targets thus have standard deviation 1, and no model explains more than
    :math:`1 / (1 + \sigma_t^2)` of the variance of task t.

    Parameters
    ----------
    n_samples : int or array-like of shape (n_tasks,), default=100
        Rows. In the long form rows per task, one number for all or one for each.

    n_features : int, default=20
        Features, not counting the task column of the long form.

    n_tasks : int, default=5
        Tasks.

    n_informative : int, default=10
        Features with nonzero coefficients, at most `n_features` of them, at random positions and
        the same for all tasks.

    relatedness : float in [0, 1], default=0.8
        About the expected cosine between the coefficient vectors of two tasks of one group.
        1: they are equal. 0: they are independent.

    rank : int or None, default=None
        Rank of the matrix of the tasks' own parts v; `coef` then has rank at most
        ``rank + n_groups``, or ``rank`` if `relatedness` is 0. None: no restriction.

    n_groups : int, default=1
        Groups of related tasks: task t belongs to group ``t % n_groups``. The centres of different
        groups are orthogonal, so that tasks of different groups are unrelated. At most the number
        of tasks and of informative features.

    bias : float or array-like of shape (n_tasks,), default=0.0
        Intercepts :math:`b_t`.

    noise : float or array-like of shape (n_tasks,), default=0.0
        Standard deviations :math:`\sigma_t` of the Gaussian noise, in units of the target.

    missing : float in [0, 1] or array-like of shape (n_tasks,), default=0.0
        Share of each task's labels set to NaN completely at random, exact up to rounding. One
        label of each task always stays.

    form : {"wide", "long"}, default="wide"
        "wide": one column of `y` per task. "long": the first column of `X` is the index of the
        task, and each row has one label. The rows of the tasks are mixed.

    as_frame : bool, default=False
        Return pandas objects: features "x0", ...; tasks "score0", ...; in the long form the first
        column of `X` is "task", a category of these names.

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
        Targets, NaN where missing; (sum of rows,) in the long form.

    truth : :class:`~sklearn.utils.Bunch`
        Only if `return_truth`. Arrays, with n_outputs = n_tasks:

        coef : ndarray of shape (n_features, n_outputs)
            Coefficients. Estimators' ``coef_`` is the transpose.
        intercept : ndarray of shape (n_outputs,)
            Intercepts.
        scores : ndarray of shape (n_samples, n_outputs), or (sum of rows,)
            Noise-free targets ``X @ coef + intercept``; long: of the row's own task.
        y_complete : same type and shape as y
            Labels, noise included, before any was removed.
        groups : ndarray of shape (n_tasks,)
            Group of each task.
        informative : ndarray of shape (n_informative,)
            Sorted indices of the informative features.
        output_task : ndarray of shape (n_outputs,)
            Task of each output.
        task_names, task_types : list of str
            Names used by `as_frame`, and "regression" for each task.

    Raises
    ------
    ValueError
        If a parameter has another type, range or shape than described.

    See Also
    --------
    make_multitask_classification : Related classification tasks.
    make_multitask_mixed : Related tasks of different types.
    sklearn.datasets.make_regression : Unrelated targets, without gaps.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.datasets import make_multitask_regression
    >>> X, y = make_multitask_regression(n_tasks=3, missing=0.4, random_state=0)
    >>> X.shape, y.shape
    ((100, 20), (100, 3))
    >>> np.isnan(y).mean(axis=0)
    array([0.4, 0.4, 0.4])

    Tasks with rows of their own, and the coefficients they were made with:

    >>> X, y, truth = make_multitask_regression(
    ...     [10, 50, 100], n_tasks=3, form="long", return_truth=True, random_state=0
    ... )
    >>> X.shape, y.shape
    ((160, 21), (160,))
    >>> np.unique(X[:, 0], return_counts=True)[1]
    array([ 10,  50, 100])
    >>> truth.coef.shape
    (20, 3)
    """
    noise = per_task("noise", noise, n_tasks, low=0)
    bias = per_task("bias", bias, n_tasks)
    return make_problem(
        [ScoreLabels(*task) for task in zip(noise, bias, strict=True)],
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
