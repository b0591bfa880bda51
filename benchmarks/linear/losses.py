"""Losses as sums over samples and outputs, written without skmtl: they judge its fits, too.

With raw scores F and labels Y, both of shape (n_samples, n_outputs), and the expected labels
M(F), the gradient of every loss is M - Y, and its conjugate is finite where M is possible.
"""

import numpy as np


class Loss:
    """Value, expected labels, conjugate, and the intercepts that are best for given scores."""

    def intercepts(self, S, Y):
        """Newton's method for b with column sums of M(S + b) - Y that are 0, halving steps."""
        b = np.zeros(S.shape[1])
        gradient = self._slopes(S, Y, b)
        for _ in range(100):
            if np.abs(gradient).max() <= 1e-14 * len(S):
                break
            step = self._newton_step(self.expected(S + b), gradient)
            for _ in range(50):
                following = self._slopes(S, Y, b - step)
                is_worse = self._size(following) > self._size(gradient)
                if not is_worse.any():
                    break
                step = np.where(is_worse, 0.5 * step, step)
            b, gradient = b - step, following
        return b

    def _slopes(self, S, Y, b):
        return (self.expected(S + b) - Y).sum(axis=0)

    def _newton_step(self, M, gradient):
        return gradient / np.maximum(self._curvature(M).sum(axis=0), np.finfo(float).tiny)

    def _size(self, gradient):
        return np.abs(gradient)


class Squared(Loss):
    r""":math:`\frac12 (y - f)^2`."""

    def value(self, F, Y):
        return 0.5 * ((F - Y) ** 2).sum()

    def expected(self, F):
        return F

    def conjugate(self, M, Y):
        return 0.5 * ((M**2).sum() - (Y**2).sum())

    def intercepts(self, S, Y):
        return (Y - S).mean(axis=0)


class Logistic(Loss):
    r""":math:`\log(1 + e^f) - y f`, y is 0 or 1."""

    def value(self, F, Y):
        return np.logaddexp(0.0, F).sum() - np.vdot(Y, F)

    def expected(self, F):
        return np.exp(-np.logaddexp(0.0, -F))

    def conjugate(self, M, Y):
        return _negative_entropy(M) + _negative_entropy(1.0 - M)

    def _curvature(self, M):
        return M * (1.0 - M)


class Softmax(Loss):
    r""":math:`\log \sum_k e^{f_k} - y'f`, y is the indicator of a class."""

    def value(self, F, Y):
        top = F.max(axis=1)
        return (top + np.log(np.exp(F - top[:, None]).sum(axis=1))).sum() - np.vdot(Y, F)

    def expected(self, F):
        E = np.exp(F - F.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)

    def conjugate(self, M, Y):
        return _negative_entropy(M)

    def _newton_step(self, M, gradient):
        return np.linalg.pinv(np.diag(M.sum(axis=0)) - M.T @ M, hermitian=True) @ gradient

    def _size(self, gradient):
        return np.linalg.norm(gradient, keepdims=True)


class Poisson(Loss):
    r""":math:`e^f - y f - y + y \log y`, half the deviance of counts."""

    def value(self, F, Y):
        return (np.exp(F) - Y * F - Y).sum() + _negative_entropy(Y)

    def expected(self, F):
        return np.exp(F)

    def conjugate(self, M, Y):
        return _negative_entropy(M) - M.sum() + Y.sum() - _negative_entropy(Y)

    def intercepts(self, S, Y):
        top = S.max(axis=0)
        return np.log(Y.sum(axis=0) / np.exp(S - top).sum(axis=0)) - top


def _negative_entropy(M):
    """Sum of m log m, 0 where m is 0."""
    return (M * np.log(np.where(M > 0, M, 1.0))).sum()


LOSSES = {
    "squared": Squared(),
    "logistic": Logistic(),
    "softmax": Softmax(),
    "poisson": Poisson(),
}
