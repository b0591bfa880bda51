"""What bad input, faults and interruptions get: rows of the table of bad input, by number."""

import os
import signal
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from skmtl.neural.training import _loop
from tests.neural.conftest import MIXED, PLAIN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {**PLAIN, "hidden_layer_sizes": (6, 6), "max_iter": 15, "random_state": 0}


def raw(model, X):
    return model._raw(X, None)


@pytest.mark.parametrize(
    "y",
    [
        pd.DataFrame({"a": pd.array([1, 0, None, 1] * 10, dtype="Int64"), "b": range(40)}),
        pd.DataFrame({"a": pd.array([1, 0, None, 1] * 10, dtype="boolean"), "b": range(40)}),
        pd.DataFrame({"a": [1.0, 0.0, np.nan, 1.0] * 10, "b": range(40)}),
        pd.DataFrame({"a": pd.Series([1, 0, None, 1] * 10, dtype=object), "b": range(40)}),
        np.ma.masked_array(
            np.column_stack([[1, 0, 7, 1] * 10, range(40)]),
            np.column_stack([[0, 0, 1, 0] * 10, [0] * 40]),
        ),
    ],
    ids=["Int64", "boolean", "float", "object", "masked"],
)
def test_row_3_and_11_missing_labels_of_any_kind_are_alike(y):
    X = np.random.default_rng(0).normal(size=(40, 3))
    reference = np.column_stack([[1, 0, np.nan, 1] * 10, range(40)])
    expected = MultiTaskMLP(**SMALL).fit(X, reference)
    model = MultiTaskMLP(**SMALL).fit(X, y)
    # Names decide where a head starts; those of an array are positions.
    named = pd.DataFrame(reference, columns=model.task_names_in_)
    expected = MultiTaskMLP(**SMALL).fit(X, named) if hasattr(y, "columns") else expected
    assert (raw(model, X) == raw(expected, X)).all()
    assert model.tasks_[0].alias == "binary"


def test_rows_3_and_8_categories_and_one_class():
    X = np.random.default_rng(0).normal(size=(40, 3))
    Y = pd.DataFrame({"a": pd.Categorical(["x", None] * 20), "b": X[:, 0]})
    with pytest.warns(UserWarning, match="Task 'a': one observed class"):
        model = MultiTaskMLP(**SMALL).fit(X, Y)
    assert set(model.predict(X)[:, 0]) == {"x"}
    assert model.predict_proba(X)[0].shape == (40, 1)
    with pytest.warns(UserWarning, match="one observed class"):
        only = MultiTaskMLPClassifier(**SMALL).fit(X, np.ones(40))
    assert (only.predict(X) == 1).all()


def test_row_4_a_task_without_labels():
    X = np.random.default_rng(0).normal(size=(40, 3))
    Y = pd.DataFrame({"a": X[:, 0], "b": np.nan, "c": np.nan})
    with pytest.warns(UserWarning, match=r"'b', 'c'\): no observed label"):
        model = MultiTaskMLP(**SMALL, tasks={"c": "binary"}).fit(X, Y)
    predicted = model.predict(X)
    assert np.isnan(predicted[:, 1].astype(float)).all()
    assert (model.predict_proba(X)[2] == 0.5).all()
    alone = MultiTaskMLP(**SMALL).fit(X, Y[["a"]])
    np.testing.assert_allclose(predicted[:, 0].astype(float), alone.predict(X)[:, 0], rtol=1e-9)
    assert np.isnan(model.loss_curve_[:, 1:]).all()
    assert model.score(X, Y) == pytest.approx(alone.score(X, Y[["a"]]))


def test_row_5_a_single_label_is_not_validated():
    X = np.random.default_rng(0).normal(size=(40, 3))
    Y = np.column_stack([X[:, 0], np.full(40, np.nan)])
    Y[7, 1] = 3.0
    with pytest.warns(UserWarning, match="Task 1: one observed label"):
        model = MultiTaskMLPRegressor(**SMALL, early_stopping=True).fit(X, Y)
    assert np.isnan(model.history_["validation_loss"][:, 1]).all()
    assert np.isfinite(model.loss_curve_).all()


def test_row_7_no_label_anywhere():
    with pytest.raises(ValueError, match="no observed label"):
        MultiTaskMLP(**SMALL).fit(np.eye(3), np.full((3, 2), np.nan))


def test_row_12_one_dimension_in_one_dimension_out():
    X = np.random.default_rng(0).normal(size=(40, 3))
    assert MultiTaskMLP(**SMALL).fit(X, X[:, 0]).predict(X).shape == (40,)
    model = MultiTaskMLP(**SMALL).fit(X, X[:, 0] > 0)
    assert model.predict_proba(X).shape == (40, 2)
    assert model.predict(X).dtype == bool


def test_row_19_task_weight():
    X = np.random.default_rng(0).normal(size=(200, 3))
    Y = pd.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    for weight, message in (
        ({"c": 1}, "task_weight names the task 'c'"),
        ([1, -1], "task_weight of task 'b' is -1; expected >= 0"),
        ([1], r"task_weight has shape \(1,\); y has 2 tasks"),
        ([0, 0], "task_weight is 0 for every task"),
    ):
        with pytest.raises(ValueError, match=message):
            MultiTaskMLP(**SMALL, task_weight=weight).fit(X, Y)
    options = {**SMALL, "max_iter": 60, "learning_rate_init": 0.01}
    alone = MultiTaskMLP(**options).fit(X, Y[["a"]])
    beside = MultiTaskMLP(**options, task_weight={"b": 0}).fit(X, Y)
    for name, array in alone._fitted.parameters.items():
        if name.startswith("trunk"):
            np.testing.assert_allclose(
                beside._fitted.parameters[name], array, rtol=1e-7, atol=1e-10
            )
    assert (beside.loss_curve_[-1] < beside.loss_curve_[0]).all()
    np.testing.assert_allclose(beside.predict(X)[:, 0], alone.predict(X)[:, 0], rtol=1e-6)


def spoil(monkeypatch, at, value):
    """Let the parameters become ``value`` times as large within epoch ``at``."""
    original, epochs = _loop.run_epoch, []

    def run_epoch(run, *args):
        epochs.append(1)
        if len(epochs) == at:
            for p in run.module.parameters():
                p.data *= value
        return original(run, *args)

    monkeypatch.setattr(_loop, "run_epoch", run_epoch)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9], ids=["row 22", "row 22 inf", "row 23"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_22_and_23_a_loss_beyond_bounds(
    monkeypatch, mixed_data, architecture, value, early_stopping
):
    X, Y = mixed_data
    X, Y = X, pd.DataFrame(Y[:, :2], columns=["score", "yes"])
    options = {**SMALL, "architecture": architecture, "activation": "identity"}
    options["early_stopping"] = early_stopping
    reference = MultiTaskMLP(**{**options, "max_iter": 4}).fit(X, Y)
    spoil(monkeypatch, 5, value)
    message = r"loss of task '(score|yes)'.*epoch 5.*Lower learning_rate_init=0\.01"
    with pytest.warns(ConvergenceWarning, match=message):
        model = MultiTaskMLP(**options).fit(X, Y)
    assert model.diverged_
    assert model.n_iter_ == 4
    assert np.isfinite(model.loss_curve_).all()
    assert (raw(model, X) == raw(reference, X)).all()


def test_row_22_without_a_finite_epoch(monkeypatch, mixed_data, architecture):
    X, Y = mixed_data
    model = MultiTaskMLP(**SMALL, tasks=MIXED, architecture=architecture).fit(X, Y)
    before, state = raw(model, X), dict(vars(model))
    spoil(monkeypatch, 1, np.nan)
    with pytest.raises(ValueError, match=r"The loss of task 0 became .* in epoch 1"):
        model.fit(X, Y)
    assert vars(model) == state
    assert (raw(model, X) == before).all()


def test_row_22_really(mixed_data, architecture):
    X, Y = mixed_data
    options = {**SMALL, "tasks": MIXED, "architecture": architecture, "max_iter": 50}
    with pytest.warns(ConvergenceWarning, match="loss of task"):
        model = MultiTaskMLP(**options, learning_rate_init=1e3).fit(X, Y)
    assert model.diverged_
    assert np.isfinite(raw(model, X)).all()


@pytest.fixture
def interrupt(monkeypatch):
    """Makes a Ctrl-C come in the middle of an epoch.

    It arrives also where the tests run in the background, whose shell ignores or blocks it: if
    not even then, the test fails before it starts.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    original = _loop.batches

    def come(at):
        epochs = []

        def batches(*args):
            epochs.append(1)
            for batch in original(*args):
                yield batch
                if len(epochs) == at:
                    os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr(_loop, "batches", batches)

    try:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        yield come
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_row_24_ctrl_c_keeps_the_best_complete_epoch(
    monkeypatch, interrupt, mixed_data, architecture, early_stopping
):
    X, Y = mixed_data
    options = {**SMALL, "tasks": MIXED, "architecture": architecture, "batch_size": 20}
    options["early_stopping"] = early_stopping
    reference = MultiTaskMLP(**{**options, "max_iter": 6}).fit(X, Y)
    model = MultiTaskMLP(**options)
    interrupt(7)
    with (
        pytest.warns(UserWarning, match="interrupted; the best of its 6 complete epochs is kept"),
        pytest.raises(KeyboardInterrupt),
    ):
        model.fit(X, Y)
    assert model.interrupted_
    assert model.n_iter_ == 6
    assert (raw(model, X) == raw(reference, X)).all()
    assert model.loss_curve_.shape == (6, 4)
    monkeypatch.undo()
    assert not model.fit(X, Y).interrupted_


def test_row_24_without_a_complete_epoch(interrupt, mixed_data, architecture):
    X, Y = mixed_data
    model = MultiTaskMLP(**SMALL, tasks=MIXED, architecture=architecture)
    interrupt(4)
    with pytest.warns(UserWarning), pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    kept, before = raw(model, X), dict(vars(model))
    interrupt(1)
    # The interruption of the fit before is not taken for this one: nothing of it stays.
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:30, :3], Y[:30])
    assert vars(model) == before
    assert (raw(model, X) == kept).all()


def test_row_24_a_search_stops_too(interrupt, mixed_data, architecture):
    X, Y = mixed_data
    interrupt(8)
    model = MultiTaskMLP(**SMALL, tasks=MIXED, architecture=architecture)
    search = GridSearchCV(model, {"alpha": [0.1, 0.2]}, cv=3)
    with pytest.warns(UserWarning), pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)


def test_row_26_batches_without_labels_for_a_task(architecture):
    X = np.random.default_rng(0).normal(size=(60, 3))
    Y = np.column_stack([X[:, 0], np.where(np.arange(60) < 2, X[:, 1], np.nan)])
    model = MultiTaskMLPRegressor(**SMALL, architecture=architecture, batch_size=4).fit(X, Y)
    assert np.isfinite(model.loss_curve_).all()
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("first", [0, 20], ids=["no label at all", "none of some tasks"])
def test_row_26_gradients_are_those_of_the_tasks_with_labels(
    parts, mixed_data, architecture, first
):
    X, Y = mixed_data
    # The last rows have labels of all tasks: none is constant, and so left out of the network.
    Y[:20], Y[20:40, 2:] = np.nan, np.nan
    made = parts(X, Y, MIXED, architecture=architecture, hidden_layer_sizes=(6, 6))
    batch = made.rows.batch(torch.arange(first, first + 20)[None])
    found, _, gradients = made.step()(batch)
    assert (found[0, 2:] == 0).all()
    assert (found != 0).any().item() is (first > 0)

    module = made.module
    total = made.objective(module(batch.X), batch)[:, : 2 if first else 0].sum()
    penalty = module.penalty()
    if penalty is not None:
        total = total + penalty.sum()
    parameters = list(module.parameters())
    expected = torch.autograd.grad(total, parameters, materialize_grads=True)
    for (name, _), one, other in zip(module.named_parameters(), gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("n", [1, 2, 3, 41])
def test_rows_27_and_28_any_number_of_rows(architecture, n):
    X = np.random.default_rng(0).normal(size=(n, 3))
    options = {**SMALL, "architecture": architecture, "max_iter": 3, "tasks": "regression"}
    first_losses = []
    # The last of the batches of 20 has one row.
    for size in ("auto", 1, 20, 10**6):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = MultiTaskMLP(**options, batch_size=size).fit(X, X[:, :2])
            assert np.isfinite(model.predict(X)).all()
            # Without a move, an epoch has the same loss however the rows are cut.
            model.set_params(learning_rate_init=1e-300).fit(X, X[:, :2])
        first_losses.append(model.loss_curve_[0])
    for losses in first_losses:
        np.testing.assert_allclose(losses, first_losses[0], rtol=1e-12)


def test_row_28_the_split_leaves_every_task_and_class_in_training(architecture):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    Y = pd.DataFrame({"a": X[:, 0], "b": ["x"] * 28 + ["y", "z"], "c": np.nan})
    Y.loc[[3, 4], "c"] = 1.5
    options = {**SMALL, "architecture": architecture, "max_iter": 2, "early_stopping": True}
    for seed in range(5):
        options["random_state"] = seed
        model = MultiTaskMLP(**options, validation_fraction=0.9).fit(X, Y)
        assert np.isfinite(model.loss_curve_).all()
        assert model.classes_[1].tolist() == ["x", "y", "z"]


def test_row_28_no_row_can_be_held_out(architecture):
    with (
        pytest.warns(UserWarning, match="one observed label"),
        pytest.raises(ValueError, match=r"early_stopping=True needs rows.*Set early_stopping"),
    ):
        Y = np.array([[1.0, np.nan], [np.nan, 2.0]])
        model = MultiTaskMLPRegressor(**SMALL, architecture=architecture, early_stopping=True)
        model.fit(np.eye(2), Y)


def test_row_28_a_class_for_every_row_is_no_matter_of_early_stopping():
    # Labels are noise, of which rows held out are to say how much of the network counts.
    X = np.random.default_rng(0).normal(size=(40, 3))
    model = MultiTaskMLP((8,), max_iter=3, random_state=0).fit(X, [f"id{i}" for i in range(40)])
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("kind", ["float16", "int", "bool", "fortran", "reversed", "readonly"])
def test_row_32_any_form_of_x(kind):
    X = np.random.default_rng(0).integers(0, 2, size=(40, 3)).astype(float)
    Y = np.column_stack([X[:, 0] + 0.5 * X[:, 1], X[:, 2]])
    made = {
        "float16": lambda: X.astype(np.float16),
        "int": lambda: X.astype(int),
        "bool": lambda: X.astype(bool),
        "fortran": lambda: np.asfortranarray(X),
        "reversed": lambda: X[::-1].copy()[::-1],
        "readonly": lambda: np.frombuffer(X.tobytes()).reshape(X.shape),
    }[kind]()
    reference = MultiTaskMLP(**SMALL).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MultiTaskMLP(**SMALL).fit(made, Y)
    tolerance = 1e-3 if kind == "float16" else 0
    np.testing.assert_allclose(raw(model, X), raw(reference, X), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("device", ["cuda:99", "abacus", "", "meta", "privateuseone"])
def test_row_34_a_device_that_is_not_there(architecture, device):
    X = np.eye(4)
    model = MultiTaskMLPRegressor(**SMALL, architecture=architecture, device=device)
    with pytest.raises(ValueError, match=f"device='{device}' cannot be used.*'cpu' always is"):
        model.fit(X, X)
    assert not hasattr(model, "_fitted")


def test_a_model_of_an_accelerator_predicts_on_the_cpu(architecture):
    X = np.random.default_rng(0).normal(size=(20, 3))
    model = MultiTaskMLPRegressor(**SMALL, architecture=architecture).fit(X, X)
    expected = model.predict(X)
    model.device = "cuda:99"
    with pytest.warns(UserWarning, match="Predicting on the CPU"):
        assert (model.predict(X) == expected).all()


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_row_39_random_state(architecture, dropout):
    X = np.random.default_rng(0).normal(size=(30, 3))
    options = {**SMALL, "architecture": architecture, "dropout": dropout, "max_iter": 3}

    def fit(random_state):
        options["random_state"] = random_state
        return raw(MultiTaskMLPRegressor(**options).fit(X, X), X)

    assert (fit(5) == fit(5)).all()
    assert (fit(np.random.RandomState(5)) == fit(np.random.RandomState(5))).all()
    assert (fit(5) != fit(6)).any()
    state = np.random.get_state()[1].copy()
    assert (fit(None) != fit(None)).any()
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "towers"}, r"architecture='towers'; expected one of \[.*'hard_sharing'"),
        ({"balancing": "fair"}, r"balancing='fair'; expected one of \[.*'equal'"),
        ({"hidden_layer_sizes": (8, 0)}, r"hidden_layer_sizes=\(8, 0\): every size"),
        ({"head_hidden_layer_sizes": (2.5,)}, r"head_hidden_layer_sizes=\(2\.5,\): every size"),
        ({"alpha": -1.0}, "'alpha' parameter"),
        ({"dropout": 1.0}, "'dropout' parameter"),
        ({"activation": "sine"}, "'activation' parameter"),
    ],
)
def test_parameters_are_checked_at_fit(options, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskMLPRegressor(**options).fit(np.eye(4), np.eye(4))
