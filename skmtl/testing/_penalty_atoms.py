"""What must hold for one atom, at coefficients that single out a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.penalties import Atom, NormAtom, Quadratic

Array = NDArray[Any]
STEPS = (0.03, 0.5, 4.0)
REPEATS = 2


def expect(holds: Any, penalty: Any, what: str) -> None:
    """Raise AssertionError, naming the penalty and the property, unless it holds."""
    if not holds:
        raise AssertionError(f"{penalty!r}: {what}.")


def draw(n_features: int, n_outputs: int, rng: np.random.Generator) -> Iterator[Array]:
    """Coefficients of many sizes: with zeros, ties, equal columns, of rank one."""
    shape = n_features, n_outputs
    yield np.zeros(shape)
    for _ in range(REPEATS):
        yield from (scale * rng.normal(size=shape) for scale in (1e-3, 1.0, 30.0))
        yield rng.integers(-2, 3, size=shape).astype(np.float64)
        yield rng.normal(size=shape) * (rng.random(shape) < 0.4)
        yield np.outer(rng.normal(size=n_features), rng.normal(size=n_outputs))
        yield np.tile(rng.normal(size=(n_features, 1)), n_outputs) + 0.1 * rng.normal(size=shape)


def check_atom(atom: Atom, n_features: int, n_tasks: int, rng: np.random.Generator) -> None:
    """Raise AssertionError for the first property that an atom, of positive weight, lacks."""
    drawn = list(draw(n_features, n_tasks, rng))
    pairs = list(zip(drawn, drawn[::-1], strict=True))
    _check_arrays(atom, drawn[2])
    for W, V in pairs:
        _check_value(atom, W, V)
    _check_invariances(atom, pairs, rng)
    for W, _ in pairs:
        _check_claims(atom, W)
    for (W, V), step in product(pairs, STEPS):
        _check_prox(atom, W, V, step)
        _check_conjugate(atom, W, V, step)
    for W, V in pairs if atom.allows_positive else ():
        _check_positive(atom, W, V)
    _check_alpha_max(atom, rng.normal(size=(n_features, n_tasks)))
    if isinstance(atom, Quadratic):
        _check_matrix(atom, n_tasks)


def _check_arrays(atom: Atom, W: Array) -> None:
    """Arrays given stay as they are; a prox is a new one."""
    before = W.copy()
    V = atom.prox(W, 0.5)
    expect(V.shape == W.shape and V.dtype == W.dtype, atom, "prox has another shape or dtype")
    expect(not np.shares_memory(V, W), atom, "prox returns the array it is given; copy it")
    atom.value(W)
    scale = atom.dual_scale(W, 1.0)
    expect(0.0 <= scale <= 1.0, atom, f"dual_scale is {scale}, not in [0, 1]")
    atom.conjugate(scale * W, 1.0)
    atom.alpha_max(W)
    atom.task_covariance(W)
    expect((before == W).all(), atom, "a method changes the array it is given")


def _check_value(atom: Atom, W: Array, V: Array) -> None:
    """At least 0, and convex."""
    value, other = atom.value(W), atom.value(V)
    expect(min(value, other) >= 0, atom, f"value is {min(value, other)}, below 0")
    expect(W.any() or value == 0, atom, f"value is {value} at W = 0, not 0")
    for share in (0.1, 0.5):
        between = atom.value((1 - share) * W + share * V)
        chord = (1 - share) * value + share * other
        expect(between <= chord + 1e-9 * (1 + chord), atom, "value is not convex")
    half = atom * 0.5
    expect(half.weight == 0.5 * atom.weight, atom, "0.5 * penalty has not half its weight")
    expect(np.isclose(half.value(W), 0.5 * value), atom, "value does not grow with the weight")


def _check_prox(atom: Atom, W: Array, V: Array, step: float) -> None:
    """It minimises, moves points no further apart, and knows the weight."""
    best, other = atom.prox(W, step), atom.prox(V, step)

    def objective(U: Array) -> float:
        return 0.5 * float(((U - W) ** 2).sum()) + step * atom.value(U)

    least, direction = objective(best), V - W
    for size in (1e-3, -1e-3, 0.1, -1.0):
        # The objective of a prox is 1-strongly convex: moving costs at least half the square.
        cost = 0.5 * size**2 * (direction**2).sum()
        moved = objective(best + size * direction) - least
        expect(moved >= cost * (1 - 1e-6) - 1e-9 * (1 + least), atom, "prox does not minimise")
    apart = np.linalg.norm(best - other)
    expect(apart <= np.linalg.norm(W - V) * (1 + 1e-9) + 1e-12, atom, "prox is expansive")
    same = np.allclose((atom * 2.0).prox(W, 0.5 * step), best, atol=1e-9 * (1 + np.abs(W).max()))
    expect(same, atom, "prox does not take the weight for a factor on the step")
    still = np.allclose(atom.prox(W, 0.0), W, atol=1e-12 * (1 + np.abs(W).max()))
    expect(still, atom, "prox with a step of 0 moves")


def _check_conjugate(atom: Atom, W: Array, V: Array, alpha: float) -> None:
    """Fenchel's inequality, with equality at a subgradient."""
    scale = atom.dual_scale(V, alpha)
    Z = scale * V
    # The worst W is on the way that Z pulls.
    for U in (W, *(atom.prox(far * Z, alpha) for far in (1.0, 1.1, 3.0))):
        bound = alpha * atom.value(U) + atom.conjugate(Z, alpha)
        holds = (U * Z).sum() <= bound + 1e-9 * (1 + abs(bound))
        expect(holds, atom, "dual_scale or conjugate is wrong: Fenchel's inequality does not hold")
    again = atom.dual_scale(Z, alpha)
    expect(again >= 1 - 1e-6 or not scale, atom, "dual_scale times Z is not feasible")
    best = atom.prox(W, alpha)
    # Minus the gradient of the distance: a subgradient of the penalty at its prox.
    Z = W - best
    scale = atom.dual_scale(Z, alpha)
    expect(scale >= 1 - 1e-6, atom, f"dual_scale is {scale}, not 1, at a subgradient")
    product = (best * Z).sum()
    bound = alpha * atom.value(best) + atom.conjugate(Z, alpha)
    tight = abs(bound - product) <= 1e-6 * (1 + abs(bound))
    expect(tight, atom, "value plus conjugate is not their product at a subgradient")


def _check_alpha_max(atom: Atom, Z: Array) -> None:
    """W = 0 from there on, and not before."""
    largest = atom.alpha_max(Z)
    if isinstance(atom, NormAtom):
        if atom.is_shift_invariant:
            expect(largest == np.inf, atom, "alpha_max is finite; what tasks share is free")
            Z = Z - Z.mean(axis=1, keepdims=True)
        largest = atom.dual_norm(Z) / atom.weight
    if np.isfinite(largest):
        rest = np.abs(atom.prox(-Z, 1.001 * largest)).max()
        expect(rest <= 1e-12 * np.abs(Z).max(), atom, "W is not 0 above alpha_max")
        largest *= 0.99
    expect(atom.prox(-Z, min(largest, 1e6)).any(), atom, "W is 0 below alpha_max")


def _check_invariances(
    atom: Atom, pairs: list[tuple[Array, Array]], rng: np.random.Generator
) -> None:
    """What leaves the value as it is."""
    zeros = np.zeros_like(pairs[0][0])
    n_features, n_outputs = zeros.shape
    rotation = np.linalg.qr(rng.normal(size=(n_features, n_features)))[0]
    order = np.roll(np.arange(n_outputs), 1)
    shifted = [_same_value(atom, W, W + V[:, :1]) for W, V in pairs]
    if not isinstance(atom, Quadratic):
        what = "changes" if atom.is_shift_invariant else "is always the same"
        holds = all(shifted) == atom.is_shift_invariant
        expect(holds, atom, f"the value at W + w0 1' {what}, against is_shift_invariant")
    for W, _ in pairs:
        if atom.is_rotation_invariant:
            same = _same_value(atom, W, rotation @ W)
            expect(same, atom, "the value changes, against is_rotation_invariant")
        if not atom.over_tasks:
            same = _same_value(atom, W, W[:, order]) and _same_value(atom, W, np.hstack([W, zeros]))
            expect(same, atom, "columns of W have places, or a number; set over_tasks = True")


def _same_value(atom: Atom, W: Array, V: Array) -> bool:
    try:
        return bool(np.isclose(atom.value(V), atom.value(W), rtol=1e-7, atol=1e-9))
    except (ValueError, IndexError):
        return False


def _check_claims(atom: Atom, W: Array) -> None:
    """What else is said of the penalty."""
    if atom.over_tasks:
        # Several classes per task.
        expect(atom.value(np.vstack([W, W])) >= 0, atom, "value takes no row per class")
    if isinstance(atom, NormAtom) or atom.prox_order is not None:
        scaled = np.isclose(atom.value(-3 * W), 3 * atom.value(W), rtol=1e-9)
        expect(scaled, atom, "the value is not that of a norm: derive from Atom")
    covariance = atom.task_covariance(W) if W.any() else None
    if covariance is not None:
        lowest, trace = np.linalg.eigvalsh(covariance)[0], np.trace(covariance)
        holds = lowest >= -1e-9 and np.isclose(trace, 1.0)
        expect(holds, atom, "task_covariance is no covariance of trace 1")


def _check_positive(atom: Atom, W: Array, V: Array) -> None:
    """The prox over W >= 0, and a penalty that is monotone."""
    best = atom.prox(np.maximum(W, 0.0), 0.5)
    expect((best >= 0).all(), atom, "the prox of positive entries is not, against allows_positive")

    def objective(U: Array) -> float:
        return 0.5 * float(((U - W) ** 2).sum()) + 0.5 * atom.value(U)

    moved = objective(np.maximum(best + 0.1 * V, 0.0))
    least = objective(best)
    expect(moved >= least - 1e-9 * (1 + least), atom, "positive=True has another prox")
    closer = np.clip(V, 0.0, 1.0) * W
    smaller = atom.value(closer) <= atom.value(W) * (1 + 1e-9)
    expect(smaller, atom, "the value grows towards 0, against allows_positive")


def _check_matrix(atom: Quadratic, n_tasks: int) -> None:
    """Q is symmetric and positive semidefinite, with the eigenvalues it says."""
    Q = atom.matrix(n_tasks)
    expect(np.allclose(Q, Q.T), atom, "matrix is not symmetric")
    lowest = np.linalg.eigvalsh(Q)[0]
    expect(lowest >= -1e-9 * np.abs(Q).max(), atom, "matrix is not positive semidefinite")
    if atom.eigenvalues is not None:
        on_mean, on_deviation = atom.eigenvalues
        J = np.full((n_tasks, n_tasks), 1.0 / n_tasks)
        said = on_mean * J + on_deviation * (np.eye(n_tasks) - J)
        expect(np.allclose(Q, said), atom, "eigenvalues are not those of matrix")
