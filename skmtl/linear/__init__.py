"""The classical half: regularised linear models of many tasks."""

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
    "MultiTaskLinearClassifier",
    "MultiTaskLinearRegressor",
    "ReducedRankRegressor",
]
