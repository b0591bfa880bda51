"""Searches that train their candidates side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from joblib import parallel_config
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, check_cv
from sklearn.utils.validation import _check_method_params

from skmtl.model_selection._plans import Plan, plan_for
from skmtl.model_selection._side_by_side import as_kind, replaying


class SideBySide:
    """Mixin of a search: what candidates and folds have in common is done once.

    The search itself, its scores and what it publishes are scikit-learn's. It asks for one fit
    after the other, and is given what has been trained before.
    """

    estimator: Any
    best_estimator_: Any
    n_jobs: int | None
    cv: Any
    scoring: Any
    refit: Any
    n_splits_: int
    cv_results_: dict[str, Any]

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Run the search.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; NaN and None are unobserved.
        **params : dict
            What the fit of the estimator, the scorer and the splitter take beside: for example
            ``sample_weight`` and ``groups``.

        Returns
        -------
        self : object
            The search, with the attributes of scikit-learn's.
        """
        plan = plan_for(self, X, y, params)
        if plan is None:
            return super().fit(X, y, **params)  # type: ignore[misc]
        estimator, n_jobs, cv, self._plan = self.estimator, self.n_jobs, self.cv, plan
        try:
            self.estimator, self.n_jobs = replaying(estimator, plan.results), None
            # A generator is used up by the first who asks.
            self.cv = list(cv) if isinstance(cv, Iterator) else cv
            # Scores alone are not worth a process, and another one would not know the results.
            with parallel_config("sequential"):
                super().fit(X, y, **params)  # type: ignore[misc]
        finally:
            self.estimator, self.n_jobs, self.cv = estimator, n_jobs, cv
            del self._plan
        if self.scoring is None:
            # It holds the estimator.
            self.scorer_ = check_scoring(estimator)
        if hasattr(self, "best_estimator_"):
            self.best_estimator_ = as_kind(self.best_estimator_, type(estimator))
        self._write_times(np.reshape(plan.seconds, (-1, self.n_splits_)))
        return self

    def _run_search(self, evaluate_candidates: Any, callback_ctx: Any = None) -> None:
        # From scikit-learn 1.9 on.
        more = {} if callback_ctx is None else {"callback_ctx": callback_ctx}

        def scored(candidates: Any, cv: Any = None, **rest: Any) -> Any:
            results = evaluate_candidates(candidates, cv=cv, **rest)
            refuse_without_scores(results, self.refit, self.scoring)
            return results

        if not hasattr(self, "_plan"):
            super()._run_search(scored, **more)  # type: ignore[misc]
            return
        plan: Plan = self._plan
        routed = self._get_routed_params_for_fit(  # type: ignore[attr-defined]
            _check_method_params(plan.X, plan.params)
        )

        def evaluate(candidates: Any, cv: Any = None, **rest: Any) -> Any:
            candidates = list(candidates)
            cv = cv or check_cv(self.cv, plan.y, classifier=is_classifier(self.estimator))
            # Drawn once: a splitter may draw others when it is asked again.
            folds = list(cv.split(plan.X, plan.y, **routed.splitter.split))
            plan.train(candidates, folds, routed.estimator.fit, routed.scorer.score)
            return scored(candidates, cv=check_cv(plan.asked(folds)), **rest)

        super()._run_search(evaluate, **more)  # type: ignore[misc]

    def _write_times(self, seconds: Any) -> None:
        self.cv_results_["mean_fit_time"] = seconds.mean(axis=1)
        self.cv_results_["std_fit_time"] = seconds.std(axis=1)


def refuse_without_scores(results: dict[str, Any], refit: Any, scoring: Any) -> None:
    """Raise where no candidate has a score in any fold: the first would be taken for the best."""
    decides = f"_test_{refit if isinstance(refit, str) else 'score'}"
    scores = [
        values
        for name, values in results.items()
        if name.startswith("split") and name.endswith(decides)
    ]
    if not refit or not scores or not all(np.isnan(values).all() for values in scores):
        return
    raise ValueError(
        f"No candidate has a score: scoring={scoring!r} says NaN of each. Scorers of scikit-learn "
        "take no labels that are missing or of several types: make_multitask_scorer takes them, "
        "and any metric. error_score='raise' shows what went wrong."
    )


class StackedGridSearchCV(SideBySide, GridSearchCV):
    """Grid search that fits all candidates, in all folds, in one go.

    It finds what :class:`~sklearn.model_selection.GridSearchCV` finds, with its parameters and
    attributes, several times as fast.

    * Networks, :class:`~skmtl.MultiTaskMLP` and its regressor and classifier: candidates that
      differ in ``learning_rate_init``, ``alpha``, ``dropout`` or ``random_state`` are one stack of
      matrices, each with the batches and the noise that it would have alone. Other parameters
      split them into groups, and so do folds of another size.
    * Linear models, :class:`~skmtl.MultiTaskLinear` and its regressor and classifier,
      :class:`~skmtl.MultiTaskLasso`, :class:`~skmtl.MultiTaskElasticNet` and
      :class:`~skmtl.ReducedRankRegressor`: the values of ``alpha`` are one path, on which each fit
      starts from the one before. Where losses are squared and y has a column for each task, the
      rows are read once, for all folds and candidates, and what they add up to is fitted and
      scored.

    They may be at the end of a :class:`~sklearn.pipeline.Pipeline`, whose other steps are fitted
    once in each fold. Any other estimator is searched as scikit-learn does it. ``n_jobs`` splits
    folds, of networks also groups, over processes.

    Attributes
    ----------
    cv_results_, best_estimator_, best_params_, best_score_, best_index_, scorer_, n_splits_
        As scikit-learn's search has them. The time of a fit is its share of that of all.

    See Also
    --------
    StackedRandomizedSearchCV : Draws candidates.
    skmtl.MultiTaskMLPCV : Blends the candidates of a built-in grid.
    skmtl.MultiTaskLinearCV : Chooses alpha without a grid; its folds see what all labels say of
        the types of the tasks and of strengths that are "auto".

    Notes
    -----
    Scores of networks are those of fits alone, to rounding. Linear models stop within a gap of
    ``tol``, which leaves scores apart by about its root at most: with the default of ``1e-4`` by
    less than 0.003 where we have looked, with ``1e-8`` by less than ``1e-4``. Closed forms (squared
    losses with penalty "l2" and its kind, ranks) agree to rounding.

    Candidates that print, go on from an earlier fit, have callbacks or choose alpha themselves are
    fitted alone; so are all where ``enable_metadata_routing`` is set. With ``scoring`` other than
    None each fit is scored by itself, which takes longer than the fits of linear models.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.model_selection import StackedGridSearchCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 4))
    >>> Y = X[:, :2] + 0.1 * rng.normal(size=(80, 2))
    >>> network = MultiTaskMLPRegressor(max_iter=30, random_state=0)
    >>> search = StackedGridSearchCV(network, {"learning_rate_init": [1e-6, 0.01]}, cv=3)
    >>> search.fit(X, Y).best_params_
    {'learning_rate_init': 0.01}
    """


class StackedRandomizedSearchCV(SideBySide, RandomizedSearchCV):
    """Random search that fits all candidates, in all folds, in one go.

    As :class:`StackedGridSearchCV`, with candidates drawn from distributions.

    Attributes
    ----------
    cv_results_, best_estimator_, best_params_, best_score_, best_index_, scorer_, n_splits_
        As scikit-learn's search has them. The time of a fit is its share of that of all.

    See Also
    --------
    StackedGridSearchCV : Tries every combination.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.stats import loguniform
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.model_selection import StackedRandomizedSearchCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 4))
    >>> Y = X[:, :2] + 0.1 * rng.normal(size=(80, 2))
    >>> network = MultiTaskMLPRegressor(max_iter=30, random_state=0)
    >>> search = StackedRandomizedSearchCV(
    ...     network, {"alpha": loguniform(1e-4, 1.0)}, n_iter=4, cv=3, random_state=0
    ... )
    >>> search.fit(X, Y).n_splits_
    3
    """
