"""Intervals and label sets around any estimator, by labels that were held out."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.parallel import Parallel

from skmtl._docstrings import documented
from skmtl._random import RANDOM_STATE, read_random_state
from skmtl._warnings import name_tasks, warn
from skmtl.compose._stack_fits import Workshop
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._bands import SCORES
from skmtl.uncertainty._conformal_fits import Teacher, fitted_before
from skmtl.uncertainty._conformal_folds import METHODS, choose_method, conformal_folds
from skmtl.uncertainty._conformal_scores import Calibration
from skmtl.uncertainty._held_out import HoldsOut
from skmtl.uncertainty._held_out_labels import HeldOut, hold_out
from skmtl.uncertainty._label_sets import SET_SCORES
from skmtl.uncertainty._new_tasks import NewTasks
from skmtl.uncertainty._predicts_intervals import PredictsIntervals
from skmtl.uncertainty._reading import check_tasks
from skmtl.uncertainty._regions import JointResiduals

Array = NDArray[Any]


SHARED = """what the estimator shares. Intervals are by tasks that are left out, which takes five
        fits more; they are infinite below coverage / (1 - coverage) tasks."""


@documented("", "", shared=SHARED)
class ConformalTasks(PredictsIntervals, HoldsOut):
    r"""Intervals and label sets that cover, task by task, around any estimator.

    Labels are held out, and how far they are from what a model expects that did not see them
    says how far new ones will be: an interval has a new label with the probability asked for,
    whatever the estimator and the distribution are, as long as new rows are like those of the
    task in `fit`. Each task is calibrated by its own observed labels; one with few borrows from
    the others.

    Parameters
    ----------
    estimator : estimator
        What learns the tasks: an estimator of this package, a pipeline or search that ends in
        one, or one of scikit-learn, which is fitted to each task's own rows as `IndependentTasks`
        does. What an estimator of this package would say of ``tasks``, ``task_feature`` and
        ``unknown_task`` is said here.
    method : {"auto", "split", "cv+", "jackknife+"}, default="auto"
        "split" [1]_ holds one fold of ``cv`` out, and predicts with the model of the others.
        "cv+" [2]_ holds out each fold in turn and predicts with a model of all rows: one fit more
        than there are folds, and no label is lost. "jackknife+" [2]_ holds out each row. Models
        of all folds are kept. "auto" is "split" if tasks have 2,000 labels or more in the median,
        else "cv+".
    coverage : float, default=0.9
        Share of new labels that is to be inside. `predict_interval` and `predict_set` take
        another.
    conformity_score : {"auto", "absolute", "normalized", "quantile"}, default="auto"
        What "far" means for numbers. "absolute": the residual. "normalized": its ratio to a
        standard deviation that the estimator predicts (``return_std``), or, where it has none, to
        the size of residuals that a clone of it learns, at the cost of four more fits for each of
        its own; rows then have intervals of different length. "quantile" [3]_: how far a label is
        outside of two predicted quantiles, for tasks that are `skmtl.tasks.Quantile` with levels
        about those of the coverage, 0.05 and 0.95. "auto" takes quantiles for such tasks, standard
        deviations where the estimator has any, and the residual elsewhere.
    set_score : {"lac", "aps", "aps_random"}, default="lac"
        What "far" means for classes. "lac" [4]_ gives the smallest sets, empty ones among them;
        "aps" [5]_ larger ones where the class is harder to tell, "aps_random" the same with a
        random part of the last class. Ordinal tasks have sets of neighbours, whatever it is.
    borrow : bool, default=True
        Whether tasks with few held-out labels, below 3 / (1 - coverage), get scores of the other
        tasks, on the scale of their own residuals. Without it their intervals are infinite below
        coverage / (1 - coverage) labels.
    cv : int, splitter, iterable or None, default=5
        Folds: a number of them, which spread the labels of every task and class; a splitter, or
        training and test rows, of which "split" takes the first. "prefit", or an estimator in a
        :class:`~sklearn.frozen.FrozenEstimator`: it is fitted already, stays as it is, and all
        rows are held out.
    <task parameters>
    n_jobs : int, default=None
        Number of folds fitted at the same time, by joblib. Results do not depend on it.
    random_state : int, RandomState or Generator instance or None, default=None
        Of "aps_random".

    Attributes
    ----------
    estimator_ : estimator
        What predicts.
    fold_estimators_ : list of estimator
        What the held-out labels were compared with.
    method_ : str
        The method used.
    n_calibration_ : ndarray of shape (n_tasks,)
        Held-out labels of each task.
    borrowed_ : ndarray of shape (n_tasks,)
        Share of the scores of each task that are those of other tasks, at ``coverage``.
    <task attributes>

    See Also
    --------
    MultiTaskBayesianLinear : Intervals of a model, that hold as far as it does.

    Notes
    -----
    Intervals of "split" have the coverage exactly, on average over data sets: with m held-out
    labels it is :math:`\lceil c (m + 1) \rceil / (m + 1)`. Those of "cv+" and "jackknife+" have at
    least :math:`2 c - 1`, and nearly c where models of different folds are alike.

    What a class weight says holds for what is learned, not for what is covered. Weights of labels
    count: those of the inverse probability that a label is observed make intervals cover labels
    that are missing depending on X [6]_.

    References
    ----------
    .. [1] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman, "Distribution-free
       predictive inference for regression", JASA 113, 2018, algorithm 2.
    .. [2] R. Foygel Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani, "Predictive inference
       with the jackknife+", Annals of Statistics 49, 2021, section 3.
    .. [3] Y. Romano, E. Patterson and E. J. Candes, "Conformalized quantile regression", NeurIPS
       2019.
    .. [4] M. Sadinle, J. Lei and L. Wasserman, "Least ambiguous set-valued classifiers with
       bounded error levels", JASA 114, 2019.
    .. [5] Y. Romano, M. Sesia and E. J. Candes, "Classification with valid and adaptive coverage",
       NeurIPS 2020.
    .. [6] R. J. Tibshirani, R. Foygel Barber, E. J. Candes and A. Ramdas, "Conformal prediction
       under covariate shift", NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import ConformalTasks, MultiTaskLinear
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> Y = X[:, :2] + rng.normal(size=(200, 2)) * [0.1, 1.0]
    >>> Y[::3, 1] = np.nan
    >>> model = ConformalTasks(MultiTaskLinear(alpha=0.01)).fit(X, Y)
    >>> interval = model.predict_interval(X[:1])
    >>> np.diff(interval, axis=2)[0, :, 0].round(1)
    array([0.3, 3.2])
    """

    _parameter_constraints = {
        **HoldsOut._parameter_constraints,
        "estimator": [HasMethods(["fit"])],
        "method": [StrOptions({"auto", *METHODS})],
        "coverage": [Interval(Real, 0, 1, closed="neither")],
        "conformity_score": [StrOptions({"auto", *SCORES})],
        "set_score": [StrOptions(set(SET_SCORES))],
        "borrow": ["boolean"],
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        estimator: Any,
        method: str = "auto",
        *,
        coverage: float = 0.9,
        conformity_score: str = "auto",
        set_score: str = "lac",
        borrow: bool = True,
        cv: Any = 5,
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
        n_jobs: Any = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.coverage = coverage
        self.conformity_score = conformity_score
        self.set_score = set_score
        self.borrow = borrow
        self.cv = cv
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, X: Any, targets: Targets) -> None:
        tasks = targets.tasks
        check_tasks(tasks, self.conformity_score)
        seed = int(read_random_state(self.random_state).randint(2**31 - 1))
        held_out = self._learn(X, targets, seed)
        self.estimator_ = self._models.final.estimator
        self.fold_estimators_ = [model.estimator for model in self._models.models]
        self._calibration = Calibration.of(
            held_out, tasks, self.set_score, seed, borrow=self.borrow
        )
        of_rows = [] if tasks.is_long else held_out
        self._joint = JointResiduals.of(of_rows, len(targets.weights))
        self.n_calibration_ = np.array([len(ranked.scores) for ranked in self._calibration.ranked])
        asked = ((t, self._models.that_know(t), self.coverage) for t in range(tasks.n_tasks))
        self.borrowed_ = np.array([self._calibration.of_task(*of_task).share for of_task in asked])
        _warn_of_none(tasks, self.n_calibration_, self.borrowed_)

    def _learn(self, X: Any, targets: Targets, seed: int) -> list[HeldOut]:
        """Fit the models; what they say of the labels that they did not see."""
        style, count = (float(self.coverage), self.conformity_score), self._plain_counts
        fitted, self._new_tasks = self._fitted_before(), None
        if fitted is not None:
            self.method_ = "split"
            (self._models, said), folds = fitted_before(fitted, targets, style)
            return hold_out(X, targets, folds, said, count)
        self.method_ = choose_method(self.method, targets)
        folds = conformal_folds(self.method_, self.cv, self._given, targets)
        workshop = Workshop(X, targets, self._prepare, Parallel(n_jobs=self.n_jobs))
        teacher = Teacher(self.estimator, workshop, style)
        self._models, said = teacher.fit(folds, is_split=self.method_ == "split")
        if targets.tasks.is_long and self.unknown_task == "shared":
            final = self._models.final
            self._new_tasks = NewTasks.of(teacher, final, count, self.set_score, seed)
        return hold_out(X, targets, folds, said, count)

    def _expected(self, X: Any, task_index: Any) -> Any:
        found = self._models.predict(X, self._expected_of)
        tasks = zip(found, self._task_set.tasks, strict=True)
        return [task.expected_without_labels(X.shape[0]) if e is None else e for e, task in tasks]

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> Any:
        found = self._models.predict(X, self._decisions_of)
        tasks = zip(found, self._task_set.tasks, strict=True)
        return [
            task.decode(task.expected_without_labels(X.shape[0])) if d is None else d
            for d, task in tasks
        ]


def _warn_of_none(tasks: Any, n_calibration: Array, borrowed: Array) -> None:
    """Warn of tasks that have labels, of which none was held out and none could be borrowed."""
    none = (tasks.n_labels > 1) & (n_calibration == 0) & (borrowed == 0)
    if none.any():
        warn(
            f"{name_tasks(tasks.names[none].tolist())}: no label was held out from a model that "
            "knows the task. Intervals are infinite there, and sets have all classes; use folds "
            "that spread the rows of every task."
        )
