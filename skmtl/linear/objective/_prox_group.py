"""Groups of a penalty: atoms whose joint prox is the composition of theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._layout import Layout
from skmtl.linear.penalties import Atom

Array = NDArray[Any]

BISECTIONS = 60
"""Halvings of an interval: what is left of it is rounding."""

INSIDE = 1.0 - 1e-13
"""A subgradient on the boundary, where optima have it, is feasible though rounding moves it."""


class ProxGroup:
    r"""alpha times a sum of atoms with one prox.

    .. math:: \mathrm{prox} = \mathrm{prox}_n \circ \dots \circ \mathrm{prox}_1

    in the order of ``prox_order``.

    Parameters
    ----------
    atoms : list of Atom
        As `prox_groups` groups them.
    alpha : float
        Factor on them.
    layout : Layout
        Of W.
    positive : bool
        Whether W >= 0.

    References
    ----------
    Jenatton, Mairal, Obozinski and Bach, "Proximal methods for hierarchical sparse coding",
    JMLR 12, 2011, theorem 1; Zhou, Liu, Narayan and Ye, "Modeling disease progression via fused
    sparse group lasso", KDD 2012, theorem 1.
    """

    def __init__(self, atoms: list[Atom], alpha: float, layout: Layout, positive: bool) -> None:
        self.atoms, self.alpha = atoms, alpha
        self.layout, self.positive = layout, positive
        self.is_shift_invariant = all(atom.is_shift_invariant for atom in atoms)

    def value(self, V: Array) -> float:
        """Value of the atoms."""
        return self.alpha * sum(atom.value(self.layout.view(atom, V)) for atom in self.atoms)

    def prox(self, V: Array, step: float) -> Array:
        """Proximal step."""
        if self.positive:
            V = np.maximum(V, 0.0)
        for atom in self.atoms:
            moved = atom.prox(self.layout.view(atom, V), step * self.alpha)
            V = self.layout.back(moved) if atom.over_tasks else moved
        return V

    def dual_scale(self, N: Array) -> float:
        """Largest s <= 1 for which the conjugate is finite at s N."""
        if self.positive:
            N = np.maximum(N, 0.0)
        if len(self.atoms) == 1:
            atom = self.atoms[0]
            return atom.dual_scale(self.layout.view(atom, N), self.alpha)
        if self._is_feasible(INSIDE * N):
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._is_feasible(middle * N) else (low, middle)
        return low

    def _is_feasible(self, N: Array) -> bool:
        """A sum of norms has a finite conjugate where its prox is 0."""
        return not self.prox(N, 1.0).any()

    def conjugate(self, N: Array) -> float:
        """Conjugate at N, made feasible by `dual_scale`."""
        if len(self.atoms) > 1:
            return 0.0
        if self.positive:
            N = np.maximum(N, 0.0)
        atom = self.atoms[0]
        return atom.conjugate(self.layout.view(atom, N), self.alpha)


def prox_groups(
    atoms: Iterable[Atom], alpha: float, layout: Layout, positive: bool
) -> list[ProxGroup]:
    """As few groups as there can be, those of row norms last."""
    groups: list[list[Atom]] = []
    for atom in sorted(atoms, key=lambda atom: (atom.prox_order is not None, atom.prox_order or 0)):
        home = next((group for group in groups if _goes_with(atom, group)), None)
        if home is None:
            groups.append([atom])
        else:
            home.append(atom)
    return [ProxGroup(group, alpha, layout, positive) for group in groups]


def _goes_with(atom: Atom, group: list[Atom]) -> bool:
    orders = [other.prox_order for other in group]
    return atom.prox_order is not None and None not in orders and atom.prox_order not in orders
