"""Fits of few raw scores: the optima of proximal Newton, and a gap that is the true one."""

import numpy as np
import pytest

from skmtl import MultiTaskLinear, MultiTaskLinearClassifier, MultiTaskLinearClassifierCV
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import parts_for
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers import ProximalNewton, Stopping
from skmtl.linear.solvers.compiled._row_models import room_for_rows
from skmtl.linear.solvers.proximal_newton import _few_scores
from skmtl.linear.solvers.proximal_newton._few_scores import FewScores
from skmtl.tasks._read_targets import read_targets
from tests.linear.solvers.test_proximal_newton import CASES, PENALTIES, problem_of, stated


def few_scores(X, Y, options, penalty, task_column=None):
    """Fits of few raw scores, and the problem that they solve at ``alpha``."""
    setup = stated(X, Y, options, penalty, task_column)
    tasks = read_targets(Y, declared=options["tasks"], task_column=task_column).tasks
    names = ("tasks", "task_weight")
    fit_options = FitOptions(
        **{k: v for k, v in options.items() if k not in names}, tol=1e-8, max_iter=100
    )
    part = parts_for(PENALTIES[penalty], 1.0, X.shape[1], tasks, positive=fit_options.positive)[0]
    return FewScores.of(setup.stated, part, fit_options), setup


@pytest.mark.parametrize(("form", "loss", "penalty"), CASES)
def test_the_gap_is_true(form, loss, penalty):
    X, Y, options = problem_of(loss, form)
    if penalty == "weighted" and X.shape[1] > 6:
        pytest.skip("weights of six features")
    few, setup = few_scores(X, Y, options, penalty)
    if form == "sparse":
        assert few is None
        return
    problem, found = setup.problem, few.fit(options["alpha"], None)
    x = problem.start(*setup.start(Start(found.W, found.b)))
    primal, bound = problem.gap(x)
    assert found.gap == pytest.approx(primal - bound, abs=1e-10 * setup.null_loss)
    # Not only by its own formula.
    least = ProximalNewton().solve(
        problem, setup.start(None), Stopping(1e-10 * setup.null_loss, 1000)
    )
    assert primal - problem.value(least.x) <= found.gap + 1e-10 * setup.null_loss
    assert found.n_iter < 100


@pytest.mark.parametrize("loss", ["binary", "count", "huber"])
def test_warm_starts_are_where_they_were_left(loss):
    X, Y, options = problem_of(loss, "dense")
    few, _ = few_scores(X, Y, options, "l21")
    found = few.fit(0.03, None)
    again = few.fit(0.03, found.warm)
    assert again.n_iter <= 1
    np.testing.assert_allclose(again.W, found.W, atol=1e-5)


def test_tasks_of_one_loss_need_not_be_neighbours():
    X, Y, options = problem_of("mixed", "dense")
    order = [1, 0, 4, 3, 2]
    kinds = [options["tasks"][t] for t in (*range(5), *order)]
    both = {**options, "tasks": kinds}
    few, _ = few_scores(X, np.hstack([Y, Y[:, order]]), both, "l21")
    W = few.fit(0.3, None).W
    sizes = np.array([1, 1, 1, 1, 3])
    columns = np.split(np.arange(sizes.sum()), np.cumsum(sizes)[:-1])
    again = np.concatenate([columns[t] for t in order])
    np.testing.assert_allclose(W[:, 7:], W[:, :7][:, again], atol=1e-6)


@pytest.mark.parametrize("loss", ["binary", "mixed"])
def test_unobserved_labels_have_no_say(loss):
    X, Y, options = problem_of(loss, "dense")
    weights = np.ones(Y.shape)
    weights[::3, 0] = 0.0
    other = np.where(weights == 0.0, Y[::-1], Y)
    one, two = (
        MultiTaskLinear("l21", alpha=0.05, tasks=options["tasks"]).fit(X, y, weights).dual_gap_
        for y in (Y, other)
    )
    assert one == two


def test_a_fit_that_is_not_certified_goes_on(monkeypatch):
    X, Y, options = problem_of("classes", "dense")
    whole = MultiTaskLinear("l21", tol=1e-8, **options).fit(X, Y)
    monkeypatch.setattr(_few_scores, "MAX_SWEEPS", 1)
    model = MultiTaskLinear("l21", tol=1e-8, **options).fit(X, Y)
    np.testing.assert_allclose(np.hstack([*model.coef_]), np.hstack([*whole.coef_]), atol=1e-4)


def test_long_form_and_many_scores_are_for_others():
    X, Y, options = problem_of("binary", "dense")
    long = {**options, "tasks": "binary"}
    task = np.arange(60) % 2
    assert few_scores(X, Y[:, 0], long, "l21", task_column=task)[0] is None
    many = {**options, "tasks": ["binary"] * 2000}
    assert few_scores(X, np.tile(Y, 1000), many, "l21")[0] is None


def test_classes_that_a_fold_does_not_have():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = np.digitize(X[:, 0] + rng.normal(size=60), [-0.8, 0.8]) * 1.0
    # The last class is in the rows of one fold alone.
    folds = [(np.flatnonzero(y < 2), np.flatnonzero(y == 2)), (np.arange(30), np.arange(30, 60))]
    model = MultiTaskLinearClassifierCV(alphas=10, cv=folds).fit(X, y)
    assert np.isfinite(model.score_path_).all()


def test_memory_that_is_written_over_says_nothing(monkeypatch):
    """More tasks than rows: what is longer than the rows is not read beyond them."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4, 3)), rng.integers(2, size=(4, 6))
    Y[:2] = [[0], [1]]
    model = MultiTaskLinearClassifier("l21", alpha=0.01, tol=1e-9)
    expected = model.fit(X, Y).coef_

    def full(*shape):
        room = room_for_rows(*shape)
        for array in room[1:]:
            array.fill(1e9)
        return room

    monkeypatch.setattr(_few_scores, "room_for_rows", full)
    np.testing.assert_array_equal(model.fit(X, Y).coef_, expected)
    twice = model.fit(np.repeat(X, 2, axis=0), np.repeat(Y, 2, axis=0)).coef_
    np.testing.assert_allclose(twice, expected, atol=1e-3 * np.abs(expected).max())
