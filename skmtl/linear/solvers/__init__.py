"""How the coefficients are found, and certified."""

from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._admm import ADMM, admm
from skmtl.linear.solvers._base import Case, Solution, Solver, Stopping
from skmtl.linear.solvers._block_descent import BlockDescent
from skmtl.linear.solvers._closed_form import ClosedForm, closed_form, closed_form_graph
from skmtl.linear.solvers._newton import Newton
from skmtl.linear.solvers._proximal_gradient import (
    ProximalGradient,
    largest_curvature,
    proximal_gradient,
)
from skmtl.linear.solvers._proximal_newton import ProximalNewton
from skmtl.linear.solvers._quadratic_models import QuadraticModels

# In the order of preference; the last takes everything.
SOLVERS: tuple[Solver, ...] = (
    ClosedForm(),
    Newton(),
    BlockDescent(),
    ADMM(),
    ProximalNewton(),
    QuadraticModels(),
    ProximalGradient(),
)

__all__ = [
    "ADMM",
    "SOLVERS",
    "BlockDescent",
    "Case",
    "ClosedForm",
    "Newton",
    "ProximalGradient",
    "ProximalNewton",
    "QuadraticModels",
    "Solution",
    "Solver",
    "Start",
    "Stopping",
    "admm",
    "closed_form",
    "closed_form_graph",
    "largest_curvature",
    "proximal_gradient",
]
