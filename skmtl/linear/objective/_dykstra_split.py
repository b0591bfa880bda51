r"""Sums of penalties whose joint prox is not known: groups that each have their own.

At the optimum the gradient of the loss is split between the groups :math:`\Omega_c`: minus the
gradient is :math:`\sum_c N_c` with :math:`N_c \in \partial \Omega_c(V)`. These subgradients certify
the optimum, and give the prox of the sum from those of the groups.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._prox_group import ProxGroup

Array = NDArray[Any]

TOLERANCE = 1e-9
"""Relative accuracy of a prox. The split goes from one to the next, so that few sweeps do."""
MAX_SWEEPS = 200


class DykstraSplit:
    """Which subgradient each group contributes, as Dykstra's algorithm finds them.

    Parameters
    ----------
    groups : list of ProxGroup
        Two or more.
    shape : tuple (n_features, n_outputs)
        Shape of V.

    Attributes
    ----------
    current : ndarray of shape (n_groups, n_features, n_outputs)
        Subgradients N_c of the latest prox; the next starts from them.
    """

    def __init__(self, groups: list[ProxGroup], shape: tuple[int, int]) -> None:
        self.groups = groups
        self.current = np.zeros((len(groups), *shape))

    def prox(self, V: Array, step: float) -> Array:
        r"""Proximal step of the sum.

        .. math:: r \leftarrow \mathrm{prox}_{\mathrm{step}\, \Omega_c}(r + \mathrm{step}\, N_c),
                  \quad N_c \leftarrow N_c + (r_{\mathrm{before}} - r) / \mathrm{step}

        for one group after the other, from :math:`r = V - \mathrm{step} \sum_c N_c`.

        References
        ----------
        Bauschke and Combettes, "A Dykstra-like algorithm for two monotone operators", Pacific
        Journal of Optimization 4, 2008; as block ascent of the dual: Tibshirani, "Dykstra's
        algorithm, ADMM, and coordinate descent", NeurIPS 2017, section 2.
        """
        if not step:
            # Only W >= 0 is left, and one group sees to it.
            return self.groups[0].prox(V, step)
        rest = V - step * self.current.sum(axis=0)
        enough = TOLERANCE * np.linalg.norm(V)
        for _ in range(MAX_SWEEPS):
            moved = 0.0
            for c, group in enumerate(self.groups):
                full = rest + step * self.current[c]
                new = group.prox(full, step)
                moved += float(np.linalg.norm(new - rest))
                self.current[c] = (full - new) / step
                rest = new
            if moved <= enough:
                break
        return rest

    def of(self, N: Array) -> Array:
        """Split N into subgradients (n_groups, p, C) that add up to it, by the latest prox.

        What these leave of N vanishes as a solver converges.
        """
        split = np.array(
            [
                group.layout.without_mean(taken) if group.is_shift_invariant else taken
                for group, taken in zip(self.groups, self.current, strict=True)
            ]
        )
        # What is left over goes in equal amounts to the groups that say something of the mean.
        takes = np.array([not group.is_shift_invariant for group in self.groups], dtype=float)
        if not takes.any():
            takes[:] = 1.0
        return split + (takes / takes.sum())[:, None, None] * (N - split.sum(axis=0))
