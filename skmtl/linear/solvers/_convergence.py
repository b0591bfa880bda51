"""Warnings of fits whose certificate is not what was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmtl._warnings import name_tasks, warn
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._problem import Problem
from skmtl.tasks._task_set import TaskSet

ROUNDING = 1e-14
"""Share of the loss of a constant prediction that a gap cannot be told from 0 below."""

CLOSE = 1e-8
"""Share of that loss to which a direct solution is close without a word."""


def warn_unless_converged(gap: float, null_loss: float, options: FitOptions) -> None:
    """Warn where the iterations ended with a gap above what ``tol`` allows."""
    max_gap = options.tol * null_loss
    # Below that the gap is rounding.
    if gap > max(max_gap, ROUNDING * null_loss):
        warn(
            f"max_iter={options.max_iter} iterations reached with a duality gap of {gap:.3g}; "
            f"tol={options.tol:g} asks for at most {max_gap:.3g} (tol times the loss of a "
            "constant prediction). Increase max_iter, scale the features (StandardScaler), or "
            "raise tol.",
            ConvergenceWarning,
        )


def is_certified(gap: float, null_loss: float, options: FitOptions) -> bool:
    """Whether a direct solution is known to be as close as ``tol`` asks for, or rounding allows."""
    return gap <= max(options.tol, CLOSE) * null_loss


def warn_unless_certified(gap: float, null_loss: float, options: FitOptions) -> None:
    """Warn where a system is so ill-conditioned that its solution is not known to be close."""
    if not is_certified(gap, null_loss, options):
        warn(
            f"The closed form is certified to a duality gap of {gap:.3g} only; tol="
            f"{options.tol:g} asks for at most {options.tol * null_loss:.3g} (tol times the "
            "loss of a constant prediction). Features are nearly collinear, or there are more of "
            "them than rows: scale them (StandardScaler), or raise alpha.",
            ConvergenceWarning,
        )


def warn_of_separated(problem: Problem, x: Any, tasks: TaskSet) -> float:
    """Warn of tasks without a finite optimum; their loss, a part of the gap that stays."""
    apart = problem.without_optimum(x)
    if not apart.any():
        return 0.0
    point: Any = problem.at(x)
    loss = float(point.without(~apart).value)
    why = "with alpha=0" if problem.is_unpenalised else "with a part that no penalty acts on,"
    warn(
        f"{name_tasks(tasks.names[apart].tolist())}: the classes are separable, so that {why} the "
        "log loss has no finite minimum: the larger the coefficients, the smaller it is. Those "
        f"returned have a loss of {loss:.3g}. Set alpha > 0, or penalise all coefficients.",
        ConvergenceWarning,
    )
    return loss


def warn_of_iterations(
    problem: Problem, x: Any, gap: float, null_loss: float, options: FitOptions, tasks: TaskSet
) -> None:
    """Warn of a solution that is not certified to ``tol``, and of what has none."""
    endless = warn_of_separated(problem, x, tasks)
    if not endless or np.isfinite(gap):
        warn_unless_converged(gap - endless, null_loss, options)
