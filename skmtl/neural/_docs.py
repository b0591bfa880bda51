"""What the three estimators say alike."""

PARAMETERS = """
    hidden_layer_sizes : array-like of int, default=(128, 128)
        Units of the hidden layers that all tasks share. Empty for none: linear models.
    tasks : "auto", str, Task, list or dict, default="auto"
        What each column of y is: {tasks}
    task_feature : int or str, default=None
        Long form: index or name of the column of X that says which task a row belongs to; y
        then has one label a row. By default y has one column a task.
    unknown_task : {{"error", "shared"}}, default="error"
        Long form: what `predict` does with a task that `fit` did not see, raise or predict
        the mean over all tasks.
    architecture : {{"hard_sharing"}} or Architecture, default="hard_sharing"
        How tasks share parameters; objects of `skmtl.neural.architectures` have settings.
    head_hidden_layer_sizes : array-like of int, default=()
        Units of the hidden layers that each task has for itself.
    activation : {{"identity", "logistic", "tanh", "relu"}}, default="relu"
        Activation of the hidden layers.
    dropout : float in [0, 1), default=0.0
        Probability that a hidden unit is left out of a training step.
    balancing : {{"equal"}} or Balancing, default="equal"
        How the losses of the tasks become one step; see `skmtl.neural.balancing`.
    task_weight : array-like of shape (n_tasks,) or dict, default=None
        Weight of each task in the objective, 1 by default; a dict names the exceptions. A
        task of weight 0 does not touch what is shared, but its own head still learns.
    alpha : float, default=1e-4
        Strength of the L2 penalty, alpha / 2 times the sum of squared weights.
    learning_rate_init : float, default=1e-3
        Step size of Adam.
    batch_size : int or "auto", default="auto"
        Rows a step; "auto" is 200. At most all rows are taken.
    max_iter : int, default=200
        Epochs at most.
    early_stopping : bool, default=False
        Hold out rows, stop when the loss there does not improve, and keep the best epoch.
        Otherwise the training loss decides on stopping.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held out for early stopping. A label of each task, and of each
        class, stays in training.
    n_iter_no_change : int, default=10
        Epochs without an improvement by ``tol`` after which training stops.
    tol : float, default=1e-4
        Improvement of the mean task loss that counts.
    warm_start : bool, default=False
        Go on from the previous fit: same tasks and classes, same shape of the network.
    device : str, default="cpu"
        Where to train and predict: "cpu", "cuda", or any other device of PyTorch.
    n_threads : int, default=None
        Threads of a fit; None takes one where a step is small. Never more than PyTorch is set
        to use already.
    random_state : int, RandomState instance or None, default=None
        Decides initial weights, the order of the rows, dropout and the rows held out. One
        value gives bit-equal fits on the CPU.
    verbose : bool or int, default=False
        Print a line after each epoch, or after every so many.
""".strip("\n")

ATTRIBUTES = """
    tasks_ : list of Task
        What each task is.
    task_names_in_ : ndarray of shape (n_tasks,)
        Columns of y, or values of the task feature.
    classes_ : list of ndarray, or ndarray if y was 1-D
        Classes of each task, None for regression. {classes}
    loss_curve_ : ndarray of shape (n_iter_, n_tasks)
        Training loss of each task in each epoch; regression in standardised units. NaN for a
        task without labels.
    history_ : dict of ndarray
        "loss" and "task_weight" of shape (n_iter_, n_tasks); with early stopping also
        "validation_loss", NaN for tasks without labels among the rows held out.
    n_iter_ : int
        Number of epochs.
    best_loss_ : float
        Lowest mean task loss: on the rows held out with early stopping, in training otherwise.
    best_validation_score_ : float or None
        `score` on the rows held out, with the weights that were kept.
    diverged_ : bool
        Whether the loss became infinite, NaN, or a million times the first; the weights of
        the epoch before it are kept.
    interrupted_ : bool
        Whether the fit was interrupted from the keyboard; the best complete epoch is kept.
    n_features_in_ : int
        Number of features of X, the task feature included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features of X, where it has any.
""".strip("\n")

TASKS = {
    "any": """"regression", "binary", "multiclass", "count" or an
        object of `skmtl.tasks` for all; a list with one entry a task; or a dict by name. "auto"
        takes bool, string, category and 0/1 columns as classes and other numbers as regression.""",
    "regression": """by default all are regression; a list or dict
        sets losses, ``Regression(loss="huber")`` for example.""",
    "classification": """"binary" or "multiclass", by default
        after the number of its labels; a list or dict sets class weights for example.""",
}


def documented(cls):
    """Fill the shared sections into the docstring of an estimator."""
    attributes = ATTRIBUTES
    start = attributes.index("    classes_")
    end = attributes.index("    loss_curve_")
    if cls._kind == "regression":
        attributes = attributes[:start] + attributes[end:]
    classes = "Only if there are any classes." if cls._kind == "any" else ""
    if cls.__doc__:  # None under python -OO
        cls.__doc__ = (
            cls.__doc__.replace("    <parameters>", PARAMETERS.format(tasks=TASKS[cls._kind]))
            .replace("    <attributes>", attributes.format(classes=classes))
        )
    return cls
