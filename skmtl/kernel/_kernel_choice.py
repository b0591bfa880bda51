"""On which rows kernels are tried, and what the functions of the best of them are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl._indexing import batches
from skmtl._warnings import warn
from skmtl.kernel._landmarks import choose_landmarks
from skmtl.kernel._pairs import METRICS, Candidate, Pairs, Rows, Space
from skmtl.kernel._search import KernelSearch
from skmtl.kernel._trial import Fold, Ground, Pattern, Responses, Trial

Array = NDArray[Any]

SEED = 0
"""Of the rows that are drawn: the same in every fit."""
MOST_TRIED = 700
"""Rows on which all kernels are tried; of more rows a part, and the best of each kind on all."""
PATTERNS_TRIED = 10
"""Patterns of missing labels, those of most outputs, on which all kernels are tried."""
MOST_EXACT = 2_000
"""Rows whose kernel is decomposed as it is: about two seconds for each of the best."""
MOST_LANDMARKS, FEWEST_LANDMARKS = 1_000, 100
"""Landmarks of more rows; the fewer, the more patterns of missing labels there are."""
MOST_NUMBERS = 2**26
"""Entries of the kernel of all rows with landmarks, but for the fewest; `fit` has a few of them."""
NUMBERS_AT_ONCE = 2**22
"""Entries of a kernel that `predict` has at a time."""


class Options(NamedTuple):
    """What is tried, and how it is compared: parameters of the estimator."""

    kernels: Sequence[str]
    widths: Array
    linear_share: float
    alphas: Array
    n_landmarks: int | None


class Function(NamedTuple):
    """Responses of all outputs: the kernel with the anchors, times ``coef`` (n_anchors, ...)."""

    candidate: Candidate
    coef: Array
    intercept: Array


@dataclass(frozen=True, eq=False)
class KernelFunctions:
    """Functions of several kernels with the same anchors."""

    anchors: Rows
    space: Space
    functions: list[Function]

    def __call__(self, rows: Rows) -> list[Array]:
        """Responses (n_rows, n_outputs) of new rows by each function."""
        found: list[list[Array]] = [[] for _ in self.functions]
        for batch in batches(rows.n_rows, max(NUMBERS_AT_ONCE // self.anchors.n_rows, 1)):
            pairs = Pairs(rows.take(batch), self.anchors, self.space)
            for parts, (candidate, coef, intercept) in zip(found, self.functions, strict=True):
                parts.append(pairs.kernel(candidate) @ coef + intercept)
        return [parts[0] if len(parts) == 1 else np.vstack(parts) for parts in found]


@dataclass(frozen=True, eq=False)
class KernelChoice:
    """The best kernel of each kind, ``best``, of all that were ``tried``; ``anchors`` of all.

    ``left_out`` are what they expect of rows that did not choose them.
    """

    best: list[Trial]
    tried: list[Trial]
    left_out: list[Array]
    anchors: Rows
    space: Space

    def functions(self, kept: Array) -> KernelFunctions:
        """Functions of some of the best."""
        functions = [Function(t.candidate, t.coef, t.intercept) for t in self.best]
        return KernelFunctions(self.anchors, self.space, [functions[k] for k in kept])


def choose_kernels(
    rows: Rows,
    responses: Responses,
    folds: Sequence[Fold] | None,
    part: Array,
    *,
    space: Space,
    options: Options,
) -> KernelChoice:
    """Try kernels on the rows, or a part of them; the best of each kind is fitted to all."""
    rng, patterns = np.random.RandomState(SEED), responses.patterns()
    n_anchors = options.n_landmarks or _n_anchors(rows.n_rows, patterns)
    if n_anchors >= rows.n_rows:
        anchors, landmarks = rows, None
    else:
        anchors = rows.take(choose_landmarks(rows.n_rows, n_anchors, rows.task_index, rng))
        landmarks = Pairs(anchors, anchors, space)
        _warn_of_tasks(n_anchors, space.n_tasks)
    tried = sorted(patterns, key=lambda pattern: -len(pattern.outputs))[:PATTERNS_TRIED]
    n_tried = int(rows.n_rows * min(MOST_TRIED / _size(tried), 1.0))
    is_part = n_tried < rows.n_rows or len(tried) < len(patterns) or landmarks is not None
    if is_part:
        some = np.sort(rng.permutation(rows.n_rows)[: max(n_tried, FEWEST_LANDMARKS)])
        of_some = folds and [fold.within(some, rows.n_rows) for fold in folds]
        few = responses.only(tried).take(some)
        search = _search(rows.take(some), space, few, of_some, part[some], options)
    else:
        search = _search(rows, space, responses, folds, part, options)
    best = search.run()
    if is_part:
        pairs = Pairs(rows, anchors, space)
        ground = Ground(pairs, responses, options.alphas, part, folds, landmarks)
        best = [ground.attempt(trial.candidate) for trial in best]
        # So many rows choose a kernel that none of them matters.
        left_out = [trial.left_out for trial in best]
    else:
        left_out = [search.left_out(trial.candidate.kernel) for trial in best]
    return KernelChoice(best, search.trials, left_out, anchors, space)


def _search(
    rows: Rows,
    space: Space,
    responses: Responses,
    folds: Sequence[Fold] | None,
    part: Array,
    options: Options,
) -> KernelSearch:
    pairs, share = Pairs(rows, rows, space), responses.share.mean(axis=1)
    lengths = {k: pairs.mean_distance(k, share) for k in options.kernels if k in METRICS}
    ground = Ground(pairs, responses, options.alphas, part, folds)
    return KernelSearch(
        ground, options.kernels, options.widths, options.linear_share, lengths, space.n_tasks > 1
    )


def _size(patterns: Sequence[Pattern]) -> float:
    """Rows of one pattern that would take as long to decompose."""
    return float(np.cbrt(sum(float(len(pattern.rows)) ** 3 for pattern in patterns)))


def _n_anchors(n_rows: int, patterns: Sequence[Pattern]) -> int:
    """All rows, or as many landmarks as take no longer than the largest exact fit.

    A decomposition takes about 10 n^3 operations, features of n rows 4 n m^2 and 10 m^3.
    """
    if _size(patterns) <= MOST_EXACT:
        return n_rows
    m = np.arange(FEWEST_LANDMARKS, MOST_LANDMARKS + 1.0)
    n_labels = sum(len(pattern.rows) for pattern in patterns)
    cost = 4.0 * n_labels * m**2 + 10.0 * len(patterns) * m**3
    fits = (cost <= 10.0 * MOST_EXACT**3) & (n_rows * m <= MOST_NUMBERS)
    return int(m[fits].max(initial=FEWEST_LANDMARKS))


def _warn_of_tasks(n_landmarks: int, n_tasks: int) -> None:
    if n_tasks > n_landmarks:
        warn(
            f"There are {n_tasks} tasks and {n_landmarks} landmarks: what tasks without a landmark "
            f"have of their own is lost. Set n_landmarks to {n_tasks} or more."
        )
