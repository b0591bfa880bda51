"""The public linear estimators."""

from skmtl.linear.estimators._bayesian_linear import MultiTaskBayesianLinear
from skmtl.linear.estimators._lasso import MultiTaskElasticNet, MultiTaskLasso
from skmtl.linear.estimators._lasso_cv import MultiTaskElasticNetCV, MultiTaskLassoCV
from skmtl.linear.estimators._linear import (
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
)
from skmtl.linear.estimators._linear_cv import (
    MultiTaskLinearClassifierCV,
    MultiTaskLinearCV,
    MultiTaskLinearRegressorCV,
)
from skmtl.linear.estimators._reduced_rank import ReducedRankRegressor
from skmtl.linear.estimators._task_statistics import TaskStatistics

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
]
