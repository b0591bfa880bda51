r"""Sums of penalties whose joint prox is not known: groups that each have their own.

At the optimum the gradient of the loss is split between the groups :math:`\Omega_c`: minus the
gradient is :math:`\sum_c N_c` with :math:`N_c \in \partial \Omega_c(V)`. These shares certify the
optimum, and give the prox of the sum from those of the groups.
"""

import numpy as np

TOLERANCE = 1e-9
"""Relative accuracy of a prox. The shares go from one to the next, so that few sweeps do."""
MAX_SWEEPS = 200


class DykstraSplit:
    """What each group takes of a gradient.

    Parameters
    ----------
    groups : list of ProxGroup
        Two or more.
    shape : tuple (n_features, n_outputs)
        Shape of V.
    """

    def __init__(self, groups, shape):
        self.groups = groups
        self.current = np.zeros((len(groups), *shape))

    def prox(self, V, step):
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
                moved += np.linalg.norm(new - rest)
                self.current[c] = (full - new) / step
                rest = new
            if moved <= enough:
                break
        return rest

    def of(self, N):
        """DykstraSplit (n_pieces, p, C) that add up to N, by the latest prox.

        What these leave of N vanishes as a solver converges.
        """
        shares = np.array(
            [
                group.layout.without_mean(share) if group.is_shift_invariant else share
                for group, share in zip(self.groups, self.current, strict=True)
            ]
        )
        takes = np.array([not group.is_shift_invariant for group in self.groups], dtype=float)
        if not takes.any():
            takes[:] = 1.0
        return shares + (takes / takes.sum())[:, None, None] * (N - shares.sum(axis=0))
