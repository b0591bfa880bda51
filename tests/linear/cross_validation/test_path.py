"""Where a path looks for its next solution."""

import numpy as np
import pytest

from skmtl import MultiTaskLinear
from skmtl.linear.cross_validation import _path
from skmtl.linear.cross_validation._path import PathModel, PathProblem, predicted
from skmtl.linear.objective._variables import Start


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def start_of(rng, with_parts):
    parts = rng.normal(size=(2, 4, 3)) if with_parts else None
    return Start(rng.normal(size=(4, 3)), rng.normal(size=3), parts)


@pytest.mark.parametrize("with_parts", [True, False])
def test_a_line_in_the_logarithm_of_alpha_is_followed(with_parts, rng):
    at_one, slope = start_of(rng, with_parts), start_of(rng, with_parts)

    def solution(alpha):
        return Start(
            *(
                None if a is None else a + np.log(alpha) * s
                for a, s in zip(at_one, slope, strict=True)
            )
        )

    past = [(alpha, solution(alpha)) for alpha in (1.0, 0.3)]
    for alpha in (0.2, 0.09):
        for found, expected in zip(predicted(past, alpha), solution(alpha), strict=True):
            assert (found is None) == (expected is None)
            if found is not None:
                np.testing.assert_allclose(found, expected, rtol=1e-12)
    # No further than the last step.
    far, near = predicted(past, 1e-9), predicted(past, 0.09)
    np.testing.assert_allclose(far.W, near.W, rtol=1e-12)


def test_where_nothing_is_predicted(rng):
    before, last = start_of(rng, True), start_of(rng, True)
    assert predicted([], 1.0) is None
    assert predicted([(1.0, last)], 0.5) is last
    for alphas, alpha in (((1.0, 0.5), 0.0), ((1.0, 1.0), 0.5), ((0.5, 1.0), 0.3), ((1, 0.5), 0.5)):
        assert predicted([(alphas[0], before), (alphas[1], last)], alpha) is last


def test_what_was_zero_stays_zero(rng):
    before, last = start_of(rng, False), start_of(rng, False)
    last.W[1] = 0.0
    assert not predicted([(1.0, before), (0.5, last)], 0.3).W[1].any()


@pytest.mark.parametrize("penalty", ["l2", "l21"])
def test_prediction_saves_iterations_and_changes_no_solution(penalty, mixed_data, monkeypatch):
    X, Y = mixed_data
    model = MultiTaskLinear(penalty, tasks=["binary", "count"], tol=1e-8)
    targets = model._read_y(X, Y[:, [1, 3]], None, None)
    problem = PathProblem.of_rows(PathModel.of(model), X, targets)
    alphas = np.geomspace(0.5, 0.01, 30)
    ahead = list(problem.solutions(alphas))
    monkeypatch.setattr(_path, "predicted", lambda past, alpha: past[-1][1] if past else None)
    behind = list(problem.solutions(alphas))
    assert sum(fit.n_iter for fit in ahead) < sum(fit.n_iter for fit in behind)
    for one, other in zip(ahead, behind, strict=True):
        np.testing.assert_allclose(one.W, other.W, atol=1e-3)
