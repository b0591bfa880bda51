"""Tasks of networks that come after `fit`: heads on what the trunk has learned."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._grows_tasks import MOST_TASKS, GrowsTasks
from skmtl._likely_strengths import Labels
from skmtl._new_head import Head
from skmtl.neural import networks, training

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class TunedHead(Head):
    """A head on a trunk of its own."""

    fitted: Any = None


class GrowsNetworkTasks(GrowsTasks):
    """Mixin for networks.

    The head of a new task reads the raw scores of the others, what their heads read, and the inputs
    where a linear path leads there.
    """

    _has_units_of_y = False

    random_state: Any
    _fitted: Any

    _n_epochs = 0
    """Passes over the rows of a new task in which a trunk of its own is trained on."""

    def _networks(self) -> list[Any]:
        """Networks as their training has left them."""
        raise NotImplementedError

    def _learn_head(self, labels: Labels, X: Any) -> Head:
        head = super()._learn_head(labels, X)
        if not self._n_epochs:
            return head
        seed = training.draw_seed(self.random_state)
        reads = self._what_heads_read()
        tuned, fitted = training.fine_tune(self, head, labels, X, reads, self._n_epochs, seed)
        return TunedHead(tuned.coefs, tuned.intercept, tuned.shape, fitted)

    def _raw_of_heads(self, heads: list[Head], X: Any) -> list[Array]:
        found = []
        frozen = iter(super()._raw_of_heads([h for h in heads if not isinstance(h, TunedHead)], X))
        for head in heads:
            if not isinstance(head, TunedHead):
                found.append(next(frozen))
                continue
            view = copy(self)
            view._fitted = head.fitted
            found += GrowsTasks._raw_of_heads(view, [head], X)
        return found

    def _what_heads_read(self) -> Any:
        """A function of a module and its inputs: what `_raw_of_heads` reads, in torch."""
        tasks, (fitted,) = self._task_set, self._networks()
        of_network = np.arange(tasks.n_tasks)
        if fitted.network_tasks is not None:
            of_network = fitted.network_tasks
        sizes = np.array(fitted.description["outputs_per_task"])
        owners = np.repeat(of_network, sizes)
        columns = np.concatenate([np.flatnonzero(owners == t) for t in self._tasks_of_scores()])
        origin, factor = np.zeros(len(columns)), np.ones(len(columns))
        if fitted.shrinkage is not None:
            origin = np.concatenate(fitted.shrinkage.origin)[columns]
            factor = np.repeat(fitted.shrinkage.factor, sizes)[columns]
        has_layers = fitted.description["architecture"].has_representation
        return networks.heard_by_head(columns, origin, factor, has_layers, MOST_TASKS)

    def _representations(self, X: Any) -> list[Any]:
        parts = []
        architecture = self._networks()[0].description["architecture"] if self._networks() else None
        if architecture is not None and architecture.has_representation:
            layers = []
            for fitted in self._networks():
                of_stack = networks.layers_of(self, fitted, X)
                if of_stack.shape[2] > MOST_TASKS:
                    of_stack = of_stack.mean(axis=2, keepdims=True)
                layers.append(np.moveaxis(of_stack, 0, 1).reshape(X.shape[0], -1))
            parts.append(np.hstack(layers))
        for fitted in self._networks()[:1]:
            inputs = networks.inputs_of(self, fitted, X)
            parts += [] if inputs is None else [inputs]
        return parts


TRAINED_ON = (
    "training on would change the trunk that their heads read. Let all tasks be in the first call, "
    "with labels missing until they come, and go on with all of them; or call fit, which forgets "
    "added tasks."
)
"""Why networks with added tasks do not train on."""
