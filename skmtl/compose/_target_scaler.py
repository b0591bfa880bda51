"""Targets on a scale on which they are learned better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils._param_validation import HasMethods

from skmtl._docstrings import documented
from skmtl._shown import shown
from skmtl.compose._meta import NestingEstimator, fit_prepared
from skmtl.compose._target_transform import check_way_back, map_back, transform_labels
from skmtl.tasks import Regression
from skmtl.tasks._by_name import name_key, refuse_unknown
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@documented("", "", shared="what the estimator shares.")
class TargetScaler(NestingEstimator):
    """Learn transformed targets, and map the predictions back.

    Each regression task has a transformer of its own, fitted to its observed labels;
    classes, and counts and other types of numbers unless named, are learned as they are. It is
    scikit-learn's :class:`~sklearn.compose.TransformedTargetRegressor` for many tasks, labels
    that are missing and types that are mixed. By default targets are standardised: a penalty
    shared by tasks, or a model of all of them, then treats targets of any scale alike.

    Parameters
    ----------
    estimator : estimator
        Learns the transformed targets: an estimator of this package, or a pipeline or search
        that ends in one. What it would say of ``tasks``, ``task_feature`` and ``unknown_task``
        is said here.
    transformer : transformer, dict or None, default=None
        Cloned for each regression task and fitted to its labels as a column: any transformer of
        scikit-learn with an inverse. None is :class:`~sklearn.preprocessing.StandardScaler`. A
        dict by task name has other transformers for some tasks: None for a task that is not to
        be transformed; a transformer for a count is meant, and the count learned as a number.
    func : callable, default=None
        Instead of ``transformer``: a function of a column of labels, ``numpy.log1p`` for
        example.
    inverse_func : callable, default=None
        Inverse of ``func``, ``numpy.expm1`` for example.
    check_inverse : bool, default=True
        Whether to warn if the way back does not lead to the labels; a tenth of them is tried.
    <task parameters>

    Attributes
    ----------
    estimator_ : estimator
        Fitted to the transformed targets.
    transformers_ : list of transformer
        Fitted transformer of each task, None for one that is not transformed. In long form
        there is one, for all tasks.
    <task attributes>

    See Also
    --------
    sklearn.compose.TransformedTargetRegressor : For complete labels of one type.
    MultiTaskLinear : Its ``scale_targets`` standardises too.

    Notes
    -----
    Weights of labels reach transformers that take them, in pipelines the last step. `score` is in
    the units of y. Mapped back, a mean is no mean: with ``func=numpy.log`` the prediction is
    closer to a median.

    In long form labels of all tasks have one meaning, and tasks may be unknown or have few
    labels: one transformer serves all.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.compose import TargetScaler
    >>> X = np.arange(8.0).reshape(-1, 1)
    >>> Y = np.hstack([1e6 * X, np.exp(X), X % 2])
    >>> Y[::3, 0] = np.nan
    >>> Y[1::3, 1] = np.nan
    >>> model = TargetScaler(MultiTaskLinear("l2", alpha=1e-3)).fit(X, Y)
    >>> [type(transformer).__name__ for transformer in model.transformers_]
    ['StandardScaler', 'StandardScaler', 'NoneType']
    >>> model.predict([[3.0]])[:, :1].round(-3)
    array([[3000000.]])
    >>> logarithm = TargetScaler(
    ...     MultiTaskLinear("l2", alpha=1e-9), func=np.log1p, inverse_func=np.expm1
    ... )
    >>> round(logarithm.fit(X, Y[:, 1]).score(X, np.exp(X[:, 0])), 2)
    1.0
    """

    _parameter_constraints = {
        **NestingEstimator._parameter_constraints,
        "transformer": [HasMethods(["fit", "transform", "inverse_transform"]), dict, None],
        "func": [callable, None],
        "inverse_func": [callable, None],
        "check_inverse": ["boolean"],
    }

    def __init__(
        self,
        estimator: Any,
        transformer: Any = None,
        *,
        func: Any = None,
        inverse_func: Any = None,
        check_inverse: bool = True,
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
    ) -> None:
        self.estimator = estimator
        self.transformer = transformer
        self.func = func
        self.inverse_func = inverse_func
        self.check_inverse = check_inverse
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight

    def _fit(self, X: Any, targets: Targets) -> None:
        self._transformed_names = _names(targets.tasks)
        templates = self._templates(targets.tasks, self._transformed_names)
        self.transformers_, self._ends, targets = self._transform(targets, templates)
        self.estimator_ = fit_prepared(*self._prepare(X, targets))

    def _templates(self, tasks: Any, names: Any) -> Any:
        """Unfitted transformer of each task, None for those that have none."""
        default, named = self._default(), {}
        if isinstance(self.transformer, dict):
            _check_names(self.transformer, tasks, names)
            named = {name_key(name): given for name, given in self.transformer.items()}
        templates = []
        for task, name in zip(tasks.tasks, names, strict=True):
            template = named.get(name_key(name), default if task.can_rescale else None)
            if template is not None and task.is_classification:
                raise ValueError(
                    f"Task {name!r} is {task.alias}: only numbers can be transformed, got "
                    f"{template!r}."
                )
            templates.append(template)
        is_asked = self.func is not None or default is self.transformer
        if is_asked and all(template is None for template in templates):
            raise ValueError(
                f"There is nothing to transform: the tasks {shown(names)} are "
                f"{sorted({task.alias for task in tasks.tasks})}. Counts are transformed where "
                "transformer is a dict that names them."
            )
        return templates

    def _default(self) -> Any:
        if (self.func is None) != (self.inverse_func is None):
            raise ValueError("func and inverse_func belong together: give both or none.")
        if self.func is None:
            is_one = self.transformer is not None and not isinstance(self.transformer, dict)
            return self.transformer if is_one else StandardScaler()
        if self.transformer is not None:
            raise ValueError("Give transformer, or func and inverse_func, not both.")
        return FunctionTransformer(self.func, self.inverse_func, check_inverse=False)

    def _transform(self, targets: Targets, templates: Any) -> Any:
        """Fitted transformers, the ends of what they make, and what the estimator learns."""
        targets = replace(targets, values=targets.values.copy())
        tasks = list(targets.tasks.tasks)
        transformers: list[Any] = [None] * len(templates)
        ends: list[Any] = [None] * len(templates)
        columns = zip(templates, self._transformed_names, targets.columns(), strict=True)
        for t, (template, name, (task, values, weights)) in enumerate(columns):
            rows = np.flatnonzero(weights > 0)
            if template is None or not len(rows):
                continue
            labels = values[rows]
            transformers[t], found = transform_labels(template, labels, weights[rows], name)
            if self.check_inverse:
                check_way_back(transformers[t], labels, found, name)
            values[rows], ends[t] = found, np.array([found.min(), found.max()])
            if not task.can_rescale:
                # Its loss is not for numbers of any kind.
                tasks[t] = Regression()
                tasks[t].location_, tasks[t].scale_ = 0.0, 1.0
        task_set = replace(targets.tasks, tasks=tuple(tasks))
        return transformers, ends, replace(targets, tasks=task_set)

    def _expected(self, X: Any, task_index: Any) -> Any:
        return self._map_back(self._expected_of(self.estimator_, X, self._task_set.tasks))

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> Any:
        if expected is not None and not self._task_set.any_classification:
            tasks = self._task_set.tasks
            return [task.decode(column) for task, column in zip(tasks, expected, strict=True)]
        return self._map_back(self._decisions_of(self.estimator_, X, self._task_set.tasks))

    def _map_back(self, columns: Any) -> list[Any]:
        """Predictions of each task in the units of y."""
        return [
            column if transformer is None else map_back(transformer, column, name, ends)
            for column, transformer, name, ends in zip(
                columns, self.transformers_, self._transformed_names, self._ends, strict=True
            )
        ]


def _names(tasks: Any) -> Any:
    """Names of the columns of y."""
    return ["y"] if tasks.is_long else tasks.names.tolist()


def _check_names(named: Any, tasks: Any, names: Any) -> None:
    if tasks.is_long:
        raise ValueError(
            "In long form one transformer serves all tasks; transformer is a dict by task name: "
            f"{named!r}."
        )
    refuse_unknown(named, names, "transformer")
