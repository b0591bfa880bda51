"""The classical half: regularised linear models of many tasks."""

from skmtl.linear._estimators import (
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
)

__all__ = ["MultiTaskLinear", "MultiTaskLinearClassifier", "MultiTaskLinearRegressor"]
