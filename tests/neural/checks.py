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
