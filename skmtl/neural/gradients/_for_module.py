"""Which gradients a module gets."""

from __future__ import annotations

from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.gradients._autograd import Autograd
from skmtl.neural.gradients._base import Gradients
from skmtl.neural.gradients._manual_gradients import ManualGradients
from skmtl.neural.gradients._objective import Objective


def gradients_for(module: MultiTaskModule, objective: Objective) -> Gradients:
    """The fastest gradients of a module: written out where they are known.

    Parameters
    ----------
    module : MultiTaskModule
        The networks.
    objective : Objective
        Losses of the tasks.
    """
    if ManualGradients.knows(module, objective):
        return ManualGradients(module, objective)
    return Autograd(module, objective)
