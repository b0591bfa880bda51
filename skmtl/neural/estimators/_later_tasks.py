"""Tasks of networks that come after `fit`: heads on what the trunk has learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._grows_tasks import MOST_TASKS, GrowsTasks
from skmtl.neural import networks

Array = NDArray[Any]


class GrowsNetworkTasks(GrowsTasks):
    """Mixin for networks.

    The head of a new task reads the raw scores of the others, what their heads read, and the inputs
    where a linear path leads there.
    """

    _has_units_of_y = False

    def _networks(self) -> list[Any]:
        """Networks as their training has left them."""
        raise NotImplementedError

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


def refuse_grown(estimator: Any, what: str) -> None:
    """Raise where training would go on beneath heads that were added."""
    if hasattr(estimator, "_grown"):
        raise ValueError(
            f"Tasks were added or dropped, and {what} would change the trunk that their heads "
            "read. Let all tasks be in the first call, with labels missing until they come, and "
            "train on; or call fit, which forgets added tasks."
        )
