"""The mean of a Gaussian process, with kernels of scikit-learn."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
import torch
from sklearn.gaussian_process import kernels
from torch import Tensor

from skmtl.export._distances import products, squared_distances
from skmtl.export._kernels import FeatureScalingModule, dense
from skmtl.export._predictor import Linked, buffer, make_predictor, row_of, table
from skmtl.kernel._gaussian_process_model import GaussianProcessModel

NAMES = (
    "ConstantKernel, DotProduct, ExpSineSquared, Matern (nu of 0.5, 1.5, 2.5 or inf), RBF, "
    "RationalQuadratic, WhiteKernel, and sums, products and powers of these"
)


@singledispatch
def kernel_of(kernel: Any, X: Tensor, Z: Tensor) -> Tensor:
    """A kernel of scikit-learn, for rows X that are not those of Z."""
    raise ValueError(f"The kernel {kernel!r} cannot be exported; these can: {NAMES}.")


@kernel_of.register
def _(kernel: kernels.Sum, X: Tensor, Z: Tensor) -> Tensor:
    return kernel_of(kernel.k1, X, Z) + kernel_of(kernel.k2, X, Z)


@kernel_of.register
def _(kernel: kernels.Product, X: Tensor, Z: Tensor) -> Tensor:
    return kernel_of(kernel.k1, X, Z) * kernel_of(kernel.k2, X, Z)


@kernel_of.register
def _(kernel: kernels.Exponentiation, X: Tensor, Z: Tensor) -> Tensor:
    found: Tensor = kernel_of(kernel.kernel, X, Z) ** float(kernel.exponent)
    return found


@kernel_of.register
def _(kernel: kernels.ConstantKernel, X: Tensor, Z: Tensor) -> Tensor:
    return X.new_full((1, 1), float(kernel.constant_value))


@kernel_of.register
def _(kernel: kernels.WhiteKernel, X: Tensor, Z: Tensor) -> Tensor:
    return X.new_zeros((1, 1))


@kernel_of.register
def _(kernel: kernels.DotProduct, X: Tensor, Z: Tensor) -> Tensor:
    return products(X, Z) + float(kernel.sigma_0) ** 2


@kernel_of.register
def _(kernel: kernels.RBF, X: Tensor, Z: Tensor) -> Tensor:
    length = X.new_tensor(np.asarray(kernel.length_scale))
    return (-0.5 * squared_distances(X / length, Z / length)).exp()


@kernel_of.register
def _(kernel: kernels.Matern, X: Tensor, Z: Tensor) -> Tensor:
    length = X.new_tensor(np.asarray(kernel.length_scale))
    squares = squared_distances(X / length, Z / length)
    if kernel.nu == np.inf:
        return (-0.5 * squares).exp()
    if kernel.nu == 0.5:
        return (-squares.sqrt()).exp()
    if kernel.nu == 1.5:
        K = (3.0 * squares).sqrt()
        return (1.0 + K) * (-K).exp()
    if kernel.nu == 2.5:
        K = (5.0 * squares).sqrt()
        return (1.0 + K + K * K / 3.0) * (-K).exp()
    raise ValueError(f"The kernel {kernel!r} cannot be exported; these can: {NAMES}.")


@kernel_of.register
def _(kernel: kernels.RationalQuadratic, X: Tensor, Z: Tensor) -> Tensor:
    alpha, length = float(kernel.alpha), float(kernel.length_scale)
    return (1.0 + squared_distances(X, Z) / (2.0 * alpha * length**2)) ** -alpha


@kernel_of.register
def _(kernel: kernels.ExpSineSquared, X: Tensor, Z: Tensor) -> Tensor:
    angle = np.pi / float(kernel.periodicity) * squared_distances(X, Z).sqrt()
    return (-2.0 * (angle.sin() / float(kernel.length_scale)) ** 2).exp()


class GaussianProcess(Linked):
    """The mean: K w B + m, in the units of standardised labels."""

    def __init__(self, estimator: GaussianProcessModel) -> None:
        super().__init__(estimator._task_set)
        self.known, posterior = estimator._known, estimator._posterior
        self.found = posterior is not None
        if not self.found:
            return
        self.scaling: Any = None
        if estimator.feature_scaling is not None:
            self.scaling = FeatureScalingModule(estimator._scaling)
        self.kernel = estimator.kernel_
        self.register_buffer("rows", dense(estimator.X_fit_))
        weights, means = posterior.weights @ estimator._B, np.ravel(posterior.means)
        if self.tasks.is_long:
            # Of an unknown task, in the last place, the mean of all.
            weights = np.column_stack([weights, weights.mean(axis=1)])
            means = np.append(means, means.mean())
        self.register_buffer("weights", buffer(weights))
        self.register_buffer("means", buffer(means))

    def raw(self, X: Tensor, index: Tensor | None) -> Tensor:
        n_tasks = self.tasks.n_tasks
        zero = X.new_zeros((X.shape[0], 1))
        if not self.found:
            return zero if index is not None else zero.expand(-1, self.tasks.n_outputs)
        X = X if self.scaling is None else self.scaling(X)
        of_tasks = kernel_of(self.kernel, X, self.rows) @ self.weights + self.means
        place = np.full(n_tasks + (index is not None), len(self.known))
        place[self.known] = np.arange(len(self.known))
        if index is None:
            return torch.cat([of_tasks, zero], 1)[:, place.tolist()]
        return of_tasks.gather(1, table(place, index)[row_of(index, n_tasks)][:, None])


make_predictor.register(GaussianProcessModel, GaussianProcess)
