"""Proximal Newton: its models and sweeps, and the optima of every loss and penalty it takes."""

import gc
import weakref

import numpy as np
import pytest
from scipy import sparse

from skmtl import MultiTaskLinear, MultiTaskLinearClassifier
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import parts_for
from skmtl.linear.objective._setup import state_loss
from skmtl.linear.objective._variables import Start
from skmtl.linear.penalties import L1, L2, L21
from skmtl.linear.solvers import ProximalGradient, ProximalNewton, Stopping
from skmtl.linear.solvers._fit import LinearFitter
from skmtl.linear.solvers.compiled._row import slacks
from skmtl.linear.solvers.proximal_newton import _label_model, _pairs
from skmtl.linear.solvers.proximal_newton._label_model import LabelData
from skmtl.linear.solvers.proximal_newton._newton_steps import _KEPT, NewtonSteps
from skmtl.linear.solvers.proximal_newton._quadratics import (
    LabelGrams,
    LabelRows,
    WeightedColumns,
)
from skmtl.tasks import Regression
from skmtl.tasks._read_targets import read_targets

PENALTIES = {
    "l21": L21(),
    "l1": L1(),
    "l21+l1+l2": L21() + 0.5 * L1() + 0.2 * L2(),
    "weighted": L21(feature_weight=[1.0, 2.0, 0.5, 1.0, 3.0, 1.0]),
}
LOSSES = {
    "binary": ["binary"] * 2,
    "one": ["binary"],
    "count": ["count"] * 2,
    "huber": [Regression("huber", delta=0.5)] * 2,
    "classes": ["multiclass"] * 2,
    "mixed": ["regression", "binary", "count", Regression("huber"), "multiclass"],
}
FORMS = ["dense", "sparse", "missing", "no intercept", "positive", "weights", "more features"]


def labels(kind, score, rng):
    """Labels of a task of this kind."""
    if kind == "binary":
        return (score + rng.logistic(size=len(score)) > 0) * 1.0
    if kind == "count":
        return rng.poisson(np.exp(0.5 * score)) * 1.0
    if kind == "multiclass":
        return np.digitize(score + rng.normal(size=len(score)), [-1.0, 0.5]) * 1.0
    return score + rng.standard_cauchy(size=len(score))


def problem_of(loss, form, n_samples=60):
    """X, Y, and options of an estimator."""
    rng = np.random.default_rng(3)
    X = rng.normal([0, 2, 0, 0, -1, 0], [1, 1, 3, 1, 1, 0.1], size=(n_samples, 6))
    kinds = LOSSES[loss]
    score = X[:, :3] @ rng.normal(size=(3, len(kinds)))
    Y = np.column_stack([labels(k, s, rng) for k, s in zip(kinds, score.T, strict=True)])
    options = {"tasks": kinds, "alpha": 0.03, "fit_intercept": form != "no intercept"}
    options["positive"] = form == "positive"
    if form == "sparse":
        X = sparse.csr_array(X * (rng.random(X.shape) < 0.5))
    if form == "missing":
        Y[rng.random(Y.shape) < 0.3] = np.nan
    if form == "weights" and len(kinds) > 1:
        options["task_weight"] = [1.0, 5.0, 0.2, 1.0, 2.0][: len(kinds)]
    if form == "more features":
        X = np.hstack([X, rng.normal(size=(n_samples, 100)), X[:, :2], np.ones((n_samples, 1))])
    return X, Y, options


def stated(X, Y, options, penalty="l21", task_column=None):
    """A setup of the problem."""
    options = dict(options)
    declared, weight = options.pop("tasks"), options.pop("task_weight", None)
    targets = read_targets(Y, declared=declared, task_column=task_column)
    options, penalty = FitOptions(**options), PENALTIES[penalty]
    positive = options.positive
    parts = parts_for(penalty, options.alpha, X.shape[1], targets.tasks, positive=positive)
    label_weights = targets.label_weights(targets.task_weights(weight))
    loss = state_loss(X, targets, label_weights, options, on_grams=False)
    return loss.with_penalty(parts, centred=False)


def check_same(setup, tol=1e-10):
    """Proximal Newton and proximal gradient end at one optimum; our W and b."""
    found = []
    for solver in (ProximalNewton(), ProximalGradient()):
        problem = setup.problem
        solution = solver.solve(
            problem, setup.start(None), Stopping(tol * setup.null_loss, 100_000)
        )
        x, point = solution.x, problem.at(solution.x)
        assert solution.gap <= tol * setup.null_loss
        value = problem.smooth_value(x, point) + problem.penalty_value(x)
        found.append((value, *problem.coefficients(x), point.slope))
        if problem.intercept:
            problem.intercept.scale = 1.0
    (ours, W, b, slope), (theirs, *_, expected) = found
    assert abs(ours - theirs) <= tol * setup.null_loss
    # Optima may differ in W and b, but not in the slopes at the labels.
    np.testing.assert_allclose(slope, expected, atol=1e-3 * np.abs(expected).max())
    return W, b


# Every two of a form, a loss and a penalty are met, but not all three with each other.
CASES = [
    (form, loss, penalty)
    for i, form in enumerate(FORMS)
    for j, loss in enumerate(sorted(LOSSES))
    for k, penalty in enumerate(sorted(PENALTIES))
    if (i + j + k) % len(PENALTIES) == 0
]


@pytest.mark.parametrize(("form", "loss", "penalty"), CASES)
def test_proximal_gradient_finds_the_same(form, loss, penalty):
    X, Y, options = problem_of(loss, form)
    if penalty == "weighted" and X.shape[1] > 6:
        pytest.skip("weights of six features")
    W, _ = check_same(stated(X, Y, options, penalty))
    assert not options["positive"] or (W >= 0).all()


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("penalty", ["l21", "l21+l1+l2"])
@pytest.mark.parametrize("grams", [True, False])
def test_long_form(grams, penalty, kind, is_sparse, monkeypatch):
    if not grams:
        sweep_over_rows(monkeypatch)
    rng = np.random.default_rng(0)
    task = rng.integers(5, size=200)
    X = rng.normal(size=(200, 6)) * (rng.random((200, 6)) < 0.6)
    y = labels(kind, X[:, 0] + 0.5 * task - 1.0, rng)
    X = sparse.csr_array(X) if is_sparse else X
    check_same(stated(X, y, {"tasks": kind, "alpha": 0.01}, penalty, task_column=task))


def sweep_over_rows(monkeypatch):
    """Let no working set be small enough for Gram matrices."""
    monkeypatch.setattr(_label_model, "FEW_ROWS", 0)
    monkeypatch.setattr(_label_model, "MANY_ROWS", 0)


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("form", ["dense", "sparse", "missing", "no intercept"])
def test_rows_and_grams_agree(form, loss, monkeypatch):
    X, Y, options = problem_of(loss, form)
    setup = stated(X, Y, options, "l21+l1+l2")
    stopping = Stopping(1e-12 * setup.null_loss, 200)
    found = [ProximalNewton().solve(setup.problem, setup.start(None), stopping)]
    monkeypatch.setattr(_label_model, "LARGE", 0)
    found.append(ProximalNewton().solve(setup.problem, setup.start(None), stopping))
    sweep_over_rows(monkeypatch)
    found.append(ProximalNewton().solve(setup.problem, setup.start(None), stopping))
    assert all(one.gap <= stopping.max_gap for one in found)
    grams, blocks, rows = (setup.problem.coefficients(one.x)[0] for one in found)
    np.testing.assert_allclose(rows, grams, atol=1e-5)
    np.testing.assert_allclose(blocks, grams, atol=1e-10)


@pytest.mark.parametrize("loss", ["classes", "mixed"])
def test_a_diagonal_above_the_curvature_of_classes_finds_the_same(loss, monkeypatch):
    X, Y, options = problem_of(loss, "dense")
    setup = stated(X, Y, options)
    exact, _ = check_same(setup, tol=1e-6)
    monkeypatch.setattr(_pairs, "PAIR_BYTES", 0)
    setup = stated(X, Y, options)
    np.testing.assert_allclose(check_same(setup, tol=1e-6)[0], exact, atol=0.02)


# -- the model -----------------------------------------------------------------------------------


def simple(loss="binary", form="dense", penalty="l21", **changes):
    """X, and a setup of the problem."""
    X, Y, options = problem_of(loss, form)
    return X, stated(X, Y, {**options, **changes}, penalty)


@pytest.mark.parametrize("grams", [True, False])
@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_sweeps_minimise_the_model(form, loss, free, grams, monkeypatch):
    if not grams:
        sweep_over_rows(monkeypatch)
    _, setup = simple(loss, form, "l1", fit_intercept=free)
    problem, start = setup.problem, setup.start(None)
    rng = np.random.default_rng(0)
    W = 0.1 * rng.normal(size=start.W.shape)
    newton = NewtonSteps(problem, Start(W, start.b))
    point, data = newton.point, newton.data
    everything = np.arange(len(W))
    model = data.model(everything, data.pairs.weights(point, 0.0), point.slope)
    of_columns = form == "sparse" and loss == "one"
    assert isinstance(model, WeightedColumns if of_columns else LabelGrams if grams else LabelRows)
    # Without a penalty and with all features the minimum solves the Newton system.
    gW, gb = point.gradient
    m = len(W) + free
    V, H = np.zeros((m, W.shape[1])), np.zeros((m, W.shape[1]))
    V[: len(W)], H[: len(W)] = W, -gW
    if free:
        V[-1], H[-1] = newton.b, -gb
        H[: len(W)] += model.shift * gb
    V0 = V.copy()
    terms = [np.full(m, 1e-2), *np.zeros((3, m))]
    terms[0][len(W) :] = 0.0
    model.descend(point.slope, H, V, terms, (0.0, 5000))
    dW = (V - V0)[: len(W)]
    db = (V - V0)[-1] - (model.shift * dW).sum(axis=0) if free else np.zeros(len(gb))
    hW, hb = point.hessian(dW, db)
    size = np.abs(gW).max()
    np.testing.assert_allclose(gW + hW + 1e-2 * (W + dW), 0.0, atol=1e-7 * size)
    if free:
        np.testing.assert_allclose(gb + hb, 0.0, atol=1e-7 * size)


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("ridge", [0.0, 0.2])
def test_weighted_columns_and_rows_find_the_same(ridge, free):
    rng = np.random.default_rng(0)
    X = sparse.random_array((90, 40), density=0.2, format="csc", rng=rng)
    y = (X[:, [0]].toarray() + 0.3 * rng.normal(size=(90, 1)) > 0) * 1.0
    y[5:9] = np.nan
    setup = stated(X, y, {"tasks": "binary", "alpha": 1e-3, "fit_intercept": free}, "l1")
    newton = NewtonSteps(setup.problem, setup.start(None))
    point, data, rows = newton.point, newton.data, np.array([0, 3, 4, 11, 17, 30])
    bend, n_free = data.pairs.weights(point, 0.0), int(free)
    m = 6 + n_free
    gradient, sums = point.gradient
    found = []
    for data.has_one_column in (True, False):
        model = data.model(rows, bend, point.slope)
        model = model if data.has_one_column else LabelRows(data, rows, data.columns(rows), bend)
        assert isinstance(model, WeightedColumns) == data.has_one_column
        V, H = np.zeros((m, 1)), -np.append(gradient[rows], sums[:n_free])[:, None]
        H[:6] += model.shift * sums
        high = np.append(np.full(6, 5e-3), np.zeros(n_free))
        terms = (np.full(m, ridge) * (high > 0), -high, high, np.zeros(m))
        model.descend(point.slope, H, V, terms, (0.0, 3000))
        db = V[6:].sum(axis=0) - (model.shift * V[:6]).sum(axis=0) * free
        found.append((V, model.forward(V[:6], db)))
    (V, raw), (expected, expected_raw) = found
    assert 0 < (V[:6] == 0).sum() < 6
    np.testing.assert_allclose(V, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(raw, expected_raw, rtol=1e-9, atol=1e-12)


def test_labels_that_bend_nowhere_have_no_weighted_columns():
    _, setup = simple("one", "sparse")
    data = NewtonSteps(setup.problem, setup.start(None)).data
    bend, slope = np.ones((60, 1)), np.ones((60, 1))
    bend[3] = 0.0
    assert not isinstance(data.model(np.arange(6), bend, slope), WeightedColumns)
    slope[3] = 0.0
    assert isinstance(data.model(np.arange(6), bend, slope), WeightedColumns)


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("form", ["dense", "sparse", "missing"])
def test_gram_matrices_are_those_of_features_less_their_means(form, loss):
    X, setup = simple(loss, form)
    problem, start = setup.problem, setup.start(None)
    point = problem.at(problem.start(*start))
    data = LabelData(problem.loss, problem.shape, free=True)
    bend = data.pairs.weights(point, 0.0)
    rows = np.array([4, 0, 2])
    if form == "sparse" and loss == "one":
        data.has_one_column = False
    model = data.model(rows, bend, point.slope)
    means = model.shift + data.offset[rows]
    dense = X.toarray() if sparse.issparse(X) else X
    C = problem.shape[1]
    for q in range(bend.shape[1]):
        c = q if q < C else data.pairs.first[q - C]
        d = q if q < C else data.pairs.second[q - C]
        Z = np.column_stack([dense[:, rows] - means[:, c], np.ones(len(dense))])
        np.testing.assert_array_equal(means[:, c], means[:, d])
        expected = Z.T @ (Z * bend[:, q, None])
        scale = np.abs(expected).max()
        np.testing.assert_allclose(model.G[:, :, q], expected, atol=1e-9 * scale)
        if q < C and not data.pairs.n_pairs:
            np.testing.assert_allclose(model.G[-1, :-1, q], 0.0, atol=1e-12 * scale)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_bound_is_above_the_curvature_along_a_row(loss):
    _, setup = simple(loss)
    problem, start = setup.problem, setup.start(None)
    newton = NewtonSteps(problem, start)
    data = newton.data
    bend = data.pairs.weights(newton.point, 0.0)
    model = data.model(np.arange(6), bend, newton.point.slope)
    C = problem.shape[1]
    for j in range(len(model.G)):
        block = np.diag(model.G[j, j, :C])
        block[data.pairs.first, data.pairs.second] = model.G[j, j, C:]
        block[data.pairs.second, data.pairs.first] = model.G[j, j, C:]
        assert np.linalg.eigvalsh(np.diag(model.bound[j]) - block).min() >= -1e-12


# -- steps, working sets, paths ------------------------------------------------------------------


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_from_far_away(loss):
    # Where losses are flat, or explode, and models say little.
    _, setup = simple(loss)
    problem, start, null_loss = setup.problem, setup.start(None), setup.null_loss
    far = Start(start.W + 1.0, start.b + 8.0)
    for begin in (far, Start(-far.W, -far.b)):
        found = ProximalNewton().solve(problem, begin, Stopping(1e-9 * null_loss, 200))
        assert found.gap <= 1e-9 * null_loss


@pytest.mark.parametrize("loss", ["binary", "one", "mixed"])
def test_steps_never_go_up(loss):
    _, setup = simple(loss)
    problem, start = setup.problem, setup.start(None)
    newton = NewtonSteps(problem, Start(start.W + 1.0, start.b))
    x = problem.start(newton.W, newton.b)
    values = [problem.smooth_value(x, newton.point) + problem.penalty_value(x)]
    for _ in range(10):
        newton.step()
        x = problem.start(newton.W, newton.b)
        values.append(problem.smooth_value(x, problem.at(x)) + problem.penalty_value(x))
        assert values[-1] <= values[-2] + 1e-12 * abs(values[-2])


@pytest.mark.parametrize("penalty", ["l21", "l1"])
@pytest.mark.parametrize("n_tasks", [1, 4])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_working_sets_leave_nothing_out(container, n_tasks, penalty):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 400)) * (rng.random((80, 400)) < 0.5)
    Y = (X[:, :90] @ rng.normal(size=(90, n_tasks)) + rng.normal(size=(80, n_tasks)) > 0) * 1.0
    setup = stated(container(X), Y, {"tasks": "binary", "alpha": 0.02}, penalty)
    W, b = check_same(setup, tol=1e-9)
    support = W.any(axis=1)
    assert 20 < support.sum() < 400
    # Rows that are 0 have a gradient inside the ball of the penalty.
    gradient = setup.problem.loss.at(W, b).gradient[0]
    size = np.linalg.norm(gradient, axis=1) if penalty == "l21" else np.abs(gradient).max(axis=1)
    assert (size[~support] <= 0.02 * (1 + 1e-3)).all()


def test_huge_alpha_gives_exact_zeros():
    X, Y, options = problem_of("mixed", "dense")
    model = MultiTaskLinear("l21", solver="proximal_newton", **{**options, "alpha": 1e5})
    assert all((coef == 0).all() for coef in np.atleast_1d(model.fit(X, Y).coef_))


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("loss", ["binary", "mixed", "classes"])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_units_of_X_do_not_matter(container, loss, scale):
    X, Y, options = problem_of(loss, "dense")
    found = []
    for factor in (1.0, scale):
        setup = stated(container(factor * X), Y, {**options, "alpha": factor * options["alpha"]})
        stopping = Stopping(1e-8 * setup.null_loss, 200)
        solution = ProximalNewton().solve(setup.problem, setup.start(None), stopping)
        assert solution.gap <= stopping.max_gap
        found.append((factor * setup.problem.coefficients(solution.x)[0], solution.n_iter))
    (reference, n_iter), (W, n_scaled) = found
    np.testing.assert_allclose(W, reference, rtol=1e-3, atol=1e-4)
    assert n_scaled <= n_iter + 2


# Powers of two, as rounding decides for a label at the threshold.
@pytest.mark.parametrize("scale", [2.0**-20, 2.0**20])
def test_units_of_labels_do_not_matter(scale):
    X, Y, options = problem_of("huber", "dense")
    options |= {"solver": "proximal_newton", "tol": 1e-8, "scale_targets": False}
    reference = MultiTaskLinear("l21", **options).fit(X, Y)
    options["alpha"] *= scale
    options["tasks"] = Regression("huber", delta=0.5 * scale)
    model = MultiTaskLinear("l21", **options).fit(X, scale * Y)
    np.testing.assert_allclose(model.coef_ / scale, reference.coef_, rtol=1e-3, atol=1e-5)
    assert model.n_iter_ <= reference.n_iter_ + 2


@pytest.mark.parametrize("loss", ["binary", "mixed"])
def test_a_path_ends_where_cold_fits_do(loss):
    X, Y, options = problem_of(loss, "dense")
    targets = read_targets(Y, declared=options["tasks"])
    data = X, targets, targets.label_weights(), L21()
    fitter = LinearFitter(*data, FitOptions(tol=1e-9, solver="proximal_newton"))
    warm, n_warm, n_cold = None, 0, 0
    for alpha in np.geomspace(0.3, 0.003, 12).tolist():
        found = fitter.fit(alpha, warm)
        cold = LinearFitter(*data, FitOptions(tol=1e-9, solver="proximal_newton")).fit(alpha)
        np.testing.assert_allclose(found.W, cold.W, atol=1e-4)
        warm, n_warm, n_cold = found.warm, n_warm + found.n_iter, n_cold + cold.n_iter
    assert n_warm < n_cold


def test_where_a_descent_ended_is_not_where_another_begins():
    # Two penalties on one loss, from starts that are alike but for b.
    _, setup = simple()
    problem, start, null_loss = setup.problem, setup.start(None), setup.null_loss
    stopping = Stopping(1e-9 * null_loss, 100)
    x = ProximalNewton().solve(problem, start, stopping).x
    W, b = problem.coefficients(x)
    same = NewtonSteps(problem, Start(W, b))
    assert same.point.raw is same.data.end[2]
    moved = NewtonSteps(problem, Start(W, b + 0.1))
    np.testing.assert_allclose(moved.point.raw, same.point.raw + 0.1)
    assert NewtonSteps(problem, Start(W + 0.1, b)).point.raw is not same.point.raw


def test_nothing_is_kept_of_a_loss_that_is_gone():
    # Data are large: they are freed at once, not when the collector finds a cycle.
    _, setup = simple()
    ProximalNewton().solve(setup.problem, setup.start(None), Stopping(0.0, 3))
    loss = weakref.ref(setup.problem.loss)
    assert loss() in _KEPT
    gc.disable()
    try:
        del setup
        assert loss() is None
    finally:
        gc.enable()


def test_classes_that_are_told_apart():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 4))
    y = (X[:, 0] > 0.2) * 1
    model = MultiTaskLinearClassifier("l1", alpha=1e-7, tol=1e-7, solver="proximal_newton")
    model.fit(X, y)
    assert model.dual_gap_ <= 1e-7 and model.n_iter_ < 100


def test_a_task_of_one_class_in_long_form():
    # Its intercept grows without end, and the loss of its labels falls to 0.
    rng = np.random.default_rng(0)
    task, X = rng.integers(4, size=120), rng.normal(size=(120, 3))
    y = (X[:, 0] + rng.normal(size=120) > 0) * 1
    y[task == 2] = 1
    options = {"task_feature": 0, "alpha": 0.02, "tol": 1e-7, "max_iter": 100_000}
    ours, theirs = (
        MultiTaskLinearClassifier("l21", solver=solver, **options).fit(np.c_[task, X], y)
        for solver in ("proximal_newton", "proximal_gradient")
    )
    assert ours.dual_gap_ <= 1e-6
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)


@pytest.mark.parametrize("l1", [0.0, 0.7])
def test_slacks_are_safe(l1):
    # No change of X'R by less than the slack, times the length of its column, lets a row in.
    rng = np.random.default_rng(0)
    H, W = 0.4 * rng.normal(size=(200, 3)), np.zeros((200, 3))
    diagonal = rng.random(200) + 0.1
    high, l21 = np.full(200, l1), np.full(200, 0.5)
    terms = (-high, high, l21)
    distance = slacks(H, W, diagonal, 0.0, *terms, 1.0)
    assert l1 == 0.0 or (distance > l21 / np.sqrt(diagonal)).any()
    for _ in range(200):
        move = rng.normal(size=H.shape) * rng.random((1, 3))
        radius = np.maximum(distance, 0.0) * np.sqrt(diagonal) * (1.0 - 1e-9)
        move *= (radius / np.linalg.norm(move, axis=1))[:, None]
        moved = H + move
        left = np.linalg.norm(moved - np.clip(moved, -high[:, None], high[:, None]), axis=1)
        assert (left[distance > 0] <= l21[distance > 0] + 1e-12).all()


def test_what_it_lacks():
    X, Y, options = problem_of("binary", "dense")
    for changed, message in (
        ({"penalty": "trace_norm"}, r"needs alpha > 0 and a sum of L1, L21 and L2"),
        ({"intercept_alpha": 1.0}, r"needs intercept_alpha=0 and center=False"),
        ({"tasks": "regression"}, r"needs a loss that is not squared"),
    ):
        asked = {"penalty": "l21", "solver": "proximal_newton", **options, **changed}
        with pytest.raises(ValueError, match=message):
            MultiTaskLinear(**asked).fit(X, Y)
