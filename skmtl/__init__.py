"""Multi-task learning as scikit-learn estimators."""

from skmtl._lazy import on_use

__version__ = "0.1.0.dev0"

_HOMES = {
    "CalibratedTasks": "skmtl.uncertainty",
    "ConformalTasks": "skmtl.uncertainty",
    "IndependentTasks": "skmtl.compose",
    "MultiTaskBayesianLinear": "skmtl.linear",
    "MultiTaskElasticNet": "skmtl.linear",
    "MultiTaskElasticNetCV": "skmtl.linear",
    "MultiTaskGaussianProcessRegressor": "skmtl.kernel",
    "MultiTaskKernelRidge": "skmtl.kernel",
    "MultiTaskKernelRidgeCV": "skmtl.kernel",
    "MultiTaskLasso": "skmtl.linear",
    "MultiTaskLassoCV": "skmtl.linear",
    "MultiTaskLinear": "skmtl.linear",
    "MultiTaskLinearCV": "skmtl.linear",
    "MultiTaskLinearClassifier": "skmtl.linear",
    "MultiTaskLinearClassifierCV": "skmtl.linear",
    "MultiTaskLinearRegressor": "skmtl.linear",
    "MultiTaskLinearRegressorCV": "skmtl.linear",
    "MultiTaskMLP": "skmtl.neural",
    "MultiTaskMLPCV": "skmtl.neural",
    "MultiTaskMLPClassifier": "skmtl.neural",
    "MultiTaskMLPClassifierCV": "skmtl.neural",
    "MultiTaskMLPRegressor": "skmtl.neural",
    "MultiTaskMLPRegressorCV": "skmtl.neural",
    "MultiTaskReport": "skmtl.inspection",
    "PooledTasks": "skmtl.compose",
    "PropensityWeighted": "skmtl.uncertainty",
    "ReducedRankRegressor": "skmtl.linear",
    "TargetScaler": "skmtl.compose",
    "TaskChain": "skmtl.compose",
    "TaskGrouping": "skmtl.compose",
    "TaskStacking": "skmtl.compose",
    "ThresholdTasks": "skmtl.uncertainty",
    "make_multitask_scorer": "skmtl.metrics",
    "predict_frame": "skmtl._predict_frame",
    "show_versions": "skmtl._show_versions",
    "stack_tasks": "skmtl.tasks",
    "task_scores": "skmtl.metrics",
    "transfer_gain": "skmtl.inspection",
    "unstack_tasks": "skmtl.tasks",
}
_MODULES = (
    "compose",
    "datasets",
    "export",
    "inspection",
    "kernel",
    "linear",
    "metrics",
    "model_selection",
    "neural",
    "persistence",
    "sources",
    "tasks",
    "testing",
    "uncertainty",
)
# The same names stand in the stub __init__.pyi, for editors and type checkers.
__all__ = sorted([*_HOMES, *_MODULES])


# On first use, so that `import skmtl` loads neither torch nor what a user does not need.
__getattr__ = on_use("skmtl", _HOMES | dict.fromkeys(_MODULES, "skmtl"))


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
