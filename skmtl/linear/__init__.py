"""The classical half: regularised linear models of many tasks."""

from skmtl._warnings import ZeroCoefficientsWarning
from skmtl.linear.estimators import (
    MultiTaskBayesianLinear,
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
    "MultiTaskBayesianLinear",
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
