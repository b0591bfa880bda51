"""What a task gains by being learned together with others."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from skmtl._warnings import LabelWarning, name_tasks, warn
from skmtl.inspection._clones import clone_for, typed_clone
from skmtl.inspection._cross_validate import (
    deviance,
    evaluate_constants,
    evaluate_folds,
    nothing_evaluated,
    read_splits,
)
from skmtl.inspection._gain_estimate import (
    estimate_gain,
    estimate_mean_gain,
    fold_losses,
    merged,
    share,
)
from skmtl.inspection._gain_result import TransferGain
from skmtl.inspection._task_data import TaskData

CONSTRAINTS = {
    "cv": ["cv_object", None],
    "groups": ["array-like", None],
    "confidence": [Interval(Real, 0, 1, closed="neither")],
    "n_jobs": [Integral, None],
}


def transfer_gain(
    estimator,
    X,
    y,
    *,
    baseline=None,
    cv=None,
    sample_weight=None,
    groups=None,
    confidence=0.95,
    n_jobs=None,
):
    r"""Measure what every task gains by being learned together with the others.

    On the same folds an estimator learns all tasks together, and a clone of it each task alone.
    With the mean losses :math:`a_f` (alone) and :math:`b_f` (together) of a task on the test
    labels of fold f, averaged over J folds, its relative gain is

    .. math:: g = \frac{\bar a - \bar b}{\bar a}

    Below zero, sharing does harm: negative transfer. Where both predict a task no better than
    the best constant does, it is not learned, and neither harm nor help is spoken of.

    Parameters
    ----------
    estimator : estimator
        What learns the tasks together: an estimator of this package, also as the last step of a
        :class:`~sklearn.pipeline.Pipeline`, or in a search. Clones of it are fitted.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Features, with the task feature in long form.
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels of two tasks at least, of any types; any may be missing.
    baseline : estimator, default=None
        What ``estimator`` is compared with, fitted to all tasks on the same folds:
        `IndependentTasks`, for example, with the same ``task_feature`` in long form. By default
        the estimator itself, fitted to each task alone.
    cv : int, cross-validation generator or iterable, default=None
        The folds. An int is the number of folds of `MultiTaskKFold`, shuffled, in two orders
        that are always the same; None is 5. A splitter sees X and y as they were given. More
        folds of the same size narrow the interval: ``MultiTaskShuffleSplit(25, test_size=0.2)``.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels, in fitting and in the losses.
    groups : array-like of shape (n_samples,), default=None
        Rows of a group are in one fold; given to ``cv``.
    confidence : float, default=0.95
        Level of the interval, for each task by itself.
    n_jobs : int, default=None
        Number of fits at the same time, by joblib. None means 1 unless in a
        :obj:`joblib.parallel_backend` context, -1 all processors. Results do not depend on it.

    Returns
    -------
    gains : TransferGain
        Gains with intervals, and the losses behind them.

    Raises
    ------
    ValueError
        If y has a single task, or no fold can evaluate a task.
    TypeError
        If the estimator is none of this package.

    See Also
    --------
    skmtl.inspection.task_affinity : Which tasks should be learned together: hints only.

    Notes
    -----
    Networks that differ in their rows and tasks alone, twins and folds, are trained side by side:
    what comes of each is what its fit alone would give, to rounding.

    The loss of a label is the deviance that `score` explains: squared error, Poisson deviance
    of a count, log loss of a class. A fold evaluates a task if its training rows have a label of
    it (of two classes, for a task with classes) and its test rows have one. A label of a class
    that the training rows lack is left out.

    The gain is 1 minus a ratio of means, :math:`r = \bar b / \bar a`, of which fold f says
    :math:`d_f = b_f / \bar b - a_f / \bar a` on the scale of logarithms, to first order: hard
    labels raise both losses [2]_. With :math:`\rho` test labels for each training label, the ends
    of the interval are those of the corrected resampled t-test [1]_,

    .. math:: 1 - r \exp \left( \pm t_{J - 1} \sqrt{\left( \tfrac{1}{J} + \rho \right)
        \tfrac{1}{J - 1} \textstyle\sum_f d_f^2} \right)

    which allows for folds having rows in common. It is rather too wide than too narrow: of two
    learners that are equally good one was called harmful in 1.2 to 2.5 % of simulations, where
    the level permits 2.5 % (default folds; 30 to 300 labels, normal and heavy-tailed noise). It
    holds for one task. To be as sure of T tasks together, ask for ``confidence=1 - 0.05 / T``.

    ``mean_interval`` is that of the mean of the gains, with the means over the tasks of
    :math:`r d_f`. Many tasks
    that each are too small to tell may tell together; tasks that go up and down together in a
    fold say little more than one of them.

    The single-task twin has the parameters of ``estimator``, those that name tasks cut to its
    own. That is a fair comparison where the estimator finds its own strength of regularisation,
    as `MultiTaskLinearCV` or a search do: one ``alpha`` may suit many tasks and not one.
    Penalties that only compare tasks ("mean_deviation", "clustered", graphs, or ``center=True``)
    penalise nothing where a task is alone; compare them with a ``baseline``.

    References
    ----------
    .. [1] Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52,
       2003, section 3.
    .. [2] Cochran, "Sampling Techniques", 3rd edition, Wiley 1977, section 6.3.

    Examples
    --------
    Three tasks have much in common, the fourth is of another kind:

    >>> import numpy as np
    >>> from skmtl import IndependentTasks, MultiTaskLinearRegressor
    >>> from skmtl.inspection import transfer_gain
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 8))
    >>> coef = np.array([[1.0] * 8, [1.1] * 8, [0.9] * 8, [1.0, -1.0] * 4])
    >>> y = X @ coef.T + 2.0 * rng.normal(size=(200, 4))
    >>> model = MultiTaskLinearRegressor("mean_deviation", alpha=2.0)
    >>> gains = transfer_gain(model, X, y, baseline=IndependentTasks())
    >>> gains.is_negative.tolist()
    [False, False, False, True]
    """
    given = {"cv": cv, "groups": groups, "confidence": confidence, "n_jobs": n_jobs}
    validate_parameter_constraints(CONSTRAINTS, given, caller_name="transfer_gain")
    data = TaskData(estimator, X, y, sample_weight)
    if data.n_tasks < 2:
        raise ValueError(
            "transfer_gain compares learning tasks together with learning them alone, but y has "
            "one task."
        )
    everything: Any = np.arange(data.n_tasks)
    together = clone_for(estimator, data, everything), everything
    if baseline is None:
        alone = [(clone_for(estimator, data, [t]), [t]) for t in everything]
    else:
        alone = [(typed_clone(baseline, data.column_types), everything)]
    splits = read_splits(cv, data, groups)
    evaluated = evaluate_folds(data, [together, *alone], splits, deviance, n_jobs)
    losses, tested, trained = fold_losses(
        data,
        splits,
        [first for first, *_ in evaluated],
        [merged(rest) for _, *rest in evaluated],
        evaluate_constants(data, splits, deviance),
    )
    if not tested.any():
        raise nothing_evaluated(data)
    gain, interval = estimate_gain(losses[:2], tested, trained, confidence)
    if np.isnan(gain).any():
        names = [data.names[t] for t in np.flatnonzero(np.isnan(gain))]
        warn(
            f"{name_tasks(names)}: no fold has labels to train and to test on.",
            LabelWarning,
        )
    found = TransferGain(
        task_names=data.names,
        gain=gain,
        interval=interval,
        fold_gains=share(losses[1] - losses[0], losses[1]),
        loss_together=losses[0],
        loss_alone=losses[1],
        n_labels=data.n_labels,
        confidence=confidence,
        loss_constant=losses[2],
    )
    counted = found._is_counted
    mean = estimate_mean_gain(
        losses[:2, :, counted], tested[:, counted], trained[:, counted], confidence
    )
    return replace(found, mean_interval=mean)
