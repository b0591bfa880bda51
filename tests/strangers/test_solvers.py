"""A solver from outside the package goes wherever ours do."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskLinear, MultiTaskLinearCV
from skmtl.linear.solvers import ADMM, Solution
from skmtl.testing import check_solver
from tests.strangers.ista import ISTA


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4))
    W = rng.normal(size=(4, 1)) + 0.5 * rng.normal(size=(4, 3))
    return X, X @ W + rng.normal(size=(40, 3))


def test_properties():
    check_solver(ISTA())


class Hasty(ISTA):
    """Says that it is done after one step."""

    def solve(self, problem, start, stopping):
        found = super().solve(problem, start, type(stopping)(stopping.max_gap, 1))
        return Solution(found.x, 0.0, 1)


class Slow(ISTA):
    """Stops early, and says so."""

    def solve(self, problem, start, stopping):
        return super().solve(problem, start, type(stopping)(stopping.max_gap, 1))


class Silent(ISTA):
    def lacks(self, case):
        return False


class Picky(ISTA):
    def lacks(self, case):
        return "another problem"


class Restless(ISTA):
    """Leaves the solution it starts from."""

    def solve(self, problem, start, stopping):
        if start.W.any():
            return Solution(problem.start(0.5 * start.W, start.b, 0.5 * start.parts), 0.0, 1)
        return super().solve(problem, start, stopping)


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (Hasty(), "above the optimum of proximal gradient"),
        (Slow(), "the gap is .* after 1 iterations"),
        (Silent(), "expected a text or None"),
        (Picky(), "refuses every problem"),
        (Restless(), "started from its solution"),
        ("admm", "is no skmtl.linear.solvers.Solver"),
    ],
)
def test_what_a_check_finds(solver, message):
    with pytest.raises(AssertionError, match=message):
        check_solver(solver)


@pytest.mark.parametrize("penalty", ["l2", "l21", "trace_norm", "robust"])
def test_fits_are_those_of_our_solvers(penalty, data):
    options = {"alpha": 0.1, "tol": 1e-10, "max_iter": 50_000}
    model = MultiTaskLinear(penalty, solver=ISTA(), **options).fit(*data)
    ours = MultiTaskLinear(penalty, **options).fit(*data)
    np.testing.assert_allclose(model.coef_, ours.coef_, atol=1e-4)
    assert model.dual_gap_ <= 1e-9


def test_search_clone_and_pickle(data):
    model = MultiTaskLinear("l21", alpha=0.1, solver=ISTA())
    grid = {"solver__safety": [1.1, 2.0], "solver": [ISTA(), ISTA(2)], "alpha": [0.01, 0.1]}
    search = GridSearchCV(model, grid, cv=3).fit(*data)
    best = pickle.loads(pickle.dumps(search.best_estimator_))
    assert isinstance(best.solver, ISTA)
    np.testing.assert_array_equal(best.predict(data[0]), search.predict(data[0]))
    changed = clone(model).set_params(solver__safety=3.0)
    assert (changed.solver.safety, model.solver.safety) == (3.0, 1.1)


@pytest.mark.parametrize("options", [{}, {"alphas": [1.0, 0.1, 0.0]}])
def test_paths(options, data):
    ours = MultiTaskLinearCV("l21", cv=3, tol=1e-8, **({"alphas": 5} | options)).fit(*data)
    model = clone(ours).set_params(solver=ISTA(), max_iter=10_000).fit(*data)
    assert model.alpha_ == ours.alpha_
    np.testing.assert_allclose(model.score_path_, ours.score_path_, atol=1e-3)


def test_refusals_and_warnings(data):
    X, Y = data
    with pytest.raises(ValueError, match=r"solver=ISTA\(\) needs squared loss.*'proximal_grad"):
        MultiTaskLinear("l21", tasks="binary", solver=ISTA()).fit(X, Y > 0)
    with pytest.raises(ValueError, match=r"solver=ISTA\(\) needs center=False"):
        MultiTaskLinear("l21", center=True, solver=ISTA()).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 iterations reached"):
        MultiTaskLinear("l21", alpha=0.01, solver=ISTA(), max_iter=1).fit(X, Y)


def test_ours_are_objects_too(data):
    by_name = MultiTaskLinear("l21", alpha=0.1, solver="admm").fit(*data)
    np.testing.assert_array_equal(
        MultiTaskLinear("l21", alpha=0.1, solver=ADMM()).fit(*data).coef_, by_name.coef_
    )
