"""What the linear estimators say alike."""

PARAMETERS = """
    penalty : {"l21", "l2", "l1", "trace", "mean"} or Penalty, default="l21"
        What the coefficients should look like: the same features for all tasks ("l21"), small
        ("l2"), few ("l1"), of low rank ("trace"), or close to their mean ("mean"). An object
        of `skmtl.linear.penalties` is searchable as ``penalty__weight``.
    alpha : float, default=1.0
        How strongly; 0 fits without penalty.
    <task parameters>
    center : bool, default=False
        Write W = w0 1' + V and penalise V only: tasks are pulled towards w0 instead of 0.
        With few rows a task this matters more than the choice of the penalty.
    fit_intercept : bool, default=True
        Whether to fit an intercept for each task.
    intercept_alpha : float, default=0.0
        Pulls the intercepts towards their mean; 0 leaves them free, inf makes them one.
    task_weight : "labels", list of float, dict {task: weight} or None, default=None
        Weight of each task in the loss, 1 by default: a task with few labels counts as much as
        one with many. "labels" makes every label count the same: the loss is a sum over all
        labels. A task of weight 0 has no influence on the others: its coefficients are those
        the penalty prefers (0, or the centre).
    scale_targets : "auto" or bool, default="auto"
        Whether to standardise regression targets before fitting (and map back). "auto" does
        so only where there are several task types, whose losses are not comparable otherwise.
    solver : {"auto", "closed_form", "proximal_gradient"}, default="auto"
        "closed_form" for squared loss with "l2" or "mean"; "proximal_gradient" for everything.
    max_iter : int, default=1000
        Largest number of iterations.
    tol : float, default=1e-4
        Stop when the duality gap is at most ``tol`` times the loss of constant predictions.
    warm_start : bool, default=False
        Start iterations from the coefficients of the previous fit.
"""

ATTRIBUTES = r"""
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients: one row a task, or a row for each class of a multiclass task. Without
        the task feature in long form.
    intercept_ : ndarray of shape (n_outputs,)
        Intercepts.
    shared_coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        What the tasks share, in long form or where centred: w0 if centred (in the units of
        the fit, where targets are standardised), else the mean over tasks.
    dual_gap_ : float
        Upper bound on the distance of the objective from its optimum. Where targets are
        standardised, of the objective on the standardised scale.
    n_iter_ : int
        Iterations taken; 1 for a closed form.
    <task attributes>
"""

SHARED = "with what the tasks share: the centre if there is one, else the mean over tasks."
