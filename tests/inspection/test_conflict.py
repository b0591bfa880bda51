"""Cosines are those of gradients by hand, and looking at them changes nothing."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskLinear, MultiTaskMLP
from skmtl.datasets import make_multitask_mixed, make_multitask_regression
from skmtl.inspection import gradient_conflict
from skmtl.inspection._gradients import train_with
from skmtl.neural.training._probe import CosineProbe, LookAheadProbe

from .gradients import cosines, record

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NETWORK = MultiTaskMLP((6, 5), batch_size=20, max_iter=3, tol=1.0, random_state=0)


@pytest.fixture
def data():
    X, y = make_multitask_mixed(
        50, n_regression=2, n_binary=1, n_multiclass=1, n_count=1, missing=0.3, random_state=0
    )
    y[:, 1] = np.nan
    y[7, 1] = 1.5
    return X, y


def by_epoch(steps, n_steps):
    """Mean of what is known, epoch by epoch."""
    stacked = np.array(steps).reshape(-1, n_steps, *steps[0].shape)
    known = ~np.isnan(stacked)
    total = np.nansum(stacked, axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


@pytest.mark.parametrize("space", ["shared", "last_shared"])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"architecture": "mmoe"},
        {"head_hidden_layer_sizes": (3,), "dropout": 0.3, "balancing": "pcgrad"},
        {"solver": "sgd", "max_grad_norm": 0.5, "activation": "tanh"},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Task 1:UserWarning")
def test_cosines_of_every_step(space, change, data):
    network = clone(NETWORK).set_params(**change)
    steps = [cosines(step, space=space) for step in record(network, *data)]
    found = gradient_conflict(network, *data, every=1, space=space)
    np.testing.assert_allclose(found.cosine, by_epoch(steps, 3), rtol=1e-9, atol=1e-12)
    assert found.epochs.tolist() == [1, 2, 3]
    assert found.task_names == [0, 1, 2, 3, 4]
    # Task 1 has a label in one batch of each epoch, and its cosines come from there.
    np.testing.assert_allclose(found.cosine[:, 1, 1], 1.0)


@pytest.mark.filterwarnings("ignore:Task 1:UserWarning")
def test_every_epoch_is_looked_at(data):
    steps = [cosines(step) for step in record(NETWORK, *data)]
    for every, used in ((2, [0, 2]), (100, [0])):
        found = gradient_conflict(NETWORK, *data, every=every)
        epochs = [[steps[3 * epoch + k] for k in used] for epoch in range(3)]
        expected = by_epoch([step for epoch in epochs for step in epoch], len(used))
        np.testing.assert_allclose(found.cosine, expected, rtol=1e-9, atol=1e-12)


def test_representation(data):
    X, y = data
    found = gradient_conflict(NETWORK, X, y[:, [0, 2]], every=1, space="representation")
    assert (np.abs(found.cosine) <= 1 + 1e-9).all()
    shared = gradient_conflict(NETWORK, X, y[:, [0, 2]], every=1)
    assert not np.allclose(found.cosine, shared.cosine)


def test_long_form():
    X, y = make_multitask_regression(30, n_tasks=3, form="long", random_state=0)
    network = clone(NETWORK).set_params(task_feature=0)
    steps = [cosines(step) for step in record(network, X, y)]
    found = gradient_conflict(network, X, y, every=1)
    np.testing.assert_allclose(found.cosine, by_epoch(steps, 5), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"dropout": 0.5, "hidden_layer_sizes": (8,)},
        {"normalization": "batch"},
        {"architecture": "mmoe", "dropout": 0.2},
        {"architecture": "cross_stitch"},
        {"early_stopping": True, "learning_rate": "cosine"},
        {"balancing": "pcgrad"},
        {"balancing": "famo"},
        {"balancing": "graddrop"},
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [lambda: CosineProbe(1), lambda: LookAheadProbe(2)])
def test_a_fit_is_the_same_bit_by_bit(make, change, data):
    X, y = data
    y = y[:, [0, 2, 3, 4]]
    network = clone(NETWORK).set_params(**change)
    plain = clone(network).fit(X, y)
    before = torch.get_rng_state()
    watched = train_with(make(), network, X, y)
    assert torch.equal(before, torch.get_rng_state())
    assert plain._fitted.parameters.keys() == watched._fitted.parameters.keys()
    for name, array in plain._fitted.parameters.items():
        np.testing.assert_array_equal(array, watched._fitted.parameters[name], err_msg=name)
    np.testing.assert_array_equal(plain.loss_curve_, watched.loss_curve_)


def test_conflict_is_a_share_of_the_pairs(data):
    X, y = data
    y = pd.DataFrame(y[:, [0, 2, 3, 4]], columns=["a", "b", "c", "<d>"])
    found = gradient_conflict(make_pipeline(StandardScaler(), NETWORK), X, y, every=1)
    assert found.task_names == ["a", "b", "c", "<d>"]
    frame = found.to_frame()
    assert frame.columns.tolist()[:2] == [("a", "b"), ("a", "c")]
    assert frame.index.tolist() == [1, 2, 3]
    np.testing.assert_array_equal((frame < 0).mean(axis=1), found.share)


def test_weight_zero_is_unobserved(data):
    X, y = data
    y = y[:, [0, 2, 3, 4]]
    weight = np.where(np.isnan(y), 0.0, 1.0)
    other = np.where(np.isnan(y), 1.0, y)
    one = gradient_conflict(NETWORK, X, y)
    two = gradient_conflict(NETWORK, X, other, sample_weight=weight)
    np.testing.assert_array_equal(one.cosine, two.cosine)


@pytest.mark.parametrize(
    ("estimator", "options", "error", "match"),
    [
        (MultiTaskLinear(), {}, TypeError, "MultiTaskLinear is none; expected a MultiTaskMLP"),
        (GridSearchCV(NETWORK, {}), {}, TypeError, "GridSearchCV is none.*best_estimator_"),
        (NETWORK, {"every": 0}, ValueError, "'every' parameter of gradient_conflict"),
        (NETWORK, {"space": "all"}, ValueError, "space='all'; expected one of"),
        (
            clone(NETWORK).set_params(architecture="independent"),
            {},
            ValueError,
            "share no parameters",
        ),
        (
            clone(NETWORK).set_params(architecture="mmoe"),
            {"space": "representation"},
            ValueError,
            "needs one representation",
        ),
    ],
)
def test_errors(estimator, options, error, match, data):
    X, y = data
    with pytest.raises(error, match=match):
        gradient_conflict(estimator, X, y[:, [0, 2]], **options)


def test_the_text_has_the_pairs_that_point_apart_most_in_front(data):
    X, y = data
    found = gradient_conflict(NETWORK, X, y[:, [0, 2, 4]], every=1)
    sentence, heads, *lines = repr(found).splitlines()
    assert sentence == (
        f"Gradients of 3 tasks over 3 epochs: {found.share[-1]:.0%} of the pairs point apart in "
        "the last."
    )
    assert heads.split() == ["tasks", "mean", "cosine", "epochs", "apart"]
    upper = np.triu_indices(3, 1)
    cosines = found.cosine[:, *upper].mean(axis=0)
    pairs = [f"{i}, {j}" for i, j in zip(*upper, strict=True)]
    order = np.argsort(cosines)
    assert [line[:4] for line in lines] == [pairs[k] for k in order]
    apart = (found.cosine[:, *upper] < 0).sum(axis=0)
    assert [line.split()[-3:] for line in lines] == [[str(apart[k]), "of", "3"] for k in order]
