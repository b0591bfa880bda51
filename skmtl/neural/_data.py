"""Training rows as tensors, and batches of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse
from torch import Tensor


@dataclass(frozen=True)
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

    def repeat(self, times):
        """The labels so many times, one copy of all rows after the other."""
        if times == 1:
            return self
        parts = {name: getattr(self, name) for name in ("values", "weights", "task_index")}
        copies = {
            name: part if part is None else torch.cat([part] * times, dim=1)
            for name, part in parts.items()
        }
        return replace(self, **copies)


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

    def __init__(self, X, values, weights, task_index, n_tasks, device):
        dtype = X.dtype
        self.device = device
        self.n_rows = X.shape[0]
        self.is_sparse = sparse.issparse(X)
        self.X = X.tocsr() if self.is_sparse else _tensor(X, device)
        shape = (self.n_rows,) if task_index is not None else (self.n_rows, -1)
        labels = np.stack([values.reshape(shape), weights.reshape(shape)], axis=1)
        self.labels = _tensor(labels.astype(dtype), device)
        self.task_index = None if task_index is None else _tensor(task_index, device)
        self.all_observed = bool((weights > 0).all())
        # They are normalised by a division and a product: 1 but for rounding.
        self.all_alike = bool((np.abs(weights - 1.0) < 1e-12).all())
        observed = (weights > 0).reshape(self.n_rows, -1)
        self.all_rows_count = bool(observed.any(axis=1).all())
        if task_index is None:
            self.task_has_label = observed.any(axis=0)
        else:
            self.task_has_label = np.bincount(task_index, observed[:, 0], n_tasks) > 0

    def batch(self, index):
        """Rows ``index`` (n_models, n): one line for each model."""
        shape, flat = index.shape, index.reshape(-1)
        if self.is_sparse:
            X = _tensor(self.X[flat.cpu().numpy()].toarray(), self.device)
        else:
            X = self.X.index_select(0, flat)
        labels = self.labels.index_select(0, flat)
        labels = labels.view(*shape, *labels.shape[1:])
        task_index = self.task_index
        if task_index is not None:
            task_index = task_index.index_select(0, flat).view(shape)
        values, weights = labels[:, :, 0], labels[:, :, 1]
        flags = self.all_observed, self.all_alike
        return Batch(X.view(*shape, -1), values, weights, task_index, *flags)

    def all(self, n_models=1):
        """Every row in its order, the same for each model; without a copy."""
        X = _tensor(self.X.toarray(), self.device) if self.is_sparse else self.X
        parts = [X, self.labels[:, 0], self.labels[:, 1], self.task_index]
        parts = [part if part is None else part.expand(n_models, *part.shape) for part in parts]
        return Batch(*parts, self.all_observed, self.all_alike)


def _tensor(array, device):
    # A copy where the array is read-only: torch would warn, and could write to it.
    array = np.ascontiguousarray(array)
    if not array.flags.writeable:
        array = array.copy()
    return torch.from_numpy(array).to(device)
