"""Waves of each number, whose frequencies are trained."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from skmtl.neural.inputs._base import TrainedEmbedding


class Periodic(TrainedEmbedding):
    r"""Each number as sines and cosines of trained frequencies [1]_.

    .. math:: (\sin 2 \pi c_k z, \; \cos 2 \pi c_k z), \qquad c_k \sim N(0, \sigma^2)
              \text{ at the start}

    with frequencies c of its own for each column. They belong to what all tasks share.

    Parameters
    ----------
    n_frequencies : int, default=8
        Frequencies per column.
    scale : float, default=0.3
        :math:`\sigma`: how fast the first waves are, in units of `feature_scaling`.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical features in
       tabular deep learning", NeurIPS 2022, eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural.inputs import Periodic
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(size=(300, 2))
    >>> y = np.sin(20 * X)
    >>> waves = Periodic(n_frequencies=16, scale=1.0)
    >>> model = MultiTaskMLPRegressor((16,), numeric_embedding=waves, tol=0.1, random_state=0)
    >>> model.fit(X, y).predict(X).shape
    (300, 2)
    """

    alias = "periodic"

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "scale": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, n_frequencies: int = 8, *, scale: float = 0.3) -> None:
        self.n_frequencies = n_frequencies
        self.scale = scale

    def layer(self, n_models: int, n_numbers: int) -> Any:
        """See `TrainedEmbedding.layer`."""
        # Here, as it needs torch.
        from skmtl.neural.inputs._periodic_layer import PeriodicLayer

        self._validate_params()
        return PeriodicLayer(n_models, n_numbers, self.n_frequencies, self.scale)
