"""Two atoms that share one weight."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from skmtl.linear.penalties._atoms import Atom
from skmtl.linear.penalties._base import Array, Penalty, is_number


class Mix(Penalty):
    r""":math:`\rho \, \Omega_A + (1 - \rho) \, \Omega_B`, :math:`\rho` being ``l1_ratio``."""

    def __init__(self, l1_ratio: float = 0.5, *, weight: float = 1.0) -> None:
        self.l1_ratio = l1_ratio
        self.weight = weight

    @abstractmethod
    def ends(self) -> tuple[Atom, Atom]:
        """The penalties at an ``l1_ratio`` of 1 and of 0."""

    def check(self, n_features: int | None = None) -> None:
        super().check(n_features)
        if not (is_number(self.l1_ratio) and 0 <= self.l1_ratio <= 1):
            raise ValueError(f"{type(self).__name__}(l1_ratio={self.l1_ratio!r}) is not in [0, 1].")

    def atoms(self) -> list[Atom]:
        mixed = zip((self.l1_ratio, 1 - self.l1_ratio), self.ends(), strict=True)
        return [atom * (self.weight * share) for share, atom in mixed if share]

    def value(self, W: Array) -> float:
        return float(np.sum([atom.value(W) for atom in self.atoms()]))
