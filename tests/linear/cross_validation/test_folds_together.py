"""Folds that are one problem have the fits of each."""

import numpy as np
import pytest
from scipy import sparse

from skmtl import MultiTaskLinear, MultiTaskLinearCV
from skmtl.linear.cross_validation import _folds_together
from skmtl.linear.cross_validation._folds_together import go_together, solutions_together
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.penalties import L1, L2, L21, Graph, MeanDeviation, Split
from skmtl.model_selection import MultiTaskKFold
from skmtl.tasks import Regression
from tests.linear.conftest import MIXED

ALPHAS = np.array([1.0, 0.1, 0.01])
TIGHT = {"tol": 1e-12, "max_iter": 20_000}
ROWS = np.arange(40)
FOLDS = [(ROWS[k != ROWS % 4], ROWS[k == ROWS % 4]) for k in range(4)]


def read(model, X, Y, rows, weight=None):
    """X and `Targets` of some rows, as the model reads them."""
    weight = None if weight is None else weight[rows]
    return X[rows], model._read_y(X[rows], Y[rows], None, weight)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fit_intercept": False},
        {"task_weight": [1.0, 2.0, 0.5, 3.0]},
        {"scale_targets": False},
        {"penalty": L2(0.3) + L2()},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["dense", "sparse", "wide", "weighted"])
@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
def test_fits_are_those_of_each_fold(options, kind, mixed_data):
    X, Y = mixed_data
    # The first fold trains without a class, the second without a label of task 3.
    Y[(ROWS % 4 != 0) & (Y[:, 2] == 0), 2] = np.nan
    Y[ROWS % 4 != 1, 3] = np.nan
    weight = np.random.default_rng(0).uniform(0, 2, Y.shape) if kind == "weighted" else None
    if kind == "sparse":
        X = sparse.csr_array(X)
    if kind == "wide":
        X = np.random.default_rng(0).normal(size=(40, 60))
    model = MultiTaskLinear(**{"penalty": "l2", "tasks": MIXED, **TIGHT, **options})
    path_model = PathModel.of(model)
    training = [(rows, read(model, X, Y, rows, weight)[1]) for rows, _ in FOLDS]
    together = list(solutions_together(path_model, X, training, ALPHAS))
    assert len(together) == len(ALPHAS)
    for k, (rows, targets) in enumerate(training):
        problem = PathProblem.of_rows(path_model, X[rows], targets)
        for fits, fit in zip(together, problem.solutions(ALPHAS), strict=True):
            assert fits[k].gap <= 1e-11
            np.testing.assert_allclose(fits[k].W, fit.W, atol=1e-4)
            # Intercepts of several classes are known but for what they have in common.
            expected = [
                problem.targets.tasks.inverse_link(X @ one.W + one.b) for one in (fits[k], fit)
            ]
            for found, of_fold in zip(*expected, strict=True):
                np.testing.assert_allclose(found, of_fold, rtol=1e-3, atol=1e-5)


@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
def test_a_fold_may_have_nothing_to_learn(mixed_data):
    X, Y = mixed_data
    y = np.where(ROWS % 4 == 0, Y[:, [1]].T, 1.0).T
    model = MultiTaskLinear("l2", tasks="binary")
    training = [(rows, read(model, X, y, rows)[1]) for rows, _ in FOLDS]
    together = list(solutions_together(PathModel.of(model), X, training, ALPHAS))
    assert [[fit is None for fit in fits] for fits in together] == [[True, False, False, False]] * 3
    first = list(solutions_together(PathModel.of(model), X, training[:1], ALPHAS))
    assert first == [[None]] * 3


@pytest.mark.parametrize(
    ("is_one", "options"),
    [
        (True, {}),
        (True, {"penalty": L2(3.0)}),
        (True, {"fit_intercept": False, "intercept_alpha": 1.0}),
        (False, {"penalty": "l21"}),
        (False, {"penalty": L2() + MeanDeviation()}),
        (False, {"penalty": Graph(np.ones((2, 2)))}),
        (False, {"penalty": Split(L2(), L1())}),
        (False, {"penalty": L2() + L21()}),
        (False, {"center": True}),
        (False, {"intercept_alpha": 1.0}),
        (False, {"positive": True, "penalty": L1()}),
        (False, {"solver": "proximal_gradient"}),
        (False, {"tasks": "regression"}),
    ],
    ids=str,
)
def test_what_is_one_problem(is_one, options, mixed_data):
    X, Y = mixed_data
    Y = Y[:, [1, 3]]
    model = MultiTaskLinear(**{"penalty": "l2", "tasks": ["binary", "count"], **options})
    targets = read(model, X, Y, ROWS)[1]
    assert go_together(PathModel.of(model), X, targets, FOLDS) == is_one


def test_repeated_rows_and_large_data_are_fitted_alone(mixed_data, monkeypatch):
    X, Y = mixed_data
    model = MultiTaskLinear("l2", tasks=Regression("huber"))
    targets = read(model, X, Y[:, [0]], ROWS)[1]
    assert go_together(PathModel.of(model), X, targets, FOLDS)
    again = [(np.append(train, train[0]), test) for train, test in FOLDS]
    assert not go_together(PathModel.of(model), X, targets, again)
    monkeypatch.setattr(_folds_together, "SMALL", 4 * 40 - 1)
    assert not go_together(PathModel.of(model), X, targets, FOLDS)


def test_scores_are_those_of_each_fold(mixed_data, monkeypatch):
    X, Y = mixed_data
    options = {"tasks": MIXED, "cv": MultiTaskKFold(4), "alphas": ALPHAS, **TIGHT}
    together = MultiTaskLinearCV("l2", **options).fit(X, Y)
    monkeypatch.setattr(_folds_together, "SMALL", 0)
    alone = MultiTaskLinearCV("l2", **options).fit(X, Y)
    np.testing.assert_allclose(together.score_path_, alone.score_path_, atol=1e-5)
    np.testing.assert_allclose(together.task_score_path_, alone.task_score_path_, atol=1e-5)
    assert together.alpha_ == alone.alpha_
