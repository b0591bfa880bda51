"""What a linear fit finds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._variables import Start

Array = NDArray[Any]


@dataclass
class LinearFit:
    """Result of `fit_linear`: W (p, C), b (C,), the shared part, and the certificate.

    ``parts`` (n, p, C) are what the penalties act on, where that is not W itself. ``value`` of the
    objective, and ``shapes`` of the tasks, are there where likelihoods have shapes.
    """

    W: Array
    b: Array
    shared_W: Array | None
    gap: float
    n_iter: int
    parts: Array | None = None
    task_covariance: Array | None = None
    value: float | None = None
    shapes: list[Array] | None = None

    @property
    def components(self) -> Array | None:
        """Parts that add up to W; None if there is one."""
        return None if self.parts is None or len(self.parts) == 1 else self.parts

    @property
    def warm(self) -> Start:
        """What `fit_linear` can start from."""
        return Start(self.W, self.b, self.parts)

    def in_equal_parts(self, n_parts: int) -> LinearFit:
        """The same fit as one with several parts, of smallest norm."""
        whole = self.W if self.parts is None else self.parts[0]
        return replace(self, parts=np.repeat(whole[None] / n_parts, n_parts, axis=0))

    def expanded(self, basis: Array | None) -> LinearFit:
        """The same for the features, of a fit in a basis of the rows (None: the features)."""
        if basis is None:
            return self
        shared_W, parts = (
            None if part is None else basis @ part for part in (self.shared_W, self.parts)
        )
        return replace(self, W=basis @ self.W, shared_W=shared_W, parts=parts)
