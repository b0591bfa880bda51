"""For estimators that rest on the algebra of squared loss."""

from skmtl.tasks._regression import Regression


def require_squared_loss(tasks, estimator_name):
    """Raise for a task with another loss, naming it."""
    for task, name in zip(tasks.tasks, tasks.names.tolist(), strict=False):
        if type(task) is not Regression or task.loss != "squared":
            raise ValueError(
                f"Task {name!r} is {task!r}; {estimator_name} fits squared loss only "
                "(tasks='regression'). MultiTaskLinear takes the other types and losses."
            )
