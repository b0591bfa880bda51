"""Models side by side that train on rows of their own, and are judged on the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl.neural._data import Batch, Rows
from skmtl.neural.architectures import MultiTaskModule

Array = NDArray[Any]

CHUNK = 2**22
"""Numbers in a layer of all models, when they are judged."""


class ModelRows:
    r"""The training rows of each model.

    An epoch has as many steps as the model with the most rows takes, which learns as it would
    alone; the others begin another pass. A label of task t counts, in model k,

    .. math:: s_{ti} \, n_k \Big/ \sum_{j \in \text{rows of } k} s_{tj}

    Parameters
    ----------
    rows : Rows
        The rows of all models.
    index : sequence of ndarray of int
        Those of each model.
    """

    def __init__(self, rows: Rows, index: Sequence[Array]) -> None:
        self.rows, self.index = rows, index
        self.n_rows = max(map(len, index))
        self.values = rows.values
        self.all_rows_count = rows.all_rows_count
        self.factor = None if rows.all_alike else self._factor()

    def _factor(self) -> Tensor:
        """What makes the weights of each model (n_models, n_tasks) have mean 1."""
        weights = self.rows.weights.cpu().numpy().astype(np.float64)
        n_tasks = len(self.rows.task_has_label)
        if self.rows.task_index is None:
            totals = np.array([weights[some].sum(axis=0) for some in self.index])
        else:
            task = self.rows.task_index.cpu().numpy()
            totals = np.array(
                [np.bincount(task[some], weights[some], n_tasks) for some in self.index]
            )
        sizes = np.array([[len(some)] for some in self.index])
        found = np.divide(sizes, totals, out=np.zeros_like(totals), where=totals > 0)
        return self.rows.values.new_tensor(found)

    def epoch(self, rngs: list[np.random.Generator], size: int) -> Iterator[Batch]:
        """Shuffled batches, in an order of its own for each model."""
        # Models with the same generator, as an object, have the same rows and order.
        drawn: dict[int, Array] = {}
        for rng, some in zip(rngs, self.index, strict=True):
            if id(rng) not in drawn:
                drawn[id(rng)] = self._order(rng, some, size)
        order = np.stack([drawn[id(rng)] for rng in rngs])
        for batch in self.rows.batches(torch.from_numpy(order).to(self.rows.device), size):
            yield batch if self.factor is None else replace(batch, weights=self._weights(batch))

    def _order(self, rng: np.random.Generator, some: Array, size: int) -> Array:
        """Rows of an epoch of one model; where they are a single batch, as they are."""
        passes = [some if size >= self.n_rows else some[rng.permutation(len(some))]]
        while (n_missing := self.n_rows - sum(map(len, passes))) > 0:
            passes.append(some[rng.permutation(len(some))[:n_missing]])
        return np.concatenate(passes)

    def _weights(self, batch: Batch) -> Tensor:
        assert self.factor is not None
        if batch.task_index is None:
            return batch.weights * self.factor.unsqueeze(1)
        return batch.weights * self.factor.gather(1, batch.task_index)


class HeldOut:
    """Rows that models have not seen in training.

    Parameters
    ----------
    rows : Rows
        The rows of all models.
    index : sequence of ndarray of int
        Those that each model is judged on; none for a model that is not judged.
    place : sequence of int
        Which of several predictions of a row that of each model belongs to: folds of the same
        settings have the same place.
    """

    def __init__(self, rows: Rows, index: Sequence[Array], place: Sequence[int]) -> None:
        self.rows, self.index = rows, index
        self.place, self.n_places = place, max(place) + 1
        # How many models judge a row: they are averaged.
        self.counts = np.zeros((self.n_places, rows.n_rows, 1))
        for some, one in zip(index, place, strict=True):
            self.counts[one, some] += 1
        longest = max(map(len, index))
        self.padded = np.zeros((len(index), longest), dtype=np.int64)
        for line, some in zip(self.padded, index, strict=True):
            line[: len(some)] = some

    def raw_scores(self, module: MultiTaskModule) -> Array:
        """Raw scores (n_places, n, n_outputs) of the rows held out, NaN for others.

        In long form those of the row's task.
        """
        module.eval()
        parts = []
        width = max(self.rows.width, *(p.shape[-1] for p in module.parameters()))
        width *= len(self.index)
        index = torch.from_numpy(self.padded).to(self.rows.device)
        with torch.no_grad():
            for some in index.split(max(1, CHUNK // width), dim=1):
                batch = self.rows.batch(some)
                parts.append(module(batch.X, batch.task_index).cpu().numpy())
        raw = np.concatenate(parts, axis=1)
        total = np.zeros((*self.counts.shape[:2], raw.shape[-1]))
        for of_model, some, one in zip(raw, self.index, self.place, strict=True):
            np.add.at(total[one], some, of_model[: len(some)])
        with np.errstate(invalid="ignore"):
            return total / np.where(self.counts, self.counts, np.nan)
