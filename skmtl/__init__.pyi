"""Names of skmtl that are loaded on first use, for editors and type checkers."""

from skmtl import (
    compose,
    datasets,
    inspection,
    kernel,
    linear,
    metrics,
    model_selection,
    neural,
    persistence,
    sources,
    tasks,
    testing,
    uncertainty,
)
from skmtl._predict_frame import predict_frame
from skmtl._show_versions import show_versions
from skmtl.compose import (
    IndependentTasks,
    PooledTasks,
    TargetScaler,
    TaskChain,
    TaskGrouping,
    TaskStacking,
)
from skmtl.inspection import MultiTaskReport, transfer_gain
from skmtl.kernel import (
    MultiTaskGaussianProcessRegressor,
    MultiTaskKernelRidge,
    MultiTaskKernelRidgeCV,
)
from skmtl.linear import (
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
)
from skmtl.metrics import make_multitask_scorer, task_scores
from skmtl.neural import (
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPClassifierCV,
    MultiTaskMLPCV,
    MultiTaskMLPRegressor,
    MultiTaskMLPRegressorCV,
)
from skmtl.tasks import stack_tasks, unstack_tasks
from skmtl.uncertainty import CalibratedTasks, ConformalTasks, PropensityWeighted, ThresholdTasks

__version__: str
__all__ = [
    "CalibratedTasks",
    "ConformalTasks",
    "IndependentTasks",
    "MultiTaskBayesianLinear",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskGaussianProcessRegressor",
    "MultiTaskKernelRidge",
    "MultiTaskKernelRidgeCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "MultiTaskLinear",
    "MultiTaskLinearCV",
    "MultiTaskLinearClassifier",
    "MultiTaskLinearClassifierCV",
    "MultiTaskLinearRegressor",
    "MultiTaskLinearRegressorCV",
    "MultiTaskMLP",
    "MultiTaskMLPCV",
    "MultiTaskMLPClassifier",
    "MultiTaskMLPClassifierCV",
    "MultiTaskMLPRegressor",
    "MultiTaskMLPRegressorCV",
    "MultiTaskReport",
    "PooledTasks",
    "PropensityWeighted",
    "ReducedRankRegressor",
    "TargetScaler",
    "TaskChain",
    "TaskGrouping",
    "TaskStacking",
    "ThresholdTasks",
    "compose",
    "datasets",
    "inspection",
    "kernel",
    "linear",
    "make_multitask_scorer",
    "metrics",
    "model_selection",
    "neural",
    "persistence",
    "predict_frame",
    "show_versions",
    "sources",
    "stack_tasks",
    "task_scores",
    "tasks",
    "testing",
    "transfer_gain",
    "uncertainty",
    "unstack_tasks",
]
