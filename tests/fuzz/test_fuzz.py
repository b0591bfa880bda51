"""A short run of the fuzz, and that it would find what it looks for."""

import numpy as np
import pytest

from skmtl import MultiTaskLinear
from tests.fuzz.checks import check_gap, check_output
from tests.fuzz.draws import draw
from tests.fuzz.halves import HALVES
from tests.fuzz.outcome import asked, fitted
from tests.fuzz.runner import run_problem
from tests.registry import EVERY

N_PROBLEMS, N_PARTS = 100, 10


@pytest.mark.parametrize("half", sorted(HALVES))
@pytest.mark.parametrize("part", range(N_PARTS))
def test_no_anomaly(half, part):
    for index in range(part, N_PROBLEMS, N_PARTS):
        problem, passed, anomalies = run_problem(0, index, half)
        which = f"python -m tests.fuzz --half {half} --seed 0 --only {index}"
        assert anomalies == [], f"{which}: {problem}"
        assert passed


def test_the_halves_are_all_estimators():
    assert set().union(*HALVES.values()) == set(EVERY)


def regression():
    """A problem of complete numbers."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    labels = (X @ rng.normal(size=(4, 2)) + 3.0).astype(object)
    return draw(0, 0).changed(
        name="linear",
        options={"penalty": "l21", "alpha": 0.1},
        X=X,
        labels=labels,
        declared=("auto", "auto"),
        names=("a", "b"),
        groups=None,
        weight=None,
        task_weight=None,
        is_1d=False,
        x_as="array",
        y_as="object",
    )


def test_a_dishonest_gap_is_found():
    outcome = fitted(regression())
    check_gap(outcome)
    outcome.model.coef_ = outcome.model.coef_ + 0.1
    with pytest.raises(AssertionError, match=r"objective .*, gap .*, but .* was found"):
        check_gap(outcome)


def test_a_prediction_that_is_not_finite_is_found():
    problem = regression()
    model = MultiTaskLinear().fit(problem.given_X, problem.given_y)
    model.intercept_ = model.intercept_ * np.nan
    with pytest.raises(AssertionError, match="column 0 is not finite"):
        check_output(asked(problem, model))


def test_one_seed_is_one_problem():
    one, other = draw(3, 17), draw(3, 17)
    assert str(one) == str(other)
    np.testing.assert_array_equal(one.X, other.X)
    assert (one.labels == other.labels).all()
    assert str(one) != str(draw(4, 17))
