"""Any function of the Gramian as a balancing method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from skmtl.neural.balancing._base import Array, GramianBalancing


class Weighting(GramianBalancing):
    """Weights of the tasks from a function of their Gramian.

    Parameters
    ----------
    function : callable
        Takes the Gramian (n_tasks, n_tasks) of the tasks that have labels in the batch, in
        float64, and returns their weights (n_tasks,) as an array or a tensor. A
        `torch.nn.Module`, such as a weighting of TorchJD, is given a tensor; other functions an
        array.
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import Weighting
    >>> method = Weighting(lambda gramian: 1 / np.sqrt(np.diag(gramian)))
    >>> method.weights(np.array([[4.0, 0.0], [0.0, 0.25]]))
    array([0.5, 2. ])
    """

    alias = "weighting"

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        conflict_space: str = "shared",
        update_weights_every: int = 1,
    ) -> None:
        super().__init__(conflict_space=conflict_space, update_weights_every=update_weights_every)
        self.function = function

    def weights(self, gramian: Array) -> Array:
        """What the function says.

        Raises
        ------
        ValueError
            If that is not one number for each task.
        """
        gramian = np.array(gramian, dtype=float)
        if isinstance(self.function, torch.nn.Module):
            with torch.no_grad():
                found = self.function(torch.from_numpy(gramian))
        else:
            found = self.function(gramian)
        if isinstance(found, torch.Tensor):
            found = found.detach().cpu().numpy()
        weights = np.asarray(found, dtype=float)
        if weights.shape != (len(gramian),):
            raise ValueError(
                f"Weighting(function={self.function!r}) returned an array of shape "
                f"{weights.shape} for {len(gramian)} tasks; expected ({len(gramian)},)."
            )
        return weights
