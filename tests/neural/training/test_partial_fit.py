"""partial_fit and warm_start: fits that go on."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from skmtl import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from skmtl.neural.architectures import ARCHITECTURES, Custom
from skmtl.neural.balancing import LossBalancing
from tests.neural.conftest import MIXED, PLAIN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {**PLAIN, "hidden_layer_sizes": (8,), "max_iter": 30, "random_state": 0}


def raw(model, X):
    return model._raw(X, None)


def test_one_pass_over_all_rows_is_one_epoch_of_fit(mixed_data):
    X, Y = mixed_data
    options = {**SMALL, "tasks": MIXED, "max_iter": 1, "batch_size": 100}
    part, whole = MultiTaskMLP(**options).partial_fit(X, Y), MultiTaskMLP(**options).fit(X, Y)
    np.testing.assert_allclose(raw(part, X), raw(whole, X), rtol=1e-12)
    np.testing.assert_allclose(part.loss_curve_, whole.loss_curve_, rtol=1e-12)


def test_passes_are_epochs_moments_included(mixed_data):
    X, Y = mixed_data
    options = {**SMALL, "tasks": MIXED, "max_iter": 6, "batch_size": 100}
    whole = MultiTaskMLP(**options).fit(X, Y)
    part = MultiTaskMLP(**options)
    for _ in range(6):
        # In between, it may be pickled.
        part = pickle.loads(pickle.dumps(part.partial_fit(X, Y)))
    assert part.n_iter_ == 6
    np.testing.assert_allclose(raw(part, X), raw(whole, X), rtol=1e-9)
    np.testing.assert_allclose(part.loss_curve_, whole.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("balancing", ["dwa", "famo", "uncertainty", "random_weights", "graddrop"])
def test_a_balancing_method_goes_on(mixed_data, balancing):
    X, Y = mixed_data
    options = {**SMALL, "tasks": MIXED, "max_iter": 6, "batch_size": 100, "balancing": balancing}
    whole = MultiTaskMLP(**options).fit(X, Y)
    plain = MultiTaskMLP(**{**options, "balancing": "equal"}).fit(X, Y)
    assert (raw(plain, X) != raw(whole, X)).any()
    part = MultiTaskMLP(**options)
    for _ in range(6):
        part = pickle.loads(pickle.dumps(part.partial_fit(X, Y)))
    np.testing.assert_allclose(raw(part, X), raw(whole, X), rtol=1e-8, atol=1e-10)


class Counting(LossBalancing):
    """Weights are the number of calls since the start."""

    def __init__(self, unit=1.0, log=None):
        self.unit, self.log = unit, log

    def start(self, info):
        self.n_calls_ = 0
        if self.log is not None:
            self.log(info.task_types)

    def weights(self, losses, observed):
        self.n_calls_ += 1
        return torch.full_like(losses, self.unit * self.n_calls_)


def test_a_balancing_method_starts_once(mixed_data):
    X, Y = mixed_data
    started = []
    options = {**SMALL, "tasks": MIXED, "batch_size": 100}
    model = MultiTaskMLP(**options, balancing=Counting(log=started.append))
    for _ in range(3):
        model.partial_fit(X, Y)
    assert started == [MIXED]
    assert model.history_["task_weight"][:, 0].tolist() == [1, 2, 3]
    # A call that fails changes nothing.
    with pytest.raises(ValueError, match="became infinite"):
        model.set_params(learning_rate_init=1e300, batch_size=10).partial_fit(X, Y)
    model.set_params(**options).set_params(learning_rate_init=1e-3).partial_fit(X, Y)
    assert model.history_["task_weight"][:, 0].tolist() == [1, 2, 3, 4]
    # Another method, or other parameters of it: from the start.
    for change in ({"balancing__unit": 2.0}, {"balancing": Counting()}):
        model = MultiTaskMLP(**options, balancing=Counting()).partial_fit(X, Y).partial_fit(X, Y)
        model.set_params(**change).partial_fit(X, Y)
        expected = [1, 2, 2] if "balancing__unit" in change else [1, 2, 3]
        assert model.history_["task_weight"][:, 0].tolist() == expected


def test_task_types_in_long_form():
    started = []
    X = np.column_stack([np.arange(12) % 3, np.arange(12.0)])
    method = Counting(log=started.append)
    MultiTaskMLPRegressor(**SMALL, task_feature=0, balancing=method).partial_fit(X, X[:, 1])
    assert started == [["regression"] * 3]


def test_another_solver_starts_its_own_moments(mixed_data):
    X, Y = mixed_data
    model = MultiTaskMLP(**SMALL, tasks=MIXED).partial_fit(X, Y)
    model.set_params(solver="sgd").partial_fit(X, Y)
    assert model._fitted.stream.learnt["optimizer"]["n_steps"] == 1
    model.partial_fit(X, Y)
    assert model._fitted.stream.learnt["optimizer"]["n_steps"] == 2


def test_learns_from_chunks():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 4))
    Y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 2]])
    Y[rng.random(Y.shape) < 0.3] = np.nan
    model = MultiTaskMLP(
        (32,),
        tasks=["regression", "binary"],
        learning_rate_init=5e-3,
        random_state=0,
        batch_size=50,
    )
    for _ in range(10):
        for start in range(0, 1500, 300):
            model.partial_fit(X[start : start + 300], Y[start : start + 300])
    assert model.score(X[1500:], Y[1500:]) > 0.75
    assert model.loss_curve_.shape == (50, 2)


def test_a_label_counts_by_the_labels_of_its_task_so_far():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    Y[1:20, 1] = np.nan
    model = MultiTaskMLPRegressor(**SMALL)
    with pytest.warns(UserWarning, match="one observed label"):
        model.partial_fit(X[:20], Y[:20])
    model.partial_fit(X[20:], Y[20:])
    assert model._fitted.stream.n_rows == 40
    assert model._fitted.stream.weight.tolist() == [40, 21]


def test_classes_can_be_declared():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = pd.DataFrame({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "yes", "no")})
    first = Y["b"] == "no"
    model = MultiTaskMLP(**SMALL)
    with pytest.warns(UserWarning, match="one observed class"):
        model.partial_fit(X[first], Y[first])
    message = r"Task 'b': label 'yes' was not seen in fit.*partial_fit\(X, y, classes=\.\.\.\)"
    before = raw(model, X)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, Y)
    assert (raw(model, X) == before).all()
    model = MultiTaskMLP(**SMALL).partial_fit(X[first], Y[first], classes=[None, ["no", "yes"]])
    model.partial_fit(X, Y)
    assert model.classes_[1].tolist() == ["no", "yes"]
    single = MultiTaskMLPClassifier(**SMALL).partial_fit(
        X[first], Y["b"][first], classes=["no", "yes"]
    )
    assert set(single.partial_fit(X, Y["b"]).predict(X)) <= {"no", "yes"}


def test_first_labels_that_come_late_set_location_and_scale():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    Y = np.column_stack([X[:, 0], 1e4 + 1e3 * X[:, 1]])
    early = Y[:100].copy()
    early[:, 1] = np.nan
    model = MultiTaskMLPRegressor((16,), learning_rate_init=0.02, random_state=0)
    with pytest.warns(UserWarning, match="Task 1: no observed label"):
        model.partial_fit(X[:100], early)
    assert np.isnan(model.predict(X)[:, 1]).all()
    assert model.score(X[:100], Y[:100]) == model.score(X[:100], early)
    for _ in range(60):
        model.partial_fit(X[100:], Y[100:])
    assert model.tasks_[1].location_ == pytest.approx(Y[100:, 1].mean())
    assert model.score(X, Y) > 0.9


@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - {"custom"}))
def test_new_tasks_of_the_long_form(architecture):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(90) % 3 * 10, rng.normal(size=(90, 2))])
    y = X[:, 1] + X[:, 0] / 10
    options = {**SMALL, "architecture": architecture, "task_feature": 0}
    model = MultiTaskMLPRegressor(**options).partial_fit(X, y).partial_fit(X, y)
    before, known = model.predict(X), pickle.loads(pickle.dumps(model))
    X_new = X.copy()
    X_new[:, 0] = np.where(X[:, 0] == 10, 5, 15)
    # No label yet: what they have is the mean of the others, whose predictions stay.
    model.partial_fit(X_new, np.full(90, np.nan))
    assert model.task_names_in_.tolist() == [0, 5, 10, 15, 20]
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-5, atol=1e-6)
    assert model.history_["loss"].shape == (2, 5)
    assert model.history_["n_labels"].shape == (3, 5)
    model.partial_fit(X_new, y).partial_fit(X_new, y)
    found = model.predict(X_new)
    assert np.isfinite(found).all()
    assert len(model.tasks_) == 5
    again = known.partial_fit(X_new, y).partial_fit(X_new, y)
    np.testing.assert_allclose(again.predict(X_new), found, rtol=1e-2, atol=1e-2)
    assert (pickle.loads(pickle.dumps(model)).predict(X_new) == found).all()


def test_a_new_task_is_learned_and_then_has_a_line_of_its_own():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(300) % 3, rng.normal(size=(300, 2))])
    y = X[:, 1] * (1 + X[:, 0])
    model = MultiTaskMLPRegressor(
        (16,), learning_rate_init=0.02, task_feature=0, architecture="hard_sharing", random_state=0
    )
    for _ in range(30):
        model.partial_fit(X, y)
    X_new = X.copy()
    X_new[:, 0] = 7
    for _ in range(60):
        model.partial_fit(np.vstack([X, X_new]), np.r_[y, -X[:, 1]])
    assert np.corrcoef(model.predict(X_new), -X[:, 1])[0, 1] > 0.95
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.95


def test_new_tasks_after_fit_and_with_warm_start():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(90) % 3, rng.normal(size=(90, 2))])
    # Nothing is known of task 1, which has no place in the network.
    y = np.where(X[:, 0] == 1, np.nan, X[:, 1])
    with pytest.warns(UserWarning, match="Task 1: no observed label"):
        model = MultiTaskMLPRegressor(**SMALL, task_feature=0, warm_start=True).fit(X, y)
    X[X[:, 0] == 2, 0] = 7
    y = X[:, 1]
    model.fit(X[X[:, 0] != 1], y[X[:, 0] != 1])
    assert model.task_names_in_.tolist() == [0, 1, 2, 7]
    assert np.isfinite(model.predict(X)[X[:, 0] == 7]).all()


def test_new_tasks_where_scores_are_shrunk():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(150) % 3 * 10, rng.normal(size=(150, 2))])
    y = 0.3 * X[:, 1] + X[:, 0] / 20 + rng.normal(size=150)
    model = MultiTaskMLPRegressor((6,), task_feature=0, max_iter=20, random_state=0).fit(X, y)
    shrinkage = model._fitted.shrinkage
    assert shrinkage is not None
    before = model.predict(X)
    X_new = X.copy()
    X_new[:, 0] = 15
    model.partial_fit(X_new, np.full(150, np.nan))
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-5, atol=1e-6)
    # A new task begins at the mean of the others, in this as well.
    grown = model._fitted.shrinkage
    np.testing.assert_allclose(grown.factor[2], np.mean(shrinkage.factor, axis=0))
    np.testing.assert_allclose(grown.origin[2], np.mean(shrinkage.origin, axis=0), atol=1e-12)


def test_new_tasks_that_a_network_cannot_take():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(60) % 3, rng.normal(size=(60, 2))])
    model = MultiTaskMLPRegressor(**SMALL, task_feature=0).partial_fit(X, X[:, 1])
    before = model.predict(X)
    with pytest.raises(ValueError, match="The task feature is missing in 1 rows"):
        model.partial_fit(np.vstack([X, [[np.nan, 0, 0]]]), np.zeros(61))
    table = pd.DataFrame(X, columns=["t", "a", "b"])
    model = MultiTaskMLPRegressor(**SMALL, task_feature="t").partial_fit(table, X[:, 1])
    with pytest.raises(ValueError, match="write all of them as numbers, or as strings"):
        model.partial_fit(table.assign(t="south"), X[:, 1])
    assert (model.predict(table) == before).all()


class Growing(torch.nn.Module):
    """A network with a number for each pair of neighbours, or with a layer that comes later."""

    def __init__(self, n_features, outputs_per_task, has_pairs):
        super().__init__()
        n = len(outputs_per_task)
        self.heads = torch.nn.Linear(n_features, n)
        self.pairs = torch.nn.Parameter(torch.zeros(n - 1 if has_pairs else 1))
        if not has_pairs and n > 3:
            self.later = torch.nn.Parameter(torch.zeros(1))

    def forward(self, X):
        return self.heads(X) + self.pairs.sum()


@pytest.mark.parametrize("has_pairs", [True, False])
def test_a_network_that_does_not_say_whose_its_parameters_are(has_pairs):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(60) % 3, rng.normal(size=(60, 2))])
    network = Custom(partial(Growing, has_pairs=has_pairs))
    model = MultiTaskMLPRegressor(**SMALL, architecture=network, task_feature=0)
    before = model.partial_fit(X, X[:, 1]).predict(X)
    X_new = X.copy()
    X_new[:, 0] = 7
    name = "pairs" if has_pairs else "later"
    with pytest.raises(ValueError, match=f"cannot take further tasks: nobody knows .*{name}"):
        model.partial_fit(X_new, X[:, 1])
    assert (model.predict(X) == before).all()


def test_chunks_without_labels_have_no_effect(mixed_data):
    X, Y = mixed_data
    model = MultiTaskMLP(**SMALL, tasks=MIXED).partial_fit(X, Y)
    before = raw(model, X)
    model.partial_fit(X, np.full_like(Y, np.nan))
    assert (raw(model, X) == before).all()
    assert model.n_iter_ == 1


def test_partial_fit_refuses_early_stopping(mixed_data):
    with pytest.raises(ValueError, match="does not support early_stopping"):
        MultiTaskMLP(**SMALL, early_stopping=True).partial_fit(*mixed_data)


def test_partial_fit_goes_on_from_fit(mixed_data):
    X, Y = mixed_data
    model = MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y)
    loss = model.loss_curve_[-1].sum()
    model.partial_fit(X, Y)
    assert model.n_iter_ == 31
    assert model.loss_curve_[-1].sum() < loss
    model.fit(X, Y)
    assert model.n_iter_ == 30


def test_class_weights_hold_in_later_calls():
    from skmtl.tasks import Binary

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), np.r_[np.zeros(40), np.ones(10)]
    model = MultiTaskMLP(**SMALL, tasks=Binary(class_weight={1: 0.0}))
    model.partial_fit(X, y)
    model.partial_fit(X, y)
    assert model._fitted.stream.n_rows == 80


def test_warm_start_goes_on(mixed_data):
    X, Y = mixed_data
    model = MultiTaskMLP(**SMALL, tasks=MIXED, warm_start=True).fit(X, Y)
    first = model.loss_curve_
    model.fit(X, Y)
    assert model.loss_curve_[0].sum() < first[0].sum()
    assert model.loss_curve_[-1].sum() < first[-1].sum()
    assert model.n_iter_ == 30


def test_warm_start_names_the_difference(mixed_data):
    X, Y = mixed_data
    model = MultiTaskMLP(**SMALL, tasks=MIXED, warm_start=True).fit(X, Y)
    before = raw(model, X)
    with pytest.raises(ValueError, match="X has 3 features, but MultiTaskMLP is expecting 4"):
        model.fit(X[:, :3], Y)
    with pytest.raises(ValueError, match="y has 3 tasks, but the estimator was fitted with 4"):
        model.fit(X, Y[:, :3])
    with pytest.raises(ValueError, match=r"Task 2: label 5.0 was not seen"):
        model.fit(X, np.where(np.arange(4) == 2, 5, Y))
    with pytest.raises(ValueError, match=r"hidden_layer_sizes was \(8,\) and is \(9,\)"):
        model.set_params(hidden_layer_sizes=(9,)).fit(X, Y)
    with pytest.raises(ValueError, match="no observed label"):
        model.set_params(hidden_layer_sizes=(8,)).fit(X, np.full_like(Y, np.nan))
    assert (raw(model, X) == before).all()
