"""skmtl at its defaults: {name: what makes a fresh estimator for a set}."""

import skmtl

REGRESSION = {
    "MultiTaskMLP": lambda data: skmtl.MultiTaskMLP(random_state=0),
    "MultiTaskMLPCV": lambda data: skmtl.MultiTaskMLPCV(random_state=0),
    "MultiTaskKernelRidge": lambda data: skmtl.MultiTaskKernelRidge(),
    "MultiTaskKernelRidgeCV": lambda data: skmtl.MultiTaskKernelRidgeCV(),
    "MultiTaskLinear": lambda data: skmtl.MultiTaskLinear(),
    'MultiTaskLinearRegressorCV("mean")': lambda data: skmtl.MultiTaskLinearRegressorCV("mean"),
    "MultiTaskLinearRegressorCV": lambda data: skmtl.MultiTaskLinearRegressorCV(),
    "TaskStacking": lambda data: skmtl.TaskStacking(random_state=0),
}
CLASSIFICATION = {
    "MultiTaskMLP": lambda data: skmtl.MultiTaskMLP(tasks="binary", random_state=0),
    "MultiTaskMLPCV": lambda data: skmtl.MultiTaskMLPCV(tasks="binary", random_state=0),
    "MultiTaskKernelRidgeCV": lambda data: skmtl.MultiTaskKernelRidgeCV(tasks="binary"),
    "MultiTaskLinear": lambda data: skmtl.MultiTaskLinear(tasks="binary"),
    "MultiTaskLinearCV": lambda data: skmtl.MultiTaskLinearCV(tasks="binary"),
    "TaskStacking": lambda data: skmtl.TaskStacking(tasks="binary", random_state=0),
}
LONG = {"task_feature": 0}
LONG_FORM = {
    "MultiTaskMLP": lambda data: skmtl.MultiTaskMLP(random_state=0, **LONG),
    "MultiTaskMLPCV": lambda data: skmtl.MultiTaskMLPCV(random_state=0, **LONG),
    "MultiTaskKernelRidge": lambda data: skmtl.MultiTaskKernelRidge(**LONG),
    "MultiTaskKernelRidgeCV": lambda data: skmtl.MultiTaskKernelRidgeCV(**LONG),
    "MultiTaskLinear": lambda data: skmtl.MultiTaskLinear(**LONG),
    'MultiTaskLinearRegressorCV("mean")': lambda data: skmtl.MultiTaskLinearRegressorCV(
        "mean", **LONG
    ),
    "TaskStacking": lambda data: skmtl.TaskStacking(random_state=0, **LONG),
}
IN_ANY_ORDER = {
    name: LONG_FORM[name]
    for name in (
        "MultiTaskMLP",
        "MultiTaskKernelRidgeCV",
        'MultiTaskLinearRegressorCV("mean")',
    )
}
LONG_FORM_CLASSES = {
    "MultiTaskMLP": lambda data: skmtl.MultiTaskMLP(tasks="binary", random_state=0, **LONG),
    "MultiTaskMLPCV": lambda data: skmtl.MultiTaskMLPCV(tasks="binary", random_state=0, **LONG),
    "MultiTaskKernelRidgeCV": lambda data: skmtl.MultiTaskKernelRidgeCV(tasks="binary", **LONG),
    'MultiTaskLinearCV("mean")': lambda data: skmtl.MultiTaskLinearCV(
        "mean", tasks="binary", **LONG
    ),
    "TaskStacking": lambda data: skmtl.TaskStacking(tasks="binary", random_state=0, **LONG),
}
