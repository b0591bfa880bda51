r"""Strengths that choose themselves: a number for each "auto".

alpha of quadratic penalties is the ridge of largest marginal likelihood, over what the penalty has
of a ridge. A norm gets a share f of the alpha at which nothing is left,

.. math:: f = c \, \frac{\sqrt\rho}{1 - \rho}, \qquad
          \rho = \frac{\sum_t \sigma_t^2 \, \mathrm{tr}\, G_t / n_t}{\sum_t \|q_t\|^2},

for the share :math:`\rho` of noise in the products q of features and labels. Where tasks are pulled
towards a part that they share, its ridge has the largest likelihood of all labels as of one task,
alpha that of what it leaves, and intercepts are pulled to their mean as far as their best linear
prediction says: with the variances within and between tasks,

.. math:: \iota = v \, \frac{\sigma^2}{\tau^2} \, \frac1T \sum_t \frac{\omega_t}{n_t},

so that a task with n labels keeps :math:`n / (n + \sigma^2 / \tau^2)` of its distance from the mean
(v is the curvature of the loss).

References
----------
C. R. Henderson, "Estimation of variance and covariance components", Biometrics 9, 1953, method 3.
S. R. Searle, G. Casella and C. E. McCulloch, "Variance components", Wiley 1992, section 7.4 (best
linear unbiased prediction).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._alpha_max import alpha_max
from skmtl.linear.objective._label_moments import LabelMoments
from skmtl.linear.objective._marginal_likelihood import LikelyRidge, likely_ridge
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import check_comparable, check_smooth
from skmtl.linear.objective._penalty_part import PenaltyPart, parts_for
from skmtl.linear.objective._row_space import in_row_space
from skmtl.linear.penalties import L2, Penalty
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

OF_NOISE = 0.2
"""c above, measured: benchmarks/accuracy (slump, enb, atp1d and sarcos, all rows and few, with and
without a signal): from .1 to .3 hardly anything changes."""

LEAST, LARGEST = 0.01, 0.5
"""Bounds of f: below, nothing is gained; above, next to nothing is left."""

LEAST_WEIGHT = 1e-9
"""Of a task, over that of the largest: below it is to have no influence."""

PULLS = ("auto", "closed_form", "newton", "admm", "proximal_gradient", "quadratic_models")
"""Solvers that pull intercepts together."""

FEW_FEATURES = 500
"""Features up to which that takes Gram matrices, with norms too."""

ONE_INTERCEPT = 1e3
"""Pull of intercepts, over the weight of a task, beyond which they are one."""


def with_strengths(
    X: Any, targets: Targets, label_weights: Array, penalty: Penalty, options: Any
) -> FitOptions:
    """The options with a number for each "auto".

    Parameters
    ----------
    X : ndarray or sparse matrix
        Features of the rows with labels.
    targets : Targets
        Labels of tasks that have some.
    label_weights : ndarray
        What each label counts.
    penalty : Penalty
        Penalty on these tasks.
    options : FitOptions
        Options of the fit, of which alpha, shared_alpha and intercept_alpha may be "auto".
    """
    strengths = options.alpha, options.shared_alpha, options.intercept_alpha
    if not any(isinstance(strength, str) for strength in strengths):
        return options
    check_smooth(targets.tasks)
    given = options.intercept_alpha if options.intercept_alpha != "auto" else 0.0
    check_comparable(targets.tasks, penalty, replace(options, intercept_alpha=given))
    is_shared, is_pulled = _what_is_pulled(penalty, options, X.shape[1], targets.tasks)
    if options.intercept_alpha == "auto" and not is_pulled:
        options = replace(options, intercept_alpha=0.0)
    if options.shared_alpha == "auto" and not is_shared:
        options = replace(options, shared_alpha=0.0)
    if "auto" not in (options.alpha, options.shared_alpha, options.intercept_alpha):
        return options
    n_tasks = targets.tasks.n_tasks
    kept, X, targets, label_weights = _that_count(X, targets, label_weights)
    penalty = penalty.for_tasks(kept, n_tasks)
    moments, basis = _moments(X, targets, label_weights, options)
    if options.intercept_alpha == "auto":
        origin = moments.omega @ moments.x_mean / moments.omega.sum()
        options = replace(options, intercept_alpha=intercept_pull(moments), origin=origin)
    if is_shared:
        ridge = likely_ridge(
            *moments.of_one_task(options.intercept_alpha, options.origin),
            known=bool(moments.is_classes.all()),
        )
        moments = moments.without(ridge.W)
        if options.shared_alpha == "auto":
            # The ridge is on w0 of all tasks, whether their weight is 0 or not.
            strength = ridge.strength * moments.scale * moments.n_tasks / n_tasks
            options = replace(options, shared_alpha=strength)
    if options.origin is not None and basis is not None:
        options = replace(options, origin=basis @ options.origin)
    if options.alpha == "auto":
        ridge = likely_ridge(
            moments.gram,
            moments.group,
            moments.cross,
            moments.squares,
            moments.degrees,
            is_exact=moments.is_exact,
            one_noise=moments.of_rows is None,
            known=moments.is_classes,
        )
        data = X, targets, label_weights, penalty, options
        options = replace(options, alpha=_alpha(*data, moments, ridge, basis))
    return options


def _what_is_pulled(
    penalty: Penalty, options: Any, n_features: int, tasks: TaskSet
) -> tuple[bool, bool]:
    """Whether there is a shared part, and whether intercepts may be pulled together.

    They are in long form, where that does not rule out a much faster solver.
    """
    parts = parts_for(penalty, 1.0, n_features, tasks, positive=options.positive)
    is_shared = options.center or any(p.over_tasks and p.is_free_somewhere for p in parts)
    solver = getattr(options.solver, "name", options.solver)
    if not (tasks.is_long and options.fit_intercept and solver in PULLS):
        return is_shared, False
    is_quadratic = len(parts) == 1 and parts[0].is_quadratic
    is_small = tasks.has_squared_loss and n_features <= FEW_FEATURES
    return is_shared, is_shared or is_quadratic or (is_small and solver == "auto")


def _that_count(X: Any, targets: Targets, label_weights: Array) -> tuple[Array, Any, Any, Array]:
    """Tasks whose weight is not vanishing, and their data."""
    omega = targets.sum_by_task(label_weights)
    counts = omega > LEAST_WEIGHT * omega.max()
    kept = np.flatnonzero(counts)
    if len(kept) == len(omega):
        return kept, X, targets, label_weights
    if targets.task_index is not None:
        rows = counts[targets.task_index]
        n_labels = np.where(counts, targets.tasks.n_labels, 0)
        targets = replace(targets.take(rows), tasks=replace(targets.tasks, n_labels=n_labels))
        return kept, X[rows], targets.without_empty_tasks(), label_weights[rows]
    targets = targets.select(kept)
    rows = targets.row_is_observed
    return kept, X[rows], targets.take(rows), label_weights[:, kept][rows]


def _moments(
    X: Any, targets: Targets, label_weights: Array, options: FitOptions
) -> tuple[LabelMoments, Array | None]:
    """`LabelMoments`, with features in a basis of the rows where these are fewer."""
    X, basis = in_row_space(X, L2(), options)
    return LabelMoments.of(X, targets, label_weights, options), basis


def intercept_pull(moments: LabelMoments) -> float:
    r"""Strength of the penalty on intercepts, from the variances within and between tasks.

    With slopes that all tasks share, the variance within is that of the residuals, and the one
    between makes the expected weighted squares of the distances of the means as large as they are.
    """
    within, between = 0.0, 0.0
    for outputs in moments.classes:
        n = moments.n_labels[outputs]
        total, n_tasks = n.sum(), len(outputs)
        A = np.tensordot(n, moments.gram[moments.group[outputs]], axes=1) / total
        slopes = np.linalg.pinv(A, rcond=1e-10, hermitian=True)
        df = float(np.trace(slopes @ A))
        slopes = slopes @ (moments.cross[:, outputs] @ n) / total
        rest = moments.squares[outputs] - 2.0 * slopes @ moments.cross[:, outputs]
        rest = rest + np.einsum("p,tpq,q->t", slopes, moments.gram[moments.group[outputs]], slopes)
        variance = max(float(n @ rest), 0.0) / max(total - n_tasks - df, 1.0)
        means = moments.y_mean[outputs] - moments.x_mean[outputs] @ slopes
        spread = float(n @ (means - n @ means / total) ** 2) - (n_tasks - 1) * variance
        within += variance
        between += max(spread, 0.0) / (total - n @ n / total) if n_tasks > 1 else 0.0
    scale = moments.scale
    per_label = float((1.0 / moments.n_labels).mean())
    if within * per_label >= ONE_INTERCEPT * between:
        return ONE_INTERCEPT * scale
    return float(scale * within / between * per_label)


def _alpha(
    X: Any,
    targets: Targets,
    label_weights: Array,
    penalty: Penalty,
    options: FitOptions,
    moments: LabelMoments,
    ridge: LikelyRidge,
    basis: Array | None,
) -> float:
    """What of the penalty is as strong as the ridge is on the ridge's coefficients."""
    parts = parts_for(penalty, 1.0, X.shape[1], targets.tasks, positive=options.positive)
    largest, scale = alpha_max(X, targets, label_weights, penalty, replace(options, alpha=1.0))
    if scale is None:
        noise = ridge.noise @ (moments.traces / moments.degrees)
        rho = noise / (float(np.vdot(moments.cross, moments.cross)) or 1.0)
        share = OF_NOISE * np.sqrt(rho) / (1.0 - rho) if rho < 1.0 else LARGEST
        return float(np.clip(share, LEAST, LARGEST)) * largest or ridge.strength
    W = moments.by_task(ridge.W if basis is None else basis @ ridge.W)
    stiffness = max(_stiffness(part, W) for part in parts)
    return ridge.strength * moments.scale / (stiffness or 1.0)


def _stiffness(part: PenaltyPart, W: Array) -> float:
    """A penalty over what a ridge would be there."""
    squares = 0.5 * float(np.vdot(W, W))
    return (part.quadratic_value(W) + part.prox_value(W)) / squares if squares else 1.0
