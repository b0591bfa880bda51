"""Penalties that are not made of others: what the solvers ask of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from skmtl.linear.penalties._base import Array, Penalty


class Atom(Penalty):
    r"""Base class of a penalty that is not made of others: convex, at least 0, and 0 at W = 0.

    A subclass writes `value`, `prox`, `dual_scale` and `conjugate`: the prox finds the
    coefficients, the conjugate certifies them. With f = ``alpha`` times the penalty, its
    conjugate is :math:`f^*(Z) = \sup_W \langle Z, W \rangle - f(W)`. Arrays that are given are
    not to be changed. The attributes say what more is true of a penalty: where one is left as
    it is, a fit may take longer or `MultiTaskLinear` refuse an option, but no result is wrong;
    where one says what is not true, results are.

    Attributes
    ----------
    over_tasks : bool, default=False
        Whether columns of W must be tasks: the penalty compares tasks, or has a number for
        each. With several classes per task, the rows are then features times classes, those of
        a feature next to each other. Otherwise the columns are outputs, in any number.
    is_rotation_invariant : bool, default=False
        Whether the penalty of U W is that of W, for every orthogonal U (n_features, n_features).
        With more features than rows, a fit then goes on in a basis of the rows.
    is_shift_invariant : bool, default=False
        Whether the penalty of W + w0 1' is that of W, for every w0 (n_features,): what all tasks
        have in common is free. Such a penalty can only be certified if it says so here.
    prox_order : int or None, default=None
        Place of a `NormAtom` in the prox of a sum. None in an `Atom`.
    allows_positive : bool, default=False
        Whether the prox over W >= 0 is that of the positive part of W, and whether the penalty
        does not grow where an entry moves towards 0: as for `L1`, `L21`, and `L1Inf`. Otherwise
        ``positive=True`` is refused.

    See Also
    --------
    NormAtom : A norm: only `value`, `prox` and `dual_norm`.
    Quadratic : A quadratic form: only `matrix`.
    skmtl.testing.check_penalty : Checks what is asked of a penalty here.

    Examples
    --------
    The ridge, written as if there were no `Quadratic`:

    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.linear.penalties import Atom
    >>> class Ridge(Atom):
    ...     def __init__(self, weight=1.0):
    ...         self.weight = weight
    ...
    ...     def value(self, W):
    ...         return 0.5 * self.weight * np.sum(W**2)
    ...
    ...     def prox(self, W, step):
    ...         return W / (1 + step * self.weight)
    ...
    ...     def dual_scale(self, Z, alpha):
    ...         return 1.0
    ...
    ...     def conjugate(self, Z, alpha):
    ...         return 0.5 * np.sum(Z**2) / (alpha * self.weight)
    >>> X, Y = np.eye(3), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]])
    >>> MultiTaskLinear(Ridge(), alpha=1.0, tol=1e-10).fit(X, Y).coef_.round(3)
    array([[-0.5 ,  0.  ,  0.5 ],
           [-0.75, -0.25,  1.  ]])
    """

    over_tasks: ClassVar[bool] = False
    is_rotation_invariant: ClassVar[bool] = False
    is_shift_invariant: ClassVar[bool] = False
    prox_order: ClassVar[int | None] = None
    allows_positive: ClassVar[bool] = False

    def atoms(self) -> list[Atom]:
        return [self]

    @abstractmethod
    def prox(self, W: Array, step: float) -> Array:
        r"""Minimiser of :math:`\frac12 \|V - W\|_F^2 + \mathrm{step} \cdot \mathrm{value}(V)`.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_outputs)
            Coefficients.
        step : float
            At least 0.

        Returns
        -------
        V : ndarray of shape (n_features, n_outputs)
            A new array.
        """

    @abstractmethod
    def dual_scale(self, Z: Array, alpha: float) -> float:
        """Largest s <= 1 for which the conjugate of alpha times the penalty is finite at s Z.

        Parameters
        ----------
        Z : ndarray of shape (n_features, n_outputs)
            Dual variables: minus the gradient of the loss.
        alpha : float
            Positive factor on the penalty.

        Returns
        -------
        scale : float
            In [0, 1]; 1 if the conjugate is finite everywhere.
        """

    @abstractmethod
    def conjugate(self, Z: Array, alpha: float) -> float:
        """Conjugate of alpha times the penalty at a Z made feasible by `dual_scale`.

        Parameters
        ----------
        Z : ndarray of shape (n_features, n_outputs)
            Dual variables at which the conjugate is finite.
        alpha : float
            Positive factor on the penalty.

        Returns
        -------
        value : float
            At least 0. One that is too large is safe, but keeps the gap from closing.
        """

    def alpha_max(self, Z: Array) -> float:
        """Smallest alpha at which W is 0, given the gradient Z of the loss at W = 0.

        Parameters
        ----------
        Z : ndarray of shape (n_features, n_outputs)
            Gradient.

        Returns
        -------
        alpha : float
            Infinite where no alpha is large enough.
        """
        return np.inf

    def task_covariance(self, W: Array) -> Array | None:
        """Covariance of the tasks that the penalty implies at the fitted W.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Coefficients.

        Returns
        -------
        covariance : ndarray of shape (n_tasks, n_tasks) or None
            Symmetric, positive semidefinite and of trace 1; None if the penalty implies none.
        """
        return None


class NormAtom(Atom):
    r"""Base class of a penalty that is a norm: its conjugate is 0 inside the dual norm's ball.

    A subclass writes `value`, `prox` and `dual_norm`. A norm of W less its mean over tasks is
    one, too, if ``is_shift_invariant`` says so; then `alpha_max` is infinite, and `dual_scale` 0
    for a Z with rows that do not sum to 0, as in `Fused`.

    Attributes
    ----------
    prox_order : int or None, default=None
        The prox of a sum of norms with different orders is the composition of their prox, the
        lowest order first [1]_ [2]_. These have one: 0 `Fused`; 1 `L1`; 2 `L21` and `L1Inf`.
        None always works: the prox of a sum is then found by iterating.

    See Also
    --------
    RowNorm : A norm that is a sum over features, with a weight for each.

    References
    ----------
    .. [1] Jenatton, Mairal, Obozinski and Bach, "Proximal methods for hierarchical sparse
       coding", JMLR 12, 2011, theorem 1.
    .. [2] Zhou, Liu, Narayan and Ye, "Modeling disease progression via fused sparse group
       lasso", KDD 2012, theorem 1.

    Examples
    --------
    One group of features is used by all tasks, or by none:

    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.linear.penalties import L1, NormAtom
    >>> class Frobenius(NormAtom):
    ...     is_rotation_invariant = True
    ...
    ...     def __init__(self, weight=1.0):
    ...         self.weight = weight
    ...
    ...     def value(self, W):
    ...         return self.weight * np.linalg.norm(W)
    ...
    ...     def prox(self, W, step):
    ...         size = np.linalg.norm(W)
    ...         return W * max(1 - step * self.weight / size, 0) if size else W.copy()
    ...
    ...     def dual_norm(self, Z):
    ...         return np.linalg.norm(Z)
    >>> X, Y = np.eye(3), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]])
    >>> model = MultiTaskLinear(Frobenius() + 0.1 * L1(), alpha=0.5).fit(X, Y)
    >>> bool(model.dual_gap_ < 1e-3)
    True
    """

    @abstractmethod
    def dual_norm(self, Z: Array) -> float:
        r"""Dual norm :math:`\sup \langle Z, W \rangle` over W with a norm of at most 1.

        Parameters
        ----------
        Z : ndarray of shape (n_features, n_outputs)
            Dual variables.

        Returns
        -------
        size : float
            For weight 1.
        """

    def dual_scale(self, Z: Array, alpha: float) -> float:
        size, radius = self.dual_norm(Z), alpha * self.weight
        return 1.0 if size <= radius else radius / size

    def conjugate(self, Z: Array, alpha: float) -> float:
        return 0.0

    def alpha_max(self, Z: Array) -> float:
        return self.dual_norm(Z) / self.weight if self.weight else np.inf


def of_trace_one(Vt: Array, spectrum: Array) -> Array | None:
    """Matrix with these eigenvectors (the rows of Vt) and eigenvalues over their sum."""
    total = spectrum.sum()
    return (Vt.T * spectrum) @ Vt / total if total > 0 else None
