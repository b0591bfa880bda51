"""Networks that share what their tasks have in common; needs PyTorch at fit."""

from skmtl.neural.estimators._mlp import MultiTaskMLP
from skmtl.neural.estimators._mlp_classifier import MultiTaskMLPClassifier
from skmtl.neural.estimators._mlp_regressor import MultiTaskMLPRegressor
from skmtl.neural.training._checkpoint import Checkpoint

__all__ = ["Checkpoint", "MultiTaskMLP", "MultiTaskMLPClassifier", "MultiTaskMLPRegressor"]
