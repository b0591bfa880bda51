"""The classical half: regularised linear models of many tasks."""

from skmtl._warnings import ZeroCoefficientsWarning
from skmtl.linear.estimators import (
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearClassifierCV,
    MultiTaskLinearCV,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    ReducedRankRegressor,
    TaskStatistics,
)

__all__ = [
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "MultiTaskLinear",
    "MultiTaskLinearCV",
    "MultiTaskLinearClassifier",
    "MultiTaskLinearClassifierCV",
    "MultiTaskLinearRegressor",
    "MultiTaskLinearRegressorCV",
    "ReducedRankRegressor",
    "TaskStatistics",
    "ZeroCoefficientsWarning",
]
