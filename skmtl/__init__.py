"""Multi-task learning as scikit-learn estimators."""

import importlib

__version__ = "0.1.0.dev0"

_HOMES = {
    "IndependentTasks": "skmtl.compose",
    "MultiTaskElasticNet": "skmtl.linear",
    "MultiTaskElasticNetCV": "skmtl.linear",
    "MultiTaskKernelRidge": "skmtl.linear",
    "MultiTaskLasso": "skmtl.linear",
    "MultiTaskLassoCV": "skmtl.linear",
    "MultiTaskLinear": "skmtl.linear",
    "MultiTaskLinearCV": "skmtl.linear",
    "MultiTaskLinearClassifier": "skmtl.linear",
    "MultiTaskLinearClassifierCV": "skmtl.linear",
    "MultiTaskLinearRegressor": "skmtl.linear",
    "MultiTaskLinearRegressorCV": "skmtl.linear",
    "MultiTaskMLP": "skmtl.neural",
    "MultiTaskMLPClassifier": "skmtl.neural",
    "MultiTaskMLPRegressor": "skmtl.neural",
    "MultiTaskReport": "skmtl.inspection",
    "PooledTasks": "skmtl.compose",
    "ReducedRankRegressor": "skmtl.linear",
    "TargetScaler": "skmtl.compose",
    "TaskChain": "skmtl.compose",
    "TaskGrouping": "skmtl.compose",
    "make_multitask_scorer": "skmtl.metrics",
    "stack_tasks": "skmtl.tasks",
    "task_scores": "skmtl.metrics",
    "transfer_gain": "skmtl.inspection",
    "unstack_tasks": "skmtl.tasks",
}
__all__ = sorted(_HOMES)


def __getattr__(name):
    # On first use, so that `import skmtl` loads neither torch nor what a user does not need.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'skmtl' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
