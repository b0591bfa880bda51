"""What every module of an architecture must satisfy, for any settings."""

import numpy as np
import torch

from skmtl.neural.architectures import NetworkSpec
from skmtl.neural.architectures._build import build_network

X = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 9, 5)))


def make(architecture, outputs=(1, 3, 2), seeds=(0,), keys=None, activation="tanh", **shape):
    """A module in float64, initialised; smooth by default, for finite differences."""
    shape = {"hidden_layer_sizes": (7, 6), "n_features": 5, **shape}
    n_features = shape.pop("n_features")
    spec = NetworkSpec(n_features, outputs, activation=activation, n_models=len(seeds), **shape)
    made = build_network(architecture, spec)
    made.initialize(seeds, range(len(outputs)) if keys is None else keys, activation)
    return made.double()


def same_scores(one, other, rtol=1e-12, X=X):
    """Two modules compute the same, wide."""
    np.testing.assert_allclose(one(X).detach(), other(X).detach(), rtol=rtol, atol=1e-14)


def copy_parameters(source, target, names):
    """Put parameters of one module into another under other names."""
    found, wanted = dict(source.named_parameters()), dict(target.named_parameters())
    with torch.no_grad():
        for name, other in names.items():
            wanted[other].copy_(found[name].reshape(wanted[other].shape))


def assert_gradients_are_right(module, X=X, task_index=None):
    """Every gradient agrees with finite differences, the penalty's included."""
    names = [name for name, _ in module.named_parameters()]

    def total(*values):
        raw = torch.func.functional_call(
            module, dict(zip(names, values, strict=True)), (X, task_index)
        )
        penalty = module.penalty()
        return raw.sin().sum() + (0 if penalty is None else penalty.sum())

    values = [p.detach().clone().requires_grad_() for p in module.parameters()]
    assert torch.autograd.gradcheck(total, values, eps=1e-6, atol=1e-6, rtol=1e-4)


def gradients_by_task(module, outputs, X=X):
    """For each task, the gradients of its loss for all parameters, by name."""
    raw = module(X).square()
    parameters = dict(module.named_parameters())
    found = []
    for scores in raw.split(list(outputs), -1):
        gradients = torch.autograd.grad(
            scores.sum(), list(parameters.values()), retain_graph=True, materialize_grads=True
        )
        found.append(dict(zip(parameters, gradients, strict=True)))
    return found


def assert_tasks_are_apart(module, outputs, X=X):
    """No number in a parameter of single tasks moves for two losses; each shared one does.

    So a label that is unobserved has no influence on what another task has for itself.
    """
    by_task = gradients_by_task(module, outputs, X)
    shared = {id(p) for p in module.shared_parameters()}
    for name, p in module.named_parameters():
        moves = torch.stack([gradients[name] != 0 for gradients in by_task])
        if id(p) in shared:
            assert moves.flatten(1).any(1).sum() > 1, name
        else:
            assert moves.sum(0).max() <= 1, name


def assert_long_is_wide(module, n_tasks, seed=1, X=X):
    """In long form a row gets what wide form gives its task, and the same gradients."""
    index = torch.from_numpy(np.random.default_rng(seed).integers(n_tasks, size=X.shape[:2]))
    wide = module(X).unflatten(-1, (n_tasks, -1))
    rows = index[:, :, None, None].expand(-1, -1, 1, wide.shape[-1])
    picked, long = wide.gather(2, rows)[:, :, 0], module(X, index)
    np.testing.assert_allclose(long.detach(), picked.detach(), rtol=1e-12)
    for a, b in zip(
        *(
            torch.autograd.grad(
                raw.square().sum(), list(module.parameters()), materialize_grads=True
            )
            for raw in (long, picked)
        ),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
