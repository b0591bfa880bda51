"""Whether a task type keeps what estimators, metrics and reports rely on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.base import clone

from skmtl.tasks import Task
from skmtl.testing import _task_losses as losses
from skmtl.testing import _task_predictions as predictions
from skmtl.testing._task_case import Case, example_labels, says


def check_task(task: Task, labels: Any = None, *, random_state: int = 0) -> None:
    r"""Check that a task type is what `skmtl.tasks.Task` says: that its parts fit together.

    Loss, gradient, curvature and conjugate are those of one convex function, in numpy and in
    torch; constants, links and scores belong to it; what is unobserved has no influence.

    Parameters
    ----------
    task : Task
        Task type with the parameters to check; a clone of it is fitted.
    labels : array-like of shape (n_labels,), default=None
        Labels of such a task, as a user writes them, at least ten of several values. By default
        three classes, two if there can be no more, or positive numbers.
    random_state : int, default=0
        Draws raw scores and labels.

    Raises
    ------
    AssertionError
        If a property does not hold; the message names the type and the property.

    See Also
    --------
    skmtl.tasks.NumberTask : Base of the types whose labels are numbers.

    Examples
    --------
    >>> from skmtl.tasks import Count, Regression
    >>> from skmtl.testing import check_task
    >>> check_task(Count())
    >>> check_task(Regression(loss="huber"), [0.5, -2.0, 3.0, 1.0, 0.0] * 2)

    It says what is wrong, here of a type whose derivative has the wrong sign:

    >>> class Backwards(Count):
    ...     def loss_and_grad(self, raw, values):
    ...         loss, grad = super().loss_and_grad(raw, values)
    ...         return loss, -grad
    >>> check_task(Backwards())
    Traceback (most recent call last):
        ...
    AssertionError: Backwards() does not keep this: `loss_and_grad` gives the loss ...
    """
    rng = np.random.default_rng(random_state)
    with says(task, "its parameters are those of its constructor: it can be cloned"):
        assert repr(clone(task)) == repr(task)
    column = example_labels(task, labels, rng)
    case = Case(clone(task), column, rng)
    # What only scores can say that hold the shape, too.
    whole = Case(clone(task), column, rng, shape_varies=True) if case.task.n_shapes else case
    for check in CHECKS:
        with says(task, str(check.__doc__).removesuffix(".")):
            check(whole if check in OF_ALL_SCORES else case)


@dataclass(frozen=True)
class _If:
    """A check of some types only."""

    applies: Callable[[Case], bool]
    check: Callable[[Case], None]

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return str(self.check.__doc__)

    def __call__(self, case: Case) -> None:
        if self.applies(case):
            self.check(case)


def _has_torch(case: Case) -> bool:
    return find_spec("torch") is not None


# What links scores of rows that see each other is known after the fit alone.
AVERAGE = _If(lambda case: _has_torch(case) and not case.task.sees_rows, losses.torch_average)
CONSTANTS = _If(lambda case: case.task.is_proper, predictions.constants)
CHECKS: tuple[Callable[[Case], None], ...] = (
    losses.gradient,
    losses.curvature,
    _If(lambda case: case.task.is_convex, losses.is_convex),
    _If(lambda case: case.task.is_convex, losses.conjugate),
    losses.any_shape,
    losses.shape_slope,
    _If(_has_torch, losses.torch_twin),
    _If(_has_torch, losses.torch_shape),
    _If(_has_torch, losses.torch_link),
    AVERAGE,
    predictions.predictions,
    predictions.labels_back,
    CONSTANTS,
    # Where labels far away hardly count, the mean has not the least loss.
    _If(lambda case: not case.task.has_linear_tails, losses.loss_of_constant),
    predictions.score,
    predictions.residuals,
    predictions.unobserved,
    predictions.scale,
    predictions.keys,
    predictions.pickles,
    predictions.default_estimator,
)
OF_ALL_SCORES = AVERAGE, CONSTANTS
