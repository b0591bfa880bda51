"""The parameters of the three estimators: what they may be, and what they mean."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skmtl._docstrings import documented
from skmtl._random import RANDOM_STATE
from skmtl.tasks._constraints import CLASS_WEIGHT, TASK_WEIGHT, TASKS

ACTIVATIONS = {"identity", "logistic", "tanh", "relu", "silu", "gelu"}

CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    **TASKS,
    **CLASS_WEIGHT,
    "architecture": [str, HasMethods("build")],
    "head_hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "linear_skip": [StrOptions({"auto"}), "boolean"],
    "feature_scaling": [StrOptions({"auto", "robust", "standard"}), None],
    "numeric_embedding": [str, HasMethods(["fit", "transform"]), HasMethods("layer"), None],
    "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
    "activation": [StrOptions(ACTIVATIONS)],
    "dropout": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
    "normalization": [StrOptions({"layer", "batch"}), None],
    "balancing": [str, HasMethods("start"), callable],
    **TASK_WEIGHT,
    "solver": [StrOptions({"adam", "adamw", "sgd"})],
    "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
    "learning_rate": [StrOptions({"auto", "constant", "cosine", "one_cycle", "plateau"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "early_stopping": ["boolean"],
    "monitor": "no_validation",
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "warm_start": ["boolean"],
    "half_life": [Interval(Real, 0, None, closed="neither"), None],
    "device": [str],
    "precision": [StrOptions({"auto", "float32", "bfloat16"})],
    "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    "random_state": RANDOM_STATE,
    "verbose": ["verbose"],
}

PARAMETERS = """
    hidden_layer_sizes : array-like of int, default=(64, 64)
        Units of the hidden layers that all tasks share. Empty for none: linear models.
    <task parameters>
    architecture : str or Architecture, default="auto"
        How tasks share parameters: "auto", which is "hard_sharing" for wide y and "common_head" in
        long form; an alias or an object of `skmtl.neural.architectures`, which
        has settings and can be searched (``architecture__n_experts``).
    head_hidden_layer_sizes : array-like of int, default=()
        Units of the hidden layers of each head.
    linear_skip : bool or "auto", default="auto"
        Whether a linear path leads from the inputs to every head, beside the hidden layers. It
        belongs to the tasks, as heads do, and starts at zero. "auto": for wide y, unless there are
        no hidden layers, or the network or trunk is one that the user gives.
    feature_scaling : {"auto", "robust", "standard"} or None, default="auto"
        How columns of X are put on one scale, by what `fit` finds in the rows with labels.
        "robust" subtracts the median, divides by the standard deviation, or by what the quartiles
        say of it where outliers decide, and bends what is far off, z / sqrt(1 + (z / 5)**2)
        (after Holzmueller et al., NeurIPS 2024). "standard" subtracts the mean and divides by the
        standard deviation.
        "auto" is "robust", but leaves X as it is for a network or trunk that the user gives.
        Sparse X is divided only, so that 0 stays 0. Calls of `partial_fit` after the first, and
        fits that go on, keep the scale they find (but for ``half_life``).
    numeric_embedding : str, transformer or None, default="auto"
        What a network reads beside each number: "piecewise_linear" (`PiecewiseLinear`) helps
        where labels jump or bend with single columns, "periodic" (`Periodic`) where they wave.
        "auto" is piecewise linear for columns with three to 16 values, which are levels rather
        than quantities, unless labels are mostly noise (see ``alpha``) and levels explain less
        of them than numbers do, and nothing for others, for sparse X, and for networks that the
        user gives. An alias or an object of `skmtl.neural.inputs`, or any transformer of
        scikit-learn, for dense X.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Columns of X that hold categories, strings or numbers: "from_dtype" takes those of a
        DataFrame whose dtype is categorical, unless the network or trunk is one that the user
        gives; an array is a mask, indices or names; None is no column. A network reads an
        input for each category that has labels in `fit`, and one for what is missing there; for
        columns of more than eight categories, a vector that is trained for each. A category that it
        has not seen counts as missing. Calls of `partial_fit` after the first know the categories
        of the first.
    activation : {"identity", "logistic", "tanh", "relu", "silu", "gelu"}, default="gelu"
        Activation of the hidden layers: scikit-learn's, and smooth relatives of relu, x / (1 +
        exp(-x)) ("silu") and x times the normal distribution function ("gelu"; Hendrycks and
        Gimpel, 2016).
    dropout : float in [0, 1) or "auto", default="auto"
        Probability that a hidden unit is left out of a training step (Srivastava et al., JMLR
        2014). "auto" is 0.1, for classes 0.5, in the mean over the tasks.
    normalization : {"layer", "batch"}, default=None
        What hidden units, those of heads included, are normalised over before their activation.
        "layer" (Ba et al., 2016): the units of a row. "batch" (Ioffe and Szegedy, ICML 2015):
        each unit over the rows of a batch, and over running statistics to predict. All rows
        count, also for a task whose label they lack; in long form what belongs to a task sees
        its own rows only. A single row is normalised by the running statistics. A trunk that
        the user gives is left alone.
    balancing : str, Balancing or callable, default="equal"
        How the losses of the tasks become one step: an alias or an object of
        `skmtl.neural.balancing`, or a function from the Gramian of the tasks' gradients
        (n_tasks, n_tasks) to their weights (n_tasks,). `partial_fit` goes on with what a method
        has learnt in earlier calls, unless the parameter has changed.
    task_weight : "labels", array-like of shape (n_tasks,) or dict, default=None
        Weight of each task in the objective, 1 by default: a task with few labels counts as
        much as one with many. "labels" makes every label count the same; try it where some
        tasks have far fewer labels than others. A dict names the exceptions, a Series names all
        tasks, a list is in their order. A task of weight 0 does not touch what is shared, but
        its own head still learns.
    solver : {"adam", "adamw", "sgd"}, default="adamw"
        How gradients become steps: Adam (Kingma and Ba, ICLR 2015); AdamW (Loshchilov and
        Hutter, ICLR 2019), which shrinks the weights apart from the gradient; or stochastic
        gradient descent with momentum, as scikit-learn's.
    alpha : float or "auto", default="auto"
        Strength of the decay of the weights; biases are free. With ``solver="adamw"``, the weights
        lose a share of alpha times the step size before each step. "auto" is there
        (a b + (b + c) d u / (1 - u)) / eta with eta = ``learning_rate_init``, b = B / (50 n) for
        batches of B out of n rows, a = 1 and c = 0.006 (2 and 0 for classes, in the mean over the
        tasks), and the share u of noise in the labels that kernel ridge regression finds on at most
        400 rows, leaving out one row each time in closed form; d > 1, up to 16, is the eighth power
        of what a curved function leaves over what a linear one does, where that is less (all of it
        less where that is one of small differences of features, as of spectra): few rows
        (Wang and Aitchison, ICML 2025), noisy labels and straight functions make a strong decay.
        Where most of up to 5,000 labels is noise,
        further networks train beside it, without a fourth of the rows each; by the rows held out
        the raw scores are drawn to those of a constant, as far as lowers their loss (Copas, JRSS B
        1983). With the other solvers, alpha / 2 times the sum of squared weights is added to the
        objective, and "auto" is 1e-4.
    learning_rate : {"auto", "constant", "cosine", "one_cycle", "plateau"}, default="auto"
        How the step size changes. "cosine" (Loshchilov and Hutter, ICLR 2017, no restarts) and
        "one_cycle" (Smith and Topin, 2018) change it from step to step, so that few epochs
        follow the curve as well. After the share p of the steps of ``max_iter`` epochs, cosine
        is at learning_rate_init * (1 + cos(pi * p)) / 2, times a line that rises from 0 to 1 in
        the first twentieth; one cycle rises in a line from learning_rate_init / 25 at p = 0 to
        learning_rate_init at p = 0.3, and from there falls to 0 as cosine does. Such a fit has all
        ``max_iter`` epochs and ends without a warning, unless early stopping ends it. "plateau"
        divides it by 5 after an epoch, whenever the monitored loss has not improved by ``tol`` in
        ``n_iter_no_change // 2`` epochs (at least one). "auto" is cosine where tasks are numbers;
        where they are classes it is constant after the warm-up, and the fit ends at the mean of
        the parameters that the last half of its steps have led to (Polyak and Juditsky, 1992);
        where the share c are classes, it is c times the one and 1 - c times the other, and a share
        of c / 2 of the steps is averaged. In long form, with early stopping and with batch
        normalisation it is cosine, too. `partial_fit` takes constant steps,
        whatever this is.
    learning_rate_init : float, default=1e-2
        Step size; the highest one where it changes.
    momentum : float in [0, 1], default=0.9
        Share of the last step that goes into the next. Only with ``solver="sgd"``.
    nesterovs_momentum : bool, default=True
        Whether the momentum is Nesterov's. Only with ``solver="sgd"`` and momentum > 0.
    max_grad_norm : float, default=None
        Norm to which the gradient over all parameters, before the penalty is added, is
        shortened where it is longer (Pascanu et al., ICML 2013). None leaves it as it is.
    batch_size : int or "auto", default="auto"
        Rows per step, at most all; "auto" is 64 for up to 2,048 rows, 256 from 8,192 on, a 32nd
        of the rows in between, or a little less, so that batches are of one size.
    max_iter : int or "auto", default="auto"
        Epochs at most. "auto" counts steps: as many epochs as have 500 of them, at least 30, or
        30 - 15 u for wide y with a share u of noise (see ``alpha``).
    early_stopping : bool, default=False
        Hold out rows, stop when the loss there does not improve, and keep the best epoch.
        Where ``validation_fraction`` of the rows is fewer than 100, no row is lost: beside the
        network four others train at once, each without a fourth of the rows, and the loss of
        every row in the network that has not seen it decides on the epoch. Without early stopping
        the training loss decides on stopping, and the last epoch is kept, unless training
        diverged (see ``diverged_``).
    monitor : {"mean", "worst"} or name of a task, default="mean"
        The loss that decides: the mean over the tasks, weighted by ``task_weight``; the
        largest of any task with a weight; or that of one task, as ``task_names_in_`` has it.
        Losses are in the units of ``loss_curve_``. `partial_fit` does not need it.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held out for early stopping, where there are many. A label of each
        task, and of each class, stays in training.
    n_iter_no_change : int, default=10
        Epochs without an improvement by ``tol`` after which training stops.
    tol : float, default=1e-4
        Improvement of the monitored loss that counts.
    warm_start : bool, default=False
        Go on from the weights of the previous fit: same tasks and classes, same shape of the
        network, in which a task without labels then has a place from the start. Solver,
        schedule and balancing method start anew, as scikit-learn's solvers do; from a file of
        `skmtl.neural.Checkpoint` a fit goes on exactly.
    half_life : float, default=None
        In `partial_fit`, how many rows later a row counts half in what does not follow a stream by
        itself: location and scale of regression targets, scales of features, and how many labels
        there are. For streams whose relations or units drift. None keeps the units of the first
        call, and forgets nothing but by training.
    device : str, default="cpu"
        Where to train and predict: "cpu", "cuda", or any other device of PyTorch.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        "auto" trains in float32 if X is, else in float64; "float32" always. "bfloat16" is mixed
        precision, made for CUDA: layers multiply matrices in bfloat16, while parameters, losses
        and predictions are in float32. There is no float16, whose gradients underflow.
    n_threads : int, default=None
        Threads of a fit; None takes one where a step is small. Never more than PyTorch is set
        to use already.
    random_state : int, RandomState or Generator instance or None, default=None
        Decides initial weights, the order of the rows, dropout and the rows held out. One
        value gives bit-equal fits on the CPU. What belongs to a task alone is drawn from the
        seed and the name of the task: its column of a DataFrame, its value of the task
        feature, its position in an array. So columns of a DataFrame in another order give the
        same results in that order (without dropout, and but for rounding), and a column with
        another name gives another fit.
    verbose : bool or int, default=False
        Print a line after each epoch, or after every so many.
"""

ATTRIBUTES = """
    loss_curve_ : ndarray of shape (n_iter_, n_tasks)
        Training loss of each task in each epoch; regression in standardised units. NaN for a
        task without labels.
    history_ : dict of ndarray
        "loss" and "task_weight" of shape (n_iter_, n_tasks); with early stopping also
        "validation_loss", NaN for tasks without labels among the rows held out. Of the calls
        of `partial_fit` also "n_rows" (n_calls,), and of shape (n_calls, n_tasks) "n_labels", the
        mean "deviance" of the labels from what was predicted for them before they were learned
        (the squared error for regression), and the "score" of that.
    n_iter_ : int
        Number of epochs.
    best_loss_ : float
        Lowest monitored loss: on the rows held out with early stopping, in training otherwise.
    best_validation_score_ : float or None
        `score` on the rows held out, with the weights that were kept.
    diverged_ : bool
        Whether the loss became infinite, NaN, or a million times that of the start, or ended
        far above that of the start and that of a constant. The last weights whose loss was
        good are kept, those before the first step if there are no others.
    interrupted_ : bool
        Whether the fit was interrupted from the keyboard; the best complete epoch is kept.
    <task attributes>
"""

SHARED = "with the mean over all tasks."

network = documented(PARAMETERS, ATTRIBUTES, shared=SHARED)
"""Decorator that fills these texts into the docstring of an estimator."""
