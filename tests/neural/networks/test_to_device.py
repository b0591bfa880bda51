"""Copies reach everything that training has learnt."""

import numpy as np
import torch

from skmtl.neural.balancing import FAMO, BalancingInfo, GradDrop
from skmtl.neural.networks._network import on_device


def test_a_copy_shares_nothing():
    losses, observed = torch.tensor([[1.0, 2.0]]), torch.ones(1, 2, dtype=bool)
    method = FAMO()
    method.start(BalancingInfo([0], [1, 2]))

    def steps(method):
        before = method.weights(losses, observed).clone()
        method.follow_up(losses * torch.tensor([0.5, 0.9]), observed)
        return before, method.weights(losses, observed)

    steps(method)
    other = on_device({"methods": [method]}, "cpu")["methods"][0]
    assert all(torch.equal(a, b) for a, b in zip(steps(method), steps(other), strict=True))
    assert other._logits is not method._logits


def test_tensors_move_wherever_they_are():
    method = FAMO()
    method.start(BalancingInfo([0], [1, 2]))
    method.weights(torch.tensor([[1.0, 2.0]]), torch.ones(1, 2, dtype=bool))
    weight = torch.nn.Parameter(torch.ones(2))
    product = weight * 2
    moved = on_device(
        {"a": (weight, product), "b": [method], "c": torch.nn.Linear(1, 1), "d": FAMO}, "meta"
    )
    assert [tensor.device.type for tensor in moved["a"]] == ["meta"] * 2
    assert moved["a"][0].requires_grad
    assert moved["b"][0]._logits.values.device.type == "meta"
    assert moved["c"].weight.device.type == "meta"
    assert moved["d"] is FAMO
    assert method._logits.values.device.type == "cpu"


def test_generators_go_on_where_they_are():
    method = GradDrop()
    method.start(BalancingInfo([0], [1, 2]))
    method._generators[0].random(3)
    other = on_device(method, "cpu")
    assert (method._generators[0].random(3) == other._generators[0].random(3)).all()
    assert other._generators[0] is not method._generators[0]
    assert (on_device(np.arange(3), "cpu") == np.arange(3)).all()
