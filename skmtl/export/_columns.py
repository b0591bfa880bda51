"""Columns of X as a graph reads them: numbers, categories, and the task feature."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from skmtl._shown import shown
from skmtl.export._module import Module
from skmtl.export._predictor import buffer
from skmtl.tasks._base import Array

INPUT = "X"
"""The name of X in a graph."""


def task_position(estimator: Any) -> int | None:
    """Where the task feature is among the columns of X."""
    feature = estimator.task_feature
    if feature is None:
        return None
    if isinstance(feature, str):
        return int(estimator.feature_names_in_.tolist().index(feature))
    return int(feature) % int(estimator.n_features_in_)


def are_numbers(values: Any) -> bool:
    """Whether categories, or names of tasks, are numbers."""
    values = np.asarray(values)
    return values.dtype.kind in "biuf" or all(isinstance(v, Number) for v in values.tolist())


class Columns(Module):
    """From X (n, n_features_in_) to features, and to the position of the task in long form.

    Attributes
    ----------
    task_column : int or None
        Where the task feature is.
    text : dict of list
        For every column of text its values, in the order of their positions.
    input_names : list of str
        X, or the names of its columns where some are text, which no tensor of numbers holds.
    """

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.estimator = estimator
        self.task_column = task_position(estimator)
        self.n_columns = int(getattr(estimator, "n_features_in_", 0))
        self.others = [j for j in range(self.n_columns) if j != self.task_column]
        known = vars(estimator).get("_categories", {})
        values = {self.others[k]: of_column for k, of_column in known.items()}
        if self.task_column is not None:
            values[self.task_column] = estimator._task_set.names
        self.coded = sorted(values)
        self.text = {j: values[j].tolist() for j in self.coded if not are_numbers(values[j])}
        for j in self.coded:
            known = None if j in self.text else buffer(values[j].astype(np.float64))
            self.register_buffer(f"values_{j}", known)
        names = getattr(estimator, "feature_names_in_", range(self.n_columns))
        self.input_names = [str(name) for name in names] if self.text else [INPUT]
        # Tells the dtype where there is nothing else.
        self.register_buffer("one", torch.ones(1))

    @property
    def dtype(self) -> torch.dtype:
        """Of X."""
        return self.one.dtype

    def read(self, X: Any) -> Array:
        """X as the graph reads it."""
        read, index = self.estimator._read_new(X)
        if not self.text:
            X = X.toarray() if sparse.issparse(X) else X
            return np.asarray(X, dtype=np.float64)
        numbers = np.asarray(read.toarray() if sparse.issparse(read) else read, dtype=np.float64)
        found = np.empty((len(numbers), self.n_columns))
        found[:, self.others] = numbers
        if index is not None:
            found[:, self.task_column] = index
        for j in self.coded:
            if j not in self.text:
                # What was read is the position already.
                values = getattr(self, f"values_{j}").double().cpu().numpy()
                position = found[:, j]
                known = np.where(np.isnan(position), -1, position).astype(int)
                found[:, j] = np.append(values, np.nan)[known]
        return found

    def forward(self, X: Tensor) -> tuple[Tensor, Tensor | None]:
        if not self.coded:
            return X, None
        columns = list(X.unbind(1))
        for j in self.coded:
            columns[j] = self._position(j, columns[j])
        index = None if self.task_column is None else columns[self.task_column].long()
        features = [columns[j] for j in self.others]
        for place, j in enumerate(self.others):
            if j in self.coded:
                features[place] = columns[j].masked_fill(columns[j] < 0, float("nan"))
        return torch.stack(features, 1), index

    def _position(self, j: int, column: Tensor) -> Tensor:
        """Position of each value; -1 where it is missing or unknown."""
        if j in self.text:
            return column.masked_fill(column.isnan(), -1.0)
        same = (column[:, None] == getattr(self, f"values_{j}")).to(column.dtype)
        position = same.argmax(-1).to(column.dtype)
        return position.masked_fill(same.sum(-1) == 0, -1.0)

    def check_apart(self) -> None:
        """Raise where values are no longer different in the dtype."""
        for j in self.coded:
            values = getattr(self, f"values_{j}")
            if values is not None and len(values.unique()) < len(values):
                raise ValueError(
                    f"Column {j} of X has values that are the same in {self.dtype}: "
                    f"{shown(sorted(values.tolist()), 5)}. Export in double precision."
                )
