"""Features in other units: the same predictions, in about as many iterations."""

import numpy as np
import pytest

from skmtl import MultiTaskLinear
from skmtl.linear.penalties import PENALTIES
from skmtl.linear.solvers import SOLVERS
from skmtl.tasks import Binary, Count, Regression

FACTORS = [1e-6, 0.1, 1e6]
# Powers of alpha: how a penalty grows with W.
DEGREES = {
    **dict.fromkeys(("l21", "l1", "trace_norm", "dirty", "fused", "l1inf"), 1),
    **dict.fromkeys(("l2", "mean_deviation", "clustered", "squared_trace_norm"), 2),
}
LABELS = {
    "squared": ([Regression()] * 3, lambda Y: Y),
    "binary": ([Binary()] * 3, lambda Y: (np.median(Y, axis=0) < Y) * 1.0),
    "count": ([Count()] * 3, lambda Y: np.round(np.exp(0.3 * (Y - Y.mean(axis=0))))),
    "huber": ([Regression("huber")] * 3, lambda Y: np.where(Y.mean(axis=0) + 3 < Y, 1e6, Y)),
    "mixed": (
        [Regression(), Binary(), Count()],
        lambda Y: np.column_stack([Y[:, 0], Y[:, 1] > np.median(Y[:, 1]), np.abs(Y[:, 2]).round()]),
    ),
}


OPTIONS = [{}, {"center": True}, {"intercept_alpha": 0.5}]
# Every option beside every penalty and every kind of labels, but not each with each.
CASES = [
    (penalty, OPTIONS[(i + j) % len(OPTIONS)], labels)
    for i, penalty in enumerate(DEGREES)
    for j, labels in enumerate(LABELS)
]


@pytest.mark.parametrize("solver", [solver.name for solver in SOLVERS])
@pytest.mark.parametrize(("penalty", "options", "labels"), CASES, ids=str)
def test_units_of_the_features(penalty, options, labels, solver, regression_data):
    X, Y = regression_data
    tasks, made = LABELS[labels]
    Y = made(Y)
    options = {
        **options, "solver": solver, "tol": 1e-6, "tasks": tasks, "scale_targets": False,
        "max_iter": 10_000,
    }  # fmt: skip

    def fit(factor):
        alpha = 0.02 * factor ** DEGREES[penalty]
        return MultiTaskLinear(PENALTIES[penalty](), alpha=alpha, **options).fit(factor * X, Y)

    try:
        expected = fit(1.0)
    except ValueError as error:
        assert "needs" in str(error)
        return
    for factor in FACTORS:
        model = fit(factor)
        assert model.n_iter_ <= 2 * expected.n_iter_ + 10
        scores = [a * X @ m.coef_.T + m.intercept_ for a, m in ((factor, model), (1.0, expected))]
        np.testing.assert_allclose(scores[0], scores[1], atol=0.02 * np.ptp(scores[1]))
