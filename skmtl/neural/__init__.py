"""Networks that share what their tasks have in common; needs PyTorch at fit."""

from skmtl.neural._checkpoint import Checkpoint
from skmtl.neural._estimators import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor

__all__ = ["Checkpoint", "MultiTaskMLP", "MultiTaskMLPClassifier", "MultiTaskMLPRegressor"]
