"""What a fitted network remembers of its training."""

import numpy as np

from skmtl._innermost import final_estimator


def fitted_network(estimator, caller):
    """The network with a history, out of what a user fitted."""
    network = final_estimator(estimator)
    if not hasattr(network, "history_"):
        raise TypeError(
            f"{caller} needs a fitted network, such as MultiTaskMLP; "
            f"{type(network).__name__} has no history_ of its training."
        )
    return network


def best_epoch(network):
    """Number, from 1, of the epoch whose weights early stopping kept; None without it."""
    history = network.history_
    if "validation_loss" not in history:
        return None
    from skmtl.neural.training._validation import read_monitor

    names, losses = network.task_names_in_, history["validation_loss"]
    has_loss = ~np.isnan(losses).all(axis=0)
    monitor = read_monitor(network.monitor, names, _task_weights(network), has_loss)
    monitored = monitor(losses)
    epoch = int(np.argmin(monitored))
    # Weights that came and went with calls of `fit` are not known: better no mark than a wrong one.
    return epoch + 1 if np.isclose(monitored[epoch], network.best_loss_, rtol=1e-6) else None


def _task_weights(network):
    """Weights of the tasks in the monitored mean."""
    from skmtl.tasks._weights import read_task_weight

    if network.balancing == "equal":
        return network.history_["task_weight"][-1]
    names, n_labels = network.task_names_in_.tolist(), network._task_set.n_labels
    return read_task_weight(network.task_weight, names, n_labels.astype(float))
