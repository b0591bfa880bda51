"""Networks on a device that is not the CPU: nothing is read, or met, where it is not.

In a process of its own (`test_elsewhere.py`): torch learns of a device only before its first
backward pass.
"""

import pickle

import numpy as np
import pytest
import torch
from scipy import sparse

from skmtl import MultiTaskMLP, MultiTaskMLPCV
from skmtl.inspection import task_affinity
from skmtl.model_selection import StackedGridSearchCV
from skmtl.neural.balancing import BALANCING
from skmtl.sources import ArraySource
from tests.neural.elsewhere import NAME, Device, register

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.column_stack([X[:, 0] * X[:, 1], X[:, 2] > 0, X[:, 1] - X[:, 3]]).astype(float)
Y[RNG.random(Y.shape) < 0.3] = np.nan
LONG = np.column_stack([X, np.arange(60) % 3])
SMALL = {
    "hidden_layer_sizes": (6, 6),
    "max_iter": 2,
    "batch_size": 25,
    "dropout": 0.3,
    "random_state": 0,
}
WIDE = {**SMALL, "tasks": ["regression", "binary", "regression"]}


@pytest.fixture(autouse=True, scope="module")
def device():
    if not register():
        pytest.skip("this torch cannot be told of a device by Python")
    with Device():
        yield


def same(make, fit=lambda model: model.fit(X, Y), predict=lambda model: model.predict(X)):
    """The same is learnt there as here."""
    here, there = (predict(fit(make(device=device))) for device in ("cpu", NAME))
    np.testing.assert_allclose(there, here, rtol=1e-7, atol=1e-9)


def wide(**options):
    return lambda **device: MultiTaskMLP(**{**WIDE, **options}, **device)


def test_the_device_is_another():
    here, there = torch.ones(3), torch.ones(3, device=NAME)
    assert there.device.type == NAME and not there.is_cpu
    for mixed in (lambda: here + there, lambda: there.mul_(here), lambda: here @ there):
        with pytest.raises(RuntimeError, match="different devices"):
            mixed()
    with pytest.raises(RuntimeError, match="not supported"):
        there.numpy()
    assert (there.cpu().numpy() == 1).all() and float(there.sum()) == 3


def test_every_architecture(architecture):
    if architecture != "custom":
        same(wide(architecture=architecture, head_hidden_layer_sizes=(3,)))


def test_every_architecture_in_long_form(architecture):
    same(
        lambda **device: MultiTaskMLP(**SMALL, architecture=architecture, task_feature=4, **device),
        lambda model: model.fit(LONG, X[:, 0]),
        lambda model: model.predict(LONG),
    )


@pytest.mark.parametrize("balancing", BALANCING)
def test_every_balancing_method(balancing):
    same(wide(balancing=balancing))


@pytest.mark.parametrize(
    "options",
    [
        {"early_stopping": True, "max_iter": 9},
        {"early_stopping": True, "validation_fraction": 0.4},
        {"normalization": "batch"},
        {"normalization": "layer"},
        {"numeric_embedding": "periodic"},
        {"solver": "sgd", "max_grad_norm": 0.1},
        {"learning_rate": "plateau"},
        {"dropout": "auto", "batch_size": "auto"},
        {"precision": "float32"},
    ],
    ids=str,
)
def test_other_settings(options):
    make = wide(**options)
    if options.get("precision") == "float32":
        here, there = (make(device=device).fit(X, Y).predict(X) for device in ("cpu", NAME))
        np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-4)
    else:
        same(make)


def fit_stream(model):
    for rows in (slice(30), slice(30, 60)):
        model.partial_fit(X[rows], Y[rows], classes={1: [0.0, 1.0]})
    return model


@pytest.mark.parametrize(
    "fit",
    [
        fit_stream,
        lambda model: model.set_params(warm_start=True).fit(X, Y).fit(X, Y),
        lambda model: model.fit(sparse.csr_array(X), Y),
        lambda model: model.fit(ArraySource(X, Y)),
        lambda model: model.fit(X, Y, sample_weight=np.arange(60.0) % 4),
        lambda model: model.fit(X, Y).add_task(X, X[:, 0], n_epochs=1),
        lambda model: pickle.loads(pickle.dumps(model.fit(X, Y))),
        lambda model: pickle.loads(pickle.dumps(model.fit(X, Y))).set_params(device="cpu"),
        lambda model: StackedGridSearchCV(model, {"alpha": [0.0, 0.1]}, cv=2).fit(X, Y),
    ],
    ids=[
        "stream",
        "warm",
        "sparse",
        "source",
        "weights",
        "add_task",
        "pickle",
        "to the CPU",
        "search",
    ],
)
def test_other_ways_to_fit(fit):
    same(wide(), fit)


def test_labels_that_know_of_each_other():
    times = np.column_stack([np.exp(X[:, 0]), X[:, 1]])
    same(
        lambda **device: MultiTaskMLP(**SMALL, tasks=["cox", "regression"], **device),
        lambda model: model.fit(X, times),
    )


def test_a_blend():
    grid = {"max_iter": [2], "dropout": [0.0, 0.3], "batch_size": [25]}
    options = {"hidden_layer_sizes": (6,), "cv": 2, "random_state": 0}
    here, there = (
        MultiTaskMLPCV(grid, **options, device=device).fit(X, Y).predict(X)
        for device in ("cpu", NAME)
    )
    np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-4)


def test_gradients_that_are_watched():
    affinities = [
        task_affinity(wide()(device=device), X, Y, method=method, every=1).affinity
        for method in ("grad_cosine", "tag")
        for device in ("cpu", NAME)
    ]
    np.testing.assert_allclose(affinities[0], affinities[1], atol=1e-9)
    np.testing.assert_allclose(affinities[2], affinities[3], atol=1e-9)


def test_what_it_has_learnt_predicts_a_row_and_says_what_heads_read():
    same(wide(), predict=lambda model: model.predict(X[:1]))
    same(wide(), predict=lambda model: model.transform(X))


def test_the_script_for_a_machine_with_a_gpu(capsys):
    gpu = pytest.importorskip("benchmarks.gpu", reason="the scripts are not installed")
    assert gpu.main(["--device", "cpu", "--tiny"]) == 0
    printed = capsys.readouterr().out
    assert printed.count(" good") == len(gpu.CHECKS)
    assert "MMoE" in printed


def test_the_script_goes_on_where_a_case_cannot_run(capsys):
    gpu = pytest.importorskip("benchmarks.gpu", reason="the scripts are not installed")
    assert gpu.steps("nowhere", tiny=True, markdown=False) == 4
    assert capsys.readouterr().out.count("device='nowhere' cannot be used") == 4
