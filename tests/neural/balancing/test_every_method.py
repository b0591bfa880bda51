"""What every balancing method owes, ours and those of strangers; and that a lack is noticed."""

import numpy as np
import pytest
import torch

from skmtl.neural.balancing import (
    BALANCING,
    MGDA,
    DualProj,
    Equal,
    GradDrop,
    GramianBalancing,
    LossBalancing,
    UPGrad,
    Weighting,
)
from skmtl.testing import check_balancing
from skmtl.testing._balancing import properties_of
from skmtl.testing._properties import check_one
from tests.strangers.my_balancing import ByLength, SignVote, Softmin, inverse_norms

METHODS = [method() for _, method in sorted(BALANCING.items())]
STRANGERS = [Weighting(inverse_norms), Softmin(), ByLength(), SignVote()]


@pytest.mark.parametrize(
    ("method", "name", "check"),
    [
        pytest.param(method, name, check, id=f"{type(method).__name__}: {name}")
        for method in METHODS + STRANGERS
        for name, check in properties_of(method).items()
    ],
)
def test_property(method, name, check):
    check_one(method, name, check)


@pytest.mark.parametrize("method", [UPGrad(), DualProj(), MGDA()])
def test_those_that_claim_it_raise_no_loss(method):
    check_balancing(method, raises_no_loss=True)


def test_a_function_is_checked_as_well():
    check_balancing(inverse_norms)


class First(GramianBalancing):
    """The first task alone counts, wherever it stands."""

    def weights(self, gramian):
        return np.eye(len(gramian))[0]


class Remembers(LossBalancing):
    """Weights grow from fit to fit."""

    def weights(self, losses, observed):
        self.n_calls = getattr(self, "n_calls", 0) + 1
        return torch.full_like(losses, float(self.n_calls))


class NotConstant(Equal):
    """Says that all weights are 1."""

    def weights(self, losses, observed):
        return 2 * super().weights(losses, observed)


class Absolute(GramianBalancing):
    """Goes by lengths in the unit of the losses."""

    def weights(self, gramian):
        return 1 / (1 + np.sqrt(np.diag(gramian)))


def of_rounding(gramian):
    """NaN for a task without gradient."""
    with np.errstate(divide="ignore"):
        return 1 / np.sqrt(np.diag(gramian))


class OneDropped(GradDrop):
    """A direction for all but the first entry's task."""

    def direction(self, model, jacobian, losses, observed):
        return jacobian[0]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (First(), r"First\(\) lacks a property: permuting tasks permutes weights"),
        (Remembers(), r"Remembers\(\) lacks a property: start forgets"),
        (NotConstant(), "is_constant is True, and weights are not all 1"),
        (Absolute(), "the unit of all losses does not turn the step"),
        (of_rounding, "weights are finite"),
        (OneDropped(), "permuting tasks changes nothing"),
    ],
)
def test_a_lack_is_named(method, message):
    with pytest.raises(AssertionError, match=message):
        check_balancing(method)


def test_it_must_be_of_some_kind():
    with pytest.raises(TypeError, match="is none of LossBalancing, GramianBalancing"):
        properties_of(3)


def test_a_claim_is_checked():
    with pytest.raises(AssertionError, match="to first order no loss rises"):
        check_balancing(Weighting(inverse_norms), raises_no_loss=True)


def test_what_a_method_raises_goes_through_with_a_note():
    with pytest.raises(ZeroDivisionError) as caught:
        check_balancing(Weighting(lambda gramian: np.ones(len(gramian)) * (1 // 0)))
    (note,) = caught.value.__notes__
    assert note.startswith("It was raised for Weighting(") and " by the check: " in note
