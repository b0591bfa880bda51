"""Quadratic models find what proximal gradient finds, and certify it."""

import numpy as np
import pytest

from skmtl import MultiTaskLinear
from skmtl.linear.solvers import QuadraticModels, _quadratic_models
from skmtl.tasks import Binary, Count, Regression
from tests.linear.conftest import PIECES

PENALTIES = [
    *("trace_norm", "dirty", "robust", "sparse_low_rank", "fused", "l1inf", "clustered"),
    *("squared_trace_norm", "fused_sparse_group", "l2", "mean_deviation"),
    "l21+trace",
]
LOSSES = {
    "binary": [Binary(), Binary(), Binary()],
    "count": [Count(), Count(), Count()],
    "mixed": [Regression(), Binary(), Count()],
    "huber": [Regression("huber"), Regression("huber"), Binary()],
}


@pytest.fixture(params=sorted(LOSSES))
def labelled(request, regression_data):
    """X, labels of three tasks that fit a loss, and the tasks."""
    X, Y = regression_data
    rng = np.random.default_rng(1)
    kinds = {
        Regression: lambda y: y,
        Binary: lambda y: (y > np.median(y)) * 1.0,
        Count: lambda y: rng.poisson(np.exp(0.3 * y)) * 1.0,
    }
    tasks = LOSSES[request.param]
    return X, np.column_stack([kinds[type(t)](y) for t, y in zip(tasks, Y.T, strict=True)]), tasks


def pair(penalty, X, Y, tol=1e-9, **options):
    """Fits with quadratic models and with proximal gradient."""
    return [
        MultiTaskLinear(
            PIECES.get(penalty, penalty), solver=solver, tol=tol, max_iter=50_000, **options
        ).fit(X, Y)
        for solver in (QuadraticModels(), "proximal_gradient")
    ]


@pytest.fixture
def without_steps(monkeypatch):
    """Models from the first step on."""
    monkeypatch.setattr(_quadratic_models, "STEPS_PER_FEATURE", 0.0)


OPTIONS = [{}, {"center": True}, {"intercept_alpha": 0.5}, {"fit_intercept": False}]


@pytest.mark.usefixtures("without_steps")
@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_optimum_of_proximal_gradient(penalty, labelled, request):
    X, Y, tasks = labelled
    # Every option beside every penalty and every loss, but not each with each.
    loss = request.node.callspec.params["labelled"]
    options = OPTIONS[(PENALTIES.index(penalty) + sorted(LOSSES).index(loss)) % len(OPTIONS)]
    Y[::5, 0] = np.nan
    models, steps = pair(penalty, X, Y, alpha=0.03, tasks=tasks, scale_targets=False, **options)
    assert models.dual_gap_ <= 1e-7
    for t in range(3):
        scores = [X @ m.coef_[t] + m.intercept_[t] for m in (models, steps)]
        np.testing.assert_allclose(scores[0], scores[1], atol=2e-3)


@pytest.mark.usefixtures("without_steps")
@pytest.mark.parametrize("penalty", ["trace_norm", "dirty", "l2"])
def test_long_form(penalty, regression_data):
    X, Y = regression_data
    index = np.repeat([0.0, 1.0, 2.0], len(X))
    X, y = np.column_stack([index, np.tile(X, (3, 1))]), (np.median(Y, axis=0) < Y).T.ravel()
    models, steps = pair(penalty, X, y, alpha=0.01, tasks="binary", task_feature=0)
    assert models.dual_gap_ <= 1e-8
    np.testing.assert_allclose(models.coef_, steps.coef_, atol=1e-3)


@pytest.mark.usefixtures("without_steps")
@pytest.mark.parametrize("alpha", [1e-1, 1e-3, 1e-5])
def test_models_are_few(alpha, regression_data, monkeypatch):
    X, Y = regression_data
    n_models = []
    minimise = _quadratic_models._Model.minimise
    monkeypatch.setattr(
        _quadratic_models._Model,
        "minimise",
        lambda *args: n_models.append(1) or minimise(*args),
    )
    Y = (np.median(Y, axis=0) < Y) * 1.0
    MultiTaskLinear("trace_norm", alpha=alpha, tol=1e-8, solver=QuadraticModels()).fit(X, Y)
    assert len(n_models) <= 25


def test_where_a_few_steps_are_enough_there_is_no_model(regression_data, monkeypatch):
    X, Y = regression_data
    monkeypatch.setattr(_quadratic_models, "quadratic_models", None)
    Y = (np.median(Y, axis=0) < Y) * 1.0
    model = MultiTaskLinear("trace_norm", alpha=10.0, solver="quadratic_models").fit(X, Y)
    assert (model.coef_ == 0.0).all()


@pytest.mark.usefixtures("without_steps")
def test_proximal_gradient_takes_over_where_nothing_falls(regression_data, monkeypatch):
    X, Y = regression_data
    monkeypatch.setattr(_quadratic_models, "_search", lambda *args: None)
    models, steps = pair("trace_norm", X, (np.median(Y, axis=0) < Y) * 1.0, alpha=0.01)
    np.testing.assert_allclose(models.coef_, steps.coef_, atol=1e-3)
    assert models.n_iter_ > 5


@pytest.mark.usefixtures("without_steps")
def test_max_iter_counts_all_iterations(regression_data):
    X, Y = regression_data
    Y = (np.median(Y, axis=0) < Y) * 1.0
    model = MultiTaskLinear("fused", alpha=1e-3, solver="quadratic_models", max_iter=23, tol=1e-12)
    with pytest.warns(UserWarning, match="max_iter=23 iterations reached"):
        model.fit(X, Y)
    assert model.n_iter_ == 23


@pytest.mark.parametrize(
    ("tasks", "labels", "message"),
    [
        ("regression", lambda Y: Y, "needs a loss that is not squared"),
        ("multiclass", lambda Y: np.digitize(Y, [-1.0, 1.0]), "tasks with one output each"),
    ],
)
def test_what_it_needs(tasks, labels, message, regression_data):
    X, Y = regression_data
    model = MultiTaskLinear("trace_norm", solver="quadratic_models", tasks=tasks)
    with pytest.raises(ValueError, match=message):
        model.fit(X, labels(Y))


def test_many_features_are_left_to_proximal_gradient(regression_data):
    X, Y = regression_data
    X = np.tile(X, (1, 101))
    with pytest.raises(ValueError, match="at most 500 features, but got 505"):
        MultiTaskLinear("dirty", solver="quadratic_models", tasks="binary").fit(X, Y > 0)
