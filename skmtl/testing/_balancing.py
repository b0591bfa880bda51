"""What every balancing method must satisfy."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

from sklearn.base import clone

from skmtl.neural.balancing import (
    Balancing,
    GramianBalancing,
    JacobianBalancing,
    LossBalancing,
    Weighting,
)
from skmtl.testing._balancing_gramian import GRAMIAN, check_raises_no_loss
from skmtl.testing._balancing_jacobian import JACOBIAN
from skmtl.testing._balancing_losses import LOSSES
from skmtl.testing._properties import check_all, check_one


def check_balancing(
    method: Balancing | Callable[[Any], Any], *, raises_no_loss: bool = False
) -> None:
    """Check that a balancing method keeps what `MultiTaskMLP` relies on.

    Weights (or the direction) are finite for gradients and losses of any size, for tasks with
    the same gradient, opposite ones and none; permuting tasks permutes them; tasks without
    labels do not count, and whatever stands in their places is not read; the models that train
    side by side do not hear of each other; `Balancing.start` forgets earlier fits; the method
    can be cloned and pickled. A single task follows its gradient, and the unit of all losses
    does not turn the step.

    Parameters
    ----------
    method : Balancing or callable
        A method, or a function from a Gramian to weights. To be pickled, both must be found by
        their names: no lambda.
    raises_no_loss : bool, default=False
        Whether the method claims that, to first order, its step raises no loss: one that goes
        by the Gramian.

    Raises
    ------
    AssertionError
        If a property is missing; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import GramianBalancing, UPGrad
    >>> from skmtl.testing import check_balancing
    >>> check_balancing(UPGrad(), raises_no_loss=True)

    It says what is wrong, here of one that prefers the tasks that come first:

    >>> class FirstMost(GramianBalancing):
    ...     def weights(self, gramian):
    ...         return 1.0 / np.arange(1.0, len(gramian) + 1.0)
    >>> check_balancing(FirstMost())
    Traceback (most recent call last):
        ...
    AssertionError: FirstMost() lacks a property: permuting tasks permutes weights. ...
    """
    if not isinstance(method, Balancing):
        method = Weighting(method)
    check_all(method, properties_of(method))
    if raises_no_loss:
        check_one(method, "to first order no loss rises", check_raises_no_loss)


def properties_of(method: Balancing) -> Mapping[str, Callable[..., None]]:
    """The properties that a method of this kind must have."""
    for kind, properties in KINDS.items():
        if isinstance(method, kind):
            return {**properties, "it can be cloned and pickled": check_copies}
    kinds = ", ".join(kind.__name__ for kind in KINDS)
    raise TypeError(f"{method!r} is none of {kinds}; derive from one of them.")


def check_copies(method: Balancing) -> None:
    """A clone has the same parameters, and so has what is pickled."""
    parameters = method.get_params(deep=False)
    for copy in (clone(method), pickle.loads(pickle.dumps(method))):
        assert type(copy) is type(method)
        assert set(copy.get_params(deep=False)) == set(parameters)
        assert repr(copy) == repr(method)


KINDS: dict[type[Balancing], Mapping[str, Callable[..., None]]] = {
    LossBalancing: LOSSES,
    GramianBalancing: GRAMIAN,
    JacobianBalancing: JACOBIAN,
}
