"""What must hold for sums of atoms as the solvers see them, among them those with ours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.penalties import L1, L21, Atom, Fused, L1Inf, Penalty, Quadratic
from skmtl.testing._penalty_atoms import draw, expect

Array = NDArray[Any]


def check_in_sums(atom: Atom, n_features: int, n_tasks: int, rng: np.random.Generator) -> None:
    """Check the prox of sums with the atoms that ``prox_order`` is a pact with."""
    if atom.prox_order is None:
        return
    for other in (Fused(), L1(), L21(), L1Inf()):
        if other.prox_order != atom.prox_order:
            check_sum(atom + other * 0.7, n_features, n_tasks, rng)


def check_sum(penalty: Penalty, n_features: int, n_tasks: int, rng: np.random.Generator) -> None:
    """Check the prox and the conjugate of a sum of at least two atoms that are not quadratic."""
    chain = [atom for atom in penalty.atoms() if not isinstance(atom, Quadratic)]
    if len(chain) < 2:
        return
    drawn = list(draw(n_features, n_tasks, rng))
    for W, V in zip(drawn, drawn[::-1], strict=True):
        part = PenaltyPart(penalty, 1.0, W.shape, n_tasks)
        _check_conjugate(penalty, part, W, V)
        if not part.has_quadratic:
            _check_prox(penalty, part, W, V, step=0.7)


def _check_prox(penalty: Penalty, part: Any, W: Array, V: Array, step: float) -> None:
    def objective(U: Array) -> float:
        return 0.5 * float(((U - W) ** 2).sum()) + step * penalty.value(U)

    best = part.prox(W, step)
    gap = 0.0
    if part.dykstra and not part._is_shift_invariant:
        # Several groups: the prox comes from a limited number of sweeps, and the shares bound
        # how far it is from the best (of a 1-strongly convex objective).
        Y, N = part.dual((best - W) / step, best)
        scale = part.dual_scale(N)
        pull = scale * (W - best)
        bound = (W * pull).sum() - 0.5 * (pull**2).sum()
        gap = objective(best) - bound + step * part.conjugate(Y, N, scale)
        size = 1 + (W**2).sum()
        expect(-1e-9 * size <= gap <= 1e-3 * size, penalty, f"the prox has a gap of {gap:.2g}")
        gap = max(gap, 0.0)
    direction, least = V - W, objective(best)
    for share in (1e-3, 0.1, -1.0):
        length = abs(share) * np.sqrt((direction**2).sum())
        moved = objective(best + share * direction) - least
        cost = 0.5 * length**2 * (1 - 1e-6) - length * np.sqrt(2 * gap) - gap
        holds = moved >= cost - 1e-9 * (1 + least)
        expect(holds, penalty, "the prox of the sum does not minimise; is prox_order right?")


def _check_conjugate(penalty: Penalty, part: Any, W: Array, Z: Array) -> None:
    # With zero labels and Z the gradient, N = -Z, in shares where the sum has several groups.
    Y, N = part.dual(-Z, np.zeros_like(Z))
    whole = np.allclose(Y + N.reshape(-1, *Z.shape).sum(axis=0), Z, atol=1e-10 * (1 + abs(Z).max()))
    expect(whole, penalty, "the shares of a gradient do not add up to it")
    scale = part.dual_scale(N)
    bound = part.prox_value(W) + part.conjugate(Y, N, scale)
    holds = scale * (W * (Z - Y)).sum() <= bound + 1e-8 * (1 + bound)
    expect(holds, penalty, "the conjugate of the sum is too small")
