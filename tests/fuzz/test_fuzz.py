"""A short run of the fuzz, and that it would find what it looks for."""

from itertools import chain

import numpy as np
import pytest

import skmtl
from skmtl import MultiTaskLinear
from skmtl.linear.penalties import PENALTIES
from skmtl.linear.solvers import SOLVERS
from skmtl.neural.architectures import ARCHITECTURES
from skmtl.neural.balancing import BALANCING
from skmtl.tasks import TASK_TYPES
from tests.fuzz.checks import check_gap, check_output
from tests.fuzz.containers import X_CONTAINERS, Y_CONTAINERS
from tests.fuzz.drawn import drawn
from tests.fuzz.draws import draw
from tests.fuzz.halves import HALVES
from tests.fuzz.labels import TYPES
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


def test_every_public_estimator_is_drawn():
    fits = {name for name in skmtl.__all__ if hasattr(getattr(skmtl, name), "fit")}
    assert fits == {type(make()).__name__ for make in EVERY.values()}
    for half, names in HALVES.items():
        assert {draw(0, index, half).name for index in range(500)} == set(names)


def test_every_part_is_drawn():
    problems = [draw(0, index, half) for half in HALVES for index in range(3000)]
    found = {name: set() for name, _ in chain.from_iterable(map(drawn, problems))}
    for what, value in chain.from_iterable(map(drawn, problems)):
        found[what].add(value)
    assert found["solver"] >= {solver.name for solver in SOLVERS}
    assert found["penalty"] >= set(PENALTIES)
    assert found["architecture"] == set(ARCHITECTURES)
    assert found["balancing"] == set(BALANCING)
    assert found["X as"] == set(X_CONTAINERS)
    assert found["y as"] == set(Y_CONTAINERS)
    declared = {TYPES.get(name, name) for name in found["declared"] - {"auto"}}
    aliases = {task if isinstance(task, str) else task.alias for task in declared}
    # Told by their labels.
    assert aliases | {"regression", "binary"} == set(TASK_TYPES)


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
