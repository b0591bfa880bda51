"""Networks that share what their tasks have in common; needs PyTorch at fit."""

from importlib import import_module
from typing import Any

from skmtl.neural.estimators._mlp import MultiTaskMLP
from skmtl.neural.estimators._mlp_classifier import MultiTaskMLPClassifier
from skmtl.neural.estimators._mlp_regressor import MultiTaskMLPRegressor
from skmtl.neural.training._checkpoint import Checkpoint

_MODULES = ("architectures", "balancing", "optimizers")
__all__ = ["Checkpoint", "MultiTaskMLP", "MultiTaskMLPClassifier", "MultiTaskMLPRegressor"]


def __getattr__(name: str) -> Any:
    # On first use: they need torch.
    if name in _MODULES:
        return import_module(f"skmtl.neural.{name}")
    raise AttributeError(f"module 'skmtl.neural' has no attribute {name!r}")
