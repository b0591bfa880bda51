r"""Strengths that choose themselves: a number for each "auto".

alpha of quadratic penalties is as strong as the ridge of largest marginal likelihood is, with
strength a and coefficients W: :math:`\alpha \Omega(W) = a \|W\|^2 / 2`. A norm gets a share f of
the alpha at which nothing is left,

.. math:: f = c \, \frac{\sqrt\rho}{1 - \rho}, \qquad
          \rho = \frac{\sum_t \sigma_t^2 \, \mathrm{tr}\, G_t / n_t}{\sum_t \|q_t\|^2},

for the share :math:`\rho` of noise in the products q of features and labels. Where features are
alike, signals may be in their small differences, of which those products say nothing, and where
few features count, the ridge says nothing of the norm. So with squared loss, where
:math:`\alpha \Omega(W) = d \, a \|W\|^2` is a smaller alpha, labels that are held out choose
between the two. (The constants around which other losses have working labels are too far from such
a signal.)

Where tasks are pulled towards a part that they share, its ridge has the largest likelihood of all
labels as of one task, and alpha that of what it leaves. Intercepts are pulled together as
`_pulled_intercepts` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl._rounding import varies
from skmtl.linear.objective._alpha_max import alpha_max
from skmtl.linear.objective._label_moments import LabelMoments
from skmtl.linear.objective._marginal_likelihood import likely_ridge
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import check_comparable, check_smooth, compares_tasks
from skmtl.linear.objective._penalty_part import PenaltyPart, parts_for
from skmtl.linear.objective._pulled_intercepts import pulled_intercepts, ridge_of_one_task
from skmtl.linear.objective._row_space import in_row_space
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.objective._working_statistics import WorkingStatistics
from skmtl.linear.penalties import L2, Penalty
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

OF_NOISE = 0.2
"""c above, measured: benchmarks/accuracy (slump, enb, atp1d and sarcos, all rows and few, with and
without a signal): from .1 to .3 hardly anything changes."""

OF_RIDGE = 2.0
"""d above: a Laplace distribution of the same variance has 1.1. Measured: benchmarks/accuracy
(slump, enb, atp1d, sarcos and rf1), and smooth random curves with labels in their second
derivative, where f alone has up to six times the error, while with few features that count, and
fewer rows than features, d alone has ten times that of f."""

STEP = 3.0
"""Largest ratio of alphas that are tried between two; from 2 to 4 little changes."""

LEAST, LARGEST = 0.01, 0.5
"""Bounds of f: below, nothing is gained; above, next to nothing is left."""

SMALLEST = 1e-5
"""Share of the alpha at which nothing is left that is taken at least: solvers get there."""

LEAST_WEIGHT = 1e-9
"""Of a task, over that of the largest: below it is to have no influence."""

FEW_FEATURES = 500
"""Features up to which intercepts are pulled together beside norms: that takes Gram matrices."""


Choose = Callable[..., float]


class Data(NamedTuple):
    """Features, labels of tasks that have some, what each counts, and the penalty on them."""

    X: Any
    targets: Targets
    label_weights: Any
    penalty: Penalty


def with_strengths(
    X: Any,
    targets: Targets,
    label_weights: Any,
    penalty: Penalty,
    options: Any,
    choose: Choose | None = None,
) -> FitOptions:
    """The options with a number for each "auto".

    Parameters
    ----------
    X : ndarray, sparse matrix or StreamStatistics
        Features of the rows with labels, or what squared loss needs of the rows.
    targets : Targets
        Labels of tasks that have some.
    label_weights : ndarray or None
        What each label counts; None with statistics.
    penalty : Penalty
        Penalty on these tasks.
    options : FitOptions
        Options of the fit, of which alpha, shared_alpha and intercept_alpha may be "auto".
    choose : callable, default=None
        From X, targets, label_weights, penalty, options and some alphas, descending, to the one to
        take, for norms; by default the smallest.
    """
    if not _is_open(options):
        return options
    tasks, n_tasks = targets.tasks, targets.tasks.n_tasks
    check_smooth(tasks)
    check_comparable(tasks, penalty, options)
    is_shared, options = _without_meaningless(penalty, options, X.shape[1], tasks)
    if not _is_open(options):
        return options
    data = _that_count(Data(X, targets, label_weights, penalty))
    moments, basis = _moments(data, options)
    options = options.in_basis(basis)
    if options.intercept_alpha == "auto":
        pull, origin = pulled_intercepts(moments)
        options = replace(options, intercept_alpha=pull, origin=origin)
    if is_shared:
        moments = moments.from_origin(options.origin)
        ridge = ridge_of_one_task(moments, options.intercept_alpha)
        moments = moments.without(ridge.W)
        if options.shared_alpha == "auto":
            # The ridge is on w0 of all tasks, whether their weight is 0 or not.
            strength = ridge.strength * moments.scale * moments.n_tasks / n_tasks
            options = replace(options, shared_alpha=strength)
    options = options.out_of_basis(basis)
    if options.alpha == "auto":
        alphas = _alphas(data, moments, basis, options)
        alpha = choose(*data, options, alphas) if choose and len(alphas) > 1 else float(alphas[-1])
        options = replace(options, alpha=alpha)
    return options


def _is_open(options: Any) -> bool:
    """Whether there is something to choose."""
    return "auto" in (options.alpha, options.shared_alpha, options.intercept_alpha)


def _without_meaningless(
    penalty: Penalty, options: Any, n_features: int, tasks: TaskSet
) -> tuple[bool, FitOptions]:
    """Whether there is a part that all tasks share, and 0 for what is "auto" and does nothing.

    Intercepts are pulled together in long form: beside shared parts, quadratic penalties, and
    norms where that costs little.
    """
    is_shared = is_pulled = False
    if options.center or tasks.is_long or compares_tasks(penalty):
        parts = parts_for(penalty, 1.0, n_features, tasks, positive=options.positive)
        is_shared = options.center or any(p.over_tasks and p.is_free_somewhere for p in parts)
        is_quadratic = len(parts) == 1 and parts[0].is_quadratic
        costs_little = tasks.has_squared_loss and n_features <= FEW_FEATURES
        is_pulled = is_shared or is_quadratic or costs_little
    meaningless = {}
    if options.shared_alpha == "auto" and not is_shared:
        meaningless["shared_alpha"] = 0.0
    if options.intercept_alpha == "auto" and not (
        tasks.is_long and options.fit_intercept and is_pulled
    ):
        meaningless["intercept_alpha"] = 0.0
    return is_shared, replace(options, **meaningless) if meaningless else options


def _that_count(data: Data) -> Data:
    """The tasks whose weight is not vanishing."""
    X, targets, label_weights, penalty = data
    is_merged = isinstance(X, StreamStatistics)
    if is_merged and len(X.omega) != targets.tasks.n_tasks:
        return data
    omega = X.omega if is_merged else targets.sum_by_task(label_weights)
    counts = omega > LEAST_WEIGHT * omega.max()
    if counts.all():
        return data
    kept = np.flatnonzero(counts)
    penalty = penalty.for_tasks(kept, len(omega))
    if is_merged:
        tasks = replace(targets, tasks=targets.tasks.take(kept))
        X = X.select(kept)
        if isinstance(X, WorkingStatistics):
            X = replace(X, n_tasks=len(kept))
        return Data(X, tasks, None, penalty)
    if targets.task_index is not None:
        rows = counts[targets.task_index]
        n_labels = np.where(counts, targets.tasks.n_labels, 0)
        targets = replace(targets.take(rows), tasks=replace(targets.tasks, n_labels=n_labels))
        return Data(X[rows], targets.without_empty_tasks(), label_weights[rows], penalty)
    targets = targets.select(kept)
    rows = targets.row_is_observed
    return Data(X[rows], targets.take(rows), label_weights[:, kept][rows], penalty)


def _moments(data: Data, options: FitOptions) -> tuple[LabelMoments, Array | None]:
    """`LabelMoments`, with features in a basis of the rows where these are fewer."""
    X, basis = in_row_space(data.X, L2(), options)
    fit_intercept = options.fit_intercept
    moments = LabelMoments.of(X, data.targets, data.label_weights, fit_intercept=fit_intercept)
    return moments, basis


def _alphas(data: Data, moments: LabelMoments, basis: Array | None, options: FitOptions) -> Array:
    """What of the penalty is as strong as the likely ridge is on the coefficients of that.

    One alpha, or several to choose from, descending.
    """
    ridge = likely_ridge(
        moments.gram,
        moments.group,
        moments.cross,
        moments.squares,
        moments.degrees,
        is_exact=moments.is_exact,
        one_noise=moments.is_long,
        known=moments.is_classes,
    )
    X, targets, label_weights, penalty = data
    W = moments.by_task(ridge.W if basis is None else basis @ ridge.W)
    parts = parts_for(penalty, 1.0, X.shape[1], targets.tasks, positive=options.positive)
    stiffness = max(_stiffness(part, W) for part in parts)
    as_ridge = ridge.strength * moments.scale / (stiffness or 1.0)
    if isinstance(X, WorkingStatistics):
        X = X.bent()
    largest, scale = alpha_max(X, targets, label_weights, penalty, replace(options, alpha=1.0))
    sizes = np.sqrt(moments.squares)
    if scale is not None or not largest or not varies(sizes, np.abs(moments.y_mean)).any():
        # Of constant labels, the alpha at which nothing is left is rounding.
        return np.array([as_ridge])
    noise = ridge.noise @ (moments.traces / moments.degrees)
    rho = noise / (float(np.vdot(moments.cross, moments.cross)) or 1.0)
    share = OF_NOISE * np.sqrt(rho) / (1.0 - rho) if rho < 1.0 else LARGEST
    share = float(np.clip(share, LEAST, LARGEST))
    least = max(2.0 * OF_RIDGE * as_ridge / largest, SMALLEST)
    if not targets.tasks.has_squared_loss or least >= share:
        return np.array([share * largest])
    n_steps = int(np.ceil(np.log(share / least) / np.log(STEP)))
    return np.geomspace(share, least, n_steps + 1) * largest


def _stiffness(part: PenaltyPart, W: Array) -> float:
    """A penalty over what a ridge would be there."""
    squares = 0.5 * float(np.vdot(W, W))
    return (part.quadratic_value(W) + part.prox_value(W)) / squares if squares else 1.0
