"""Several estimators of all tasks as one, by how well they predict what they have not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.parallel import Parallel

from skmtl._base import MultiTaskEstimator
from skmtl._blending import mix
from skmtl._docstrings import documented
from skmtl._random import RANDOM_STATE
from skmtl._warnings import warn
from skmtl.compose._features import read_features
from skmtl.compose._meta import NestingEstimator
from skmtl.compose._named_estimators import NamedEstimators
from skmtl.compose._stack_blend import StackBlend, blend_left_out
from skmtl.compose._stack_defaults import default_estimators
from skmtl.compose._stack_fits import Workshop
from skmtl.compose._stack_fitted import FittedMembers, warn_of_failures
from skmtl.compose._stack_folds import hold_out, hold_out_constant, make_folds, only_held_out
from skmtl.compose._stack_members import read_members
from skmtl.compose._tags import follow
from skmtl.compose._task_labels import check_single_numbers
from skmtl.model_selection._folds import is_number
from skmtl.tasks import _constraints as constraints
from skmtl.tasks._features import split_task_feature
from skmtl.tasks._survival_task import constant_of_times
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

CONSTANT = "constant"


@documented("", "", shared="what the estimators say of it, with weights that are the tasks' mean.")
class TaskStacking(NamedEstimators, NestingEstimator):
    r"""Several estimators blended per task, by what each says of rows that it has not seen.

    Every estimator predicts held-out rows. The prediction of task t is
    :math:`\sum_m w_{mt} \hat y_{mt}` with the weights :math:`w_{mt} \ge 0`,
    :math:`\sum_m w_{mt} = 1`, that are best there (least squares; for classes of probabilities)
    [1]_. Weights are shrunk to equal ones, and those of each task to what all tasks have in common,
    the more the fewer labels it has. The best constant is always among the estimators, so that a
    task of which none knows anything is predicted by its mean or its class shares.

    Parameters
    ----------
    estimators : list of (str, estimator), default=None
        Estimators with names. One of this package learns all tasks, or those of its kind. One of
        scikit-learn, or in its style, is fitted to each task's own rows, as `IndependentTasks`
        does: a regressor to regression and count tasks, a classifier to tasks with classes. By
        default a network, a kernel machine, a linear model and trees, all with their own search.
    final : "blend" or estimator, default="blend"
        What makes one prediction of those of the estimators: shares, as above, or an estimator of
        scikit-learn, cloned for each task of its kind (other tasks are blended) and fitted to
        their predictions of held-out rows. In long form one is for all tasks.
    cv : int, splitter, iterable or None, default=5
        Rows that are held out. A number: shuffled folds that spread the labels of every task and
        class; None: 5. An estimator that holds rows out in its own fit, as the searches of this
        package do (``out_of_fold_``), is then not fitted again for them. A splitter, or an iterable
        of training and test rows, holds for all. Labels that are never held out do not count;
        for those that are several times the predictions are averaged.
    passthrough : bool, default=False
        Whether the final estimator sees X beside the predictions.
    <task parameters>
    n_jobs : int, default=None
        Number of estimators and folds fitted at the same time, by joblib. Results do not depend
        on it.
    random_state : int, RandomState or Generator instance or None, default=None
        Of the estimators that are there by default.

    Attributes
    ----------
    weights_ : dict of ndarray of shape (n_tasks,)
        Weight of each estimator by name, of "constant" last: a table for pandas,
        ``pandas.DataFrame(model.weights_, index=model.task_names_in_)``. NaN for a task of which a
        final estimator learns, and for one without labels.
    estimators_ : dict
        The fitted estimators by name; one of scikit-learn in an `IndependentTasks`, or in one for
        each task that it could learn where it failed in others. None for one that learned nothing.
    final_estimators_ : list of length n_tasks
        Final estimator of each task, None for one that is blended; in long form there is one.
        Only with a final estimator.
    out_of_fold_ : list of ndarray
        What is expected of every row of `fit`, by models, weights and final estimators that did
        not see it: (n_samples,) or (n_samples, n_classes) for each column of y. NaN in rows that
        were not held out.
    <task attributes>

    See Also
    --------
    TaskChain : Predictions of some tasks as features of others; with ``stacking=True`` of all.
    sklearn.ensemble.StackingRegressor : For one task with complete labels.

    Notes
    -----
    X is handed on as it came. An estimator that fails for a task, or in a fold, or whose
    predictions are impossible, as negative counts are, has no weight there, and a warning says
    so. Only where all fail is the first error raised.

    The weights are chosen on predictions of models that were fitted to fewer rows than the models
    that they are used for.

    References
    ----------
    .. [1] L. Breiman, "Stacked regressions", Machine Learning 24, 1996: non-negative weights.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import ExtraTreesRegressor
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.compose import TaskStacking
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(120, 3))
    >>> Y = np.column_stack([X @ [1.0, 2.0, 3.0], np.abs(X[:, 0]) + np.abs(X[:, 1])])
    >>> Y[::4, 0] = np.nan
    >>> model = TaskStacking(
    ...     [
    ...         ("linear", MultiTaskLinear("l2", alpha=1e-3)),
    ...         ("trees", ExtraTreesRegressor(20, random_state=0)),
    ...     ],
    ... ).fit(X, Y)
    >>> {name: weight.round(1).tolist() for name, weight in model.weights_.items()}
    {'linear': [1.0, 0.0], 'trees': [0.0, 1.0], 'constant': [0.0, 0.0]}
    """

    _kind = "any"

    _parameter_constraints = {
        "estimators": [list, tuple, None],
        "final": [StrOptions({"blend"}), HasMethods(["fit", "predict"])],
        "cv": ["cv_object"],
        "passthrough": ["boolean"],
        **constraints.TASKS,
        **constraints.CLASS_WEIGHT,
        "n_jobs": [int, None],
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        estimators: Any = None,
        *,
        final: Any = "blend",
        cv: Any = 5,
        passthrough: bool = False,
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
        n_jobs: Any = None,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.final = final
        self.cv = cv
        self.passthrough = passthrough
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        # A splitter sees X and y as they were given.
        self._given = X, y
        try:
            return super().fit(X, y, sample_weight)
        finally:
            del self._given

    fit.__doc__ = MultiTaskEstimator.fit.__doc__

    def _fit(self, X: Any, targets: Targets) -> None:
        if self.passthrough and self._blends:
            raise ValueError("passthrough=True is for a final estimator, but final='blend'.")
        check_single_numbers(targets.tasks.names.tolist(), targets.tasks.tasks, type(self).__name__)
        named = self._named_members()
        members = read_members(named, targets.tasks)
        folds = make_folds(self.cv, *self._given, targets)
        parallel = Parallel(n_jobs=self.n_jobs)
        workshop = Workshop(X, targets, self._prepare, parallel)
        self._stack = FittedMembers.fit(members, workshop)
        self.estimators_ = {
            member.name: parts[0][1] if len(parts) == 1 else [part for _, part in parts] or None
            for member, parts in zip(members, self._stack.fitted, strict=True)
        }
        said = self._hold_out(folds, workshop)
        constant = hold_out_constant(targets, folds)
        held_out = only_held_out(targets, constant)
        _drop_impossible(said, self._stack, held_out)
        features = self._passed(X)
        given = self._stack, [*said, constant], held_out, self.final, features
        self._blend = StackBlend.fit(*given)
        self.out_of_fold_ = blend_left_out(folds, *given)
        self._constants = [_constant(column) for column in targets.columns()]
        self._raw_constants = [constant_of_times(column) for column in targets.columns()]
        self.__dict__.pop("final_estimators_", None)
        if not self._blends:
            finals = self._blend.finals
            self.final_estimators_ = [final and final.single.estimator for final in finals]
        self.weights_ = self._weights()

    @property
    def _blends(self) -> bool:
        return isinstance(self.final, str)

    @property
    def _is_used(self) -> Array:
        is_used = np.any(self._blend.shares[:-1] > 0, axis=1) | (not self._blends)
        return np.asarray(is_used)

    def _named_members(self) -> Any:
        if self.estimators is None:
            is_long = self.task_feature is not None
            # There is no number of columns where X is no table, which its readers refuse.
            n_features = getattr(self, "n_features_in_", 1)
            return default_estimators(n_features, self.random_state, is_long=is_long)
        self._check_names()
        if CONSTANT in self._named():
            raise ValueError(f"The name {CONSTANT!r} is that of the best constant; use another.")
        return self.estimators

    def _hold_out(self, folds: Any, workshop: Workshop) -> Any:
        """What each member expects of held-out rows."""
        stack, n_rows = self._stack, len(workshop.targets.weights)
        said: Any = [None] * len(stack.members)
        if is_number(self.cv):
            said = stack.of_own_rows(n_rows)
        others = [m for m, own in zip(stack.members, said, strict=True) if own is None]
        found, failed = hold_out(others, folds, workshop)
        warn_of_failures(failed, stack.tasks, " in a fold")
        of_folds = iter(found)
        return [next(of_folds) if own is None else own for own in said]

    def _weights(self) -> dict[str, Array]:
        """Weights of the members by name; NaN where a final estimator is in their place."""
        table = self._blend.shares.copy()
        is_final = [final is not None for final in self._blend.finals]
        table[:, is_final * (self._task_set.n_tasks if self._task_set.is_long else 1)] = np.nan
        names = [*(member.name for member in self._stack.members), CONSTANT]
        table[:, self._task_set.n_labels == 0] = np.nan
        return dict(zip(names, table, strict=True))

    def _passed(self, X: Any) -> Any:
        """X for a final estimator that sees it."""
        if not self.passthrough or self.task_feature is None:
            return X if self.passthrough else None
        return read_features(split_task_feature(X, self.task_feature)[0])

    def _expected(self, X: Any, task_index: Any) -> list[Any]:
        n_rows, tasks = X.shape[0], self._task_set
        constants = [
            np.broadcast_to(constant, task.expected_without_labels(n_rows).shape)
            for task, constant in zip(tasks.tasks, self._constants, strict=True)
        ]
        said = [*self._stack.expected(X, self._is_used), constants]
        expected: list[Any] = self._blend(said, self._passed(X), task_index)
        silent = tasks.n_labels == 0
        if task_index is not None:
            rows = (task_index >= 0) & silent[task_index]
            if rows.any():
                expected[0][rows] = tasks.tasks[0].expected_without_labels(int(rows.sum()))
            return expected
        for t in np.flatnonzero(silent):
            expected[t] = tasks.tasks[t].expected_without_labels(n_rows)
        return expected

    def _survival(self, X: Any, task_index: Any, times: Array) -> list[Any]:
        n_rows = X.shape[0]
        constants = [
            np.repeat(task.survival(raw[None], times), n_rows, axis=0)
            if raw is not None
            else np.full((n_rows, len(times)), np.nan)
            for task, raw in zip(self._task_set.tasks, self._raw_constants, strict=True)
        ]
        said = [*self._stack.survival(X, self._is_used, times), constants]
        found = mix(said, self._blend.shares, task_index)
        if task_index is not None:
            # The constant is that of the other tasks.
            found[0][self._task_set.is_silent(task_index)] = np.nan
        return found

    def _check_survival(self) -> None:
        if not self._blends:
            raise AttributeError("A final estimator predicts times, but no probabilities of them.")

    def __sklearn_tags__(self) -> Any:
        tags = MultiTaskEstimator.__sklearn_tags__(self)
        follow(tags, self._named().values())
        return tags


def _constant(column: Any) -> Any:
    """Best constant of a column of y; where there is no label, what is said then."""
    task, values, weights = column
    used = weights > 0
    if not used.any():
        return task.expected_without_labels(1)[0]
    return task.prior(values[used], weights[used])


def _drop_impossible(said: Any, stack: FittedMembers, targets: Targets) -> None:
    """Forget what a member says of a column where `score` has no value for it."""
    for member, columns in zip(stack.members, said, strict=True):
        for k, (task, _, weights) in enumerate(targets.columns()):
            known = columns[k][weights > 0]
            try:
                task.check_expected(known[np.isfinite(known)], targets.tasks.names[k])
            except ValueError as error:
                warn(f"{member.name!r} has no weight in a task: {error}")
                columns[k] = np.full_like(columns[k], np.nan)
