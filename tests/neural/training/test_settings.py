"""Architectures and balancing methods from what a user may pass."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl._same import is_same
from skmtl.neural.architectures import HardSharing
from skmtl.neural.balancing import GradDrop, PCGrad, Weighting
from skmtl.neural.training._compare import differences
from skmtl.neural.training._settings import resolve
from tests.neural.conftest import MIXED, PLAIN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {**PLAIN, "hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}


def inverse(gramian):
    return 1 / np.sqrt(np.diag(gramian))


def test_a_function_of_the_gramian_is_a_method(mixed_data):
    X, Y = mixed_data

    def fit(balancing):
        model = clone(MultiTaskMLP(**SMALL, tasks=MIXED, balancing=balancing))
        return model.fit(X, Y)

    found, expected = fit(inverse), fit(Weighting(inverse))
    assert (found.history_["task_weight"] == expected.history_["task_weight"]).all()
    assert np.ptp(found.history_["task_weight"]) > 0
    assert found.balancing is inverse


def test_a_method_that_gives_directions(mixed_data):
    X, Y = mixed_data
    one, other = (
        MultiTaskMLP(**SMALL, tasks=MIXED, balancing=balancing).fit(X, Y)
        for balancing in ("graddrop", GradDrop())
    )
    assert (one.loss_curve_ == other.loss_curve_).all()


@pytest.mark.parametrize(
    ("parameter", "value"), [("balancing", PCGrad), ("architecture", HardSharing)]
)
def test_a_class_is_not_an_object(parameter, value):
    name = value.__name__
    message = rf"{parameter}={name} is a class; expected an object, {name}\(\)"
    with pytest.raises(ValueError, match=message):
        MultiTaskMLPRegressor(**{parameter: value}).fit(np.eye(4), np.eye(4))


def test_no_method_at_all():
    with pytest.raises(ValueError, match="The 'balancing' parameter of MultiTaskMLPRegressor"):
        MultiTaskMLPRegressor(balancing=3).fit(np.eye(4), np.eye(4))


def test_a_fresh_object_every_time():
    method = PCGrad()
    assert resolve("balancing", method) is not method


def test_a_function_is_the_same_at_another_address():
    def made():
        def trunk():
            return torch.nn.Linear(3, 2)

        return trunk

    one, other = made(), made()
    assert repr(one) != repr(other)
    assert is_same(one, other)
    assert is_same(HardSharing(trunk=one), HardSharing(trunk=other))
    assert not is_same(one, inverse)
    assert differences({"a": 1, "b": one}, {"a": 2, "b": other}) == "a was 1 and is 2"
