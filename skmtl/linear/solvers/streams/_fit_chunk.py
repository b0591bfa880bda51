r"""A fit of the rows of a chunk, exactly, and of those before by a quadratic model of their loss.

.. math:: \sum_t \frac{\omega_t}{\sum_i s_{ti}} \Bigl( \sum_{i \text{ in the chunk}} s_{ti} \,
    \ell_t(y_{ti}, x_i' w_t + b_t) + Q_t(w_t, b_t) \Bigr) + \alpha \Omega(W) + \dots
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import check_comparable, check_smooth
from skmtl.linear.objective._penalty_part import parts_for
from skmtl.linear.objective._setup import StatedLoss, without_center
from skmtl.linear.objective._variables import Start
from skmtl.linear.penalties import Penalty
from skmtl.linear.solvers._base import Case, Solver
from skmtl.linear.solvers._fit import coefficients_of_solution, solve
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._proximal_gradient import ProximalGradient
from skmtl.linear.solvers._quadratic_models import QuadraticModels
from skmtl.linear.solvers.streams._past import Past
from skmtl.linear.solvers.streams._stream_loss import StreamLoss
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

SOLVERS = (QuadraticModels(), ProximalGradient())
"""What solves a chunk beside a past, the first that fits."""


def fit_chunk(
    X: Any,
    targets: Targets,
    label_weights: Array,
    past: Past,
    penalty: Penalty,
    options: FitOptions,
    *,
    origins: Array,
    null_loss: float,
    warm: Start,
) -> LinearFit:
    """Fit all tasks to a chunk and to what is known of the rows before it.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        Features of the chunk.
    targets : Targets
        Labels of the tasks that have had any by now.
    label_weights : ndarray
        What each label counts.
    past : Past
        Of the same tasks, weighted alike.
    penalty : Penalty
        Penalty of these tasks.
    options : FitOptions
        What the fit is asked for.
    origins : ndarray of shape (n_tasks, n_features)
        Where the intercepts of each task are compared.
    null_loss : float
        Loss of constant predictions, of all rows.
    warm : Start
        Coefficients to start from.

    Returns
    -------
    fit : LinearFit
        Coefficients, and the certificate of this objective.
    """
    tasks, n_tasks = targets.tasks, targets.tasks.n_tasks
    check_comparable(tasks, penalty, options)
    check_smooth(tasks)
    parts = parts_for(penalty, options.alpha, X.shape[1], tasks, positive=options.positive)
    shared_alpha = options.shared_alpha if options.alpha else 0.0
    parts, center_weights = without_center(
        parts, n_tasks, center=options.center, shared_alpha=shared_alpha
    )
    solver = _solver(Case(tasks, parts, penalty, options, np.inf))
    offset = origins.T if tasks.is_long else origins[0]
    design = make_design(X, targets, np.ascontiguousarray(offset))
    loss = StreamLoss(DataLoss(design, targets, label_weights), past.about(origins))

    def centers(W: Array) -> Array:
        if not tasks.is_long:
            return np.asarray(origins[0] @ W)
        by_task = W.reshape(len(W), n_tasks, -1)
        return np.einsum("tp,ptc->tc", origins, by_task).ravel()

    intercept_alpha = options.intercept_alpha if options.fit_intercept else None
    stated = StatedLoss(loss, n_tasks, null_loss, warm.b, centers, intercept_alpha)
    centred = options.center and center_weights is None
    setup = stated.with_penalty(parts, centred=centred, shared_alpha=shared_alpha)
    setup, solution, _ = solve(setup, solver, warm, options, tasks)
    found = coefficients_of_solution(setup, solution, tasks)
    if center_weights is not None:
        by_task = found.W.reshape(len(found.W), n_tasks, -1)
        found.shared_W = np.einsum("ptc,t->pc", by_task, center_weights)
    return found


def _solver(case: Case) -> Solver:
    """The solver that is asked for, or the first that fits."""
    asked = case.options.solver
    if isinstance(asked, str) and asked == "auto":
        return next(solver for solver in SOLVERS if solver.lacks(case) is None)
    solver = next((solver for solver in SOLVERS if solver.name == asked), None)
    if solver is None:
        names = ", ".join(repr(solver.name) for solver in SOLVERS)
        raise ValueError(
            f"solver={asked!r} does not take the chunks of a stream whose losses are not squared; "
            f"what does: 'auto', {names}."
        )
    if missing := solver.lacks(case):
        raise ValueError(f"solver={asked!r} needs {missing}.")
    return solver
