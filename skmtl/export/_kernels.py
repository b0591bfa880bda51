"""Kernel ridge regression: kernels with the rows of the fit, and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from skmtl.export._blend import Blend
from skmtl.export._distances import l1_distances, products, squared_distances
from skmtl.export._module import Module
from skmtl.export._predictor import (
    Linked,
    Predictor,
    buffer,
    linked,
    make_predictor,
    row_of,
    table,
)
from skmtl.kernel._blend_model import KernelBlendModel
from skmtl.kernel._feature_scaling import LARGEST, FeatureScaling
from skmtl.kernel._kernel_ridge_model import KernelRidgeModel
from skmtl.kernel._pairs import METRICS, Candidate
from skmtl.kernel._row_kernel import RowKernel

NAMED = ("rbf", "laplacian", "linear", "poly", "polynomial", "sigmoid", "cosine")


def dense(X: Any) -> Tensor:
    """Rows as a tensor of their own."""
    return buffer(np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64))


class RowKernelModule(Module):
    """A named kernel with the rows of the fit."""

    def __init__(self, row_kernel: RowKernel, rows: Any) -> None:
        super().__init__()
        if row_kernel.kernel not in NAMED:
            raise ValueError(
                f"kernel={row_kernel.kernel!r} cannot be exported; these can: {', '.join(NAMED)}."
            )
        self.kernel = row_kernel.kernel
        self.gamma: Any
        self.gamma, self.degree, self.coef0 = (
            row_kernel.parameters.get(name) for name in ("gamma", "degree", "coef0")
        )
        rows = dense(rows)
        if self.gamma is None:
            self.gamma = 1.0 / rows.shape[1]
        shift = row_kernel.shift
        self.register_buffer("shift", None if shift is None else buffer(shift))
        self.register_buffer("rows", rows if shift is None else rows - self.shift)

    def forward(self, X: Tensor) -> Tensor:
        """Kernel (n, n_rows)."""
        X, Z = X if self.shift is None else X - self.shift, self.rows
        if self.kernel == "rbf":
            return (-self.gamma * squared_distances(X, Z)).exp()
        if self.kernel == "laplacian":
            return (-self.gamma * l1_distances(X, Z)).exp()
        if self.kernel == "cosine":
            return products(_unit(X), _unit(Z))
        if self.kernel == "linear":
            return products(X, Z)
        inner = self.gamma * products(X, Z) + (1.0 if self.coef0 is None else self.coef0)
        if self.kernel == "sigmoid":
            return inner.tanh()
        degree = 3.0 if self.degree is None else float(self.degree)
        return inner ** (int(degree) if degree.is_integer() else degree)


def _unit(X: Tensor) -> Tensor:
    length = (X * X).sum(-1, keepdim=True).sqrt()
    return X / length.where(length > 0, torch.ones_like(length))


class KernelRidge(Linked):
    """`skmtl.kernel._raw_scores`; of a kernel that is given, X has its columns."""

    def __init__(self, estimator: KernelRidgeModel) -> None:
        super().__init__(estimator._task_set)
        self.used, self.kernel = None, None
        if estimator.kernel == "precomputed":
            self.used = estimator._used_rows.tolist()
        else:
            self.kernel = RowKernelModule(estimator._row_kernel, estimator.X_fit_)
        B, b, duals = estimator.task_kernel_, estimator.intercept_, estimator.dual_coef_
        if self.tasks.is_long:
            known = self.tasks.n_labels > 0
            B = np.vstack([B, B[known].mean(axis=0)])
            b = np.append(b, b[known].mean())
            weights = B[:, estimator._task_of_row] * duals
        else:
            weights = duals.reshape(len(duals), -1) @ B
        self.register_buffer("weights", buffer(weights))
        self.register_buffer("intercept", buffer(b))

    def raw(self, X: Tensor, index: Tensor | None) -> Tensor:
        K = X[:, self.used] if self.kernel is None else self.kernel(X)
        if index is None:
            return K @ self.weights + self.intercept
        row = row_of(index, self.tasks.n_tasks)
        return ((K * self.weights[row]).sum(-1) + self.intercept[row])[:, None]


class FeatureScalingModule(Module):
    """`FeatureScaling`, of dense features."""

    def __init__(self, scaling: FeatureScaling) -> None:
        super().__init__()
        self.register_buffer("shift", buffer(scaling.shift))
        self.register_buffer("factor", buffer(scaling.factor))

    def forward(self, X: Tensor) -> Tensor:
        most = min(LARGEST, torch.finfo(X.dtype).max ** 0.5 / 10.0)
        return ((X - self.shift) * self.factor).clamp(-most, most)


class KernelBlendModule(Predictor):
    """Kernels whose responses have links, blended."""

    def __init__(self, estimator: KernelBlendModel) -> None:
        super().__init__(estimator._task_set)
        blend: Any = estimator._blend
        self.known = estimator._known
        self.found = blend is not None
        if not self.found:
            return
        self.plan, functions = blend.plan, blend.functions
        self.scaling = FeatureScalingModule(blend.scaling)
        self.space = functions.space
        self.register_buffer("anchors", dense(functions.anchors.X))
        self.register_buffer("rest", buffer(self.space.rest))
        self.anchor_tasks = functions.anchors.task_index
        self.candidates = [function.candidate for function in functions.functions]
        self.links = blend.links
        for k, function in enumerate(functions.functions):
            self.register_buffer(f"coef_{k}", buffer(function.coef))
            self.register_buffer(f"intercept_{k}", buffer(function.intercept))
        self.blend = Blend(self.plan.tasks, blend.weights)
        # Tasks without labels are in no kernel; the last position is that of unknown ones.
        self.position = np.full(self.tasks.n_tasks + 1, -1)
        self.position[self.known] = np.arange(len(self.known))

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        zeros = X.new_zeros((X.shape[0], self.tasks.n_outputs))
        silent = linked(self.tasks, zeros, index)
        if not self.found:
            return silent
        if index is None:
            known = dict(zip(self.known.tolist(), self._blended(X, None), strict=True))
            return [known.get(t, of_task) for t, of_task in enumerate(silent)]
        position = table(self.position, index)[row_of(index, self.tasks.n_tasks)]
        (found,) = self._blended(X, position)
        is_silent = (index >= 0) & (position < 0)
        is_silent = is_silent.reshape(-1, *[1] * (found.dim() - 1))
        return [torch.where(is_silent, silent[0], found)]

    def _blended(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        pairs, said = Pairs(self, self.scaling(X), index), []
        for k, (candidate, links) in enumerate(zip(self.candidates, self.links, strict=True)):
            K = pairs.kernel(candidate)
            responses = K @ getattr(self, f"coef_{k}") + getattr(self, f"intercept_{k}")
            said.append(self._of_responses(responses, links, index))
        return self.blend(said, None, index)

    def _of_responses(self, responses: Tensor, links: Any, index: Tensor | None) -> list[Tensor]:
        """`ResponsePlan.expected`."""
        raw = []
        for link, outputs in zip(links, self.plan.outputs, strict=True):
            matrix = responses.new_tensor(link.slope * link.inverse_curvature)
            raw.append(responses[:, outputs] @ matrix + responses.new_tensor(link.offset))
            if len(link.shape):
                shape = responses.new_tensor(link.shape)
                raw.append(shape.expand(responses.shape[0], len(link.shape)))
        return linked(self.plan.tasks, torch.cat(raw, 1), index)


class Pairs:
    """`skmtl.kernel._pairs.Pairs` of new rows with the anchors."""

    def __init__(self, model: Any, X: Tensor, index: Tensor | None) -> None:
        self.model, self.X, self.index = model, X, index
        self.known: dict[str, Tensor] = {}

    def kernel(self, candidate: Candidate) -> Tensor:
        """Kernel of all pairs."""
        K = self._of_rows(candidate)
        if self.index is None:
            return K
        rho, offset = candidate.similarity, candidate.task_offset
        same = self._same_task(self.index)
        if rho < 1.0:
            K = K * (rho + (1.0 - rho) * same)
        return K + offset * same if offset else K

    def _of_rows(self, candidate: Candidate) -> Tensor:
        if candidate.kernel == "linear":
            return self._linear()
        scaled = self._distance(METRICS[candidate.kernel]) / candidate.length
        if candidate.kernel == "rbf":
            scaled = 0.5 * scaled * scaled
        K = (-scaled).exp()
        return K + candidate.linear_share * self._linear() if candidate.linear_share else K

    def _distance(self, metric: str) -> Tensor:
        if metric not in self.known:
            X, Z = self.X, self.model.anchors
            is_l1 = metric == "l1"
            self.known[metric] = l1_distances(X, Z) if is_l1 else squared_distances(X, Z).sqrt()
        return self.known[metric]

    def _linear(self) -> Tensor:
        centred, anchors = self.X - self.model.rest, self.model.anchors - self.model.rest
        return products(centred, anchors) / self.model.space.spread

    def _same_task(self, index: Tensor) -> Tensor:
        theirs = table(self.model.anchor_tasks, index)
        same = (index[:, None] == theirs).to(self.X.dtype)
        return same.masked_fill((index < 0)[:, None], 1.0 / self.model.space.n_tasks)


make_predictor.register(KernelRidgeModel, KernelRidge)
make_predictor.register(KernelBlendModel, KernelBlendModule)
