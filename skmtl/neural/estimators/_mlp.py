"""The network for tasks of any types: a docstring and what it is made of."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._all_or_nothing import all_or_nothing
from skmtl._base import MultiTaskEstimator
from skmtl._further_rows import read_more
from skmtl._grown import refuse_grown, with_added_tasks
from skmtl._prequential import OF_STREAMS, history_of
from skmtl.neural import networks, training
from skmtl.neural._one_process import shared_fit
from skmtl.neural.estimators._last_layer import RepresentsLayers
from skmtl.neural.estimators._later_rows import take_in_tasks
from skmtl.neural.estimators._later_tasks import TRAINED_ON, GrowsNetworkTasks
from skmtl.neural.estimators._parameters import CONSTRAINTS, network
from skmtl.neural.inputs._tables import ReadsTables
from skmtl.neural.training._callbacks import CallbackSupportMixin, watched, with_callbacks
from skmtl.sources._base import Source
from skmtl.sources._read_source import read_source
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import Link

Array = NDArray[Any]


@network
class MultiTaskMLP(
    CallbackSupportMixin, RepresentsLayers, GrowsNetworkTasks, ReadsTables, MultiTaskEstimator
):
    r"""Multi-layer perceptron for tasks of any types, with missing labels.

    Hidden layers shared by all tasks carry one head per task. The objective is

    .. math::
        \sum_t \frac{\omega_t}{\sum_i s_{ti}} \sum_i s_{ti} \, \ell_t(y_{ti}, f_t(x_i))

    with the loss :math:`\ell_t` of the task type, ``task_weight`` :math:`\omega`, sample
    weights :math:`s`, 0 where a label is unobserved. It is minimised on shuffled batches by AdamW
    if not told otherwise, from where every head predicts the mean, the log-odds, ... of its task;
    weights decay the faster the fewer rows there are (see ``alpha``), and the fit is as long as
    its number of steps asks for (see ``max_iter``). Regression targets are standardised
    inside.

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

    Processes that form a group of ``torch.distributed`` share every fit, and all call it with the
    same arguments; within `skmtl.neural.in_one_process` each fits for itself.

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

    history_: dict[str, Array]
    _learns_from_blocks = True
    _standardize = True
    _shape_varies = True

    _parameter_constraints: dict[str, Any] = {**CONSTRAINTS}

    def __init__(
        self,
        hidden_layer_sizes: Any = (64, 64),
        *,
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        class_weight: Any = None,
        architecture: Any = "auto",
        head_hidden_layer_sizes: Any = (),
        linear_skip: bool | str = "auto",
        feature_scaling: str | None = "auto",
        numeric_embedding: Any = "auto",
        categorical_features: Any = "from_dtype",
        activation: str = "gelu",
        dropout: float | str = "auto",
        normalization: str | None = None,
        balancing: Any = "equal",
        task_weight: Any = None,
        solver: str = "adamw",
        alpha: float | str = "auto",
        learning_rate: str = "auto",
        learning_rate_init: float = 1e-2,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        max_grad_norm: float | None = None,
        batch_size: int | str = "auto",
        max_iter: int | str = "auto",
        early_stopping: bool = False,
        monitor: Any = "mean",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        half_life: float | None = None,
        device: str = "cpu",
        precision: str = "auto",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.architecture = architecture
        self.head_hidden_layer_sizes = head_hidden_layer_sizes
        self.linear_skip = linear_skip
        self.feature_scaling = feature_scaling
        self.numeric_embedding = numeric_embedding
        self.categorical_features = categorical_features
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
        self.half_life = half_life
        self.device = device
        self.precision = precision
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        if self.warm_start:
            refuse_grown(self, TRAINED_ON)
        with shared_fit(), watched(self, X, y, sample_weight):
            return super().fit(X, y, sample_weight)

    fit.__doc__ = MultiTaskEstimator.fit.__doc__

    def _fit_source(self, source: Source) -> None:
        X, task_column, labels = read_source(self, source)
        targets = self._read_y(X, labels, task_column, None)
        # As much memory as the targets, which say the same.
        del labels
        self._publish(targets.tasks)
        rows = targets.row_is_observed
        if not rows.all():
            # Here, where those with the others need not be in memory beside them.
            X, targets = X[rows], targets.take(rows)
        self._fit(X, targets)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
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
            If a later call has other columns of y, or a class that the first one did not know.

        Notes
        -----
        The first call fixes tasks and classes, and how a regression target is standardised;
        for a task without labels in it, that waits for its first labels. Such a task has a
        place in the network from the start, while one that `fit` finds without labels, or with
        one class, has none, and changes no other task. In long form new values of the task
        feature may come in any call: such a task has parameters of its own from then on, which
        begin at the mean of those of the others, and the solver's moments start anew.

        No schedule changes the learning rate, for a stream has no end that it could lead to: every
        call takes steps of ``learning_rate_init``. ``alpha="auto"`` counts all rows so far.

        Every chunk is predicted before it is learned: ``history_`` tells how well. With
        ``half_life`` the units of features and labels follow those of the rows of late.
        """
        self._validate_params()
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it trains for one pass. Set "
                "early_stopping=False, or call fit."
            )
        refuse_grown(self, TRAINED_ON)
        with all_or_nothing(self), shared_fit():
            is_first = not hasattr(self, "_fitted")
            X, task_column = self._read_X(X, reset=is_first)
            if is_first:
                targets = self._read_y(X, y, task_column, sample_weight, classes)
            else:
                take_in_tasks(self, task_column)
                targets = read_more(self, X, y, task_column, sample_weight)
            before = {k: v for k, v in getattr(self, "history_", {}).items() if k in OF_STREAMS}
            judged = history_of(self, X, targets, before)
            self._publish(targets.tasks)
            training.partial_fit_network(self, X, targets)
            self.history_ = {**self.history_, **judged}
        return self

    def add_task(
        self,
        X: Any,
        y: Any,
        name: Hashable | None = None,
        *,
        task: Any = "auto",
        sample_weight: Any = None,
        n_epochs: int = 0,
    ) -> Self:
        """Learn a further task from few rows, and from what the tasks of `fit` have found.

        The head of the new task reads what the other heads read, and their scores. The functions
        of the other tasks are its prior: Gaussian, with their mean and their covariance, and as
        strong as the labels make likely. Nothing that was fitted changes, so that all other
        predictions stay the same, to the bit.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features of rows of the new task. In long form with its name in the column of the task
            feature, or without that column.
        y : array-like of shape (n_samples,), or DataFrame with one column
            Labels of the new task; any may be missing.
        name : hashable, default=None
            Name of the task. By default that of the column or Series y, the value of the task
            feature, or the next number where tasks have no names.
        task : "auto" or task type, default="auto"
            Type of the task, as in the parameter ``tasks``, which it goes by if "auto". In long
            form all tasks have one type.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the labels.
        n_epochs : int, default=0
            Passes over the rows in which a copy of the trunk, for the new task alone, is trained
            on, pulled back to where it was; 0 leaves the trunk as it is. It takes hundreds of
            labels to gain by it. The other tasks keep their trunk.

        Returns
        -------
        self : object
            The estimator with one task more: the last column of predictions.

        Raises
        ------
        ValueError
            If there is a task of this name, no label, a label that does not fit the type, or
            ``n_epochs`` is negative.

        Notes
        -----
        Attributes that speak of tasks have one more; those that tell of the fit, such as losses,
        stay as they are. `fit` forgets added tasks, and `partial_fit` refuses to go on with them.
        """
        if n_epochs != int(n_epochs) or n_epochs < 0:
            raise ValueError(f"n_epochs={n_epochs!r}; expected a whole number, at least 0.")
        self._n_epochs = int(n_epochs)
        try:
            return super().add_task(X, y, name, task=task, sample_weight=sample_weight)
        finally:
            self.__dict__.pop("_n_epochs", None)

    def _make_part(self, name: str) -> None:
        if name == "balancing" and callable(self.balancing):
            self.balancing = training.resolve(name, self.balancing)
        super()._make_part(name)

    def _fit(self, X: Any, targets: Targets) -> None:
        training.fit_network(self, X, targets)

    def _linked(self, X: Any, task_index: Array | None, link: Link | None) -> list[Array]:
        raw = self._raw(X, task_index)
        linked: list[Array] = self._task_set.inverse_link(raw, task_index, link)
        return linked

    @with_added_tasks
    def _raw(self, X: Any, task_index: Array | None) -> Array:
        """Raw scores (n, n_outputs), float64."""
        raw: Array = networks.raw_scores_of(self, X, task_index)
        return raw

    def _networks(self) -> list[Any]:
        return [self._fitted]

    @property
    def _goes_on(self) -> bool:
        return self.warm_start and hasattr(self, "_fitted")

    def _read_X(self, X: Any, *, reset: bool) -> Any:
        return super()._read_X(X, reset=reset and not self._goes_on)

    def _read_y(
        self,
        X: Any,
        y: Any,
        task_column: Any,
        sample_weight: Any,
        classes: Any = None,
        standardize: bool | str | None = None,
    ) -> Targets:
        if not self._goes_on:
            return super()._read_y(X, y, task_column, sample_weight, classes, standardize)
        take_in_tasks(self, task_column)
        targets = read_more(self, X, y, task_column, sample_weight)
        if not np.any(targets.weights):
            raise ValueError("y has no observed label: every one is missing or has weight zero.")
        return targets
