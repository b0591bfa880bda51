r"""The objective as the solvers see it: a flat vector of parameters.

The parameters are V (p, C) with W = V + w0 1' where centred, the shared part w0, and the
intercepts b. w0 and b are scaled so that all directions have a similar curvature. The
objective is

.. math:: F(W, b) + \alpha \Omega(V) + \tfrac12 \iota \sum_t (b_t - \bar b)^2

and `Problem.gap` bounds its distance to the optimum by Fenchel duality: for the dual variable
u of the loss with X'u = Z, the dual value is
:math:`-F^*(u) - (\alpha \Omega)^*(-Z) - \|1'u\|^2 / 2 \iota`, provided that u is orthogonal to
what is not penalised (free intercepts, w0). A linearised Newton step over these free
directions makes it so exactly.
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Intercept:
    r"""How intercepts are treated: :math:`\iota / 2 \sum_t (b_t - \bar b)^2`.

    ``alpha`` is 0 (free), positive, or inf (one intercept for all).
    """

    alpha: float = 0.0
    scale: float = 1.0


class Problem:
    """Loss, penalty and intercepts put together."""

    def __init__(self, loss, penalty, alpha, shape, *, n_tasks, centred=False, intercept=None):
        self.loss, self.penalty, self.alpha = loss, penalty, alpha
        self.shape, self.n_tasks = shape, n_tasks
        self.centred, self.intercept = centred, intercept
        n_features, n_outputs = shape
        n_classes = n_outputs // n_tasks
        self.shared_scale = 1.0 / np.sqrt(n_tasks)
        ends = np.cumsum(
            [
                n_features * n_outputs,
                n_features * n_classes if centred else 0,
                n_outputs if intercept else 0,
            ]
        )
        self.size = int(ends[-1])
        self._parts = [slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[1], ends[2])]

    def split(self, x):
        """V (p, C), scaled w0 (p, classes) and scaled b (C,), views of ``x``."""
        V, shared, b = (x[part] for part in self._parts)
        return V.reshape(self.shape), shared.reshape(self.shape[0], -1), b

    def coefficients(self, x):
        """W (p, C) and b (C,) of parameters ``x``."""
        V, shared, b = self.split(x)
        W = V
        if self.centred:
            W = V + np.tile(shared * self.shared_scale, self.n_tasks)
        b = b * self.intercept.scale if self.intercept else np.zeros(self.shape[1])
        return W, b

    def pull(self, gW, gb):
        """Gradient with respect to the parameters from that with respect to (W, b)."""
        parts = [gW.ravel()]
        if self.centred:
            parts.append(self._by_task(gW).sum(axis=1).ravel() * self.shared_scale)
        if self.intercept:
            parts.append(gb * self.intercept.scale)
        return np.concatenate(parts)

    def _by_task(self, array):
        return array.reshape(*array.shape[:-1], self.n_tasks, -1)

    def start(self, W, b, shared=None):
        """Parameters for given coefficients."""
        x = np.zeros(self.size)
        V, part, intercepts = self.split(x)
        V[:] = W
        if self.centred:
            shared = self._by_task(W).mean(axis=1) if shared is None else shared
            V -= np.tile(shared, self.n_tasks)
            part[:] = shared / self.shared_scale
        if self.intercept:
            intercepts[:] = b / self.intercept.scale
            if np.isinf(self.intercept.alpha):
                intercepts[:] = self._mean_intercept(intercepts)
        return x

    def shared(self, x):
        """The shared part w0 (p, classes)."""
        return self.split(x)[1] * self.shared_scale

    def at(self, x):
        """Point of the loss at parameters ``x``."""
        return self.loss.at(*self.coefficients(x))

    def penalty_value(self, x):
        """Penalties on V and on the intercepts."""
        V, _, b = self.split(x)
        total = self.alpha * self.penalty.value(V) if self.alpha else 0.0
        if self.intercept and 0 < self.intercept.alpha < np.inf:
            deviation = (b - self._mean_intercept(b)) * self.intercept.scale
            total += 0.5 * self.intercept.alpha * float(deviation @ deviation)
        return total

    def prox(self, x, step):
        """Proximal step of the penalties."""
        x = x.copy()
        V, _, b = self.split(x)
        if self.alpha:
            V[:] = self.penalty.prox(V, step * self.alpha)
        if self.intercept and self.intercept.alpha:
            mean, deviation = self._mean_intercept(b), 0.0
            if np.isfinite(self.intercept.alpha):
                shrink = 1.0 + step * self.intercept.alpha * self.intercept.scale**2
                deviation = (b - mean) / shrink
            b[:] = mean + deviation
        return x

    def _mean_intercept(self, b):
        """Mean over tasks of each class, repeated for every task."""
        return np.tile(self._by_task(b).mean(axis=0), self.n_tasks)

    def free(self, g):
        """Project on the directions no penalty acts on."""
        g = g.copy()
        V, _, b = self.split(g)
        if self.alpha:
            V[:] = 0.0
        if self.intercept and self.intercept.alpha:
            b[:] = self._mean_intercept(b)
        return g

    def gap(self, x, point=None):
        """Primal value at ``x`` and a lower bound of the optimum (-inf if none is at hand)."""
        point = self.at(x) if point is None else point
        primal = point.value + self.penalty_value(x)
        step = self._free_newton_step(point)
        if step is None:
            return primal, -np.inf
        # `coefficients` is linear, so it maps steps as it maps parameters.
        dual = point.dual(*self.coefficients(step))
        Z, sums = dual.gradient
        scale = self.penalty.dual_scale(Z, self.alpha) if self.alpha else 1.0
        value = -dual.conjugate(scale)
        if self.alpha:
            value -= self.penalty.conjugate(scale * Z, self.alpha)
        if self.intercept and 0 < self.intercept.alpha < np.inf:
            value -= 0.5 * scale**2 * float(sums @ sums) / self.intercept.alpha
        return primal, value if np.isfinite(value) else -np.inf

    def _free_newton_step(self, point, tol=1e-11):
        """Solve H z = g over the free directions by conjugate gradients; None if it fails."""
        g = self.free(self.pull(*point.gradient))
        z = np.zeros(self.size)
        target = tol * (np.linalg.norm(g) + 1e-3 * abs(point.value))
        if np.linalg.norm(g) <= target:
            return z
        inverse = self._jacobi(point)
        r, d = g.copy(), inverse * g
        rd = r @ d
        for _ in range(500):
            Hd = self.free(self.pull(*point.hessian(*self.coefficients(d))))
            curvature = d @ Hd
            if not curvature > 0:
                break
            z += rd / curvature * d
            r -= rd / curvature * Hd
            if np.linalg.norm(r) <= target:
                return z
            p = inverse * r
            rd, previous = r @ p, rd
            d = p + rd / previous * d
        return z if np.linalg.norm(r) <= 1e3 * target else None

    def _jacobi(self, point):
        """Inverse curvature of the intercepts: exact for one output a task, else 1."""
        inverse = np.ones(self.size)
        if self.intercept and self.intercept.alpha == 0 and self.shape[1] == self.n_tasks:
            ones = np.zeros(self.size)
            ones[self._parts[2]] = 1.0
            curvature = self.pull(*point.hessian(*self.coefficients(ones)))[self._parts[2]]
            inverse[self._parts[2]] = 1.0 / np.where(curvature > 0, curvature, 1.0)
        return inverse
