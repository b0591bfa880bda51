"""Networks that choose and blend their settings by cross-validation."""

from __future__ import annotations

from typing import Any

from skmtl._kinds import MultiTaskClassifierMixin, MultiTaskRegressorMixin
from skmtl.neural.estimators._mlp_cv_docs import CV_CONSTRAINTS, network_cv
from skmtl.neural.estimators._mlp_search import NetworkSearch


@network_cv
class MultiTaskMLPCV(NetworkSearch):
    r"""Networks of several settings, trained in folds and blended by what held-out rows say.

    A network of every candidate (settings of `MultiTaskMLP`) trains in every fold, all of one
    structure side by side. The rows that a fold leaves out choose the epoch of the networks of a
    candidate, and the weights of the candidates in the prediction

    .. math:: \hat y_t(x) = \sum_c w_{ct} \, \frac1K \sum_k \hat y_{ckt}(x)
        + \Bigl(1 - \sum_c w_{ct}\Bigr) \, \bar y_t, \qquad w \ge 0

    of values, class probabilities or expected counts, where :math:`\bar y` is the best constant.
    The weights have the smallest squared error on held-out rows (the Brier score for classes),
    drawn to equal ones and, for a task with few labels, to those of all tasks [1]_. No row is
    lost, and nothing is fitted again.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskMLP : A single network.
    skmtl.MultiTaskKernelRidgeCV : Kernels blended alike; fast on few rows.
    skmtl.MultiTaskLinearCV : Linear functions.

    Notes
    -----
    Networks train in float32 unless the grid names another ``precision``, and predict in float64.
    On a few hundred rows a fit takes some seconds; its time grows with the number of rows from
    some thousands on, with that of candidates and of folds.

    References
    ----------
    .. [1] L. Breiman, "Stacked regressions", Machine Learning 24, 1996, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 5))
    >>> Y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> Y[::3, 0] = np.nan
    >>> grid = {"alpha": [0.1, 3.0], "max_iter": [30]}
    >>> model = MultiTaskMLPCV(grid, cv=3, random_state=0).fit(X[:200], Y[:200])
    >>> model.score(X[200:], Y[200:]) > 0.5
    True
    >>> model.best_params_
    {'alpha': 0.1, 'max_iter': 30}
    >>> values, probabilities = model.member_predictions(X[200:])
    >>> values.shape, probabilities.shape
    ((6, 100), (6, 100, 2))
    """

    _parameter_constraints: dict[str, Any] = {**CV_CONSTRAINTS}

    def __init__(
        self,
        grid: Any = None,
        *,
        cv: Any = None,
        scoring: Any = None,
        hidden_layer_sizes: Any = (64, 64),
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        class_weight: Any = None,
        architecture: Any = "auto",
        head_hidden_layer_sizes: Any = (),
        categorical_features: Any = "from_dtype",
        normalization: str | None = None,
        balancing: Any = "equal",
        task_weight: Any = None,
        device: str = "cpu",
        n_threads: int | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
    ) -> None:
        self.grid = grid
        self.cv = cv
        self.scoring = scoring
        self.hidden_layer_sizes = hidden_layer_sizes
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.architecture = architecture
        self.head_hidden_layer_sizes = head_hidden_layer_sizes
        self.categorical_features = categorical_features
        self.normalization = normalization
        self.balancing = balancing
        self.task_weight = task_weight
        self.device = device
        self.n_threads = n_threads
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose


@network_cv
class MultiTaskMLPRegressorCV(MultiTaskRegressorMixin, MultiTaskMLPCV):
    r"""Networks for regression tasks, of several settings, blended by what held-out rows say.

    `MultiTaskMLPCV` where every task is regression: y may hold any numbers, NaN where
    unobserved, and the score is the mean R2 of the tasks.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskMLPCV : The same for any task types, with notes and references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 5))
    >>> Y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] - X[:, 1]])
    >>> grid = {"alpha": [0.1, 3.0], "max_iter": [30]}
    >>> model = MultiTaskMLPRegressorCV(grid, cv=3, random_state=0).fit(X[:200], Y[:200])
    >>> model.score(X[200:], Y[200:]) > 0.5
    True
    """


@network_cv
class MultiTaskMLPClassifierCV(MultiTaskClassifierMixin, MultiTaskMLPCV):
    r"""Networks for classification tasks, of several settings, blended by what held-out rows say.

    `MultiTaskMLPCV` where every task has classes: y may hold any labels, NaN or None where
    unobserved, and the score is the mean accuracy of the tasks.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskMLPCV : The same for any task types, with notes and references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 5))
    >>> Y = np.column_stack([X[:, 0] * X[:, 1] > 0, X[:, 0] > X[:, 1]]).astype(float)
    >>> grid = {"alpha": [0.1, 3.0], "max_iter": [30]}
    >>> model = MultiTaskMLPClassifierCV(grid, cv=3, random_state=0).fit(X[:200], Y[:200])
    >>> model.score(X[200:], Y[200:]) > 0.8
    True
    """
