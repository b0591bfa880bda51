"""The decay of weights follows the noise of labels."""

import numpy as np
import pytest

from skmtl import MultiTaskMLP
from skmtl.neural.training._noise import unexplained
from skmtl.neural.training._setup import Fit
from skmtl.tasks._read_targets import read_targets


@pytest.mark.parametrize("solver", ["adam", "adamw"])
def test_alpha(solver):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(128, 4))
    y = X[:, 0] - X[:, 1] + 0.5 * rng.normal(size=128)
    model = MultiTaskMLP(solver=solver, learning_rate_init=0.02)
    fit = Fit(model, X, read_targets(y, declared="auto", standardize=True), 0)
    if solver == "adam":
        assert fit.alpha(128, 64) == 1e-4
        return
    found = unexplained(fit.inputs, fit.X, fit.targets)
    assert found.bends > 1
    noise = found.noise_to_signal * min(found.bends**8, 16)
    expected = (0.01 + (0.01 + 0.006) * noise) / 0.02
    assert fit.alpha(128, 64) == pytest.approx(expected)
    assert fit.alpha(128, 64, is_stream=True) == pytest.approx(0.01 / 0.02)
    model.set_params(alpha=0.3)
    assert fit.alpha(128, 64) == 0.3


def test_functions_of_small_differences_decay_less():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(128, 50)).cumsum(axis=1).cumsum(axis=1)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    differences = np.diff(X, 2, axis=1)[:, 20]
    y = differences / differences.std() + 0.1 * rng.normal(size=128)
    fit = Fit(MultiTaskMLP(), X, read_targets(y, declared="auto", standardize=True), 0)
    found = unexplained(fit.inputs, fit.X, fit.targets)
    # The best ridge is as weak as its features are alike.
    assert found.strength < 1e-3 and found.bends**8 > 16
    # Log 16 to the base 16 is 1.
    plain = (0.01 + (0.01 + 0.006) * found.noise_to_signal * 16) / 0.01
    assert fit.alpha(128, 64) == pytest.approx(plain * 1000 * found.strength)
