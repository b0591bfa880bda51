r"""A part of W as the solvers see its penalty: a quadratic form plus atoms with a prox.

The quadratic atoms of a sum make one matrix Q and join the smooth side of the objective; the
others are a chain whose prox is the composition of theirs.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear._task_matrix import TaskMatrix
from skmtl.linear.penalties._base import Quadratic
from skmtl.linear.penalties._clustered import Clustered
from skmtl.linear.penalties._fused import Fused
from skmtl.linear.penalties._trace_norm import SquaredTraceNorm

BISECTIONS = 60
MAX_COVARIANCE = 2000
"""Tasks up to which the covariance of a quadratic penalty is written out."""


class Part:
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
    """

    def __init__(self, penalty, alpha, shape, n_tasks, *, positive=False):
        self.alpha, self.shape, self.positive = alpha, shape, positive
        atoms = [atom for atom in penalty.atoms() if atom.weight] if alpha else []
        # Without a word on tasks every output counts as one, however many a task has.
        self.over_tasks = any(atom.over_tasks for atom in atoms)
        self.n_tasks = n_tasks if self.over_tasks else shape[1]
        quadratic = [atom for atom in atoms if isinstance(atom, Quadratic)]
        self.chain = [atom for atom in atoms if not isinstance(atom, Quadratic)]
        _check_chain(self.chain, positive)
        self.chain.sort(key=lambda atom: atom.rank if atom.rank is not None else 0)
        self.Q = _task_matrix(quadratic, alpha, self.n_tasks)
        self.is_quadratic = not self.chain and not positive

    # -- the quadratic side ------------------------------------------------------------------

    @property
    def has_quadratic(self):
        """Whether there is a quadratic term."""
        return not self.Q.is_zero

    def times_Q(self, V):
        """alpha V Q, task by task."""
        return self._back(self.Q.times(self._tasks(V)))

    def quadratic_value(self, V):
        """Value of the quadratic term."""
        return 0.5 * float(np.vdot(V, self.times_Q(V))) if self.has_quadratic else 0.0

    # -- the side with a prox ----------------------------------------------------------------

    def chain_value(self, V):
        """Value of the atoms with a prox."""
        return self.alpha * sum(atom.value(self._view(atom, V)) for atom in self.chain)

    def prox(self, V, step):
        """Proximal step of the atoms with a prox."""
        if self.positive:
            V = np.maximum(V, 0.0)
        for atom in self.chain:
            moved = atom.prox(self._view(atom, V), step * self.alpha)
            V = self._back(moved) if atom.over_tasks else moved
        return V

    def whole_prox(self, V, step):
        """Proximal step of the whole penalty: the quadratic term must be a ridge, or alone."""
        if not self.has_quadratic:
            return self.prox(V, step)
        if self.is_quadratic:
            return self._back(self.Q.resolvent(self._tasks(V), step))
        # prox of f + (r / 2) ||.||^2 is that of f, at a shrunk point with a shrunk step.
        shrink = 1.0 + step * self.Q.on_mean
        return self.prox(V / shrink, step / shrink)

    @property
    def has_whole_prox(self):
        """Whether `whole_prox` knows the penalty."""
        return self.is_quadratic or not self.has_quadratic or self.Q.is_ridge

    # -- duality ------------------------------------------------------------------------------

    @property
    def is_free_somewhere(self):
        """Whether there are directions that are not penalised at all."""
        if self.positive or any(not isinstance(atom, Fused) for atom in self.chain):
            return False
        return not self.Q.is_regular

    def free(self, V):
        """V on the directions that are not penalised."""
        V = self._tasks(V)
        if self.chain:
            # `Fused` leaves the mean over tasks alone.
            V = np.broadcast_to(V.mean(axis=1, keepdims=True), V.shape)
        return self._back(self.Q.null(V))

    def dual(self, Z, V):
        """Dual variables (Y, N) of the two sides for the gradient Z of the loss: Y + N = -Z.

        Y is what the quadratic side has at V, so that at the optimum N is a subgradient of the
        chain at V.
        """
        if not self.chain and not self.positive:
            return -Z, np.zeros_like(Z)
        Y = self.times_Q(V) if self.has_quadratic else np.zeros_like(Z)
        N = -Z - Y
        if self.chain and all(isinstance(atom, Fused) for atom in self.chain):
            # `Fused` says nothing of the mean over tasks: that is for the quadratic side.
            N_tasks = self._tasks(N)
            N = self._back(N_tasks - N_tasks.mean(axis=1, keepdims=True))
        return -Z - N, N

    def dual_scale(self, N):
        """Largest s <= 1 for which the conjugate of the chain is finite at s N."""
        if self.positive:
            N = np.maximum(N, 0.0)
        if not self.chain:
            return 1.0 if not N.any() else 0.0
        if len(self.chain) == 1:
            return self.chain[0].dual_scale(self._view(self.chain[0], N), self.alpha)
        if self._is_feasible((1 - 1e-13) * N):
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._is_feasible(middle * N) else (low, middle)
        return low

    def _is_feasible(self, N):
        """A sum of norms has a finite conjugate where its prox is 0."""
        return not self.prox(N, 1.0).any()

    def conjugate(self, Y, N, scale):
        """Conjugate of the whole part at scale times (Y, N), made feasible by `dual_scale`."""
        total = 0.0
        if self.has_quadratic:
            Y = self._tasks(Y)
            total += 0.5 * scale**2 * float(np.vdot(Y, self.Q.solve(Y)))
        if len(self.chain) == 1:
            atom = self.chain[0]
            total += atom.conjugate(scale * self._view(atom, N), self.alpha)
        return total

    # -- shapes -------------------------------------------------------------------------------

    def _tasks(self, V):
        """(features, tasks * classes) as (features * classes, tasks)."""
        n_classes = V.shape[1] // self.n_tasks
        if n_classes == 1:
            return V
        by_task = V.reshape(len(V), self.n_tasks, n_classes).swapaxes(1, 2)
        return by_task.reshape(-1, self.n_tasks)

    def _back(self, V):
        n_classes = self.shape[1] // self.n_tasks
        if n_classes == 1:
            return V
        return V.reshape(-1, n_classes, self.n_tasks).swapaxes(1, 2).reshape(self.shape)

    def _view(self, atom, V):
        return self._tasks(V) if atom.over_tasks else V


def _task_matrix(quadratic, alpha, n_tasks):
    """alpha times the sum of the matrices of quadratic atoms."""
    plain = [atom for atom in quadratic if atom.eigenvalues is not None]
    other = [alpha * a.weight * a.matrix(n_tasks) for a in quadratic if a.eigenvalues is None]
    on_mean, on_deviation = (
        alpha * sum(atom.weight * atom.eigenvalues[k] for atom in plain) for k in (0, 1)
    )
    return TaskMatrix(on_mean, on_deviation, sum(other) if other else None)


def _check_chain(chain, positive):
    """Raise for a sum whose prox is not known, naming its addends."""
    ranks = [atom.rank for atom in chain]
    if len(chain) > 1 and (None in ranks or len(set(ranks)) < len(ranks)):
        names = " + ".join(type(atom).__name__ for atom in chain)
        raise ValueError(
            f"No solver takes the sum {names}. What can be added: quadratic penalties (L2, "
            "MeanDeviation, Graph, Chain) to anything, and Fused + L1 + (L21 or LInf). Split(A, B) "
            "combines any two on two parts of W."
        )
    if positive and not all(atom.allows_positive for atom in chain):
        names = ", ".join(type(atom).__name__ for atom in chain if not atom.allows_positive)
        raise ValueError(f"positive=True does not go with {names}; it goes with L1, L21 and LInf.")
    if positive and not chain:
        raise ValueError("positive=True needs one of the penalties L1, L21 and LInf in the sum.")


def task_covariance(part, V):
    r"""Covariance of the tasks that a penalty implies, of trace 1, or None.

    * squared trace norm: :math:`(V'V)^{1/2} / \mathrm{tr}`
    * clustered: :math:`(\eta I + M) / \mathrm{tr}` at the best M
    * quadratic: the pseudoinverse of Q over its trace
    """
    if part.shape[1] != part.n_tasks or (not part.over_tasks and not part.chain):
        return None
    kinds = {type(atom) for atom in part.chain}
    if kinds == {SquaredTraceNorm} or kinds == {Clustered}:
        _, s, Vt = np.linalg.svd(V, full_matrices=True)
        if kinds == {SquaredTraceNorm}:
            spectrum = np.concatenate([s, np.zeros(len(Vt) - len(s))]) if len(Vt) > len(s) else s
        else:
            spectrum = part.chain[0].eta + part.chain[0].spectrum(s, len(Vt))
        total = spectrum.sum()
        return (Vt.T * spectrum[: len(Vt)]) @ Vt / total if total > 0 else None
    if part.is_quadratic and part.over_tasks and part.n_tasks <= MAX_COVARIANCE:
        return part.Q.covariance(part.n_tasks)
    return None
