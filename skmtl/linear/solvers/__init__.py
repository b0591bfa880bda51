"""How the coefficients are found, and certified."""

from skmtl.linear.solvers._admm import admm
from skmtl.linear.solvers._base import Solution
from skmtl.linear.solvers._closed_form import closed_form, closed_form_graph
from skmtl.linear.solvers._proximal_gradient import largest_curvature, proximal_gradient

__all__ = [
    "Solution",
    "admm",
    "closed_form",
    "closed_form_graph",
    "largest_curvature",
    "proximal_gradient",
]
