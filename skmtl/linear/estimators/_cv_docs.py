"""Docstring sections that the linear estimators with cross-validation share."""

from skmtl.linear.estimators._docs import ATTRIBUTES, PARAMETERS

SEARCH_PARAMETERS = """
    alphas : int or array-like of float, default=100
        Values of alpha to try, or how many: then from the smallest one at which the penalised
        part of the coefficients vanishes down to ``eps`` times that, on a log scale. Quadratic
        penalties shrink but never vanish: theirs go from 1e3 to 1e-5 times the mean variance
        of a feature (times task weight, over the largest eigenvalue of the penalty). Where a
        loss is not squared, a path of so many alphas ends before its last one, for all folds
        alike, once the last decade of alphas, ten of them at least, has brought nothing:
        neither the best mean score over folds nor the best share of held-out deviance
        explained has risen by 1e-4 of what it rose by before. And a path whose last alpha is
        the best goes on, by a decade of ten alphas up to four times, while the last decade has
        brought more than that: signals in small differences of features that are nearly the
        same need it. Values that are given are all tried, and no others.
    eps : float, default=1e-3
        Smallest alpha over the largest, where that is finite.
    cv : int, splitter or iterable, default=None
        Folds: their number (None: 5), a splitter of scikit-learn, or (train, test) indices.
        A number stands for shuffled folds, the same in every fit, that spread the labels of
        every task and class (rows of a group stay together); with one label per row, for
        ``MultiTaskKFold(cv, shuffle=True, random_state=0)``. A splitter sees X with the task
        feature, and y, as they were given. With
        :class:`~sklearn.model_selection.LeaveOneOut`, ``scoring="neg_mean_squared_error"``,
        squared loss, complete labels and a quadratic penalty no row costs a fit.
    scoring : str, callable or None, default=None
        What to maximise: None for `score`, or a scorer ``scorer(estimator, X, y)`` that returns
        a float or, as `skmtl.task_scores` does, a dict with one value per task and "mean"; a
        name stands for :func:`skmtl.make_multitask_scorer` of it.
    grid : dict of lists, list of such dicts or None, default=None
        Further parameters to try at every alpha, such as ``{"center": [False, True]}`` or
        ``{"penalty__weight": [0.5, 1.0]}``; each combination has its own path.
    selection : {"best", "one_standard_error"}, default="best"
        "best" has the largest mean score over folds. With ``scoring=None`` the score of a task
        counts in each fold as much as its held-out labels vary there, so that the mean is the
        share explained of all held-out labels: a fold of labels that are nearly the same would
        decide otherwise. "one_standard_error" takes the other
        parameters of the best, and the largest alpha whose mean score is at most one standard
        error (over folds, of the best) below it.
""".strip("\n")

JOBS = """
    n_jobs : int, default=None
        Number of folds and combinations of ``grid`` at a time, by joblib. Results do not depend
        on it.
    verbose : bool or int, default=False
        How much joblib reports of its progress.
"""

SEARCH_ATTRIBUTES = """
    best_params_ : dict
        All chosen parameters: alpha, and those of ``grid``.
    alphas_ : ndarray of shape (n_alphas,) or (n_params, n_alphas)
        Alphas tried, descending: fewer than asked for where the path has ended before, more where
        it went on. A row for each entry of ``params_`` where ``grid`` is given and the alphas are
        not.
    params_ : list of dict, of length n_params
        Combinations of ``grid``.
    score_path_ : ndarray of shape (n_params, n_alphas, n_folds)
        Score of every fold; NaN for one without labels, and for alphas at which the path of a
        combination has ended, where others went on.
    task_score_path_ : ndarray of shape (n_params, n_alphas, n_folds, n_tasks)
        Score of every task, with y in wide form: R2, share of deviance explained, or accuracy,
        or what a scorer says that returns a dict.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_params, n_alphas, n_folds)
        Mean over tasks of the mean squared error, where all are regression; with the first
        axis where ``grid`` is given.
""".strip("\n")


def _between(text: str, start: str, end: str) -> tuple[str, str]:
    """Parts of the text before, and from, the entries ``start`` and ``end``."""
    first = text.index(f"    {start} : ")
    last = text.index(f"    {end}", first)
    return text[:first], text[last:]


_before_alpha, _after_alpha = _between(PARAMETERS, "alpha", "<task parameters>")
_before_warm = _after_alpha[: _after_alpha.index("    warm_start : ")]
CV_PARAMETERS = f"{_before_alpha}{SEARCH_PARAMETERS}\n{_before_warm}{JOBS.strip(chr(10))}\n"
CV_ATTRIBUTES = f"\n{SEARCH_ATTRIBUTES}{ATTRIBUTES}"
