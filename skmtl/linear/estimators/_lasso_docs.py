"""Docstring sections that the counterparts of scikit-learn's multi-task lassos share."""

FIT_INTERCEPT = """
    fit_intercept : bool, default=True
        Whether to fit an intercept for each task.
""".strip("\n")

COPY_X = """
    copy_X : bool, default=True
        Has no influence: X is never overwritten.
""".strip("\n")

TOL = """
    tol : float, default=1e-4
        Stop when the duality gap, times n_samples, is at most ``tol`` times the sum of squares
        of y (centred if there are intercepts).
""".strip("\n")

WITHOUT_INFLUENCE = """
    random_state : int, RandomState or Generator instance or None, default=None
        Has no influence: nothing is drawn.
    selection : {"cyclic", "random"}, default="cyclic"
        Has no influence: the solver has its own order.
""".strip("\n")

PARAMETERS = f"""
{FIT_INTERCEPT}
{COPY_X}
    max_iter : int, default=1000
        Largest number of sweeps over the coefficients.
{TOL}
    warm_start : bool, default=False
        Start from the coefficients of the previous fit.
{WITHOUT_INFLUENCE}
"""

SOLUTION = """
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, of the dtype of X.
    intercept_ : ndarray of shape (n_tasks,) or float
        Intercepts; 0.0 without them.
    dual_gap_ : float
        Upper bound on the distance of the objective from its optimum.
    n_iter_ : int
        Sweeps over the coefficients.
""".strip("\n")

ATTRIBUTES = f"""
{SOLUTION}
    eps_ : float
        What ``n_samples * dual_gap_`` may be at most: ``tol`` times the sum of squares of y.
    sparse_coef_ : sparse matrix of shape (n_tasks, n_features)
        Coefficients in CSR format.
    statistics_ : TaskStatistics
        What is left of the rows of `partial_fit`.
    history_ : dict of ndarray
        How well every chunk of `partial_fit` was predicted before it was learned: see
        `MultiTaskLinear`.
    <task attributes>
"""

CV_PARAMETERS = f"""
    eps : float, default=1e-3
        Ratio of the smallest to the largest alpha.
    alphas : int or array-like, default=100
        Number of alphas on a geometric grid, which starts from the smallest that makes all
        coefficients 0; or the alphas themselves.
{FIT_INTERCEPT}
    max_iter : int, default=1000
        Largest number of sweeps over the coefficients for an alpha.
{TOL}
    cv : int, cross-validation generator or iterable, default=None
        Number of folds, 5 by default, or how to split. A number means scikit-learn's folds, in the
        order of the rows: shuffle ordered rows, or give a splitter that does. A splitter is handed
        y with NaN where unobserved.
{COPY_X}
    verbose : bool or int, default=False
        Whether joblib reports its progress.
    n_jobs : int, default=None
        Number of folds to fit at a time, in threads.
{WITHOUT_INFLUENCE}
"""

CV_ATTRIBUTES = f"""
    alpha_ : float
        Alpha with the smallest mean squared error.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Alphas tried, descending; for every l1_ratio if there are several and the grid is
        automatic.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratio, n_alphas, n_folds)
        Mean squared error on the held-out part of every fold, for which each task counts the
        same. NaN for a fold that lacks labels to learn from or to compare with.
{SOLUTION}
    <task attributes>
"""
