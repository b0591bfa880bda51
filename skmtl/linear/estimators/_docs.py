"""Docstring sections that the linear estimators share."""

from skmtl.linear.solvers import SOLVERS

PARAMETERS = r"""
    penalty : "auto", str or Penalty, default="auto"
        What the coefficients should look like: the same features for all tasks ("l21",
        "l1inf", "elastic_net", "sparse_group"), small ("l2"), few ("l1"), of low rank
        ("trace_norm", "squared_trace_norm"), close to their mean ("mean_deviation"), to those
        of the task before ("temporal", "fused", "temporal_group", "fused_sparse_group"), in
        clusters ("clustered"), or a sum of two parts of different kind ("dirty", "robust",
        "robust_low_rank", "sparse_low_rank"). Objects of `skmtl.linear.penalties` can be
        added, scaled and split, and are searchable: ``penalty__weight``. "auto" is "l21" for the
        columns of a y, and "mean_deviation" in long form (with ``center`` or ``positive``:
        "l21").
    alpha : "auto" or float, default="auto"
        How strongly; 0 fits without penalty. "auto" takes the ridge of largest marginal
        likelihood, in closed form from the features and labels: over what the penalty has of a
        ridge where it is never 0 (quadratic ones), and for norms the part of the alpha at which
        nothing is left that corresponds to the noise found (between .01 and .5). Where the loss is
        squared and that ridge is weaker, five folds choose between the two, from a few alphas.
        Cross-validation of many may do better, at the cost of their fits: `MultiTaskLinearCV`.
    <task parameters>
    center : bool, default=False
        Write W = w0 1' + V and penalise V only: tasks are pulled towards w0 instead of 0.
        With few rows per task this matters more than the choice of the penalty.
    shared_alpha : "auto" or float, default="auto"
        A ridge on the part w0 that all tasks share, of :math:`\tfrac12 \sigma T \|w_0\|^2` for T
        tasks: in the units of alpha in "l2". It has a meaning with ``center=True``, with
        "mean_deviation", which is the same for "l2", and with penalties that leave what tasks have
        in common free ("temporal", "fused", graphs): there the ridge is on that. 0 leaves it
        free, and with a large number tasks share nothing. "auto" takes the one of largest
        marginal likelihood of all labels as those of one task.
    fit_intercept : bool, default=True
        Whether to fit an intercept for each task.
    intercept_alpha : "auto" or float, default="auto"
        Pulls the intercepts towards their mean; 0 leaves them free, inf makes them one. An
        error where targets of several columns are standardised: there are no common units.
        "auto" leaves them free in wide form, and beside norms of more than 500 features or of
        other losses than the squared one. Else it is the best linear prediction from the
        variances within and between tasks. It acts on what is predicted at the mean of X, or,
        where that explains the labels better, at the mean of each task's own features: a shift
        of the features of one task then changes nothing. A number acts at 0.
    task_weight : "labels", list of float, dict {task: weight} or None, default=None
        Weight of each task in the loss, 1 by default: a task with few labels counts as much as
        one with many. "labels" makes every label count the same: the loss is the sum over all
        labels, over the mean number of labels of a task. A dict names the exceptions, a Series
        names all tasks, a list is in their order. A task of weight 0 has no influence on
        the others: its coefficients are those the penalty prefers (0, or the centre).
    scale_targets : "auto" or bool, default="auto"
        Whether to standardise regression targets before fitting (and map back). "auto" does
        so only where there are several task types, whose losses are not comparable otherwise.
        Without intercepts targets are divided by their root mean square, and not centred.
    positive : bool, default=False
        Whether coefficients must be >= 0. With "l1", "l21" and "l1inf", and sums of them with
        quadratic penalties; not with ``center=True``, and with alpha > 0.
    solver : str or Solver, default="auto"
        One of "auto", <solvers>.
        "closed_form" for squared loss with quadratic penalties ("l2", "mean_deviation",
        "temporal", graphs, and sums of them), and "newton" for other losses with these;
        "block_descent" for squared loss with "l21", "l1", "elastic_net" and "sparse_group", where
        intercepts are free (in long form, set ``intercept_alpha=0``), and "proximal_newton" for
        other losses with these; "admm" for squared loss with any penalty, where the features are
        not too many, and "quadratic_models" for other losses of tasks with one output each;
        "proximal_gradient" for everything. Or an object of `skmtl.linear.solvers`, or of a class
        of your own.
    max_iter : int, default=1000
        Largest number of iterations.
    tol : float, default=1e-4
        Stop when the duality gap is at most ``tol`` times the loss of constant predictions.
    warm_start : bool, default=False
        Start iterations from the coefficients of the previous fit.
    half_life : float, default=None
        In `partial_fit`, how many rows later a row counts half: one that came k rows ago has
        :math:`2^{-k / h}` of its weight. Rows are those of all tasks, with labels or without. A
        task keeps what it knew until labels of its own come. None forgets nothing.
""".replace("<solvers>", ", ".join(f'"{solver.name}"' for solver in SOLVERS))

ATTRIBUTES = r"""
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients: one row per task, or one for each class of a multiclass task. Without
        the task feature in long form.
    intercept_ : ndarray of shape (n_outputs,)
        Intercepts.
    shared_coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        What the tasks share, in long form or where centred (also "mean_deviation"): w0 if
        centred (in the units of the fit, where targets are standardised), else the mean over
        tasks.
    coef_components_ : ndarray of shape (n_parts, n_outputs, n_features)
        The parts of ``coef_``, for penalties that split it ("dirty", "robust", ...).
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        Covariance of the tasks, of trace 1, that the penalty implies, for tasks with labels:
        :math:`(W'W)^{1/2} / \mathrm{tr}` for "squared_trace_norm", :math:`(\eta I + M) /
        \mathrm{tr}` for "clustered", and the pseudoinverse of Q over its trace for penalties
        :math:`\tfrac12 \mathrm{tr}(W Q W')` that compare tasks.
    alpha_, shared_alpha_, intercept_alpha_ : float
        The strengths of the fit: what "auto" has become; NaN where there was nothing to learn.
    dual_gap_ : float
        Upper bound on the distance of the objective from its optimum. Where targets are
        standardised, of the objective on the standardised scale.
    n_iter_ : int
        Iterations taken; 1 for a closed form.
    <task attributes>
"""

STREAM_ATTRIBUTES = """
    statistics_ : TaskStatistics
        What is left of the rows of `partial_fit`.
    history_ : dict of ndarray
        Of the calls of `partial_fit`: "n_rows" (n_calls,), and of shape (n_calls, n_tasks)
        "n_labels", the mean "deviance" of the labels from what was predicted for them before they
        were learned (the squared error for regression), and the "score" of that.
"""

SHARED = "with what the tasks share: the centre if there is one, else the mean over tasks."
