"""Penalties as users write them: from the public base classes, without a line in the package."""

import numpy as np

from skmtl.linear.penalties import Atom, NormAtom, Quadratic


class GroupL2(NormAtom):
    """Sum over given groups of features of the norm of all their coefficients."""

    prox_order = 3
    allows_positive = True

    def __init__(self, groups, weight=1.0):
        self.groups = groups
        self.weight = weight

    def check(self, n_features=None):
        super().check(n_features)
        if n_features is not None and len(self.groups) != n_features:
            raise ValueError(f"GroupL2: {len(self.groups)} groups for {n_features} features.")

    def _norms(self, W):
        """Norm of each row's group, (n_features, 1), and of each group."""
        _, group = np.unique(self.groups, return_inverse=True)
        norms = np.sqrt(np.bincount(group, (W**2).sum(axis=1)))
        return norms[group][:, None], norms

    def value(self, W):
        return self.weight * self._norms(W)[1].sum()

    def prox(self, W, step):
        norms = self._norms(W)[0]
        shrink = 1 - step * self.weight / np.where(norms > 0, norms, 1.0)
        return W * np.maximum(shrink, 0.0)

    def dual_norm(self, Z):
        return self._norms(Z)[1].max()


class HuberL1(Atom):
    """Ridge near 0, lasso far from it: neither a norm nor quadratic."""

    allows_positive = True

    def __init__(self, weight=1.0, delta=0.5):
        self.weight = weight
        self.delta = delta

    def value(self, W):
        size, d = np.abs(W), self.delta
        return self.weight * np.where(size <= d, size**2 / (2 * d), size - d / 2).sum()

    def prox(self, W, step):
        t, d = step * self.weight, self.delta
        return np.where(np.abs(W) <= d + t, W * d / (d + t), W - t * np.sign(W))

    def dual_scale(self, Z, alpha):
        largest, radius = np.abs(Z).max(), alpha * self.weight
        return 1.0 if largest <= radius else radius / largest

    def conjugate(self, Z, alpha):
        return self.delta * (Z**2).sum() / (2 * alpha * self.weight)


class TaskL1(NormAtom):
    """Lasso with a factor for each task, that is known by the names of the tasks."""

    over_tasks = True
    allows_positive = True

    def __init__(self, factors, weight=1.0):
        self.factors = factors
        self.weight = weight

    @staticmethod
    def _read(factors, names, what):
        is_named = hasattr(factors, "keys")
        return np.array([factors[name] for name in names] if is_named else factors, dtype=float)

    per_task = {"factors": _read}

    def value(self, W):
        return self.weight * (np.abs(W) @ self.factors).sum()

    def prox(self, W, step):
        radius = step * self.weight * np.asarray(self.factors)
        return np.sign(W) * np.maximum(np.abs(W) - radius, 0.0)

    def dual_norm(self, Z):
        return (np.abs(Z) / self.factors).max()


class DeviationNorm(NormAtom):
    """Sum over features of the distance of the tasks from their mean: some features differ."""

    over_tasks = True
    is_shift_invariant = True

    def __init__(self, weight=1.0):
        self.weight = weight

    def value(self, W):
        return self.weight * np.linalg.norm(W - W.mean(axis=1, keepdims=True), axis=1).sum()

    def prox(self, W, step):
        mean = W.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(W - mean, axis=1, keepdims=True)
        shrink = 1 - step * self.weight / np.where(norms > 0, norms, 1.0)
        return mean + (W - mean) * np.maximum(shrink, 0.0)

    def dual_norm(self, Z):
        return np.linalg.norm(Z, axis=1).max()

    def dual_scale(self, Z, alpha):
        is_centred = np.abs(Z.sum(axis=1)).max() <= 1e-9 * np.abs(Z).max(initial=1e-300)
        return super().dual_scale(Z, alpha) if is_centred else 0.0

    def alpha_max(self, Z):
        return np.inf


class Ring(Quadratic):
    """Tasks in a circle, such as hours of the day."""

    def __init__(self, weight=1.0):
        self.weight = weight

    def matrix(self, n_tasks):
        steps = np.eye(n_tasks) - np.roll(np.eye(n_tasks), 1, axis=0)
        return steps.T @ steps


STRANGERS = {
    "group": GroupL2([0, 1, 0, 1]),
    "huber": HuberL1(0.5),
    "task_factors": TaskL1([1.0, 2.0, 0.5]),
    "deviation": DeviationNorm(),
    "ring": Ring(),
}
