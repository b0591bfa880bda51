"""A task from which nothing can be learnt changes no other: equal bits."""

import pickle

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from skmtl.inspection import gradient_conflict, task_affinity
from skmtl.neural.architectures import ARCHITECTURES, Cascade, SoftSharing
from skmtl.neural.balancing import BALANCING, Static

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning"),
]

TYPES = {"a": "regression", "b": "binary", "c": "multiclass", "d": "count"}
EMPTY = {
    "no number": ("regression", np.nan),
    "no class": ("binary", np.nan),
    "one class": ("binary", 1.0),
}


def problem(n=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    y = pd.DataFrame(
        {
            "a": X[:, 0],
            "b": (X[:, 1] > 0).astype(float),
            "c": np.digitize(X[:, 2], [-0.5, 0.5]).astype(float),
            "d": rng.poisson(np.exp(0.5 * X[:, 3])).astype(float),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.3)


def with_empty(y, *kinds):
    """y with such columns among the others, and the types of all."""
    y, types = y.copy(), dict(TYPES)
    for place, kind in enumerate(kinds):
        types[kind], value = EMPTY[kind]
        y.insert(2 * place, kind, value)
    return y, types


def fit(X, y, types=TYPES, **options):
    settings = {"max_iter": 3, "batch_size": 16, "learning_rate_init": 0.01, "random_state": 0}
    settings |= {"dropout": 0.1, "head_hidden_layer_sizes": (3,)}
    return MultiTaskMLP((6, 6), tasks=types, **{**settings, **options}).fit(X, y)


def assert_unchanged(X, y, *kinds, options=None, empty_options=None):
    options = options or {}
    reference = fit(X, y, **options)
    full, types = with_empty(y, *kinds)
    model = fit(X, full, types, **(empty_options or options))
    places = [list(full).index(name) for name in y]
    np.testing.assert_array_equal(model.predict(X)[:, places], reference.predict(X))
    np.testing.assert_array_equal(model.loss_curve_[:, places], reference.loss_curve_)
    np.testing.assert_array_equal(
        model.history_["task_weight"][:, places], reference.history_["task_weight"]
    )
    assert model.loss_curve_.shape == (model.n_iter_, full.shape[1])
    return model


kinds = pytest.mark.parametrize("kind", list(EMPTY))


@kinds
def test_every_architecture(architecture, kind):
    X, y = problem()
    model = assert_unchanged(X, y, kind, options={"architecture": architecture})
    predicted = model.predict(X)[:, 0]
    assert np.isnan(predicted).all() if kind == "no number" else (predicted == predicted[0]).all()
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))


@pytest.mark.parametrize("alias", sorted(BALANCING))
def test_every_balancing_method(alias):
    assert_unchanged(*problem(), *EMPTY, options={"balancing": alias})


@pytest.mark.parametrize(
    "options",
    [
        {"early_stopping": True, "max_iter": 8},
        {"task_weight": "labels"},
        {"task_weight": {"a": 3.0}},
        {"monitor": "b"},
        {"normalization": "batch"},
        {"solver": "sgd"},
    ],
    ids=str,
)
def test_every_setting(options):
    assert_unchanged(*problem(), *EMPTY, options={"architecture": "cross_stitch", **options})


SETTINGS_THAT_SPEAK_OF_TASKS = {
    # The empty tasks are 0, 2 and 4 of seven.
    "Static": (
        {"balancing": Static([1, 2, 3, 4])},
        {"balancing": Static([9, 1, 9, 2, 9, 3, 4])},
    ),
    "SoftSharing": (
        {"architecture": SoftSharing(to=np.ones((4, 4)) - np.eye(4), strength=1.0)},
        {"architecture": SoftSharing(to=np.ones((7, 7)) - np.eye(7), strength=1.0)},
    ),
    "Cascade": (
        {"architecture": Cascade({1: [0], 3: [1, 2]}, layers={0: 1})},
        {"architecture": Cascade({3: [1, 0], 6: [3, 5], 0: [1]}, layers={1: 1, 2: 0})},
    ),
    "Cascade, matrix and list": (
        {"architecture": Cascade(np.eye(4, k=-1), layers=[1, 2, 2, 1])},
        {
            "architecture": Cascade(
                {3: [1], 5: [3], 6: [5, 4]},
                layers=[0, 1, 0, 2, 0, 2, 1],
            )
        },
    ),
    "task_weight": ({"task_weight": [1, 2, 3, 4]}, {"task_weight": [9, 1, 9, 2, 9, 3, 4]}),
}


@pytest.mark.parametrize("name", list(SETTINGS_THAT_SPEAK_OF_TASKS))
def test_settings_that_speak_of_tasks(name):
    options, empty_options = SETTINGS_THAT_SPEAK_OF_TASKS[name]
    assert_unchanged(*problem(), *EMPTY, options=options, empty_options=empty_options)


@pytest.mark.parametrize("unknown_task", ["error", "shared"])
def test_long_form(architecture, unknown_task):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(80, 3)), rng.integers(4, size=80)])
    y = X[:, 0] * (1 + X[:, 3])
    options = {"architecture": architecture, "task_feature": 3, "unknown_task": unknown_task}
    options |= {"max_iter": 3, "batch_size": 16, "dropout": 0.1, "random_state": 0}
    some = X[:, 3] != 1
    alone = MultiTaskMLPRegressor((6,), **options).fit(X[some], y[some])
    beside = MultiTaskMLPRegressor((6,), **options).fit(X, np.where(some, y, np.nan))
    np.testing.assert_array_equal(beside.predict(X[some]), alone.predict(X[some]))
    assert np.isnan(beside.predict(X[~some])).all()
    assert beside.loss_curve_.shape[1] == 4
    np.testing.assert_array_equal(np.isnan(beside.loss_curve_[0]), [False, True, False, False])
    if unknown_task == "shared":
        new = np.array([[0.1, 0.2, 0.3, 9.0]])
        np.testing.assert_array_equal(beside.predict(new), alone.predict(new))


def test_weight_zero_is_as_good_as_no_label():
    X, y = problem()
    weight = np.ones(y.shape) * [1, 0, 1, 1]
    without = fit(X, y.drop(columns="b"), {k: t for k, t in TYPES.items() if k != "b"})
    predicted = without.predict(X)
    model = without.set_params(tasks=TYPES).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(model.predict(X)[:, [0, 2, 3]], predicted)


def test_the_loss_to_monitor_must_be_there():
    X, y = problem()
    full, types = with_empty(y, "one class")
    with pytest.raises(ValueError, match="monitor='one class': this task has no label in y"):
        fit(X, full, types, monitor="one class")
    with pytest.raises(ValueError, match=r"monitor='x'.*one of .*'one class'"):
        fit(X, full, types, monitor="x")


def test_probes_have_a_place_for_every_task():
    X, y = problem()
    full, types = with_empty(y, "no number")
    options = {"max_iter": 3, "tol": 0, "random_state": 0}
    model = MultiTaskMLP((6,), tasks=types, **options)
    other = MultiTaskMLP((6,), tasks=TYPES, **options)
    cosine = gradient_conflict(model, X, full).cosine
    assert np.isnan(cosine[:, 0]).all() and np.isnan(cosine[:, :, 0]).all()
    assert np.isfinite(cosine[:, 1:, 1:]).all()
    full = full[["a", "no number", "b", "c", "d"]]
    for method in ("tag", "grad_cosine"):
        affinity = task_affinity(model, X, full, method=method, every=1).affinity
        alone = task_affinity(other, X, y, method=method, every=1).affinity
        keep = [0, 2, 3, 4]
        np.testing.assert_array_equal(affinity[np.ix_(keep, keep)], alone)
        assert np.isnan(affinity[1]).all() and np.isnan(affinity[:, 1]).all()


def test_labels_may_come_later_with_partial_fit_and_warm_start():
    X, y = problem()
    y = y[["a", "b"]]
    first = y.assign(a=np.nan)
    model = MultiTaskMLP((6,), tasks=["regression", "binary"], random_state=0, max_iter=5)
    model.partial_fit(X, first).partial_fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    warm = MultiTaskMLP((6,), tasks=["regression", "binary"], random_state=0, max_iter=5)
    warm.set_params(warm_start=True).fit(X, first).fit(X, y)
    assert np.isfinite(warm.predict(X)).all()
    plain = warm.set_params(warm_start=False).fit(X, first)
    message = "Task 'a': no label in the first fit.*warm_start=False"
    for go_on in (plain.partial_fit, plain.set_params(warm_start=True).fit):
        with pytest.raises(ValueError, match=message):
            go_on(X, y)
        assert np.isnan(plain.predict(X)[:, 0]).all()
    # Without new labels it goes on.
    assert np.isfinite(plain.partial_fit(X, first).predict(X)[:, 1]).all()


def test_an_architecture_of_the_users_that_speaks_of_tasks_is_asked_for_all_of_them():
    class Mine(ARCHITECTURES["hard_sharing"]):
        alias = "mine"

        def __init__(self, of_each=()):
            self.of_each = of_each

        def build(self, spec):
            assert spec.n_tasks == len(self.of_each)
            return ARCHITECTURES["hard_sharing"]().build(spec)

    X, y = problem()
    full, types = with_empty(y, "no number")
    model = fit(X, full, types, architecture=Mine([1, 2, 3, 4, 5]))
    assert np.isfinite(model.predict(X)[:, 1:]).all()


def test_the_score_of_early_stopping_is_that_of_all_tasks():
    X, y = problem()
    y = pd.DataFrame({"one": 1, "b": y["b"]})
    model = MultiTaskMLPClassifier((6,), early_stopping=True, random_state=0).fit(X, y)
    assert 0.5 < model.best_validation_score_ <= 1
    assert (model.predict(X)[:, 0] == 1).all()
    assert (model.history_["validation_loss"][:, 0] == 0).all()


@pytest.mark.parametrize("kind", EMPTY)
def test_a_weight_above_zero_may_be_that_of_such_a_task(kind):
    X, y = problem()
    zeros = dict.fromkeys(TYPES, 0.0)
    # As in linear fits, the others have vanishing weights, and are learned.
    assert_unchanged(X, y, kind, empty_options={"task_weight": {**zeros, kind: 1.0}})
    with pytest.raises(ValueError, match="task_weight is 0 for every task"):
        fit(X, y, task_weight=zeros)


def test_weights_add_up_to_the_same_bits():
    X, y = problem()
    y = y.fillna(0.0)
    weight = np.random.default_rng(1).uniform(0.1, 3.0, size=len(X))
    full, types = with_empty(y, *EMPTY)
    settings = {"max_iter": 4, "random_state": 0}
    alone = MultiTaskMLP(tasks=TYPES, **settings).fit(X, y, sample_weight=weight)
    model = MultiTaskMLP(tasks=types, **settings).fit(X, full, sample_weight=weight)
    places = [list(full).index(name) for name in y]
    np.testing.assert_array_equal(model.loss_curve_[:, places], alone.loss_curve_)
    np.testing.assert_array_equal(model.predict(X)[:, places], alone.predict(X))
