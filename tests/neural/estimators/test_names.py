"""Row P7: seeds go by the names of the tasks."""

import os
import subprocess
import sys
from enum import Enum

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural.networks._network import task_keys
from tests.neural.conftest import PLAIN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = pd.DataFrame(X[:, :3] + 0.1 * RNG.normal(size=(60, 3)), columns=["a", "b", "c"])


def fit(y, **options):
    settings = {**PLAIN, "max_iter": 5, "batch_size": 16, "random_state": 0}
    return MultiTaskMLP((6,), **{**settings, **options}).fit(X, y).predict(X)


@pytest.mark.parametrize("balancing", ["equal", "random_weights", "pcgrad"])
def test_columns_in_another_order_give_results_in_that_order(architecture, balancing):
    options = {"architecture": architecture, "balancing": balancing}
    there, back = fit(Y, **options), fit(Y[["c", "a", "b"]], **options)
    np.testing.assert_allclose(back, there[:, [2, 0, 1]], rtol=1e-6, atol=1e-9)


def test_another_name_is_another_start():
    there = fit(Y)
    assert not np.allclose(fit(Y.rename(columns={"a": "d"})), there)
    # In an array the position is the name.
    np.testing.assert_array_equal(fit(Y.to_numpy()), fit(Y.set_axis([0, 1, 2], axis=1)))
    assert not np.allclose(fit(Y.to_numpy()), fit(Y.set_axis(["0", "1", "2"], axis=1)))


@pytest.mark.parametrize("dtype", [int, float, np.int32, str, object])
def test_long_form_reads_one_name_from_every_container(dtype):
    index = np.arange(60) % 3
    frame = pd.DataFrame(X).assign(task=index.astype(dtype))
    frame.columns = [str(name) for name in frame.columns]
    # Heads start by the names of the tasks; what tasks add to a common head starts at zero.
    options = {**PLAIN, "architecture": "hard_sharing", "max_iter": 3, "random_state": 0}
    model = MultiTaskMLPRegressor((6,), task_feature="task", **options)
    found = model.fit(frame, X[:, 0]).predict(frame)
    whole = model.fit(frame.assign(task=index), X[:, 0]).predict(frame.assign(task=index))
    if dtype is str:
        assert not np.allclose(found, whole)
    else:
        np.testing.assert_array_equal(found, whole)


class Kind(Enum):
    ONE = 1


class Nameless:
    """No text of its own: its representation has its address."""


CODE = """
import numpy as np, pandas as pd
from skmtl.neural.networks._network import task_keys
names = np.empty(5, dtype=object)
names[:] = ["a", 1, ("a", 2), pd.Timestamp("2024-01-01"), None]
print(task_keys(names))
"""


def test_keys_are_the_same_in_every_process():
    names = np.empty(5, dtype=object)
    names[:] = ["a", 1, ("a", 2), pd.Timestamp("2024-01-01"), None]
    # Strings have other hashes there than here.
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    out = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert out.strip() == str(task_keys(names))


def test_keys_tell_names_apart_and_containers_alike():
    def key(name):
        names = np.empty(1, dtype=object)
        names[0] = name
        return task_keys(names)[0]

    different = ["1", 1, 1.5, "1.0", True, None, ("1",), (1,), b"1", Kind.ONE, "", " "]
    assert len({key(name) for name in different}) == len(different)
    for same in (np.int64(1), np.float32(1.0), 1.0, np.uint8(1)):
        assert key(same) == key(1)
    assert key(np.str_("a")) == key("a")
    assert key(np.bool_(True)) == key(True)
    assert key(Nameless()) == key(Nameless())
