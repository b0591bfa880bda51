"""Row 37: what differs is found, however long it is."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from skmtl import MultiTaskMLPRegressor
from skmtl._same import is_same
from skmtl.neural import Checkpoint
from skmtl.neural.architectures import HardSharing, MMoE, SoftSharing
from skmtl.neural.training._callbacks import HAS_CALLBACKS
from tests.neural.conftest import PLAIN, load

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def graph(n=40, weight=1.0):
    """A ring whose edge in the middle has another weight."""
    a = np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)
    a[n // 2, n // 2 + 1] = a[n // 2 + 1, n // 2] = weight
    return a


def linear(value=0.0):
    module = torch.nn.Linear(40, 40)
    with torch.no_grad():
        for p in module.parameters():
            p.fill_(1.0)
        module.weight[20, 20] = value
    return module


class Trunk:
    def __init__(self, numbers):
        self.numbers, self.myself = numbers, self

    def __call__(self, n_features):
        return torch.nn.Identity()

    def __repr__(self):
        return "Trunk()"


LONG = np.arange(1200.0)
OTHER = LONG.copy()
OTHER[600] = np.nan
PAIRS = {
    "array": (LONG, OTHER),
    "list": (LONG.tolist(), OTHER.tolist()),
    "tuple in a dict": ({"a": tuple(LONG)}, {"a": tuple(OTHER)}),
    "keys": ({"a": 1}, {"b": 1}),
    "shape": (LONG, LONG.reshape(2, -1)),
    "length": (LONG.tolist(), LONG[:-1].tolist()),
    "Series": (pd.Series(LONG), pd.Series(OTHER)),
    "index": (pd.Series(LONG), pd.Series(LONG, index=OTHER)),
    "DataFrame": (pd.DataFrame(graph()), pd.DataFrame(graph(weight=2))),
    "sparse": (sparse.csr_array(graph()), sparse.csr_array(graph(weight=2))),
    "tensor": (torch.from_numpy(LONG), torch.from_numpy(OTHER)),
    "strings": (np.array(["a"] * 1200), np.array(["a"] * 600 + ["b"] + ["a"] * 599)),
    "objects": (np.array([None] * 1200), np.array([None] * 1199 + [1])),
    "architecture": (SoftSharing(to=graph()), SoftSharing(to=graph(weight=2))),
    "kind": (MMoE(), HardSharing()),
    "module": (HardSharing(trunk=linear()), HardSharing(trunk=linear(1.0))),
    "partial": (partial(np.add, LONG), partial(np.add, OTHER)),
    "function": (np.add, np.subtract),
    "class of numpy": (np.float64, np.float32),
    "object with a state": (Trunk(LONG), Trunk(OTHER)),
    "number": (1.0, 1.5),
    "nothing": (None, 0.0),
    "word": ("mmoe", "ple"),
}


@pytest.mark.parametrize("name", list(PAIRS))
def test_values_are_compared(name):
    one, other = PAIRS[name]
    assert not is_same(one, other)
    for value in (one, other):
        assert is_same(value, pickle.loads(pickle.dumps(value)))


def test_the_same_numbers_in_another_container():
    assert is_same([1, 2], (1.0, 2.0))
    assert is_same([[1, 2]], [[1, 2]])
    assert is_same(1, 1.0)
    assert is_same(float("nan"), np.nan)


@pytest.mark.skipif(not HAS_CALLBACKS, reason="callbacks of scikit-learn 1.9")
@pytest.mark.parametrize("name", ["architecture", "task_weight"])
def test_a_fit_does_not_go_on_with_others(name, tmp_path):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 3)), rng.normal(size=(50, 40))
    weight = np.ones(1200)
    weight[600] = 2.0
    before, now = {
        "architecture": (SoftSharing(to=graph()), SoftSharing(to=graph(weight=2))),
        "task_weight": (np.ones(1200), weight),
    }[name]
    if name == "task_weight":
        Y = rng.normal(size=(10, 1200))
        X = X[:10]
    path = tmp_path / "model.pkl"
    options = {**PLAIN, "max_iter": 2, "random_state": 0}
    model = MultiTaskMLPRegressor((4,), **options, **{name: before})
    model.set_callbacks(Checkpoint(path)).fit(X, Y)
    with pytest.raises(ValueError, match=f"but {name} has other values than before"):
        load(path).set_params(**{name: now}, warm_start=True, max_iter=3).fit(X, Y)
    load(path).set_params(warm_start=True, max_iter=3).fit(X, Y)
