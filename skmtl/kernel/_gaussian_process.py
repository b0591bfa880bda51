"""Gaussian process regression of many tasks."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.gaussian_process.kernels import Kernel
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskRegressorMixin
from skmtl.kernel._gaussian_process_model import GaussianProcessModel
from skmtl.tasks import _constraints as constraints


@documented("", "", shared="with the mean of the tasks' functions.")
class MultiTaskGaussianProcessRegressor(MultiTaskRegressorMixin, GaussianProcessModel):
    r"""Gaussian process regression of many tasks: kernel ridge regression with intervals.
    """

    _parameter_constraints = {
        "kernel": [Kernel, None],
        "task_covariance": [
            StrOptions({"auto", "full", "shared"}),
            Interval(Integral, 1, None, closed="left"),
            "array-like",
        ],
        "noise": [StrOptions({"auto", "task", "shared"}), Interval(Real, 0, None, closed="neither"), "array-like"],
        "optimizer": [StrOptions({"fmin_l_bfgs_b"}), None],
        "n_restarts_optimizer": [Interval(Integral, 0, None, closed="left")],
        "feature_scaling": [StrOptions({"standard"}), None],
        **constraints.TASKS,
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        kernel: Any = None,
        *,
        task_covariance: Any = "auto",
        noise: Any = "auto",
        optimizer: str | None = "fmin_l_bfgs_b",
        n_restarts_optimizer: int = 0,
        feature_scaling: str | None = "standard",
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        fit_intercept: bool = True,
        max_iter: int = 200,
        random_state: Any = None,
    ) -> None:
        self.kernel = kernel
        self.task_covariance = task_covariance
        self.noise = noise
        self.optimizer = optimizer
        self.n_restarts_optimizer = n_restarts_optimizer
        self.feature_scaling = feature_scaling
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.random_state = random_state
