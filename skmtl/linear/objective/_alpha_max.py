"""The smallest alpha at which the penalised part of the coefficients vanishes."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._range import power_of_two
from skmtl.linear.objective._centring import without_large_means
from skmtl.linear.objective._conjugate_gradients import conjugate_gradients
from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss, Point
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import PenaltyPart, parts_for
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._prox_group import BISECTIONS
from skmtl.linear.objective._setup import state_loss, without_center
from skmtl.linear.objective._smoothing import smoothed, spreads
from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.objective._working_labels import WorkingLabels
from skmtl.linear.penalties import NormAtom, Penalty
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

NEWTON_STEPS, CG_STEPS, HALVINGS = 50, 1000, 30

SMOOTH_PROBLEMS = 20
"""Of losses with kinks, each around the slopes of the last and with half its smoothing."""


def alpha_max(
    X: Any, targets: Targets, label_weights: Any, penalty: Penalty, options: FitOptions
) -> tuple[float, float | None]:
    """Smallest alpha at which W is what no penalty acts on, and the scale of a grid without one.

    The first is exact for norms and sums of them: it follows from the gradient of the loss where
    only intercepts, the centre, and other directions without a penalty are fitted. It is inf for
    quadratic penalties. The second, curvature of the loss over that of the penalty, is then
    finite, otherwise None.
    """
    parts = parts_for(penalty, 1.0, X.shape[1], targets.tasks, positive=options.positive)
    shape = parts[0].shape
    if any(_never_vanishes(part) for part in parts):
        return np.inf, _scale(X, targets, label_weights, parts)
    shared_alpha = options.shared_alpha
    parts, weights = without_center(
        parts, targets.tasks.n_tasks, center=options.center, shared_alpha=shared_alpha
    )
    stated = state_loss(X, targets, label_weights, options, on_grams=isinstance(X, Statistics))
    centred = options.center and weights is None
    problem = stated.with_penalty(parts, centred=centred, shared_alpha=shared_alpha).problem
    Z = _null_gradient(problem, problem.start(np.zeros(shape), stated.start_b))
    largest = max(_vanishing_alpha(part, Z) for part in parts)
    # A norm that leaves free more than it says vanishes nowhere.
    return largest, None if np.isfinite(largest) else _scale(X, targets, label_weights, parts)


def _scale(X: Any, targets: Targets, label_weights: Any, parts: list[PenaltyPart]) -> float:
    """Curvature of the loss over the largest of the penalty."""
    return _curvature(X, targets, label_weights) / max(_stiffness(part) for part in parts)


def _never_vanishes(part: PenaltyPart) -> bool:
    """Whether a part is small but never 0, however large alpha."""
    return not part.prox_atoms or not all(isinstance(atom, NormAtom) for atom in part.prox_atoms)


def _vanishing_alpha(part: PenaltyPart, Z: Array) -> float:
    """Smallest alpha at which this part is 0, for the gradient Z of the loss."""
    _, N = part.dual(Z, np.zeros(part.shape))
    if part.dykstra:
        N = N.sum(axis=0)
    if part.positive:
        N = np.maximum(N, 0.0)
    if not N.any():
        return 0.0
    if part.dykstra:
        return _gauge(part, N)
    if len(part.prox_atoms) == 1:
        atom = part.prox_atoms[0]
        return atom.dual_norm(part.layout.view(atom, N)) / atom.weight
    # A sum of norms vanishes no later than the first of them that does so alone.
    low, high = 0.0, min(atom.alpha_max(part.layout.view(atom, N)) for atom in part.prox_atoms)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if not part.prox(N / middle, 1.0).any() else (middle, high)
    return high


def _gauge(part: PenaltyPart, N: Array) -> float:
    r"""Smallest alpha at which prox of alpha times the penalty :math:`\Omega` is 0 at N.

    For :math:`r = \mathrm{prox}_{\alpha \Omega}(N)` it is at least
    :math:`\langle r, N \rangle / \Omega(r) = \alpha + \|r\|^2 / \Omega(r)`, which grows to it;
    subgradients that are a little too large bound it from above.
    """
    if (unit := power_of_two(np.abs(N).max())) != 1.0:
        return unit * _gauge(part, N / unit)
    alpha = float(np.vdot(N, N)) / part.prox_value(N)
    for _ in range(BISECTIONS):
        rest = part.prox(N, alpha)
        more = float(np.vdot(rest, rest)) / (part.prox_value(rest) or 1.0)
        alpha += more
        if more <= 1e-10 * alpha:
            break
    assert part.dykstra is not None
    return alpha / part.dual_scale(part.dykstra.of(N / alpha))


def _null_gradient(problem: Problem, x: Array) -> Array:
    """Gradient (p, C) of the loss at the optimum over all that no atom with a prox acts on."""
    loss, smoothing = problem.loss, 1.0
    if not isinstance(loss, DataLoss) or all(block.task.is_smooth for block in loss.blocks):
        return _null_point(problem, x)[1].gradient[0]
    first, slope = loss.at(*problem.coefficients(x)), None
    problem, of_tasks = copy(problem), spreads(loss, first.raw)
    for _ in range(SMOOTH_PROBLEMS):
        problem.loss = smoothed(loss, [smoothing * spread for spread in of_tasks], slope)
        x, point = _null_point(problem, x)
        assert isinstance(point, DataPoint)
        slope, smoothing = point.slope, 0.5 * smoothing
    return point.gradient[0]


def _null_point(problem: Problem, x: Array) -> tuple[Array, Point]:
    """That optimum, from ``x``."""
    point, value, g = _objective(problem, x)
    size = np.linalg.norm(problem.pull(*point.gradient)) or 1.0
    for _ in range(NEWTON_STEPS):
        if np.linalg.norm(g) <= 1e-13 * size:
            break
        step = _newton_step(problem, point, g)
        for _ in range(HALVINGS):
            new_point, new_value, new_g = _objective(problem, x - step)
            if new_value <= value + 1e-14 * abs(value):
                break
            step *= 0.5
        else:
            break
        x, point, value, g = x - step, new_point, new_value, new_g
    return x, point


def _objective(problem: Problem, x: Array) -> tuple[Point, float, Array]:
    """Point, loss with what has no prox, and its gradient over the free directions."""
    point = problem.at(x)
    g = _project(problem, problem.pull(*point.gradient))
    pull = _pull(problem, x)
    value = point.value + 0.5 * float(x @ pull)
    return point, value, g + pull


def _newton_step(problem: Problem, point: Point, g: Array) -> Array:
    """Solve H z = g for the Hessian H over the free directions."""

    def product(d: Array) -> Array:
        Hd = _project(problem, problem.pull(*point.hessian(*problem.coefficients(d))))
        return Hd + _pull(problem, d)

    target = 1e-14 * float(np.linalg.norm(g))
    return conjugate_gradients(product, g, np.zeros_like(g), target=target, max_iter=CG_STEPS)[0]


def _project(problem: Problem, g: Array) -> Array:
    """`Problem.free`, and the shared part and intercepts as free as they are beside."""
    free = problem.free(g)
    V, shared, b = problem.split(g)
    if problem.intercept and np.isfinite(problem.intercept.alpha):
        problem.split(free)[2][:] = b
    if problem.shared_alpha:
        problem.split(free)[1][:] = shared
    for part, v, found in zip(problem.parts, V, problem.split(free)[0], strict=True):
        if part.shared_alpha:
            found[:] = v - part.layout.without_mean(v)
    return free


def _pull(problem: Problem, x: Array) -> Array:
    """Gradient of the penalties on what is shared and on intercepts, flat."""
    pull = np.zeros_like(x)
    V, shared, _ = problem.split(x)
    problem.split(pull)[1][:] = problem.shared_alpha * shared
    for part, v, found in zip(problem.parts, V, problem.split(pull)[0], strict=True):
        if part.shared_alpha:
            found[:] = part.shared_alpha * (v - part.layout.without_mean(v))
    if problem.intercept and problem.intercept.is_shrunk:
        b = problem.split(x)[2]
        strength = problem.intercept.alpha * problem.intercept.scale**2
        problem.split(pull)[2][:] = strength * (b - problem._mean_intercept(b))
    return pull


def _curvature(X: Any, targets: Targets, label_weights: Any) -> float:
    """Mean over tasks and features of the weighted variance of a feature, times task weight.

    Where losses have kinks, times what they bend by around the best constant.
    """
    if isinstance(X, Statistics):
        counts = np.bincount(X.group)
        diagonals = np.einsum("gjj->g", X.gram) / X.shape[1]
        return float(counts @ diagonals) / counts.sum() or 1.0
    X, mean = without_large_means(X, np.asarray(X.mean(axis=0)).ravel(), np.ones(X.shape[0]))
    design, c = make_design(X, targets, mean), label_weights.reshape(len(label_weights), -1)
    sums, total = design.adjoint(c)
    centred = np.maximum(design.squares(c) - sums**2 / total, 0.0)
    bend = 1.0
    if not all(task.is_smooth for task in targets.tasks.tasks):
        bend = WorkingLabels.of(X, targets, label_weights, fit_intercept=True).curvature.mean()
    return bend * float(centred.mean()) or 1.0


def _stiffness(part: PenaltyPart) -> float:
    """Largest curvature of the penalty: that of its quadratic form, or else its weight."""
    Q = part.Q
    found = [Q.on_mean, Q.on_deviation, *(a.weight for a in part.prox_atoms)]
    if Q.dense is not None:
        found.append(float(Q.values.max()))
    return max(found) or 1.0
