r"""A part of W as the solvers see its penalty: a quadratic form plus atoms with a prox.

The quadratic atoms of a sum make one matrix Q and join the smooth side of the objective; the
others have a prox, and are one group where the prox of their sum is the composition of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._dykstra_split import DykstraSplit
from skmtl.linear.objective._layout import Layout
from skmtl.linear.objective._prox_group import ProxGroup, prox_groups
from skmtl.linear.objective._task_matrix import TaskMatrix
from skmtl.linear.penalties import Atom, Penalty, Quadratic
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]
Prox = Callable[[Array, float], Array]

MAX_COVARIANCE = 2000
"""Tasks up to which the covariance of a quadratic penalty is written out."""


def parts_for(
    penalty: Penalty, alpha: float, n_features: int, tasks: TaskSet, *, positive: bool
) -> list[PenaltyPart]:
    """A `PenaltyPart` for each part of a penalty times alpha, for W of these features and tasks."""
    shape = (n_features, tasks.n_outputs * (tasks.n_tasks if tasks.is_long else 1))
    return [
        PenaltyPart(part, alpha, shape, tasks.n_tasks, positive=positive)
        for part in penalty.parts()
    ]


class PenaltyPart:
    """Penalty of one part of W, times alpha.

    Parameters
    ----------
    penalty : Penalty
        Not a `Split`.
    alpha : float
        Factor on it.
    shape : tuple (n_features, n_outputs)
        Shape of W.
    n_tasks : int
        Number of tasks.
    positive : bool, default=False
        Whether W >= 0.

    Attributes
    ----------
    prox_atoms : list of Atom
        Addends with a prox; the quadratic ones are in ``Q``.
    groups : list of ProxGroup
        The same, together where their joint prox is known.
    dykstra : DykstraSplit or None
        The prox of the sum of several groups.
    shared_alpha : float
        Strength of the ridge of `plus_ridge`, which is in Q.
    """

    def __init__(
        self,
        penalty: Penalty,
        alpha: float,
        shape: tuple[int, int],
        n_tasks: int,
        *,
        positive: bool = False,
    ) -> None:
        self.alpha, self.shape, self.positive = alpha, shape, positive
        atoms = [atom for atom in penalty.atoms() if atom.weight] if alpha else []
        _check_strength(atoms, alpha)
        # Without a word on tasks every output counts as one, however many a task has.
        self.over_tasks = any(atom.over_tasks for atom in atoms)
        self.n_tasks = n_tasks if self.over_tasks else shape[1]
        self.layout = Layout(shape, self.n_tasks)
        quadratic = [atom for atom in atoms if isinstance(atom, Quadratic)]
        self.prox_atoms = [atom for atom in atoms if not isinstance(atom, Quadratic)]
        _check_positive(self.prox_atoms, alpha, positive)
        self.groups = prox_groups(self.prox_atoms, alpha, self.layout, positive)
        self.dykstra = DykstraSplit(self.groups, shape) if len(self.groups) > 1 else None
        self.Q = _task_matrix(quadratic, alpha, self.n_tasks)
        self.shared_alpha = 0.0
        self.is_quadratic = not self.prox_atoms and not positive

    def comparing_tasks(self, n_tasks: int, Q: TaskMatrix) -> PenaltyPart:
        """The same with a matrix of tasks for the quadratic term, in place of one of outputs."""
        part = copy(self)
        part.over_tasks, part.n_tasks, part.Q = True, n_tasks, Q
        part.layout = Layout(self.shape, n_tasks)
        return part

    def plus_ridge(self, strength: float) -> PenaltyPart:
        """The same with a ridge on what tasks have in common, where that is free."""
        if not strength or not self.over_tasks or not self.is_free_somewhere:
            return self
        part = copy(self)
        part.shared_alpha = strength
        part.Q = self.Q.plus_ridge(strength, on_mean_only=bool(self.prox_atoms))
        return part

    # -- the quadratic side ------------------------------------------------------------------

    @property
    def has_quadratic(self) -> bool:
        """Whether there is a quadratic term."""
        return not self.Q.is_zero

    def times_Q(self, V: Array) -> Array:
        """alpha V Q, task by task."""
        return self.layout.back(self.Q.times(self.layout.tasks(V)))

    def quadratic_value(self, V: Array) -> float:
        """Value of the quadratic term."""
        return max(0.5 * float(np.vdot(V, self.times_Q(V))), 0.0) if self.has_quadratic else 0.0

    # -- the side with a prox ----------------------------------------------------------------

    def prox_value(self, V: Array) -> float:
        """Value of the atoms with a prox."""
        return sum(group.value(V) for group in self.groups)

    def prox(self, V: Array, step: float) -> Array:
        """Proximal step of the atoms with a prox."""
        if self.dykstra:
            return self.dykstra.prox(V, step)
        return self.groups[0].prox(V, step) if self.groups else V

    def proxes(self) -> list[Prox]:
        """``prox(V, step)`` of each group of the whole penalty, the last with exact zeros."""
        found: list[Prox] = [group.prox for group in self.groups]
        if self.has_quadratic and len(found) == 1 and self.Q.is_ridge:
            found = [self._prox_with_ridge]
        elif self.has_quadratic:
            found.insert(0, self._resolvent)
        return found or [lambda V, step: V]

    def _prox_with_ridge(self, V: Array, step: float) -> Array:
        # prox of f + (r / 2) ||.||^2 is that of f, at a shrunk point with a shrunk step.
        shrink = 1.0 + step * self.Q.on_mean
        return self.groups[0].prox(V / shrink, step / shrink)

    def _resolvent(self, V: Array, step: float) -> Array:
        return self.layout.back(self.Q.resolvent(self.layout.tasks(V), step))

    # -- duality ------------------------------------------------------------------------------

    @property
    def is_free_somewhere(self) -> bool:
        """Whether there are directions that are not penalised at all."""
        if self.positive or not self._is_shift_invariant:
            return False
        return not self.Q.is_regular

    @property
    def _is_shift_invariant(self) -> bool:
        return all(group.is_shift_invariant for group in self.groups)

    def free(self, V: Array) -> Array:
        """V on the directions that are not penalised."""
        V = self.layout.tasks(V)
        if self.prox_atoms:
            # `Fused` leaves the mean over tasks alone.
            V = np.broadcast_to(V.mean(axis=1, keepdims=True), V.shape)
        return self.layout.back(self.Q.null(V))

    def dual(self, Z: Array, V: Array) -> tuple[Array, Array]:
        """Dual variables (Y, N) of the two sides for the gradient Z of the loss: Y + N = -Z.

        Y is what the quadratic side has at V, so that at the optimum N is a subgradient of the
        other side at V. Where that has several groups, N (n_groups, p, C) has one of each.
        """
        if not self.prox_atoms and not self.positive:
            return -Z, np.zeros_like(Z)
        Y = self.times_Q(V) if self.has_quadratic else np.zeros_like(Z)
        N = -Z - Y
        if self._is_shift_invariant:
            # `Fused` says nothing of the mean over tasks: that is for the quadratic side.
            N = self.layout.without_mean(N)
        return -Z - N, self.dykstra.of(N) if self.dykstra else N

    def dual_scale(self, N: Array) -> float:
        """Largest s <= 1 for which the conjugate of the side with a prox is finite at s N."""
        if not self.groups:
            return 1.0 if not N.any() else 0.0
        return min(group.dual_scale(subgradient) for group, subgradient in self._split(N))

    def conjugate(self, Y: Array, N: Array, scale: float) -> float:
        """Conjugate of the whole part at scale times (Y, N), made feasible by `dual_scale`."""
        total = 0.0
        if self.has_quadratic:
            Y = self.layout.tasks(Y)
            total += 0.5 * scale**2 * float(np.vdot(Y, self.Q.solve(Y)))
        return total + sum(group.conjugate(scale * part) for group, part in self._split(N))

    def _split(self, N: Array) -> Iterator[tuple[ProxGroup, Array]]:
        """Each group with its subgradient."""
        return zip(self.groups, N.reshape(-1, *self.shape), strict=bool(self.groups))


def _task_matrix(quadratic: list[Quadratic], alpha: float, n_tasks: int) -> TaskMatrix:
    """alpha times the sum of the matrices of quadratic atoms."""
    on_mean, on_deviation, dense = 0.0, 0.0, None
    for atom in quadratic:
        if atom.eigenvalues is None:
            matrix = alpha * atom.weight * atom.matrix(n_tasks)
            dense = matrix if dense is None else dense + matrix
        else:
            on_mean += atom.weight * atom.eigenvalues[0]
            on_deviation += atom.weight * atom.eigenvalues[1]
    return TaskMatrix(alpha * on_mean, alpha * on_deviation, dense)


def _check_strength(atoms: Iterable[Atom], alpha: float) -> None:
    """Raise where alpha times a weight is infinite, which no solver could tell from a bound."""
    for atom in atoms:
        if not np.isfinite(alpha * float(atom.weight)):
            raise ValueError(
                f"alpha={alpha:g} times the weight {atom.weight:g} of {type(atom).__name__} is not "
                "finite. Decrease one of them."
            )


def _check_positive(prox_atoms: list[Atom], alpha: float, positive: bool) -> None:
    """Raise for a prox that is not known over W >= 0, naming its penalty."""
    if positive and not alpha:
        raise ValueError(
            "positive=True needs alpha > 0: what certifies a fit over positive coefficients is "
            "its penalty. A small one does, alpha=1e-6 for example."
        )
    if positive and not all(atom.allows_positive for atom in prox_atoms):
        names = ", ".join(type(atom).__name__ for atom in prox_atoms if not atom.allows_positive)
        raise ValueError(f"positive=True does not go with {names}; it goes with L1, L21 and L1Inf.")
    if positive and not prox_atoms:
        raise ValueError("positive=True needs one of the penalties L1, L21 and L1Inf in the sum.")


def task_covariance(part: PenaltyPart, V: Array) -> Array | None:
    """Covariance of the tasks that a penalty implies at V, of trace 1, or None.

    For a quadratic penalty it is the pseudoinverse of Q over its trace.
    """
    if part.shape[1] != part.n_tasks or (not part.over_tasks and not part.prox_atoms):
        return None
    if len(part.prox_atoms) == 1:
        return part.prox_atoms[0].task_covariance(V)
    if part.is_quadratic and part.over_tasks and part.n_tasks <= MAX_COVARIANCE:
        return part.Q.covariance(part.n_tasks)
    return None
