"""From what a user fitted to the estimator that knows the tasks."""

from sklearn.pipeline import Pipeline


def unwrap(estimator, X):
    """The innermost estimator of pipelines and fitted searches, and X as it arrives there."""
    while True:
        if isinstance(estimator, Pipeline):
            for _, step in estimator.steps[:-1]:
                if step is not None and step != "passthrough":
                    X = step.transform(X)
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator, X


def final_estimator(estimator):
    """The same estimator, where no X has to arrive."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator


def knows_tasks(estimator):
    """Whether it is an estimator of this package, or one that delegates to it."""
    return hasattr(estimator, "_scored_targets")
