"""Where the gradients of the tasks point while a network trains."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from skmtl.inspection._gradients import for_all_tasks, train_with
from skmtl.inspection._results import GradientConflict
from skmtl.neural import training

CONSTRAINTS = {"every": [Interval(Integral, 1, None, closed="left")]}


def gradient_conflict(estimator, X, y, *, sample_weight=None, every=10, space="shared"):
    r"""Measure how the gradients of the tasks agree, epoch by epoch, while a network trains.

    The cosine of two tasks is :math:`g_i' g_j / (\|g_i\| \|g_j\|)` with the gradients of their
    losses with respect to what they share. Below zero, a step for one alone would undo some of
    what the other has learned.

    Parameters
    ----------
    estimator : MultiTaskMLP
        The network, also as the last step of a :class:`~sklearn.pipeline.Pipeline`. A clone is
        trained, and comes out as it would without being watched.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Features, with the task feature in long form.
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels; any may be missing.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels.
    every : int, default=10
        Gradients are compared in the first step of every epoch, and every so many steps after.
    space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what: all shared parameters (exact), those of the last shared
        layer (cheaper, close), or what the heads read (cheapest, a proxy).

    Returns
    -------
    conflict : GradientConflict
        Cosines of every epoch.

    Raises
    ------
    TypeError
        If the estimator is no network.
    ValueError
        If the tasks share no parameters, or ``space`` is not there in the architecture.

    See Also
    --------
    task_affinity : Method "grad_cosine" is the mean over the whole training.
    skmtl.neural.balancing.PCGrad : A method that takes conflicts out of the step.

    Notes
    -----
    Gradients are those of the loss on a batch, without dropout and weight decay, and with
    batch normalisation as in prediction. A task without labels in a batch is left out there.

    Conflict by itself is no harm: gradients of a minimum over all tasks sum to zero. Whether
    sharing harms a task is what `transfer_gain` measures.

    References
    ----------
    Yu et al., "Gradient surgery for multi-task learning", NeurIPS 2020, definition 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.inspection import gradient_conflict
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 4))
    >>> y = np.column_stack([X[:, 0], X[:, 0] + 0.1 * X[:, 1], X[:, 2]])
    >>> network = MultiTaskMLP((8,), max_iter=20, tol=1.0, random_state=0)
    >>> conflict = gradient_conflict(network, X, y)
    >>> conflict.cosine.shape == (len(conflict.epochs), 3, 3)
    True
    """
    validate_parameter_constraints(CONSTRAINTS, {"every": every}, caller_name="gradient_conflict")
    probe = training.CosineProbe(every, space, restarts=True)
    network = train_with(probe, estimator, X, y, sample_weight)
    cosine = for_all_tasks(network, probe.by_epoch())
    return GradientConflict(
        task_names=network.task_names_in_.tolist(),
        epochs=np.arange(1, len(cosine) + 1),
        cosine=cosine,
    )
