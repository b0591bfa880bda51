"""A network that has diverged is never what a fit keeps."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural import Checkpoint
from skmtl.neural.training._callbacks import HAS_CALLBACKS
from skmtl.neural.training._progress import Progress
from tests.neural.conftest import MIXED, PLAIN, load

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*worse than a constant"),
]


def problem(n=150):
    """A product, which takes a network, and a line."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    return X, np.column_stack([X[:, 0] * X[:, 1], X[:, 2] + 0.1 * rng.normal(size=n)])


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("batch_size", [200, 16])
@pytest.mark.parametrize("max_iter", [1, 2, 50])
@pytest.mark.parametrize("learning_rate_init", [1.0, 30.0, 1e6])
@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
def test_what_is_kept_is_no_worse_than_a_constant(
    solver, learning_rate_init, max_iter, batch_size, early_stopping
):
    X, y = problem()
    model = MultiTaskMLPRegressor(
        (32, 32),
        **{**PLAIN, "solver": solver, "alpha": 1e-4},
        learning_rate_init=learning_rate_init,
        max_iter=max_iter,
        batch_size=batch_size,
        early_stopping=early_stopping,
        random_state=0,
    )
    if solver == "sgd" and batch_size == 16:
        # Not a single epoch is finite.
        with pytest.raises(ValueError, match="became infinite"):
            model.fit(X, y)
        return
    model.fit(X, y)
    assert model.score(X, y) > -0.01
    assert model.diverged_ or learning_rate_init == 1.0


def test_the_last_epoch_is_kept_where_only_later_ones_diverged():
    X, y = problem()
    options = {**PLAIN, "solver": "sgd", "batch_size": 200, "max_iter": 30, "random_state": 0}
    good = MultiTaskMLPRegressor((32, 32), learning_rate_init=0.01, **options).fit(X, y)
    model = MultiTaskMLPRegressor((32, 32), warm_start=True, **options)
    model.set_params(learning_rate_init=0.01).fit(X, y)
    with pytest.warns(ConvergenceWarning, match=r"Lower learning_rate_init=3"):
        model.set_params(learning_rate_init=3.0).fit(X, y)
    assert model.diverged_
    assert model.score(X, y) >= good.score(X, y) > 0.5


def test_the_warning_names_task_epoch_and_the_way_out():
    X, y = problem()
    options = {**PLAIN, "max_iter": 1, "batch_size": 200, "random_state": 0}
    model = MultiTaskMLPRegressor((32, 32), learning_rate_init=1e6, **options)
    message = r"After epoch 1 the loss of task [01] is far above.*Lower learning_rate_init=1e\+06"
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        model.fit(X, y)
    assert len(caught) == 1
    assert model.diverged_
    # The initial network: not a step of it was any good.
    start = model.set_params(learning_rate_init=1e-30).fit(X, y)
    again = MultiTaskMLPRegressor((32, 32), learning_rate_init=1e6, **options)
    np.testing.assert_allclose(again.fit(X, y).predict(X), start.predict(X), rtol=1e-12)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_every_architecture_and_type(architecture, solver, early_stopping, mixed_data):
    X, Y = mixed_data
    options = {**PLAIN, "tasks": MIXED, "architecture": architecture, "random_state": 0}
    options = {**options, "solver": solver, "early_stopping": early_stopping, "max_iter": 20}
    start = MultiTaskMLP((6, 6), learning_rate_init=1e-30, **options).fit(X, Y)
    model = MultiTaskMLP((6, 6), learning_rate_init=300.0, **options).fit(X, Y)
    assert model.diverged_
    # The loss that a constant has is 0.5, log 2, log 3 and about 1; the score sees it as 0.
    assert model.score(X, Y) > min(start.score(X, Y), 0.0) - 0.01


@pytest.mark.parametrize("form", ["wide", "long"])
def test_one_pass(form):
    X, y = problem()
    options = {**PLAIN, "solver": "sgd", "batch_size": 200, "random_state": 0}
    if form == "long":
        X, y = np.column_stack([X, np.arange(len(X)) % 3]), y[:, 1]
        options["task_feature"] = 4
    model = MultiTaskMLPRegressor((32, 32), **options)
    model.set_params(learning_rate_init=0.01)
    for _ in range(20):
        model.partial_fit(X, y)
    before = model.predict(X)
    assert not model.diverged_
    with pytest.warns(ConvergenceWarning, match="Lower learning_rate_init=100"):
        model.set_params(learning_rate_init=100.0).partial_fit(X, y)
    assert model.diverged_
    np.testing.assert_array_equal(model.predict(X), before)
    # Its momentum is forgotten with it.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.set_params(learning_rate_init=0.001).partial_fit(X, y)
    assert not model.diverged_


@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
def test_single_rows_that_are_learnt_badly_are_no_divergence():
    X, y = problem(60)
    options = {**PLAIN, "solver": "sgd"}
    model = MultiTaskMLPRegressor((8,), **options, learning_rate_init=0.02, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        for row in range(60):
            model.partial_fit(X[[row]], y[[row]])
            assert not model.diverged_


@pytest.mark.skipif(not HAS_CALLBACKS, reason="callbacks of scikit-learn 1.9")
def test_a_checkpoint_predicts_with_what_is_good(tmp_path):
    X, y = problem()
    path = tmp_path / "model.pkl"
    options = {**PLAIN, "solver": "sgd", "batch_size": 200, "random_state": 0}
    options |= {"learning_rate_init": 1.0, "max_iter": 1}
    model = MultiTaskMLPRegressor((32, 32), **options).set_callbacks(Checkpoint(path))
    model.fit(X, y)
    saved = load(path)
    assert saved.diverged_
    assert saved.score(X, y) > -0.01
    np.testing.assert_array_equal(saved.predict(X), model.predict(X))
    # To go on means to go on from there, to the same end as a fit in one piece.
    whole = MultiTaskMLPRegressor((32, 32), **{**options, "max_iter": 3}).fit(X, y)
    resumed = saved.set_params(max_iter=3, warm_start=True).fit(X, y)
    np.testing.assert_array_equal(resumed.predict(X), whole.predict(X))
    np.testing.assert_array_equal(resumed.loss_curve_, whole.loss_curve_)


def test_a_bad_start_is_no_divergence():
    # Far from a constant for many epochs, and on its way.
    X, y = problem()
    X = 1e3 * X
    options = {**PLAIN, "activation": "relu", "alpha": 1e-4, "max_iter": 5, "random_state": 0}
    model = MultiTaskMLPRegressor((16,), learning_rate_init=1e-3, **options)
    model.fit(X, y)
    assert not model.diverged_
    assert model.loss_curve_[-1].mean() > 10
    assert (model.loss_curve_[-1] < model.loss_curve_[0]).all()


@pytest.mark.parametrize("start", [1.0, 20.0, 1e-6])
def test_row_23_a_million_times_the_first_loss_is_the_limit(parts, mixed_data, start):
    made = parts(*mixed_data, MIXED)
    # A loss near zero, below 0.001, is no yardstick.
    yardstick = max(start, 1e-3)

    def diverges_at(loss):
        progress = Progress(made.module, 1, np.ones(4), tol=0.0, n_iter_no_change=5)
        for epoch in (start, loss):
            progress.end_epoch(np.full((1, 4), epoch), None)
        return progress.diverged_task[0] >= 0

    assert not diverges_at(0.99e6 * yardstick)
    assert diverges_at(1.01e6 * yardstick)
