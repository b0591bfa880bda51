"""Linear regression whose coefficients have a distribution over the tasks."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskRegressorMixin
from skmtl._warnings import warn
from skmtl.linear.bayesian._choice import likely_variances
from skmtl.linear.bayesian._later_task import prior_of_noise
from skmtl.linear.bayesian._likelihood import Posterior
from skmtl.linear.bayesian._moderated import moderated
from skmtl.linear.bayesian._moments import Moments, coordinates_of
from skmtl.linear.bayesian._predictor import FreeIntercepts, RandomCoefficients
from skmtl.linear.bayesian._search import LEAST
from skmtl.linear.bayesian._structures import Scalar
from skmtl.linear.bayesian._variances import Model
from skmtl.linear.estimators._bayesian_predictions import RandomPredictions
from skmtl.linear.estimators._later_bayesian import GrowsRandomTasks
from skmtl.linear.estimators._linear_model import LinearPredictor
from skmtl.linear.estimators._streaming import Streaming
from skmtl.linear.objective._squared_loss import require_squared_loss
from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.objective._training_data import learnable
from skmtl.linear.solvers._coefficients import Units, use_units_of_y
from skmtl.tasks import _constraints as constraints
from skmtl.tasks._counts import numbers_of_labels
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

SHARED = "the mean of the coefficients over tasks; it is as uncertain as tasks are different."


@documented("", "", shared=SHARED)
class MultiTaskBayesianLinear(
    MultiTaskRegressorMixin, RandomPredictions, Streaming, GrowsRandomTasks, LinearPredictor
):
    r"""Linear regression of many tasks with intervals: it chooses its strength by itself.

    The coefficients of the tasks are draws from one normal distribution, whose mean and covariance
    are learned from all of them (empirical Bayes; a linear mixed model with random intercepts and
    slopes),

    .. math:: y_{ti} = b_t + x_i' w_t + e_{ti}, \qquad
        (b_t, w_t) \sim N\bigl((b_0, w_0), \Sigma\bigr), \qquad
        e_{ti} \sim N(0, \sigma_t^2 / s_{ti})

    where s are the weights of the labels, 0 where unobserved. Only their proportions in a task
    count: whole multiples of the least stand for repeated labels, others for as many labels as have
    the variance of their weighted mean.
    The variances maximise the restricted likelihood [1]_ [2]_, by its slopes, from sums over the
    rows of every task: rows are read once, and no matrix is larger than (n_features + 1) squared.
    A task with few labels stays close to the mean of the others, one with many goes its own way,
    and intervals say how far each can be trusted.

    Parameters
    ----------
    covariance : {"auto", "scalar", "diag", "full"} or int, default="auto"
        What :math:`\Sigma` looks like, for standardised features: one variance of intercepts and
        one of all coefficients ("scalar"), one of each ("diag"), any covariance ("full"), or one
        of some rank plus a diagonal (int). "auto" takes the one of least Akaike criterion of
        these, and of ranks beside one variance.
    noise : {"auto", "shared", "task"}, default="auto"
        Whether the variance of the noise is the same for all tasks, or every task has its own.
        "auto" is "task" where y has a column per task. In long form it is in between: every task
        has its own, drawn to that of all as far as its labels are few and tasks are alike [3]_.
    shared_prior : {"auto"} or bool, default="auto"
        Whether the means of the coefficients, :math:`w_0`, have a normal distribution around 0,
        the variance of which is learned, too. Without it they are free, as the fixed effects of
        packages for mixed models are; that needs more labels than features. "auto" is True in
        long form. Where y has a column per task, w_0 is 0: columns measure different things, and
        what their noise has in common, which often is that of the row, would be taken for
        coefficients in common. True learns them, of columns that measure the same.
    <task parameters>
    fit_intercept : bool, default=True
        Whether to fit intercepts. Without, features are scaled but not centred.
    max_iter : int, default=500
        Largest number of steps of the search for the variances (L-BFGS), for each covariance.
    tol : float, default=1e-9
        Stop when a step improves the likelihood by less than this, relative to its logarithm.
    half_life : float, default=None
        In `partial_fit`, how many rows later a row counts half: one that came k rows ago has
        :math:`2^{-k / h}` of its weight. Rows are those of all tasks, with labels or without. A
        task keeps what it knew until labels of its own come. None forgets nothing.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients: posterior means.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    shared_coef_ : ndarray of shape (n_features,)
        :math:`w_0`. Where tasks have scales of their own (columns of y), in standardised labels.
    covariance_ : ndarray of shape (1 + n_features, 1 + n_features)
        :math:`\Sigma`, of intercept and coefficients; without the former if ``fit_intercept`` is
        False. In the same units.
    noise_variance_ : ndarray of shape (n_tasks,)
        :math:`\sigma_t^2`, in the units of y squared; NaN for tasks without labels.
    log_marginal_likelihood_ : float
        Logarithm of the restricted likelihood, of standardised labels.
    n_iter_ : int
        Steps of the search.
    statistics_ : TaskStatistics
        After `partial_fit` and `fit_statistics`: what is kept of all rows.
    history_ : dict
        After `partial_fit`: how well every chunk was predicted before it was learned; see
        `MultiTaskLinear.partial_fit`.
    <task attributes>

    See Also
    --------
    MultiTaskLinearRegressorCV : Penalised models; "mean_deviation" has the same idea.

    Notes
    -----
    Intervals hold for labels that follow the model. They include what is not known of the
    coefficients and, by Student's distribution, of the noise; not what is not known of
    :math:`\Sigma`. The time of a step grows with n_tasks times n_features cubed.

    References
    ----------
    .. [1] N. M. Laird and J. H. Ware, "Random-effects models for longitudinal data", Biometrics
       38, 1982.
    .. [2] D. A. Harville, "Maximum likelihood approaches to variance component estimation and to
       related problems", Journal of the American Statistical Association 72, 1977.
    .. [3] G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential
       expression in microarray experiments", Statistical Applications in Genetics and Molecular
       Biology 3, 2004, section 6.

    Examples
    --------
    Thirty shops with eight weeks each, and what a shop nobody has seen yet will sell:

    >>> import numpy as np
    >>> from skmtl import MultiTaskBayesianLinear
    >>> rng = np.random.default_rng(0)
    >>> shop, price = np.repeat(np.arange(30), 8), rng.normal(size=240)
    >>> effect = rng.normal(-2.0, 0.5, size=30)
    >>> sales = 10.0 + effect[shop] * price + rng.normal(scale=0.3, size=240)
    >>> X = np.column_stack([price, shop])
    >>> model = MultiTaskBayesianLinear(task_feature=1, unknown_task="shared").fit(X, sales)
    >>> model.predict_interval([[1.0, 3], [1.0, 99]]).round(1)
    array([[7.1, 8.2],
           [7. , 9. ]])
    """

    _parameter_constraints = {
        "covariance": [
            StrOptions({"auto", "scalar", "diag", "full"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "noise": [StrOptions({"auto", "shared", "task"})],
        "shared_prior": [StrOptions({"auto"}), "boolean"],
        **constraints.TASKS,
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "half_life": [Interval(Real, 0, None, closed="neither"), None],
    }
    _standardize = True

    def __init__(
        self,
        covariance: str | int = "auto",
        *,
        noise: str = "auto",
        shared_prior: bool | str = "auto",
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        fit_intercept: bool = True,
        max_iter: int = 500,
        tol: float = 1e-9,
        half_life: float | None = None,
    ) -> None:
        self.covariance = covariance
        self.noise = noise
        self.shared_prior = shared_prior
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.half_life = half_life

    @property
    def _about_zero(self) -> bool:  # type: ignore[override]
        return not self.fit_intercept

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows to all those so far, and fit the model to all of them.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form; tasks that are new are learned, too.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels.

        Returns
        -------
        self : object
            The estimator of all rows so far, the same as `fit` of all of them makes it.

        Raises
        ------
        ValueError
            If a later call has other columns, or other tasks where y has a column per task.
        """
        return self._partial_fit(X, y, None, sample_weight)

    def _fit(self, X: Any, targets: Targets) -> None:
        require_squared_loss(targets.tasks, type(self).__name__)
        units, is_long = Units.of(targets.tasks), targets.tasks.is_long
        X, targets, _ = learnable(X, targets, None)
        if isinstance(X, StreamStatistics):
            statistics: Any = X.weighted(X.counts.n_labels / X.omega)
        else:
            counts = numbers_of_labels(targets)
            counts = counts.ravel() if is_long else counts
            statistics = Statistics(X, targets, counts, centred=True)
        coordinates = coordinates_of(statistics, has_intercept=self.fit_intercept)
        # Columns of y have units of their own: nothing is known of their intercepts beforehand.
        is_free = self.fit_intercept and not is_long
        moments = (Moments.about_means if is_free else Moments.of)(statistics, coordinates)
        intercepts = FreeIntercepts.of(statistics, coordinates) if is_free else None
        # Of many tasks their matrices are most of the memory: from here on there is one of each.
        del statistics
        has_intercept = self.fit_intercept and is_long
        one_noise = is_long if self.noise == "auto" else self.noise == "shared"
        scalar = Scalar(moments.U.shape[1], has_intercept=has_intercept)
        if self.covariance not in ("auto", "scalar", "diag") and 1 < len(moments.n) < scalar.d:
            warn(
                f"covariance={self.covariance!r} of {scalar.d} coefficients from {len(moments.n)} "
                "tasks: several values may be about as likely. 'auto' takes one that tasks tell.",
                UserWarning,
            )
        n_flat = int(has_intercept) if self.shared_prior else scalar.d
        is_zero = self.shared_prior == "auto" and not is_long
        model = Model(scalar, one_noise or len(moments.n) == 1, n_flat, is_zero)
        found = likely_variances(
            moments, self.covariance, model, max_iter=self.max_iter, tol=self.tol
        )
        if not found.converged:
            warn(
                f"max_iter={self.max_iter} steps reached before the variances were found to "
                f"tol={self.tol:g}. Increase max_iter, or choose a simpler covariance.",
                ConvergenceWarning,
            )
        self.n_iter_ = found.n_iter
        self.log_marginal_likelihood_ = -0.5 * found.posterior.deviance
        posterior, n_left = found.posterior, found.posterior.n_left
        self._noise_prior = prior_of_noise(posterior, is_shared=one_noise)
        if found.model.one_noise:
            own = None if self.noise == "shared" else moderated(posterior.errors, n_left)
            if own is not None:
                self._noise_prior = prior_of_noise(posterior, is_shared=False)
            n_left = np.full_like(n_left, n_left.sum())
            if own is not None:
                noise, n_left = np.maximum(own[0], LEAST * moments.variance), own[1]
                posterior = Posterior(moments, replace(posterior.variances, noise=noise))
        self._found = RandomCoefficients.of(posterior, coordinates, n_left, intercepts)
        self._publish_coefficients(units)

    def _publish_coefficients(self, units: Units) -> None:
        """Set what was found, for features and labels in their units."""
        found, learned = self._found, units.learned
        to_features = found.coordinates.matrix
        v, scale = found.v @ to_features.T, units.scale[learned]
        m, Sigma = to_features @ found.m, to_features @ found.L @ found.L.T @ to_features.T
        if not self.fit_intercept:
            v, m = np.insert(v, 0, 0.0, axis=1), np.insert(m, 0, 0.0)
        self.coef_ = np.zeros((len(learned), v.shape[1] - 1))
        self.intercept_ = np.array(units.location, dtype=np.float64)
        self.coef_[learned] = scale[:, None] * v[:, 1:]
        self.intercept_[learned] += scale * v[:, 0]
        self.noise_variance_ = np.full(len(learned), np.nan)
        self.noise_variance_[learned] = scale**2 * found.noise
        size, location = (
            (units.scale[0], units.location[0]) if self._task_set.is_long else (1.0, 0.0)
        )
        self.shared_coef_ = size * m[1:]
        self._shared_intercept = np.array([location + size * m[0]])
        self.covariance_ = size**2 * Sigma
        # Where a task is among those that were learned, and its units.
        self._position = np.where(learned, np.cumsum(learned) - 1, -1)
        self._scale, self._location = units.scale, units.location
        use_units_of_y(self._task_set)
