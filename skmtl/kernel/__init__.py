"""Kernel methods of many tasks: functions that need not be linear in X."""

from skmtl.kernel._gaussian_process import MultiTaskGaussianProcessRegressor
from skmtl.kernel._kernel_ridge import MultiTaskKernelRidge
from skmtl.kernel._kernel_ridge_cv import MultiTaskKernelRidgeCV

__all__ = [
    "MultiTaskGaussianProcessRegressor",
    "MultiTaskKernelRidge",
    "MultiTaskKernelRidgeCV",
]
