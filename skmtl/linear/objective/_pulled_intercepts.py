r"""How far intercepts are pulled together, and where they are compared.

With the variances within and between tasks, the best linear prediction of intercepts pulls them to
their mean with the strength

.. math:: \iota = v \, \frac{\sigma^2}{\tau^2} \, \frac1T \sum_t \frac{\omega_t}{n_t},

so that a task with n labels keeps :math:`n / (n + \sigma^2 / \tau^2)` of its distance from the mean
(v is the curvature of the loss). What is compared are predictions at a point: that of all tasks at
the mean of X, so that slopes explain how tasks differ,

.. math:: y_{ti} = \beta + x_{ti}' w + u_t + e_{ti},

or that of every task at the mean of its own features, so that they do not,

.. math:: y_{ti} = \beta + (x_{ti} - \bar x_t)' w + u_t + e_{ti}.

The one of larger likelihood is taken: the first where tasks with larger features have as much
larger labels as slopes within tasks say, and for features that describe tasks; the second where the
means of features are not comparable. A shift of the features of a task then changes nothing.

References
----------
C. R. Henderson, "Estimation of variance and covariance components", Biometrics 9, 1953, method 3.
S. R. Searle, G. Casella and C. E. McCulloch, "Variance components", Wiley 1992, section 7.4 (best
linear unbiased prediction).
Y. Mundlak, "On the pooling of time series and cross section data", Econometrica 46, 1978 (slopes
within and between groups).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._label_moments import LabelMoments
from skmtl.linear.objective._marginal_likelihood import NOISE_FREE, LikelyRidge, likely_ridge
from skmtl.linear.objective._options import TASK_MEANS, Origin

Array = NDArray[Any]

ONE_INTERCEPT = 1e3
"""Pull of intercepts, over the weight of a task, beyond which they are one."""


def pulled_intercepts(moments: LabelMoments) -> tuple[float, Origin]:
    """Strength of the pull, and where intercepts are compared."""
    means = moments.omega @ moments.x_mean / moments.omega.sum()
    pull = intercept_pull(moments.from_origin(TASK_MEANS))
    pooled, apart = (
        ridge_of_one_task(moments.from_origin(origin), pull) for origin in (means, TASK_MEANS)
    )
    if apart.deviance < pooled.deviance:
        return pull, TASK_MEANS
    return intercept_pull(moments.from_origin(means)), means


def ridge_of_one_task(moments: LabelMoments, pull: float) -> LikelyRidge:
    """The ridge of largest likelihood on slopes that all tasks share."""
    return likely_ridge(*moments.as_one_task(pull), known=bool(moments.is_classes.all()))


def intercept_pull(moments: LabelMoments) -> float:
    """Strength of the pull, from the variances within and between tasks.

    With slopes that all tasks share, the variance within is that of the residuals, and the one
    between makes the expected weighted squares of the distances of the means as large as they are.
    """
    within, between = 0.0, 0.0
    for outputs in moments.classes:
        n, grams = moments.n_labels[outputs], moments.gram[moments.group[outputs]]
        total, n_tasks, cross = n.sum(), len(outputs), moments.cross[:, outputs]
        A = np.tensordot(n, grams, axes=1) / total
        inverse = np.linalg.pinv(A, rcond=1e-10, hermitian=True)
        slopes = inverse @ (cross @ n) / total
        rest = moments.squares[outputs] - 2.0 * slopes @ cross
        rest = rest + np.einsum("p,tpq,q->t", slopes, grams, slopes)
        degrees = total - n_tasks - float(np.trace(inverse @ A))
        variance = max(float(n @ rest), 0.0) / max(degrees, 1.0)
        means = moments.y_mean[outputs] - moments.x_mean[outputs] @ slopes
        spread = float(n @ (means - n @ means / total) ** 2) - (n_tasks - 1) * variance
        within += variance
        between += max(spread, 0.0) / (total - n @ n / total) if n_tasks > 1 else 0.0
    per_label = float((1.0 / moments.n_labels).mean())
    if within * per_label >= ONE_INTERCEPT * between:
        return ONE_INTERCEPT * moments.scale
    if within * per_label <= NOISE_FREE * between:
        return 0.0
    return float(moments.scale * within / between * per_label)
