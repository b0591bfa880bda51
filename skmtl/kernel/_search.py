"""Which kernels go into the blend: the best of each kind, by held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel._pairs import Candidate
from skmtl.kernel._trial import Ground, Trial

Array = NDArray[Any]

SIMILARITIES = (0.0, 0.5, 0.8, 0.95, 1.0)
TASK_OFFSETS = (0.0, 0.1, 1.0)
FIRST_SIMILARITY, FIRST_OFFSET = 0.8, 0.1
"""Task kernels of long form that are tried (measured on School: shared/prototypes/icm.py)."""


@dataclass(eq=False)
class KernelSearch:
    """Tries kernels on a ground, and keeps what came of each.

    ``lengths`` are the mean distances of the rows by kernel, ``is_long`` says whether there is
    more than one task to be told apart by the rows.
    """

    ground: Ground
    kernels: Sequence[str]
    widths: Array
    linear_share: float
    lengths: dict[str, float]
    is_long: bool
    trials: list[Trial] = field(default_factory=list)

    def run(self) -> list[Trial]:
        """The best of each kind."""
        best = [self._best_of_kind(kernel) for kernel in self.kernels]
        if not self.is_long:
            return best
        first = best_of(best)
        offset = self._best_of(replace(first.candidate, task_offset=c) for c in TASK_OFFSETS)
        both = self._best_of(replace(offset, similarity=rho) for rho in SIMILARITIES)
        rho, c = both.similarity, both.task_offset
        return [
            self._attempt(replace(trial.candidate, similarity=rho, task_offset=c)) for trial in best
        ]

    def left_out(self, kernel: str) -> Array:
        """What the kernels of a kind that other parts of the rows choose expect of each part."""
        of_kind = [trial for trial in self.trials if trial.candidate.kernel == kernel]
        found = np.full_like(of_kind[0].left_out, np.nan)
        for k in range(len(of_kind[0].errors_elsewhere)):
            rows = self.ground.part == k
            best = int(np.argmin([trial.errors_elsewhere[k] for trial in of_kind]))
            found[rows] = of_kind[best].left_out[rows]
        return found

    def _attempt(self, candidate: Candidate) -> Trial:
        for trial in self.trials:
            if trial.candidate == candidate:
                return trial
        self.trials.append(self.ground.attempt(candidate))
        return self.trials[-1]

    def _best_of_kind(self, kernel: str) -> Trial:
        start = Candidate(kernel)
        if self.is_long:
            start = replace(start, similarity=FIRST_SIMILARITY, task_offset=FIRST_OFFSET)
        if kernel == "linear":
            return self._attempt(start)
        length = self.lengths[kernel]
        widths = self.widths.tolist()

        def attempt(position: int) -> Trial:
            w = widths[position]
            return self._attempt(replace(start, width=w, length=w * length))

        best = downhill(attempt, len(widths))
        if not self.linear_share:
            return best
        mixed = self._attempt(replace(best.candidate, linear_share=self.linear_share))
        return mixed if mixed.is_better(best) else best

    def _best_of(self, candidates: Iterable[Candidate]) -> Candidate:
        return best_of(self._attempt(candidate) for candidate in candidates).candidate


def best_of(trials: Iterable[Trial]) -> Trial:
    """The first of those with the smallest error."""
    return reduce(lambda best, other: other if other.is_better(best) else best, trials)


def downhill(attempt: Callable[[int], Trial], n: int) -> Trial:
    """The best of n attempts in order, from the middle on to where errors no longer fall."""
    middle = n // 2
    start = best = attempt(middle)
    for side in (range(middle - 1, -1, -1), range(middle + 1, n)):
        for position in side:
            found = attempt(position)
            if not found.is_better(best):
                break
            best = found
        if best is not start:
            break
    return best
