"""How gradients move the parameters of a network."""

from skmtl.neural.optimizers._adam import Adam, AdamW
from skmtl.neural.optimizers._base import Optimizer, Wrapped
from skmtl.neural.optimizers._clipped import Clipped
from skmtl.neural.optimizers._sgd import SGD

OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD}

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Clipped", "Optimizer", "Wrapped"]
