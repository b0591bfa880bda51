"""Networks that share what their tasks have in common; needs PyTorch at fit."""

from skmtl._lazy import on_use
from skmtl.neural._one_process import in_one_process
from skmtl.neural.estimators._mlp import MultiTaskMLP
from skmtl.neural.estimators._mlp_classifier import MultiTaskMLPClassifier
from skmtl.neural.estimators._mlp_cv import (
    MultiTaskMLPClassifierCV,
    MultiTaskMLPCV,
    MultiTaskMLPRegressorCV,
)
from skmtl.neural.estimators._mlp_regressor import MultiTaskMLPRegressor
from skmtl.neural.training._checkpoint import Checkpoint

_MODULES = ("architectures", "balancing", "inputs", "optimizers")
__all__ = [
    "Checkpoint",
    "MultiTaskMLP",
    "MultiTaskMLPCV",
    "MultiTaskMLPClassifier",
    "MultiTaskMLPClassifierCV",
    "MultiTaskMLPRegressor",
    "MultiTaskMLPRegressorCV",
    "in_one_process",
]


# They need torch.
__getattr__ = on_use(__name__, dict.fromkeys(_MODULES, __name__))
