r"""What a choice says of labels that had no say in it.

Predictions of held-out rows say little of a choice that was made by these rows: the best of many is
good by chance. Their rows are therefore parted. For those of part k, all is chosen by the others,

.. math:: \hat y_i = \sum_m \hat w_m^{(-k(i))} p_{mi},

as cross-fitting does [1]_. What is used for new rows is chosen by all.

References
----------
.. [1] V. Chernozhukov et al., "Double/debiased machine learning for treatment and structural
   parameters", The Econometrics Journal 21, 2018, definition 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._blending import blend_weights, mix
from skmtl.tasks._targets import Targets

Array = NDArray[Any]
Expected = list[Array]

N_PARTS = 10
"""Parts at most: each chooses once more."""


def parts_of(folds: Sequence[Sequence[Array]], n_rows: int) -> Array:
    """Part (n_rows,) of each row, that of the first fold that holds it out; -1 for none.

    ``folds`` are pairs, of which the second are the rows held out. The rows of a fold stay
    together, but for those of a single one.
    """
    part = np.full(n_rows, -1)
    for k, fold in reversed(list(enumerate(folds))):
        part[fold[1]] = k
    held_out = part >= 0
    names, part[held_out] = np.unique(part[held_out], return_inverse=True)
    if len(names) == 1:
        part[held_out] = np.arange(held_out.sum())
    # Neighbours are often alike: they are dealt.
    part[held_out] %= N_PARTS
    return part


def each_part(part: Array) -> Iterator[tuple[Array, Array]]:
    """Rows of every part, and the rows of all others."""
    for k in np.unique(part[part >= 0]):
        yield np.flatnonzero(part == k), np.flatnonzero((part != k) & (part >= 0))


def blend_left_out(
    expected: Sequence[Expected],
    targets: Targets,
    part: Array,
    weigh: Callable[[list[Expected], Targets], Array] = blend_weights,
) -> Expected:
    """Blends of held-out predictions, as `mix`, with weights that other parts of the rows chose."""

    def say(mine: Array, others: Array) -> tuple[list[Expected], list[Expected]]:
        of_others, of_mine = (
            [[column[rows] for column in member] for member in expected] for rows in (others, mine)
        )
        return of_others, of_mine

    return blend_parts(say, targets, part, weigh)


def blend_parts(
    say: Callable[[Array, Array], tuple[list[Expected], list[Expected]]],
    targets: Targets,
    part: Array,
    weigh: Callable[[list[Expected], Targets], Array] = blend_weights,
) -> Expected:
    """The same, of members that know no label of the part either.

    ``say`` gets the rows of a part and all others. It has what every member expects of the others,
    held out, and of the part.
    """
    n_rows = len(targets.values)
    blended = [
        np.full_like(task.expected_without_labels(n_rows), np.nan) for task in targets.tasks.tasks
    ]
    for mine, others in each_part(part):
        of_others, of_mine = say(mine, others)
        weights = weigh(of_others, targets.take(others))
        index = None if targets.task_index is None else targets.task_index[mine]
        for whole, some in zip(
            blended, mix(of_mine, weights, index, targets.tasks.tasks), strict=True
        ):
            whole[mine] = some
    return blended
