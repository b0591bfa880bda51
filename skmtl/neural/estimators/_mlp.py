"""Public estimators of the neural half: a docstring and which parts."""

from __future__ import annotations

from importlib import import_module
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skmtl._all_or_nothing import all_or_nothing
from skmtl._base import MultiTaskEstimator
from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskClassifierMixin, MultiTaskRegressorMixin
from skmtl._random import RANDOM_STATE
from skmtl.neural._torch import torch_needed_by
from skmtl.neural.estimators._docs import ATTRIBUTES, PARAMETERS, SHARED
from skmtl.neural.training._callbacks import CallbackSupportMixin, watched, with_callbacks
from skmtl.neural.training._known_tasks import read_more
from skmtl.tasks import _constraints as constraints

network = documented(PARAMETERS, ATTRIBUTES, shared=SHARED)

ACTIVATIONS = {"identity", "logistic", "tanh", "relu"}


@network
class MultiTaskMLP(CallbackSupportMixin, MultiTaskEstimator):
    r"""Multi-layer perceptron for tasks of any types, with missing labels.

    Hidden layers shared by all tasks carry one head a task. The objective is

    .. math::
        \sum_t \frac{\omega_t}{\sum_i s_{ti}} \sum_i s_{ti} \, \ell_t(y_{ti}, f_t(x_i))
        + \frac{\alpha}{2} \|W\|^2

    with the loss :math:`\ell_t` of the task type, ``task_weight`` :math:`\omega`, sample
    weights :math:`s`, 0 where a label is unobserved, and the weights W of all layers. It is
    minimised on shuffled batches, by Adam if not told otherwise. Regression targets are
    standardised inside.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskMLPRegressor : All tasks are regression.
    MultiTaskMLPClassifier : All tasks are classification.
    skmtl.MultiTaskLinear : Linear models with penalties that couple the tasks.

    Notes
    -----
    Training is in float32 if X is, else in float64, unless ``precision`` says otherwise;
    predictions are float64.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> y[::3, 0] = np.nan
    >>> model = MultiTaskMLP((32,), early_stopping=True, learning_rate_init=0.01, random_state=0)
    >>> model.fit(X[:800], y[:800]).score(X[800:], y[800:]) > 0.8
    True
    >>> [task.alias for task in model.tasks_]
    ['regression', 'binary']
    >>> [None if c is None else c.tolist() for c in model.classes_]
    [None, [0, 1]]
    """

    _standardize = True

    @property
    def _allows_nd(self):
        """Whether X may have more than two dimensions: a trunk of the user's may want them."""
        return getattr(self.architecture, "reads_any_shape", False)

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        **constraints.TASKS,
        "architecture": [str, HasMethods("build")],
        "head_hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(ACTIVATIONS)],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "normalization": [StrOptions({"layer", "batch"}), None],
        "balancing": [str, HasMethods("start"), callable],
        **constraints.TASK_WEIGHT,
        "solver": [StrOptions({"adam", "adamw", "sgd"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "cosine", "one_cycle", "plateau"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "monitor": "no_validation",
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "device": [str],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": RANDOM_STATE,
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(128, 128),
        *,
        tasks="auto",
        task_feature=None,
        unknown_task="error",
        architecture="hard_sharing",
        head_hidden_layer_sizes=(),
        activation="relu",
        dropout=0.0,
        normalization=None,
        balancing="equal",
        task_weight=None,
        solver="adam",
        alpha=1e-4,
        learning_rate="constant",
        learning_rate_init=1e-3,
        momentum=0.9,
        nesterovs_momentum=True,
        max_grad_norm=None,
        batch_size="auto",
        max_iter=200,
        early_stopping=False,
        monitor="mean",
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        device="cpu",
        precision="auto",
        n_threads=None,
        random_state=None,
        verbose=False,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.architecture = architecture
        self.head_hidden_layer_sizes = head_hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.normalization = normalization
        self.balancing = balancing
        self.task_weight = task_weight
        self.solver = solver
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.max_grad_norm = max_grad_norm
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(self, X, y, sample_weight=None):
        with watched(self, X, y, sample_weight):
            return super().fit(X, y, sample_weight)

    fit.__doc__ = MultiTaskEstimator.fit.__doc__

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one pass over some rows, going on from earlier calls.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        classes : array-like, list of array-like or dict {task: classes}, default=None
            First call only: all classes that will come. A flat list holds for all tasks; a list
            of lists has an entry for each task, None for regression; a dict names tasks, the
            others have the classes of the first call, as all have by default.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels.

        Returns
        -------
        self : object
            The estimator after this pass.

        Raises
        ------
        ValueError
            If a later call has other tasks, or a class that the first one did not know.

        Notes
        -----
        The first call fixes tasks and classes, and how a regression target is standardised;
        for a task without labels in it, that waits for its first labels. Such a task has a
        place in the network from the start, while one that `fit` finds without labels, or with
        one class, has none, and changes no other task.
        """
        self._validate_params()
        for name, only in (("early_stopping", False), ("learning_rate", "constant")):
            if getattr(self, name) != only:
                raise ValueError(
                    f"partial_fit does not support {name}={getattr(self, name)!r}: it trains for "
                    f"one pass. Set {name}={only!r}, or call fit."
                )
        with all_or_nothing(self):
            is_first = not hasattr(self, "_state")
            X, task_column = self._read_X(X, reset=is_first)
            if is_first:
                targets = self._read_y(X, y, task_column, sample_weight, classes)
            else:
                targets = read_more(self, X, y, task_column, sample_weight)
            self._publish(targets.tasks)
            _needs_torch("training._fit").partial_fit_network(self, X, targets)
        return self

    def _make_part(self, name):
        if name == "balancing" and callable(self.balancing):
            self.balancing = _needs_torch("training._settings").resolve(name, self.balancing)
        super()._make_part(name)

    def _fit(self, X, targets):
        _needs_torch("training._fit").fit_network(self, X, targets)

    def _expected(self, X, task_index):
        raw = self._raw(X, task_index)
        return self._task_set.inverse_link(raw, task_index)

    def _raw(self, X, task_index):
        """Raw scores (n, n_outputs), float64."""
        return _needs_torch("training._network").raw_scores_of(self, X, task_index)

    @property
    def _goes_on(self):
        return self.warm_start and hasattr(self, "_state")

    def _read_X(self, X, *, reset):
        return super()._read_X(X, reset=reset and not self._goes_on)

    def _read_y(self, X, y, task_column, sample_weight, classes=None):
        if not self._goes_on:
            return super()._read_y(X, y, task_column, sample_weight, classes)
        targets = read_more(self, X, y, task_column, sample_weight)
        if not np.any(targets.weights):
            raise ValueError("y has no observed label: every one is missing or has weight zero.")
        return targets

    def __getstate__(self):
        # Arrays and a description are enough: predict builds the module again.
        state = dict(super().__getstate__())
        if "_built" in state:
            state["_built"] = {}
        if state.get("_stream"):
            state["_stream"] = _needs_torch("training._to_device").on_device(
                state["_stream"], "cpu"
            )
        return state


@network
class MultiTaskMLPRegressor(MultiTaskRegressorMixin, MultiTaskMLP):
    """Multi-layer perceptron for regression tasks, with missing labels.

    `MultiTaskMLP` with every column of y read as regression and R2 as score.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskMLP : Tasks of any types.
    sklearn.neural_network.MLPRegressor : Complete targets, no heads.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] - X[:, 1]])
    >>> y[::3, 0] = np.nan
    >>> model = MultiTaskMLPRegressor(
    ...     (32,), early_stopping=True, learning_rate_init=0.01, random_state=0
    ... )
    >>> model.fit(X[:800], y[:800]).score(X[800:], y[800:]) > 0.8
    True
    """

    _parameter_constraints: dict = {**MultiTaskMLP._parameter_constraints}


@network
class MultiTaskMLPClassifier(MultiTaskClassifierMixin, MultiTaskMLP):
    """Multi-layer perceptron for classification tasks, with missing labels.

    `MultiTaskMLP` with every column of y read as classes and the mean accuracy as score.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskMLP : Tasks of any types.
    sklearn.neural_network.MLPClassifier : One task, or complete binary labels.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1] > 0, X[:, 0] > X[:, 1]]).astype(float)
    >>> y[::3, 0] = np.nan
    >>> model = MultiTaskMLPClassifier(
    ...     (32,), early_stopping=True, learning_rate_init=0.01, random_state=0
    ... )
    >>> model.fit(X[:800], y[:800]).score(X[800:], y[800:]) > 0.8
    True
    """

    _parameter_constraints: dict = {**MultiTaskMLP._parameter_constraints}


def _needs_torch(module):
    """A module of this folder that imports torch."""
    with torch_needed_by("MultiTaskMLP"):
        return import_module(f"skmtl.neural.{module}")
