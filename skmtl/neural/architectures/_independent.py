"""Nothing shared: one network per task."""

from __future__ import annotations

from collections.abc import Sequence

from skmtl.neural.architectures._stacked import (
    OwnHeads,
    StackedArchitecture,
    StackedNetworks,
    StackedTrunks,
)


class Independent(StackedArchitecture):
    r"""Each task has a network of its own: the baseline that sharing has to beat.

    .. math:: f_t(x) = h_t(\phi_t(x))

    with hidden layers :math:`\phi_t` of ``hidden_layer_sizes`` and heads :math:`h_t`. All
    networks are trained in one go, and each starts as hard sharing would for this task alone:
    with the same seed and complete labels the fit equals one single-task fit per task, if all
    run for the same number of epochs. In long form a row passes through the network of its
    task alone. No parameter is shared.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP((16,), architecture="independent", tol=0.1)
    >>> model.fit(X, y).predict(X).shape
    (200, 2)
    """

    alias = "independent"
    has_model_dimension = True

    def _join(
        self, trunks: StackedTrunks, heads: OwnHeads, outputs_per_task: Sequence[int]
    ) -> StackedNetworks:
        return StackedNetworks(trunks, heads)
