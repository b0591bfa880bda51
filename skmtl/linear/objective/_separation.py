"""Classes that some coefficients tell apart without an error: the loss has no finite minimum.

Where nothing is penalised, multiples of such coefficients bring the loss of the task as close to
0 as one likes. That is its infimum, which a dual variable of 0 certifies.
"""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmtl._warnings import name_tasks, warn


def margins(scores, values):
    """Score of the label less the largest of the others (n, tasks), of scores (.., n_outputs)."""
    if scores.shape[2] == 1:
        return np.where(values > 0, scores[:, :, 0], -scores[:, :, 0])
    label = values.astype(np.intp)[:, :, None]
    others = scores.copy()
    np.put_along_axis(others, label, -np.inf, axis=2)
    return np.take_along_axis(scores, label, axis=2)[:, :, 0] - others.max(axis=2)


def warn_of_separated(problem, x, tasks):
    """Warn of tasks without a finite optimum; their loss, a part of the gap that stays."""
    apart = problem.without_optimum(x)
    if not apart.any():
        return 0.0
    loss = problem.at(x).without(~apart).value
    why = "with alpha=0" if problem.is_unpenalised else "with a part that no penalty acts on,"
    warn(
        f"{name_tasks(tasks.names[apart].tolist())}: the classes are separable, so that {why} the "
        "log loss has no finite minimum: the larger the coefficients, the smaller it is. Those "
        f"returned have a loss of {loss:.3g}. Set alpha > 0, or penalise all coefficients.",
        ConvergenceWarning,
    )
    return loss
