r"""A few rows predicted by a blend of networks, where that is one sum over all units.

The raw scores of network m are :math:`A_m V_m + c_m + f_m X S_m`, labels of a regression task t are
:math:`\sigma_{mt}` times its raw score plus :math:`\mu_{mt}`, and network m counts :math:`w_{mt}`:

.. math:: \hat y_t = \sum_m A_m (w_{mt} \sigma_{mt} V_{mt}) + X \sum_m w_{mt} \sigma_{mt} f_m S_{mt}
          + \sum_m w_{mt} (\sigma_{mt} c_{mt} + \mu_{mt}) + \mathrm{const}_t.

What is in brackets does not depend on the rows: it is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.neural.inputs._inputs import Inputs
from skmtl.neural.networks._few_rows import FewRows
from skmtl.neural.networks._predict import plain_networks
from skmtl.neural.networks._state import FittedState
from skmtl.tasks._regression import Regression

Array = NDArray[Any]


class FewBlended:
    """Networks side by side, of several structures, as one function of a few rows.

    Parameters
    ----------
    stacks : list of FittedState
        The networks.
    plain : list of FewRows
        The same as arrays.
    task_sets : list of list of TaskSet
        What the raw scores of each network of a stack mean.
    weights : list of ndarray of shape (n_models, n_tasks)
        What each network counts.
    constant : ndarray of shape (n_tasks,)
        What is added.
    """

    def __init__(
        self,
        stacks: Sequence[FittedState],
        plain: Sequence[FewRows],
        task_sets: Sequence[Any],
        weights: Sequence[Array],
        constant: Array,
    ) -> None:
        self.constant, self.stacks = constant, []
        for networks, tasks, w in zip(plain, task_sets, weights, strict=True):
            location, scale = (
                np.array([[getattr(task, name) for task in one.tasks] for one in tasks])
                for name in ("location_", "scale_")
            )
            size = w * scale
            self.constant = self.constant + (networks.c[:, 0] * size + w * location).sum(axis=0)
            V, S = networks.V * size[:, None], None
            if networks.S is not None:
                S = networks.factor * (networks.S * size[:, None]).sum(axis=0)
            # Without hidden layers all read the same.
            V = V.reshape(-1, w.shape[1]) if networks.layers else V.sum(axis=0)
            self.stacks.append((networks, V, S))
        self.inputs = [fitted.inputs for fitted in stacks]
        # What the stack before has read is not read again.
        self.is_again = [False, *(_is_same(*pair) for pair in pairwise(self.inputs))]

    def predict(self, X: Array) -> Array | None:
        """Predictions (n, n_tasks); None where numbers of a network have no room."""
        total = self.constant
        with np.errstate(all="ignore"):
            of_stacks = zip(self.stacks, self.inputs, self.is_again, strict=True)
            for (networks, V, S), inputs, is_again in of_stacks:
                if not is_again:
                    x = X if inputs is None else inputs.transform(X, dtype=np.float64)
                units = networks.units(x)
                units = units.swapaxes(0, 1) if networks.layers else units
                total = total + units.reshape(len(X), -1) @ V
                if S is not None:
                    total = total + x @ S
        return total if np.isfinite(total).all() else None


def _is_same(some: Inputs | None, others: Inputs | None) -> bool:
    """Whether networks with these inputs read the same of a row."""
    return some is others or (some is not None and others is not None and some.reads_as(others))


def few_blended(estimator: Any, weights: Array, constant: Array) -> FewBlended | None:
    """The blend of an estimator's stacks; None where it is no such sum.

    ``weights`` (n_models, n_tasks) are those of all networks, one stack after the other; the
    ``constant`` (n_tasks,) is added.
    """
    stacks = estimator._stacks
    if not stacks or any(s.shrinkage is not None or s.network_tasks is not None for s in stacks):
        return None
    task_sets = [s.task_sets or [estimator._task_set] * s.n_models for s in stacks]
    every = [task for of_stack in task_sets for one in of_stack for task in one.tasks]
    # Of a subclass neither the link nor what is predicted need be the same.
    if not all(type(task) is Regression and task.n_labels_ for task in every):
        return None
    plain = [plain_networks(estimator, fitted, np.float64) for fitted in stacks]
    if any(networks is None for networks in plain):
        return None
    ends = np.cumsum([s.n_models for s in stacks])
    parts = np.split(weights, ends[:-1])
    return FewBlended(stacks, plain, task_sets, parts, constant)  # type: ignore[arg-type]
