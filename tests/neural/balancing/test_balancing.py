"""Balancing methods: weights of the shared step, and what the loop asks of them."""

import numpy as np
import pytest
import torch

from skmtl import MultiTaskMLP
from skmtl.neural.balancing import BalancingInfo, Equal, LossBalancing
from tests.neural.conftest import MIXED

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class ByEpoch(LossBalancing):
    """Weights 1, 2, 3, ... times the number of finished epochs plus one; notes its calls."""

    alias = "by_epoch"

    def __init__(self, log=None):
        self.log = log

    def start(self, info):
        self.n_epochs_ = 0
        self.shape_ = (info.n_models, info.n_tasks)

    def weights(self, losses, observed):
        assert losses.shape == self.shape_
        assert not losses.requires_grad
        return torch.arange(1.0, losses.shape[1] + 1).to(losses).expand_as(losses) * (
            1 + self.n_epochs_
        )

    def end_epoch(self, losses):
        assert losses.shape == self.shape_
        self.n_epochs_ += 1


def test_weights_are_those_of_the_shared_gradient_only(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, MIXED)
    method = ByEpoch()
    method.start(BalancingInfo([0], range(4)))
    batch = made.rows.all()
    _, weights, found = made.step([1, 1, 0.5, 1], method)(batch)
    assert weights[0].tolist() == [1, 2, 1.5, 4]
    _, none, shared = made.step(weights[0])(batch)
    _, _, own = made.step([1, 1, 0.5, 1])(batch)
    assert none is None
    for (name, _), g, s, o in zip(made.module.named_parameters(), found, shared, own, strict=True):
        expected = s if name.startswith("trunk") else o
        np.testing.assert_allclose(g, expected, rtol=1e-12, atol=1e-15)


def test_the_loop_starts_a_clone_and_ends_its_epochs(mixed_data):
    X, Y = mixed_data
    method = ByEpoch()
    model = MultiTaskMLP(
        (4,), tasks=MIXED, balancing=method, max_iter=3, batch_size=7, random_state=0
    ).fit(X, Y)
    expected = np.outer([1, 2, 3], [1, 2, 3, 4])
    np.testing.assert_allclose(model.history_["task_weight"], expected)
    assert not hasattr(method, "n_epochs_")


def test_equal():
    assert Equal().weights(torch.rand(1, 3), torch.ones(1, 3, dtype=bool)).tolist() == [[1, 1, 1]]
