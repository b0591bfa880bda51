"""Training rows as tensors, and batches of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

Array = NDArray[Any]

TOGETHER = 2**18
"""Bytes of rows that are picked in one go: a quarter of what a core's cache usually holds."""


@dataclass(slots=True)
class Batch:
    """Rows for each of n_models networks; ``weights`` are 0 where a label is unobserved.

    ``all_alike``: they are all 1.
    """

    X: Tensor
    values: Tensor
    weights: Tensor
    task_index: Tensor | None
    all_observed: bool = False
    all_alike: bool = False

    def between(self, start: int, stop: int) -> Batch:
        """Some of the rows, without a copy."""
        return self._with(lambda tensor: tensor[:, start:stop], self.X[:, start:stop])

    def repeat(self, times: int) -> Batch:
        """The labels so many times, one copy of all rows after the other."""
        if times == 1:
            return self
        return self._with(lambda tensor: torch.cat([tensor] * times, dim=1), self.X)

    def for_models(self, n_models: int) -> Batch:
        """The rows of one model for so many, without a copy."""

        def repeated(tensor: Tensor) -> Tensor:
            return tensor.expand(n_models, *tensor.shape[1:])

        return self._with(repeated, repeated(self.X))

    def _with(self, change: Callable[[Tensor], Tensor], X: Tensor) -> Batch:
        """A batch whose labels are changed alike."""
        index = None if self.task_index is None else change(self.task_index)
        labels = change(self.values), change(self.weights), index
        return Batch(X, *labels, self.all_observed, self.all_alike)


class Rows:
    """All rows of a fit in memory, from which batches are picked by index.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, n_features)
        Features.
    values, weights : ndarray of shape (n, n_tasks), or (n,) for 1-D and long y
        Encoded labels and what each counts in the mean over all rows, 0 where unobserved.
    task_index : ndarray of shape (n,) or None
        Long form: the task of each row.
    n_tasks : int
        Number of tasks.
    device : torch.device
        Where the tensors live. Sparse rows stay behind and are made dense batch by batch.
    """

    def __init__(
        self,
        X: Any,
        values: Array,
        weights: Array,
        task_index: Array | None,
        n_tasks: int,
        device: torch.device,
    ) -> None:
        dtype = X.dtype
        self.device = device
        self.n_rows = X.shape[0]
        self.is_sparse = sparse.issparse(X)
        self.X: Any = X.tocsr() if self.is_sparse else self._hold(X)
        shape = (self.n_rows,) if task_index is not None else (self.n_rows, -1)
        self.values = _tensor(values.reshape(shape).astype(dtype), device)
        self.task_index = None if task_index is None else _tensor(task_index, device)
        lowest, highest = weights.min(), weights.max()
        self.all_observed = bool(lowest > 0)
        # They are normalised by a division and a product: 1 but for rounding.
        self.all_alike = bool(1.0 - lowest < 1e-12 and highest - 1.0 < 1e-12)
        # Then one number stands for as many as there are labels.
        self.weights = self.values.new_ones(()).expand(self.values.shape)
        if not self.all_alike:
            self.weights = _tensor(weights.reshape(shape).astype(dtype), device)
        self.width = math.prod(X.shape[1:])
        self.row_bytes = dtype.itemsize * (self.width + 2 * self.values[0].numel())
        self.all_rows_count = True
        self.task_has_label: Array = np.ones(n_tasks, dtype=bool)
        if not self.all_observed or task_index is not None:
            self._find_labels(weights > 0, n_tasks)

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """All rows of several sets, not in long form, one after the other."""
        first, *others = parts
        if not others:
            return first
        found = copy(first)
        found.n_rows = sum(part.n_rows for part in parts)
        join = sparse.vstack if first.is_sparse else torch.cat
        found.X = join([part.X for part in parts])
        found.values = torch.cat([part.values for part in parts])
        found.all_observed = all(part.all_observed for part in parts)
        found.all_alike = all(part.all_alike for part in parts)
        found.all_rows_count = all(part.all_rows_count for part in parts)
        found.task_has_label = np.any([part.task_has_label for part in parts], axis=0)
        found.weights = found.values.new_ones(()).expand(found.values.shape)
        if not found.all_alike:
            found.weights = torch.cat([part.weights for part in parts])
        return found

    def _hold(self, X: Any) -> Any:
        """Dense features, where they stay during the fit."""
        return _tensor(X, self.device)

    def _find_labels(self, observed: Array, n_tasks: int) -> None:
        """Whether every row has a label, and which tasks have one."""
        observed = observed.reshape(self.n_rows, -1)
        self.all_rows_count = bool(observed.any(axis=1).all())
        self.task_has_label = np.any(observed, axis=0, keepdims=False)
        if self.task_index is not None:
            counts = np.bincount(self.task_index.cpu(), observed[:, 0], n_tasks)
            self.task_has_label = np.asarray(counts > 0)

    def epoch(self, rngs: list[np.random.Generator], size: int) -> Iterator[Batch]:
        """Shuffled batches of all rows, in an order of its own for each model.

        Models with the same generator, as an object, have the same order.
        """
        if size >= self.n_rows:
            yield self.all(len(rngs))
            return
        first, *others = rngs
        order = [first.permutation(self.n_rows)]
        if any(rng is not first for rng in others):
            order += [rng.permutation(self.n_rows) for rng in others]
        for batch in self.batches(torch.from_numpy(np.stack(order)).to(self.device), size):
            yield batch if len(order) == len(rngs) else batch.for_models(len(rngs))

    def batches(self, order: Tensor, size: int) -> Iterator[Batch]:
        """Rows in the given order (n_models, n), so many at a time.

        Some of them are picked together, for each time costs as much as a step of a small network.
        """
        n_rows = order.shape[1]
        together = size * max(1, TOGETHER // (size * self.row_bytes))
        for first in range(0, n_rows, together):
            picked = self.batch(order[:, first : first + together])
            n_picked = picked.X.shape[1]
            for start in range(0, n_picked, size):
                yield picked if size >= n_picked else picked.between(start, start + size)

    def batch(self, index: Tensor) -> Batch:
        """Rows ``index`` (n_models, n): one line for each model."""
        X, values = self._features(index), _pick(self.values, index)
        weights = self.weights[:1].expand_as(values)
        if not self.all_alike:
            weights = _pick(self.weights, index)
        task_index = None if self.task_index is None else _pick(self.task_index, index)
        return Batch(X, values, weights, task_index, self.all_observed, self.all_alike)

    def _features(self, index: Tensor) -> Tensor:
        if not self.is_sparse:
            return _pick(self.X, index)
        X = _tensor(self.X[index.reshape(-1).cpu().numpy()].toarray(), self.device)
        return X.view(*index.shape, -1)

    def in_order(self, n_models: int, size: int, index: Array | None = None) -> Iterator[Batch]:
        """All rows, or some, so many at a time, the same for each model."""
        picked = torch.arange(self.n_rows) if index is None else torch.from_numpy(index)
        for some in picked.to(self.device).split(size):
            yield self.batch(some.expand(n_models, -1))

    def all(self, n_models: int = 1) -> Batch:
        """Every row in its order, the same for each model; without a copy."""
        X = _tensor(self.X.toarray(), self.device) if self.is_sparse else self.X
        return self._repeated(X, n_models)

    def labels(self, n_models: int = 1) -> Batch:
        """The labels of `all`, for whoever does not look at the features: these are not there."""
        return self._repeated(self.values.reshape(self.n_rows, -1)[:, :0], n_models)

    def _repeated(self, X: Tensor, n_models: int) -> Batch:
        def repeated(tensor: Tensor) -> Tensor:
            return tensor.expand(n_models, *tensor.shape)

        index = None if self.task_index is None else repeated(self.task_index)
        tensors = repeated(X), repeated(self.values), repeated(self.weights), index
        return Batch(*tensors, self.all_observed, self.all_alike)


def _pick(rows: Tensor, index: Tensor) -> Tensor:
    if rows.is_cpu:
        # Twice as fast as torch.
        return torch.from_numpy(rows.numpy().take(index.numpy(), axis=0))
    return rows.index_select(0, index.reshape(-1)).view(*index.shape, *rows.shape[1:])


def _tensor(array: Any, device: torch.device) -> Tensor:
    # A copy where the array is read-only: torch would warn, and could write to it.
    array = np.ascontiguousarray(array)
    if not array.flags.writeable:
        array = array.copy()
    return torch.from_numpy(array).to(device)
