"""For estimators that rest on the algebra of squared loss."""

from skmtl.tasks._task_set import TaskSet


def require_squared_loss(tasks: TaskSet, estimator_name: str) -> None:
    """Raise for a task with another loss, naming it."""
    for task, name in zip(tasks.tasks, tasks.names.tolist(), strict=False):
        if not task.has_squared_loss:
            raise ValueError(
                f"Task {name!r} is {task!r}; {estimator_name} fits squared loss only "
                "(tasks='regression'). MultiTaskLinear takes the other types and losses."
            )
