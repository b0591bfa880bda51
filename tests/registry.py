"""Every public estimator, small enough to fit in no time: tests run over these tables."""

from skmtl import (
    CalibratedTasks,
    ConformalTasks,
    IndependentTasks,
    MultiTaskBayesianLinear,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskGaussianProcessRegressor,
    MultiTaskKernelRidge,
    MultiTaskKernelRidgeCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearClassifierCV,
    MultiTaskLinearCV,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPClassifierCV,
    MultiTaskMLPCV,
    MultiTaskMLPRegressor,
    MultiTaskMLPRegressorCV,
    ReducedRankRegressor,
    ThresholdTasks,
)
from skmtl.compose import PooledTasks, TargetScaler, TaskChain, TaskGrouping, TaskStacking


def stacking(**kw):
    """Two estimators blended: one learns the tasks together, one apart."""
    members = [("together", MultiTaskLinear(alpha=0.01)), ("apart", IndependentTasks())]
    return TaskStacking(members, **{"cv": 2, **kw})


# Two settings in two folds, for a few steps.
NEITHER = {"numeric_embedding": [None], "linear_skip": [False]}
FEW_MEMBERS = {
    "grid": {"alpha": [0.1, 3.0], "max_iter": [30], "feature_scaling": [None], **NEITHER},
    "cv": 2,
    "hidden_layer_sizes": (8,),
    "random_state": 0,
}

# For any task types, by name; a callable takes further parameters.
ANY_TYPES = {
    "linear": lambda **kw: MultiTaskLinear(**{"alpha": 0.01, **kw}),
    "linear-trace": lambda **kw: MultiTaskLinear(**{"penalty": "trace_norm", "alpha": 0.01, **kw}),
    "mlp": lambda **kw: MultiTaskMLP(
        **{"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0, **kw}
    ),
    "kernel-ridge-cv": MultiTaskKernelRidgeCV,
    "mlp-cv": lambda **kw: MultiTaskMLPCV(**{**FEW_MEMBERS, **kw}),
    "independent": IndependentTasks,
    "pooled": PooledTasks,
    "chain": lambda **kw: TaskChain(**{"cv": 3, **kw}),
    "grouping": lambda **kw: TaskGrouping(MultiTaskLinear(alpha=0.01), **kw),
    "scaled": lambda **kw: TargetScaler(MultiTaskLinear(alpha=0.01), **kw),
    "stacking": stacking,
    "conformal": lambda **kw: ConformalTasks(MultiTaskLinear(alpha=0.01), **{"cv": 2, **kw}),
}

# For regression only, or classes only.
REGRESSORS = {
    "linear-regressor": lambda **kw: MultiTaskLinearRegressor(**{"alpha": 0.01, **kw}),
    "linear-regressor-cv": lambda **kw: MultiTaskLinearRegressorCV(
        **{"alphas": 4, "cv": 3, "eps": 0.01, **kw}
    ),
    "mlp-regressor": lambda **kw: MultiTaskMLPRegressor(
        **{"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0, **kw}
    ),
    "mlp-regressor-cv": lambda **kw: MultiTaskMLPRegressorCV(**{**FEW_MEMBERS, **kw}),
    "reduced-rank": lambda **kw: ReducedRankRegressor(**{"alpha": 0.1, **kw}),
    "bayesian-linear": MultiTaskBayesianLinear,
    "gaussian-process": MultiTaskGaussianProcessRegressor,
    "kernel-ridge": lambda **kw: MultiTaskKernelRidge(**{"alpha": 0.1, **kw}),
}
CLASSIFIERS = {
    "linear-classifier": lambda **kw: MultiTaskLinearClassifier(**{"alpha": 0.01, **kw}),
    "calibrated": lambda **kw: CalibratedTasks(
        MultiTaskLinearClassifier(alpha=0.01), **{"cv": 3, **kw}
    ),
    "thresholds": lambda **kw: ThresholdTasks(
        MultiTaskLinearClassifier(alpha=0.01), **{"cv": 3, **kw}
    ),
    "linear-classifier-cv": lambda **kw: MultiTaskLinearClassifierCV(
        **{"alphas": 3, "cv": 3, "eps": 0.03, **kw}
    ),
    "mlp-classifier": lambda **kw: MultiTaskMLPClassifier(
        **{"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0, **kw}
    ),
    "mlp-classifier-cv": lambda **kw: MultiTaskMLPClassifierCV(**{**FEW_MEMBERS, **kw}),
}
# scikit-learn's classes of these names: regression, wide y, its parameters only.
TWINS = {
    "lasso": lambda **kw: MultiTaskLasso(**{"alpha": 0.01, **kw}),
    "elastic-net": lambda **kw: MultiTaskElasticNet(**{"alpha": 0.01, **kw}),
    "lasso-cv": lambda **kw: MultiTaskLassoCV(**{"alphas": 4, "cv": 3, "eps": 0.01, **kw}),
    "elastic-net-cv": lambda **kw: MultiTaskElasticNetCV(
        **{"alphas": 4, "cv": 3, "eps": 0.01, **kw}
    ),
}
# Everything public that fits.
EVERY = {
    **ANY_TYPES,
    "linear-cv": lambda **kw: MultiTaskLinearCV(**{"alphas": 4, "cv": 3, "eps": 0.01, **kw}),
    **REGRESSORS,
    **CLASSIFIERS,
    **TWINS,
}


def kind_of(name):
    """Types of task that an entry of `EVERY` takes: "any", "regression", "classification"."""
    if name in CLASSIFIERS:
        return "classification"
    return "regression" if name in REGRESSORS or name in TWINS else "any"


# As they are, with no argument but an estimator where one is needed.
DEFAULTS = [
    MultiTaskLinear(),
    MultiTaskLinearRegressor(),
    MultiTaskLinearClassifier(),
    ReducedRankRegressor(),
    MultiTaskBayesianLinear(),
    MultiTaskGaussianProcessRegressor(),
    MultiTaskKernelRidge(),
    MultiTaskKernelRidgeCV(),
    MultiTaskMLP(),
    MultiTaskMLPRegressor(),
    MultiTaskMLPClassifier(),
    IndependentTasks(),
    PooledTasks(),
    TaskChain(),
    TaskGrouping(MultiTaskLinear()),
    TaskGrouping(MultiTaskLinearClassifier()),
    TargetScaler(MultiTaskLinear()),
    TargetScaler(ReducedRankRegressor()),
    ConformalTasks(MultiTaskLinear()),
    CalibratedTasks(MultiTaskLinearClassifier()),
    ThresholdTasks(MultiTaskLinearClassifier()),
    MultiTaskLasso(),
    MultiTaskElasticNet(),
]
# A search of 100 alphas in 5 folds at every fit; most checks are about what 5 alphas show, too.
DEFAULT_SEARCHES = [
    MultiTaskLinearCV(),
    MultiTaskLinearRegressorCV(),
    MultiTaskLinearClassifierCV(),
    MultiTaskMLPCV(),
    MultiTaskMLPRegressorCV(),
    MultiTaskMLPClassifierCV(),
    MultiTaskLassoCV(),
    MultiTaskElasticNetCV(),
    TaskStacking(),
]
# Networks of which nothing depends on the number of rows, or is drawn in training.
WITHOUT_NOISE = {
    "dropout": 0.0,
    "alpha": 1e-4,
    "learning_rate": "constant",
    "feature_scaling": None,
    "numeric_embedding": None,
    "batch_size": 1000,
    "max_iter": 200,
}

# For scikit-learn's own checks, with other arguments.
CHECKED = [
    MultiTaskLinear("mean_deviation", alpha=0.1),
    MultiTaskLinear("trace_norm", center=True, intercept_alpha=1.0),
    TargetScaler(MultiTaskLinearRegressor(alpha=0.1)),
    stacking(),
    ConformalTasks(MultiTaskLinearRegressor(), "split"),
    ConformalTasks(MultiTaskLinearClassifier(), set_score="aps"),
    MultiTaskLinearCV(alphas=5, cv=2),
    MultiTaskLinearRegressorCV(alphas=5, cv=2),
    MultiTaskLinearClassifierCV(alphas=3, eps=0.03, cv=2),
    MultiTaskMLP(**WITHOUT_NOISE),
    MultiTaskMLPRegressor(**WITHOUT_NOISE),
    MultiTaskMLPClassifier(**WITHOUT_NOISE),
    MultiTaskMLPCV(**FEW_MEMBERS),
    MultiTaskMLPRegressorCV(**FEW_MEMBERS),
    MultiTaskMLPClassifierCV(**FEW_MEMBERS),
    MultiTaskLassoCV(alphas=5, cv=2),
    MultiTaskElasticNetCV(alphas=5, cv=2),
]
