"""One task of a fitted estimator, for tools that know of one target only."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, RegressorTags, get_tags
from sklearn.utils.metaestimators import available_if

from skmtl._innermost import final_estimator, knows_tasks, unwrap
from skmtl.metrics._keys import score_keys
from skmtl.metrics._one_task import position_of


def _has_classes(view: Any) -> bool:
    return view._type.is_classification


class SingleTask(BaseEstimator):
    """One task of a fitted estimator, as a classifier or regressor of its own.

    Displays and other tools of scikit-learn that want a single target take it:
    :class:`~sklearn.metrics.RocCurveDisplay`, :class:`~sklearn.calibration.CalibrationDisplay`,
    :class:`~sklearn.inspection.PartialDependenceDisplay`. It learns nothing; give it the rows that
    have a label of the task.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator of this package with a y of several columns; also in a pipeline or a
        fitted search.
    task : hashable
        Name of the task, as in ``task_names_in_``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the task. Only if it has any.

    See Also
    --------
    skmtl.IndependentTasks : Learns every task by an estimator of its own.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.metrics import RocCurveDisplay
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.inspection import SingleTask
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> y = pd.DataFrame({"size": X[:, 0], "ill": np.where(X[:, 1] > 0, "yes", "no")})
    >>> y.loc[::4, "ill"] = None
    >>> ill = SingleTask(MultiTaskLinear(alpha=0.01).fit(X, y), "ill")
    >>> seen = y["ill"].notna()
    >>> curve = RocCurveDisplay.from_estimator(ill, X[seen], y["ill"][seen])
    >>> round(float(curve.roc_auc), 2)
    1.0
    """

    def __init__(self, estimator: Any, task: Any) -> None:
        self.estimator = estimator
        self.task = task

    def fit(self, X: Any, y: Any = None) -> SingleTask:
        """Do nothing: the estimator is fitted already.

        Parameters
        ----------
        X : array-like
            Ignored.
        y : array-like, default=None
            Ignored.

        Returns
        -------
        self : object
            This object.
        """
        return self

    def predict(self, X: Any) -> Any:
        """Predict the labels of the task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, as the estimator takes them.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Its column of ``estimator.predict``, in the dtype of its own labels.
        """
        place = self._place
        final, X = unwrap(self.estimator, X)
        return final._decisions(*final._read_new(X))[place]

    @available_if(_has_classes)
    def predict_proba(self, X: Any) -> Any:
        """Predict the probabilities of the classes of the task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, as the estimator takes them.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Columns ordered as in ``classes_``.
        """
        place = self._place
        final, X = unwrap(self.estimator, X)
        return final._expected(*final._read_new(X))[place]

    @property
    def classes_(self) -> Any:
        """Classes of the task."""
        if not self._type.is_classification:
            raise AttributeError(f"Task {self.task!r} is {self._type.alias}: it has no classes.")
        return self._type.classes_

    @property
    def _place(self) -> int:
        """Position of the task."""
        final = final_estimator(self.estimator)
        if not knows_tasks(final) or not hasattr(final, "_task_set"):
            raise TypeError(
                f"SingleTask needs a fitted estimator of skmtl, got {type(final).__name__}."
            )
        tasks = final._task_set
        if tasks.is_long:
            raise ValueError(
                "SingleTask is for a y with a column per task; in long form the estimator itself "
                "has one target: give it the rows of a task."
            )
        names = tasks.names.tolist()
        return position_of(self.task, names, score_keys(names))

    @property
    def _type(self) -> Any:
        place = self._place
        return final_estimator(self.estimator)._task_set.tasks[place]

    def __getattr__(self, name: str) -> Any:
        # Number and names of the features are those of the estimator, where it has them.
        if name in ("n_features_in_", "feature_names_in_") and "estimator" in vars(self):
            return getattr(self.estimator, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        tags.target_tags.required = False
        if self._type.is_classification:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        else:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags
