"""How the columns of W belong to tasks."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from skmtl.linear.penalties import Atom

Array = NDArray[Any]


class Layout:
    """W (n_features, n_tasks * n_classes), seen with one column per task.

    Parameters
    ----------
    shape : tuple (n_features, n_outputs)
        Shape of W.
    n_tasks : int
        Number of tasks, a divisor of n_outputs.
    """

    def __init__(self, shape: tuple[int, int], n_tasks: int) -> None:
        self.shape, self.n_tasks = shape, n_tasks
        self.n_classes = shape[1] // n_tasks

    def tasks(self, V: Array) -> Array:
        """(features, tasks * classes) as (features * classes, tasks)."""
        if self.n_classes == 1:
            return V
        by_task = V.reshape(len(V), self.n_tasks, self.n_classes).swapaxes(1, 2)
        return by_task.reshape(-1, self.n_tasks)

    def back(self, V: Array) -> Array:
        """The inverse of `tasks`."""
        if self.n_classes == 1:
            return V
        by_class = V.reshape(-1, self.n_classes, self.n_tasks).swapaxes(1, 2)
        return by_class.reshape(self.shape)

    def view(self, atom: Atom, V: Array) -> Array:
        """V as an atom of the penalty reads it."""
        return self.tasks(V) if atom.over_tasks else V

    def without_mean(self, V: Array) -> Array:
        """V less its mean over tasks."""
        V = self.tasks(V)
        return self.back(V - V.mean(axis=1, keepdims=True))
