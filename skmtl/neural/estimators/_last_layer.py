"""What the heads of a network read, for the next step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._represents import Represents
from skmtl.neural import networks
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


class RepresentsLayers(Represents):
    """Mixin for a network: the units that its heads read."""

    _fitted: Any
    _task_set: Any
    architecture: Any

    def _lacks_representation(self) -> str | None:
        if getattr(self.architecture, "has_representation", True):
            return None
        return (
            f"architecture={self.architecture!r} may have no layer that all heads read. "
            "HardSharing(trunk=...) takes a trunk of your own."
        )

    def _represent(self, X: Any) -> Array:
        fitted = self._as_fitted()
        X, task_column = fitted._read_X(X, reset=False)
        index = None
        if task_column is not None and self._is_of_tasks(fitted):
            index = self._task_index(task_column)
            if fitted is not self:
                index = vars(self)["_grown"].place_in_fit(index)
        (layers,) = networks.layers_of(fitted, fitted._fitted, X, index)
        return np.asarray(layers.reshape(X.shape[0], -1))

    def _is_of_tasks(self, fitted: Any) -> bool:
        """Whether there are layers of single tasks, so that in long form a row has those of its."""
        return bool(networks.n_readers(fitted, fitted._fitted, is_long=False)[0] > 1)

    def _names_of_layer(self) -> list[str]:
        fitted = self._as_fitted()
        tasks: TaskSet = fitted._task_set
        is_long = tasks.is_long and self._is_of_tasks(fitted)
        n_readers, width = networks.n_readers(fitted, fitted._fitted, is_long=is_long)
        if n_readers == 1:
            return [str(k) for k in range(width)]
        names = tasks.names
        if fitted._fitted.network_tasks is not None:
            names = names[fitted._fitted.network_tasks]
        # Members of an ensemble have numbers.
        has_members = hasattr(fitted._fitted.description["architecture"], "n_members")
        readers = range(n_readers) if has_members else names.tolist()
        return [f"_{reader}_{k}" for reader in readers for k in range(width)]

    def _as_fitted(self) -> Any:
        grown = vars(self).get("_grown")
        return self if grown is None else grown.as_fitted(self)
