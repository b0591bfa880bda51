"""What the three estimators say alike."""

PARAMETERS = """
    hidden_layer_sizes : array-like of int, default=(128, 128)
        Units of the hidden layers that all tasks share. Empty for none: linear models.
    <task parameters>
    architecture : {"hard_sharing"} or Architecture, default="hard_sharing"
        How tasks share parameters; objects of `skmtl.neural.architectures` have settings.
    head_hidden_layer_sizes : array-like of int, default=()
        Units of the hidden layers that each task has for itself.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation of the hidden layers.
    dropout : float in [0, 1), default=0.0
        Probability that a hidden unit is left out of a training step.
    balancing : {"equal"} or Balancing, default="equal"
        How the losses of the tasks become one step; see `skmtl.neural.balancing`.
    task_weight : "labels", array-like of shape (n_tasks,) or dict, default=None
        Weight of each task in the objective, 1 by default: a task with few labels counts as
        much as one with many. "labels" makes every label count the same; try it where some
        tasks have far fewer labels than others. A dict names the exceptions. A task of weight
        0 does not touch what is shared, but its own head still learns.
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
"""

ATTRIBUTES = """
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
    <task attributes>
"""

SHARED = "with the mean over all tasks."
