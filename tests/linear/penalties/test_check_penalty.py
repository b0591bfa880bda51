"""`check_penalty` finds what is wrong with a penalty, and says what."""

import numpy as np
import pytest

from skmtl.linear.penalties import L1, L21, Atom, NormAtom, Quadratic, SquaredTraceNorm, TraceNorm
from skmtl.testing import check_penalty
from tests.strangers.penalties import DeviationNorm, GroupL2, HuberL1, Ring, TaskL1


class NotConvex(L1):
    def value(self, W):
        return self.weight * np.sqrt(np.abs(W)).sum()


class NotZeroAtZero(L1):
    def value(self, W):
        return super().value(W) + 1.0


class NegativeValue(L1):
    def value(self, W):
        return super().value(W) - 1.0 * W.any()


class IgnoresWeight(L1):
    def value(self, W):
        return np.abs(W).sum()


class ProxIgnoresWeight(L1):
    def prox(self, W, step):
        return L1().prox(W, step)


class StrongProx(L21):
    def prox(self, W, step):
        return super().prox(W, 1.1 * step)


class InPlace(L1):
    def prox(self, W, step):
        W[...] = super().prox(W, step)
        return W


class OneRow(L1):
    def prox(self, W, step):
        return super().prox(W, step)[:1]


class SmallDualNorm(L21):
    def dual_norm(self, Z):
        return 0.9 * super().dual_norm(Z)


class LargeDualNorm(L21):
    def dual_norm(self, Z):
        return 1.1 * super().dual_norm(Z)


class SmallConjugate(HuberL1):
    def conjugate(self, Z, alpha):
        return 0.5 * super().conjugate(Z, alpha)


class LargeConjugate(HuberL1):
    def conjugate(self, Z, alpha):
        return 2.0 * super().conjugate(Z, alpha)


class LowAlphaMax(HuberL1):
    def alpha_max(self, Z):
        return np.abs(Z).max() / self.weight


class Rotates(L1):
    is_rotation_invariant = True


class Shifts(TraceNorm):
    is_shift_invariant = True


class ForgetsShifts(DeviationNorm):
    is_shift_invariant = False


class AnyColumns(TaskL1):
    over_tasks = False


class NotForTasks(TaskL1):
    per_task = {}


class FirstTasks(TaskL1):
    per_task = {}

    def for_tasks(self, kept, n_tasks):
        return TaskL1(self.factors[: len(kept)], self.weight)


class WrongOrder(TraceNorm):
    prox_order = 1


class NormOfNone(HuberL1):
    prox_order = 3


class Squared(NormAtom):
    def __init__(self, weight=1.0):
        self.weight = weight

    def value(self, W):
        return 0.5 * self.weight * (W**2).sum()

    def prox(self, W, step):
        return W / (1 + step * self.weight)

    def dual_norm(self, Z):
        return 0.0


class Positive(TraceNorm):
    allows_positive = True


class NoWeight(GroupL2):
    def __init__(self, groups):
        self.groups = groups
        self.weight = 1.0


class AnyWeight(L1):
    def check(self, n_features=None):
        pass


class Indefinite(Quadratic):
    def __init__(self, weight=1.0):
        self.weight = weight

    def matrix(self, n_tasks):
        return np.ones((n_tasks, n_tasks)) - np.eye(n_tasks)


class WrongEigenvalues(Ring):
    eigenvalues = (0.0, 1.0)


class NoCovariance(SquaredTraceNorm):
    def task_covariance(self, W):
        return W.T @ W


def local():
    class Local(L1):
        pass

    return Local()


WRONG = [
    (NotConvex(), "value is not convex"),
    (NotZeroAtZero(), "value is 1.0 at W = 0"),
    (NegativeValue(), "value is -.*, below 0"),
    (IgnoresWeight(), "value does not grow with the weight"),
    (ProxIgnoresWeight(2.0), "prox does not minimise"),
    (StrongProx(), "prox does not minimise"),
    (InPlace(), "prox returns the array it is given"),
    (OneRow(), "prox has another shape"),
    (SmallDualNorm(), "Fenchel's inequality"),
    (LargeDualNorm(), "dual_scale is 0.909.*, not 1, at a subgradient"),
    (SmallConjugate(), "Fenchel's inequality"),
    (LargeConjugate(), "value plus conjugate is not their product"),
    (LowAlphaMax(), "W is not 0 above alpha_max"),
    (Rotates(), "against is_rotation_invariant"),
    (Shifts(), "against is_shift_invariant"),
    (ForgetsShifts(), "is always the same, against is_shift_invariant"),
    (AnyColumns([1.0, 2.0, 0.5]), "set over_tasks = True"),
    (NotForTasks([1.0, 2.0, 0.5]), r"for_tasks\(\[0\]\) fails"),
    (FirstTasks([1.0, 2.0, 0.5]), r"for_tasks\(\[1\]\) is of another task"),
    (WrongOrder(), r"is prox_order right\?"),
    (NormOfNone(), "not that of a norm: derive from Atom"),
    (Squared(), "not that of a norm: derive from Atom"),
    (Positive(), "the prox of positive entries is not, against allows_positive"),
    (NoWeight([0, 1, 0, 1]), "weight is no parameter of __init__"),
    (AnyWeight(), "check lets a weight of -1.0 pass"),
    (Indefinite(), "value is -.*, below 0"),
    (WrongEigenvalues(), "eigenvalues are not those of matrix"),
    (NoCovariance(), "task_covariance is no covariance"),
    (local(), "cannot be pickled"),
    (0.0 * L1(), "give it a positive weight"),
    ("l1", "is not derived from Penalty"),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("penalty", "message"), WRONG, ids=lambda x: type(x).__name__)
def test_what_is_wrong_is_found(penalty, message):
    with pytest.raises(AssertionError, match=message):
        check_penalty(penalty)


def test_an_atom_without_its_methods_is_none():
    with pytest.raises(TypeError, match="abstract"):
        Atom()
