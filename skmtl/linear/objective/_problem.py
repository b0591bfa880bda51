r"""The objective as the solvers see it: a flat vector of parameters.

The parameters are the parts :math:`V_k` (p, C), the shared part w0 where centred, and the
intercepts b; W = sum of the parts + w0 1'. w0 and b are scaled so that all directions have a
similar curvature. The objective is

.. math:: F(W, b) + \sum_k \alpha \Omega_k(V_k) + \tfrac12 \iota \sum_t (b_t - \bar b)^2

where the quadratic terms of :math:`\Omega_k` count to the smooth side. `Problem.gap` bounds
its distance to the optimum by Fenchel duality: for the dual variable u of the loss with
X'u = Z, the dual value is
:math:`-F^*(u) - \sum_k (\alpha \Omega_k)^*(-Z) - \|1'u\|^2 / 2 \iota`, provided that u is
orthogonal to what is not penalised (free intercepts, w0, null spaces of penalties). A
linearised Newton step over these free directions makes it so exactly.
"""

from dataclasses import dataclass

import numpy as np

from skmtl.linear.objective._losses import DataLoss

FLAT = 1e-28
"""Curvature, relative to the largest, that rounding leaves where a loss does not bend."""


@dataclass
class Intercept:
    r"""How intercepts are treated: :math:`\iota / 2 \sum_t (b_t - \bar b)^2`.

    ``alpha`` is 0 (free), positive, or inf (one intercept for all).
    """

    alpha: float = 0.0
    scale: float = 1.0


class Problem:
    """Loss, parts of the penalty, and intercepts put together."""

    def __init__(self, loss, parts, shape, *, n_tasks, centred=False, intercept=None):
        self.loss, self.parts = loss, parts
        self.shape, self.n_tasks = shape, n_tasks
        self.centred, self.intercept = centred, intercept
        n_features, n_outputs = shape
        n_classes = n_outputs // n_tasks
        self.shared_scale = 1.0 / np.sqrt(n_tasks)
        ends = np.cumsum(
            [
                len(parts) * n_features * n_outputs,
                n_features * n_classes if centred else 0,
                n_outputs if intercept else 0,
            ]
        )
        self.size = int(ends[-1])
        self._slices = [slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[1], ends[2])]

    # -- parameters ---------------------------------------------------------------------------

    def split(self, x):
        """V (parts, p, C), scaled w0 (p, classes) and scaled b (C,), views of ``x``."""
        V, shared, b = (x[s] for s in self._slices)
        return V.reshape(len(self.parts), *self.shape), shared.reshape(self.shape[0], -1), b

    def coefficients(self, x):
        """W (p, C) and b (C,) of parameters ``x``."""
        V, shared, b = self.split(x)
        W = V[0] if len(V) == 1 else V.sum(axis=0)
        if self.centred:
            W = W + np.tile(shared * self.shared_scale, self.n_tasks)
        b = b * self.intercept.scale if self.intercept else np.zeros(self.shape[1])
        return W, b

    def pull(self, gW, gb):
        """Gradient with respect to the parameters from that with respect to (W, b)."""
        pulled = [gW.ravel()] * len(self.parts)
        if self.centred:
            pulled.append(self._by_task(gW).sum(axis=1).ravel() * self.shared_scale)
        if self.intercept:
            pulled.append(gb * self.intercept.scale)
        return np.concatenate(pulled)

    def start(self, W, b, parts=None):
        """Parameters for given coefficients, and parts of them (n, p, C) where these are known.

        Otherwise all is in the first part, and the mean in w0.
        """
        x = np.zeros(self.size)
        V, shared, intercepts = self.split(x)
        if parts is not None:
            V[:] = parts
        elif self.centred:
            V[0] = W - np.tile(self._by_task(W).mean(axis=1), self.n_tasks)
        else:
            V[0] = W
        if self.centred:
            shared[:] = self._by_task(W - V.sum(axis=0)).mean(axis=1) / self.shared_scale
        if self.intercept:
            intercepts[:] = b / self.intercept.scale
            if np.isinf(self.intercept.alpha):
                intercepts[:] = self._mean_intercept(intercepts)
        return x

    def spread(self, x):
        """Parts (n, p, C) that add up to W: those of the penalty, then w0 for every task."""
        V, shared, _ = self.split(x)
        if not self.centred:
            return V.copy()
        return np.concatenate([V, np.tile(shared * self.shared_scale, self.n_tasks)[None]])

    def gather(self, V, b):
        """Parameters of the parts of `spread`, and of intercepts where there are."""
        x = np.zeros(self.size)
        parts, shared, intercepts = self.split(x)
        parts[:] = V[: len(parts)]
        if self.centred:
            shared[:] = self._by_task(V[-1]).mean(axis=1) / self.shared_scale
        if self.intercept:
            intercepts[:] = b / self.intercept.scale
        return x

    def proxes(self):
        """``prox(V, step)`` of each group of the penalty, for each part of `spread`."""
        found = [part.proxes() for part in self.parts]
        if self.centred:
            found.append([lambda V, step: np.tile(self._by_task(V).mean(axis=1), self.n_tasks)])
        return found

    def share(self, multipliers):
        """Let `gap` start from a subgradient of each of `proxes` (a list for each part)."""
        for part, found in zip(self.parts, multipliers, strict=False):
            if part.dykstra:
                part.dykstra.current = found[-len(part.groups) :].copy()

    def shared(self, x):
        """The shared part w0 (p, classes)."""
        return self.split(x)[1] * self.shared_scale

    def _by_task(self, array):
        return array.reshape(*array.shape[:-1], self.n_tasks, -1)

    def _mean_intercept(self, b):
        """Mean over tasks of each class, repeated for every task."""
        return np.tile(self._by_task(b).mean(axis=0), self.n_tasks)

    # -- the smooth side ------------------------------------------------------------------------

    def at(self, x):
        """Point of the loss at parameters ``x``."""
        return self.loss.at(*self.coefficients(x))

    def smooth_value(self, x, point):
        """Loss and quadratic penalties."""
        V = self.split(x)[0]
        return point.value + sum(
            part.quadratic_value(v) for part, v in zip(self.parts, V, strict=True)
        )

    def smooth_gradient(self, x, point):
        """Gradient of `smooth_value`."""
        return self._add_quadratic(self.pull(*point.gradient), x)

    def hessian(self, d, point):
        """Second derivative of `smooth_value` applied to a direction."""
        return self._add_quadratic(self.pull(*point.hessian(*self.coefficients(d))), d)

    def _add_quadratic(self, g, x):
        for part, slope, v in zip(self.parts, self.split(g)[0], self.split(x)[0], strict=True):
            if part.has_quadratic:
                slope += part.times_Q(v)
        return g

    # -- the side with a prox -------------------------------------------------------------------

    def penalty_value(self, x):
        """Penalties with a prox, and that on the intercepts."""
        V, _, b = self.split(x)
        total = sum(part.chain_value(v) for part, v in zip(self.parts, V, strict=True))
        if self.intercept and 0 < self.intercept.alpha < np.inf:
            deviation = (b - self._mean_intercept(b)) * self.intercept.scale
            total += 0.5 * self.intercept.alpha * float(deviation @ deviation)
        return total

    def prox(self, x, step):
        """Proximal step of the penalties."""
        x = x.copy()
        V, _, b = self.split(x)
        for part, v in zip(self.parts, V, strict=True):
            if part.chain or part.positive:
                v[:] = part.prox(v, step)
        if self.intercept and self.intercept.alpha:
            mean, deviation = self._mean_intercept(b), 0.0
            if np.isfinite(self.intercept.alpha):
                shrink = 1.0 + step * self.intercept.alpha * self.intercept.scale**2
                deviation = (b - mean) / shrink
            b[:] = mean + deviation
        return x

    # -- the certificate ------------------------------------------------------------------------

    def gap(self, x, point=None, dual_point=None):
        """Primal value at ``x`` and a lower bound of the optimum.

        The bound comes from the gradient of the loss at ``dual_point``, by default at ``x``. It is
        0 if none is at hand: no loss and no penalty is negative.
        """
        point = self.at(x) if point is None else point
        primal = self.smooth_value(x, point) + self.penalty_value(x)
        point = point if dual_point is None else dual_point
        if self.is_unpenalised and (apart := self.without_optimum(x)).any():
            point = point.without(apart)
        step = self._free_newton_step(point, x)
        if step is None:
            return primal, 0.0
        # `coefficients` is linear, so it maps steps as it maps parameters.
        dual = point.dual(*self.coefficients(step))
        Z, sums = dual.gradient
        pairs = [
            (part, *part.dual(Z, v)) for part, v in zip(self.parts, self.split(x)[0], strict=True)
        ]
        scale = min(part.dual_scale(N) for part, _, N in pairs)
        value = -dual.conjugate(scale)
        value -= sum(part.conjugate(Y, N, scale) for part, Y, N in pairs)
        if self.intercept and 0 < self.intercept.alpha < np.inf:
            value -= 0.5 * scale**2 * float(sums @ sums) / self.intercept.alpha
        return primal, value if np.isfinite(value) else 0.0

    @property
    def is_unpenalised(self):
        """Whether every task is fitted by itself, without a penalty."""
        free = all(part.is_quadratic and not part.has_quadratic for part in self.parts)
        return free and not (self.intercept and self.intercept.alpha)

    def without_optimum(self, x):
        """Mask (n_tasks,) of tasks whose loss falls to 0 along what of ``x`` is not penalised."""
        none = np.zeros(self.n_tasks, dtype=bool)
        if not isinstance(self.loss, DataLoss):
            return none
        apart = self.at(self.free(x)).separated
        # What tasks share grows without end only where it helps all of them.
        return apart if self.is_unpenalised or apart.all() else none

    def free(self, g):
        """Project on the directions no penalty acts on."""
        g = g.copy()
        V, _, b = self.split(g)
        for part, v in zip(self.parts, V, strict=True):
            v[:] = part.free(v) if part.is_free_somewhere else 0.0
        if self.intercept and self.intercept.alpha:
            b[:] = self._mean_intercept(b)
        return g

    def _free_newton_step(self, point, x, tol=1e-11):
        """Solve H z = g over the free directions by conjugate gradients; None if it fails."""
        g = self.free(self.pull(*point.gradient))
        z = np.zeros(self.size)
        # What is left of g counts times the coefficients, which are large for tiny features.
        rest = 1e-3 * abs(point.value) / max(1.0, 1e-4 * np.linalg.norm(x))
        target = tol * (np.linalg.norm(g) + rest)
        if np.linalg.norm(g) <= target:
            return z
        inverse = self._jacobi(point)
        r, d = g.copy(), inverse * g
        rd, steepest = r @ d, 0.0
        # Where nothing bends, steps after the best one follow rounding errors.
        best, least = z, np.linalg.norm(r)
        for _ in range(500):
            Hd = self.free(self.pull(*point.hessian(*self.coefficients(d))))
            curvature, dd = d @ Hd, d @ d
            steepest = max(steepest, curvature / (dd or 1.0))
            if not curvature > FLAT * steepest * dd:
                break
            z = z + rd / curvature * d
            r -= rd / curvature * Hd
            norm = np.linalg.norm(r)
            if norm <= target:
                return z
            if norm < least:
                best, least = z, norm
            p = inverse * r
            rd, previous = r @ p, rd
            d = p + rd / previous * d
        return best if least <= 1e3 * target else None

    def _jacobi(self, point):
        """Inverse curvature of the intercepts: exact for one output a task, else 1."""
        inverse = np.ones(self.size)
        if self.intercept and self.intercept.alpha == 0 and self.shape[1] == self.n_tasks:
            ones = np.zeros(self.size)
            ones[self._slices[2]] = 1.0
            curvature = self.pull(*point.hessian(*self.coefficients(ones)))[self._slices[2]]
            inverse[self._slices[2]] = 1.0 / np.where(curvature > 0, curvature, 1.0)
        return inverse
