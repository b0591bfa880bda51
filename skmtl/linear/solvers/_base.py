"""What a solver is: what it needs, and how it solves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skmtl._aliases import Searchable
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._setup import StatedLoss
from skmtl.linear.objective._variables import Start
from skmtl.linear.penalties import Penalty
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]
QuickFit = Callable[[float, Start | None], LinearFit | None]
"""From alpha and coefficients to start from to a fit, or to None."""


@dataclass(frozen=True)
class Case:
    """What decides on the solver.

    Attributes
    ----------
    tasks : TaskSet
        Tasks of the fit: ``tasks.has_squared_loss`` says whether all losses are squared.
    parts : list of PenaltyPart
        Penalty of each part of W, times alpha.
    penalty : Penalty
        The penalty as it was given.
    options : FitOptions
        alpha, center, fit_intercept, intercept_alpha, positive and the rest.
    n_gram_bytes : float
        Memory of the Gram matrices; inf where a loss is not squared.
    n_alphas : int, default=1
        Number of fits along a path.
    is_stored : bool, default=False
        Whether rows stay in a source, and only what blocks of them add up to is there.
    """

    tasks: TaskSet
    parts: Sequence[PenaltyPart]
    penalty: Penalty
    options: FitOptions
    n_gram_bytes: float
    n_alphas: int = 1
    is_stored: bool = False

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.parts[0].shape[0]

    @property
    def n_coefficients(self) -> int:
        """Number of coefficients, of all alphas."""
        return int(self.n_alphas * np.prod(self.parts[0].shape))

    @property
    def n_grams(self) -> float:
        """Number of Gram matrices."""
        return self.n_gram_bytes / (8 * self.n_features**2)

    @property
    def has_shrunk_intercepts(self) -> bool:
        """Whether intercepts are penalised."""
        return self.options.fit_intercept and self.options.intercept_alpha > 0


@dataclass(frozen=True)
class Stopping:
    """When to stop.

    Attributes
    ----------
    max_gap : float
        Largest duality gap of a solution.
    max_iter : int
        Largest number of iterations.
    """

    max_gap: float
    max_iter: int


@dataclass(frozen=True)
class Solution:
    """Coefficients with their certificate.

    Attributes
    ----------
    x : ndarray
        Parameters as `Problem.split` understands them.
    gap : float
        Primal value minus a lower bound of the optimum; inf where none was found.
    n_iter : int
        Iterations; 1 for a closed form.
    """

    x: Array
    gap: float
    n_iter: int


class Solver(Searchable, BaseEstimator, ABC):
    """Base class of solvers.

    A solver says what it `lacks` for a case, and solves a stated problem. An object of a class
    of your own is the ``solver`` of an estimator: it is cloned, searched (``solver__name``) and
    pickled with it, so that its parameters follow scikit-learn's rules, as those of penalties.
    :func:`skmtl.testing.check_solver` runs on it what the package's own solvers pass.

    Attributes
    ----------
    name : str
        What ``solver`` calls it, and messages.
    needs_grams : bool
        Whether the problem must be stated on Gram matrices: ``problem.loss.statistics`` then are
        the `Statistics` of the data.
    is_direct : bool
        Whether there are no iterations, so that ``max_iter`` plays no part.
    is_compiled : bool
        Whether compiled code is loaded, which takes longer than another solver takes on a small
        problem.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.linear.solvers import Solution, Solver, largest_curvature
    >>> class ProximalSteps(Solver):
    ...     "Proximal gradient steps of one length."
    ...
    ...     name = "proximal_steps"
    ...
    ...     def lacks(self, case):
    ...         return None if case.tasks.has_squared_loss else "squared loss"
    ...
    ...     def solve(self, problem, start, stopping):
    ...         x = problem.start(*start)
    ...         step = 0.9 / largest_curvature(problem, x)
    ...         for n_iter in range(1, stopping.max_iter + 1):
    ...             gradient = problem.smooth_gradient(x, problem.at(x))
    ...             x = problem.prox(x - step * gradient, step)
    ...             primal, bound = problem.gap(x)
    ...             if primal - bound <= stopping.max_gap:
    ...                 break
    ...         return Solution(x, primal - bound, n_iter)
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = MultiTaskLinear("l21", alpha=0.5, solver=ProximalSteps()).fit(X, 2 * X)
    >>> model.coef_.round(2)
    array([[1.6]])
    """

    name: ClassVar[str]
    needs_grams: ClassVar[bool] = False
    is_direct: ClassVar[bool] = False
    is_compiled: ClassVar[bool] = False

    def lacks(self, case: Case) -> str | None:
        """What this solver needs and the case does not have; None if it can solve it.

        Parameters
        ----------
        case : Case
            Tasks, penalty and options.

        Returns
        -------
        missing : str or None
            Ends the sentence "solver='name' needs ...".
        """
        return None

    @abstractmethod
    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        """Minimise.

        Parameters
        ----------
        problem : Problem
            The objective over a flat vector x: ``at(x)`` is a point of the loss,
            ``smooth_value(x, point)`` and ``smooth_gradient(x, point)`` belong to the smooth
            side, ``prox(x, step)`` to the other, and ``gap(x)`` is the primal value with a lower
            bound of the optimum.
        start : Start
            Coefficients to start from: ``problem.start(*start)`` is their x.
        stopping : Stopping
            When to stop.

        Returns
        -------
        solution : Solution
            What was found; a gap above ``stopping.max_gap`` becomes a warning.
        """

    def path(
        self,
        X: Any,
        targets: Targets,
        label_weights: Any,
        part: PenaltyPart,
        options: FitOptions,
        warm: Start | None = None,
        alphas: Sequence[float] | Array = (1.0,),
    ) -> Iterator[LinearFit] | None:
        """Fits with the penalty times each alpha, for a solver that needs no stated problem.

        None where it does, as by default: then `solve` is called for every alpha.
        """
        return None

    def quick_fit(
        self, state: Callable[[], StatedLoss], part: PenaltyPart, options: FitOptions
    ) -> QuickFit | None:
        """What fits with the penalty times any alpha, for a solver that `state` once is enough for.

        None where it is not, as by default. Where the gap of a quick fit is too large, `solve` goes
        on from it.
        """
        return None
