"""Alpha by cross-validation: the scores of a search, along a warm path."""

import pickle
import re
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LassoCV, MultiTaskElasticNetCV, MultiTaskLassoCV, RidgeCV
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
)

from skmtl import (
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
    make_multitask_scorer,
    stack_tasks,
    task_scores,
)
from skmtl.linear.cross_validation import _search
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.cross_validation._selection import select
from skmtl.linear.estimators._linear_cv import (
    MultiTaskLinearClassifierCV,
    MultiTaskLinearCV,
    MultiTaskLinearRegressorCV,
)
from skmtl.linear.penalties import L1, L2, L21, Graph, MeanDeviation
from skmtl.linear.solvers import ProximalGradient
from skmtl.linear.solvers._fit import fit_linear
from skmtl.model_selection import MultiTaskKFold
from skmtl.tasks import LabelWarning, Regression
from tests.linear.conftest import MIXED, PIECES, VANISHING

TIGHT = {"tol": 1e-12, "max_iter": 20_000}
# What our search chooses from all data, and a search of scikit-learn in every fold.
GIVEN = {"shared_alpha": 0.05, "intercept_alpha": 0.0, **TIGHT}
ALPHAS = [1.0, 0.2, 0.05, 0.01]


def search_of(model, X, Y, grid=None, cv=None, **options):
    """What scikit-learn's search finds: fits, by their parameters, and scores by alpha and fold."""
    cv = KFold(4) if cv is None else cv
    grid = {} if grid is None else grid
    search = GridSearchCV(model, {**grid, "alpha": ALPHAS}, cv=cv, **options).fit(X, Y)
    results = search.cv_results_
    scores = np.array([results[f"split{k}_test_score"] for k in range(search.n_splits_)]).T
    # Its combinations are those of ours with alpha, sorted by name.
    order = sorted(
        range(len(scores)),
        key=lambda i: (
            [grid[name].index(results["params"][i][name]) for name in sorted(grid)],
            -results["params"][i]["alpha"],
        ),
    )
    fit = partial(_fit_with, search, X, Y)
    return fit, scores[order].reshape(-1, len(ALPHAS), search.n_splits_)


def _fit_with(search, X, Y, params):
    """Its model with these parameters, that it tried."""
    assert params in search.cv_results_["params"]
    return clone(search.estimator).set_params(**params).fit(X, Y)


def agree(ours, fit, scores, atol=1e-6):
    """Scores, and the fit with the parameters that ours chose: by its own rule, see below."""
    np.testing.assert_allclose(ours.score_path_, scores, atol=atol)
    assert ours.alpha_ == ours.best_params_["alpha"]
    best = fit(ours.best_params_)
    np.testing.assert_allclose(ours.coef_, best.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, best.intercept_, atol=1e-6)


def folds_of(model, X, y, **options):
    """The folds that a fit of the model makes."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        read = _search.read_folds
        patch.setattr(_search, "read_folds", lambda *a, **k: made.append(read(*a, **k)) or made[0])
        clone(model).fit(X, y, **options)
    return made[0]


@pytest.fixture
def gaps(regression_data):
    """Scores of three tasks, a third of them missing."""
    X, Y = regression_data
    return X, np.where(np.random.default_rng(2).random(Y.shape) < 0.33, np.nan, Y)


# -- the same as scikit-learn's search ------------------------------------------------------


@pytest.mark.parametrize(
    "penalty",
    [
        "l2",
        "l21",
        "mean_deviation",
        "trace_norm",
        "elastic_net",
        "dirty",
        Graph(np.ones((3, 3))),
        L2() + L1(),
    ],
    ids=str,
)
@pytest.mark.parametrize("missing", [True, False])
def test_equals_a_search_over_scores(penalty, missing, gaps, regression_data):
    X, Y = gaps if missing else regression_data
    ours = MultiTaskLinearCV(penalty, alphas=ALPHAS, cv=KFold(4), **GIVEN).fit(X, Y)
    agree(ours, *search_of(MultiTaskLinear(penalty, tasks="regression", **GIVEN), X, Y))


@pytest.mark.parametrize(
    ("penalty", "grid"),
    [
        (L2(), {"penalty__weight": [0.5, 2.0], "intercept_alpha": [0.0, 1.0, np.inf]}),
        ("mean_deviation", {"center": [False, True], "fit_intercept": [False, True]}),
        ("l1", {"task_weight": [None, [1.0, 2.0, 0.0], "labels"], "scale_targets": [True, False]}),
        ("l21", {"positive": [False, True]}),
        ("l2", {"penalty": ["mean_deviation", "l2"]}),
    ],
    ids=["intercepts", "center", "weights", "positive", "penalty"],
)
def test_equals_a_search_over_a_grid(penalty, grid, gaps):
    X, Y = gaps
    ours = MultiTaskLinearRegressorCV(penalty, alphas=ALPHAS, grid=grid, cv=KFold(4), **GIVEN).fit(
        X, Y
    )
    agree(ours, *search_of(MultiTaskLinearRegressor(penalty, **GIVEN), X, Y, grid))
    assert ours.score_path_.shape[0] == len(ours.params_)


@pytest.mark.parametrize("penalty", ["l21", "l2"])
def test_equals_a_search_over_mixed_types(penalty, mixed_data):
    X, Y = mixed_data
    options = {"tasks": MIXED, "tol": 1e-8, "max_iter": 20_000}
    scorer = make_multitask_scorer()
    cv = KFold(2)
    ours = MultiTaskLinearCV(penalty, alphas=ALPHAS, cv=cv, **options).fit(X, Y)
    fit, scores = search_of(MultiTaskLinear(penalty, **options), X, Y, cv=cv, scoring=scorer)
    agree(ours, fit, scores, atol=1e-4)
    assert not hasattr(ours, "mse_path_")
    assert ours.task_score_path_.shape == (1, 4, 2, 4)
    np.testing.assert_allclose(np.nanmean(ours.task_score_path_, axis=3), ours.score_path_)


def test_equals_a_search_over_classes(mixed_data):
    X, Y = mixed_data
    Y = Y[:, 1:3]
    ours = MultiTaskLinearClassifierCV("l21", alphas=ALPHAS, cv=KFold(4), tol=1e-10).fit(X, Y)
    model = MultiTaskLinearClassifier("l21", tasks=["binary", "multiclass"], tol=1e-10)
    agree(ours, *search_of(model, X, Y, scoring=make_multitask_scorer()), atol=1e-9)
    assert [list(c) for c in ours.classes_] == [[0, 1], [0, 1, 2]]


@pytest.mark.parametrize("penalty", ["mean_deviation", "l21"])
def test_equals_a_search_over_long_form(penalty, gaps):
    X, Y = gaps
    rows, tasks = np.nonzero(~np.isnan(Y))
    order = np.random.default_rng(0).permutation(len(rows))
    rows, tasks = rows[order], tasks[order]
    X_long = np.column_stack([X[rows], tasks])
    options = {"task_feature": 5, **GIVEN}
    ours = MultiTaskLinearRegressorCV(penalty, alphas=ALPHAS, cv=KFold(4), **options)
    ours.fit(X_long, Y[rows, tasks])
    model = MultiTaskLinearRegressor(penalty, **options)
    agree(ours, *search_of(model, X_long, Y[rows, tasks]))
    assert not hasattr(ours, "task_score_path_")
    assert ours.shared_coef_.shape == (5,)


# -- the same as scikit-learn's paths -------------------------------------------------------


def test_equals_scikit_learns_lasso(regression_data):
    X, Y = regression_data
    options = {"tol": 1e-10, "max_iter": 100_000}
    theirs = MultiTaskLassoCV(cv=5, **options).fit(X, Y)
    ours = MultiTaskLinearRegressorCV(
        "l21", cv=KFold(5), scoring="neg_mean_squared_error", **TIGHT
    ).fit(X, Y)
    np.testing.assert_allclose(ours.alphas_, theirs.alphas_, rtol=1e-10)
    np.testing.assert_allclose(ours.mse_path_, theirs.mse_path_, atol=1e-4)
    np.testing.assert_allclose(ours.score_path_[0], -theirs.mse_path_, atol=1e-4)
    assert ours.alpha_ == pytest.approx(theirs.alpha_)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    one = LassoCV(cv=5, **options).fit(X, Y[:, 0])
    ours.set_params(penalty="l1").fit(X, Y[:, 0])
    np.testing.assert_allclose(ours.alphas_, one.alphas_, rtol=1e-10)
    np.testing.assert_allclose(ours.mse_path_, one.mse_path_, atol=1e-4)
    assert ours.alpha_ == pytest.approx(one.alpha_)


def test_equals_scikit_learns_elastic_net(regression_data):
    X, Y = regression_data
    ratios = [0.1, 0.5, 1.0]
    # Beyond a path that ends at its best, ours would go on.
    options = {"cv": 5, "eps": 1e-4, "tol": 1e-10, "max_iter": 100_000}
    theirs = MultiTaskElasticNetCV(l1_ratio=ratios, **options).fit(X, Y)
    ours = MultiTaskLinearRegressorCV(
        "elastic_net",
        eps=1e-4,
        grid={"penalty__l1_ratio": ratios},
        cv=KFold(5),
        scoring="neg_mean_squared_error",
        **TIGHT,
    ).fit(X, Y)
    np.testing.assert_allclose(ours.alphas_, theirs.alphas_, rtol=1e-10)
    np.testing.assert_allclose(ours.mse_path_, theirs.mse_path_, atol=1e-4)
    assert ours.best_params_["penalty__l1_ratio"] == theirs.l1_ratio_
    assert ours.alpha_ == pytest.approx(theirs.alpha_)


def test_equals_scikit_learns_ridge(regression_data):
    X, Y = regression_data
    # Ridge has the sum of squares: alpha times the rows of a training fold.
    alphas = np.geomspace(10, 1e-4, 20)
    theirs = RidgeCV(alphas=alphas * 32, cv=5).fit(X, Y)
    ours = MultiTaskLinearRegressorCV("l2", alphas=alphas, cv=KFold(5)).fit(X, Y)
    assert ours.alpha_ * 32 == pytest.approx(theirs.alpha_)
    assert ours.score_path_.mean(axis=2).max() == pytest.approx(theirs.best_score_)


# -- the path -------------------------------------------------------------------------------


def problem_of(model, X, Y):
    fitted = clone(model).fit(X, Y)
    targets = fitted._read_y(X, Y, None, None)
    fitted._choose_strengths(X, targets)
    return PathProblem.of_rows(PathModel.of(fitted), X, targets)


def penalised_part(model):
    """What the penalty makes vanish."""
    parts = getattr(model, "coef_components_", model.coef_[None])
    if model.center or model.penalty == "fused":
        parts = parts - parts.mean(axis=1, keepdims=True)
    return np.abs(parts).max()


FINITE = [*VANISHING, "l1+trace", "l21+linf", "fused+trace", "split-of-groups"]


INTERCEPTS = [0.0, 0.5, np.inf]


@pytest.mark.parametrize("intercept_alpha", INTERCEPTS)
@pytest.mark.parametrize("penalty", FINITE)
def test_the_largest_alpha_is_where_the_penalised_part_vanishes(penalty, intercept_alpha, gaps):
    X, Y = gaps
    # Every penalty meets every intercept, and both meet a centre and none.
    center = (FINITE.index(penalty) + INTERCEPTS.index(intercept_alpha)) % 2 == 1
    model = MultiTaskLinear(
        PIECES.get(penalty, penalty),
        intercept_alpha=intercept_alpha,
        center=center,
        tol=1e-11,
        max_iter=20_000,
    )
    largest = problem_of(model, X, Y).alphas(3, 1e-3)[0]
    above = clone(model).set_params(alpha=largest * 1.001).fit(X, Y)
    below = clone(model).set_params(alpha=largest * 0.97, tol=1e-7).fit(X, Y)
    assert penalised_part(above) <= 1e-6
    assert penalised_part(below) >= 1e-4


@pytest.mark.parametrize("penalty", ["l21", "l1inf", "sparse_group"])
def test_the_largest_alpha_of_other_losses(penalty, mixed_data):
    X, Y = mixed_data
    model = MultiTaskLinear(penalty, tasks=MIXED, tol=1e-10, max_iter=20_000)
    largest, _, smallest = problem_of(model, X, Y).alphas(3, 1e-2)
    assert smallest == pytest.approx(largest * 1e-2)
    assert not clone(model).set_params(alpha=largest * 1.001).fit(X, Y).coef_.any()
    assert clone(model).set_params(alpha=largest * 0.99).fit(X, Y).coef_.any()


@pytest.mark.parametrize("is_long", [False, True])
def test_the_largest_alpha_of_huber_is_not_moved_by_outliers(is_long, regression_data):
    X, Y = regression_data
    X, Y = X[:30], Y[:30, :3].copy()
    for t in range(3):
        Y[t, t] += 1e4
    model = MultiTaskLinear(
        "l21", tasks=Regression("huber"), scale_targets=False, tol=1e-12, max_iter=20_000
    )
    if is_long:
        X, Y = stack_tasks([X] * 3, list(Y.T))
        model.set_params(task_feature=0)
    largest = MultiTaskLinearCV(
        "l21", tasks=Regression("huber"), task_feature=model.task_feature, alphas=2, cv=2
    )
    largest = largest.fit(X, Y).alphas_[0]
    # Far from the labels of a task the loss does not bend at all, which is no warning.
    above = clone(model).set_params(alpha=largest * 1.001).fit(X, Y)
    below = clone(model).set_params(alpha=largest * 0.97).fit(X, Y)
    assert penalised_part(above) <= 1e-6
    assert penalised_part(below) >= 1e-3


def test_one_row_of_sums_of_norms_leaves_nothing():
    model = MultiTaskLinear(0.3 * L1() + L21())
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert not model.fit([[1.0, 2.0]], [3.0]).coef_.any()


@pytest.mark.parametrize(
    "penalty", ["l2", "mean_deviation", "temporal", "squared_trace_norm", "clustered"]
)
def test_quadratic_penalties_have_a_grid_around_the_curvature(penalty, gaps):
    X, Y = gaps
    alphas = problem_of(MultiTaskLinear(penalty), X, Y).alphas(9, 1e-3)
    assert alphas[0] == pytest.approx(1e8 * alphas[-1])
    # Features twice as large have four times the curvature.
    np.testing.assert_allclose(
        problem_of(MultiTaskLinear(penalty), 2 * X, Y).alphas(9, 1), 4 * alphas
    )


@pytest.mark.parametrize("penalty", ["l21", "trace_norm", "fused", "dirty", "mean_deviation"])
@pytest.mark.parametrize("kind", ["scores", "mixed"])
def test_warm_path_is_cold(penalty, kind, gaps, mixed_data):
    X, Y = gaps if kind == "scores" else mixed_data
    if kind == "mixed":
        Y = Y[:, :2]
    model = MultiTaskLinear(penalty, **TIGHT)
    problem = problem_of(model, X, Y)
    for alpha, warm in zip(ALPHAS, problem.solutions(ALPHAS), strict=True):
        options = replace(problem.options, alpha=alpha)
        cold = fit_linear(
            problem.X, problem.targets, problem.label_weights, problem.penalty, options
        )
        np.testing.assert_allclose(warm.W, cold.W, atol=1e-4)
        np.testing.assert_allclose(warm.b, cold.b, atol=1e-4)


@pytest.mark.parametrize("scoring", [None, "r2", "neg_mean_squared_error"])
@pytest.mark.parametrize("penalty", ["l21", "mean_deviation", L2(0.1) + MeanDeviation()], ids=str)
@pytest.mark.parametrize("weights", ["none", "rows", "labels"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_statistics_score_as_the_rows_do(
    fit_intercept, weights, penalty, scoring, gaps, monkeypatch
):
    X, Y = gaps
    rng = np.random.default_rng(0)
    weight = {"none": None, "rows": rng.integers(0, 3, 40), "labels": rng.uniform(0, 2, (40, 3))}
    options = {"alphas": ALPHAS, "scoring": scoring, "fit_intercept": fit_intercept, **TIGHT}
    fast = MultiTaskLinearCV(penalty, **options).fit(X, Y, sample_weight=weight[weights])
    monkeypatch.setattr(_search, "STATISTICAL", ())
    slow = MultiTaskLinearCV(penalty, **options).fit(X, Y, sample_weight=weight[weights])
    for name in ("score_path_", "task_score_path_", "mse_path_", "coef_"):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), atol=1e-6)
    assert fast.alpha_ == slow.alpha_


# -- choosing -------------------------------------------------------------------------------


def test_one_standard_error():
    # Means .5, .7, .9, .9; the standard error of the best is .1.
    spread = np.array([-0.1, 0.1]) * np.array([[1], [1], [1], [0]])
    scores = (np.array([[0.5], [0.82], [0.9], [0.85]]) + spread)[None]
    assert select(scores, "best") == (0, 2)
    assert select(scores, "one_standard_error") == (0, 1)
    # Of equal scores the largest alpha; of several paths that of the best.
    scores = np.concatenate([scores - 0.5, np.full((1, 4, 2), 0.9)])
    assert select(scores, "best") == (1, 0)
    scores[1, :, 1] = np.nan
    assert select(scores, "one_standard_error") == (1, 0)


def test_one_standard_error_takes_a_larger_alpha(gaps):
    X, Y = gaps
    best = MultiTaskLinearCV("l21", alphas=30).fit(X, Y)
    simple = MultiTaskLinearCV("l21", alphas=30, selection="one_standard_error").fit(X, Y)
    scores = best.score_path_[0]
    k = int(np.flatnonzero(best.alphas_ == best.alpha_)[0])
    bound = scores[k].mean() - scores[k].std(ddof=1) / np.sqrt(5)
    assert simple.alpha_ == best.alphas_[scores.mean(axis=1) >= bound].max()
    assert simple.alpha_ > best.alpha_


# -- scorers and splitters ------------------------------------------------------------------


def test_scorers(mixed_data):
    X, Y = mixed_data
    options = {"alphas": [0.3, 0.03], "tasks": MIXED}
    own = MultiTaskLinearCV("l21", **options).fit(X, Y)
    listed = MultiTaskLinearCV("l21", scoring=task_scores, **options).fit(X, Y)
    np.testing.assert_allclose(listed.score_path_, own.score_path_)
    np.testing.assert_allclose(listed.task_score_path_, own.task_score_path_)
    r2 = MultiTaskLinearCV("l21", scoring=make_multitask_scorer("r2"), **options).fit(X, Y)
    named = MultiTaskLinearCV("l21", scoring="r2", **options).fit(X, Y)
    np.testing.assert_allclose(r2.score_path_, named.score_path_)
    frames = []

    def scorer(model, X, y):
        frames.append(type(X))
        return model.score(X, y) if model.alpha > 0.1 else -1.0

    X = pd.DataFrame(X, columns=list("abcde"))
    chosen = MultiTaskLinearRegressorCV("l21", scoring=scorer, alphas=[0.3, 0.03])
    chosen.fit(X, pd.DataFrame(Y[:, [0, 3]], columns=["score", "count"]))
    assert chosen.alpha_ == 0.3
    assert set(frames) == {pd.DataFrame}


def test_splitters(gaps):
    X, Y = gaps
    model = MultiTaskLinearCV("l2", alphas=[1.0, 0.1])
    groups = np.arange(40) % 6
    by_group = clone(model).set_params(cv=LeaveOneGroupOut()).fit(X, Y, groups=groups)
    assert by_group.score_path_.shape == (1, 2, 6)
    folds = list(GroupKFold(3).split(X, groups=groups))
    once = clone(model).set_params(cv=iter(folds)).fit(X, Y)
    again = clone(model).set_params(cv=GroupKFold(3)).fit(X, Y, groups=groups)
    np.testing.assert_allclose(once.score_path_, again.score_path_)
    with pytest.raises(ValueError, match="inconsistent"):
        by_group.fit(X, Y, groups=groups[:-1])
    with pytest.raises(ValueError, match="cv=50 folds"):
        clone(model).set_params(cv=50).fit(X, Y)


@pytest.mark.parametrize("is_complete", [True, False])
def test_a_number_spreads_ordered_classes(is_complete, mixed_data):
    X, _ = mixed_data
    y = np.sort(np.where(X[:, 0] > 0, "yes", "no")).astype(object)
    if not is_complete:
        y[::9] = None
    folds = folds_of(MultiTaskLinearClassifierCV("l2", alphas=[0.3], cv=4), X, y)
    for label in ("yes", "no"):
        counts = [np.count_nonzero(y[test] == label) for _, test in folds]
        assert max(counts) - min(counts) <= 1


def long_data(seed=0, n_tasks=8):
    """Rows of ``n_tasks`` tasks, sorted by task, with coefficients around a mean."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rng.integers(12, 30, n_tasks))
    X = np.column_stack([task, rng.normal(size=(len(task), 4))])
    coef = 1.0 + 0.3 * rng.normal(size=(n_tasks, 4))
    level = 3.0 * rng.normal(size=n_tasks)
    return X, (X[:, 1:] * coef[task]).sum(axis=1) + level[task] + rng.normal(size=len(task))


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_sorted_rows_are_scored_as_shuffled_ones(kind):
    X, y = long_data()
    model = MultiTaskLinearRegressorCV("mean_deviation", task_feature=0, alphas=20)
    if kind == "classification":
        model = MultiTaskLinearClassifierCV("l2", task_feature=0, alphas=[1.0, 0.1], tol=1e-2)
        y = (y > np.median(y)).astype(int)
    order = np.random.default_rng(0).permutation(len(y))
    for rows in (np.arange(len(y)), order):
        for train, test in folds_of(model, X[rows], y[rows]):
            assert set(X[rows][test, 0]) == set(X[rows][train, 0]) == set(X[:, 0])
    in_order, shuffled = (clone(model).fit(X[rows], y[rows]) for rows in (slice(None), order))
    best = [fit.score_path_.mean(axis=2).max() for fit in (in_order, shuffled)]
    assert best[0] == pytest.approx(best[1], abs=0.05)
    blocks = clone(model).set_params(cv=KFold(5), unknown_task="shared").fit(X, y)
    assert blocks.score_path_.mean(axis=2).max() < min(best) - 0.05


def test_a_splitter_finds_the_task_feature():
    X, y = long_data()
    frame = pd.DataFrame(X[:, 1:], columns=list("abcd"))
    frame["store"] = pd.Categorical.from_codes(X[:, 0].astype(int), [f"s{k}" for k in range(8)])
    model = MultiTaskLinearRegressorCV("mean_deviation", task_feature="store", alphas=[1.0, 0.1])
    splitter = MultiTaskKFold(3, shuffle=True, random_state=0, task_feature="store")
    by_splitter = clone(model).set_params(cv=splitter).fit(frame, y)
    by_number = clone(model).set_params(cv=3).fit(frame, y)
    np.testing.assert_array_equal(by_splitter.score_path_, by_number.score_path_)


def test_groups_of_a_number_stay_together(gaps):
    X, Y = gaps
    groups = np.arange(40) % 7
    model = MultiTaskLinearRegressorCV("l2", alphas=[0.1], cv=3)
    for train, test in folds_of(model, X, Y, groups=groups):
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize("scoring", [None, "r2"])
@pytest.mark.parametrize("is_scored", [True, False])
def test_a_warning_says_that_whole_tasks_are_held_out(is_scored, scoring):
    X, y = long_data(n_tasks=4)
    cut = np.searchsorted(X[:, 0], np.arange(5))
    # Each fold holds a task out, or a task and some rows of the next.
    reach = 5 if is_scored else 0
    folds = [
        (np.setdiff1d(np.arange(len(y)), test), test)
        for test in (np.arange(cut[t], min(cut[t + 1] + reach, len(y))) for t in range(4))
    ]
    model = MultiTaskLinearRegressorCV(
        "mean_deviation", task_feature=0, alphas=[1.0, 0.1], cv=folds, scoring=scoring
    )
    advice = r"sorted by task.*MultiTaskKFold\(5, task_feature=0\)"
    if is_scored:
        with pytest.warns(UserWarning, match=rf"rest on \d+ of \d+ held-out labels .*{advice}"):
            model.fit(X, y)
        assert np.isfinite(model.score_path_[0, :, 0]).all()
    else:
        with pytest.raises(ValueError, match=rf"No fold has a score.*{advice}"):
            model.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.set_params(unknown_task="shared").fit(X, y)


# -- folds with little in them --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["scores", "classes"])
@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
def test_folds_without_labels_of_a_task(kind, regression_data):
    X, Y = regression_data
    Y = Y if kind == "scores" else (Y - Y.mean(axis=0) > 0).astype(float)
    Y[8:, 0] = np.nan
    # Task 0 has labels in the first of five folds only, and the last has no label at all.
    Y[32:] = np.nan
    model = MultiTaskLinearCV("l21", alphas=[0.3, 0.03], cv=KFold(5)).fit(X, Y)
    # Classes are then predicted as equally probable, and numbers not at all.
    assert np.isnan(model.task_score_path_[0, :, 0, 0]).all() == (kind == "scores")
    assert np.isnan(model.task_score_path_[0, :, 1:, 0]).all()
    assert np.isfinite(model.score_path_[0, :, :4]).all()
    assert np.isnan(model.score_path_[0, :, 4]).all()
    assert np.isfinite(model.coef_).all()


def test_no_fold_to_score(regression_data):
    X, Y = regression_data
    Y[1:] = np.nan
    model = MultiTaskLinearCV("l2", alphas=[1.0])
    with pytest.raises(ValueError, match="No fold has a score"), warnings.catch_warnings():
        warnings.simplefilter("ignore", LabelWarning)
        model.fit(X, Y)
    assert not hasattr(model, "coef_")


def of_three_tasks():
    """Long form in which the third task has a single row, the last."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(31, 3)), columns=list("xyz"))
    X["task"] = ["a"] * 15 + ["b"] * 15 + ["c"]
    return X, rng.normal(size=31)


WEIGHTS = {
    "list": [1.0, 3.0, 2.0],
    "dict": {"c": 2.0, "b": 3.0},
    "Series": pd.Series({"c": 2.0, "a": 1.0, "b": 3.0}),
}
LINKS = pd.DataFrame(np.ones((3, 3)), index=list("cba"), columns=list("cba"))


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("is_graph", [False, True])
def test_folds_without_a_task_that_has_a_weight(weight, is_graph):
    X, y = of_three_tasks()
    train, test = np.arange(0, 30, 2), np.arange(1, 30, 2)
    penalty = {"penalty": Graph(LINKS) + L2() if is_graph else "l21"}
    two = {"penalty": Graph(LINKS.iloc[1:, 1:]) + L2() if is_graph else "l21"}
    penalty["intercept_alpha"] = two["intercept_alpha"] = 0.0
    ours = MultiTaskLinearCV(
        **penalty, task_feature="task", task_weight=weight, cv=[(train, test)], alphas=[0.1]
    ).fit(X, y)
    by_hand = MultiTaskLinear(**two, alpha=0.1, task_feature="task", task_weight={"b": 3.0})
    by_hand.fit(X.iloc[train], y[train])
    assert ours.score_path_[0, 0, 0] == pytest.approx(by_hand.score(X.iloc[test], y[test]))


@pytest.mark.parametrize("weight", [[1.0, 2.0], {"d": 1.0}, pd.Series({"a": 1.0, "b": 2.0})])
def test_a_weight_of_tasks_that_no_row_has_is_an_error_all_the_same(weight):
    with pytest.raises(ValueError, match="task_weight"):
        MultiTaskLinearCV(task_feature="task", task_weight=weight, cv=2).fit(*of_three_tasks())


@pytest.mark.parametrize("unknown_task", ["error", "shared"])
def test_tasks_that_training_did_not_see(unknown_task, gaps):
    X, Y = gaps
    rows, tasks = np.nonzero(~np.isnan(Y))
    X_long, y = np.column_stack([X[rows], tasks]), Y[rows, tasks]
    model = MultiTaskLinearCV(
        "mean_deviation",
        alphas=[1.0, 0.1],
        task_feature=5,
        unknown_task=unknown_task,
        cv=LeaveOneGroupOut(),
    ).fit(X_long, y, groups=np.where(tasks == 2, 0, 1 + rows % 2))
    # The first fold has all rows of task 2, and nothing else.
    assert np.isnan(model.score_path_[0, :, 0]).all() == (unknown_task == "error")
    assert np.isfinite(model.score_path_[0, :, 1:]).all()


# -- an estimator among others --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["scores", "mixed"])
def test_jobs_change_nothing(kind, gaps, mixed_data):
    X, Y = gaps if kind == "scores" else mixed_data
    options = {"alphas": 3, "cv": 3, "grid": {"fit_intercept": [True, False]}}
    one = MultiTaskLinearCV("l21", **options).fit(X, Y)
    two = MultiTaskLinearCV("l21", n_jobs=2, **options).fit(X, Y)
    np.testing.assert_array_equal(one.score_path_, two.score_path_)
    np.testing.assert_array_equal(one.coef_, two.coef_)


def test_a_solver_may_be_an_object(gaps):
    X, Y = gaps
    options = {"alphas": [0.3, 0.03], "cv": 2}
    by_name = MultiTaskLinearCV("l21", solver="proximal_gradient", **options).fit(X, Y)
    solver = ProximalGradient()
    by_object = pickle.loads(
        pickle.dumps(clone(MultiTaskLinearCV("l21", solver=solver, **options)).fit(X, Y))
    )
    np.testing.assert_array_equal(by_object.score_path_, by_name.score_path_)
    np.testing.assert_array_equal(by_object.coef_, by_name.coef_)
    search = MultiTaskLinearCV("l21", grid={"solver": ["admm", solver]}, **options).fit(X, Y)
    np.testing.assert_array_equal(search.score_path_[1], by_name.score_path_[0])


def test_weight_zero_is_unobserved(gaps):
    X, Y = gaps
    weight = np.ones(Y.shape)
    weight[::3, 1] = 0.0
    missing = np.where(weight > 0, Y, np.nan)
    a = MultiTaskLinearCV("l21", alphas=5).fit(X, np.where(weight > 0, Y, 1e6), weight)
    b = MultiTaskLinearCV("l21", alphas=5).fit(X, missing)
    np.testing.assert_array_equal(a.coef_, b.coef_)
    np.testing.assert_array_equal(a.score_path_, b.score_path_)


@pytest.mark.parametrize("penalty", ["l21", "mean_deviation", "trace_norm"])
def test_sparse_and_float32(penalty, gaps):
    X, Y = gaps
    options = {"alphas": [0.3, 0.03], "tol": 1e-10}
    dense = MultiTaskLinearCV(penalty, **options).fit(X, Y)
    for other in (sparse.csr_array(X), sparse.coo_array(X), X.astype(np.float32)):
        model = MultiTaskLinearCV(penalty, **options).fit(other, Y)
        np.testing.assert_allclose(model.score_path_, dense.score_path_, atol=1e-4)


def test_attributes_pickle_and_refits(gaps):
    X, Y = gaps
    X = pd.DataFrame(X, columns=list("abcde"))
    Y = pd.DataFrame(Y, columns=["x", "y", "z"])
    model = MultiTaskLinearCV("dirty", alphas=4, center=True, n_jobs=None).fit(X, Y)
    assert model.alphas_.shape == (4,)
    assert model.mse_path_.shape == (4, 5)
    assert model.params_ == [{}]
    assert model.coef_components_.shape == (2, 3, 5)
    assert model.shared_coef_.shape == (5,)
    assert model.dual_gap_ >= 0
    assert model.task_names_in_.tolist() == ["x", "y", "z"]
    refitted = MultiTaskLinear("dirty", center=True, **model.best_params_).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), refitted.predict(X))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    model.set_params(penalty="l2", center=False, tasks="regression").fit(X, Y)
    assert not hasattr(model, "coef_components_")
    assert not hasattr(model, "shared_coef_")
    before = dict(vars(model))
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan, Y)
    assert vars(model) == before


def test_one_classes_and_their_probabilities(mixed_data):
    X, _ = mixed_data
    y = np.where(X[:, 0] + 0.3 * X[:, 1] > 0, "yes", "no")
    model = MultiTaskLinearClassifierCV("l2", alphas=5).fit(X, y)
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.predict_proba(X).shape == (40, 2)
    assert model.score(X, y) > 0.8
    constant = np.full(40, "yes", dtype=object)
    with pytest.warns(LabelWarning, match="one observed class"):
        assert MultiTaskLinearCV(alphas=3).fit(X, constant).score(X, constant) == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alphas": [1.0, -1.0]}, "all >= 0"),
        ({"alphas": []}, "at least one"),
        ({"alphas": 0}, "alphas"),
        ({"eps": 0.0}, "eps"),
        ({"grid": {"alpha": [1.0]}}, "grid names 'alpha'"),
        ({"grid": {"tasks": ["auto"]}}, "grid names 'tasks'"),
        ({"grid": {"intercept": [1.0]}}, "Invalid parameter 'intercept'"),
        ({"grid": {"center": ["yes"]}}, "center"),
        ({"selection": "simplest"}, "selection"),
        ({"scoring": "rr"}, "rr"),
        ({"penalty": "l3"}, "penalty"),
    ],
)
def test_bad_parameters(options, message, gaps):
    with pytest.raises(ValueError, match=message):
        MultiTaskLinearCV(**options).fit(*gaps)


@pytest.mark.parametrize(
    "options", [{"center": True}, {"intercept_alpha": 1.0}, {"penalty": "mean_deviation"}]
)
def test_what_compares_tasks_of_unlike_outputs_is_refused_as_in_a_fit(options):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 4)), np.column_stack([np.arange(30) % 3, np.arange(30) % 2])
    with pytest.raises(ValueError, match="same number of outputs in each") as of_fit:
        MultiTaskLinearClassifier(tasks="multiclass", **options).fit(X, Y)
    with pytest.raises(ValueError, match=re.escape(str(of_fit.value))):
        MultiTaskLinearClassifierCV(tasks="multiclass", **options).fit(X, Y)


def test_constant_labels_and_few_iterations(regression_data):
    X, Y = regression_data
    model = MultiTaskLinearCV(alphas=3).fit(X, np.full_like(Y, 5.0))
    assert not model.coef_.any()
    assert model.score_path_.min() == 1.0
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        MultiTaskLinearCV("trace_norm", alphas=3, max_iter=2).fit(X, Y)


@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning", "ignore::UserWarning")
def test_a_fold_with_fewer_tasks_than_clusters():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat([0, 1, 2], 10), rng.normal(size=(30, 2))])
    y = X[:, 1] + 0.1 * rng.normal(size=30)
    rows = np.arange(30)
    folds = [(rows[:20], rows[20:]), (rows[::2], rows[1::2])]
    options = {"task_feature": 0, "unknown_task": "shared", "cv": folds, "alphas": [0.1]}
    model = MultiTaskLinearRegressorCV("clustered", **options).fit(X, y)
    # Two clusters for two tasks: a ridge, as the formula says with M = I.
    ridge = MultiTaskLinearRegressorCV("l2", **options).fit(X, y)
    np.testing.assert_allclose(model.mse_path_[..., 0], ridge.mse_path_[..., 0], rtol=1e-6)


# -- what folds count -------------------------------------------------------------------------


@pytest.fixture
def rare():
    """X (60, 6), a task of few labels that differ, and one of many."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 6))
    z = X[:, :2] @ rng.normal(size=(2, 2)) + rng.normal(size=(60, 2))
    return X, np.column_stack([(z[:, 0] > 2.0) * 0.1 + 0.7, z[:, 1]])


@pytest.mark.parametrize("from_rows", [False, True])
def test_the_choice_is_by_the_share_explained_of_all_held_out_labels(from_rows, rare):
    X, Y = rare
    Y[5:9, 1] = np.nan
    if from_rows:
        X = np.column_stack([X, np.zeros((60, 100))])
    folds = list(KFold(10).split(X))
    search = MultiTaskLinearRegressorCV("l2", alphas=np.geomspace(10, 0.01, 8), cv=folds)
    search.fit(X, Y)
    explained = []
    for alpha in search.alphas_:
        model, lost, total = MultiTaskLinearRegressor("l2", alpha=alpha), np.zeros(2), np.zeros(2)
        for train, test in folds:
            residuals = Y[test] - model.fit(X[train], Y[train]).predict(X[test])
            around = Y[test] - np.nanmean(Y[test], axis=0)
            is_varied = np.nansum(around**2, axis=0) > 1e-12
            lost += is_varied * np.nansum(residuals**2, axis=0)
            total += np.nansum(around**2, axis=0)
        explained.append((1.0 - lost / total).mean())
    assert search.alpha_ == search.alphas_[np.argmax(explained)]
    # Fold by fold, labels that are nearly all the same decide.
    assert search.alpha_ != search.alphas_[search.score_path_[0].mean(axis=1).argmax()]


def test_labels_of_a_fold_that_are_all_the_same_are_no_rounding(rare):
    X, Y = rare
    order = np.argsort(Y[:, 0])
    search = MultiTaskLinearRegressorCV("l2", cv=KFold(5)).fit(X[order], Y[order])
    # Not explained at all, instead of a deviance over what rounding leaves of none.
    assert search.task_score_path_[0, :, 0, 0].min() == 0.0


def test_accuracies_count_by_labels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    y = (X[:, 0] + rng.normal(size=50) > 0).astype(int)
    folds = [(np.arange(10, 50), np.arange(10)), (np.arange(10), np.arange(10, 50))]
    search = MultiTaskLinearClassifierCV("l2", alphas=[1.0, 0.1, 0.01], cv=folds).fit(X, y)
    means = search.score_path_[0] @ [0.2, 0.8]
    assert search.alpha_ == search.alphas_[means.argmax()]
