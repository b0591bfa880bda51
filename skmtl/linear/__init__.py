"""The classical half: regularised linear models of many tasks."""

from skmtl._warnings import ZeroCoefficientsWarning
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
from skmtl.linear._twins import MultiTaskElasticNet, MultiTaskLasso
from skmtl.linear._twins_cv import MultiTaskElasticNetCV, MultiTaskLassoCV

__all__ = [
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskKernelRidge",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "MultiTaskLinear",
    "MultiTaskLinearCV",
    "MultiTaskLinearClassifier",
    "MultiTaskLinearClassifierCV",
    "MultiTaskLinearRegressor",
    "MultiTaskLinearRegressorCV",
    "ReducedRankRegressor",
    "ZeroCoefficientsWarning",
]
