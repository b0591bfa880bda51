"""The classical half: regularised linear models of many tasks."""

from skmtl.linear._cv_estimators import (
    MultiTaskLinearClassifierCV,
    MultiTaskLinearCV,
    MultiTaskLinearRegressorCV,
)
from skmtl.linear._estimators import (
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
)
from skmtl.linear._kernel_ridge import MultiTaskKernelRidge
from skmtl.linear._reduced_rank import ReducedRankRegressor

__all__ = [
    "MultiTaskKernelRidge",
    "MultiTaskLinear",
    "MultiTaskLinearCV",
    "MultiTaskLinearClassifier",
    "MultiTaskLinearClassifierCV",
    "MultiTaskLinearRegressor",
    "MultiTaskLinearRegressorCV",
    "ReducedRankRegressor",
]
