"""What squared loss, and strengths that choose themselves, need of rows that come in chunks."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._label_counts import LabelCounts
from skmtl.linear.objective._merged_statistics import (
    MergedStatistics,
    block_statistics,
    groups_of,
)
from skmtl.linear.objective._row_patterns import RowPatterns
from skmtl.linear.objective._statistics import MAX_GRAM_BYTES, Statistics
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

FAINTEST = 1e-100
"""Total weight of a task below which forgetting stops: what it knew stays until it is told more."""


@dataclass(eq=False)
class StreamStatistics(MergedStatistics):
    """Statistics of labels with the weights that they were given.

    Beside the fields of `MergedStatistics`: ``counts`` of the labels, ``patterns`` of rows (None in
    long form, and where there are too many), and ``is_long``. Counts and patterns stay as they are
    where tasks are `weighted`.
    """

    counts: LabelCounts
    patterns: RowPatterns | None
    is_long: bool

    @classmethod
    def of(cls, X: Any, targets: Targets, *, are_repeated: bool = True) -> Self:
        """Those of one chunk; ``are_repeated``: whole weights may stand for repeated rows."""
        X = X.astype(np.float64, copy=False)
        found = (_long if targets.task_index is not None else _wide)(X, targets)
        if not are_repeated:
            counts = found["counts"]
            found["counts"] = replace(counts, unit=np.where(counts.total > 0, np.nan, 0.0))
        return cls(**found)

    def plus(self, other: Self) -> Self:
        """Statistics of the rows of both."""
        patterns = None
        if self.patterns is not None and other.patterns is not None:
            patterns = self.patterns.plus(other.patterns)
        merged = super().plus(other)
        check_memory(merged.gram.shape)
        return replace(merged, counts=self.counts.plus(other.counts), patterns=patterns)

    def faded(self, factor: float) -> Self:
        """With all weights times a factor up to 1, as far as this leaves something of a task."""
        if factor == 1.0:
            return self
        factors = at_least(factor, self.omega)
        patterns = self.patterns
        if patterns is not None:
            patterns = patterns.times(float(at_least(factor, patterns.total).max(initial=factor)))
        faded = self.weighted(factors)
        return replace(faded, counts=self.counts.times(factors), patterns=patterns)

    def select(self, tasks: Any) -> Self:
        """Some of the tasks."""
        patterns = None if self.patterns is None else self.patterns.take(tasks)
        counts = self.counts.take(tasks)
        return replace(super().select(tasks), counts=counts, patterns=patterns)

    def spread(self, places: Array, n_tasks: int) -> Self:
        """Long form: the same among more tasks, each at its place."""
        if n_tasks == len(self.gram):
            return self
        columns, p = self._columns(places), self.n_features
        n_columns = n_tasks * len(columns) // len(places)
        shapes = {"gram": (n_tasks, p, p), "x_mean": (n_tasks, p), "cross": (p, n_columns)}
        check_memory(shapes["gram"])
        found: dict[str, Any] = {"group": np.repeat(np.arange(n_tasks), n_columns // n_tasks)}
        for name in ("gram", "x_mean", "cross", "squares", "y_mean", "omega", "n_labels"):
            before = getattr(self, name)
            after = np.zeros(shapes.get(name, (n_columns,)), dtype=before.dtype)
            at = places if name in ("gram", "x_mean") else (..., columns)
            after[at] = before
            found[name] = after
        counts = LabelCounts.none(n_columns)
        for field in fields(counts):
            values = getattr(counts, field.name).copy()
            values[columns] = getattr(self.counts, field.name)
            counts = replace(counts, **{field.name: values})
        return replace(self, **found, counts=counts)

    def _columns(self, places: Array) -> Array:
        """Those of tasks at these places, of which each has several next to each other."""
        n = len(self.omega) // len(self.gram)
        return np.asarray(places[:, None] * n + np.arange(n)).ravel()

    def standardised(self, location: Array, scale: Array) -> Self:
        """Of labels less ``location`` (n_tasks,), over ``scale``."""
        patterns = self.patterns
        if patterns is not None:
            mean = np.where(patterns.shapes > 0, (patterns.mean - location) / scale, 0.0)
            patterns = replace(
                patterns, mean=mean, squares=patterns.squares / np.outer(scale, scale)
            )
        return replace(
            self,
            cross=self.cross / scale,
            squares=self.squares / scale**2,
            y_mean=np.where(self.omega > 0, (self.y_mean - location) / scale, 0.0),
            patterns=patterns,
        )

    @property
    def largest(self) -> float:
        """About the size of a product of X and y: root mean squares."""
        omega = np.where(self.omega > 0, self.omega, 1.0)
        x = (
            np.einsum("gjj->gj", self.gram)[self.group] / omega[:, None]
            + self.x_mean[self.group] ** 2
        )
        y = self.squares / omega + self.y_mean**2
        return float(np.sqrt(x.max(initial=0.0)) * np.sqrt(y.max(initial=0.0)))


def at_least(factor: float, total: Array) -> Array:
    """The factor, or what leaves `FAINTEST` of a total; 1 at most."""
    least = np.divide(FAINTEST, total, out=np.zeros_like(total), where=total > 0)
    return np.minimum(np.maximum(factor, least), 1.0)


def _wide(X: Any, targets: Targets) -> dict[str, Any]:
    n_samples, n_tasks = len(targets.values), targets.tasks.n_tasks
    values, weights = (a.reshape(n_samples, n_tasks) for a in (targets.values, targets.weights))
    rows = np.flatnonzero(weights.any(axis=1))
    if len(rows) < n_samples:
        X, values, weights = X[rows], values[rows], weights[rows]
    group = groups_of(weights)
    check_memory((int(group.max()) + 1, X.shape[1], X.shape[1]))
    found = vars_of(block_statistics(X, values, weights, group))
    counts = LabelCounts.of(weights, None, n_tasks)
    return found | {
        "counts": counts,
        "patterns": RowPatterns.of(values, weights),
        "is_long": False,
    }


def _long(X: Any, targets: Targets) -> dict[str, Any]:
    """Of the tasks that have rows here, among all."""
    n_tasks, index = targets.tasks.n_tasks, targets.task_index
    assert index is not None
    check_memory((n_tasks, X.shape[1], X.shape[1]))
    counts = LabelCounts.of(targets.weights, index, n_tasks)
    rows = np.flatnonzero(targets.weights > 0)
    n_labels = np.bincount(index[rows], minlength=n_tasks)
    present = replace(targets, tasks=replace(targets.tasks, n_labels=n_labels)).take(rows)
    present = present.without_empty_tasks()
    p, places = X.shape[1], np.flatnonzero(n_labels)
    found = {
        "gram": np.zeros((n_tasks, p, p)),
        "x_mean": np.zeros((n_tasks, p)),
        "cross": np.zeros((p, n_tasks)),
        **{name: np.zeros(n_tasks) for name in ("squares", "y_mean", "omega")},
        "group": np.arange(n_tasks),
    }
    if len(rows):
        some = Statistics(X[rows], present, present.weights, centred=True)
        for name in ("gram", "x_mean", "squares", "y_mean", "omega"):
            found[name][places] = getattr(some, name)
        found["cross"][:, places] = some.cross
    return found | {
        "n_labels": n_labels,
        "n_rows": len(rows),
        "counts": counts,
        "patterns": None,
        "is_long": True,
    }


def vars_of(statistics: MergedStatistics) -> dict[str, Any]:
    """Its fields."""
    return {field.name: getattr(statistics, field.name) for field in fields(statistics)}


def check_memory(shape: tuple[int, ...]) -> None:
    """Raise where Gram matrices of this shape take too much memory."""
    n_bytes = 8 * float(np.prod(shape))
    if n_bytes > MAX_GRAM_BYTES:
        raise ValueError(
            f"The statistics of a stream have {shape[0]} Gram matrices of {shape[1]} features: "
            f"{n_bytes / 2**30:.1f} GiB, the limit is {MAX_GRAM_BYTES / 2**30:g} GiB. Reduce the "
            "features (sklearn.decomposition.IncrementalPCA), or use MultiTaskMLP.partial_fit."
        )
