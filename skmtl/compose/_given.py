"""What estimators that are given a regressor and a classifier have in common."""

from numbers import Integral

from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, StrOptions

from skmtl._base import MultiTaskEstimator
from skmtl.tasks._count import Count


class GivenEstimators(MultiTaskEstimator):
    """Base of estimators with the parameters ``regressor`` and ``classifier``."""

    _parameter_constraints = {
        "regressor": [HasMethods(["fit", "predict"]), None],
        "classifier": [HasMethods(["fit", "predict"]), None],
        "tasks": "no_validation",
        "task_feature": [Integral, str, None],
        "unknown_task": [StrOptions({"error", "shared"})],
        "n_jobs": [Integral, None],
    }

    def _estimator_for(self, task):
        if task.is_classification:
            return LogisticRegression() if self.classifier is None else self.classifier
        if self.regressor is None:
            return PoissonRegressor() if isinstance(task, Count) else Ridge()
        return self.regressor

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        given = [part for part in (self.regressor, self.classifier) if part is not None]
        tags.input_tags.sparse = all(get_tags(part).input_tags.sparse for part in given)
        return tags
