"""W as a sum of parts, each with a penalty of its own."""

from __future__ import annotations

from skmtl.linear.penalties._base import Array, Penalty, check_both


class Split(Penalty):
    r"""Two parts with a penalty each, W = P + Q.

    .. math:: \Omega(W) = \min_{P + Q = W} \Omega_A(P) + \Omega_B(Q)

    Parameters
    ----------
    first, second : Penalty
        Penalties of P and of Q; splits themselves, for more than two parts.
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Jalali, Ravikumar, Sanghavi and Ruan, "A dirty model for multi-task learning", NIPS 2010,
    eq. 1.

    Examples
    --------
    Five tasks are alike, and the sixth is not: the first part holds what they have in common, the
    second the task that stands out.

    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.linear.penalties import L21, Split, TraceNorm
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> Y = np.column_stack([X[:, 0]] * 5 + [X[:, 2]])
    >>> penalty = Split(TraceNorm(), 0.8 * L21(axis="tasks"))
    >>> model = MultiTaskLinear(penalty, alpha=0.01).fit(X, Y)
    >>> for part in model.coef_components_:
    ...     print(abs(part.T).round(1))
    [[1. 1. 1. 1. 1. 0.]
     [0. 0. 0. 0. 0. 0.]
     [0. 0. 0. 0. 0. 0.]]
    [[0. 0. 0. 0. 0. 0.]
     [0. 0. 0. 0. 0. 0.]
     [0. 0. 0. 0. 0. 1.]]
    """

    def __init__(self, first: Penalty, second: Penalty, weight: float = 1.0) -> None:
        self.first = first
        self.second = second
        self.weight = weight

    def value(self, W: Array) -> float:
        """Not known from W alone: the fit finds the parts."""
        raise TypeError("The value of a Split depends on its parts, see coef_components_.")

    def check(self, n_features: int | None = None) -> None:
        super().check(n_features)
        check_both(self, n_features, first=self.first, second=self.second)

    def for_tasks(self, kept: Array, n_tasks: int) -> Penalty:
        first, second = (half.for_tasks(kept, n_tasks) for half in (self.first, self.second))
        return Split(first, second, self.weight)

    def parts(self) -> list[Penalty]:
        """Penalty of each part, with the weight of the whole."""
        return [part * self.weight for half in (self.first, self.second) for part in half.parts()]
