"""Networks that share what their tasks have in common; needs PyTorch at fit."""

from skmtl.neural._estimators import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor

__all__ = ["MultiTaskMLP", "MultiTaskMLPClassifier", "MultiTaskMLPRegressor"]
